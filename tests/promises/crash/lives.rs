//! The lives of a program that is killed again and again, and what the outside has met
//! over all of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    os::unix::process::ExitStatusExt,
    time::Duration,
};

use protocol::{
    event::{Body, Event},
    filing::Filing,
    frame::ServerFrame,
};
use sha2::{Digest, Sha256};
use simulator::{Config, Simulator};
use tokio::time::timeout;

use crate::harness::{
    program::{Server, create_key},
    subscriber::{Next, Subscriber},
};

/// How long a named point may take to be passed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Small files of the log, so that a life begins one; the whole budget for what was missed.
const ENVIRONMENT: [(&str, &str); 3] = [
    ("FILINGWIRE__LOG_SEGMENT_BYTES", "6000"),
    ("FILINGWIRE__EDGAR__REQUESTS_PER_SECOND", "10"),
    ("FILINGWIRE__MONITORS__ATOM__POLL_INTERVAL_MS", "500"),
];

/// One data directory and one EDGAR for all lives.
pub struct Lives {
    pub edgar: Simulator,
    pub dir: tempfile::TempDir,
    key: String,
    /// What was seen under each seq, whenever.
    met: BTreeMap<u64, Event>,
    /// Where the subscriber goes on.
    cursor: String,
    deaths: usize,
}

impl Lives {
    /// An EDGAR that goes on filing.
    pub async fn under_load(seed: u64) -> Self {
        Self::of(Config {
            rate: 2.0,
            seed,
            ..Config::quiet()
        })
        .await
    }

    /// An EDGAR that files when told.
    pub async fn quiet(seed: u64) -> Self {
        Self::of(Config {
            seed,
            ..Config::quiet()
        })
        .await
    }

    async fn of(config: Config) -> Self {
        let edgar = Simulator::start_local(config).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let key = create_key(dir.path(), &[]);
        Self {
            edgar,
            dir,
            key,
            met: BTreeMap::new(),
            cursor: "oldest".to_owned(),
            deaths: 0,
        }
    }

    /// The program, not yet known to serve.
    pub fn launch(&self, environment: &[(&str, &str)]) -> Server {
        let environment = [&ENVIRONMENT, environment].concat();
        Server::launch(self.dir.path(), &self.edgar.url(), &self.key, &environment)
    }

    /// The program, serving.
    pub async fn server(&self, environment: &[(&str, &str)]) -> Server {
        let mut server = self.launch(environment);
        assert!(server.serves().await, "{:#?}", server.lines());
        server
    }

    /// A life that is ended from outside, this long after its start.
    pub async fn die_after(&mut self, moment: Duration) {
        let mut server = self.launch(&[]);
        let _ = timeout(moment, self.watch(&mut server)).await;
        server.kill();
        self.mourn();
    }

    /// A life that ends at the nth pass of a point.
    pub async fn die_at(&mut self, point: &str, nth: u32) {
        let plan = format!("{point}:{nth}");
        let mut server = self.launch(&[(crashpoint::VARIABLE, &plan)]);
        let watched = timeout(PATIENCE, self.watch(&mut server)).await;
        assert!(watched.is_ok(), "{plan} was not passed");
        let status = server.ended().await;
        let lines = server.lines();
        let last_word = format!("crashpoint {point}");
        assert_eq!(status.signal(), Some(9), "{plan}: {lines:#?}");
        assert!(
            lines.contains(&last_word),
            "{plan} did not fire: {lines:#?}"
        );
        self.mourn();
    }

    fn mourn(&mut self) {
        self.deaths += 1;
        let violations = self.edgar.ledger().violations();
        assert!(
            violations.is_empty(),
            "a restart is no excuse: {violations:?}"
        );
    }

    /// Reads the stream until the server is gone.
    async fn watch(&mut self, server: &mut Server) {
        if !server.serves().await {
            return;
        }
        let url = format!("{}?after={}", server.stream(), self.cursor);
        let Ok(mut subscriber) = Subscriber::try_connect(&url, Some(&self.key)).await else {
            return;
        };
        loop {
            match subscriber.next().await {
                Next::Frame(ServerFrame::Subscribed(subscribed)) => {
                    subscriber.cursor = Some(subscribed.after);
                }
                Next::Frame(ServerFrame::Event(event)) => self.meet(*event),
                Next::Frame(ServerFrame::Error(error)) => panic!("refused: {error:?}"),
                Next::Frame(_) => {}
                Next::Closed(None) => return,
                Next::Closed(close) => panic!("closed: {close:?}"),
            }
            if let Some(cursor) = &subscriber.cursor {
                self.cursor = cursor.to_string();
            }
        }
    }

    fn meet(&mut self, event: Event) {
        let seq = event.seq().get();
        if let Some(before) = self.met.insert(seq, event.clone()) {
            assert_eq!(before, event, "seq {seq} means two things");
        }
    }

    /// A last life in peace, and what must hold after all of them.
    pub async fn end(self) {
        self.edgar.set_rate(0.0);
        let published: BTreeSet<String> = self
            .edgar
            .ledger()
            .filings()
            .into_iter()
            .map(|filing| filing.accession)
            .collect();
        let server = self.server(&[]).await;
        let log = whole_log(&server, &self.key, published.len()).await;

        let seqs: Vec<u64> = log.iter().map(|event| event.seq().get()).collect();
        assert_eq!(seqs, (1..=log.len() as u64).collect::<Vec<_>>());
        for (seq, event) in &self.met {
            let now = &log[*seq as usize - 1];
            assert_eq!(now, event, "what was seen is still there");
        }
        assert_eq!(once(log.iter().filter_map(seen)), published);
        assert_eq!(once(log.iter().filter_map(archived)), published);
        log.iter()
            .filter_map(archived)
            .for_each(|filing| self.check(filing));
        assert!(self.met.len() > self.deaths, "there was a load");
        println!(
            "{} deaths, {} filings, {} events of which {} were met on the way",
            self.deaths,
            published.len(),
            log.len(),
            self.met.len()
        );
    }

    /// The submission is in the archive as EDGAR published it.
    fn check(&self, filing: &Filing) {
        let accession = filing.accession.to_string();
        let stored = filing.objects.sgml.as_ref().unwrap();
        let object = std::fs::read(self.dir.path().join("archive").join(&stored.key)).unwrap();
        let submission = zstd::decode_all(&object[..]).unwrap();
        let truth = self.edgar.ledger().filing(&accession).unwrap();
        assert_eq!(
            sha256(&submission),
            truth.submission_sha256(),
            "{accession}"
        );
        assert_eq!(sha256(&object), stored.sha256, "{accession}");
    }
}

fn seen(event: &Event) -> Option<&Filing> {
    match &event.body {
        Body::FilingSeen(filing) => Some(filing),
        _ => None,
    }
}

fn archived(event: &Event) -> Option<&Filing> {
    match &event.body {
        Body::FilingArchived(filing) => Some(filing),
        _ => None,
    }
}

/// The accessions of events that may come once per filing.
fn once<'a>(filings: impl Iterator<Item = &'a Filing>) -> BTreeSet<String> {
    let mut accessions = BTreeSet::new();
    for filing in filings {
        let accession = filing.accession.to_string();
        assert!(accessions.insert(accession.clone()), "{accession} twice");
    }
    accessions
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Everything from the first event until each of `filings` is seen and archived.
async fn whole_log(server: &Server, key: &str, filings: usize) -> Vec<Event> {
    let mut subscriber = Subscriber::subscribe(&server.stream(), key, "after=oldest").await;
    let mut log = Vec::new();
    let mut count = 0;
    while count < filings {
        let event = subscriber.event().await;
        count += usize::from(archived(&event).is_some());
        log.push(event);
    }
    log
}
