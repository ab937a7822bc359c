//! Which index files a backfill reads, and which of them it has read.
//!
//! Where a range covers much of a quarter the quarter's one file is read, else the file of
//! each day. Pure but for [`Done`], a small file that lets the next run go on.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use edgar::calendar::is_business_day;
use jiff::ToSpan;
use monitors::daily_index::Quarter;
use protocol::time::Date;
use serde::{Deserialize, Serialize};

use super::Range;
use crate::durable;

/// Business days of a quarter up to which their own files are read: a quarter's file has
/// the bytes of sixty.
const DAYS_MAX: usize = 5;

/// One index file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// That of a day.
    Day(Date),
    /// That of a quarter, for so many business days of it.
    Quarter(Quarter, usize),
}

impl Unit {
    /// How many business days it is read for.
    pub(super) fn days(self) -> usize {
        match self {
            Self::Day(_) => 1,
            Self::Quarter(_, days) => days,
        }
    }
}

impl std::fmt::Display for Unit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Day(day) => day.fmt(f),
            Self::Quarter(quarter, _) => write!(f, "{}Q{}", quarter.year, quarter.quarter),
        }
    }
}

/// The files for a range, oldest first.
pub(super) fn plan(from: Date, to: Date) -> Vec<Unit> {
    let days = from.series(1.day()).take_while(|day| *day <= to);
    let days: Vec<Date> = days.filter(|day| is_business_day(*day)).collect();
    let mut units = Vec::new();
    for days in days.chunk_by(|a, b| Quarter::of(*a) == Quarter::of(*b)) {
        match days {
            [first, ..] if days.len() > DAYS_MAX => {
                units.push(Unit::Quarter(Quarter::of(*first), days.len()));
            }
            _ => units.extend(days.iter().copied().map(Unit::Day)),
        }
    }
    units
}

/// What a backfill has done, kept on disk until it is done with all.
#[derive(Debug)]
pub(super) struct Done {
    path: PathBuf,
    kept: Kept,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    range: Range,
    read: BTreeSet<String>,
    listed: u64,
    new: u64,
}

impl Done {
    /// What an earlier run of the same range has done; nothing of another.
    pub(super) fn open(data_dir: &Path, range: &Range) -> Self {
        let path = data_dir.join("backfill.json");
        let kept = fs::read(&path).ok();
        let kept = kept.and_then(|bytes| serde_json::from_slice::<Kept>(&bytes).ok());
        let nothing = || Kept {
            range: range.clone(),
            read: BTreeSet::new(),
            listed: 0,
            new: 0,
        };
        let kept = kept
            .filter(|kept| kept.range == *range)
            .unwrap_or_else(nothing);
        Self { path, kept }
    }

    /// Whether a file was read to its end.
    pub(super) fn has(&self, unit: Unit) -> bool {
        self.kept.read.contains(&unit.to_string())
    }

    /// How many filings the files read list, and how many of them were new.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.kept.listed, self.kept.new)
    }

    /// Some of a file's filings were new.
    ///
    /// # Errors
    /// When that cannot be kept.
    pub(super) fn found(&mut self, new: u64) -> io::Result<()> {
        self.kept.new += new;
        self.keep()
    }

    /// A file was read to its end.
    ///
    /// # Errors
    /// When that cannot be kept.
    pub(super) fn add(&mut self, unit: Unit, listed: u64) -> io::Result<()> {
        self.kept.read.insert(unit.to_string());
        self.kept.listed += listed;
        self.keep()
    }

    fn keep(&self) -> io::Result<()> {
        durable::replace(&self.path, &serde_json::to_vec(&self.kept)?)
    }

    /// All is read: the next run of the range begins anew.
    ///
    /// # Errors
    /// When the disk fails.
    pub(super) fn finish(self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn units(from: Date, to: Date) -> Vec<String> {
        plan(from, to).iter().map(Unit::to_string).collect()
    }

    #[test]
    fn a_few_days_are_read_by_day_and_more_by_quarter() {
        assert_eq!(
            units(date(2026, 3, 2), date(2026, 3, 6)),
            [
                "2026-03-02",
                "2026-03-03",
                "2026-03-04",
                "2026-03-05",
                "2026-03-06"
            ]
        );
        assert_eq!(units(date(2026, 3, 2), date(2026, 3, 9)), ["2026Q1"]);
        assert_eq!(
            units(date(2025, 12, 30), date(2026, 7, 6)),
            [
                "2025-12-30",
                "2025-12-31",
                "2026Q1",
                "2026Q2",
                "2026-07-01",
                "2026-07-02",
                "2026-07-06"
            ]
        );
        assert_eq!(units(date(2026, 3, 7), date(2026, 3, 8)), [""; 0]);
    }

    #[test]
    fn a_run_goes_on_where_the_same_range_was_left_and_nowhere_else() {
        let dir = tempfile::tempdir().unwrap();
        let range = Range {
            from: date(2026, 3, 2),
            to: date(2026, 3, 3),
            forms: vec!["8-K*".into()],
        };
        let [first, second] = plan(range.from, range.to)[..] else {
            panic!()
        };
        let mut done = Done::open(dir.path(), &range);
        done.found(7).unwrap();
        done.add(first, 10).unwrap();

        let again = Done::open(dir.path(), &range);
        let other = Done::open(
            dir.path(),
            &Range {
                forms: Vec::new(),
                ..range.clone()
            },
        );

        assert!(again.has(first) && !again.has(second) && !other.has(first));
        assert_eq!((again.counts(), other.counts()), ((10, 7), (0, 0)));
        again.finish().unwrap();
        assert!(!Done::open(dir.path(), &range).has(first));
    }
}
