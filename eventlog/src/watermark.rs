//! The durable cursor of one of our own readers.
//!
//! A watermark is a small file with one readable line, `<epoch>-<seq> <crc32c>`. It
//! is replaced as a whole, so a power cut leaves the old one or the new one.
//!
//! Elsewhere: which seq to store (the reader that owns it knows what it has finished).
//!
//! Invariant: a stored watermark is of the epoch it was opened with.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use protocol::seq::{Cursor, Epoch, Seq};

use crate::{
    disk::{Disk, DiskFile, directory_of},
    error::WatermarkError,
};

/// More than any watermark takes.
const FILE_MAX_BYTES: usize = 128;

/// How far one reader has come, across restarts.
#[derive(Debug)]
pub struct Watermark {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    at: Cursor,
}

impl Watermark {
    /// Opens the watermark at `path` for the log of `epoch`. Without a file it is zero:
    /// nothing is finished yet. The directory must exist.
    ///
    /// # Errors
    /// [`WatermarkError::OtherEpoch`] when it belongs to another log,
    /// [`WatermarkError::Damaged`] when it does not read, [`WatermarkError::Io`].
    pub fn open(
        path: impl Into<PathBuf>,
        epoch: &Epoch,
        disk: Arc<dyn Disk>,
    ) -> Result<Self, WatermarkError> {
        let path = path.into();
        let at = match disk.open(&path) {
            Ok(file) => read(&*file, &path)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => epoch.at(Seq::ZERO),
            Err(source) => return Err(WatermarkError::Io { path, source }),
        };
        if at.epoch != *epoch {
            let expected = epoch.clone();
            return Err(WatermarkError::OtherEpoch {
                path,
                found: at.epoch,
                expected,
            });
        }
        Ok(Self { disk, path, at })
    }

    /// The last seq this reader has finished.
    pub fn get(&self) -> Seq {
        self.at.seq
    }

    /// Makes `seq` the last finished one, durably. Blocks for the time of two fsyncs.
    ///
    /// # Errors
    /// [`WatermarkError::Io`]; the stored one is then the old or the new one.
    pub fn store(&mut self, seq: Seq) -> Result<(), WatermarkError> {
        let at = Cursor {
            epoch: self.at.epoch.clone(),
            seq,
        };
        self.replace(&encode(&at))
            .map_err(|source| WatermarkError::Io {
                path: self.path.clone(),
                source,
            })?;
        self.at = at;
        Ok(())
    }

    fn replace(&self, bytes: &[u8]) -> io::Result<()> {
        let mut temporary = OsString::from(&self.path);
        temporary.push(".tmp");
        let temporary = PathBuf::from(temporary);
        let file = self.disk.create(&temporary)?;
        file.write_at(bytes, 0)?;
        crashpoint::pass("watermark.written");
        file.sync()?;
        crashpoint::pass("watermark.synced");
        self.disk.rename(&temporary, &self.path)?;
        crashpoint::pass("watermark.renamed");
        self.disk.sync_dir(directory_of(&self.path))
    }
}

fn encode(at: &Cursor) -> Vec<u8> {
    let text = at.to_string();
    let crc = crc32c::crc32c(text.as_bytes());
    format!("{text} {crc:08x}\n").into_bytes()
}

fn read(file: &dyn DiskFile, path: &Path) -> Result<Cursor, WatermarkError> {
    let mut bytes = [0; FILE_MAX_BYTES];
    let length = file
        .read_at(&mut bytes, 0)
        .map_err(|source| WatermarkError::Io {
            path: path.to_owned(),
            source,
        })?;
    let damaged = || WatermarkError::Damaged(path.to_owned());
    let text = std::str::from_utf8(&bytes[..length]).map_err(|_| damaged())?;
    let cursor = text.split(' ').next().unwrap_or_default();
    let at: Cursor = cursor.parse().map_err(|_| damaged())?;
    // One spelling only: whatever differs from what would be stored is damage.
    if encode(&at) == text.as_bytes() {
        Ok(at)
    } else {
        Err(damaged())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::testing::{Fault, ForgetfulDisk, Step};

    fn epoch(text: &str) -> Epoch {
        Epoch::parse(text).unwrap()
    }

    fn open(disk: &ForgetfulDisk, log: &str) -> Result<Watermark, WatermarkError> {
        Watermark::open("/data/fetch.watermark", &epoch(log), Arc::new(disk.clone()))
    }

    #[test]
    fn a_stored_watermark_survives_a_power_cut() {
        let disk = ForgetfulDisk::default();
        let mut watermark = open(&disk, "k7q2").unwrap();
        assert_eq!(watermark.get(), Seq::ZERO);

        watermark.store(Seq::new(41)).unwrap();
        watermark.store(Seq::new(42)).unwrap();
        disk.crash();

        assert_eq!(open(&disk, "k7q2").unwrap().get(), Seq::new(42));
    }

    #[test]
    fn a_power_cut_while_storing_leaves_the_old_or_the_new_one() {
        let steps = [
            Step::Create,
            Step::Write,
            Step::Sync,
            Step::Rename,
            Step::SyncDir,
        ];
        for (step, chance) in steps
            .iter()
            .flat_map(|&step| (0..20).map(move |chance| (step, chance)))
        {
            let disk = ForgetfulDisk::default();
            let mut watermark = open(&disk, "k7q2").unwrap();
            watermark.store(Seq::new(41)).unwrap();

            disk.fail(Fault {
                step,
                after: 0,
                kind: io::ErrorKind::Other,
            });
            watermark.store(Seq::new(42)).unwrap_err();
            disk.crash_torn(chance);

            assert_eq!(disk.faults_fired(), 1);
            let found = open(&disk, "k7q2").unwrap().get().get();
            assert!(found == 41 || found == 42, "{step:?}: {found}");
        }
    }

    #[test]
    fn a_watermark_that_the_disk_does_not_give_is_not_taken_for_none() {
        let dir = tempfile::tempdir().unwrap();
        let no_folder = dir.path().join("a file");
        std::fs::write(&no_folder, "").unwrap();

        let path = no_folder.join("fetch.watermark");
        let opened = Watermark::open(path, &epoch("k7q2"), Arc::new(crate::RealDisk));

        assert!(matches!(opened, Err(WatermarkError::Io { .. })));
    }

    #[test]
    fn a_watermark_of_another_epoch_is_refused_with_both_names() {
        let disk = ForgetfulDisk::default();
        open(&disk, "k7q2").unwrap().store(Seq::new(42)).unwrap();

        let error = open(&disk, "zzzz").unwrap_err();

        assert!(matches!(error, WatermarkError::OtherEpoch { .. }));
        assert!(error.to_string().contains("k7q2") && error.to_string().contains("zzzz"));
    }

    #[test]
    fn a_flipped_bit_is_never_another_watermark() {
        let disk = ForgetfulDisk::default();
        open(&disk, "k7q2").unwrap().store(Seq::new(42)).unwrap();
        let good = disk.bytes("/data/fetch.watermark");

        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            disk.set_bytes("/data/fetch.watermark", bad);
            assert!(
                matches!(open(&disk, "k7q2"), Err(WatermarkError::Damaged(_))),
                "bit {bit}"
            );
        }
    }
}
