//! The life of a log without damage: visibility, rotation, retention, full disks.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::{
    io,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use common::{DIR, disk_only_config, epoch, frames, open, small_config, write};
use eventlog::{
    AppendError, Config, OpenError, ReadError, Reader, RealDisk, WriteError, Writer,
    segment::FRAME_MAX_BYTES,
    testing::{Fault, ForgetfulDisk, Step},
};
use protocol::seq::{Epoch, Seq};

const ALL: usize = usize::MAX;

fn numbered(writer: &mut Writer<()>, count: u64) {
    for _ in 0..count {
        let frame = format!("{{\"n\":{}}}", writer.next_seq());
        write(writer, &[&[&frame]]);
    }
}

fn seqs(reader: &Reader<()>, after: u64, max_records: usize, max_bytes: usize) -> Vec<u64> {
    let records = reader
        .read_after_blocking(Seq::new(after), max_records, max_bytes)
        .unwrap();
    records.iter().map(|record| record.seq.get()).collect()
}

#[test]
fn nobody_sees_a_record_before_its_fsync() {
    let disk = ForgetfulDisk::default();
    let (mut writer, reader) = open(&disk, small_config()).unwrap();
    write(&mut writer, &[&["{}"]]);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let seen_at_sync = Arc::clone(&seen);
    let watching = reader.clone();

    disk.before_sync(move || {
        let records = watching.read_after_blocking(Seq::ZERO, ALL, ALL).unwrap();
        seen_at_sync
            .lock()
            .unwrap()
            .push((watching.tip().get(), records.len()));
    });
    write(&mut writer, &[&["{}", "{}"]]);

    assert_eq!(*seen.lock().unwrap(), [(1, 1)]);
    assert_eq!(reader.tip(), Seq::new(3));
}

#[test]
fn a_disk_only_reader_sees_nothing_before_the_fsync_either() {
    let disk = ForgetfulDisk::default();
    let (mut writer, reader) = open(&disk, disk_only_config()).unwrap();
    write(&mut writer, &[&["{}"]]);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let seen_at_sync = Arc::clone(&seen);

    let watching = reader.clone();
    disk.before_sync(move || {
        seen_at_sync
            .lock()
            .unwrap()
            .push(seqs(&watching, 0, ALL, ALL));
    });
    numbered(&mut writer, 3);

    assert_eq!(*seen.lock().unwrap(), [vec![1], vec![1, 2], vec![1, 2, 3]]);
    assert_eq!(seqs(&reader, 0, ALL, ALL), [1, 2, 3, 4]);
}

#[tokio::test]
async fn the_tip_wakes_those_who_wait() {
    let (mut writer, reader) = open(&ForgetfulDisk::default(), small_config()).unwrap();
    let mut changes = reader.tip_changes();
    let waiting = tokio::spawn(async move {
        changes.changed().await.unwrap();
        *changes.borrow()
    });

    write(&mut writer, &[&["{}", "{}"]]);

    assert_eq!(waiting.await.unwrap(), Seq::new(2));
}

#[test]
fn frames_that_do_not_fit_the_format_are_refused() {
    let (mut writer, _) = open(&ForgetfulDisk::default(), small_config()).unwrap();
    let largest = Bytes::from(vec![b'x'; FRAME_MAX_BYTES]);
    let too_large = Bytes::from(vec![b'x'; FRAME_MAX_BYTES + 1]);

    assert_eq!(
        writer.append(Bytes::from("a\nb")),
        Err(AppendError::LineEnd)
    );
    assert_eq!(
        writer.append(Bytes::from_static(b"\xff")),
        Err(AppendError::NotUtf8)
    );
    assert!(matches!(
        writer.append(too_large),
        Err(AppendError::TooLarge { .. })
    ));
    assert_eq!(writer.append(largest), Ok(Seq::new(1)));
}

#[test]
fn the_largest_frame_reads_back_after_a_restart() {
    let disk = ForgetfulDisk::default();
    let largest = "x".repeat(FRAME_MAX_BYTES);
    let (mut writer, _) = open(&disk, small_config()).unwrap();
    write(&mut writer, &[&["{}"], &[&largest], &["{}"]]);
    drop(writer);

    let (_, reader) = open(&disk, small_config()).unwrap();

    assert_eq!(frames(&reader), ["{}", &largest, "{}"]);
}

#[test]
fn a_log_keeps_its_epoch_and_goes_on_counting() {
    let disk = ForgetfulDisk::default();
    let (mut writer, _) = open(&disk, small_config()).unwrap();
    numbered(&mut writer, 20);
    drop(writer);

    let other = Epoch::parse("zzzz").unwrap();
    let (writer, reader) = open(
        &disk,
        Config {
            new_epoch: other,
            ..small_config()
        },
    )
    .unwrap();

    assert_eq!(reader.epoch(), &epoch());
    assert_eq!(writer.next_seq(), Seq::new(21));
}

#[test]
fn a_full_segment_is_sealed_and_reading_crosses_without_a_seam() {
    let disk = ForgetfulDisk::default();
    let (mut writer, reader) = open(
        &disk,
        Config {
            ring_bytes: 0,
            ..small_config()
        },
    )
    .unwrap();

    numbered(&mut writer, 100);

    assert!(disk.paths().len() > 5);
    for after in 0..=100 {
        assert_eq!(
            seqs(&reader, after, ALL, ALL),
            (after + 1..=100).collect::<Vec<_>>()
        );
    }
}

#[test]
fn a_group_that_just_fills_its_segment_stays_in_it() {
    let header = common::header_bytes(1);
    let line = "1 0 12345678 {\"n\":1}\n".len();
    let segments = |segment_bytes: usize| {
        let disk = ForgetfulDisk::default();
        let segment_bytes = segment_bytes as u64;
        let config = Config {
            segment_bytes,
            ..small_config()
        };
        let (mut writer, _reader) = open(&disk, config).unwrap();
        numbered(&mut writer, 2);
        disk.paths().len()
    };

    assert_eq!(
        segments(header + 2 * line - 1),
        segments(header + 2 * line) + 1
    );
}

#[test]
fn a_reader_that_goes_on_in_small_steps_gets_everything_once() {
    let (mut writer, reader) = open(
        &ForgetfulDisk::default(),
        Config {
            ring_bytes: 0,
            ..small_config()
        },
    )
    .unwrap();
    let mut got = Vec::new();

    for _ in 0..100 {
        numbered(&mut writer, 3);
        got.extend(seqs(&reader, got.last().copied().unwrap_or(0), 2, ALL));
    }
    got.extend(seqs(&reader, 200, ALL, ALL));

    assert_eq!(got, (1..=300).collect::<Vec<_>>());
}

#[test]
fn memory_and_disk_answer_alike() {
    let on_disk = open(
        &ForgetfulDisk::default(),
        Config {
            ring_bytes: 0,
            ..small_config()
        },
    );
    let (mut disk_writer, from_disk) = on_disk.unwrap();
    let in_memory = open(
        &ForgetfulDisk::default(),
        Config {
            ring_bytes: ALL,
            ..small_config()
        },
    );
    let (mut ring_writer, from_ring) = in_memory.unwrap();
    numbered(&mut disk_writer, 60);
    numbered(&mut ring_writer, 60);

    for after in 0..62 {
        for (max_records, max_bytes) in
            [(ALL, ALL), (0, ALL), (1, ALL), (7, 40), (ALL, 1), (ALL, 99)]
        {
            let read = |reader: &Reader<()>| {
                let records = reader.read_after_blocking(Seq::new(after), max_records, max_bytes);
                let records = records.unwrap();
                records
                    .iter()
                    .map(|record| (record.seq, record.frame.clone()))
                    .collect::<Vec<_>>()
            };
            assert_eq!(read(&from_disk), read(&from_ring), "after {after}");
        }
    }
}

#[test]
fn two_writers_of_one_log_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config::new(dir.path().join("log"), epoch());
    let first = Writer::<()>::open(config.clone(), Arc::new(RealDisk)).unwrap();

    let second = Writer::<()>::open(config.clone(), Arc::new(RealDisk));

    assert!(matches!(second, Err(OpenError::Locked(_))));
    drop(first);
    assert!(Writer::<()>::open(config, Arc::new(RealDisk)).is_ok());
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();

    let error = Writer::<()>::open(Config::new(file, epoch()), Arc::new(RealDisk)).unwrap_err();

    assert!(matches!(error, OpenError::Io { .. }));
    assert!(error.to_string().contains("file"));
}

#[test]
fn a_full_disk_leaves_the_tip_and_a_readable_log() {
    for step in [Step::Write, Step::Sync] {
        let disk = ForgetfulDisk::default();
        let (mut writer, reader) = open(&disk, disk_only_config()).unwrap();
        numbered(&mut writer, 3);
        writer.append(Bytes::from("{}")).unwrap();

        disk.fail(Fault {
            step,
            after: 0,
            kind: io::ErrorKind::StorageFull,
        });
        let error = writer.commit().unwrap_err();

        assert_eq!(disk.faults_fired(), 1);
        assert!(matches!(error, WriteError::NoSpace(_)), "{error}");
        assert!(error.to_string().contains("free space"));
        assert_eq!(seqs(&reader, 0, ALL, ALL), [1, 2, 3]);
        drop(writer);
        let (mut writer, reader) = open(&disk, disk_only_config()).unwrap();
        numbered(&mut writer, 1);
        assert_eq!(seqs(&reader, 0, ALL, ALL), [1, 2, 3, 4]);
    }
}

#[test]
fn after_a_failed_fsync_nothing_is_written_any_more() {
    let disk = ForgetfulDisk::default();
    let (mut writer, reader) = open(&disk, disk_only_config()).unwrap();
    numbered(&mut writer, 1);
    writer.append(Bytes::from("{}")).unwrap();
    disk.fail(Fault {
        step: Step::Sync,
        after: 0,
        kind: io::ErrorKind::Other,
    });

    assert!(matches!(writer.commit(), Err(WriteError::Io { .. })));

    assert_eq!(disk.faults_fired(), 1);
    assert!(matches!(writer.commit(), Err(WriteError::Poisoned)));
    assert_eq!(writer.append(Bytes::from("{}")), Err(AppendError::Poisoned));
    assert_eq!(reader.tip(), Seq::new(1));
}

#[test]
fn a_failure_at_any_step_of_a_rotation_loses_nothing() {
    for step in [Step::Create, Step::Write, Step::Sync, Step::SyncDir] {
        for kind in [io::ErrorKind::StorageFull, io::ErrorKind::Other] {
            let disk = ForgetfulDisk::default();
            let (mut writer, _) = open(
                &disk,
                Config {
                    segment_bytes: 1,
                    ..small_config()
                },
            )
            .unwrap();
            numbered(&mut writer, 3);
            writer.append(Bytes::from("{}")).unwrap();

            disk.fail(Fault {
                step,
                after: 0,
                kind,
            });
            writer.commit().unwrap_err();

            assert_eq!(disk.faults_fired(), 1, "{step:?}");
            drop(writer);
            let (mut writer, reader) = open(&disk, small_config()).unwrap();
            numbered(&mut writer, 1);
            assert_eq!(seqs(&reader, 0, ALL, ALL), [1, 2, 3, 4]);
        }
    }
}

/// A log whose segments were written an hour apart, two records each, and its writer.
fn hourly_log(disk: &ForgetfulDisk, hours: u64) -> (Writer<()>, Reader<()>) {
    let config = Config {
        segment_bytes: 80,
        ring_bytes: ALL,
        ..small_config()
    };
    let (mut writer, reader) = open(disk, config).unwrap();
    for hour in 0..hours {
        disk.set_clock(at_hour(hour));
        let frame = "x".repeat(60);
        write(&mut writer, &[&[&frame, &frame]]);
    }
    (writer, reader)
}

fn at_hour(hour: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(hour * 3600)
}

#[test]
fn retention_drops_old_segments_and_moves_the_floor() {
    let disk = ForgetfulDisk::default();
    let (mut writer, reader) = hourly_log(&disk, 5);

    assert_eq!(
        writer
            .drop_segments_older_than(at_hour(2), Seq::new(u64::MAX))
            .unwrap(),
        2
    );

    assert_eq!(reader.oldest(), Seq::new(5));
    assert_eq!(seqs(&reader, 4, ALL, ALL), (5..=10).collect::<Vec<_>>());
    let gone = reader.read_after_blocking(Seq::new(3), ALL, ALL);
    assert!(matches!(gone, Err(ReadError::Gone { oldest }) if oldest == Seq::new(5)));
    drop(writer);
    disk.crash();
    let (_, reader) = open(&disk, small_config()).unwrap();
    assert_eq!((reader.oldest(), reader.tip()), (Seq::new(5), Seq::new(10)));
}

#[test]
fn retention_never_drops_the_active_segment() {
    let disk = ForgetfulDisk::default();
    let (mut writer, reader) = hourly_log(&disk, 5);

    assert_eq!(
        writer
            .drop_segments_older_than(at_hour(1_000), Seq::new(u64::MAX))
            .unwrap(),
        4
    );

    assert_eq!(seqs(&reader, 8, ALL, ALL), [9, 10]);
    assert_eq!(writer.next_seq(), Seq::new(11));
}

#[test]
fn retention_waits_for_those_who_have_not_read_that_far() {
    let disk = ForgetfulDisk::default();
    let (mut writer, reader) = hourly_log(&disk, 5);

    let dropped = [1, 3, 4].map(|handled| {
        writer
            .drop_segments_older_than(at_hour(1_000), Seq::new(handled))
            .unwrap()
    });

    assert_eq!(dropped, [0, 1, 1]);
    assert_eq!(reader.oldest(), Seq::new(5));
}

#[test]
fn a_segment_that_cannot_be_removed_is_kept() {
    let disk = ForgetfulDisk::default();
    let (mut writer, reader) = hourly_log(&disk, 5);
    disk.fail(Fault {
        step: Step::Remove,
        after: 1,
        kind: io::ErrorKind::PermissionDenied,
    });

    writer
        .drop_segments_older_than(at_hour(1_000), Seq::new(u64::MAX))
        .unwrap_err();

    assert_eq!(disk.faults_fired(), 1);
    assert_eq!(reader.oldest(), Seq::new(3));
    assert_eq!(seqs(&reader, 2, ALL, ALL), (3..=10).collect::<Vec<_>>());
}

#[test]
fn a_reader_inside_a_dropped_segment_learns_that_it_is_gone() {
    let disk = ForgetfulDisk::default();
    let config = Config {
        segment_bytes: 80,
        ring_bytes: 0,
        ..small_config()
    };
    let (mut writer, reader) = open(&disk, config).unwrap();
    numbered(&mut writer, 20);
    assert_eq!(seqs(&reader, 0, 2, ALL), [1, 2]);
    let floor = SystemTime::now() + Duration::from_secs(3600);

    writer
        .drop_segments_older_than(floor, Seq::new(u64::MAX))
        .unwrap();

    assert!(matches!(
        reader.read_after_blocking(Seq::new(2), ALL, ALL),
        Err(ReadError::Gone { .. })
    ));
    let oldest = reader.oldest();
    assert_eq!(seqs(&reader, oldest.prev().get(), 1, ALL), [oldest.get()]);
}

#[test]
fn the_first_record_that_is_not_before_a_moment_is_found() {
    let config = Config {
        ring_bytes: 400,
        ..small_config()
    };
    let (mut writer, reader) = open(&ForgetfulDisk::default(), config).unwrap();
    numbered(&mut writer, 90);
    let number = |frame: &[u8]| -> u64 {
        std::str::from_utf8(&frame[5..frame.len() - 1])
            .unwrap()
            .parse()
            .unwrap()
    };

    for wanted in 0..=92 {
        let found = reader
            .partition_point_blocking(|frame| number(frame) < wanted)
            .unwrap();
        assert_eq!(found.get(), wanted.clamp(1, 91), "{wanted}");
    }
}

#[tokio::test]
async fn the_first_record_of_an_empty_log_is_the_next_one() {
    let (_writer, reader) = open(&ForgetfulDisk::default(), small_config()).unwrap();

    assert_eq!(reader.partition_point(|_| true).await.unwrap(), Seq::new(1));
    assert!(
        reader
            .read_after(Seq::ZERO, ALL, ALL)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn what_panics_off_the_thread_panics_its_caller() {
    let (mut writer, reader) = open(&ForgetfulDisk::default(), small_config()).unwrap();
    numbered(&mut writer, 1);

    let asked = tokio::spawn(async move {
        reader
            .partition_point(|_| panic!("a fault of the caller"))
            .await
    });

    assert!(asked.await.unwrap_err().is_panic());
}

#[test]
fn a_read_while_the_program_ends_is_an_error_and_no_panic() {
    let (mut writer, reader) = open(&ForgetfulDisk::default(), disk_only_config()).unwrap();
    numbered(&mut writer, 1);
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
    };
    let ended = runtime();
    let handle = ended.handle().clone();
    ended.shutdown_background();

    let read = runtime().block_on(async {
        let _in_the_one_that_ended = handle.enter();
        reader.read_after(Seq::ZERO, ALL, ALL).await
    });

    assert!(matches!(read, Err(ReadError::Io { .. })), "{read:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_follow_a_writer_that_rotates_on_a_real_disk() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config {
        segment_bytes: 20_000,
        ring_bytes: 2_000,
        ..Config::new(dir.path().join(&DIR[1..]), epoch())
    };
    let (mut writer, reader) = Writer::<()>::open(config, Arc::new(RealDisk)).unwrap();
    let followers: Vec<_> = (0..4)
        .map(|n| tokio::spawn(follow(reader.clone(), 3_000, 10 + n * 7)))
        .collect();

    tokio::task::spawn_blocking(move || {
        for group in 0..300 {
            for n in 1..=10 {
                let frame = format!(
                    "{{\"n\":{},\"x\":\"{}\"}}",
                    group * 10 + n,
                    "x".repeat(group % 90)
                );
                writer.append(Bytes::from(frame)).unwrap();
            }
            writer.commit().unwrap();
        }
    })
    .await
    .unwrap();

    for follower in followers {
        follower.await.unwrap();
    }
}

/// Reads until `until`, checking every record.
async fn follow(reader: Reader<()>, until: u64, max_records: usize) {
    let mut changes = reader.tip_changes();
    let mut after = Seq::ZERO;
    while after.get() < until {
        let records = reader.read_after(after, max_records, ALL).await.unwrap();
        for record in &records {
            assert_eq!(record.seq, after.next());
            assert!(
                record
                    .frame
                    .starts_with(format!("{{\"n\":{},", record.seq).as_bytes())
            );
            after = record.seq;
        }
        if records.is_empty() && changes.changed().await.is_err() {
            assert_eq!(after, reader.tip());
        }
    }
}
