//! Objects on their way into a bucket.
//!
//! A [`Draft`] takes the bytes and counts and hashes them as they pass; finished and
//! fsynced it is [`Staged`], ready to be put. What is not put is removed when dropped,
//! or at the next start; what must outlast this process is kept elsewhere.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use sha2::{Digest, Sha256};

/// The folder of unfinished objects. One process at a time.
#[derive(Debug, Clone)]
pub struct Staging {
    dir: PathBuf,
    next: Arc<AtomicU64>,
}

/// An object being written.
#[derive(Debug)]
pub struct Draft {
    file: BufWriter<File>,
    staged: Staged,
    hash: Sha256,
}

/// A finished object that is in no bucket yet.
#[derive(Debug)]
pub struct Staged {
    path: PathBuf,
    bytes: u64,
    sha256: String,
    is_kept: bool,
}

impl Staging {
    /// Opens the folder and removes what an earlier process left there.
    ///
    /// # Errors
    /// When the folder cannot be made or emptied.
    pub fn open(dir: impl Into<PathBuf>) -> io::Result<Self> {
        let dir = dir.into();
        fs::create_dir_all(&dir)?;
        for entry in fs::read_dir(&dir)? {
            fs::remove_file(entry?.path())?;
        }
        Ok(Self {
            dir,
            next: Arc::default(),
        })
    }

    /// The folder, for what is needed only while an object is made; it is emptied at the
    /// next start.
    pub fn folder(&self) -> &Path {
        &self.dir
    }

    /// Begins an object.
    ///
    /// # Errors
    /// When no file can be made.
    pub fn draft(&self) -> io::Result<Draft> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.dir.join(format!("{number}.draft"));
        let file = BufWriter::with_capacity(64 * 1024, File::create_new(&path)?);
        let staged = Staged {
            path,
            bytes: 0,
            sha256: String::new(),
            is_kept: false,
        };
        Ok(Draft {
            file,
            staged,
            hash: Sha256::new(),
        })
    }
}

impl Draft {
    /// Ends the object: flushed, fsynced, counted and hashed.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn finish(mut self) -> io::Result<Staged> {
        self.file.flush()?;
        crashpoint::pass("staging.written");
        self.file.get_ref().sync_all()?;
        crashpoint::pass("staging.synced");
        self.staged.sha256 = hex::encode(self.hash.finalize());
        Ok(self.staged)
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.staged.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Staged {
    /// Moves its file to `path`, on the same file system. There it stays until somebody
    /// removes it; whether the move survives a power cut is the caller's business.
    ///
    /// # Errors
    /// Those of the file system; the file is removed then.
    pub fn keep(mut self, path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        fs::rename(&self.path, &path)?;
        self.path = path;
        self.is_kept = true;
        Ok(self)
    }

    /// What was kept at `path`, with the length and the SHA-256 it had then.
    pub fn kept(path: impl Into<PathBuf>, bytes: u64, sha256: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            bytes,
            sha256: sha256.into(),
            is_kept: true,
        }
    }

    /// Where its bytes are.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes it has.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Their SHA-256, 64 hexadecimal digits.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.is_kept {
            // A file that stays is removed at the next start.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_draft_is_counted_and_hashed_as_it_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let mut draft = Staging::open(dir.path()).unwrap().draft().unwrap();

        draft.write_all(b"ab").unwrap();
        draft.write_all(b"c").unwrap();
        let staged = draft.finish().unwrap();

        assert_eq!(staged.bytes(), 3);
        assert_eq!(fs::read(staged.path()).unwrap(), b"abc");
        assert!(staged.sha256().starts_with("ba7816bf8f01cfea"));
    }

    #[test]
    fn what_is_kept_outlasts_the_process_that_made_it() {
        let dir = tempfile::tempdir().unwrap();
        let staging = Staging::open(dir.path().join("staging")).unwrap();
        let path = dir.path().join("kept");

        let staged = staging.draft().unwrap().finish().unwrap();
        let (bytes, sha256) = (staged.bytes(), staged.sha256().to_owned());
        drop(staged.keep(&path).unwrap());
        Staging::open(dir.path().join("staging")).unwrap();
        drop(Staged::kept(&path, bytes, sha256));

        assert!(path.exists());
    }

    #[test]
    fn what_is_not_put_is_removed_now_or_at_the_next_start() {
        let dir = tempfile::tempdir().unwrap();
        let staging = Staging::open(dir.path()).unwrap();

        drop(staging.draft().unwrap());
        std::mem::forget(staging.draft().unwrap());
        Staging::open(dir.path()).unwrap();

        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
