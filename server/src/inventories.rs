//! The inventories of the archive, made of what is known.
//!
//! Elsewhere: their form and place (`daily`), when they are made (`reconcile`).
//! Memory does not grow with the number of filings: they are told as they are written.

use std::vec;

use anyhow::Context;
use daily::{Kind, Store, Written, missing::Missing as Told};
use eventlog::ReadError;
use protocol::{accession::Accession, cik::Cik, seq::Seq};
use serde::Deserialize;

use crate::{
    known::{Known, Standing, Stored},
    log::Reader,
};

/// Filings whose filers are looked up together, in the order of the log.
const TOGETHER: usize = 10_000;

/// Writes what is archived and what is missing, of each kind; what did not change stays as it
/// is. Each filing that is missing costs a read of the log.
///
/// # Errors
/// When the log cannot be read, or with what [`daily`] says; asking again is harmless.
pub(crate) async fn write(
    known: &Known,
    log: &Reader,
    store: &Store,
) -> anyhow::Result<Vec<Written>> {
    let mut written = Vec::new();
    for kind in Kind::ALL {
        let archived = known.filings().filter(move |(_, s)| has(s.stored, kind));
        let archived = archived.map(|(accession, _)| accession);
        let instant = store.write_instant(kind, archived).await;
        written.push(instant.with_context(|| format!("no instant inventory of {kind}"))?);
        crashpoint::pass("inventory.written");
        let missing = store.write_missing(kind, missing(known, log, kind)).await;
        written.push(missing.with_context(|| format!("no list of missing {kind}"))?);
    }
    Ok(written)
}

fn has(stored: Stored, kind: Kind) -> bool {
    match kind {
        Kind::Sgml => stored.sgml,
        Kind::Tar => stored.tar,
        Kind::Xbrl => stored.xbrl,
    }
}

/// Facts are lacking only where documents are known to have some.
fn lacks(standing: Standing, kind: Kind) -> bool {
    match kind {
        Kind::Sgml | Kind::Tar => !has(standing.stored, kind),
        Kind::Xbrl => standing.lacks_facts,
    }
}

/// What is missing of a kind, with its filers.
fn missing(
    known: &Known,
    log: &Reader,
    kind: Kind,
) -> impl Iterator<Item = Told> + Send + 'static + use<> {
    let lacking = known.lacking().filter(move |(_, s, _)| lacks(*s, kind));
    Missing {
        lacking: lacking.map(|(accession, _, seen)| (accession, seen)),
        log: log.clone(),
        ready: Vec::new().into_iter(),
    }
}

struct Missing<I> {
    lacking: I,
    log: Reader,
    ready: vec::IntoIter<(Accession, Vec<Cik>)>,
}

impl<I: Iterator<Item = (Accession, Seq)>> Iterator for Missing<I> {
    type Item = Told;

    fn next(&mut self) -> Option<Told> {
        if self.ready.len() == 0 {
            let lacking = self.lacking.by_ref().take(TOGETHER).collect();
            match with_filers(&self.log, lacking) {
                Ok(ready) => self.ready = ready.into_iter(),
                Err(error) => return Some(Err(error.into())),
            }
        }
        self.ready.next().map(Ok)
    }
}

fn with_filers(
    log: &Reader,
    mut lacking: Vec<(Accession, Seq)>,
) -> anyhow::Result<Vec<(Accession, Vec<Cik>)>> {
    lacking.sort_unstable_by_key(|(_, seen)| *seen);
    let found = lacking
        .into_iter()
        .map(|(accession, seen)| Ok((accession, filers(log, accession, seen)?)));
    let mut found = found.collect::<anyhow::Result<Vec<_>>>()?;
    found.sort_unstable_by_key(|(accession, _)| *accession);
    Ok(found)
}

#[derive(Deserialize)]
struct Sketch {
    filing: FilingSketch,
}

#[derive(Deserialize)]
struct FilingSketch {
    accession: Accession,
    filers: Vec<FilerSketch>,
}

#[derive(Deserialize)]
struct FilerSketch {
    cik: Cik,
}

/// The filers that the `filing.seen` at `seen` names; none when retention has taken it.
fn filers(log: &Reader, accession: Accession, seen: Seq) -> anyhow::Result<Vec<Cik>> {
    let records = match log.read_after_blocking(seen.prev(), 1, 1) {
        Err(ReadError::Gone { .. }) => return Ok(Vec::new()),
        records => records.context("the event log cannot be read")?,
    };
    let record = records
        .first()
        .context("the log ends before an event that is known")?;
    let Sketch { filing } = serde_json::from_slice(&record.frame)
        .with_context(|| format!("event {seen} of the log is not one of ours"))?;
    anyhow::ensure!(
        filing.accession == accession,
        "event {seen} of the log is not that of {accession}; remove the file `known` of the data directory"
    );
    let mut ciks: Vec<Cik> = filing.filers.iter().map(|filer| filer.cik).collect();
    ciks.sort_unstable();
    ciks.dedup();
    Ok(ciks)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use archive::{key::Layout, memory::MemoryBucket, staging::Staging};
    use protocol::{
        event::{Body, Event},
        filing::{Filer, Filing, Objects, Source, StoredObject},
        time::Timestamp,
    };
    use tokio::io::AsyncReadExt as _;

    use super::*;
    use crate::{known::Known, log::Writer};

    struct Scene {
        dir: tempfile::TempDir,
        log: Writer,
        reader: Reader,
        known: Known,
        store: Store,
    }

    fn filing(serial: u64) -> Filing {
        let accession = Accession::from_number(serial).unwrap();
        let seen_at = Timestamp::UNIX_EPOCH;
        let mut filing = Filing::new(accession, "4".parse().unwrap(), Source::Atom, seen_at);
        let filers = [1_999_999, serial, 1_999_999];
        filing.filers = filers
            .map(|cik| Filer::new(Cik::new(cik), "A", None))
            .to_vec();
        filing
    }

    fn objects(tar: bool) -> Objects {
        let object = StoredObject {
            key: "k".to_owned(),
            bytes: 1,
            sha256: String::new(),
            original_sha256: None,
        };
        Objects {
            sgml: Some(object.clone()),
            tar: tar.then_some(object),
            xbrl: None,
        }
    }

    impl Scene {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let (log, reader) = crate::log::open(dir.path(), 1 << 20).unwrap();
            let store = Store {
                bucket: Arc::new(MemoryBucket::default()),
                staging: Staging::open(dir.path().join("staging")).unwrap(),
                layout: Layout::default(),
            };
            Self {
                dir,
                log,
                reader,
                known: Known::default(),
                store,
            }
        }

        fn see(&mut self, serial: u64) {
            let (filing, seq) = (filing(serial), self.log.next_seq());
            self.known.sighted(filing.accession, filing.source, seq);
            let body = Body::FilingSeen(filing);
            let event = Event::new(self.log.epoch(), seq, Timestamp::UNIX_EPOCH, body);
            self.log.append(event.to_frame().into()).unwrap();
            self.log.commit().unwrap();
        }

        fn archive(&mut self, serial: u64, tar: bool, facts: bool) {
            let accession = filing(serial).accession;
            self.known.archived(accession, &objects(tar), facts);
        }

        async fn write(&self) -> BTreeMap<String, String> {
            let written = write(&self.known, &self.reader, &self.store).await.unwrap();
            let mut texts = BTreeMap::new();
            for written in written {
                let mut object = self.store.bucket.open(&written.key).await.unwrap();
                let mut bytes = Vec::new();
                object.body.read_to_end(&mut bytes).await.unwrap();
                let text = String::from_utf8(zstd::decode_all(&*bytes).unwrap()).unwrap();
                let name = written.key.as_str().rsplit('/').next().unwrap();
                texts.insert(name.split('.').next().unwrap().to_owned(), text);
            }
            texts
        }
    }

    fn lines(serials: &[u64]) -> String {
        serials
            .iter()
            .map(|serial| format!("{serial:018}\n"))
            .collect()
    }

    fn missing(serials: &[u64]) -> serde_json::Value {
        let filers = |serial: &u64| serde_json::json!([serial.to_string(), "1999999"]);
        let told = serials
            .iter()
            .map(|serial| (format!("{serial:018}"), filers(serial)));
        serde_json::Value::Object(told.collect())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_archived_and_what_is_missing_is_told_of_each_kind() {
        let mut scene = Scene::new();
        // Seen in another order than that of accessions.
        for serial in [5, 2, 4, 1, 3] {
            scene.see(serial);
        }
        scene.archive(1, true, false);
        scene.archive(2, true, true);
        scene.archive(3, false, false);
        scene.known.withdrawn(filing(5).accession);

        let told = scene.write().await;

        assert_eq!(told["instant_sgml_archive"], lines(&[1, 2, 3]));
        assert_eq!(told["instant_tar_archive"], lines(&[1, 2]));
        assert_eq!(told["instant_xbrl_archive"], lines(&[]));
        let json = |name: &str| serde_json::from_str::<serde_json::Value>(&told[name]).unwrap();
        assert_eq!(json("missing_sgml_archive"), missing(&[4]));
        assert_eq!(json("missing_tar_archive"), missing(&[3, 4]));
        assert_eq!(json("missing_xbrl_archive"), missing(&[2]));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_second_writing_changes_nothing_but_what_is_new() {
        let mut scene = Scene::new();
        scene.see(1);
        scene.write().await;
        let again = write(&scene.known, &scene.reader, &scene.store)
            .await
            .unwrap();
        scene.archive(1, true, false);
        let then = write(&scene.known, &scene.reader, &scene.store)
            .await
            .unwrap();

        assert!(again.iter().all(|written| !written.changed));
        let changed = then.iter().filter(|written| written.changed);
        let changed: Vec<_> = changed.map(|written| written.key.as_str()).collect();
        assert_eq!(changed.len(), 4, "{changed:?}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_known_of_another_log_is_not_told_of_this_one() {
        let mut scene = Scene::new();
        scene.see(1);
        let mut other = Known::default();
        other.sighted(filing(2).accession, Source::Atom, Seq::new(1));

        let error = write(&other, &scene.reader, &scene.store)
            .await
            .unwrap_err();

        assert!(
            format!("{error:#}").contains("remove the file `known`"),
            "{error:#}"
        );
        drop(scene.dir);
    }
}
