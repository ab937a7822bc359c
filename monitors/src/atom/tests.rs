//! The feed monitor against feeds written by hand, and against a recorded one.
//!
//! Invariant: what a test expects of the recorded feed is found without the parser under test.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};

use jiff::ToSpan;
use tokio::sync::mpsc;

use super::*;
use crate::fake::{Fake, Params, client, drain, sighted, verdicts};

const AFTERNOON: &str = "2026-03-03T21:00:00Z";
const EARLY_MORNING: &str = "2026-03-03T11:05:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A feed that tests change while it is read.
#[derive(Clone, Default)]
struct Feed(Arc<Mutex<FeedState>>);

#[derive(Default)]
struct FeedState {
    /// The latest first: serial, CIK.
    rows: Vec<(u32, u64)>,
    updated: Option<Timestamp>,
    /// Status of the answer for an offset.
    faults: BTreeMap<u32, u16>,
    /// Rows that come in on top after the next answer.
    incoming: Vec<(u32, u64)>,
}

impl Feed {
    /// A feed of one-filer filings with these serials.
    fn of(serials: impl IntoIterator<Item = u32>) -> Self {
        let feed = Self::default();
        feed.0.lock().unwrap().rows = serials.into_iter().map(|serial| (serial, 7)).collect();
        feed.update(AFTERNOON);
        feed
    }

    fn update(&self, updated: &str) {
        self.0.lock().unwrap().updated = Some(at(updated));
    }

    fn insert(&self, place: usize, rows: &[(u32, u64)]) {
        let mut state = self.0.lock().unwrap();
        state.rows.splice(place..place, rows.iter().copied());
    }

    fn fail(&self, start: u32, status: u16) {
        self.0.lock().unwrap().faults.insert(start, status);
    }

    fn heal(&self) {
        self.0.lock().unwrap().faults.clear();
    }

    fn answer(&self, params: &Params) -> (u16, String) {
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

    async fn serve(&self) -> Fake {
        let feed = self.clone();
        Fake::start(move |params| feed.answer(params)).await
    }
}

impl FeedState {
    fn page(&self, start: usize) -> String {
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
fn entry((serial, cik): (u32, u64)) -> String {
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
struct Bench {
    monitor: AtomMonitor,
    fake: Fake,
    now: Arc<Mutex<Timestamp>>,
    sender: Reports,
    receiver: mpsc::Receiver<Report>,
}

impl Bench {
    async fn new(feed: &Feed, now: &str) -> Self {
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
    async fn after_first_walk(feed: &Feed, now: &str) -> Self {
        let mut bench = Self::new(feed, now).await;
        assert_eq!(verdicts(&bench.poll().await), ["polled"]);
        bench.fake.take("start");
        bench
    }

    async fn poll(&mut self) -> Vec<Report> {
        self.monitor.poll(&self.sender).await.unwrap();
        drain(&mut self.receiver)
    }

    fn pass(&self, seconds: i64) {
        let mut now = self.now.lock().unwrap();
        *now = now.checked_add(seconds.seconds()).unwrap();
    }
}

fn ciks_of(reports: &[Report], serial: u32) -> Vec<u64> {
    let filing = |report: &Report| match report {
        Report::Sighted(Sighting { filing }) if filing.accession.serial() == serial => {
            Some(filing.filers.iter().map(|filer| filer.cik.get()).collect())
        }
        _ => None,
    };
    reports.iter().find_map(filing).unwrap()
}

fn serials(range: std::ops::Range<u32>) -> Vec<u32> {
    range.collect()
}

#[tokio::test]
async fn the_first_walk_reads_the_whole_feed() {
    let feed = Feed::of(0..250);
    let mut bench = Bench::new(&feed, AFTERNOON).await;

    let reports = bench.poll().await;

    assert_eq!(sighted(&reports), serials(0..250));
    assert_eq!(bench.fake.take("start"), ["0", "100", "200"]);
    let Some(Report::Polled { listed_through, .. }) = reports.last() else {
        panic!("the poll is vouched for after its sightings");
    };
    assert_eq!(*listed_through, at(AFTERNOON));
}

#[tokio::test]
async fn a_503_below_the_top_ends_the_feed_if_it_is_repeated() {
    let feed = Feed::of(0..200);
    let mut bench = Bench::new(&feed, AFTERNOON).await;

    let reports = bench.poll().await;

    assert_eq!(sighted(&reports), serials(0..200));
    assert_eq!(verdicts(&reports), ["polled"]);
    assert_eq!(bench.fake.take("start"), ["0", "100", "200", "200"]);
}

#[tokio::test]
async fn a_503_at_the_top_is_an_error() {
    let feed = Feed::of(0..50);
    feed.fail(0, 503);
    let mut bench = Bench::new(&feed, AFTERNOON).await;

    let reports = bench.poll().await;

    assert_eq!(verdicts(&reports), ["failed"]);
    assert!(sighted(&reports).is_empty());
}

#[tokio::test]
async fn a_503_where_old_ground_must_come_is_an_error() {
    let feed = Feed::of(0..150);
    let mut bench = Bench::after_first_walk(&feed, AFTERNOON).await;
    feed.insert(0, &(1_000..1_150).map(|at| (at, 7)).collect::<Vec<_>>());
    feed.fail(100, 503);

    let failed = bench.poll().await;
    feed.heal();
    let healed = bench.poll().await;

    assert_eq!(verdicts(&failed), ["failed"]);
    assert_eq!(verdicts(&healed), ["polled"]);
    let mut all = [sighted(&failed), sighted(&healed)].concat();
    all.sort_unstable();
    assert_eq!(all, serials(1_000..1_150));
}

#[tokio::test]
async fn an_ordinary_poll_reads_one_page() {
    let feed = Feed::of(0..250);
    let mut bench = Bench::after_first_walk(&feed, AFTERNOON).await;
    feed.insert(0, &[(1_000, 7), (1_001, 7), (1_001, 8)]);

    let reports = bench.poll().await;

    assert_eq!(sighted(&reports), [1_000, 1_001]);
    assert_eq!(ciks_of(&reports, 1_001), [7, 8]);
    assert_eq!(verdicts(&reports), ["polled"]);
    assert_eq!(bench.fake.take("start"), ["0"]);
}

#[tokio::test]
async fn what_an_earlier_life_reported_is_not_reported_again() {
    let feed = Feed::of(0..50);
    let fake = feed.serve().await;
    let known = (10..50).map(|at| format!("0000000001-26-{at:06}").parse().unwrap());
    let clock = Clock::new(|| at(AFTERNOON));
    let mut monitor = AtomMonitor::new(AtomConfig::default(), &fake.url, client(), known, clock);
    let (sender, mut receiver) = mpsc::channel(100);

    monitor.poll(&sender).await.unwrap();

    assert_eq!(sighted(&drain(&mut receiver)), serials(0..10));
}

#[tokio::test]
async fn a_filing_that_straddles_two_pages_has_all_its_filers() {
    let feed = Feed::of(0..350);
    let mut bench = Bench::after_first_walk(&feed, AFTERNOON).await;
    let top: Vec<_> = (1_000..1_098).map(|at| (at, 7)).collect();
    feed.insert(0, &top);
    feed.insert(98, &[(2_000, 1), (2_000, 2), (2_000, 3), (2_000, 4)]);

    let reports = bench.poll().await;

    assert_eq!(ciks_of(&reports, 2_000), [1, 2, 3, 4]);
    assert_eq!(sighted(&reports).len(), 99);
    assert_eq!(bench.fake.take("start"), ["0", "100"]);
}

#[tokio::test]
async fn entries_that_are_interleaved_are_joined() {
    let feed = Feed::of(0..150);
    let mut bench = Bench::after_first_walk(&feed, AFTERNOON).await;
    let others: Vec<_> = (1_001..1_006).map(|at| (at, 7)).collect();
    feed.insert(0, &[&[(1_000, 1)], &others[..], &[(1_000, 2)]].concat());

    let reports = bench.poll().await;

    assert_eq!(ciks_of(&reports, 1_000), [1, 2]);
    assert_eq!(sighted(&reports), serials(1_000..1_006));
}

#[tokio::test]
async fn filings_that_push_the_feed_down_during_a_walk_hide_nothing() {
    let feed = Feed::of(0..350);
    let mut bench = Bench::after_first_walk(&feed, AFTERNOON).await;
    let burst: Vec<_> = (1_000..1_140).flat_map(|at| [(at, 1), (at, 2)]).collect();
    feed.insert(0, &burst);
    feed.0.lock().unwrap().incoming = (3_000..3_037).map(|at| (at, 7)).collect();

    let first = bench.poll().await;
    let second = bench.poll().await;

    assert_eq!(sighted(&first), serials(1_000..1_140));
    assert!((1_000..1_140).all(|at| ciks_of(&first, at) == [1, 2]));
    assert_eq!(sighted(&second), serials(3_000..3_037));
}

#[tokio::test]
async fn a_feed_that_moves_on_by_a_whole_page_is_no_old_ground() {
    let feed = Feed::of(0..150);
    let mut bench = Bench::after_first_walk(&feed, AFTERNOON).await;
    let burst = |range: std::ops::Range<u32>| range.map(|at| (at, 7)).collect::<Vec<_>>();
    feed.insert(0, &burst(1_000..1_180));
    feed.0.lock().unwrap().incoming = burst(3_000..3_100);

    let reports = bench.poll().await;

    assert_eq!(sighted(&reports), serials(1_000..1_180));
    assert_eq!(bench.fake.take("start"), ["0", "100", "200"]);
}

#[tokio::test]
async fn a_page_that_fails_leaves_its_filings_to_the_next_walk() {
    let feed = Feed::of(0..150);
    let mut bench = Bench::after_first_walk(&feed, AFTERNOON).await;
    let burst: Vec<_> = (1_000..1_120).map(|at| (at, 7)).collect();
    feed.insert(0, &burst);
    feed.insert(99, &[(2_000, 1), (2_000, 2)]);
    feed.fail(100, 500);

    let failed = bench.poll().await;
    feed.heal();
    let healed = bench.poll().await;

    assert_eq!(verdicts(&failed), ["failed"]);
    assert_eq!(sighted(&failed), serials(1_000..1_094));
    assert_eq!(verdicts(&healed), ["polled"]);
    assert_eq!(
        sighted(&healed),
        [serials(1_094..1_120), vec![2_000]].concat()
    );
    assert_eq!(ciks_of(&healed, 2_000), [1, 2]);
}

#[tokio::test]
async fn a_first_walk_that_failed_is_made_again_to_the_end() {
    let feed = Feed::of(0..350);
    feed.fail(200, 500);
    let mut bench = Bench::new(&feed, AFTERNOON).await;

    let failed = bench.poll().await;
    feed.heal();
    let healed = bench.poll().await;

    assert_eq!(sighted(&failed), serials(0..194));
    assert_eq!(sighted(&healed), serials(194..350));
    assert_eq!(verdicts(&healed), ["polled"]);
}

#[tokio::test]
async fn what_a_failed_walk_has_seen_does_not_end_the_next_one() {
    let feed = Feed::of(0..120);
    let mut bench = Bench::after_first_walk(&feed, AFTERNOON).await;
    feed.insert(0, &(1_000..1_750).map(|at| (at, 7)).collect::<Vec<_>>());
    feed.fail(700, 500);

    let failed = bench.poll().await;
    feed.heal();
    let healed = bench.poll().await;

    assert_eq!(sighted(&failed), serials(1_000..1_694));
    assert_eq!(sighted(&healed), serials(1_694..1_750));
    assert_eq!(verdicts(&healed), ["polled"]);
}

#[tokio::test]
async fn early_in_the_morning_filings_far_below_the_top_are_found() {
    let feed = Feed::of(0..700);
    let mut bench = Bench::after_first_walk(&feed, EARLY_MORNING).await;
    feed.insert(450, &[(1_000, 7), (1_001, 7)]);

    bench.pass(1);
    let between = bench.poll().await;
    assert_eq!(bench.fake.take("start"), ["0"]);
    bench.pass(4);
    let deep = bench.poll().await;

    assert!(between.is_empty(), "the top alone proves nothing");
    assert_eq!(sighted(&deep), [1_000, 1_001]);
    assert_eq!(verdicts(&deep), ["polled"]);
    assert_eq!(
        bench.fake.take("start"),
        ["0", "100", "200", "300", "400", "500"]
    );
}

#[tokio::test]
async fn a_deep_walk_that_is_not_sound_is_made_again_but_not_at_once() {
    let feed = Feed::of(0..250);
    let mut bench = Bench::after_first_walk(&feed, EARLY_MORNING).await;
    feed.update("2026-03-03T20:59:59Z");
    bench.pass(61);
    assert!(bench.poll().await.is_empty());
    assert_eq!(bench.fake.take("start"), ["0", "100", "200"]);
    feed.update(AFTERNOON);

    let top = bench.poll().await;
    assert_eq!(bench.fake.take("start"), ["0"]);
    bench.pass(5);
    let deep = bench.poll().await;

    assert!(top.is_empty(), "the top alone proves nothing");
    assert_eq!(verdicts(&deep), ["polled"]);
    assert_eq!(bench.fake.take("start"), ["0", "100", "200"]);
}

#[tokio::test]
async fn after_a_gap_filings_below_the_top_are_found() {
    let feed = Feed::of(0..350);
    let mut bench = Bench::after_first_walk(&feed, AFTERNOON).await;
    feed.insert(150, &[(1_000, 7)]);

    bench.pass(61);
    let reports = bench.poll().await;

    assert_eq!(sighted(&reports), [1_000]);
    bench.fake.take("start");
    bench.poll().await;
    assert_eq!(bench.fake.take("start"), ["0"]);
}

#[tokio::test]
async fn after_a_failed_poll_filings_below_the_top_are_found() {
    let feed = Feed::of(0..250);
    let mut bench = Bench::after_first_walk(&feed, AFTERNOON).await;
    feed.insert(150, &[(1_000, 7)]);
    feed.fail(0, 500);

    bench.poll().await;
    feed.heal();
    let reports = bench.poll().await;

    assert_eq!(sighted(&reports), [1_000]);
}

#[tokio::test]
async fn a_page_older_than_an_earlier_one_is_not_vouched_for() {
    let feed = Feed::of(0..50);
    let mut bench = Bench::after_first_walk(&feed, AFTERNOON).await;
    feed.insert(0, &[(1_000, 7)]);
    feed.update("2026-03-03T20:59:59Z");

    let stale = bench.poll().await;
    feed.update("2026-03-03T21:00:01Z");
    let fresh = bench.poll().await;

    assert_eq!(sighted(&stale), [1_000]);
    assert!(verdicts(&stale).is_empty());
    assert_eq!(verdicts(&fresh), ["polled"]);
}

#[tokio::test]
async fn an_empty_feed_is_not_vouched_for() {
    let mut bench = Bench::new(&Feed::of([]), AFTERNOON).await;

    let reports = bench.poll().await;

    assert!(reports.is_empty());
}

#[tokio::test]
async fn a_broken_feed_is_an_error_and_tells_its_cause() {
    let fake = Fake::start(|_| (200, "<feed><entry>".to_owned())).await;
    let clock = Clock::new(|| at(AFTERNOON));
    let mut monitor = AtomMonitor::new(AtomConfig::default(), &fake.url, client(), [], clock);
    let (sender, mut receiver) = mpsc::channel(100);

    monitor.poll(&sender).await.unwrap();

    let reports = drain(&mut receiver);
    let [Report::Failed { source, error, .. }] = &reports[..] else {
        panic!("{reports:?}");
    };
    assert_eq!(*source, Source::Atom);
    assert!(error.starts_with("cannot understand the feed"), "{error}");
}

#[tokio::test]
async fn filings_carry_what_the_feed_says_and_when_it_was_seen() {
    let mut bench = Bench::new(&Feed::of([42]), AFTERNOON).await;

    let reports = bench.poll().await;

    let Report::Sighted(Sighting { filing }) = &reports[0] else {
        panic!("{reports:?}");
    };
    assert_eq!(filing.source, Source::Atom);
    assert_eq!(filing.seen_at, at(AFTERNOON));
    assert_eq!(filing.accepted_at, Some(at("2026-03-03T20:30:00Z")));
    assert_eq!(filing.form.as_str(), "8-K");
}

#[tokio::test]
async fn the_monitor_polls_on_until_it_is_stopped() {
    let feed = Feed::of(0..10);
    let Bench {
        monitor,
        sender,
        mut receiver,
        ..
    } = Bench::new(&feed, AFTERNOON).await;
    let stop = CancellationToken::new();
    let task = tokio::spawn(monitor.run(sender, stop.clone()));
    let mut polls = 0;
    while polls < 2 {
        polls += usize::from(matches!(receiver.recv().await, Some(Report::Polled { .. })));
    }

    stop.cancel();

    task.await.unwrap();
}

#[tokio::test]
async fn the_monitor_ends_when_nobody_takes_its_reports() {
    let Bench {
        monitor,
        sender,
        receiver,
        ..
    } = Bench::new(&Feed::of(0..10), AFTERNOON).await;
    drop(receiver);

    monitor.run(sender, CancellationToken::new()).await;
}

#[tokio::test]
async fn a_monitor_that_is_not_enabled_asks_nothing() {
    let mut bench = Bench::new(&Feed::of(0..10), AFTERNOON).await;
    bench.monitor.config.enabled = false;
    let stop = CancellationToken::new();
    stop.cancel();

    bench.monitor.run(bench.sender, stop).await;

    assert!(bench.fake.take("start").is_empty());
}

/// A filing's parties as `cik role`.
type Parties = BTreeMap<String, BTreeSet<String>>;

/// The recorded pages by offset, or `None` where the recordings are not at hand.
fn recorded_walk() -> Option<BTreeMap<String, String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/edgar-fixtures/atom-getcurrent/2025-12-12T180331");
    if !folder.exists() {
        assert!(std::env::var_os("CI").is_none(), "{folder:?} is missing");
        eprintln!("did not run: {folder:?} is missing");
        return None;
    }
    let pages = std::fs::read_dir(folder).unwrap().map(|file| {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let start: u32 = name[14..18].parse().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        (start.to_string(), text)
    });
    Some(pages.collect())
}

/// Parties of each accession, found by plain search.
fn parties_of(pages: &BTreeMap<String, String>) -> Parties {
    let mut parties = Parties::new();
    for entry in pages
        .values()
        .flat_map(|page| page.split("<entry>").skip(1))
    {
        let accession = entry.split("accession-number=").nth(1).unwrap()[..20].to_owned();
        let title = entry.split("<title>").nth(1).unwrap();
        let title = title.split("</title>").next().unwrap();
        let (rest, role) = title.strip_suffix(')').unwrap().rsplit_once(" (").unwrap();
        let cik = rest.strip_suffix(')').unwrap().rsplit_once(" (").unwrap().1;
        let role = match role {
            "Reporting" => "reporting-owner",
            "Subject" => "subject-company",
            "Filed by" => "filed-by",
            "Issuing Entity" => "issuing-entity",
            other => &other.to_lowercase(),
        };
        let party = format!("{} {role}", cik.trim_start_matches('0'));
        parties.entry(accession).or_default().insert(party);
    }
    parties
}

#[tokio::test]
async fn a_recorded_walk_gives_each_filing_once_with_all_its_filers_and_roles() {
    let Some(pages) = recorded_walk() else {
        return;
    };
    let expected = parties_of(&pages);
    let fake = Fake::start(move |params| match pages.get(&params["start"]) {
        Some(page) => (200, page.clone()),
        None => (503, String::new()),
    })
    .await;
    let clock = Clock::new(|| at("2025-12-12T23:03:31Z"));
    let mut monitor = AtomMonitor::new(AtomConfig::default(), &fake.url, client(), [], clock);
    let (sender, mut receiver) = mpsc::channel(10_000);

    monitor.poll(&sender).await.unwrap();

    let reports = drain(&mut receiver);
    let mut found = Parties::new();
    for report in &reports {
        if let Report::Sighted(Sighting { filing }) = report {
            let parties = filing.filers.iter().map(|filer| {
                let role = filer.role.map_or("", |role| role.as_str());
                format!("{} {role}", filer.cik)
            });
            let parties: Vec<String> = parties.collect();
            let distinct: BTreeSet<String> = parties.iter().cloned().collect();
            assert_eq!(parties.len(), distinct.len(), "{}", filing.accession);
            let earlier = found.insert(filing.accession.to_string(), distinct);
            assert_eq!(earlier, None, "{} came twice", filing.accession);
        }
    }
    assert_eq!(found, expected);
    assert_eq!(expected.len(), 3_315);
    assert_eq!(verdicts(&reports), ["polled"]);
    assert_eq!(fake.take("start").len(), 51);
}
