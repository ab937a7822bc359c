//! The feed monitor against feeds written by hand (`feed`) and a recorded one (`recorded`).

#![allow(clippy::unwrap_used, reason = "tests")]

mod feed;
mod recorded;

use tokio::sync::mpsc;

use self::feed::{Bench, Feed};
use super::*;
use crate::fake::{Fake, client, drain, sighted, verdicts};

const AFTERNOON: &str = "2026-03-03T21:00:00Z";
const EARLY_MORNING: &str = "2026-03-03T11:05:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
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
async fn after_the_feed_stood_still_filings_below_the_top_are_found_before_it_is_vouched_for() {
    let feed = Feed::of(0..350);
    let mut bench = Bench::after_first_walk(&feed, AFTERNOON).await;
    bench.pass(61);
    bench.poll().await;
    feed.insert(150, &[(1_000, 7)]);
    feed.update("2026-03-03T21:01:01Z");

    let top = bench.poll().await;
    bench.pass(6);
    let deep = bench.poll().await;

    assert!(top.is_empty(), "{top:?}");
    assert_eq!(sighted(&deep), [1_000]);
    assert_eq!(verdicts(&deep), ["polled"]);
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
