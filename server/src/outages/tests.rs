//! The watch against an updater and a clock that the test moves.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Mutex;

use monitors::sighting::{Report, Sighting};
use protocol::{event::Event, filing::Filing, seq::Seq};

use super::*;
use crate::{
    metrics::Metrics,
    updater::{Inbox, Updater},
};

/// A Tuesday at 15:00 Eastern.
const AFTERNOON: &str = "2026-03-03T20:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A data directory and the time, over the lives of the program.
struct Bench {
    dir: tempfile::TempDir,
    now: Arc<Mutex<Timestamp>>,
    serial: u32,
}

/// One life of the program: an updater, a watch, and what a monitor would report.
struct Life {
    now: Arc<Mutex<Timestamp>>,
    reports: mpsc::Sender<Report>,
    status: Arc<Status>,
    log: crate::log::Reader,
    watch: Watch,
    updating: tokio::task::JoinHandle<anyhow::Result<()>>,
}

impl Bench {
    fn at(now: &str) -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            now: Arc::new(Mutex::new(at(now))),
            serial: 0,
        }
    }

    fn set(&self, now: &str) {
        *self.now.lock().unwrap() = at(now);
    }

    /// Starts the program on what its log holds.
    fn start(&self) -> Life {
        let (time, now) = (self.now.clone(), self.now.clone());
        let clock = Clock::new(move || *time.lock().unwrap());
        let source = SourceState {
            poll_interval_ms: 250,
            ..SourceState::default()
        };
        let status = Status::new(clock.now(), [(Source::Atom, source)].into());
        let status = Arc::new(status);
        let (told, metrics) = (status.clone(), Arc::new(Metrics::new()));
        let (updater, log) = Updater::on(self.dir.path(), told, metrics, clock.clone());
        status.set_down(updater.down.clone());
        let (reports, reports_in) = mpsc::channel(64);
        let (_archived, archived_in) = mpsc::channel(1);
        let (orders, orders_in) = mpsc::channel(4);
        let inbox = Inbox {
            reports: reports_in,
            archived: archived_in,
            orders: orders_in,
        };
        let last_event = Some(updater.last_at).filter(|at| *at > Timestamp::UNIX_EPOCH);
        Life {
            now,
            reports,
            watch: Watch::new(status.clone(), clock, orders, last_event),
            status,
            log,
            updating: tokio::task::spawn_blocking(move || updater.run(inbox)),
        }
    }

    /// A filing that the feed lists for the first time.
    fn news(&mut self) -> Report {
        self.serial += 1;
        let accession = format!("0001999999-26-{:06}", self.serial);
        let (form, now) = ("8-K".parse().unwrap(), *self.now.lock().unwrap());
        let filing = Filing::new(accession.parse().unwrap(), form, Source::Atom, now);
        Report::Sighted(Sighting { filing })
    }
}

impl Life {
    async fn report(&self, report: Report) {
        self.reports.send(report).await.unwrap();
    }

    /// A good poll of a list of this moment.
    async fn good_poll(&self) {
        let listed_through = *self.now.lock().unwrap();
        let polled = Report::Polled {
            source: Source::Atom,
            listed_through,
        };
        self.report(polled).await;
    }

    async fn failed_polls(&self) {
        for _ in 0..3 {
            let failed = Report::Failed {
                source: Source::Atom,
                at: *self.now.lock().unwrap(),
                error: "HTTP 503".to_owned(),
            };
            self.report(failed).await;
        }
    }

    /// Lets the watch look at all that was reported; the outages told by then.
    async fn look(&mut self) -> Vec<(String, Timestamp, Option<Timestamp>)> {
        // The second answer comes after everything before the first was told.
        for _ in 0..2 {
            let (answer, answered) = oneshot::channel();
            let order = Order::Take(Vec::new(), answer);
            self.watch.orders.send(order).await.unwrap();
            answered.await.unwrap();
        }
        self.watch.look_around().await.unwrap();
        self.told().await
    }

    async fn told(&self) -> Vec<(String, Timestamp, Option<Timestamp>)> {
        let records = self.log.read_after(Seq::ZERO, 1_000, usize::MAX).await;
        let records = records.unwrap();
        let events = records
            .iter()
            .map(|record| Event::from_frame(&record.frame));
        let outage = |event: Event| {
            let name = event.body.event_type().to_string();
            match event.body {
                Body::SourceDown(outage) | Body::SourceUp(outage) => {
                    Some((name, outage.since, outage.until))
                }
                _ => None,
            }
        };
        events.map(Result::unwrap).filter_map(outage).collect()
    }

    /// The program is killed: nobody says anything any more.
    async fn end(self) {
        drop((self.reports, self.watch));
        self.updating.await.unwrap().unwrap();
    }
}

fn down(since: &str) -> (String, Timestamp, Option<Timestamp>) {
    ("source.down".to_owned(), at(since), None)
}

fn up(since: &str, until: &str) -> (String, Timestamp, Option<Timestamp>) {
    ("source.up".to_owned(), at(since), Some(at(until)))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_told_once_with_its_span_over_any_number_of_restarts() {
    let mut bench = Bench::at(AFTERNOON);
    let mut life = bench.start();
    life.report(bench.news()).await;
    life.good_poll().await;
    life.failed_polls().await;
    assert!(life.look().await.is_empty());
    bench.set("2026-03-03T20:02:31Z");
    assert_eq!(life.look().await, [down(AFTERNOON)]);
    assert_eq!(life.status.complete_through(), Some(at(AFTERNOON)));
    assert_eq!(
        life.status.stale_sources(at("2026-03-03T20:02:31Z")),
        [Source::Atom]
    );
    life.end().await;

    for now in ["2026-03-03T20:20:00Z", "2026-03-03T20:40:00Z"] {
        bench.set(now);
        let mut life = bench.start();
        life.failed_polls().await;
        assert_eq!(life.look().await, [down(AFTERNOON)]);
        life.end().await;
    }
    bench.set("2026-03-03T21:00:00Z");
    let mut life = bench.start();
    life.good_poll().await;

    let whole = [down(AFTERNOON), up(AFTERNOON, "2026-03-03T21:00:00Z")];
    assert_eq!(life.look().await, whole);
    life.good_poll().await;
    assert_eq!(life.look().await, whole);
    assert!(
        life.status
            .stale_sources(at("2026-03-03T21:00:00Z"))
            .is_empty()
    );
    life.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_stood_still_over_night_is_down_until_it_shows_something_new() {
    let mut bench = Bench::at(AFTERNOON);
    let mut life = bench.start();
    life.report(bench.news()).await;
    for _ in 0..4 {
        life.good_poll().await;
    }
    assert!(life.look().await.is_empty());
    bench.set("2026-03-03T20:02:50Z");
    life.good_poll().await;
    assert_eq!(life.look().await, [down(AFTERNOON)]);
    life.end().await;

    bench.set("2026-03-04T05:00:00Z");
    let mut life = bench.start();
    life.good_poll().await;
    assert_eq!(life.look().await, [down(AFTERNOON)]);
    assert!(
        life.status
            .stale_sources(at("2026-03-04T05:00:00Z"))
            .is_empty()
    );

    let morning = "2026-03-04T11:00:03Z";
    bench.set(morning);
    life.report(bench.news()).await;
    life.good_poll().await;
    assert_eq!(life.look().await, [down(AFTERNOON), up(AFTERNOON, morning)]);
    life.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_watched_is_told_as_an_outage_that_is_over_and_told_once() {
    let mut bench = Bench::at(AFTERNOON);
    let mut life = bench.start();
    life.report(bench.news()).await;
    life.good_poll().await;
    life.look().await;
    life.end().await;

    let back = "2026-03-03T20:01:30Z";
    bench.set(back);
    let mut life = bench.start();
    life.good_poll().await;

    let whole = [down(AFTERNOON), up(AFTERNOON, back)];
    assert_eq!(life.look().await, whole);
    life.end().await;
    bench.set("2026-03-03T20:01:40Z");
    let mut life = bench.start();
    life.good_poll().await;
    assert_eq!(life.look().await, whole, "ten seconds are no matter");
    life.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night_or_a_weekend_that_nobody_watched_is_no_matter() {
    let mut bench = Bench::at("2026-03-07T02:59:30Z");
    let mut life = bench.start();
    life.report(bench.news()).await;
    life.good_poll().await;
    life.look().await;
    life.end().await;
    bench.set("2026-03-09T10:00:20Z");
    let mut life = bench.start();

    life.good_poll().await;

    assert!(life.look().await.is_empty());
    life.end().await;
}
