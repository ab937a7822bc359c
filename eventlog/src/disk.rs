//! The file-system seam: the few operations the log needs from a disk.
//!
//! [`RealDisk`] does them on the operating system's files. The disk of
//! [`crate::testing`] does them in memory and forgets at a crash what was not
//! synced. Everything in this crate that touches a file goes through [`Disk`].
//!
//! Invariant: of files nothing is synced by itself. What must be durable is synced by
//! the caller, so a missing sync shows on the forgetting disk.

use std::{
    any::Any,
    fmt,
    fs::{self, OpenOptions, TryLockError},
    io,
    os::unix::fs::FileExt,
    path::Path,
    sync::Arc,
    time::SystemTime,
};

/// Keeps an exclusive lock until it is dropped.
pub type Lock = Box<dyn Any + Send + Sync>;

/// A directory tree of files.
pub trait Disk: fmt::Debug + Send + Sync + 'static {
    /// Makes the directory `dir` and those above it, durably; one that exists is fine.
    ///
    /// # Errors
    /// Whatever the file system says.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;

    /// The names of the files in `dir`, in any order.
    ///
    /// # Errors
    /// Whatever the file system says.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// Makes an empty file at `path`, emptying the one that is there.
    ///
    /// # Errors
    /// Whatever the file system says.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens the file at `path` for reading and writing.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] when there is none.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Gives the file at `from` the name `to`, replacing a file of that name.
    ///
    /// # Errors
    /// Whatever the file system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes the file at `path`. Files already open stay readable.
    ///
    /// # Errors
    /// Whatever the file system says.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes created, renamed and removed names in `dir` durable.
    ///
    /// # Errors
    /// Whatever the file system says.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Takes the lock file at `path`, making it if needed.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when somebody else holds it.
    fn lock(&self, path: &Path) -> io::Result<Lock>;
}

/// An open file.
pub trait DiskFile: fmt::Debug + Send + Sync {
    /// Its length in bytes.
    ///
    /// # Errors
    /// Whatever the file system says.
    fn length(&self) -> io::Result<u64>;

    /// When its bytes last changed.
    ///
    /// # Errors
    /// Whatever the file system says.
    fn modified(&self) -> io::Result<SystemTime>;

    /// Reads bytes from `offset` on and says how many; 0 only at the end.
    ///
    /// # Errors
    /// Whatever the file system says.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of `bytes` from `offset` on. After an error some may be written.
    ///
    /// # Errors
    /// Whatever the file system says.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Cuts the file to `length` bytes.
    ///
    /// # Errors
    /// Whatever the file system says.
    fn truncate(&self, length: u64) -> io::Result<()>;

    /// Makes bytes and length durable.
    ///
    /// # Errors
    /// Whatever the file system says. What was written before is then in doubt.
    fn sync(&self) -> io::Result<()>;
}

/// The directory that holds `path`.
pub(crate) fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// The operating system's files.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        if dir.as_os_str().is_empty() || dir.is_dir() {
            return Ok(());
        }
        let parent = directory_of(dir);
        self.create_dir(parent)?;
        match fs::create_dir(dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => self.sync_dir(parent),
        }
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(dir)? {
            // A name that is not UTF-8 is none of ours.
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(true);
        Ok(Arc::new(RealFile(options.open(path)?)))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        Ok(Arc::new(RealFile(file)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        fs::File::open(dir)?.sync_all()
    }

    fn lock(&self, path: &Path) -> io::Result<Lock> {
        let mut options = OpenOptions::new();
        let file = options
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Box::new(file)),
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

#[derive(Debug)]
struct RealFile(fs::File);

impl DiskFile for RealFile {
    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn modified(&self) -> io::Result<SystemTime> {
        self.0.metadata()?.modified()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        loop {
            match self.0.read_at(buffer, offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn directories_are_made_with_those_above_them() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("a/b/c");

        RealDisk.create_dir(&dir).unwrap();
        RealDisk.create_dir(&dir).unwrap();

        assert!(dir.is_dir());
    }

    #[test]
    fn a_file_in_the_way_is_an_error() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        fs::write(&file, "").unwrap();

        assert!(RealDisk.create_dir(&file.join("dir")).is_err());
    }

    #[test]
    fn bytes_are_read_back_where_they_were_written() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        let file = RealDisk.create(&path).unwrap();

        file.write_at(b"0123456789", 0).unwrap();
        file.write_at(b"xyz", 3).unwrap();
        file.truncate(8).unwrap();
        file.sync().unwrap();

        let mut buffer = [0; 20];
        let read = RealDisk
            .open(&path)
            .unwrap()
            .read_at(&mut buffer, 2)
            .unwrap();
        assert_eq!(&buffer[..read], b"2xyz67");
        assert_eq!(RealDisk.list(root.path()).unwrap(), ["file"]);
    }
}
