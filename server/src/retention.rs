//! How long events are kept.
//!
//! Once an hour, segments that are old enough go, oldest first, as far as all who work on the
//! log by themselves are through with them. Elsewhere: how a segment is removed (`eventlog`).
//!
//! Invariant: an event goes only when its submission is no longer waited for and, where days are
//! reconciled, when it is in the event file of a day.

use std::{
    path::PathBuf,
    time::{Duration, Instant, SystemTime},
};

use anyhow::Context;
use protocol::seq::Seq;

use crate::{
    config::Config,
    log::{self, Reader, Writer},
    reconcile,
};

/// Between two looks.
const INTERVAL: Duration = Duration::from_secs(3600);

/// The rule, and when it is applied next.
#[derive(Debug)]
pub(crate) struct Retention {
    keep: Duration,
    log: Reader,
    data_dir: PathBuf,
    /// Whether days are sealed here, and their events written to files.
    seals_days: bool,
    next_look: Instant,
}

impl Retention {
    /// What the configuration says; `None` when everything is kept.
    pub(crate) fn new(config: &Config, log: &Reader) -> Option<Self> {
        Some(Self {
            keep: config.log_retention?,
            log: log.clone(),
            data_dir: config.data_dir.clone(),
            seals_days: config.reconcile.enabled,
            next_look: Instant::now(),
        })
    }

    /// Removes what is old and handled, when it is time to look.
    ///
    /// # Errors
    /// When a file cannot be read or removed.
    pub(crate) fn look(&mut self, log: &mut Writer) -> anyhow::Result<()> {
        let cutoff = SystemTime::now().checked_sub(self.keep);
        let (Some(cutoff), true) = (cutoff, self.next_look <= Instant::now()) else {
            return Ok(());
        };
        self.next_look = Instant::now() + INTERVAL;
        let handled = self
            .handled()
            .context("cannot tell which events are still needed")?;
        let dropped = log
            .drop_segments_older_than(cutoff, handled)
            .context("old events cannot be removed")?;
        if dropped > 0 {
            tracing::info!(
                segments = dropped,
                "events older than log_retention_days removed"
            );
        }
        Ok(())
    }

    /// The last event that nobody of ours needs any more.
    fn handled(&self) -> anyhow::Result<Seq> {
        let fetched = log::watermark(&self.data_dir, &self.log, "fetch")?.get();
        if !self.seals_days {
            return Ok(fetched);
        }
        let filed = reconcile::filed_through(&self.log, &self.data_dir)?;
        Ok(fetched.min(filed.unwrap_or(Seq::ZERO)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::{fs, path::Path};

    use bytes::Bytes;

    use super::*;

    impl Retention {
        /// A rule by which everything is old.
        pub(crate) fn of_all(log: Reader, data_dir: &Path, seals_days: bool) -> Self {
            Self {
                keep: Duration::ZERO,
                log,
                data_dir: data_dir.to_owned(),
                seals_days,
                next_look: Instant::now(),
            }
        }
    }

    /// A log of three segments of one event each, and a rule by which all are old.
    fn scene(dir: &Path, seals_days: bool) -> (Writer, Retention) {
        let (mut writer, reader) = log::open(dir, 1).unwrap();
        for _ in 0..3 {
            writer.append(Bytes::from_static(b"{}")).unwrap();
            writer.commit().unwrap();
        }
        (writer, Retention::of_all(reader, dir, seals_days))
    }

    fn fetched(dir: &Path, retention: &Retention, through: u64) {
        let mut watermark = log::watermark(dir, &retention.log, "fetch").unwrap();
        watermark.store(Seq::new(through)).unwrap();
    }

    fn filed(dir: &Path, retention: &Retention, through: u64) {
        let epoch = retention.log.epoch();
        let place = serde_json::json!({"epoch": epoch, "through": through, "searched": through});
        fs::write(dir.join("events.json"), place.to_string()).unwrap();
    }

    #[test]
    fn an_event_stays_until_its_submission_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let (mut writer, mut retention) = scene(dir.path(), false);

        retention.look(&mut writer).unwrap();
        assert_eq!(retention.log.oldest(), Seq::new(1));
        fetched(dir.path(), &retention, 1);
        retention.next_look = Instant::now();
        retention.look(&mut writer).unwrap();

        assert_eq!(retention.log.oldest(), Seq::new(2));
    }

    #[test]
    fn an_event_stays_until_it_is_in_the_file_of_a_day() {
        let dir = tempfile::tempdir().unwrap();
        let (mut writer, mut retention) = scene(dir.path(), true);
        fetched(dir.path(), &retention, 3);

        retention.look(&mut writer).unwrap();
        assert_eq!(retention.log.oldest(), Seq::new(1));
        filed(dir.path(), &retention, 2);
        retention.next_look = Instant::now();
        retention.look(&mut writer).unwrap();

        assert_eq!(retention.log.oldest(), Seq::new(3));
    }

    #[test]
    fn it_looks_once_an_hour() {
        let dir = tempfile::tempdir().unwrap();
        let (mut writer, mut retention) = scene(dir.path(), false);
        retention.look(&mut writer).unwrap();
        fetched(dir.path(), &retention, 3);

        retention.look(&mut writer).unwrap();

        assert_eq!(retention.log.oldest(), Seq::new(1));
    }
}
