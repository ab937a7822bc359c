//! Which submission to fetch next, and how far we have come.
//!
//! Filings enter as `filing.seen` and leave as `filing.archived`, both read from the log,
//! so a restart needs nothing but the watermark. A filing that is not uploaded yet waits
//! in the retry set and delays no other.
//!
//! Invariant: the watermark is just below the lowest unfinished seq.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Instant,
};

use protocol::{accession::Accession, filing::Filing, seq::Seq};

/// Assumed for a filing whose size no source tells: nine in ten are smaller than three.
const UNKNOWN_BYTES: u64 = 1 << 20;

/// One filing whose submission is to be archived.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    /// Its `filing.seen`.
    pub(crate) seq: Seq,
    /// What that event says.
    pub(crate) filing: Filing,
    /// How often it was tried.
    pub(crate) attempts: u32,
    /// SHA-256 of an earlier answer that did not end as a submission should.
    pub(crate) unfinished_sha256: Option<String>,
}

/// Untried before tried, small before large, new before old.
type Rank = (bool, u32, Reverse<Seq>);

/// All filings that are seen and not archived.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    ready: BTreeMap<Rank, Job>,
    waiting: BTreeMap<(Instant, Seq), Job>,
    unfinished: BTreeSet<Seq>,
    by_accession: HashMap<Accession, Seq>,
    read_through: Seq,
}

impl Job {
    /// Bytes it is expected to have.
    pub(crate) fn bytes(&self) -> u64 {
        self.filing.size_bytes.unwrap_or(UNKNOWN_BYTES)
    }

    fn rank(&self) -> Rank {
        (
            self.attempts > 0,
            self.bytes().max(1).ilog2() / 2,
            Reverse(self.seq),
        )
    }
}

impl Backlog {
    /// A backlog that has handled everything up to `watermark`.
    pub(crate) fn after(watermark: Seq) -> Self {
        Self {
            read_through: watermark,
            ..Self::default()
        }
    }

    /// A `filing.seen` was read from the log.
    pub(crate) fn seen(&mut self, seq: Seq, filing: Filing) {
        self.read_through = seq;
        self.unfinished.insert(seq);
        self.by_accession.insert(filing.accession, seq);
        let job = Job {
            seq,
            filing,
            attempts: 0,
            unfinished_sha256: None,
        };
        self.ready.insert(job.rank(), job);
    }

    /// A `filing.archived` was read from the log.
    pub(crate) fn archived(&mut self, seq: Seq, accession: Accession) {
        self.read_through = seq;
        if let Some(seen) = self.by_accession.get(&accession).copied() {
            self.finish(seen, accession);
        }
    }

    /// The filing is done with: archived, or given up.
    pub(crate) fn finish(&mut self, seen: Seq, accession: Accession) {
        self.unfinished.remove(&seen);
        self.by_accession.remove(&accession);
        self.ready.retain(|_, job| job.seq != seen);
        self.waiting.retain(|_, job| job.seq != seen);
    }

    /// The job waits until `when`.
    pub(crate) fn wait(&mut self, job: Job, when: Instant) {
        self.waiting.insert((when, job.seq), job);
    }

    /// The next job, once those whose time has come are ready again.
    pub(crate) fn next(&mut self, now: Instant) -> Option<&Job> {
        while let Some(entry) = self.waiting.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let job = entry.remove();
            self.ready.insert(job.rank(), job);
        }
        self.ready.values().next()
    }

    /// Takes the job that [`Self::next`] showed.
    pub(crate) fn take(&mut self) -> Option<Job> {
        self.ready.pop_first().map(|(_, job)| job)
    }

    /// When the next waiting job's time comes.
    pub(crate) fn wakes_at(&self) -> Option<Instant> {
        self.waiting.keys().next().map(|(when, _)| *when)
    }

    /// Everything up to here is finished.
    pub(crate) fn watermark(&self) -> Seq {
        self.unfinished
            .first()
            .map_or(self.read_through, |lowest| lowest.prev())
    }

    /// How many filings are unfinished.
    pub(crate) fn len(&self) -> usize {
        self.unfinished.len()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::time::Duration;

    use protocol::filing::Source;

    use super::*;

    fn filing(serial: u32, size_bytes: u64) -> Filing {
        let accession = format!("0001999999-26-{serial:06}").parse().unwrap();
        let seen_at = "2026-03-03T21:00:00Z".parse().unwrap();
        let filing = Filing::new(accession, "8-K".parse().unwrap(), Source::Atom, seen_at);
        Filing {
            size_bytes: Some(size_bytes),
            ..filing
        }
    }

    fn backlog(sizes: &[u64]) -> Backlog {
        let mut backlog = Backlog::default();
        for (index, size) in sizes.iter().enumerate() {
            backlog.seen(Seq::new(index as u64 + 1), filing(index as u32 + 1, *size));
        }
        backlog
    }

    fn order(backlog: &mut Backlog) -> Vec<u64> {
        std::iter::from_fn(|| backlog.take().map(|job| job.seq.get())).collect()
    }

    #[test]
    fn small_filings_come_first_and_of_like_size_the_newest() {
        let mut backlog = backlog(&[300_000_000, 6_000, 5_000_000, 6_100]);

        assert_eq!(order(&mut backlog), [4, 2, 3, 1]);
    }

    #[test]
    fn late_document_does_not_block_later_filings() {
        let now = Instant::now();
        let mut backlog = backlog(&[10]);
        let late = backlog.take().unwrap();
        backlog.wait(
            Job {
                attempts: 1,
                ..late
            },
            now + Duration::from_secs(60),
        );
        backlog.seen(Seq::new(2), filing(2, 1_000_000));

        assert_eq!(backlog.next(now).unwrap().seq, Seq::new(2));
        assert_eq!(backlog.wakes_at(), Some(now + Duration::from_secs(60)));
        assert_eq!(backlog.watermark(), Seq::ZERO);
    }

    #[test]
    fn what_was_tried_comes_after_what_was_not() {
        let now = Instant::now();
        let mut backlog = backlog(&[10, 1_000_000]);
        let small = backlog.take().unwrap();
        backlog.wait(
            Job {
                attempts: 1,
                ..small
            },
            now,
        );

        backlog.next(now);

        assert_eq!(order(&mut backlog), [2, 1]);
    }

    #[test]
    fn the_watermark_stays_below_the_lowest_unfinished() {
        let mut backlog = backlog(&[1, 1, 1]);

        backlog.archived(Seq::new(4), filing(2, 1).accession);
        assert_eq!(backlog.watermark(), Seq::ZERO);
        backlog.archived(Seq::new(5), filing(1, 1).accession);
        assert_eq!(backlog.watermark(), Seq::new(2));
        backlog.archived(Seq::new(6), filing(3, 1).accession);
        assert_eq!(backlog.watermark(), Seq::new(6));
        assert_eq!(
            (backlog.len(), backlog.next(Instant::now()).is_none()),
            (0, true)
        );
    }
}
