//! A feed written by hand, and a monitor that reads it at a time that the test can move.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use jiff::ToSpan;

use super::*;
use crate::fake::Params;

/// A feed that tests change while it is read.
#[derive(Clone, Default)]
pub(super) struct Feed(pub(super) Arc<Mutex<FeedState>>);

#[derive(Default)]
pub(super) struct FeedState {
    /// The latest first: serial, CIK.
    rows: Vec<(u32, u64)>,
    pub(super) updated: Option<Timestamp>,
    /// Status of the answer for an offset.
    pub(super) faults: BTreeMap<u32, u16>,
    /// Rows that come in on top after the next answer.
    pub(super) incoming: Vec<(u32, u64)>,
}

impl Feed {
    /// A feed of one-filer filings with these serials.
    pub(super) fn of(serials: impl IntoIterator<Item = u32>) -> Self {
        let feed = Self::default();
        feed.0.lock().unwrap().rows = serials.into_iter().map(|serial| (serial, 7)).collect();
        feed.update(AFTERNOON);
        feed
    }

    pub(super) fn update(&self, updated: &str) {
        self.0.lock().unwrap().updated = Some(at(updated));
    }

    pub(super) fn insert(&self, place: usize, rows: &[(u32, u64)]) {
        let mut state = self.0.lock().unwrap();
        state.rows.splice(place..place, rows.iter().copied());
    }

    pub(super) fn fail(&self, start: u32, status: u16) {
        self.0.lock().unwrap().faults.insert(start, status);
    }

    pub(super) fn heal(&self) {
        self.0.lock().unwrap().faults.clear();
    }

    pub(super) fn answer(&self, params: &Params) -> (u16, String) {
        let start: usize = params["start"].parse().unwrap();
        let mut state = self.0.lock().unwrap();
        if let Some(status) = state.faults.get(&u32::try_from(start).unwrap()) {
            return (*status, "<html>File Unavailable</html>".to_owned());
        }
        if start > 0 && start >= state.rows.len() {
            return (503, "<html>File Unavailable</html>".to_owned());
        }
        let page = state.page(start);
        let incoming = std::mem::take(&mut state.incoming);
        state.rows.splice(0..0, incoming);
        (200, page)
    }

    pub(super) async fn serve(&self) -> Fake {
        let feed = self.clone();
        Fake::start(move |params| feed.answer(params)).await
    }
}

impl FeedState {
    pub(super) fn page(&self, start: usize) -> String {
        let entries: String = self
            .rows
            .iter()
            .skip(start)
            .take(100)
            .map(|row| entry(*row))
            .collect();
        let updated = self.updated.unwrap();
        format!(
            "<?xml version=\"1.0\" encoding=\"ISO-8859-1\" ?>\n\
             <feed xmlns=\"http://www.w3.org/2005/Atom\"><title>Latest Filings</title>\
             <id>https://www.sec.gov/cgi-bin/browse-edgar?action=getcurrent</id>\
             <updated>{updated}</updated>\n{entries}</feed>"
        )
    }
}

/// All filings are accepted in the same second, as in the worst of the feed.
pub(super) fn entry((serial, cik): (u32, u64)) -> String {
    format!(
        "<entry><title>8-K - FILER {cik} ({cik:010}) (Filer)</title>\
         <link rel=\"alternate\" type=\"text/html\" href=\"https://www.sec.gov/x-index.htm\"/>\
         <summary type=\"html\"> &lt;b&gt;Filed:&lt;/b&gt; 2026-03-03</summary>\
         <updated>2026-03-03T15:30:00-05:00</updated>\
         <category scheme=\"https://www.sec.gov/\" label=\"form type\" term=\"8-K\"/>\
         <id>urn:tag:sec.gov,2008:accession-number=0000000001-26-{serial:06}</id></entry>\n"
    )
}

/// A monitor at a time that the test can move, and its channel.
pub(super) struct Bench {
    pub(super) monitor: AtomMonitor,
    pub(super) fake: Fake,
    pub(super) now: Arc<Mutex<Timestamp>>,
    pub(super) sender: Reports,
    pub(super) receiver: mpsc::Receiver<Report>,
}

impl Bench {
    pub(super) async fn new(feed: &Feed, now: &str) -> Self {
        let fake = feed.serve().await;
        let now = Arc::new(Mutex::new(at(now)));
        let time = now.clone();
        let clock = Clock::new(move || *time.lock().unwrap());
        let monitor = AtomMonitor::new(AtomConfig::default(), &fake.url, client(), [], clock);
        let (sender, receiver) = mpsc::channel(10_000);
        Self {
            monitor,
            fake,
            now,
            sender,
            receiver,
        }
    }

    /// A bench whose monitor has read the feed once.
    pub(super) async fn after_first_walk(feed: &Feed, now: &str) -> Self {
        let mut bench = Self::new(feed, now).await;
        assert_eq!(verdicts(&bench.poll().await), ["polled"]);
        bench.fake.take("start");
        bench
    }

    pub(super) async fn poll(&mut self) -> Vec<Report> {
        self.monitor.poll(&self.sender).await.unwrap();
        drain(&mut self.receiver)
    }

    pub(super) fn pass(&self, seconds: i64) {
        let mut now = self.now.lock().unwrap();
        *now = now.checked_add(seconds.seconds()).unwrap();
    }
}
