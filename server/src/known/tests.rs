//! What is known beside a plain map, through snapshots, power cuts and restarts.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{collections::BTreeMap, io, path::Path, sync::Arc};

use eventlog::{
    Config, ReadError,
    disk::Disk,
    testing::{Fault, ForgetfulDisk, Step},
};
use proptest::prelude::*;
use protocol::{
    day::Day,
    event::{Body, Event, EventType},
    filing::{Document, Filing, Objects, Source, StoredObject},
    seq::Epoch,
    time::Timestamp,
};
use tokio_util::sync::CancellationToken;

use super::{block::Malformed, filings::Filings, recall::recall_with, *};
use crate::log::{Reader, Writer};

const DATA: &str = "/data";

/// What a sequence of events says, told plainly.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Plain {
    filings: BTreeMap<Accession, (Standing, Seq)>,
    sealed: BTreeMap<Date, Seq>,
}

#[derive(Debug, Clone)]
enum Act {
    Sight(u64, Source),
    Archive(u64, Stored, bool),
    Withdraw(u64),
    Seal(i8),
    /// A commit, after which the updater looks whether a snapshot is due.
    Commit,
    /// A power cut and the next start.
    Restart(u64),
}

fn act() -> impl Strategy<Value = Act> {
    let stored = (any::<bool>(), any::<bool>(), any::<bool>());
    let stored = stored.prop_map(|(sgml, tar, xbrl)| Stored { sgml, tar, xbrl });
    let source = prop_oneof![Just(Source::Atom), Just(Source::DailyIndex)];
    prop_oneof![
        6 => (0..40_u64, source).prop_map(|(number, source)| Act::Sight(number, source)),
        4 => (0..40_u64, stored, any::<bool>()).prop_map(|(n, s, facts)| Act::Archive(n, s, facts)),
        1 => (0..40_u64).prop_map(Act::Withdraw),
        1 => (0..9_i8).prop_map(Act::Seal),
        4 => Just(Act::Commit),
        2 => (0..12_u64).prop_map(Act::Restart),
    ]
}

/// Far apart and near each other, as accessions are.
fn accession(number: u64) -> Accession {
    let number = 999_999_999 * 10_u64.pow(8) * (number % 3) + number;
    Accession::from_number(number).unwrap()
}

fn day(number: i8) -> Date {
    Date::new(2026, 3, 1 + number).unwrap()
}

fn object() -> StoredObject {
    StoredObject {
        key: "k".to_owned(),
        bytes: 1,
        sha256: String::new(),
        original_sha256: None,
    }
}

fn filing(number: u64, source: Source) -> Filing {
    let seen_at = Timestamp::UNIX_EPOCH;
    Filing::new(accession(number), "8-K".parse().unwrap(), source, seen_at)
}

fn archived(number: u64, stored: Stored, facts: bool) -> Filing {
    let document = Document {
        ordinal: 1,
        sequence: None,
        document_type: if facts { "EX-101.SCH" } else { "8-K" }.to_owned(),
        filename: "a.xsd".to_owned(),
        description: None,
        size_bytes: 1,
    };
    Filing {
        objects: Objects {
            sgml: stored.sgml.then(object),
            tar: stored.tar.then(object),
            xbrl: stored.xbrl.then(object),
        },
        documents: vec![document],
        ..filing(number, Source::Atom)
    }
}

fn sealed(number: i8) -> Day {
    Day {
        date: day(number),
        listed: 0,
        seen_live: 0,
        recovered: Vec::new(),
        unarchived: Vec::new(),
        sha256: String::new(),
    }
}

/// An updater without its channels, on a disk that forgets.
struct Scene {
    disk: ForgetfulDisk,
    log: Writer,
    reader: Reader,
    known: Known,
    tally: Tally,
    saving: Saving,
    /// What is not committed yet would change it so.
    plain: Plain,
    durable: Plain,
}

fn open(disk: &ForgetfulDisk) -> (Writer, Reader) {
    let config = Config {
        segment_bytes: 1500,
        ring_bytes: 2000,
        ..Config::new("/data/log", Epoch::parse("k7q2").unwrap())
    };
    Writer::open(config, Arc::new(disk.clone())).unwrap()
}

fn file(disk: &ForgetfulDisk) -> SnapshotFile {
    let epoch = Epoch::parse("k7q2").unwrap();
    SnapshotFile::on(Arc::new(disk.clone()), Path::new(DATA), &epoch)
}

/// Events between snapshots here.
const EVERY: u64 = 7;

impl Scene {
    fn new() -> Self {
        let disk = ForgetfulDisk::default();
        disk.create_dir(Path::new(DATA)).unwrap();
        let (log, reader) = open(&disk);
        Self {
            saving: Saving::every(EVERY, file(&disk), Seq::ZERO),
            disk,
            log,
            reader,
            known: Known::default(),
            tally: Tally::default(),
            plain: Plain::default(),
            durable: Plain::default(),
        }
    }

    fn append(&mut self, body: Body) {
        self.tally.count(body.event_type(), day(0));
        let (epoch, seq) = (self.log.epoch(), self.log.next_seq());
        let frame = Event::new(epoch, seq, "2026-03-01T15:00:00Z".parse().unwrap(), body);
        self.log.append(frame.to_frame().into()).unwrap();
    }

    fn act(&mut self, act: Act) {
        let seq = self.log.next_seq();
        match act {
            Act::Sight(number, source) => self.sight(number, source, seq),
            Act::Archive(number, stored, facts) => self.archive(number, stored, facts),
            Act::Withdraw(number) => self.withdraw(number),
            Act::Seal(number) => {
                let is_new = !self.plain.sealed.contains_key(&day(number));
                assert_eq!(self.known.sealed(day(number), seq), is_new);
                if is_new {
                    self.plain.sealed.insert(day(number), seq);
                    self.append(Body::DaySealed(sealed(number)));
                }
            }
            Act::Commit => self.commit(),
            Act::Restart(newest) => self.restart(newest),
        }
    }

    fn sight(&mut self, number: u64, source: Source, seq: Seq) {
        let recovered = source == Source::DailyIndex;
        let is_new = !self.plain.filings.contains_key(&accession(number));
        assert_eq!(self.known.sighted(accession(number), source, seq), is_new);
        if is_new {
            let standing = Standing {
                recovered,
                ..Standing::default()
            };
            self.plain
                .filings
                .insert(accession(number), (standing, seq));
            self.append(Body::FilingSeen(filing(number, source)));
        }
    }

    fn archive(&mut self, number: u64, stored: Stored, facts: bool) {
        let filing = archived(number, stored, facts);
        let types = filing.documents.iter().map(|d| &*d.document_type);
        let facts = have_facts(types);
        self.known
            .archived(accession(number), &filing.objects, facts);
        if let Some((standing, _)) = self.plain.filings.get_mut(&accession(number)) {
            let (before, was_lacking) = (standing.stored, standing.lacks_something());
            standing.stored.sgml |= stored.sgml;
            standing.stored.tar |= stored.tar;
            standing.stored.xbrl |= stored.xbrl;
            let lacks_facts = (standing.lacks_facts || facts) && !standing.stored.xbrl;
            standing.lacks_facts = was_lacking && lacks_facts;
            assert!(before.and(standing.stored) == standing.stored);
        }
        self.append(Body::FilingArchived(filing));
    }

    fn withdraw(&mut self, number: u64) {
        let known = self.plain.filings.get_mut(&accession(number));
        let is_new =
            known.is_some_and(|(standing, _)| !std::mem::replace(&mut standing.withdrawn, true));
        assert_eq!(self.known.withdrawn(accession(number)), is_new);
        if is_new {
            self.append(Body::FilingWithdrawn(filing(number, Source::Atom)));
        }
    }

    fn commit(&mut self) {
        let tip = self.log.commit().unwrap();
        self.durable = self.plain.clone();
        self.saving.look(&self.known, self.tally, tip);
        self.saving.finish();
    }

    /// The power fails, with what is not committed; the next start reads at least `newest`.
    fn restart(&mut self, newest: u64) {
        self.disk.crash();
        (self.log, self.reader) = open(&self.disk);
        let recall = recall_with(&self.reader, &file(&self.disk), newest).unwrap();
        assert!(recall.covers.behind(self.reader.tip()) <= EVERY * 20);
        self.known = recall.known;
        self.tally = recall.tally;
        self.saving = Saving::every(EVERY, file(&self.disk), recall.covers);
        self.plain = self.durable.clone();
        self.check();
    }

    fn check(&self) {
        let standings: BTreeMap<_, _> = self.known.filings().collect();
        let expected: BTreeMap<_, _> = self
            .plain
            .filings
            .iter()
            .map(|(a, (s, _))| (*a, *s))
            .collect();
        assert_eq!(standings, expected);
        assert_eq!(self.known.len(), expected.len());
        assert_eq!(self.known.is_empty(), expected.is_empty());
        for number in 0..40 {
            let standing = self.known.standing(accession(number));
            assert_eq!(standing, expected.get(&accession(number)).copied());
        }
        let lacking: Vec<_> = self.known.lacking().collect();
        let plain = self
            .plain
            .filings
            .iter()
            .map(|(a, (s, seq))| (*a, *s, *seq));
        let expected: Vec<_> = plain.filter(|(_, s, _)| s.lacks_something()).collect();
        assert_eq!(lacking, expected);
        let days: BTreeMap<_, _> = self.known.sealed_days().collect();
        assert_eq!(days, self.plain.sealed);
        for number in 0..9 {
            let sealed = self.plain.sealed.get(&day(number)).copied();
            assert_eq!(self.known.sealed_seq(day(number)), sealed);
        }
        assert_eq!(
            self.known.last_sealed().map(|(day, _)| day),
            days.keys().next_back().copied()
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn what_is_known_is_a_plain_map_through_snapshots_and_restarts(
        acts in prop::collection::vec(act(), 1..120),
    ) {
        let mut scene = Scene::new();
        for act in acts {
            scene.act(act);
            scene.check();
        }
        scene.commit();
        scene.restart(0);
    }
}

fn put(filings: &mut Filings, number: u64, bits: u8) -> Entry {
    let entry = Entry {
        accession: Accession::from_number(number).unwrap(),
        standing: Standing::from_bits(bits | 3).unwrap(),
        seen: Seq::ZERO,
    };
    filings.put(entry);
    entry
}

#[test]
fn filings_are_found_and_sorted_in_any_number_of_blocks() {
    let mut filings = Filings::default();
    let mut plain = BTreeMap::new();

    // A walk through all residues: every place of a block is hit.
    for step in 0..9_000_u64 {
        let number = step * 7_919 % 6_007 * 1_000_003;
        plain.insert(number, put(&mut filings, number, (step % 32) as u8));
    }

    assert!(filings.blocks().len() > 10, "{}", filings.blocks().len());
    assert_eq!(filings.len(), plain.len());
    assert!(filings.walk().eq(plain.values().copied()));
    for number in 0..6_100 {
        let accession = Accession::from_number(number * 1_000_003).unwrap();
        assert_eq!(filings.get(accession), plain.get(&accession.get()).copied());
    }
}

/// A block as it lies in a file: so many neighbours of which nothing is lacking.
fn block(filings: usize) -> Vec<u8> {
    let mut bytes = vec![1, 3];
    bytes.resize(filings + 1, 2);
    bytes
}

#[test]
fn a_block_of_a_file_is_taken_whole_behind_those_before_and_of_no_more_than_512() {
    let mut filings = Filings::default();
    assert_eq!(filings.push_block(1_000, block(512)), Ok(()));
    let refused = [
        (2_000, vec![]),
        (2_000, block(513)),
        (2_000, vec![1]),
        (2_000, vec![1, 3, 0]),
        (2_000, vec![1, 3, 3, 255]),
        (2_000, vec![1, 3, 0x80, 0x80]),
        (2_000, vec![0x80; 12]),
        (1_511, block(1)),
        (1_000, block(1)),
    ];

    for (first, bytes) in refused {
        let told = format!("{first} {bytes:?}");
        assert_eq!(filings.push_block(first, bytes), Err(Malformed), "{told}");
    }

    assert_eq!(filings.push_block(1_512, block(1)), Ok(()));
    let numbers: Vec<u64> = filings.walk().map(|entry| entry.accession.get()).collect();
    assert!(numbers.into_iter().eq(1_000..1_513));
    assert_eq!(filings.len(), 513);
}

#[test]
fn a_clone_stays_as_it_was() {
    let mut filings = Filings::default();
    for number in 0..3000 {
        put(&mut filings, number, 0);
    }
    let before = filings.clone();
    let walk = filings.walk();

    for number in 0..9000 {
        put(&mut filings, number, 16);
    }

    assert_eq!(before.len(), 3000);
    assert!(before.walk().all(|entry| !entry.standing.withdrawn));
    assert_eq!(walk.filter(|entry| !entry.standing.withdrawn).count(), 3000);
}

/// A scene with so many filings, all of it durable.
fn busy(filings: u64) -> Scene {
    let mut scene = Scene::new();
    for number in 0..filings {
        scene.act(Act::Sight(number, Source::Atom));
        scene.act(Act::Seal((number % 9) as i8));
        scene.log.commit().unwrap();
    }
    scene.durable = scene.plain.clone();
    scene
}

fn snapshot(scene: &Scene) -> Snapshot {
    Snapshot {
        covers: scene.reader.tip(),
        known: scene.known.clone(),
        tally: scene.tally,
    }
}

fn known_of(snapshot: &Snapshot) -> (Seq, Vec<(Accession, Standing)>) {
    (snapshot.covers, snapshot.known.filings().collect())
}

#[test]
fn a_power_cut_while_a_snapshot_is_written_leaves_the_old_or_the_new_one() {
    let steps = [
        Step::Create,
        Step::Write,
        Step::Sync,
        Step::Rename,
        Step::SyncDir,
    ];
    for (step, chance) in steps
        .iter()
        .flat_map(|&step| (0..20).map(move |c| (step, c)))
    {
        let mut scene = busy(10);
        let old = snapshot(&scene);
        let file = file(&scene.disk);
        file.write(&old).unwrap();
        for number in 10..30 {
            scene.act(Act::Sight(number, Source::Atom));
        }
        scene.commit();
        let new = snapshot(&scene);

        let (after, kind) = (0, io::ErrorKind::Other);
        scene.disk.fail(Fault { step, after, kind });
        file.write(&new).unwrap_err();
        assert_eq!(scene.disk.faults_fired(), 1);
        scene.disk.crash_torn(chance);

        let found = known_of(&file.read(new.covers).unwrap());
        assert!(
            found == known_of(&old) || found == known_of(&new),
            "{step:?} {chance}"
        );
    }
}

#[test]
fn a_first_snapshot_that_a_power_cut_stops_is_not_there() {
    let mut scene = busy(10);
    let (step, after, kind) = (Step::Sync, 0, io::ErrorKind::StorageFull);
    scene.disk.fail(Fault { step, after, kind });

    file(&scene.disk).write(&snapshot(&scene)).unwrap_err();

    assert_eq!(scene.disk.faults_fired(), 1);
    scene.restart(0);
}

#[test]
fn a_snapshot_with_a_flipped_bit_or_a_lost_end_is_thrown_away() {
    let mut scene = busy(30);
    let file = file(&scene.disk);
    file.write(&snapshot(&scene)).unwrap();
    let good = scene.disk.bytes(file.path());
    let tip = scene.reader.tip();
    assert!(file.read(tip).is_ok());

    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        scene.disk.set_bytes(file.path(), bad);
        assert!(file.read(tip).is_err(), "bit {bit}");
    }
    for length in 0..good.len() {
        scene.disk.set_bytes(file.path(), good[..length].to_vec());
        assert!(
            matches!(file.read(tip), Err(Refusal::Damaged)),
            "{length} bytes"
        );
    }
    scene.restart(0);
}

#[test]
fn a_snapshot_of_another_log_or_ahead_of_its_log_is_thrown_away() {
    let mut scene = busy(10);
    let ours = file(&scene.disk);
    let mut ahead = snapshot(&scene);
    ahead.covers = ahead.covers.next();
    ahead.known = Known::default();

    ours.write(&ahead).unwrap();
    let refusal = ours.read(scene.reader.tip()).unwrap_err();
    assert!(matches!(refusal, Refusal::Ahead { .. }), "{refusal}");
    scene.restart(0);

    let other = Epoch::parse("zzzz").unwrap();
    let foreign = SnapshotFile::on(Arc::new(scene.disk.clone()), Path::new(DATA), &other);
    foreign.write(&Snapshot::default()).unwrap();
    let refusal = ours.read(scene.reader.tip()).unwrap_err();
    assert!(matches!(refusal, Refusal::OtherLog(_)), "{refusal}");
    scene.restart(0);
}

#[test]
fn a_disk_that_takes_no_snapshot_stops_nothing_and_the_next_one_comes() {
    let mut scene = busy(10);
    let (step, after, kind) = (Step::Write, 0, io::ErrorKind::StorageFull);
    scene.disk.fail(Fault { step, after, kind });

    scene.commit_nothing();
    assert_eq!(scene.disk.faults_fired(), 1);
    assert!(matches!(
        file(&scene.disk).read(scene.reader.tip()),
        Err(Refusal::Absent)
    ));
    for number in 10..20 {
        scene.act(Act::Sight(number, Source::Atom));
    }
    scene.commit();

    let read = file(&scene.disk).read(scene.reader.tip()).unwrap();
    assert_eq!(read.covers, scene.reader.tip());
}

#[test]
fn no_snapshot_is_written_before_it_is_due() {
    let mut scene = Scene::new();
    for number in 0..EVERY - 1 {
        scene.act(Act::Sight(number, Source::Atom));
    }
    scene.commit();
    let written = |scene: &Scene| file(&scene.disk).read(scene.reader.tip());
    assert!(matches!(written(&scene), Err(Refusal::Absent)));

    scene.act(Act::Sight(EVERY, Source::Atom));
    scene.commit();

    assert_eq!(written(&scene).unwrap().covers, scene.reader.tip());
}

impl Scene {
    fn commit_nothing(&mut self) {
        self.saving.look(&self.known, self.tally, self.reader.tip());
        self.saving.finish();
    }

    /// Flips a bit in the first segment, in the frame of its first record.
    fn rot(&self) {
        let path = Path::new(DATA).join("log/00000000000000000001.log");
        let mut bytes = self.disk.bytes(&path);
        let frame = bytes.iter().position(|byte| *byte == b'{').unwrap();
        bytes[frame + 20] ^= 1;
        self.disk.set_bytes(&path, bytes);
    }
}

#[test]
fn a_start_reads_no_more_than_the_snapshot_leaves_and_the_newest_events() {
    let mut scene = busy(30);
    scene.commit_nothing();
    // Whoever read the first record would meet it.
    scene.rot();

    for newest in [0, 5] {
        let recall = recall_with(&scene.reader, &file(&scene.disk), newest).unwrap();

        assert_eq!(recall.read_after.behind(scene.reader.tip()), newest);
        assert_eq!(recall.known.filings().count(), 30);
        assert_eq!(recall.tally, scene.tally);
        assert_eq!(
            recall.recent.len(),
            (newest as usize).min(recall.recent.len())
        );
    }
    let all = recall_with(&scene.reader, &file(&scene.disk), 1000).unwrap_err();
    assert!(all.chain().any(|cause| cause.is::<ReadError>()), "{all:#}");
}

#[test]
fn a_start_tells_the_newest_accessions_in_order_and_when_the_newest_event_was() {
    let scene = busy(30);
    let recalled = |newest| recall_with(&scene.reader, &file(&scene.disk), newest).unwrap();

    let recall = recalled(1000);

    let seen: Vec<_> = (0..30).map(accession).collect();
    assert_eq!(recall.recent, seen);
    assert_eq!(recall.last_at, "2026-03-01T15:00:00Z".parse().unwrap());
    assert_eq!((recall.covers, recall.read_after), (Seq::ZERO, Seq::ZERO));
}

#[test]
fn an_event_is_counted_on_its_day_only() {
    let mut tally = Tally::default();
    let (seen, archived) = (EventType::FilingSeen, EventType::FilingArchived);
    for event_type in [seen, seen, archived, EventType::DaySealed] {
        tally.count(event_type, day(1));
    }
    assert_eq!(
        (tally.day, tally.seen, tally.archived),
        (Some(day(1)), 2, 1)
    );

    tally.count(seen, day(2));

    assert_eq!(
        (tally.day, tally.seen, tally.archived),
        (Some(day(2)), 1, 0)
    );
}

#[test]
fn what_an_index_or_a_backfill_told_first_is_recovered() {
    let recovered = |source| {
        let mut known = Known::default();
        known.sighted(accession(1), source, Seq::new(1));
        known.standing(accession(1)).unwrap().recovered
    };

    assert!(recovered(Source::DailyIndex) && recovered(Source::Backfill));
    assert!(!recovered(Source::Atom) && !recovered(Source::Efts));
}

#[tokio::test(start_paused = true)]
async fn damage_that_the_start_did_not_read_is_found_in_the_background() {
    let mut scene = busy(30);
    scene.commit_nothing();
    let recall = recall_with(&scene.reader, &file(&scene.disk), 0).unwrap();
    scene.rot();

    let stop = CancellationToken::new();
    let error = scrub(scene.reader.clone(), recall.read_after, stop)
        .await
        .unwrap_err();

    assert!(format!("{error:#}").contains("damaged"), "{error:#}");
}

#[tokio::test(start_paused = true)]
async fn a_good_log_is_scrubbed_to_its_end_and_then_the_scrubber_waits() {
    let scene = busy(30);
    let stop = CancellationToken::new();
    let scrubbing = tokio::spawn(scrub(
        scene.reader.clone(),
        scene.reader.tip(),
        stop.clone(),
    ));

    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    assert!(!scrubbing.is_finished());
    stop.cancel();

    scrubbing.await.unwrap().unwrap();
}

#[test]
fn what_retention_takes_from_the_log_stays_known() {
    let mut scene = busy(30);
    scene.commit_nothing();
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(3600);
    assert!(
        scene
            .log
            .drop_segments_older_than(later, Seq::new(u64::MAX))
            .unwrap()
            > 0
    );

    scene.restart(1000);

    assert_eq!(scene.known.filings().count(), 30);
}

#[test]
fn every_standing_reads_back_and_no_other_bits_do() {
    for bits in 0..=u8::MAX {
        let again = Standing::from_bits(bits).map(Standing::to_bits);
        assert_eq!(again, (bits < 64).then_some(bits));
    }
}

#[test]
fn documents_have_facts_when_a_schema_or_a_linkbase_is_among_them() {
    assert!(have_facts(["10-Q", "EX-101.SCH"].into_iter()));
    assert!(have_facts(["EX-101.LAB", "10-Q"].into_iter()));
    assert!(!have_facts(["10-Q", "EX-10.1", "XML"].into_iter()));
}

#[test]
fn facts_are_lacking_only_where_documents_have_some() {
    let mut known = Known::default();
    let (with, without) = (accession(1), accession(2));
    let stored = Stored {
        sgml: true,
        tar: true,
        xbrl: false,
    };
    for (accession, facts) in [(with, true), (without, false)] {
        known.sighted(accession, Source::Atom, Seq::new(1));
        known.archived(accession, &archived(0, stored, facts).objects, facts);
    }

    let lacking: Vec<_> = known.lacking().map(|(accession, ..)| accession).collect();

    assert_eq!(lacking, [with]);
    assert_eq!(
        EventType::ALL.len(),
        6,
        "a new type may change what is known"
    );
}
