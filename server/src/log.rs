//! The event log as this program uses it: frames of events, each with its filter facts.

use std::{
    path::Path,
    sync::{Arc, OnceLock},
};

use anyhow::Context;
use bytes::Bytes;
use eventlog::{Config, ReadError, RealDisk, Watermark};
use protocol::{
    filter::Facts,
    frame::View,
    lite::lite,
    seq::{Epoch, Seq},
    time::Timestamp,
};
use serde::Deserialize;

/// A view of the log whose records carry what was made of them.
pub(crate) type Reader = eventlog::Reader<Made>;

/// The one that appends.
pub(crate) type Writer = eventlog::Writer<Made>;

/// One event of the log.
pub(crate) type Record = eventlog::Record<Made>;

/// What is made of an event once for all subscribers.
#[derive(Debug)]
pub(crate) struct Made {
    facts: Facts,
    lite: OnceLock<Bytes>,
}

/// Bytes of newest frames kept in memory: a busy day of EDGAR.
const RING_BYTES: usize = 16 << 20;

/// Opens the log below the data directory, making it at the first start.
///
/// # Errors
/// When another process has it, its records are damaged, or the disk fails.
pub(crate) fn open(data_dir: &Path, segment_bytes: u64) -> anyhow::Result<(Writer, Reader)> {
    let epoch = Epoch::from_chance(rand::random());
    let config = Config {
        segment_bytes,
        ring_bytes: RING_BYTES,
        ..Config::new(data_dir.join("log"), epoch)
    };
    Writer::open(config, Arc::new(RealDisk)).context("cannot open the event log")
}

/// The durable cursor of one of our own readers.
///
/// # Errors
/// When it belongs to another log, is damaged, or the disk fails.
pub(crate) fn watermark(data_dir: &Path, reader: &Reader, name: &str) -> anyhow::Result<Watermark> {
    let path = data_dir.join(format!("{name}.watermark"));
    Watermark::open(path, reader.epoch(), Arc::new(RealDisk))
        .with_context(|| format!("cannot open the watermark of `{name}`"))
}

/// When the event of a frame entered the log; `None` for what is no event.
pub(crate) fn at(frame: &[u8]) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct AtOnly {
        at: Timestamp,
    }
    let event: AtOnly = serde_json::from_slice(frame).ok()?;
    Some(event.at)
}

/// The first event that entered the log at `time` or later; the next one when none did yet.
///
/// # Errors
/// When a record looked at is damaged, or the disk fails.
pub(crate) async fn first_at(log: &Reader, time: Timestamp) -> Result<Seq, ReadError> {
    let is_before = move |frame: &[u8]| at(frame).is_some_and(|at| at < time);
    log.partition_point(is_before).await
}

/// What filters look at in a record of our log.
pub(crate) fn facts(record: &Record) -> &Facts {
    &made(record).facts
}

/// The frame of a record as a view shows it.
pub(crate) fn frame_in(record: &Record, view: View) -> Bytes {
    match view {
        View::Full => record.frame.clone(),
        View::Lite => {
            let shorten = || lite(&record.frame).expect(OURS).into();
            made(record).lite.get_or_init(shorten).clone()
        }
    }
}

const OURS: &str = "the updater appends frames of events only";

fn made(record: &Record) -> &Made {
    record.note(|frame: &Bytes| Made {
        facts: Facts::of_frame(frame).expect(OURS),
        lite: OnceLock::new(),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use protocol::{
        event::{Body, Event},
        outage::{Outage, Part},
    };

    use super::*;

    fn time(second: u8) -> Timestamp {
        format!("2026-03-03T21:00:{second:02}Z").parse().unwrap()
    }

    fn down(second: u8) -> Body {
        Body::SourceDown(Outage {
            part: Part::Atom,
            since: time(second),
            until: None,
            error: None,
        })
    }

    /// A log with an event at each of these seconds.
    fn scene(dir: &Path, seconds: &[u8]) -> (Writer, Reader) {
        let (mut log, reader) = open(dir, 1 << 20).unwrap();
        for &second in seconds {
            let body = down(second);
            let event = Event::new(log.epoch(), log.next_seq(), time(second), body);
            log.append(event.to_frame().into()).unwrap();
        }
        log.commit().unwrap();
        (log, reader)
    }

    #[tokio::test]
    async fn the_first_event_at_a_time_is_the_one_at_that_very_moment_or_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let (_log, reader) = scene(dir.path(), &[10, 20, 30]);
        let firsts = [(0, 1), (10, 1), (11, 2), (20, 2), (25, 3), (31, 4)];

        for (second, first) in firsts {
            let found = first_at(&reader, time(second)).await.unwrap();
            assert_eq!(found, Seq::new(first), "{second}");
        }
    }

    #[test]
    fn an_event_tells_when_it_entered_the_log_and_other_bytes_do_not() {
        let dir = tempfile::tempdir().unwrap();
        let (_log, reader) = scene(dir.path(), &[10]);

        let records = reader.read_after_blocking(Seq::ZERO, 1, 1).unwrap();

        assert_eq!(at(&records[0].frame), Some(time(10)));
        assert_eq!(at(b"nonsense"), None);
    }
}
