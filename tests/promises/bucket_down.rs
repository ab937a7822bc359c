//! The archive fails: the stream goes on, submissions wait on the disk, and EDGAR is asked once.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use protocol::{
    event::Body,
    outage::{Outage, Part},
};
use serde_json::Value;
use simulator::{Config, PathClass, Simulator, Wish};

use crate::{
    harness::{
        Scene, eventually,
        program::{Server, create_key},
        subscriber::Subscriber,
    },
    live::sha256,
};

const PATIENCE: Duration = Duration::from_secs(60);

/// The folder of the submissions, which can be taken away; a file is there instead.
struct Folder {
    there: PathBuf,
    away: PathBuf,
}

impl Folder {
    fn of(data_dir: &Path) -> Self {
        let archive = data_dir.join("archive");
        Self {
            there: archive.join("sgml-archive"),
            away: archive.join("away"),
        }
    }

    fn take_away(&self) {
        fs::create_dir_all(&self.there).unwrap();
        fs::rename(&self.there, &self.away).unwrap();
        fs::write(&self.there, "").unwrap();
    }

    fn bring_back(&self) {
        fs::remove_file(&self.there).unwrap();
        fs::rename(&self.away, &self.there).unwrap();
    }
}

/// What a subscriber to everything has met.
#[derive(Debug, Default)]
struct Met {
    seen: BTreeSet<String>,
    archived: BTreeSet<String>,
    down: Vec<Outage>,
    up: Vec<Outage>,
}

impl Met {
    /// Reads on until `enough`.
    async fn until(&mut self, subscriber: &mut Subscriber, enough: impl Fn(&Self) -> bool) {
        while !enough(self) {
            match subscriber.event().await.body {
                Body::FilingSeen(filing) => assert!(self.seen.insert(filing.accession.to_string())),
                Body::FilingArchived(filing) => {
                    assert_eq!(self.down.len(), self.up.len(), "archived while down");
                    assert!(
                        self.archived.insert(filing.accession.to_string()),
                        "archived twice"
                    );
                }
                Body::SourceDown(outage) if outage.part == Part::Archive => self.down.push(outage),
                Body::SourceUp(outage) if outage.part == Part::Archive => self.up.push(outage),
                _ => {}
            }
        }
    }
}

async fn archive(server: &Server) -> Value {
    server.status().await["archive"].clone()
}

async fn parked(server: &Server, filings: u64) {
    eventually(&format!("{filings} are parked"), PATIENCE, async || {
        archive(server).await["parked"]["filings"] == filings
    })
    .await;
}

fn submissions_asked_for(edgar: &Simulator) -> u64 {
    edgar
        .ledger()
        .requests()
        .get(&PathClass::Submission)
        .copied()
        .unwrap_or(0)
}

/// Every filing's submission is in the folder, byte for byte.
fn check_exact(edgar: &Simulator, data_dir: &Path) {
    for filing in edgar.ledger().filings() {
        let name = format!("{}.sgml", filing.accession.replace('-', ""));
        let object = fs::read(Folder::of(data_dir).there.join(name)).unwrap();
        let bytes = zstd::decode_all(&object[..]).unwrap();
        assert_eq!(
            sha256(&bytes),
            filing.submission_sha256(),
            "{}",
            filing.accession
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_an_outage_of_the_bucket_all_is_delivered_and_what_waits_drains_by_itself() {
    let scene = Scene::quiet().await;
    let folder = Folder::of(scene.dir.path());
    let mut subscriber = scene.subscribe("types=*").await;
    let mut met = Met::default();
    scene.edgar.publish_now(1);
    met.until(&mut subscriber, |met| met.archived.len() == 1)
        .await;

    folder.take_away();
    scene.edgar.burst(30, Duration::from_secs(3));
    met.until(&mut subscriber, |met| {
        met.seen.len() == 31 && !met.down.is_empty()
    })
    .await;
    parked(&scene.server, 30).await;
    let down = archive(&scene.server).await;
    let metrics = scene.server.get("/metrics").await.body;
    folder.bring_back();
    met.until(&mut subscriber, |met| met.archived.len() == 31)
        .await;
    parked(&scene.server, 0).await;

    assert_eq!(down["up"], false);
    assert!(
        down["down_since"].is_string() && down["error"].is_string(),
        "{down}"
    );
    assert!(down["parked"]["bytes"].as_u64() > Some(1_000), "{down}");
    assert!(metrics.contains("filingwire_archive_up 0"), "{metrics}");
    assert!(
        metrics.contains("filingwire_fetch_parked_filings 30"),
        "{metrics}"
    );
    assert_eq!((met.down.len(), met.up.len()), (1, 1), "{met:?}");
    assert_eq!(met.down[0].since, met.up[0].since);
    assert!(met.up[0].until.unwrap() > met.up[0].since);
    assert_eq!(archive(&scene.server).await["up"], true);
    assert_eq!(submissions_asked_for(&scene.edgar), 31);
    check_exact(&scene.edgar, scene.dir.path());
    let complaints = scene.server.complaints();
    assert_eq!(complaints.len(), 1, "{complaints:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_an_outage_of_the_bucket_nothing_is_lost_or_fetched_again() {
    let edgar = Simulator::start_local(Config::quiet()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let key = create_key(dir.path(), &[]);
    let folder = Folder::of(dir.path());
    folder.take_away();

    for life in 1..=3 {
        let server = Server::start_with_key(dir.path(), &edgar.url(), &key, &[]).await;
        edgar.publish_now(4);
        parked(&server, 4 * life).await;
        server.kill();
    }
    folder.bring_back();
    let server = Server::start_with_key(dir.path(), &edgar.url(), &key, &[]).await;
    let mut subscriber =
        Subscriber::subscribe(&server.stream(), &key, "types=*&after=oldest").await;
    let mut met = Met::default();
    met.until(&mut subscriber, |met| met.archived.len() == 12)
        .await;
    parked(&server, 0).await;

    assert_eq!(submissions_asked_for(&edgar), 12);
    assert_eq!((met.down.len(), met.up.len()), (1, 1), "{met:?}");
    check_exact(&edgar, dir.path());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_backlog_stops_downloads_and_not_the_stream() {
    const BYTES: u64 = 2 << 20;
    let small = [("FILINGWIRE__ARCHIVE__BACKLOG_MAX_BYTES", "2097152")];
    let scene = Scene::with(Config::quiet(), &small).await;
    let folder = Folder::of(scene.dir.path());
    let mut subscriber = scene.subscribe("types=*").await;
    let mut met = Met::default();
    folder.take_away();

    let wish = Wish {
        submission_bytes: Some(1 << 20),
        ..Wish::default()
    };
    for _ in 0..40 {
        scene.edgar.publish(&wish).unwrap();
    }
    met.until(&mut subscriber, |met| met.seen.len() == 40).await;
    eventually("downloads pause", PATIENCE, async || {
        let archive = archive(&scene.server).await;
        archive["paused"] == "backlog_full" && archive["running"] == 0
    })
    .await;
    let full = archive(&scene.server).await;
    let asked = submissions_asked_for(&scene.edgar);
    scene.edgar.publish_now(3);
    met.until(&mut subscriber, |met| met.seen.len() == 43).await;
    assert_eq!(submissions_asked_for(&scene.edgar), asked, "{full}");
    folder.bring_back();
    met.until(&mut subscriber, |met| met.archived.len() == 43)
        .await;

    let bytes = full["parked"]["bytes"].as_u64().unwrap();
    assert!((BYTES..10 * BYTES).contains(&bytes), "{full}");
    assert!(asked < 40, "{asked} were asked for");
    assert_eq!(submissions_asked_for(&scene.edgar), 43);
    check_exact(&scene.edgar, scene.dir.path());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_room_the_disk_has_left_is_kept_for_the_log() {
    let all = [("FILINGWIRE__DISK__RESERVE_BYTES", "9000000000000000000")];
    let scene = Scene::with(Config::quiet(), &all).await;
    let mut subscriber = scene.subscribe("types=*").await;
    let mut met = Met::default();

    scene.edgar.publish_now(10);
    met.until(&mut subscriber, |met| met.seen.len() == 10).await;

    assert_eq!(archive(&scene.server).await["paused"], "disk_nearly_full");
    assert_eq!(submissions_asked_for(&scene.edgar), 0);
    let complaints = scene.server.complaints();
    assert!(
        complaints.len() == 1 && complaints[0].contains("disk is nearly full"),
        "{complaints:#?}"
    );
}
