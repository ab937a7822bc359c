//! How much room the disk has.
//!
//! What is scarce is kept for the log: below the configured reserve documents wait, below
//! the floor the program stops, while what is in hand can still be written.
//!
//! Elsewhere: who waits (`fetch`), a disk that is full all the same (`eventlog`).

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::bail;
use tokio::{sync::watch, task::block_in_place, time::interval};
use tokio_util::sync::CancellationToken;

/// Below this the program stops: half a minute of the busiest log there can be, and room
/// for what is written at the end.
pub(crate) const FLOOR_BYTES: u64 = 16 << 20;

/// Between looks: less than any disk takes to fill from the reserve to the floor.
const INTERVAL: Duration = Duration::from_secs(2);

/// A place with less room than is to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shortage {
    /// The folder.
    pub(crate) place: PathBuf,
    /// Bytes free there.
    pub(crate) free_bytes: u64,
}

/// Watches the folders that we write to.
#[derive(Debug)]
pub(crate) struct DiskWatch {
    /// Where the log is.
    data_dir: PathBuf,
    /// Where submissions are.
    archive_dir: PathBuf,
    reserve_bytes: u64,
    free_bytes: fn(&Path) -> io::Result<u64>,
    shortage: watch::Sender<Option<Shortage>>,
}

impl DiskWatch {
    /// Looks for the first time. Also gives where a shortage is told.
    ///
    /// # Errors
    /// When there is too little room to begin.
    pub(crate) fn begin(
        data_dir: &Path,
        archive_dir: &Path,
        reserve_bytes: u64,
    ) -> anyhow::Result<(Self, watch::Receiver<Option<Shortage>>)> {
        let (shortage, told) = watch::channel(None);
        let watch = Self {
            data_dir: data_dir.to_owned(),
            archive_dir: archive_dir.to_owned(),
            reserve_bytes,
            free_bytes,
            shortage,
        };
        watch.look()?;
        Ok((watch, told))
    }

    /// Looks every few seconds until `stop` fires.
    ///
    /// # Errors
    /// When the log has too little room.
    pub(crate) async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut ticks = interval(INTERVAL);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            // A file system that hangs must not take a thread that others need.
            block_in_place(|| self.look())?;
        }
        Ok(())
    }

    fn look(&self) -> anyhow::Result<()> {
        let places = [&self.data_dir, &self.archive_dir];
        let free = places.map(|place| (self.free_bytes)(place).unwrap_or(u64::MAX));
        if free[0] < FLOOR_BYTES {
            bail!(
                "no space left for the log: {} free at {}, less than the {} that are kept for a clean end; \
                free space there or set `data_dir` to a larger disk, then start again",
                megabytes(free[0]),
                self.data_dir.display(),
                megabytes(FLOOR_BYTES)
            );
        }
        let short = places
            .into_iter()
            .zip(free)
            .find(|(_, free)| *free < self.reserve_bytes);
        let short = short.map(|(place, free_bytes)| Shortage {
            place: place.clone(),
            free_bytes,
        });
        self.shortage.send_if_modified(|shortage| {
            let has_changed = *shortage != short;
            *shortage = short;
            has_changed
        });
        Ok(())
    }
}

/// Bytes that we may still write below `place`. A file system that does not tell has room.
fn free_bytes(place: &Path) -> io::Result<u64> {
    let told = rustix::fs::statvfs(place)?;
    if told.f_blocks == 0 {
        return Ok(u64::MAX);
    }
    Ok(told.f_bavail.saturating_mul(told.f_frsize))
}

/// Bytes, for people.
pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes / 1_000_000)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn watch(free_bytes: fn(&Path) -> io::Result<u64>) -> DiskWatch {
        DiskWatch {
            data_dir: "/data".into(),
            archive_dir: "/archive".into(),
            reserve_bytes: 1 << 30,
            free_bytes,
            shortage: watch::Sender::new(None),
        }
    }

    fn shortage(watch: &DiskWatch) -> Option<(PathBuf, u64)> {
        let told = watch.shortage.borrow().clone();
        told.map(|shortage| (shortage.place, shortage.free_bytes))
    }

    #[test]
    fn less_room_than_the_reserve_is_told_until_there_is_more() {
        let mut watch = watch(|_| Ok(1 << 29));

        watch.look().unwrap();
        assert_eq!(shortage(&watch), Some(("/data".into(), 1 << 29)));

        watch.free_bytes = |_| Ok(1 << 30);
        watch.look().unwrap();
        assert_eq!(shortage(&watch), None);
    }

    #[test]
    fn less_room_than_the_log_needs_is_an_end_that_says_what_to_do() {
        let watch = watch(|_| Ok(FLOOR_BYTES - 1));

        let end = watch.look().unwrap_err().to_string();

        for part in ["no space left", "16 MB free at /data", "free space there"] {
            assert!(end.contains(part), "{end}");
        }
    }

    #[test]
    fn an_archive_without_room_is_no_reason_to_stop() {
        let watch = watch(|place| {
            Ok(if place == Path::new("/data") {
                1 << 40
            } else {
                0
            })
        });

        watch.look().unwrap();

        assert_eq!(shortage(&watch), Some(("/archive".into(), 0)));
    }

    #[test]
    fn a_file_system_that_does_not_tell_has_room() {
        assert!(free_bytes(Path::new("/")).unwrap() > 0);
        assert!(free_bytes(Path::new("/no/such/folder")).is_err());
        assert_eq!(shortage(&watch(free_bytes)), None);
    }
}
