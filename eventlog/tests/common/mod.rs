//! What the tests of the log share.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "tests; not every file uses everything"
)]

use std::{path::PathBuf, sync::Arc};

use bytes::Bytes;
use eventlog::{
    Config, OpenError, Reader, Writer,
    segment::{self, Header},
    testing::ForgetfulDisk,
};
use protocol::seq::{Epoch, Seq};

pub(crate) const DIR: &str = "/log";

/// A log whose segments and ring hold a few records only.
pub(crate) fn small_config() -> Config {
    Config {
        segment_bytes: 300,
        ring_bytes: 600,
        ..Config::new(DIR, epoch())
    }
}

/// A log with one segment and no memory: every read is from disk.
pub(crate) fn disk_only_config() -> Config {
    Config {
        ring_bytes: 0,
        ..Config::new(DIR, epoch())
    }
}

pub(crate) fn epoch() -> Epoch {
    Epoch::parse("k7q2").unwrap()
}

pub(crate) fn open(
    disk: &ForgetfulDisk,
    config: Config,
) -> Result<(Writer<()>, Reader<()>), OpenError> {
    Writer::open(config, Arc::new(disk.clone()))
}

/// Appends each group and commits it.
pub(crate) fn write(writer: &mut Writer<()>, groups: &[&[&str]]) {
    for group in groups {
        for frame in *group {
            writer
                .append(Bytes::copy_from_slice(frame.as_bytes()))
                .unwrap();
        }
        writer.commit().unwrap();
    }
}

/// All frames of the log, after making sure that they are numbered without gaps.
pub(crate) fn frames(reader: &Reader<()>) -> Vec<String> {
    let mut expected = reader.oldest();
    let mut frames = Vec::new();
    for record in reader.replay(expected.prev()) {
        let record = record.unwrap();
        assert_eq!(record.seq, expected);
        expected = expected.next();
        frames.push(String::from_utf8(record.frame.to_vec()).unwrap());
    }
    assert_eq!(reader.tip().next(), expected);
    frames
}

pub(crate) fn path(first: u64) -> PathBuf {
    PathBuf::from(DIR).join(segment::file_name(Seq::new(first)))
}

pub(crate) fn header_bytes(first: u64) -> usize {
    Header {
        epoch: epoch(),
        first: Seq::new(first),
    }
    .encode()
    .len()
}

/// Where the lines of `bytes` begin.
pub(crate) fn line_starts(bytes: &[u8]) -> Vec<usize> {
    let ends = bytes.iter().enumerate().filter(|&(_, &byte)| byte == b'\n');
    let mut starts: Vec<usize> = std::iter::once(0)
        .chain(ends.map(|(end, _)| end + 1))
        .collect();
    starts.pop();
    starts
}
