//! What goes over a subscriber's socket: the upgrade, and frames counted as they come.
//!
//! Frames are told apart by their heads alone: with ten thousand subscribers on one core,
//! a generator that read the payloads would be what is measured.
//!
//! Invariant: a [`Counter`] gives the same count however the bytes are cut into reads.

/// What every upgrade asks with; the answer to it is [`ACCEPT`].
pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// `Sec-WebSocket-Accept` for [`KEY`].
pub(crate) const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Bytes of an event's payload.
pub(crate) const EVENT_BYTES: usize = 450;

/// A frame with at least so many bytes of payload is an event: greetings and heartbeats are
/// shorter, and of an event of [`EVENT_BYTES`] a few may be missing where a server trims
/// the zeros of its times.
const EVENT_BYTES_LEAST: u64 = 420;

/// A pong without payload, masked with zeros as a client must.
pub(crate) const EMPTY_PONG: [u8; 6] = [0x8a, 0x80, 0, 0, 0, 0];

/// How events lie in frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// One frame each.
    Frames,
    /// NATS: a stream of messages, each `MSG e 1 450`, payload and line ends, cut into
    /// frames as it pleases the server.
    Nats,
}

/// What some bytes brought.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counted {
    /// Events that are complete now.
    pub(crate) events: u32,
    /// The server asks whether we live.
    pub(crate) pinged: bool,
    /// The server closes.
    pub(crate) closed: bool,
}

/// Counts the frames of one connection.
#[derive(Debug)]
pub(crate) struct Counter {
    dialect: Dialect,
    /// Data frames still to come before the first event can.
    greetings: u32,
    head: [u8; 10],
    head_len: u8,
    /// Bytes of the current frame's payload that are still to come.
    left: u64,
    /// Bytes of NATS messages that make up no whole message yet.
    loose: u64,
}

/// Bytes of an event as NATS sends it.
const NATS_EVENT_BYTES: u64 = "MSG e 1 450\r\n".len() as u64 + EVENT_BYTES as u64 + 2;

/// `PING` and its line end, which NATS sends every two minutes.
const NATS_PING_BYTES: u64 = 6;

impl Counter {
    /// Of a server that sends `greetings` data frames before any event.
    pub(crate) fn new(dialect: Dialect, greetings: u32) -> Self {
        Self {
            dialect,
            greetings,
            head: [0; 10],
            head_len: 0,
            left: 0,
            loose: 0,
        }
    }

    /// Whether the server has greeted: all that is published from now on must come.
    pub(crate) fn is_greeted(&self) -> bool {
        self.greetings == 0
    }

    /// Takes what was read.
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) -> Counted {
        let mut counted = Counted::default();
        while !bytes.is_empty() {
            if self.left == 0 && !self.take_head(&mut bytes) {
                break;
            }
            let here = self.left.min(bytes.len() as u64);
            self.left -= here;
            bytes = &bytes[here as usize..];
            if self.left == 0 {
                self.finish(&mut counted);
            }
        }
        counted
    }

    /// Takes bytes of a frame's head; whether it is complete.
    fn take_head(&mut self, bytes: &mut &[u8]) -> bool {
        while let Some((first, rest)) = bytes.split_first() {
            self.head[usize::from(self.head_len)] = *first;
            self.head_len += 1;
            *bytes = rest;
            if let Some(length) = payload_length(&self.head[..usize::from(self.head_len)]) {
                self.left = length;
                return true;
            }
        }
        false
    }

    fn finish(&mut self, counted: &mut Counted) {
        let head = &self.head[..usize::from(self.head_len)];
        let length = payload_length(head).unwrap_or_default();
        match (head[0] & 0x0f, self.dialect) {
            (8, _) => counted.closed = true,
            (9, _) => counted.pinged = true,
            (0..=2, _) if self.greetings > 0 => self.greetings -= 1,
            (0..=2, Dialect::Nats) if length > NATS_PING_BYTES => {
                self.loose += length;
                counted.events += (self.loose / NATS_EVENT_BYTES) as u32;
                self.loose %= NATS_EVENT_BYTES;
            }
            (1 | 2, Dialect::Frames) if length >= EVENT_BYTES_LEAST => counted.events += 1,
            _ => {}
        }
        self.head_len = 0;
    }
}

/// The length of the payload, once its whole head is there. Servers do not mask.
fn payload_length(head: &[u8]) -> Option<u64> {
    match (*head.get(1)? & 0x7f, head.len()) {
        (126, 4) => Some(u16::from_be_bytes([head[2], head[3]]).into()),
        (127, 10) => Some(u64::from_be_bytes(head[2..].try_into().ok()?)),
        (126 | 127, _) => None,
        (short, _) => Some(short.into()),
    }
}

/// A text frame of `payload`, as a server sends it.
pub(crate) fn text_frame(payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).expect("events are shorter than 64 KiB");
    let mut frame = vec![0x81, 126];
    frame.extend(length.to_be_bytes());
    frame.extend(payload);
    frame
}

/// An event of [`EVENT_BYTES`], for servers that do not make their own.
pub(crate) fn event(number: u64) -> Vec<u8> {
    let begin = format!(r#"{{"type":"filing.seen","seq":{number},"filler":""#);
    let mut event = begin.into_bytes();
    event.resize(EVENT_BYTES - 2, b'x');
    event.extend(b"\"}");
    event
}

/// The request for an upgrade.
pub(crate) fn upgrade_request(addr: &str, path: &str, api_key: Option<&str>) -> String {
    let authorization = api_key.map_or_else(String::new, |api_key| {
        format!("Authorization: Bearer {api_key}\r\n")
    });
    format!(
        "GET {path} HTTP/1.1\r\nHost: {addr}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{authorization}\r\n"
    )
}

/// Where the head of a request or an answer ends, once it is there.
pub(crate) fn end_of_head(bytes: &[u8]) -> Option<usize> {
    let at = memchr::memmem::find(bytes, b"\r\n\r\n")?;
    Some(at + 4)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn count(dialect: Dialect, stream: &[u8], cut: usize) -> Counted {
        let mut counter = Counter::new(dialect, 1);
        let mut sum = Counted::default();
        for piece in stream.chunks(cut) {
            let counted = counter.feed(piece);
            sum.events += counted.events;
            sum.pinged |= counted.pinged;
            sum.closed |= counted.closed;
        }
        assert!(counter.is_greeted());
        sum
    }

    #[test]
    fn frames_are_counted_the_same_however_they_are_cut() {
        let mut stream = vec![0x81, 2, b'h', b'i', 0x89, 0];
        for number in 1..=3 {
            stream.extend(text_frame(&event(number)));
        }

        for cut in [1, 3, 7, 450, 454, 10_000] {
            let counted = count(Dialect::Frames, &stream, cut);
            assert_eq!(counted.events, 3, "cut at {cut}");
            assert!(counted.pinged && !counted.closed);
        }
    }

    #[test]
    fn messages_of_nats_are_counted_across_its_frames() {
        let message = [b"MSG e 1 450\r\n".as_slice(), &event(1), b"\r\n"].concat();
        let (half, rest) = message.split_at(200);
        let mut stream = vec![0x82, 4];
        stream.extend(b"INFO");
        stream.extend(text_frame(half));
        stream.extend(text_frame(&[rest, &message.repeat(2)].concat()));

        let counted = count(Dialect::Nats, &stream, 100);

        assert_eq!(counted.events, 3);
    }

    #[test]
    fn an_event_has_its_length_whatever_its_number() {
        assert_eq!(event(1).len(), EVENT_BYTES);
        assert_eq!(event(1_000_000).len(), EVENT_BYTES);
    }
}
