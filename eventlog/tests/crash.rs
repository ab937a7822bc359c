//! Power cuts at random moments: what was committed stays, and keeps its number.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::{
    io,
    sync::atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use common::{frames, open, small_config};
use eventlog::{
    Reader, Writer,
    testing::{Fault, ForgetfulDisk, Step},
};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Op {
    Append(usize),
    Commit,
    /// The power goes at the sync with this number during a commit.
    CrashInCommit {
        sync: usize,
        chance: u64,
    },
    /// The power goes while nothing is written, then again during the next start.
    CrashInOpen {
        sync: usize,
        chance: u64,
    },
    /// The process is killed: nothing on disk is lost.
    Kill,
    /// The process is killed between write and sync.
    KillInCommit,
    Crash,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => (0..120_usize).prop_map(Op::Append),
        4 => Just(Op::Commit),
        2 => (0..3_usize, any::<u64>()).prop_map(|(sync, chance)| Op::CrashInCommit { sync, chance }),
        1 => (0..3_usize, any::<u64>()).prop_map(|(sync, chance)| Op::CrashInOpen { sync, chance }),
        1 => Just(Op::Kill),
        1 => Just(Op::KillInCommit),
        1 => Just(Op::Crash),
    ]
}

/// The log and what must be in it.
struct Run {
    disk: ForgetfulDisk,
    log: Option<(Writer<()>, Reader<()>)>,
    durable: Vec<String>,
    appended: Vec<String>,
    count: usize,
}

impl Run {
    fn new() -> Self {
        let disk = ForgetfulDisk::default();
        let log = Some(open(&disk, small_config()).unwrap());
        Self {
            disk,
            log,
            durable: Vec::new(),
            appended: Vec::new(),
            count: 0,
        }
    }

    fn step(&mut self, op: &Op) {
        match *op {
            Op::Append(size) => self.append(size),
            Op::Commit => self.commit(),
            Op::CrashInCommit { sync, chance } => self.crash_in_commit(sync, chance),
            Op::CrashInOpen { sync, chance } => self.crash_in_open(sync, chance),
            Op::Kill => self.reopen(0),
            Op::KillInCommit => self.kill_in_commit(),
            Op::Crash => {
                self.disk.crash();
                self.reopen(0);
            }
        }
    }

    fn append(&mut self, size: usize) {
        self.count += 1;
        let frame = format!("{{\"n\":{},\"x\":\"{}\"}}", self.count, "x".repeat(size));
        let (writer, reader) = self.log.as_mut().unwrap();
        let seq = writer.append(Bytes::from(frame.clone())).unwrap();
        self.appended.push(frame);
        assert_eq!(seq.get() as usize, self.durable.len() + self.appended.len());
        assert_eq!(reader.tip().get() as usize, self.durable.len());
    }

    fn commit(&mut self) {
        let (writer, reader) = self.log.as_mut().unwrap();
        writer.commit().unwrap();
        self.durable.append(&mut self.appended);
        assert_eq!(frames(reader), self.durable);
    }

    fn crash_in_commit(&mut self, sync: usize, chance: u64) {
        crash_at_sync(&self.disk, sync, chance);
        let (writer, reader) = self.log.as_mut().unwrap();
        match writer.commit() {
            Ok(_) => self.durable.append(&mut self.appended),
            Err(_) => assert_eq!(reader.tip().get() as usize, self.durable.len()),
        }
        self.disk.crash();
        let in_doubt = self.appended.len();
        self.reopen(in_doubt);
    }

    fn kill_in_commit(&mut self) {
        if self.appended.is_empty() {
            return;
        }
        for step in [Step::Sync, Step::Truncate] {
            self.disk.fail(Fault {
                step,
                after: 0,
                kind: io::ErrorKind::Other,
            });
        }
        self.log.as_mut().unwrap().0.commit().unwrap_err();
        assert_eq!(self.disk.faults_fired() % 2, 0);
        let in_doubt = self.appended.len();
        self.reopen(in_doubt);
    }

    fn crash_in_open(&mut self, sync: usize, chance: u64) {
        self.log = None;
        self.disk.crash_torn(chance);
        crash_at_sync(&self.disk, sync, chance);
        let _ = open(&self.disk, small_config());
        self.disk.crash();
        self.reopen(0);
    }

    /// Starts again: all that was durable is there, and of the `in_doubt` frames that
    /// were being written none or the first ones.
    fn reopen(&mut self, in_doubt: usize) {
        self.log = None;
        let (writer, reader) = open(&self.disk, small_config()).unwrap();
        let found = frames(&reader);
        let mut possible = self.durable.clone();
        possible.extend(self.appended.drain(..).take(in_doubt));
        assert!(
            found.len() >= self.durable.len(),
            "committed records are gone"
        );
        assert_eq!(found, possible[..found.len()]);
        self.durable = found;
        self.log = Some((writer, reader));
    }
}

fn crash_at_sync(disk: &ForgetfulDisk, sync: usize, chance: u64) {
    let crashing = disk.clone();
    let seen = AtomicUsize::new(0);
    disk.before_sync(move || {
        if seen.fetch_add(1, Ordering::Relaxed) == sync {
            crashing.crash_torn(chance);
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5000, ..ProptestConfig::default() })]

    #[test]
    fn what_was_committed_survives_and_keeps_its_number(ops in prop::collection::vec(op(), 1..60)) {
        let mut run = Run::new();

        for op in &ops {
            run.step(op);
        }

        run.step(&Op::Crash);
    }
}

#[test]
fn a_power_cut_in_a_commit_can_leave_part_of_the_group() {
    let kept: std::collections::BTreeSet<usize> = (0..200)
        .map(|chance| {
            let mut run = Run::new();
            (0..5).for_each(|_| run.append(1));
            run.crash_in_commit(0, chance);
            run.durable.len()
        })
        .collect();

    assert!(
        kept.contains(&0) && kept.contains(&5) && kept.len() > 3,
        "{kept:?}"
    );
}
