//! Killed at any moment: what a subscriber has seen stays, and everything arrives once.
//!
//! SIGKILL comes at random moments, from the first millisecond on, and at the named
//! points of the crate `crashpoint`, each of which is proven to have been met. All lives
//! share a data directory and one EDGAR that goes on filing. 200 kills in about two
//! minutes; `CRASH_KILLS` asks for another number, of which half are at random.

mod lives;
mod night;

use std::{
    collections::BTreeSet,
    fs::{self, File},
    os::unix::process::ExitStatusExt,
    path::Path,
    time::{Duration, SystemTime},
};

use protocol::event::Body;
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};

use self::lives::Lives;
use crate::harness::subscriber::Subscriber;

/// Points on the road of a filing: a life under load passes each of them soon, the later
/// ones of the second list only once or twice.
const OFTEN: &[&str] = &[
    "log.written",
    "log.synced",
    "staging.written",
    "staging.synced",
    "bucket.linked",
    "bucket.put",
    "fetch.downloaded",
    "fetch.made",
    "fetch.sgml_put",
    "fetch.tar_put",
    "fetch.all_put",
];
const SELDOM: &[&str] = &[
    "log.segment_created",
    "log.segment_written",
    "log.segment_durable",
    "log.rotated",
    "watermark.written",
    "watermark.synced",
    "watermark.renamed",
    "bucket.folder_made",
];

/// Points that need scenes of their own.
const RETENTION: &str = "log.segment_removed";
const PARKING: &[&str] = &["parking.labelled", "parking.parked", "parking.unlabelled"];

#[test]
fn every_named_point_is_met_by_a_test() {
    let mut met: Vec<&str> = [OFTEN, SELDOM, &[RETENTION], PARKING, night::POINTS].concat();
    let mut named = crashpoint::NAMES.to_vec();

    met.sort_unstable();
    named.sort_unstable();
    assert_eq!(met, named);
}

/// Half of the kills.
fn kills() -> usize {
    let asked = std::env::var("CRASH_KILLS").ok();
    let kills: usize = asked.map_or(200, |text| text.parse().expect("CRASH_KILLS is a number"));
    kills.div_ceil(2)
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_at_random_lose_double_and_renumber_nothing() {
    let mut chance = StdRng::seed_from_u64(50);
    let mut lives = Lives::under_load(50).await;

    for _ in 0..kills() {
        let moment = Duration::from_millis(chance.random_range(1..1_500));
        lives.die_after(moment).await;
    }

    lives.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_at_named_points_lose_double_and_renumber_nothing() {
    let mut chance = StdRng::seed_from_u64(51);
    let mut lives = Lives::under_load(51).await;
    let mut points = [OFTEN, SELDOM].concat();

    let mut kills = kills().max(points.len());
    while kills > 0 {
        points.shuffle(&mut chance);
        for &point in points.iter().take(kills) {
            let most = if OFTEN.contains(&point) { 4 } else { 1 };
            lives.die_at(point, chance.random_range(1..=most)).await;
        }
        kills = kills.saturating_sub(points.len());
    }

    lives.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_while_old_events_are_removed_leaves_a_log_that_goes_on() {
    let lives = Lives::quiet(52).await;
    let mut server = lives
        .server(&[("FILINGWIRE__LOG_SEGMENT_BYTES", "4096")])
        .await;
    let mut subscriber = Subscriber::subscribe(&server.stream(), &server.key, "after=live").await;
    for _ in 0..8 {
        lives.edgar.publish_now(1);
        while !matches!(subscriber.event().await.body, Body::FilingArchived(_)) {}
    }
    server.stop().await;
    let old = age(
        &lives.dir.path().join("log"),
        Duration::from_secs(3 * 86_400),
    );

    let plan = format!("{RETENTION}:2");
    let dying = [
        (crashpoint::VARIABLE, plan.as_str()),
        ("FILINGWIRE__LOG_RETENTION_DAYS", "1"),
        // No day is sealed here, and events are kept until theirs is.
        ("FILINGWIRE__RECONCILE__ENABLED", "false"),
    ];
    let mut server = lives.launch(&dying);
    server.serves().await;
    lives.edgar.publish_now(1);
    let status = server.ended().await;

    assert_eq!(status.signal(), Some(9), "{:#?}", server.lines());
    let left: BTreeSet<String> = files(&lives.dir.path().join("log")).into_iter().collect();
    let gone: Vec<&String> = old.iter().filter(|name| !left.contains(*name)).collect();
    assert_eq!(
        gone,
        old[..2].iter().collect::<Vec<_>>(),
        "the oldest two are gone"
    );
    let server = lives.server(&[]).await;
    let mut subscriber = Subscriber::subscribe(&server.stream(), &server.key, "after=oldest").await;
    let first = subscriber.event().await.seq().get();
    assert_eq!(format!("{first:020}.log"), old[2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_while_submissions_wait_for_the_bucket_neither_lose_nor_double_them() {
    let mut lives = Lives::quiet(53).await;
    let folder = lives.dir.path().join("archive/sgml-archive");
    fs::create_dir_all(folder.parent().unwrap()).unwrap();
    fs::write(&folder, "a file in its place").unwrap();
    lives.edgar.publish_now(12);

    lives.die_at(PARKING[0], 1).await;
    lives.die_at(PARKING[1], 2).await;
    fs::remove_file(&folder).unwrap();
    lives.die_at(PARKING[2], 1).await;

    lives.end().await;
}

/// Makes every file of the log but the newest older by `by`; gives their names, oldest first.
fn age(log: &Path, by: Duration) -> Vec<String> {
    let mut names = files(log);
    names.pop();
    for name in &names {
        let file = File::options().write(true).open(log.join(name)).unwrap();
        file.set_modified(SystemTime::now() - by).unwrap();
    }
    assert!(names.len() > 3, "the log has too few files: {names:?}");
    names
}

/// The names of the log's files, oldest first.
fn files(log: &Path) -> Vec<String> {
    let entries = fs::read_dir(log).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".log")).collect();
    names.sort_unstable();
    names
}
