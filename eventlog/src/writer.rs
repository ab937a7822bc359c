//! The single writer of the event log.
//!
//! [`Writer`] gives each frame the next seq, writes frames in groups and moves the
//! tip after the fsync of a group. It begins a new segment when the active one is
//! full, and takes away old ones.
//!
//! Elsewhere: the file format (`segment`), what is done at the start (`recover`),
//! reading (`reader`).
//!
//! Invariant: the tip never goes back, the numbering has no gaps, and nothing above
//! the durable end of the log is ever shown.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, RwLock},
    time::SystemTime,
};

use bytes::Bytes;
use protocol::seq::{Epoch, Seq};
use tokio::sync::watch;

use crate::{
    disk::{Disk, Lock},
    error::{AppendError, OpenError, WriteError},
    reader::Reader,
    recover::{self, Recovered, Segment},
    segment::{FRAME_MAX_BYTES, Header, Line},
    tail::{Record, Ring, Shared, UNPOISONED},
};

/// Where a log lies and how large its parts are.
#[derive(Debug, Clone)]
pub struct Config {
    /// The directory of the log; made when it does not exist. Nothing else belongs into it.
    pub dir: PathBuf,
    /// The epoch of a new log. A log that exists keeps its own.
    pub new_epoch: Epoch,
    /// Bytes after which a new segment begins. Default 64 MiB: checked in a blink at the
    /// start, and small enough for retention by whole files. A group is never split, so
    /// a segment can be larger by one group.
    pub segment_bytes: u64,
    /// Bytes of newest records kept in memory. Default 64 MiB: some hours of EDGAR, so
    /// that reconnecting subscribers do not touch the disk.
    pub ring_bytes: usize,
}

impl Config {
    /// A log in `dir` with the default sizes.
    pub fn new(dir: impl Into<PathBuf>, new_epoch: Epoch) -> Self {
        Self {
            dir: dir.into(),
            new_epoch,
            segment_bytes: 64 << 20,
            ring_bytes: 64 << 20,
        }
    }
}

/// The one that appends. Only one can exist per directory.
#[derive(Debug)]
pub struct Writer<N> {
    shared: Arc<Shared<N>>,
    config: Config,
    epoch: Epoch,
    tip: watch::Sender<Seq>,
    active: Segment,
    group: Group,
    poisoned: bool,
    _lock: LockHeld,
}

impl<N> Writer<N> {
    /// Opens the log, making it if the directory is empty, and gives its writer and a reader.
    ///
    /// What a power cut has left of the last group is cut off with a warning.
    ///
    /// # Errors
    /// [`OpenError::Locked`] when another writer has it, [`OpenError::Corrupt`] when
    /// durable records are damaged, and whatever the disk says.
    pub fn open(config: Config, disk: Arc<dyn Disk>) -> Result<(Self, Reader<N>), OpenError> {
        disk.create_dir(&config.dir)
            .map_err(OpenError::io(&config.dir))?;
        let lock = lock(&*disk, &config.dir)?;
        let Recovered { kept, tip, active } =
            recover::recover(&*disk, &config.dir, &config.new_epoch)?;
        let epoch = kept.epoch().clone();
        let (tip, tip_changes) = watch::channel(tip);
        let shared = Arc::new(Shared {
            disk,
            kept: RwLock::new(kept),
            ring: RwLock::new(Ring::new(config.ring_bytes)),
        });
        let reader = Reader::new(Arc::clone(&shared), tip_changes);
        let group = Group::default();
        let writer = Self {
            shared,
            config,
            epoch,
            tip,
            active,
            group,
            poisoned: false,
            _lock: lock,
        };
        Ok((writer, reader))
    }

    /// The life of this log.
    pub fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    /// The seq the next appended frame gets.
    pub fn next_seq(&self) -> Seq {
        Seq::new(self.tip().get() + self.group.frames.len() as u64).next()
    }

    /// Takes `frame` into the current group. It is neither durable nor visible before
    /// [`Self::commit`].
    ///
    /// # Errors
    /// [`AppendError`] when the frame is not one line of UTF-8 within the size limit, or
    /// when an earlier write failed.
    pub fn append(&mut self, frame: Bytes) -> Result<Seq, AppendError> {
        if self.poisoned {
            return Err(AppendError::Poisoned);
        }
        check_frame(&frame)?;
        let seq = self.next_seq();
        self.group.push(seq, frame);
        Ok(seq)
    }

    /// Makes the current group durable with one write and one fsync, then visible, and
    /// gives the new tip. Blocks for the time of an fsync.
    ///
    /// # Errors
    /// [`WriteError`]; the tip is then where it was, the group is gone, and every later
    /// call fails: what a disk holds after a failed fsync is known only after a restart.
    pub fn commit(&mut self) -> Result<Seq, WriteError> {
        if self.poisoned {
            return Err(WriteError::Poisoned);
        }
        if !self.group.frames.is_empty() {
            self.write_group().inspect_err(|_| self.poison())?;
            self.publish();
        }
        Ok(self.tip())
    }

    /// Removes sealed segments whose last record was written before `cutoff` and lies at
    /// `handled` or before, oldest first, and says how many. The floor moves; the active
    /// segment always stays.
    ///
    /// # Errors
    /// [`WriteError`] when a file cannot be removed. Writing goes on being possible.
    pub fn drop_segments_older_than(
        &mut self,
        cutoff: SystemTime,
        handled: Seq,
    ) -> Result<usize, WriteError> {
        let mut dropped = 0;
        while let Some((first, until, path)) = self.oldest_sealed() {
            if until.prev() > handled
                || self.modified(&path).map_err(WriteError::io(&path))? >= cutoff
            {
                break;
            }
            self.drop_segment(first, &path)
                .map_err(WriteError::io(&path))?;
            dropped += 1;
        }
        Ok(dropped)
    }

    fn tip(&self) -> Seq {
        *self.tip.borrow()
    }

    fn write_group(&mut self) -> Result<(), WriteError> {
        let has_records = self.active.first <= self.tip();
        let bytes = self.active.bytes + self.group.lines.len() as u64;
        if has_records && bytes > self.config.segment_bytes {
            self.rotate()?;
        }
        let Segment {
            path, file, bytes, ..
        } = &self.active;
        file.write_at(&self.group.lines, *bytes)
            .map_err(WriteError::io(path))?;
        crashpoint::pass("log.written");
        file.sync().map_err(WriteError::io(path))?;
        crashpoint::pass("log.synced");
        Ok(())
    }

    /// Every group before is durable, so the active segment is sealed as it is.
    fn rotate(&mut self) -> Result<(), WriteError> {
        let header = Header {
            epoch: self.epoch.clone(),
            first: self.tip().next(),
        };
        let dir = &self.config.dir;
        self.active = recover::create_segment(&*self.shared.disk, dir, &header)
            .map_err(WriteError::io(dir))?;
        let mut kept = self.shared.kept.write().expect(UNPOISONED);
        kept.rotate(header.first, self.active.bytes);
        crashpoint::pass("log.rotated");
        Ok(())
    }

    /// Shows the group that has just become durable. The tip moves last: whoever sees it
    /// finds all that it promises.
    fn publish(&mut self) {
        let group = std::mem::take(&mut self.group);
        self.active.bytes += group.lines.len() as u64;
        self.shared
            .kept
            .write()
            .expect(UNPOISONED)
            .grow(self.active.bytes);
        let mut seq = self.tip();
        let mut ring = self.shared.ring.write().expect(UNPOISONED);
        for frame in group.frames {
            seq = seq.next();
            ring.push(Record::new(seq, frame));
        }
        drop(ring);
        self.tip.send_replace(seq);
    }

    fn poison(&mut self) {
        self.poisoned = true;
        self.group = Group::default();
        // Readable but perhaps not durable: the next start must not take it for good.
        // When this fails too, that start finds a tail it can judge.
        let _ = self.active.file.truncate(self.active.bytes);
    }

    /// Its first record, that of the next one, and its file.
    fn oldest_sealed(&self) -> Option<(Seq, Seq, PathBuf)> {
        let kept = self.shared.kept.read().expect(UNPOISONED);
        let (first, until) = kept.oldest_sealed()?;
        Some((first, until, kept.path(first)))
    }

    fn modified(&self, path: &Path) -> io::Result<SystemTime> {
        self.shared.disk.open(path)?.modified()
    }

    /// The floor moves first, so that a reader that misses the file knows why. Each
    /// removal is durable before the next, so that a power cut leaves no hole.
    fn drop_segment(&self, first: Seq, path: &Path) -> io::Result<()> {
        self.shared.kept.write().expect(UNPOISONED).drop_oldest();
        if let Err(error) = self.shared.disk.remove(path) {
            self.shared
                .kept
                .write()
                .expect(UNPOISONED)
                .keep_oldest(first);
            return Err(error);
        }
        crashpoint::pass("log.segment_removed");
        self.shared.disk.sync_dir(&self.config.dir)
    }
}

/// Frames on their way to the disk.
#[derive(Debug, Default)]
struct Group {
    lines: Vec<u8>,
    frames: Vec<Bytes>,
}

impl Group {
    fn push(&mut self, seq: Seq, frame: Bytes) {
        let back = self.frames.len() as u64;
        Line {
            seq,
            back,
            frame: &frame,
        }
        .encode(&mut self.lines);
        self.frames.push(frame);
    }
}

struct LockHeld(#[expect(dead_code, reason = "held, not used")] Lock);

impl std::fmt::Debug for LockHeld {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LockHeld")
    }
}

fn lock(disk: &dyn Disk, dir: &Path) -> Result<LockHeld, OpenError> {
    let path = dir.join("lock");
    match disk.lock(&path) {
        Ok(lock) => Ok(LockHeld(lock)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            Err(OpenError::Locked(dir.to_owned()))
        }
        Err(error) => Err(OpenError::io(&path)(error)),
    }
}

fn check_frame(frame: &[u8]) -> Result<(), AppendError> {
    if frame.len() > FRAME_MAX_BYTES {
        return Err(AppendError::TooLarge {
            bytes: frame.len(),
            max: FRAME_MAX_BYTES,
        });
    }
    if memchr::memchr(b'\n', frame).is_some() {
        return Err(AppendError::LineEnd);
    }
    std::str::from_utf8(frame)
        .map(|_| ())
        .map_err(|_| AppendError::NotUtf8)
}
