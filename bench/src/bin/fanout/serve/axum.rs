//! What one would write in an afternoon: axum, a broadcast channel, a task per socket.
//!
//! Invariant: as the library has it; who falls behind the channel's capacity loses events.
#![allow(clippy::print_stdout, reason = "the line says where it listens")]

use std::io::BufRead;

use axum::{
    Router,
    extract::{
        State, WebSocketUpgrade,
        ws::{Message, Utf8Bytes, WebSocket},
    },
    response::Response,
    routing::get,
    serve::ListenerExt,
};
use tokio::{
    net::TcpListener,
    sync::{broadcast, oneshot},
};

use crate::wire::event;

/// Events the channel holds for those who are behind.
const CAPACITY: usize = 4096;

type Events = broadcast::Sender<Utf8Bytes>;

/// Serves until stdin ends.
///
/// # Errors
/// When it cannot listen.
#[tokio::main]
pub(super) async fn run() -> anyhow::Result<()> {
    let (events, _) = broadcast::channel(CAPACITY);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!(r#"{{"port":{}}}"#, listener.local_addr()?.port());
    let (over, is_over) = oneshot::channel::<()>();
    let publisher = events.clone();
    std::thread::spawn(move || {
        publish(&publisher);
        drop(over);
    });
    let listener = listener.tap_io(|socket| {
        // Without it an event waits for the peer to acknowledge the one before.
        let _ = socket.set_nodelay(true);
    });
    let router = Router::new().route("/", get(upgrade)).with_state(events);
    tokio::select! {
        served = axum::serve(listener, router) => Ok(served?),
        _ = is_over => Ok(()),
    }
}

fn publish(events: &Events) {
    let lines = std::io::stdin().lock().lines();
    for (number, _) in (1..).zip(lines.map_while(Result::ok)) {
        let text = String::from_utf8(event(number)).expect("an event is ASCII");
        // Nobody may be there yet.
        let _ = events.send(text.into());
    }
}

async fn upgrade(State(events): State<Events>, upgrade: WebSocketUpgrade) -> Response {
    let subscription = events.subscribe();
    upgrade.on_upgrade(move |socket| send_all(socket, subscription))
}

async fn send_all(mut socket: WebSocket, mut events: broadcast::Receiver<Utf8Bytes>) {
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Ok(text) => {
                    if socket.send(Message::Text(text)).await.is_err() {
                        return;
                    }
                }
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return,
            },
            heard = socket.recv() => match heard {
                Some(Ok(_)) => {}
                _ => return,
            },
        }
    }
}
