//! A disk in memory that forgets what was not synced, for crash tests.
//!
//! [`ForgetfulDisk::crash`] is a power cut: what no sync has covered is gone, bytes
//! and names alike, and every file opened before is dead. [`ForgetfulDisk::crash_torn`]
//! is a nastier one: some of the unsynced bytes have reached the disk, in any order.
//! [`ForgetfulDisk::fail`] makes one operation fail.
//!
//! Elsewhere: what the log does on a disk (`disk`).
//!
//! Invariant: a sync makes durable what it names and nothing else.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
    time::SystemTime,
};

use crate::disk::{Disk, DiskFile, Lock};

/// Unsynced bytes reach the disk or get lost in blocks of this size. Real pages are
/// larger; small ones tear short test records too.
const BLOCK_BYTES: usize = 16;

/// An operation that can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// [`Disk::create`].
    Create,
    /// [`DiskFile::write_at`]; half of the bytes are written.
    Write,
    /// [`DiskFile::sync`].
    Sync,
    /// [`DiskFile::truncate`].
    Truncate,
    /// [`Disk::rename`].
    Rename,
    /// [`Disk::remove`].
    Remove,
    /// [`Disk::sync_dir`].
    SyncDir,
}

/// A planned failure.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// The operation that fails.
    pub step: Step,
    /// How many of them succeed before.
    pub after: usize,
    /// How it fails: [`io::ErrorKind::StorageFull`] is a full disk.
    pub kind: io::ErrorKind,
}

/// A disk in memory. Clones are the same disk.
#[derive(Clone, Default)]
pub struct ForgetfulDisk {
    state: Arc<Mutex<State>>,
}

type Node = Arc<Mutex<Content>>;
type Hook = Arc<dyn Fn() + Send + Sync>;

#[derive(Default)]
struct State {
    names: BTreeMap<PathBuf, Node>,
    durable_names: BTreeMap<PathBuf, Node>,
    locks: BTreeSet<PathBuf>,
    crashes: u64,
    faults: Vec<Fault>,
    faults_fired: usize,
    clock: Option<SystemTime>,
    before_sync: Option<Hook>,
}

#[derive(Debug)]
struct Content {
    bytes: Vec<u8>,
    durable: Vec<u8>,
    modified: SystemTime,
}

impl ForgetfulDisk {
    /// Cuts the power: only what was synced is left.
    pub fn crash(&self) {
        let mut state = self.lock_state();
        state.names = state.durable_names.clone();
        for node in state.names.values() {
            let mut content = lock(node);
            content.bytes = content.durable.clone();
        }
        state.die();
    }

    /// Cuts the power in the middle of the disk's work: of what was not synced, some has
    /// become durable, as `chance` decides.
    pub fn crash_torn(&self, chance: u64) {
        let mut chance = Chance(chance.wrapping_mul(2).wrapping_add(1));
        let mut state = self.lock_state();
        let changed: BTreeSet<PathBuf> = state
            .names
            .keys()
            .chain(state.durable_names.keys())
            .cloned()
            .collect();
        for path in changed {
            if chance.coin() {
                continue;
            }
            match state.names.get(&path).cloned() {
                Some(node) => state.durable_names.insert(path, node),
                None => state.durable_names.remove(&path),
            };
        }
        state.names = state.durable_names.clone();
        for node in state.names.values() {
            lock(node).tear(&mut chance);
        }
        state.die();
    }

    /// Plans a failure. It happens once.
    pub fn fail(&self, fault: Fault) {
        self.lock_state().faults.push(fault);
    }

    /// How many planned failures have happened.
    pub fn faults_fired(&self) -> usize {
        self.lock_state().faults_fired
    }

    /// Calls `hook` at every [`DiskFile::sync`], before anything becomes durable.
    pub fn before_sync(&self, hook: impl Fn() + Send + Sync + 'static) {
        self.lock_state().before_sync = Some(Arc::new(hook));
    }

    /// The time written to files from now on. Without it, the system's.
    pub fn set_clock(&self, now: SystemTime) {
        self.lock_state().clock = Some(now);
    }

    /// The files there are.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.lock_state().names.keys().cloned().collect()
    }

    /// The bytes of the file at `path`; none when there is no such file.
    pub fn bytes(&self, path: impl AsRef<Path>) -> Vec<u8> {
        let state = self.lock_state();
        state
            .names
            .get(path.as_ref())
            .map(|node| lock(node).bytes.clone())
            .unwrap_or_default()
    }

    /// Puts `bytes` into the file at `path`, durably, as rot or a hand would.
    pub fn set_bytes(&self, path: impl AsRef<Path>, bytes: Vec<u8>) {
        let mut state = self.lock_state();
        let modified = state.now();
        let content = Content {
            durable: bytes.clone(),
            bytes,
            modified,
        };
        let node = Arc::new(Mutex::new(content));
        state
            .names
            .insert(path.as_ref().to_owned(), Arc::clone(&node));
        state.durable_names.insert(path.as_ref().to_owned(), node);
    }

    fn lock_state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn file(&self, node: Node, born: u64) -> Arc<dyn DiskFile> {
        Arc::new(ForgetfulFile {
            disk: self.clone(),
            node,
            born,
        })
    }
}

impl State {
    fn die(&mut self) {
        self.crashes += 1;
        self.locks.clear();
        self.faults.clear();
        self.before_sync = None;
    }

    fn now(&self) -> SystemTime {
        self.clock.unwrap_or_else(SystemTime::now)
    }

    fn step(&mut self, step: Step) -> io::Result<()> {
        let Some(place) = self.faults.iter().position(|fault| fault.step == step) else {
            return Ok(());
        };
        if self.faults[place].after > 0 {
            self.faults[place].after -= 1;
            return Ok(());
        }
        self.faults_fired += 1;
        Err(self.faults.remove(place).kind.into())
    }
}

impl Content {
    fn tear(&mut self, chance: &mut Chance) {
        match self.bytes.strip_prefix(&*self.durable) {
            Some(unsynced) => {
                let whole = chance.below(4) == 0;
                let kept = if whole {
                    unsynced.len()
                } else {
                    chance.below(unsynced.len() + 1)
                };
                let mut unsynced = unsynced[..kept].to_vec();
                for block in unsynced.chunks_mut(BLOCK_BYTES) {
                    if chance.below(8) == 0 {
                        block.fill(0);
                    }
                }
                self.durable.extend(unsynced);
            }
            None if chance.coin() => self.durable = self.bytes.clone(),
            None => {}
        }
        self.bytes = self.durable.clone();
    }
}

impl Disk for ForgetfulDisk {
    fn create_dir(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let state = self.lock_state();
        let inside = state.names.keys().filter(|path| path.parent() == Some(dir));
        Ok(inside
            .filter_map(|path| path.file_name()?.to_str().map(str::to_owned))
            .collect())
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.lock_state();
        state.step(Step::Create)?;
        let modified = state.now();
        let node = state.names.entry(path.to_owned()).or_insert_with(|| {
            let content = Content {
                bytes: Vec::new(),
                durable: Vec::new(),
                modified,
            };
            Arc::new(Mutex::new(content))
        });
        let node = Arc::clone(node);
        lock(&node).bytes.clear();
        Ok(self.file(node, state.crashes))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let state = self.lock_state();
        let node = state.names.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(self.file(Arc::clone(node), state.crashes))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.lock_state();
        state.step(Step::Rename)?;
        let node = state.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        state.names.insert(to.to_owned(), node);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.lock_state();
        state.step(Step::Remove)?;
        state
            .names
            .remove(path)
            .map(|_| ())
            .ok_or(io::ErrorKind::NotFound.into())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.lock_state();
        state.step(Step::SyncDir)?;
        let State {
            names,
            durable_names,
            ..
        } = &mut *state;
        durable_names.retain(|path, _| path.parent() != Some(dir));
        let inside = names.iter().filter(|(path, _)| path.parent() == Some(dir));
        durable_names.extend(inside.map(|(path, node)| (path.clone(), Arc::clone(node))));
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Lock> {
        let mut state = self.lock_state();
        if !state.locks.insert(path.to_owned()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let (disk, born) = (self.clone(), state.crashes);
        Ok(Box::new(HeldLock {
            disk,
            path: path.to_owned(),
            born,
        }))
    }
}

impl fmt::Debug for ForgetfulDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.paths()).finish()
    }
}

struct HeldLock {
    disk: ForgetfulDisk,
    path: PathBuf,
    born: u64,
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        let mut state = self.disk.lock_state();
        if state.crashes == self.born {
            state.locks.remove(&self.path);
        }
    }
}

#[derive(Debug)]
struct ForgetfulFile {
    disk: ForgetfulDisk,
    node: Node,
    born: u64,
}

impl ForgetfulFile {
    /// The disk's state, unless the power went since this file was opened.
    fn alive(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.disk.lock_state();
        if state.crashes != self.born {
            return Err(io::Error::other("opened before the power cut"));
        }
        Ok(state)
    }
}

impl DiskFile for ForgetfulFile {
    fn length(&self) -> io::Result<u64> {
        let _alive = self.alive()?;
        Ok(lock(&self.node).bytes.len() as u64)
    }

    fn modified(&self) -> io::Result<SystemTime> {
        let _alive = self.alive()?;
        Ok(lock(&self.node).modified)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let _alive = self.alive()?;
        let content = lock(&self.node);
        let start = usize::try_from(offset)
            .unwrap_or(usize::MAX)
            .min(content.bytes.len());
        let length = buffer.len().min(content.bytes.len() - start);
        buffer[..length].copy_from_slice(&content.bytes[start..start + length]);
        Ok(length)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.alive()?;
        let failed = state.step(Step::Write);
        let written = if failed.is_err() {
            &bytes[..bytes.len() / 2]
        } else {
            bytes
        };
        let mut content = lock(&self.node);
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        let end = start + written.len();
        if content.bytes.len() < end {
            content.bytes.resize(end, 0);
        }
        content.bytes[start..end].copy_from_slice(written);
        content.modified = state.now();
        failed
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        let mut state = self.alive()?;
        state.step(Step::Truncate)?;
        lock(&self.node)
            .bytes
            .truncate(usize::try_from(length).map_err(io::Error::other)?);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let hook = self.alive()?.before_sync.clone();
        if let Some(hook) = hook {
            hook();
        }
        self.alive()?.step(Step::Sync)?;
        let mut content = lock(&self.node);
        content.durable = content.bytes.clone();
        Ok(())
    }
}

/// A small generator of repeatable chance (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % bound
    }

    fn coin(&mut self) -> bool {
        self.below(2) == 0
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
