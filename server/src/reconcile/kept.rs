//! What is kept of the nights besides seals, which the log has: which ground was looked at
//! again, so that it need not be a second time.
//!
//! Invariant: without the file indexes are read once more than they need be, no more.

use std::{fs, io, path::Path};

use protocol::time::Date;
use serde::{Deserialize, Serialize};
use tokio::task::block_in_place;

use crate::durable;

/// The newest ground that was looked at again.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Kept {
    /// The day whose predecessors were.
    pub(super) again: Option<Date>,
    /// The Saturday whose quarter was.
    pub(super) quarter: Option<Date>,
}

impl Kept {
    /// What was kept; nothing when it is missing or damaged.
    pub(super) fn read(path: &Path) -> Self {
        match fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    tracing::warn!(file = %path.display(), %error, "cannot be read");
                }
                Self::default()
            }
        }
    }

    /// Keeps it; a disk that does not take it is a warning.
    pub(super) fn write(&self, path: &Path) {
        let bytes = serde_json::to_vec(self).expect("two dates are JSON");
        if let Err(error) = block_in_place(|| durable::replace(path, &bytes)) {
            tracing::warn!(file = %path.display(), %error, "cannot be written");
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn told(kept: &Kept) -> (Option<Date>, Option<Date>) {
        (kept.again, kept.quarter)
    }

    #[test]
    fn what_was_kept_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("reconcile.json");
        let kept = Kept {
            again: Some(date(2026, 3, 3)),
            quarter: Some(date(2026, 3, 7)),
        };

        kept.write(&path);

        assert_eq!(told(&Kept::read(&path)), told(&kept));
    }

    #[test]
    fn what_is_missing_or_damaged_reads_as_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("reconcile.json");
        assert_eq!(told(&Kept::read(&path)), (None, None));

        fs::write(&path, r#"{"again":"2026-"#).unwrap();

        assert_eq!(told(&Kept::read(&path)), (None, None));
    }
}
