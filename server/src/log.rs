//! The event log as this program uses it: frames of events, each with its filter facts.

use std::{path::Path, sync::Arc};

use anyhow::Context;
use bytes::Bytes;
use eventlog::{Config, RealDisk, Record, Watermark};
use protocol::{filter::Facts, seq::Epoch};

/// A view of the log whose records carry what filters look at.
pub(crate) type Reader = eventlog::Reader<Facts>;

/// The one that appends.
pub(crate) type Writer = eventlog::Writer<Facts>;

/// Bytes of newest frames kept in memory: a busy day of EDGAR.
const RING_BYTES: usize = 16 << 20;

/// Opens the log below the data directory, making it at the first start.
///
/// # Errors
/// When another process has it, its records are damaged, or the disk fails.
pub(crate) fn open(data_dir: &Path) -> anyhow::Result<(Writer, Reader)> {
    let epoch = Epoch::from_chance(rand::random());
    let config = Config {
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

/// What filters look at in a record of our log, worked out once for all subscribers.
pub(crate) fn facts(record: &Record<Facts>) -> &Facts {
    record.note(|frame: &Bytes| {
        Facts::of_frame(frame).expect("the updater appends frames of events only")
    })
}
