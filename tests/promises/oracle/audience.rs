//! Subscribers that come and go by every transport, each with its own filter and cursor.

use std::time::Duration;

use protocol::{
    event::{Event, EventType},
    frame::ServerFrame,
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep, timeout, timeout_at},
};

use super::scene::Door;
use crate::harness::{
    books::Books,
    subscriber::{Next, Subscriber},
};

/// How long a subscriber may take to get what is there already.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a subscriber reads.
#[derive(Debug, Clone, Copy)]
enum Transport {
    Websocket,
    Events,
    Pages,
}

/// Who listens, and what for, told without the program's own filter.
#[derive(Debug, Clone, Copy)]
struct Seat {
    transport: Transport,
    query: &'static str,
    wants: fn(&Event) -> bool,
}

const SEATS: [Seat; 6] = [
    Seat {
        transport: Transport::Websocket,
        query: "types=filing.*,day.*,source.*",
        wants: |_| true,
    },
    Seat {
        transport: Transport::Websocket,
        query: "forms=8-K,4*",
        wants: |event| {
            is_default(event) && is_form(event, |form| form == "8-K" || form.starts_with('4'))
        },
    },
    Seat {
        transport: Transport::Websocket,
        query: "types=day.sealed",
        wants: |event| event.body.event_type() == EventType::DaySealed,
    },
    Seat {
        transport: Transport::Events,
        query: "types=filing.seen,filing.withdrawn",
        wants: |event| {
            let is_of = |of| event.body.event_type() == of;
            is_of(EventType::FilingSeen) || is_of(EventType::FilingWithdrawn)
        },
    },
    Seat {
        transport: Transport::Events,
        query: "amendments=exclude",
        wants: |event| is_default(event) && is_form(event, |form| !form.ends_with("/A")),
    },
    Seat {
        transport: Transport::Pages,
        query: "types=filing.archived",
        wants: |event| event.body.event_type() == EventType::FilingArchived,
    },
];

fn is_default(event: &Event) -> bool {
    EventType::DEFAULT.contains(&event.body.event_type())
}

fn is_form(event: &Event, fits: impl Fn(&str) -> bool) -> bool {
    event
        .body
        .filing()
        .is_some_and(|filing| fits(filing.form.as_str()))
}

/// All of them.
pub struct Audience {
    tasks: JoinSet<Notes>,
    last: watch::Sender<Option<u64>>,
}

/// What one of them got.
pub struct Notes {
    seat: Seat,
    got: Vec<Event>,
    visits: usize,
    /// Where it goes on.
    cursor: String,
}

impl Audience {
    pub fn gather(seed: u64, door: Door, key: &str) -> Self {
        let (last, told) = watch::channel(None);
        let mut tasks = JoinSet::new();
        for (place, seat) in SEATS.into_iter().enumerate() {
            let chance = StdRng::seed_from_u64(seed ^ (place as u64 + 1) << 32);
            tasks.spawn(attend(
                seat,
                door.clone(),
                key.to_owned(),
                chance,
                told.clone(),
            ));
        }
        Self { tasks, last }
    }

    /// Lets each read until the event `last`, and takes their notes.
    pub async fn leave(self, last: u64) -> Vec<Notes> {
        self.last.send_replace(Some(last));
        let notes = timeout(PATIENCE, self.tasks.join_all()).await;
        notes.expect("subscribers do not get to the end")
    }
}

impl Notes {
    /// Exactly what was asked for, each once and in order.
    pub fn check(&self, books: &Books) {
        let Seat {
            query, transport, ..
        } = self.seat;
        let wanted: Vec<&Event> = books
            .events
            .iter()
            .filter(|event| (self.seat.wants)(event))
            .collect();
        let seqs = |events: &[&Event]| {
            events
                .iter()
                .map(|event| event.seq().get())
                .collect::<Vec<_>>()
        };
        let got: Vec<&Event> = self
            .got
            .iter()
            .filter(|event| event.seq().get() <= books.head())
            .collect();
        assert_eq!(seqs(&got), seqs(&wanted), "{transport:?} of {query}");
        assert_eq!(got, wanted, "{transport:?} of {query}");
        assert!(self.visits > 1, "{transport:?} of {query} came once");
    }

    fn take(&mut self, event: Event) {
        self.cursor = event.cursor.to_string();
        self.got.push(event);
    }

    fn reached(&self) -> u64 {
        let seq = self
            .cursor
            .split_once('-')
            .map(|(_, seq)| seq.parse().unwrap());
        seq.unwrap_or(0)
    }

    /// One visit, until the door shuts or `end`.
    async fn visit(&mut self, addr: &str, key: &str, end: Instant) {
        match self.seat.transport {
            Transport::Websocket => self.by_websocket(addr, key, end).await,
            Transport::Events => self.by_events(addr, key, end).await,
            Transport::Pages => self.by_pages(addr, key, end).await,
        }
    }

    async fn by_websocket(&mut self, addr: &str, key: &str, end: Instant) {
        let url = format!(
            "ws://{addr}/v1/stream?after={}&{}",
            self.cursor, self.seat.query
        );
        let Ok(mut subscriber) = Subscriber::try_connect(&url, Some(key)).await else {
            return;
        };
        while let Ok(next) = timeout_at(end, subscriber.next()).await {
            match next {
                Next::Frame(ServerFrame::Subscribed(subscribed)) => {
                    subscriber.cursor = Some(subscribed.after);
                }
                Next::Frame(ServerFrame::Event(event)) => self.take(*event),
                Next::Frame(ServerFrame::Error(error)) => assert!(error.retryable, "{error:?}"),
                Next::Frame(_) => {}
                Next::Closed(_) => return,
            }
            if let Some(cursor) = &subscriber.cursor {
                self.cursor = cursor.to_string();
            }
        }
    }

    async fn by_events(&mut self, addr: &str, key: &str, end: Instant) {
        let path = format!(
            "/v1/events/stream?after={}&{}",
            self.cursor, self.seat.query
        );
        let Some(mut body) = request(addr, &path, key).await else {
            return;
        };
        let (mut id, mut data) = (None, None);
        loop {
            let mut line = String::new();
            match timeout_at(end, body.read_line(&mut line)).await {
                Ok(Ok(_)) if line.ends_with('\n') => {}
                _ => return,
            }
            match line.trim_end().split_once(": ") {
                Some(("id", text)) => id = Some(text.to_owned()),
                Some(("data", text)) => data = Some(text.to_owned()),
                Some(_) => {}
                None => self.take_block(id.take(), data.take()),
            }
        }
    }

    /// A block with an id moves the cursor; with data it may be an event.
    fn take_block(&mut self, id: Option<String>, data: Option<String>) {
        if let Some(Ok(ServerFrame::Event(event))) = data.as_deref().map(ServerFrame::parse) {
            self.take(*event);
        }
        self.cursor = id.unwrap_or_else(|| self.cursor.clone());
    }

    async fn by_pages(&mut self, addr: &str, key: &str, end: Instant) {
        while Instant::now() < end {
            let path = format!(
                "/v1/events?after={}&limit=7&wait=1&{}",
                self.cursor, self.seat.query
            );
            let Some(mut body) = request(addr, &path, key).await else {
                return;
            };
            let mut text = String::new();
            let read = timeout(PATIENCE, body.read_to_string(&mut text)).await;
            let (Ok(Ok(_)), Ok(page)) = (read, serde_json::from_str::<Value>(&text)) else {
                return;
            };
            for event in page["events"].as_array().unwrap() {
                self.take(serde_json::from_value(event.clone()).unwrap());
            }
            self.cursor = page["next"].as_str().unwrap().to_owned();
        }
    }
}

/// Comes and goes until it is told where the end is, and has come there.
async fn attend(
    seat: Seat,
    door: Door,
    key: String,
    mut chance: StdRng,
    last: watch::Receiver<Option<u64>>,
) -> Notes {
    let mut notes = Notes {
        seat,
        got: Vec::new(),
        visits: 0,
        cursor: "oldest".to_owned(),
    };
    while last.borrow().is_none_or(|last| notes.reached() < last) {
        let addr = door.lock().unwrap().clone();
        if let Some(addr) = addr {
            let stay = Duration::from_millis(chance.random_range(300..3_000));
            notes.visit(&addr, &key, Instant::now() + stay).await;
            notes.visits += 1;
        }
        sleep(Duration::from_millis(chance.random_range(20..500))).await;
    }
    notes
}

/// The body of a good answer over HTTP/1.0, so that it ends with the connection.
async fn request(addr: &str, path: &str, key: &str) -> Option<BufReader<TcpStream>> {
    let mut socket = TcpStream::connect(addr).await.ok()?;
    let request =
        format!("GET {path} HTTP/1.0\r\nhost: {addr}\r\nauthorization: Bearer {key}\r\n\r\n");
    socket.write_all(request.as_bytes()).await.ok()?;
    let mut body = BufReader::new(socket);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        let read = timeout(PATIENCE, body.read_line(&mut head)).await;
        if read.expect("silence").ok()? == 0 {
            return None;
        }
    }
    let status = head.split(' ').nth(1)?;
    // Starting and stopping are said, and anything else is not expected.
    assert!(matches!(status, "200" | "503"), "{path}: {head}");
    (status == "200").then_some(body)
}
