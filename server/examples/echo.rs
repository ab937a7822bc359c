//! Echoes every message through the program's own websocket, for conformance suites.
//!
//! ```text
//! cargo run --example echo -- 127.0.0.1:9001
//! ```
//!
//! The handshake is tungstenite's, as in the program; all else is `filingwire::websocket`,
//! driven by one thread that never waits for a client.
#![allow(clippy::print_stdout, reason = "it says where it listens")]

use std::{collections::HashMap, io, net::TcpListener, time::Duration};

use filingwire::websocket::{Heard, Websocket};
use mio::{Events, Interest, Poll, Token, event::Event};
use tokio_tungstenite::tungstenite::{Message, accept};

/// Longer than any message of the suites.
const MAX_MESSAGE: usize = 64 << 20;

const NORMAL: u16 = 1000;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:0"))?;
    println!("listening on {}", listener.local_addr()?);
    let poll = Poll::new()?;
    let (entered, newcomers) = std::sync::mpsc::sync_channel(64);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            if let Ok(websocket) = accept(stream) {
                let _ = entered.send(websocket.into_inner());
            }
        }
    });
    let mut echo = Echo {
        poll,
        clients: HashMap::new(),
        entered: 0,
    };
    let mut events = Events::with_capacity(64);
    loop {
        while let Ok(stream) = newcomers.try_recv() {
            echo.enter(stream)?;
        }
        echo.poll
            .poll(&mut events, Some(Duration::from_millis(1)))?;
        for event in &events {
            echo.stir(event);
        }
    }
}

struct Echo {
    poll: Poll,
    clients: HashMap<Token, Client>,
    entered: usize,
}

struct Client {
    socket: Websocket,
    closing: bool,
}

impl Echo {
    fn enter(&mut self, stream: std::net::TcpStream) -> io::Result<()> {
        stream.set_nonblocking(true)?;
        let stream = mio::net::TcpStream::from_std(stream);
        let mut socket = Websocket::new(stream, &[], Vec::new(), MAX_MESSAGE);
        self.entered += 1;
        let token = Token(self.entered);
        let interest = Interest::READABLE | Interest::WRITABLE;
        let registry = self.poll.registry();
        registry.register(socket.stream(), token, interest)?;
        let closing = false;
        self.clients.insert(token, Client { socket, closing });
        Ok(())
    }

    fn stir(&mut self, event: &Event) {
        let Some(client) = self.clients.get_mut(&event.token()) else {
            return;
        };
        if !client.is_alive() {
            self.clients.remove(&event.token());
        }
    }
}

impl Client {
    /// Hears and answers all there is; whether there may be more later.
    fn is_alive(&mut self) -> bool {
        while !self.closing {
            match self.socket.hear() {
                Heard::Message(Message::Text(text)) => self.socket.say(text.to_string()),
                Heard::Message(Message::Binary(bytes)) => self.socket.say_binary(bytes),
                Heard::Message(_) => {}
                Heard::Silence => return self.socket.flush().is_ok(),
                Heard::Enough => match self.socket.flush() {
                    Ok(true) => {}
                    flushed => return flushed.is_ok(),
                },
                Heard::Gone => {
                    let _ = self.socket.flush();
                    return false;
                }
                Heard::Fault(code) => self.close(code.into()),
                Heard::TooLarge => self.close(NORMAL),
            }
        }
        match self.socket.flush() {
            Ok(true) => self.socket.finish(),
            Ok(false) => {}
            Err(_) => return false,
        }
        !self.socket.ignore()
    }

    fn close(&mut self, code: u16) {
        self.socket.say_close(code, "");
        self.closing = true;
    }
}
