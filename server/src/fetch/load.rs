//! How much is downloaded at a time.
//!
//! Elsewhere: which submission goes next (`backlog`), what a download does (`attempt`).
//! Invariant: half of the places are kept for new filings, and a small one never waits for the
//! bytes of large ones.

use super::backlog::Job;

/// Most downloads at a time: more only wait for the request budget.
const DOWNLOADS_MAX: usize = 8;

/// Downloads of old ground at a time: the others are kept for new filings.
const REPAIRS_MAX: usize = DOWNLOADS_MAX / 2;

/// Bytes of downloads at a time; a larger one counts as a quarter of it.
const BYTES_MAX: u64 = 64 << 20;

/// Downloads up to this size never wait for larger ones.
const SMALL_BYTES: u64 = 1 << 20;

/// What is being downloaded.
#[derive(Debug, Default)]
pub(super) struct Load {
    downloads: usize,
    repairs: usize,
    bytes: u64,
}

impl Load {
    /// How many downloads there are.
    pub(super) fn len(&self) -> usize {
        self.downloads
    }

    /// Whether there is a place for another download.
    pub(super) fn has_place(&self) -> bool {
        self.downloads < DOWNLOADS_MAX
    }

    /// Whether this one may take it.
    pub(super) fn suits(&self, job: &Job) -> bool {
        let repairs_allowed = self.repairs < REPAIRS_MAX;
        let room = BYTES_MAX.saturating_sub(self.bytes);
        (repairs_allowed || !job.is_repair()) && (job.bytes() <= SMALL_BYTES || weight(job) <= room)
    }

    /// It begins.
    pub(super) fn begin(&mut self, job: &Job) {
        self.downloads += 1;
        self.repairs += usize::from(job.is_repair());
        self.bytes += weight(job);
    }

    /// It has ended.
    pub(super) fn end(&mut self, job: &Job) {
        self.downloads -= 1;
        self.repairs -= usize::from(job.is_repair());
        self.bytes -= weight(job);
    }
}

fn weight(job: &Job) -> u64 {
    job.bytes().min(BYTES_MAX / 4)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use protocol::{
        filing::{Filing, Source},
        seq::Seq,
    };

    use super::*;

    const MIB: u64 = 1 << 20;

    fn job(bytes: u64, late: bool) -> Job {
        let accession = "0001999999-26-000001".parse().unwrap();
        let seen_at = "2026-03-03T21:00:00Z".parse().unwrap();
        let filing = Filing::new(accession, "8-K".parse().unwrap(), Source::Atom, seen_at);
        let size_bytes = Some(bytes);
        Job::first(
            Seq::new(1),
            Filing {
                size_bytes,
                late,
                ..filing
            },
        )
    }

    fn load(jobs: &[&Job]) -> Load {
        let mut load = Load::default();
        jobs.iter().for_each(|job| load.begin(job));
        load
    }

    #[test]
    fn there_are_eight_places() {
        let new = job(1, false);

        assert!(load(&[&new; 7]).has_place());
        assert!(!load(&[&new; 8]).has_place());
        assert_eq!(load(&[&new; 8]).len(), 8);
    }

    #[test]
    fn old_ground_takes_half_of_the_places_and_new_filings_any() {
        let (old, new) = (job(1, true), job(1, false));

        assert!(load(&[&old, &old, &old, &new]).suits(&old));
        assert!(!load(&[&old; 4]).suits(&old));
        assert!(load(&[&old; 4]).suits(&new));
    }

    #[test]
    fn large_submissions_wait_for_each_other_and_small_ones_for_none() {
        let (large, small, little_more) =
            (job(100 * MIB, false), job(MIB, false), job(MIB + 1, false));

        assert!(load(&[&large; 3]).suits(&large), "a quarter each");
        assert!(!load(&[&large; 4]).suits(&large));
        assert!(!load(&[&large; 4]).suits(&little_more));
        assert!(load(&[&large; 4]).suits(&small));
        assert!(!load(&[&large, &large, &large, &job(16 * MIB, false)]).suits(&little_more));
        assert!(load(&[&large, &large, &large, &job(15 * MIB - 1, false)]).suits(&little_more));
    }

    #[test]
    fn what_has_ended_leaves_its_place() {
        let (old, large) = (job(1, true), job(15 * MIB, false));
        let mut load = load(&[&old, &old, &old, &old, &large, &large, &large, &large]);
        assert!(!load.has_place() && !load.suits(&old) && !load.suits(&large));

        load.end(&old);
        load.end(&large);

        assert!(load.has_place() && load.suits(&old) && load.suits(&large));
        assert_eq!(load.len(), 6);
        load.begin(&large);
        assert!(!load.suits(&large), "the others count on");
    }
}
