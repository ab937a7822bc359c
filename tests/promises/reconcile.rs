//! Every day is proven complete against EDGAR's own index, once, however it goes.
//!
//! The simulated EDGAR lives in March 2026 and the programs in the present, but for the
//! tests of the schedule, where both follow the simulated clock.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use filingwire::{
    app::App,
    config::{Config, raw::Raw},
};
use jiff::civil::date;
use monitors::clock::Clock;
use protocol::{
    day::Day,
    event::{Body, Event},
    filing::Source,
    time::{Date, Timestamp},
};
use sha2::{Digest, Sha256};
use simulator::{Fault, FaultPlan, Simulator, Wish};
use tokio::sync::oneshot;

use crate::harness::{
    Scene, eventually,
    program::{Ended, Server, command, create_key},
    subscriber::Subscriber,
};

const DAY: Date = date(2026, 3, 3);
const PATIENCE: Duration = Duration::from_secs(30);

/// An EDGAR on the afternoon of [`DAY`] where nothing is filed unless asked for.
fn afternoon() -> simulator::Config {
    at("2026-03-03T19:00:00Z", 1.0)
}

fn at(start: &str, speed: f64) -> simulator::Config {
    simulator::Config {
        clock_start: Some(start.parse().unwrap()),
        clock_speed: speed,
        ..simulator::Config::quiet()
    }
}

/// Files what the feed never lists; the search index is not asked for March, or not at all.
fn publish_missed(edgar: &Simulator, count: usize) -> Vec<String> {
    let wish = Wish {
        atom_miss: true,
        ..Wish::default()
    };
    (0..count).map(|_| edgar.publish(&wish).unwrap()).collect()
}

/// A command beside the server, or without one.
fn beside(data_dir: &Path, edgar: &str, arguments: &[&str]) -> Command {
    let mut command = command(arguments);
    command.arg("--data-dir").arg(data_dir).envs([
        ("FILINGWIRE__EDGAR__CONTACT", "tests@filingwire.example"),
        ("FILINGWIRE__EDGAR__WWW_URL", edgar),
        ("FILINGWIRE__EDGAR__EFTS_URL", edgar),
    ]);
    command
}

fn reconcile(data_dir: &Path, edgar: &Simulator, date: &str) -> Ended {
    Ended::of(beside(
        data_dir,
        &edgar.url(),
        &["reconcile", "--date", date],
    ))
}

fn start(mut command: Command) -> Child {
    command.stderr(Stdio::piped()).stdout(Stdio::piped());
    command.spawn().unwrap()
}

/// What EDGAR says was filed on [`DAY`], as a seal hashes it.
fn ledger_roll(edgar: &Simulator) -> String {
    let filings = edgar.ledger().filings();
    let of_day = filings.iter().filter(|filing| filing.filed_on == DAY);
    let sorted: BTreeSet<String> = of_day.map(|f| format!("{}\n", f.accession)).collect();
    sorted.into_iter().collect()
}

fn sha256(bytes: impl AsRef<[u8]>) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Reads events until a seal; gives all of them.
async fn until_sealed(subscriber: &mut Subscriber) -> (Vec<Event>, Day) {
    let mut events = Vec::new();
    loop {
        let event = subscriber.event().await;
        events.push(event.clone());
        if let Body::DaySealed(day) = event.body {
            return (events, day);
        }
    }
}

fn sources(events: &[Event], of: Source) -> BTreeSet<String> {
    let seen = events.iter().filter_map(|event| match &event.body {
        Body::FilingSeen(filing) if filing.source == of => Some(filing.accession.to_string()),
        _ => None,
    });
    seen.collect()
}

/// The frames of an event file, each as its bytes.
fn frames(data_dir: &Path, day: Date) -> Vec<String> {
    let file = data_dir.join(format!("archive/events/{day}.ndjson.zst"));
    let text = zstd::decode_all(&fs::read(file).unwrap()[..]).unwrap();
    String::from_utf8(text)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

fn texts(events: &[Event]) -> Vec<String> {
    let text = |event: &Event| String::from_utf8(event.to_frame()).unwrap();
    events.iter().map(text).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_every_monitor_missed_is_recovered_and_the_seal_is_that_of_the_ledger() {
    let scene = Scene::of(afternoon()).await;
    let mut subscriber = scene.subscribe("types=*&after=oldest").await;
    scene.edgar.publish_now(4);
    let missed: BTreeSet<String> = publish_missed(&scene.edgar, 3).into_iter().collect();
    eventually("four are seen live", PATIENCE, async || {
        scene.server.status().await["today"]["archived"] == 4
    })
    .await;
    scene.edgar.publish_daily_index(DAY);

    let ended = reconcile(scene.dir.path(), &scene.edgar, "2026-03-03");

    let (events, day) = until_sealed(&mut subscriber).await;
    let roll = ledger_roll(&scene.edgar);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(
        ended
            .stdout
            .contains("2026-03-03 sealed: 7 listed, 4 seen live, 3 recovered, 0 not"),
        "{}",
        ended.stdout
    );
    assert_eq!(sources(&events, Source::DailyIndex), missed);
    assert_eq!((day.date, day.listed, day.seen_live), (DAY, 7, 4));
    assert_eq!(
        day.recovered
            .iter()
            .map(ToString::to_string)
            .collect::<BTreeSet<_>>(),
        missed
    );
    assert_eq!((day.unarchived.len(), &day.sha256), (0, &sha256(&roll)));
    let archived = events
        .iter()
        .filter(|event| matches!(event.body, Body::FilingArchived(_)));
    assert_eq!(archived.count(), 7, "all of them before the seal");
    assert_eq!(
        fs::read_to_string(scene.dir.path().join("days/2026-03-03.txt")).unwrap(),
        roll
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_files_of_a_day_are_what_a_subscriber_got_and_again_changes_nothing() {
    let scene = Scene::of(afternoon()).await;
    let mut subscriber = scene.subscribe("types=*&after=oldest").await;
    scene.edgar.publish_now(2);
    publish_missed(&scene.edgar, 1);
    scene.edgar.publish_daily_index(DAY);
    // The programs live in the present, so these events open the file of this seal.
    let first = reconcile(scene.dir.path(), &scene.edgar, "2026-03-03");
    let (events, _) = until_sealed(&mut subscriber).await;
    let head = scene.server.status().await["head"].clone();
    let folder = scene.dir.path().join("archive/events");
    let before = fs::read(folder.join("2026-03-03.ndjson.zst")).unwrap();

    let again = reconcile(scene.dir.path(), &scene.edgar, "2026-03-03");

    let check = Command::new("sha256sum")
        .args(["-c", "2026-03-03.ndjson.zst.sha256"])
        .current_dir(&folder)
        .output()
        .unwrap();
    assert!(check.status.success(), "{check:?}");
    assert_eq!((first.code, again.code), (Some(0), Some(0)));
    assert!(again.stdout.contains("sealed already"), "{}", again.stdout);
    assert_eq!(scene.server.status().await["head"], head);
    assert_eq!(
        fs::read(folder.join("2026-03-03.ndjson.zst")).unwrap(),
        before
    );
    let frames = frames(scene.dir.path(), DAY);
    assert_eq!(frames.last(), texts(&events).last(), "its own seal is last");
    assert_eq!(scene.server.complaints(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_server_the_command_does_it_alone() {
    let edgar = Simulator::start_local(afternoon()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    edgar.publish_now(3);
    edgar.publish_daily_index(DAY);

    let alone = reconcile(dir.path(), &edgar, "2026-03-03");

    assert_eq!(alone.code, Some(0), "{}", alone.stderr);
    assert!(
        alone
            .stdout
            .contains("3 listed, 0 seen live, 3 recovered, 0 not"),
        "{}",
        alone.stdout
    );
    let server = Server::start(dir.path(), &edgar.url()).await;
    let mut subscriber =
        Subscriber::subscribe(&server.stream(), &server.key, "types=*&after=oldest").await;
    let (events, day) = until_sealed(&mut subscriber).await;
    assert_eq!(day.sha256, sha256(ledger_roll(&edgar)));
    assert_eq!(sources(&events, Source::DailyIndex).len(), 3);
    let late = |event: &Event| event.body.filing().is_none_or(|filing| filing.late);
    assert!(
        events.iter().all(late),
        "they were found long after their day"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn days_without_an_index_are_told_apart() {
    let edgar = Simulator::start_local(afternoon()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let run = |date: &str| reconcile(dir.path(), &edgar, date);

    for (date, code, says) in [
        (
            "2026-03-03",
            1,
            "was due at 2026-03-04T03:07:00Z: it is late, or there is none",
        ),
        ("2026-03-07", 0, "a Saturday"),
        ("2026-07-03", 0, "a federal holiday"),
        ("2025-12-24", 0, "closed by order"),
        ("2999-01-01", 2, "--date 2999-01-01 is in the future"),
        ("1992-12-31", 2, "--date 1992-12-31 is before EDGAR"),
        ("yesterday", 2, "--date"),
    ] {
        let ended = run(date);
        assert_eq!(
            ended.code,
            Some(code),
            "{date}: {}{}",
            ended.stdout,
            ended.stderr
        );
        let told = if code == 0 {
            &ended.stdout
        } else {
            &ended.stderr
        };
        assert!(told.contains(says), "{date}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_lists_nothing_is_doubted_until_it_lists_the_day() {
    let edgar = Simulator::start_local(afternoon()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    edgar.publish_now(2);
    edgar.publish_daily_index(DAY);
    edgar.set_faults(FaultPlan::default().with(Fault::IndexEmpty, 1.0));

    let doubted = reconcile(dir.path(), &edgar, "2026-03-03");
    let fired = edgar.ledger().fired(Fault::IndexEmpty);
    edgar.set_faults(FaultPlan::default());
    let whole = reconcile(dir.path(), &edgar, "2026-03-03");

    assert_eq!((doubted.code, fired), (Some(1), 1), "{}", doubted.stderr);
    let says = "2026-03-03 is not sealed: the index of 2026-03-03 lists no filing";
    assert!(doubted.stderr.contains(says), "{}", doubted.stderr);
    assert_eq!(whole.code, Some(0), "{}", whole.stderr);
    let roll = fs::read_to_string(dir.path().join("days/2026-03-03.txt"));
    assert_eq!(roll.unwrap(), ledger_roll(&edgar));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_while_a_day_waits_for_its_submissions_seals_it_once_later() {
    let wait = [("FILINGWIRE__RECONCILE__ARCHIVE_WAIT_MS", "60000")];
    let scene = Scene::with(afternoon(), &wait).await;
    let wish = Wish {
        submission_after: Some(Duration::from_secs(3600)),
        atom_miss: true,
        ..Wish::default()
    };
    let never = scene.edgar.publish(&wish).unwrap();
    publish_missed(&scene.edgar, 2);
    scene.edgar.publish_daily_index(DAY);
    let Scene { edgar, dir, server } = scene;
    let mut asking = start(beside(
        dir.path(),
        &edgar.url(),
        &["reconcile", "--date", "2026-03-03"],
    ));
    eventually("it waits for the last submission", PATIENCE, async || {
        let running = &server.status().await["reconcile"]["running"];
        running["doing"] == "waiting for submissions" && running["done"] == 2
    })
    .await;

    let key = server.key.clone();
    server.kill();
    let broken = asking.wait().unwrap();
    let soon = [("FILINGWIRE__RECONCILE__ARCHIVE_WAIT_MS", "0")];
    let server = Server::start_with_key(dir.path(), &edgar.url(), &key, &soon).await;
    let ended = reconcile(dir.path(), &edgar, "2026-03-03");

    assert_eq!(
        (broken.code(), ended.code),
        (Some(1), Some(0)),
        "{}",
        ended.stderr
    );
    let mut subscriber =
        Subscriber::subscribe(&server.stream(), &key, "types=*&after=oldest").await;
    let (events, day) = until_sealed(&mut subscriber).await;
    assert_eq!(sources(&events, Source::DailyIndex).len(), 3, "none twice");
    assert_eq!(
        day.unarchived
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        [never]
    );
    assert_eq!(day.sha256, sha256(ledger_roll(&edgar)));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_a_crash_kept_from_a_sealed_day_are_written_at_the_next_start() {
    let edgar = Simulator::start_local(afternoon()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    edgar.publish_now(2);
    edgar.publish_daily_index(DAY);
    assert_eq!(reconcile(dir.path(), &edgar, "2026-03-03").code, Some(0));
    let [roll, draft, events, sum, place] = [
        "days/2026-03-03.txt",
        "days/2026-03-03.txt.draft",
        "archive/events/2026-03-03.ndjson.zst",
        "archive/events/2026-03-03.ndjson.zst.sha256",
        "events.json",
    ]
    .map(|name| dir.path().join(name));
    let before = [&roll, &events, &sum].map(|file| fs::read(file).unwrap());

    fs::rename(&roll, &draft).unwrap();
    for file in [&events, &sum, &place] {
        fs::remove_file(file).unwrap();
    }
    let server = Server::start(dir.path(), &edgar.url()).await;
    eventually("the files are there", PATIENCE, async || sum.exists()).await;

    assert_eq!(
        [&roll, &events, &sum].map(|file| fs::read(file).unwrap()),
        before
    );
    assert_eq!(server.complaints(), Vec::<String>::new());
}

/// The program in this process, by the simulated clock.
struct Night {
    addr: String,
    stop: oneshot::Sender<()>,
    running: tokio::task::JoinHandle<anyhow::Result<()>>,
}

impl Night {
    async fn start(dir: &Path, edgar: &Simulator) -> Self {
        let mut raw = Raw::for_edgar(&edgar.url(), "tests@filingwire.example", "127.0.0.1:0", dir);
        raw.monitors.atom.closed_poll_interval_ms = 250;
        raw.monitors.efts.enabled = false;
        raw.stream.heartbeat_ms = 200;
        let clock = edgar.clock().clone();
        let config = Config::check(&raw).unwrap();
        let app = App::start(config, Clock::new(move || clock.now()))
            .await
            .unwrap();
        let addr = app.addr().to_string();
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(app.run_until(async {
            stopped.await.ok();
        }));
        Self {
            addr,
            stop,
            running,
        }
    }

    async fn subscribe(&self, key: &str) -> Subscriber {
        let url = format!("ws://{}/v1/stream", self.addr);
        Subscriber::subscribe(&url, key, "types=*&after=oldest").await
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.running.await.unwrap().unwrap();
    }
}

fn eastern(text: &str) -> Timestamp {
    let wall: jiff::civil::DateTime = text.parse().unwrap();
    protocol::time::from_eastern(wall).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_is_sealed_by_itself_at_half_past_ten_in_the_evening() {
    // Eight minutes a second, from ten to ten.
    let edgar = Simulator::start_local(at("2026-03-04T02:50:00Z", 480.0))
        .await
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let key = create_key(dir.path(), &[]);
    edgar.publish_now(2);
    publish_missed(&edgar, 1);
    let night = Night::start(dir.path(), &edgar).await;

    let mut subscriber = night.subscribe(&key).await;
    let (events, day) = until_sealed(&mut subscriber).await;

    let sealed_at = events.last().unwrap().at;
    assert!(sealed_at >= eastern("2026-03-03T22:30:00"), "{sealed_at}");
    assert_eq!((day.date, day.listed, day.recovered.len()), (DAY, 3, 1));
    assert!(
        events
            .iter()
            .all(|e| e.body.filing().is_none_or(|f| !f.late)),
        "the same night is not late"
    );
    eventually("the files are there", PATIENCE, async || {
        let checksum = "archive/events/2026-03-03.ndjson.zst.sha256";
        dir.path().join(checksum).exists()
    })
    .await;
    assert_eq!(
        frames(dir.path(), DAY),
        texts(&events),
        "exactly what a subscriber got"
    );
    night.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_missed_is_made_at_the_next_start() {
    // Ten minutes a second, from eight in the evening.
    let edgar = Simulator::start_local(at("2026-03-04T01:00:00Z", 600.0))
        .await
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let key = create_key(dir.path(), &[]);
    edgar.publish_now(2);
    let evening = Night::start(dir.path(), &edgar).await;
    let mut subscriber = evening.subscribe(&key).await;
    subscriber.filings_seen(2).await;
    evening.stop().await;
    let stopped_at = edgar.clock().now();
    assert!(
        stopped_at < eastern("2026-03-03T22:07:00"),
        "too slow a machine: {stopped_at}"
    );
    publish_missed(&edgar, 1);

    eventually("it is the next morning", PATIENCE, async || {
        edgar.clock().now() > eastern("2026-03-04T00:10:00")
    })
    .await;
    let morning = Night::start(dir.path(), &edgar).await;
    let mut subscriber = morning.subscribe(&key).await;
    let (events, day) = until_sealed(&mut subscriber).await;

    assert_eq!((day.date, day.listed, day.recovered.len()), (DAY, 3, 1));
    let recovered = events.iter().filter_map(|event| event.body.filing());
    let mut recovered = recovered.filter(|filing| filing.source == Source::DailyIndex);
    assert!(
        recovered.all(|filing| filing.late),
        "found only on the next day"
    );
    morning.stop().await;
}

/// From nine in the evening; each night from before half past ten, on Saturday from before
/// three in the morning.
fn evenings(start: &str) -> simulator::Config {
    planned(start, "21:00-21:30/5,22:25-23:00/5,02:50-03:30/4/off")
}

fn planned(start: &str, plan: &str) -> simulator::Config {
    simulator::Config {
        clock_plan: Some(plan.parse().unwrap()),
        ..at(start, 1.0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_of_which_nothing_is_listed_or_seen_was_closed_when_a_later_one_has_an_index() {
    let edgar = Simulator::start_local(evenings("2026-03-04T02:00:00Z"))
        .await
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let key = create_key(dir.path(), &[]);
    let night = Night::start(dir.path(), &edgar).await;
    let mut subscriber = night.subscribe(&key).await;
    eventually("it is the next evening", PATIENCE, async || {
        edgar.clock().now() > eastern("2026-03-04T21:00:00")
    })
    .await;
    edgar.publish_now(1);

    let (_, day) = until_sealed(&mut subscriber).await;
    let metrics = crate::harness::program::get(&night.addr, "/metrics").await;
    let closed = reconcile(dir.path(), &edgar, "2026-03-03");

    assert_eq!((day.date, day.listed), (date(2026, 3, 4), 1));
    let doubted = metrics.body.lines();
    let mut doubted =
        doubted.filter_map(|line| line.strip_prefix("filingwire_reconcile_indexes_doubted_total "));
    let times: u32 = doubted.next().unwrap().parse().unwrap();
    assert!(times >= 4, "doubted for more than an hour: {times}");
    assert_eq!(closed.code, Some(0), "{}", closed.stderr);
    assert!(closed.stdout.contains("it was closed"), "{}", closed.stdout);
    night.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_surfaces_a_day_late_comes_with_the_next_night_and_changes_no_seal() {
    let edgar = Simulator::start_local(evenings("2026-03-04T02:00:00Z"))
        .await
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let key = create_key(dir.path(), &[]);
    edgar.publish_now(2);
    let wish = Wish {
        atom_miss: true,
        efts_miss: true,
        index_row_late: true,
        ..Wish::default()
    };
    let late = edgar.publish(&wish).unwrap();
    let night = Night::start(dir.path(), &edgar).await;
    let mut subscriber = night.subscribe(&key).await;
    let (_, first) = until_sealed(&mut subscriber).await;
    let kept = dir.path().join("days/2026-03-03.txt");
    eventually("what it is of is kept", PATIENCE, async || kept.exists()).await;
    let roll = fs::read(&kept).unwrap();
    eventually("it is the next evening", PATIENCE, async || {
        edgar.clock().now() > eastern("2026-03-04T21:00:00")
    })
    .await;
    edgar.publish_now(1);

    let (_, second) = until_sealed(&mut subscriber).await;
    let surfaced = loop {
        if let Body::FilingSeen(filing) = subscriber.event().await.body {
            break filing;
        }
    };

    assert_eq!((first.date, first.listed), (DAY, 2));
    assert_eq!((second.date, second.listed), (date(2026, 3, 4), 1));
    assert_eq!(surfaced.accession.to_string(), late);
    assert_eq!((surfaced.source, surfaced.late), (Source::DailyIndex, true));
    assert_eq!(fs::read(&kept).unwrap(), roll);
    night.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_disseminated_again_is_fetched_again_though_its_first_row_was_late() {
    let edgar = Simulator::start_local(evenings("2026-03-04T02:00:00Z"))
        .await
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let key = create_key(dir.path(), &[]);
    let wish = Wish {
        index_row_late: true,
        again_after: Some(Duration::from_secs(24 * 3600 - 600)),
        ..Wish::default()
    };
    let other = edgar.publish_now(1).remove(0);
    let again = edgar.publish(&wish).unwrap();
    let night = Night::start(dir.path(), &edgar).await;
    let mut subscriber = night.subscribe(&key).await;

    let mut versions = Vec::new();
    while versions.len() < 2 {
        if let Body::FilingArchived(filing) = subscriber.event().await.body
            && filing.accession.to_string() == again
        {
            versions.push(filing.objects.sgml.unwrap().original_sha256.unwrap());
        }
    }

    let truth = edgar.ledger().filing(&again).unwrap();
    let given_out = [truth.submission_sha256(), truth.revised_sha256().unwrap()];
    assert_eq!(versions, given_out);
    let first = fs::read_to_string(dir.path().join("days/2026-03-03.txt"));
    assert_eq!(first.unwrap(), format!("{other}\n"), "its row was late");
    night.stop().await;
}

/// A filing whose row joins the index of its day the morning after.
fn publish_with_late_row(edgar: &Simulator) -> String {
    let wish = Wish {
        index_row_late: true,
        ..Wish::default()
    };
    edgar.publish(&wish).unwrap()
}

/// A sealed Friday of `count` filings, of which EDGAR then takes away `withdrawn`.
async fn friday(
    dir: &Path,
    key: &str,
    count: usize,
    withdrawn: usize,
) -> (Simulator, Night, Subscriber, Vec<String>) {
    let edgar = Simulator::start_local(evenings("2026-03-07T02:00:00Z"))
        .await
        .unwrap();
    let filings = edgar.publish_now(count);
    let night = Night::start(dir, &edgar).await;
    let mut subscriber = night.subscribe(key).await;
    let (_, day) = until_sealed(&mut subscriber).await;
    assert_eq!((day.date, day.listed), (date(2026, 3, 6), count as u64));
    let gone = filings[..withdrawn].to_vec();
    assert!(gone.iter().all(|accession| edgar.withdraw(accession)));
    (edgar, night, subscriber, gone)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_edgar_takes_away_is_withdrawn_after_saturdays_rebuild_and_stays_in_the_archive() {
    let dir = tempfile::tempdir().unwrap();
    let key = create_key(dir.path(), &[]);
    let (edgar, night, mut subscriber, gone) = friday(dir.path(), &key, 3, 1).await;

    let withdrawn = loop {
        if let Body::FilingWithdrawn(filing) = subscriber.event().await.body {
            break filing;
        }
    };

    assert_eq!(withdrawn.accession.to_string(), gone[0]);
    assert!(edgar.clock().now() >= eastern("2026-03-07T03:00:00"));
    let object = format!("archive/sgml-archive/{}.sgml", gone[0].replace('-', ""));
    assert!(dir.path().join(object).exists());
    night.stop().await;
    let kept = fs::read_to_string(dir.path().join("reconcile.json")).unwrap();
    assert!(
        kept.contains(r#""quarter":"2026-03-07""#),
        "once a week: {kept}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_edgar_takes_away_is_withdrawn_though_its_row_was_late() {
    let edgar = Simulator::start_local(evenings("2026-03-06T02:00:00Z"))
        .await
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let key = create_key(dir.path(), &[]);
    edgar.publish_now(1);
    let late = publish_with_late_row(&edgar);
    let night = Night::start(dir.path(), &edgar).await;
    let mut subscriber = night.subscribe(&key).await;
    let (_, thursday) = until_sealed(&mut subscriber).await;
    eventually("it is Friday evening", PATIENCE, async || {
        edgar.clock().now() > eastern("2026-03-06T21:00:00")
    })
    .await;
    edgar.publish_now(1);
    assert!(edgar.withdraw(&late));

    let withdrawn = loop {
        if let Body::FilingWithdrawn(filing) = subscriber.event().await.body {
            break filing;
        }
    };

    assert_eq!((thursday.date, thursday.listed), (date(2026, 3, 5), 1));
    assert_eq!(withdrawn.accession.to_string(), late);
    let kept = fs::read_to_string(dir.path().join("days/2026-03-05.late"));
    assert_eq!(kept.unwrap(), format!("{late}\n"));
    night.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_lacks_too_much_is_doubted_and_nothing_is_withdrawn() {
    let dir = tempfile::tempdir().unwrap();
    let key = create_key(dir.path(), &[]);
    let (edgar, night, mut subscriber, _) = friday(dir.path(), &key, 14, 12).await;

    eventually("the quarter is read", PATIENCE, async || {
        let metrics = crate::harness::program::get(&night.addr, "/metrics")
            .await
            .body;
        metrics.contains("filingwire_reconcile_indexes_doubted_total 1")
    })
    .await;

    edgar.publish_now(1);
    let next = loop {
        match subscriber.event().await.body {
            Body::FilingArchived(_) => {}
            other => break other,
        }
    };
    assert!(matches!(next, Body::FilingSeen(_)), "{next:?}");
    night.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_joins_the_day_after_the_quarter_was_rebuilt_is_not_withdrawn() {
    // The night of Friday is missed and made up for when the late row is there.
    let mornings = planned("2026-03-07T02:00:00Z", "21:00-21:30/5,06:45-07:30/5/off");
    let edgar = Simulator::start_local(mornings).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let key = create_key(dir.path(), &[]);
    edgar.publish_now(2);
    let late = publish_with_late_row(&edgar);
    let night = Night::start(dir.path(), &edgar).await;
    let mut subscriber = night.subscribe(&key).await;

    let (_, day) = until_sealed(&mut subscriber).await;
    let kept = dir.path().join("reconcile.json");
    eventually("the quarter is read", PATIENCE, async || {
        fs::read_to_string(&kept).is_ok_and(|kept| kept.contains(r#""quarter":"2026-03-07""#))
    })
    .await;
    edgar.publish_now(1);
    let next = subscriber.event().await.body;

    assert_eq!((day.date, day.listed), (date(2026, 3, 6), 3));
    let listed = edgar.ledger().listed_in_quarter_of(day.date).unwrap();
    assert!(!listed.contains(&late), "the index has the row");
    assert!(matches!(next, Body::FilingSeen(_)), "{next:?}");
    night.stop().await;
}

/// Four days of filings, now Thursday noon.
fn four_days() -> simulator::Config {
    simulator::Config {
        history: 150,
        history_gap: Some(Duration::from_secs(35 * 60)),
        ..at("2026-03-12T16:00:00Z", 1.0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_goes_on_where_it_was_broken_off_and_takes_the_forms_asked_for() {
    let edgar = Simulator::start_local(four_days()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let range = [
        "backfill",
        "--from",
        "2026-03-09",
        "--to",
        "2026-03-11",
        "--forms",
        "8-K*,4",
    ];
    let mut slow = beside(dir.path(), &edgar.url(), &range);
    slow.env("FILINGWIRE__EDGAR__REQUESTS_PER_SECOND", "1");
    let kept = dir.path().join("backfill.json");
    let mut first = start(slow);
    eventually("one day is read", PATIENCE, async || {
        fs::read_to_string(&kept).is_ok_and(|text| text.contains(r#"["2026-03-09""#))
    })
    .await;

    let pid = first.id().to_string();
    Command::new("kill")
        .args(["-s", "INT", &pid])
        .status()
        .unwrap();
    let broken = first.wait().unwrap();
    let asked = |edgar: &Simulator| edgar.ledger().requests()[&simulator::PathClass::DailyIndex];
    let before = asked(&edgar);
    let second = Ended::of(beside(dir.path(), &edgar.url(), &range));

    let wanted = |form: &str| form == "4" || form.starts_with("8-K");
    let days = date(2026, 3, 9)..=date(2026, 3, 11);
    let filings = edgar.ledger().filings().into_iter();
    let filings = filings.filter(|f| days.contains(&f.disseminated_on) && wanted(f.form));
    let truth: BTreeSet<String> = filings.map(|filing| filing.accession).collect();
    assert_eq!(
        (broken.code(), second.code),
        (Some(1), Some(0)),
        "{}",
        second.stderr
    );
    assert!(
        asked(&edgar) - before < 3,
        "what was read to its end is not read twice"
    );
    let count = truth.len();
    assert!(
        count > 5
            && second.stdout.contains(&format!(
                "{count} filings of these forms, {count} of them new"
            )),
        "{count}: {}",
        second.stdout
    );
    assert!(!kept.exists());
    let server = Server::start(dir.path(), &edgar.url()).await;
    let mut subscriber = Subscriber::subscribe(&server.stream(), &server.key, "after=oldest").await;
    let seen = subscriber.filings_seen(count).await;
    assert_eq!(seen.keys().cloned().collect::<BTreeSet<_>>(), truth);
    assert!(
        seen.values()
            .all(|filing| filing.source == Source::Backfill && !filing.late)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_says_what_is_wrong_or_that_there_is_nothing() {
    let edgar = Simulator::start_local(four_days()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    for (arguments, code, says) in [
        (
            ["--from", "2026-03-09", "--to", "2026-03-06"].as_slice(),
            2,
            "--from 2026-03-09 is after --to",
        ),
        (
            &["--from", "1990-01-01", "--to", "2026-03-06"],
            2,
            "--from 1990-01-01 is before EDGAR",
        ),
        (
            &["--from", "2026-03-09", "--to", "2999-01-01"],
            2,
            "--to 2999-01-01 is in the future",
        ),
        (
            &[
                "--from",
                "2026-03-09",
                "--to",
                "2026-03-09",
                "--forms",
                "8-*K",
            ],
            2,
            "--forms",
        ),
        (
            &["--from", "2026-03-07", "--to", "2026-03-08"],
            0,
            "EDGAR lists no filing from 2026-03-07",
        ),
        (
            &[
                "--from",
                "2026-03-09",
                "--to",
                "2026-03-09",
                "--forms",
                "N-54A",
            ],
            0,
            "no filing of these forms",
        ),
        (
            &["--from", "2026-03-12", "--to", "2026-03-12"],
            1,
            "no index of 2026-03-12 yet",
        ),
    ] {
        let arguments = [&["backfill"], arguments].concat();
        let ended = Ended::of(beside(dir.path(), &edgar.url(), &arguments));
        assert_eq!(ended.code, Some(code), "{arguments:?}: {}", ended.stderr);
        let told = if code == 0 {
            &ended.stdout
        } else {
            &ended.stderr
        };
        assert!(told.contains(says), "{arguments:?}: {told}");
    }
}
