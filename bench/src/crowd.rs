//! Many subscribers that note when which filing reached them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Context;
use futures_util::StreamExt;
use jiff::Timestamp;
use tokio::task::JoinSet;
use tokio_tungstenite::{
    connect_async_with_config,
    tungstenite::{Message, client::IntoClientRequest, protocol::WebSocketConfig},
};

/// When a filing was sighted, and when it reached each subscriber, by the machine's clock.
#[derive(Debug, Clone, Default)]
pub struct Arrivals {
    /// The event's `seen_at`, in the server's time.
    pub seen_at: Option<Timestamp>,
    /// One for each subscriber that has it; more would mean a doubled event.
    pub at: Vec<Timestamp>,
}

/// A crowd of subscribers.
#[derive(Debug)]
pub struct Crowd {
    arrivals: Arc<Mutex<HashMap<String, Arrivals>>>,
    tasks: JoinSet<()>,
}

impl Crowd {
    /// Connects `count` subscribers of `filing.seen`.
    ///
    /// # Errors
    /// When one is not let in.
    pub async fn connect(url: &str, key: &str, count: usize) -> anyhow::Result<Self> {
        let arrivals = Arc::default();
        let mut tasks = JoinSet::new();
        for _ in 0..count {
            let mut request = format!("{url}?types=filing.seen").into_client_request()?;
            request
                .headers_mut()
                .insert("authorization", format!("Bearer {key}").parse()?);
            let small = WebSocketConfig::default().read_buffer_size(8 * 1024);
            let connected = connect_async_with_config(request, Some(small), true).await;
            let (mut socket, _) = connected.context("a subscriber is not let in")?;
            let arrivals: Arc<Mutex<HashMap<String, Arrivals>>> = Arc::clone(&arrivals);
            // Hello and subscribed: from here on nothing is missed.
            for _ in 0..2 {
                socket
                    .next()
                    .await
                    .context("a subscriber is turned away")??;
            }
            tasks.spawn(async move {
                while let Some(Ok(message)) = socket.next().await {
                    if let Message::Text(text) = message {
                        note(&arrivals, &text);
                    }
                }
            });
        }
        Ok(Self { arrivals, tasks })
    }

    /// What has arrived so far, by accession.
    pub fn arrivals(&self) -> HashMap<String, Arrivals> {
        self.arrivals
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Forgets what has arrived.
    pub fn forget(&self) {
        self.arrivals
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// Ends all subscribers.
    pub async fn leave(mut self) {
        self.tasks.shutdown().await;
    }
}

/// Reads two fields by text search: a thousand JSON parsers would be what is measured.
fn note(arrivals: &Mutex<HashMap<String, Arrivals>>, text: &str) {
    let now = Timestamp::now();
    if !text.starts_with("{\"type\":\"filing.seen\"") {
        return;
    }
    let Some(accession) = field(text, "\"accession\":\"") else {
        return;
    };
    let mut arrivals = arrivals.lock().unwrap_or_else(PoisonError::into_inner);
    let entry = arrivals.entry(accession.to_owned()).or_default();
    if entry.seen_at.is_none() {
        entry.seen_at = field(text, "\"seen_at\":\"").and_then(|time| time.parse().ok());
    }
    entry.at.push(now);
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(name)?;
    rest.split('"').next()
}
