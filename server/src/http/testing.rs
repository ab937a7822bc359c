//! What the doors need, on a log of its own: for tests of one door without the program.

use std::{sync::Arc, time::Duration};

use archive::memory::MemoryBucket;
use eventlog::RealDisk;
use monitors::clock::Clock;
use protocol::{
    event::{Body, Event},
    filing::{Filing, Source},
    seq::Epoch,
    time::Timestamp,
};
use tokio::sync::watch;

use super::{Limits, Rules, Urls};
use crate::{
    buckets::Buckets,
    config,
    documents::ReadingRoom,
    keys::KeyFile,
    log::Writer,
    metrics::Metrics,
    status::{Phase, Status},
    stream::{Control, Hub, Sessions, Shared},
    tickers::Tickers,
    tickets::Tickets,
};

/// The doors of a running server, and what stands behind them.
pub(crate) struct House {
    pub(crate) shared: Arc<Shared>,
    pub(crate) log: Writer,
    pub(crate) control: watch::Sender<Control>,
    _dir: tempfile::TempDir,
}

impl House {
    /// A server without sources that lets so many connections in and asks for no key.
    pub(crate) fn open(connections: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let epoch = Epoch::parse("test").unwrap();
        let log = eventlog::Config::new(dir.path().join("log"), epoch);
        let (writer, reader) = Writer::open(log, Arc::new(RealDisk)).unwrap();
        let (control, controlled) = watch::channel(Control::default());
        let metrics = Arc::new(Metrics::new());
        let rules = Rules {
            connections,
            connections_per_address: None,
            anonymous_per_second: None,
        };
        let status = Status::new(Timestamp::now(), Default::default());
        status.enter(Phase::Running);
        let sec = sec_client::Config::new("tests@filingwire.example");
        let shared = Arc::new(Shared {
            log: reader,
            status: Arc::new(status),
            limits: Limits::new(rules, metrics.clone()),
            metrics,
            sec: sec_client::SecClient::new(sec).unwrap(),
            clock: Clock::system(),
            control: controlled,
            key_file: KeyFile::new(dir.path().join("keys.json")),
            auth_required: false,
            stream: config::Stream {
                heartbeat: Duration::from_secs(15),
                max_connections: 100,
                max_connections_per_address: None,
            },
            sessions: Sessions::default(),
            hub: Hub::new(1).unwrap().0,
            tickers: Arc::new(Tickers::open(dir.path())),
            tickets: Tickets::default(),
            buckets: Buckets::of(
                Arc::new(MemoryBucket::default()),
                &dir.path().join("staging"),
            ),
            catalog: None,
            urls: Urls::default(),
            reading_room: ReadingRoom::default(),
            activity: Default::default(),
        });
        Self {
            shared,
            log: writer,
            control,
            _dir: dir,
        }
    }

    /// Makes an event durable that says a filing was seen.
    pub(crate) fn append(&mut self, at: Timestamp) {
        let accession = "0001999999-26-000042".parse().unwrap();
        let filing = Filing::new(accession, "8-K".parse().unwrap(), Source::Atom, at);
        let body = Body::FilingSeen(filing);
        let event = Event::new(self.log.epoch(), self.log.next_seq(), at, body);
        self.log.append(event.to_frame().into()).unwrap();
        self.log.commit().unwrap();
    }
}
