//! Silence means something: what is told of a source that shows nothing, and when nothing is.

use std::time::Duration;

use jiff::SignedDuration;
use protocol::{
    event::{Body, Event},
    outage::{Outage, Part},
    time::Timestamp,
};
use simulator::{Config, Fault, FaultPlan, Simulator};
use tokio::time::timeout;

use crate::harness::{
    Scene, eventually,
    program::{Server, create_key},
    subscriber::Subscriber,
};

const TUESDAY_AT_THREE: &str = "2026-03-03T20:00:00Z";
const SUNDAY: &str = "2026-03-08T19:00:00Z";

/// So many times as fast as real time. Three minutes are half a minute.
const SPEED: f64 = 6.0;

/// Within this a silent source must be told of, in EDGAR's time.
const THREE_MINUTES: SignedDuration = SignedDuration::from_mins(3);

/// Longer than any test here takes, in real time.
const PATIENCE: Duration = Duration::from_secs(90);

/// An EDGAR where one filing comes every ten seconds.
fn busy() -> Config {
    Config {
        rate: 0.1,
        ..idle(TUESDAY_AT_THREE, SPEED)
    }
}

/// An EDGAR where nothing is filed.
fn idle(start: &str, speed: f64) -> Config {
    Config {
        history: 20,
        clock_start: Some(start.parse().unwrap()),
        clock_speed: speed,
        ..Config::quiet()
    }
}

/// The environment of a server that lives by the simulator's clock.
fn living_by(edgar: &Simulator) -> Vec<(&'static str, String)> {
    vec![
        ("FILINGWIRE_TEST_CLOCK", edgar.clock().to_string()),
        (
            "FILINGWIRE__MONITORS__EFTS__POLL_INTERVAL_MS",
            "2000".into(),
        ),
        ("FILINGWIRE__EDGAR__BLOCK_MS", "40000".into()),
    ]
}

async fn scene(config: Config) -> Scene {
    let edgar = Simulator::start_local(config).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let key = create_key(dir.path(), &[]);
    let server = start(&edgar, dir.path(), &key).await;
    Scene { edgar, dir, server }
}

async fn start(edgar: &Simulator, dir: &std::path::Path, key: &str) -> Server {
    let environment = living_by(edgar);
    let environment: Vec<_> = environment
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    Server::start_with_key(dir, &edgar.url(), key, &environment).await
}

/// The next `source.down` or `source.up`, and of what.
async fn outage(subscriber: &mut Subscriber) -> (Event, Outage) {
    let told = async {
        loop {
            let event = subscriber.event().await;
            if let Body::SourceDown(outage) | Body::SourceUp(outage) = &event.body {
                return (event.clone(), outage.clone());
            }
        }
    };
    timeout(PATIENCE, told).await.expect("an outage is told")
}

/// Waits until both sources have listed what was there at the start.
async fn settled(scene: &Scene) {
    eventually("both sources are read", PATIENCE, async || {
        scene.server.status().await["complete_through"].is_string()
    })
    .await;
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}

fn downs(server: &Server) -> usize {
    let lines = server.complaints();
    lines
        .iter()
        .filter(|line| line.contains("source is down"))
        .count()
}

/// A source stands still on a Tuesday at 15:00 and moves on after it was told to be down.
async fn a_source_stands_still(fault: Fault, part: Part) {
    let scene = scene(busy()).await;
    let mut subscriber = scene.subscribe("types=*").await;
    settled(&scene).await;
    subscriber.filings_seen(3).await;

    scene
        .edgar
        .set_faults(FaultPlan::default().with(fault, 1.0));
    let frozen = scene.edgar.clock().now();
    let (down, told) = outage(&mut subscriber).await;

    assert_eq!((told.part, told.until, told.error), (part, None, None));
    assert!(matches!(down.body, Body::SourceDown(_)));
    assert!(
        down.at.duration_since(frozen) < THREE_MINUTES,
        "{} s",
        seconds(frozen, down.at)
    );
    assert!(seconds(told.since, down.at) > 60.0 && seconds(frozen, told.since) < 30.0);
    let ready = scene.server.get("/readyz").await;
    assert_eq!(ready.status, 503, "{}", ready.body);
    assert!(
        ready
            .body
            .contains(&format!("\"stale_sources\":[\"{part}\"]")),
        "{}",
        ready.body
    );
    let page = &scene.server.status().await["sources"][part.as_str()];
    assert_eq!(
        (&page["state"], &page["since"]),
        (&"down".into(), &told.since.to_string().into())
    );
    assert_eq!(page["expected"]["news_within_s"], 165);
    let metrics = scene.server.get("/metrics").await.body;
    assert!(metrics.contains(&format!("filingwire_source_up{{source=\"{part}\"}} 0")));
    let complete = subscriber.heartbeat().await.complete_through;
    assert!(
        complete.unwrap() <= told.since,
        "a blind source vouches for nothing"
    );

    scene.edgar.set_faults(FaultPlan::default());
    let thawed = scene.edgar.clock().now();
    let (up, told_up) = outage(&mut subscriber).await;

    assert!(matches!(up.body, Body::SourceUp(_)));
    assert_eq!((told_up.part, told_up.since), (part, told.since));
    let until = told_up.until.unwrap();
    assert!(
        until >= thawed && seconds(thawed, until) < 120.0,
        "{thawed} {until}"
    );
    eventually("ready again, and complete", PATIENCE, async || {
        let complete = subscriber.heartbeat().await.complete_through;
        complete > Some(thawed) && scene.server.get("/readyz").await.status == 200
    })
    .await;
    let missed = scene.edgar.ledger().filings();
    let missed = missed
        .iter()
        .filter(|filing| filing.accepted_at < thawed)
        .count() as u64;
    assert!(
        scene.server.status().await["today"]["seen"]
            .as_u64()
            .unwrap()
            >= missed
    );
    assert!(scene.edgar.ledger().fired(fault) > 5);
    assert_eq!(downs(&scene.server), 1, "{:?}", scene.server.complaints());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_feed_on_a_tuesday_at_three_is_told_within_three_minutes() {
    a_source_stands_still(Fault::FrozenFeed, Part::Atom).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stale_search_results_on_a_tuesday_at_three_are_told_within_three_minutes() {
    a_source_stands_still(Fault::FrozenSearch, Part::Efts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tuesday_at_three_on_which_nothing_comes_at_all_is_told_within_three_minutes() {
    let scene = scene(idle(TUESDAY_AT_THREE, SPEED)).await;
    let mut subscriber = scene.subscribe("types=source.*").await;
    settled(&scene).await;
    let silent = scene.edgar.clock().now();

    let (down, told) = outage(&mut subscriber).await;

    assert_eq!((told.until, told.error), (None, None));
    assert!(
        down.at.duration_since(silent) < THREE_MINUTES,
        "{} s",
        seconds(silent, down.at)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_is_told_with_its_span() {
    let scene = scene(busy()).await;
    let mut subscriber = scene.subscribe("types=source.*").await;
    settled(&scene).await;

    scene
        .edgar
        .set_faults(FaultPlan::default().with(Fault::BlockPage, 1.0));
    eventually("the door shuts", PATIENCE, async || {
        scene.server.status().await["sec"]["door"] == "blocked"
    })
    .await;
    let blocked = scene.edgar.clock().now();
    scene.edgar.set_faults(FaultPlan::default());
    let downs = [outage(&mut subscriber).await, outage(&mut subscriber).await];
    let ups = [outage(&mut subscriber).await, outage(&mut subscriber).await];

    assert!(scene.edgar.ledger().fired(Fault::BlockPage) > 0);
    for (event, told) in &downs {
        assert!(matches!(event.body, Body::SourceDown(_)));
        assert!(told.error.as_ref().unwrap().contains("block"), "{told:?}");
        assert!(event.at.duration_since(blocked) < THREE_MINUTES);
        let (_, up) = ups.iter().find(|(_, up)| up.part == told.part).unwrap();
        assert_eq!(up.since, told.since);
        assert!(seconds(told.since, up.until.unwrap()) > 40.0 * SPEED - 20.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_sunday_is_no_alarm_even_when_nothing_answers() {
    let scene = scene(idle(SUNDAY, 120.0)).await;
    let mut subscriber = scene.subscribe("types=source.*&after=oldest").await;
    eventually("the feed is read", PATIENCE, async || {
        scene.server.status().await["sources"]["atom"]["last_success"].is_string()
    })
    .await;
    let pass = async |minutes| {
        let end = scene.edgar.clock().now() + SignedDuration::from_mins(minutes);
        eventually("time passes", PATIENCE, async || {
            scene.edgar.clock().now() > end
        })
        .await;
    };

    pass(10).await;
    scene
        .edgar
        .set_faults(FaultPlan::default().with(Fault::Error503, 1.0));
    pass(10).await;

    assert!(scene.edgar.ledger().fired(Fault::Error503) > 3);
    assert_eq!(scene.server.get("/readyz").await.status, 200);
    assert_eq!(subscriber.heartbeat().await.sent, 0);
    assert_eq!(downs(&scene.server), 0);
    let expected = &scene.server.status().await["sources"]["atom"]["expected"];
    assert_eq!(*expected, serde_json::json!({"hours": "closed"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_the_span_that_nobody_watched_is_told() {
    let Scene { edgar, dir, server } = scene(busy()).await;
    let mut subscriber = Subscriber::subscribe(&server.stream(), &server.key, "").await;
    subscriber.filings_seen(2).await;
    let key = server.key.clone();
    let killed = edgar.clock().now();
    server.kill();
    let end = killed + SignedDuration::from_secs(75);
    eventually("a minute passes", PATIENCE, async || {
        edgar.clock().now() > end
    })
    .await;

    let server = start(&edgar, dir.path(), &key).await;
    let query = "types=source.*&after=oldest";
    let mut subscriber = Subscriber::subscribe(&server.stream(), &key, query).await;
    let mut told = Vec::new();
    for _ in 0..4 {
        told.push(outage(&mut subscriber).await);
    }

    for part in [Part::Atom, Part::Efts] {
        let of_part: Vec<_> = told
            .iter()
            .filter(|(_, outage)| outage.part == part)
            .collect();
        let [(down, blind), (up, over)] = of_part[..] else {
            panic!("{told:?}");
        };
        assert!(matches!(down.body, Body::SourceDown(_)) && matches!(up.body, Body::SourceUp(_)));
        assert!(blind.since <= killed && seconds(blind.since, killed) < 120.0);
        assert_eq!(blind.since, over.since);
        assert!(over.until.unwrap() > end);
    }
    assert_eq!(told.len(), 4);
}
