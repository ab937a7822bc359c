//! The fetcher with a simulated EDGAR before it and a bucket in memory behind it.

use std::{collections::BTreeMap, fs, io::Write};

use archive::{key::Key, memory::MemoryBucket};
use monitors::sighting::{Report, Sighting};
use protocol::{
    filing::{Filer, Filing, Source},
    time::Timestamp,
};
use simulator::{Fault, FaultPlan, PathClass, Simulator};
use tokio::{io::AsyncReadExt, task::JoinHandle, time::timeout};

use super::*;
use crate::updater::{Inbox, Updater};

/// A fetcher at work.
struct Scene {
    edgar: Simulator,
    bucket: Arc<MemoryBucket>,
    log: Reader,
    reports: mpsc::Sender<Report>,
    orders: mpsc::Sender<Order>,
    again: Again,
    shortage: watch::Sender<Option<Shortage>>,
    status: Arc<Status>,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
    fetcher: JoinHandle<anyhow::Result<()>>,
    dir: tempfile::TempDir,
}

impl Scene {
    async fn new() -> Self {
        let edgar = Simulator::start_local(simulator::Config::quiet())
            .await
            .unwrap();
        Self::with(edgar, Arc::default(), tempfile::tempdir().unwrap())
    }

    /// Stops, and starts on what is there.
    async fn restarted(self, between: impl FnOnce(&Path)) -> Self {
        let Self {
            edgar,
            bucket,
            dir,
            reports,
            orders,
            fetcher,
            stop,
            ..
        } = self;
        drop((reports, orders));
        stop.cancel();
        fetcher.await.unwrap().unwrap();
        between(&dir.path().join("parked"));
        // The updater ends when all that lead to it are gone, and lets the log go.
        let opened = async {
            while crate::log::open(dir.path(), 1 << 20).is_err() {
                tokio::task::yield_now().await
            }
        };
        timeout(Duration::from_secs(10), opened).await.unwrap();
        Self::with(edgar, bucket, dir)
    }

    fn with(edgar: Simulator, bucket: Arc<MemoryBucket>, dir: tempfile::TempDir) -> Self {
        let status = Arc::new(Status::new(Timestamp::now(), Default::default()));
        let metrics = Arc::new(Metrics::new());
        let (told_of, measured) = (status.clone(), metrics.clone());
        let (updater, log) = Updater::on(dir.path(), told_of, measured, Clock::system());
        let (reports, reports_in) = mpsc::channel(64);
        let (archived, archived_in) = mpsc::channel(64);
        let (orders, orders_in) = mpsc::channel(64);
        let inbox = Inbox {
            reports: reports_in,
            archived: archived_in,
            orders: orders_in,
        };
        tokio::task::spawn_blocking(move || updater.run(inbox).unwrap());
        let (again, asked) = again(dir.path().join("fetch.again")).unwrap();
        let (shortage, told) = watch::channel(None);
        let parts = Parts {
            watermark: crate::log::watermark(dir.path(), &log, "fetch").unwrap(),
            log: log.clone(),
            sec: SecClient::new(sec_client::Config::new("tests@filingwire.example")).unwrap(),
            www_url: edgar.url(),
            staging: Staging::open(dir.path().join("staging")).unwrap(),
            parking: dir.path().join("parked"),
            backlog_max_bytes: 1 << 30,
            bucket: bucket.clone(),
            unreached: None,
            layout: archive::key::Layout::default(),
            shortage: told,
            asked,
            clock: Clock::system(),
            status: status.clone(),
            metrics: metrics.clone(),
        };
        let stop = CancellationToken::new();
        let outlet = Outlet {
            archived,
            orders: orders.clone(),
        };
        let fetcher = tokio::spawn(Fetcher::new(parts).unwrap().run(outlet, stop.clone()));
        Self {
            edgar,
            bucket,
            log,
            reports,
            orders,
            again,
            shortage,
            status,
            metrics,
            stop,
            fetcher,
            dir,
        }
    }

    /// Files and sights as many.
    async fn publish(&self, count: usize) -> Vec<Filing> {
        let mut filings = Vec::new();
        for accession in self.edgar.publish_now(count) {
            let truth = self.edgar.ledger().filing(&accession).unwrap();
            let form = truth.form.parse().unwrap();
            let mut filing = Filing::new(
                accession.parse().unwrap(),
                form,
                Source::Atom,
                Timestamp::now(),
            );
            let filer = |filer: &simulator::LedgerFiler| {
                Filer::new(protocol::cik::Cik::new(filer.cik), &*filer.name, None)
            };
            filing.filers = truth.filers.iter().map(filer).collect();
            let sighting = Sighting {
                filing: filing.clone(),
            };
            self.reports.send(Report::Sighted(sighting)).await.unwrap();
            filings.push(filing);
        }
        filings
    }

    /// What the log says, once it has so many events of that type.
    async fn events(&self, event_type: &str, count: usize) -> Vec<Event> {
        let mut moved = self.log.tip_changes();
        loop {
            moved.borrow_and_update();
            let records = self
                .log
                .read_after(Seq::ZERO, 10_000, usize::MAX)
                .await
                .unwrap();
            let events: Vec<Event> = records
                .iter()
                .map(|record| Event::from_frame(&record.frame).unwrap())
                .collect();
            let of_type = |event: &&Event| event.body.event_type().as_str() == event_type;
            if events.iter().filter(of_type).count() >= count {
                return events;
            }
            timeout(Duration::from_secs(20), moved.changed())
                .await
                .unwrap()
                .unwrap();
        }
    }

    async fn eventually(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let waiting = async {
            while !done(self) {
                tokio::time::sleep(Duration::from_millis(5)).await
            }
        };
        assert!(
            timeout(Duration::from_secs(20), waiting).await.is_ok(),
            "{what}: {:?}",
            self.status.fetch()
        );
    }

    async fn parked(&self, count: u64) {
        self.eventually("parked", |scene| {
            scene.status.fetch().parked.filings == count
        })
        .await;
    }

    fn asked_for(&self) -> u64 {
        self.edgar
            .ledger()
            .requests()
            .get(&PathClass::Submission)
            .copied()
            .unwrap_or(0)
    }

    fn counts(&self, line: &str) -> bool {
        self.metrics.render().contains(line)
    }

    async fn object(&self, key: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut object = self.bucket.open(&Key::parse(key).unwrap()).await.unwrap();
        object.body.read_to_end(&mut bytes).await.unwrap();
        bytes
    }
}

/// The checksums of all archived versions, by accession.
fn versions(events: &[Event]) -> BTreeMap<String, Vec<String>> {
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for event in events {
        if let Body::FilingArchived(filing) = &event.body {
            let sgml = filing.objects.sgml.clone().unwrap();
            versions
                .entry(filing.accession.to_string())
                .or_default()
                .push(sgml.original_sha256.unwrap());
        }
    }
    versions
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_the_bucket_is_put_after_a_restart_and_not_fetched_again() {
    let scene = Scene::new().await;
    scene.bucket.switch(false);
    scene.publish(5).await;
    scene.parked(5).await;
    let events = scene.events("source.down", 1).await;
    assert!(versions(&events).is_empty());

    let scene = scene.restarted(|_| {}).await;
    scene.parked(5).await;
    assert!(!scene.status.fetch().up, "the log tells of the outage");
    scene.bucket.switch(true);
    scene.events("filing.archived", 5).await;

    let events = scene.events("source.up", 1).await;
    assert_eq!(versions(&events).len(), 5);
    assert_eq!(scene.asked_for(), 5);
    scene.parked(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_power_cut_damaged_is_fetched_again() {
    let scene = Scene::new().await;
    scene.bucket.switch(false);
    let filings = scene.publish(3).await;
    scene.parked(3).await;

    let [cut, garbled, _] = [0, 1, 2].map(|place| filings[place].accession.to_string());
    let damage = |parked: &Path| {
        std::fs::write(parked.join(cut).join("filing.json"), "").unwrap();
        let object = parked.join(garbled).join("sgml");
        let length = std::fs::metadata(&object).unwrap().len();
        std::fs::write(object, vec![0; length as usize]).unwrap();
    };
    let scene = scene.restarted(damage).await;
    scene.bucket.switch(true);
    let events = scene.events("filing.archived", 3).await;

    assert_eq!(scene.asked_for(), 5);
    for (accession, sha256) in versions(&events) {
        let truth = scene.edgar.ledger().filing(&accession).unwrap();
        assert_eq!(sha256, [truth.submission_sha256()], "{accession}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_that_a_kill_left_behind_its_event_is_not_told_again() {
    let scene = Scene::new().await;
    scene.bucket.switch(false);
    let filing = scene.publish(1).await.remove(0);
    scene.parked(1).await;
    let name = filing.accession.to_string();
    let parcel = scene.dir.path().join("parked").join(&name);
    let files = fs::read_dir(&parcel).unwrap().map(|file| {
        let path = file.unwrap().path();
        (path.clone(), fs::read(path).unwrap())
    });
    let files: Vec<_> = files.collect();
    scene.bucket.switch(true);
    scene.events("filing.archived", 1).await;
    scene.parked(0).await;

    let left = |_: &Path| {
        fs::create_dir(&parcel).unwrap();
        for (path, bytes) in &files {
            fs::write(path, bytes).unwrap();
        }
    };
    let scene = scene.restarted(left).await;
    scene.eventually("removed", |_| !parcel.exists()).await;
    scene.publish(1).await;
    let events = scene.events("filing.archived", 2).await;

    let versions = versions(&events);
    assert_eq!((versions.len(), versions[&name].len()), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_edgar_does_not_give_at_first_is_asked_for_again_after_a_while() {
    let scene = Scene::new().await;
    let faults = FaultPlan::default().with(Fault::NotFoundFirst, 1.0);
    scene.edgar.set_faults(faults);

    let began = Instant::now();
    scene.publish(1).await;
    scene.events("filing.archived", 1).await;

    assert!(began.elapsed() >= Duration::from_secs(1));
    assert_eq!(scene.edgar.ledger().fired(Fault::NotFoundFirst), 1);
    assert_eq!(scene.asked_for(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_watermark_follows_while_the_fetcher_goes_on() {
    let scene = Scene::new().await;
    let stored = |scene: &Scene| {
        let stored = crate::log::watermark(scene.dir.path(), &scene.log, "fetch");
        stored.unwrap().get()
    };

    // The second comes when the watermark has just been stored.
    for count in [1, 2] {
        scene.publish(1).await;
        scene.events("filing.archived", count).await;
        scene
            .eventually("stored", |scene| stored(scene) == scene.log.tip())
            .await;
    }

    assert!(!scene.fetcher.is_finished());
}

#[test]
fn a_full_backlog_is_full_until_an_eighth_of_it_is_free() {
    let full = Some(Pause::BacklogFull);

    assert!(is_full(None, 800, 800) && !is_full(None, 799, 800));
    assert!(is_full(full, 700, 800) && !is_full(full, 699, 800));
    assert!(!is_full(Some(Pause::DiskNearlyFull), 799, 800));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_fetched_again_are_counted_and_nothing_else() {
    let scene = Scene::new().await;
    let filing = scene.publish(1).await.remove(0);
    scene.events("filing.archived", 1).await;
    scene.parked(0).await;

    scene.again.ask(vec![filing]).unwrap();
    scene
        .eventually("the same", |s| {
            s.counts("fetch_refetches_total{reason=\"same\"} 1")
        })
        .await;

    assert_eq!((scene.log.tip(), scene.asked_for()), (Seq::new(2), 2));
}

/// As if an earlier life had archived them.
async fn put_other_bytes(scene: &Scene, filing: &Filing) -> Vec<u8> {
    let staging = Staging::open(scene.dir.path().join("other")).unwrap();
    let mut draft = staging.draft().unwrap();
    let bytes = zstd::encode_all(&b"other bytes"[..], 1).unwrap();
    draft.write_all(&bytes).unwrap();
    let key = Layout::default().sgml(filing.accession).unwrap();
    scene
        .bucket
        .replace(&key, &draft.finish().unwrap())
        .await
        .unwrap();
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn other_bytes_fetched_again_are_kept_beside_the_first_and_told_once() {
    let scene = Scene::new().await;
    let filing = scene.publish(1).await.remove(0);
    scene.events("filing.archived", 1).await;
    scene.parked(0).await;
    let before = put_other_bytes(&scene, &filing).await;

    scene.again.ask(vec![filing.clone()]).unwrap();
    let events = scene.events("filing.archived", 2).await;
    scene.parked(0).await;
    scene.again.ask(vec![filing.clone()]).unwrap();
    scene
        .eventually("known", |s| {
            s.counts("fetch_refetches_total{reason=\"same\"} 1")
        })
        .await;

    let Body::FilingArchived(again) = &events[2].body else {
        panic!("{events:?}")
    };
    let keys = [&again.objects.sgml, &again.objects.tar].map(|object| object.clone().unwrap().key);
    let mark = format!(
        ".{:.12}.",
        versions(&events).into_values().next().unwrap()[1]
    );
    assert!(keys.iter().all(|key| key.contains(&mark)), "{keys:?}");
    assert!(scene.counts("fetch_refetches_total{reason=\"differs\"} 1"));
    assert_eq!(
        scene
            .object(&format!("sgml-archive/{}.sgml", filing.accession.compact()))
            .await,
        before
    );
    assert_eq!(scene.log.tip(), Seq::new(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_fetched_again_survives_an_outage_and_a_restart_and_is_told_once() {
    let scene = Scene::new().await;
    let filing = scene.publish(1).await.remove(0);
    scene.events("filing.archived", 1).await;
    scene.parked(0).await;
    put_other_bytes(&scene, &filing).await;
    scene.bucket.refuse_puts(true);

    scene.again.ask(vec![filing.clone()]).unwrap();
    scene.parked(1).await;
    scene.events("source.down", 1).await;
    let scene = scene.restarted(|_| {}).await;
    scene.bucket.refuse_puts(false);
    scene.events("source.up", 1).await;
    let events = scene.events("filing.archived", 2).await;
    scene.parked(0).await;
    let scene = scene.restarted(|_| {}).await;

    assert_eq!(versions(&events)[&filing.accession.to_string()].len(), 2);
    assert_eq!((scene.log.tip(), scene.asked_for()), (Seq::new(5), 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_to_be_fetched_again_survives_a_restart() {
    let scene = Scene::new().await;
    let filing = scene.publish(1).await.remove(0);
    scene.events("filing.archived", 1).await;
    scene.parked(0).await;
    scene.shortage.send_replace(Some(Shortage {
        place: "/data".into(),
        free_bytes: 1,
    }));
    scene
        .eventually("paused", |scene| scene.status.fetch().paused.is_some())
        .await;

    scene.again.ask(vec![filing]).unwrap();
    scene.publish(1).await;
    scene
        .eventually("in the backlog", |scene| scene.status.fetch().backlog == 1)
        .await;
    let scene = scene.restarted(|_| {}).await;
    scene
        .eventually("the same", |s| {
            s.counts("fetch_refetches_total{reason=\"same\"} 1")
        })
        .await;
    scene.events("filing.archived", 2).await;
    let scene = scene.restarted(|_| {}).await;

    assert_eq!(scene.asked_for(), 3);
    assert_eq!(
        fs::read(scene.dir.path().join("fetch.again")).unwrap(),
        b"[]"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_edgar_took_away_is_not_fetched_again_though_it_was_asked() {
    let scene = Scene::new().await;
    let [kept, gone] = [1, 2].map(unknown_to_edgar);
    for filing in [&kept, &gone] {
        let filing = filing.clone();
        let sighting = Report::Sighted(Sighting { filing });
        scene.reports.send(sighting).await.unwrap();
    }
    scene.events("filing.seen", 2).await;
    scene.again.ask(vec![kept.clone(), gone.clone()]).unwrap();

    let (answer, appended) = tokio::sync::oneshot::channel();
    let order = Order::Append(Box::new(Body::FilingWithdrawn(gone)), answer);
    scene.orders.send(order).await.unwrap();
    appended.await.unwrap();
    let file = scene.dir.path().join("fetch.again");
    let asked = || fs::read_to_string(&file).unwrap();
    scene
        .eventually("one is forgotten", |_| !asked().contains("26-000002"))
        .await;

    assert!(asked().contains("26-000001"), "{}", asked());
    scene
        .eventually("both are tried on", |scene| {
            scene.status.fetch().backlog == 2
        })
        .await;
}

/// A filing whose submission EDGAR does not give.
fn unknown_to_edgar(serial: u32) -> Filing {
    let accession = format!("0001999999-26-{serial:06}").parse().unwrap();
    Filing::new(
        accession,
        "8-K".parse().unwrap(),
        Source::Atom,
        Timestamp::now(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_nearly_full_pauses_downloads_until_it_has_room() {
    let scene = Scene::new().await;
    let shortage = Shortage {
        place: "/data".into(),
        free_bytes: 1,
    };
    scene.shortage.send_replace(Some(shortage));
    scene
        .eventually("paused", |scene| {
            scene.status.fetch().paused == Some(Pause::DiskNearlyFull)
        })
        .await;
    scene.publish(2).await;
    scene.events("filing.seen", 2).await;
    scene
        .eventually("in the backlog", |scene| scene.status.fetch().backlog == 2)
        .await;
    assert_eq!(scene.asked_for(), 0);

    scene.shortage.send_replace(None);
    scene.events("filing.archived", 2).await;

    assert_eq!(scene.status.fetch().paused, None);
}
