//! What the event files of days hold, on a log and a bucket of their own.
#![allow(clippy::unwrap_used, reason = "tests")]

use archive::memory::MemoryBucket;
use jiff::civil::date;
use protocol::{
    day::Day,
    filing::{Filing, Source},
};

use super::*;
use crate::log::{self, Writer};

/// A log of events at chosen times, and a bucket.
struct Bench {
    dir: tempfile::TempDir,
    writer: Writer,
    reader: Reader,
    bucket: Arc<MemoryBucket>,
    staging: Staging,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (writer, reader) = log::open(dir.path(), 1 << 20).unwrap();
        let staging = Staging::open(dir.path().join("staging")).unwrap();
        let bucket = Arc::default();
        Self {
            dir,
            writer,
            reader,
            bucket,
            staging,
        }
    }

    fn append(&mut self, at: &str, body: Body) -> String {
        let (epoch, seq) = (self.writer.epoch(), self.writer.next_seq());
        let frame = Event::new(epoch, seq, at.parse().unwrap(), body).to_frame();
        let text = String::from_utf8(frame.clone()).unwrap();
        self.writer.append(frame.into()).unwrap();
        self.writer.commit().unwrap();
        text
    }

    fn seen(&mut self, at: &str) -> String {
        let accession = format!("0001999999-26-{:06}", self.writer.next_seq().get());
        let accession = accession.parse().unwrap();
        let form = "8-K".parse().unwrap();
        let filing = Filing::new(accession, form, Source::Atom, at.parse().unwrap());
        self.append(at, Body::FilingSeen(filing))
    }

    fn seal(&mut self, at: &str, day: Date) -> String {
        let day = Day {
            date: day,
            listed: 0,
            seen_live: 0,
            recovered: Vec::new(),
            unarchived: Vec::new(),
            sha256: String::new(),
        };
        self.append(at, Body::DaySealed(day))
    }

    fn files(&self) -> EventFiles {
        let store = daily::Store {
            bucket: self.bucket.clone(),
            staging: self.staging.clone(),
            layout: Layout::default(),
        };
        EventFiles::new(self.reader.clone(), &store, self.dir.path())
    }

    async fn read(&self, key: &str) -> Vec<u8> {
        let object = self.bucket.open(&Key::parse(key).unwrap()).await;
        let mut bytes = Vec::new();
        object.unwrap().body.read_to_end(&mut bytes).await.unwrap();
        bytes
    }

    async fn lines(&self, day: &str) -> Vec<String> {
        let bytes = self.read(&format!("events/{day}.ndjson.zst")).await;
        let text = String::from_utf8(zstd::decode_all(&bytes[..]).unwrap()).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_event_is_in_the_file_of_its_day_or_opens_the_next() {
    let mut bench = Bench::new();
    let tuesday = bench.seen("2026-03-03T20:00:00Z");
    let first = bench.seal("2026-03-04T03:30:00Z", date(2026, 3, 3));
    let after_the_seal = bench.seen("2026-03-04T04:00:00Z");
    let wednesday = bench.seen("2026-03-04T20:00:00Z");
    // Caught up the next morning, when events of the next day are there already.
    let thursday = bench.seen("2026-03-05T12:00:00Z");
    let second = bench.seal("2026-03-05T12:01:00Z", date(2026, 3, 4));
    let saturday = bench.seen("2026-03-07T12:00:00Z");
    let third = bench.seal("2026-03-10T02:30:00Z", date(2026, 3, 9));

    bench.files().bring_up_to_date(true).await.unwrap();

    assert_eq!(bench.lines("2026-03-03").await, [tuesday, first]);
    assert_eq!(
        bench.lines("2026-03-04").await,
        [after_the_seal, wednesday, second]
    );
    assert_eq!(bench.lines("2026-03-09").await, [thursday, saturday, third]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_sealed_after_a_later_one_has_its_seal_alone_and_takes_nothing_away() {
    let mut bench = Bench::new();
    let early = bench.seen("2026-03-03T20:00:00Z");
    let later = bench.seal("2026-03-05T03:30:00Z", date(2026, 3, 4));
    let earlier = bench.seal("2026-03-05T12:00:00Z", date(2026, 3, 3));
    let next = bench.seal("2026-03-06T03:30:00Z", date(2026, 3, 5));

    bench.files().bring_up_to_date(true).await.unwrap();

    assert_eq!(bench.lines("2026-03-04").await, [early, later]);
    assert_eq!(bench.lines("2026-03-03").await, [earlier]);
    assert_eq!(bench.lines("2026-03-05").await, [next]);
}

#[tokio::test(flavor = "multi_thread")]
async fn made_again_without_its_place_nothing_changes() {
    let mut bench = Bench::new();
    bench.seen("2026-01-02T20:00:00Z");
    bench.seen("2026-03-03T20:00:00Z");
    bench.seal("2026-03-04T03:30:00Z", date(2026, 3, 3));
    bench.files().bring_up_to_date(true).await.unwrap();
    let key = "events/2026-03-03.ndjson.zst";
    let before = bench.read(key).await;
    let sum = bench.read("events/2026-03-03.ndjson.zst.sha256").await;

    fs::remove_file(bench.dir.path().join("events.json")).unwrap();
    bench.files().bring_up_to_date(true).await.unwrap();

    assert_eq!(bench.read(key).await, before);
    let told = format!(
        "{}  2026-03-03.ndjson.zst\n",
        hex::encode(Sha256::digest(&before))
    );
    assert_eq!(String::from_utf8(sum).unwrap(), told);
    let lines = bench.lines("2026-03-03").await;
    assert_eq!(
        lines.len(),
        2,
        "what was there long before the first seal is in no file"
    );
    let beside = format!("events/2026-03-03.{}.ndjson.zst", bench.reader.epoch());
    let beside = bench.bucket.open(&Key::parse(&beside).unwrap()).await;
    assert!(matches!(beside, Err(BucketError::NotFound(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_events_of_another_log_stay_and_ours_are_kept_beside_them() {
    let mut other = Bench::new();
    other.seen("2026-03-03T20:00:00Z");
    other.seal("2026-03-04T03:30:00Z", date(2026, 3, 3));
    other.files().bring_up_to_date(true).await.unwrap();
    let before = other.lines("2026-03-03").await;
    let mut bench = Bench::new();
    bench.bucket = other.bucket.clone();
    let ours = bench.seal("2026-03-04T03:30:00Z", date(2026, 3, 3));

    bench.files().bring_up_to_date(true).await.unwrap();

    assert_eq!(bench.lines("2026-03-03").await, before);
    let beside = format!("2026-03-03.{}", bench.reader.epoch());
    assert_eq!(bench.lines(&beside).await, [ours]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_without_seals_is_not_searched() {
    let mut bench = Bench::new();
    bench.seen("2026-03-03T20:00:00Z");

    bench.files().bring_up_to_date(false).await.unwrap();
    let seal = bench.seal("2026-03-04T03:30:00Z", date(2026, 3, 3));
    bench.files().bring_up_to_date(true).await.unwrap();

    let lines = bench.lines("2026-03-03").await;
    assert_eq!((lines.len(), lines.last()), (2, Some(&seal)));
}

#[test]
fn a_place_holds_in_its_own_log_and_not_ahead_of_it() {
    let mut bench = Bench::new();
    bench.seen("2026-03-03T20:00:00Z");
    bench.seen("2026-03-03T20:00:01Z");
    let (ours, other) = (bench.reader.epoch().clone(), Epoch::parse("zzzz").unwrap());
    let through = |epoch: &Epoch, through: u64, searched: u64| {
        let place = serde_json::json!({"epoch": epoch, "through": through, "searched": searched});
        fs::write(bench.dir.path().join(PLACE), place.to_string()).unwrap();
        filed_through(&bench.reader, bench.dir.path()).unwrap()
    };

    assert_eq!(through(&ours, 1, 2), Some(Seq::new(1)));
    assert_eq!(through(&ours, 2, 2), Some(Seq::new(2)));
    assert_eq!(through(&other, 1, 2), None);
    assert_eq!(through(&ours, 3, 2), None);
    assert_eq!(through(&ours, 1, 3), None);
}

#[test]
fn a_place_that_the_disk_does_not_give_is_named_and_one_that_is_missing_is_the_beginning() {
    let bench = Bench::new();
    assert_eq!(
        filed_through(&bench.reader, bench.dir.path()).unwrap(),
        None
    );

    fs::create_dir(bench.dir.path().join(PLACE)).unwrap();

    let error = filed_through(&bench.reader, bench.dir.path()).unwrap_err();
    assert!(format!("{error:#}").contains(PLACE), "{error:#}");
}
