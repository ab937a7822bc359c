//! Many subscribers that note when which filing reached them.
//!
//! They speak the websocket by hand and read two fields by text search: with a thousand
//! full clients on the same machine, the clients would be what is measured.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, bail};
use jiff::Timestamp;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

/// When a filing was sighted, and when it reached each subscriber, by the machine's clock.
#[derive(Debug, Clone, Default)]
pub struct Arrivals {
    /// The event's `seen_at`, in the server's time.
    pub seen_at: Option<Timestamp>,
    /// One for each subscriber that has it; more would mean a doubled event.
    pub at: Vec<Timestamp>,
}

/// First byte of a whole text frame.
const TEXT: u8 = 0x81;

/// First byte of a ping.
const PING: u8 = 0x89;

/// A pong without payload, masked with zeros as a client must.
const EMPTY_PONG: [u8; 6] = [0x8a, 0x80, 0, 0, 0, 0];

type Noted = Arc<Mutex<HashMap<String, Arrivals>>>;

/// A crowd of subscribers.
#[derive(Debug)]
pub struct Crowd {
    noted: Noted,
    tasks: JoinSet<()>,
}

/// A connection and what came over it but is not read yet.
struct Connection {
    socket: TcpStream,
    buffer: Vec<u8>,
}

impl Crowd {
    /// Connects `count` subscribers of `filing.seen` to `addr`, `host:port`.
    ///
    /// # Errors
    /// When one is not let in.
    pub async fn connect(addr: &str, key: &str, count: usize) -> anyhow::Result<Self> {
        let noted = Noted::default();
        let mut tasks = JoinSet::new();
        for _ in 0..count {
            let opened = Connection::open(addr, key).await;
            let mut connection = opened
                .context("the crowd does not gather; is the limit of open files high enough?")?;
            let noted = noted.clone();
            tasks.spawn(async move {
                while let Ok(frame) = connection.frame().await {
                    note(&noted, &String::from_utf8_lossy(&frame));
                }
            });
        }
        Ok(Self { noted, tasks })
    }

    /// What has arrived so far, by accession.
    pub fn arrivals(&self) -> HashMap<String, Arrivals> {
        self.noted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Forgets what has arrived.
    pub fn forget(&self) {
        self.noted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Ends all subscribers.
    pub async fn leave(mut self) {
        self.tasks.shutdown().await;
    }
}

impl Connection {
    /// Connects, and returns when `hello` and `subscribed` have come: nothing is missed then.
    async fn open(addr: &str, key: &str) -> anyhow::Result<Self> {
        let mut socket = TcpStream::connect(addr).await?;
        let request = format!(
            "GET /v1/stream?types=filing.seen HTTP/1.1\r\nHost: {addr}\r\nUpgrade: websocket\r\n\
            Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer {key}\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).await?;
        let mut connection = Self {
            socket,
            buffer: Vec::new(),
        };
        let head = connection.head().await?;
        if !head.starts_with("HTTP/1.1 101") {
            bail!("a subscriber is not let in: {head}");
        }
        for expected in ["hello", "subscribed"] {
            let frame = String::from_utf8(connection.frame().await?)?;
            if !frame.contains(expected) {
                bail!("a subscriber is turned away: {frame}");
            }
        }
        Ok(connection)
    }

    async fn head(&mut self) -> anyhow::Result<String> {
        loop {
            if let Some(end) = self
                .buffer
                .windows(4)
                .position(|window| window == b"\r\n\r\n")
            {
                let head = self.buffer.drain(..end + 4).collect();
                return Ok(String::from_utf8(head)?);
            }
            self.read().await?;
        }
    }

    /// The payload of the next text frame; pings are answered. Servers do not mask.
    async fn frame(&mut self) -> anyhow::Result<Vec<u8>> {
        loop {
            let Some((start, end)) = extent(&self.buffer) else {
                self.read().await?;
                continue;
            };
            let frame: Vec<u8> = self.buffer.drain(..end).collect();
            match frame[0] {
                TEXT => return Ok(frame[start..].to_vec()),
                PING => self.socket.write_all(&EMPTY_PONG).await?,
                _ => {}
            }
        }
    }

    async fn read(&mut self) -> anyhow::Result<()> {
        match self.socket.read_buf(&mut self.buffer).await? {
            0 => bail!("the server has closed the connection"),
            _ => Ok(()),
        }
    }
}

/// Where the payload of the first frame begins and ends, once it is all there.
fn extent(bytes: &[u8]) -> Option<(usize, usize)> {
    let (start, length) = match *bytes.get(1)? {
        126 => (
            4,
            usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)),
        ),
        127 => (
            10,
            usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?,
        ),
        short => (2, usize::from(short)),
    };
    let end = start + length;
    (bytes.len() >= end).then_some((start, end))
}

fn note(noted: &Noted, text: &str) {
    let now = Timestamp::now();
    if !text.starts_with("{\"type\":\"filing.seen\"") {
        return;
    }
    let Some(accession) = field(text, "\"accession\":\"") else {
        return;
    };
    let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(filing) = noted.get_mut(accession) {
        filing.at.push(now);
        return;
    }
    let seen_at = field(text, "\"seen_at\":\"").and_then(|time| time.parse().ok());
    noted.insert(
        accession.to_owned(),
        Arrivals {
            seen_at,
            at: vec![now],
        },
    );
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(name)?;
    rest.split('"').next()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_found_once_it_is_whole() {
        let mut long = vec![0x81, 126, 0x01, 0x00];
        long.extend([b'x'; 256]);

        assert_eq!(extent(&[0x81, 2, b'h', b'i', 0x81]), Some((2, 4)));
        assert_eq!(extent(&long), Some((4, 260)));
        assert_eq!(extent(&long[..259]), None);
        assert_eq!(extent(&[0x81]), None);
    }
}
