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

use jiff::SignedDuration;
use protocol::{
    accession::Accession,
    filing::{Filing, Source},
    seq::Seq,
};

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

/// New before old ground, untried before tried, small before large, late before early.
type Rank = (bool, bool, u32, Reverse<Seq>);

/// Seen this soon after its acceptance, a filing is new; later it is old ground, as in the
/// walk of a first start.
const NEW: SignedDuration = SignedDuration::from_mins(15);

/// Attempts in which a submission is expected any moment.
const PROMPT: u32 = 3;

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
    /// One that was not tried yet.
    pub(crate) fn first(seq: Seq, filing: Filing) -> Self {
        Self {
            seq,
            filing,
            attempts: 0,
            unfinished_sha256: None,
        }
    }

    /// The same after `attempts`, of which the last may have given an answer that was cut.
    pub(crate) fn tried(self, attempts: u32, unfinished_sha256: Option<String>) -> Self {
        Self {
            attempts,
            unfinished_sha256: unfinished_sha256.or(self.unfinished_sha256),
            ..self
        }
    }

    /// Bytes it is expected to have.
    pub(crate) fn bytes(&self) -> u64 {
        self.filing.size_bytes.unwrap_or(UNKNOWN_BYTES)
    }

    /// Old ground, and what stays away, must not keep new filings or the search index from
    /// being read.
    pub(crate) fn is_repair(&self) -> bool {
        let since = |accepted_at| self.filing.seen_at.duration_since(accepted_at);
        let is_old = |accepted_at| since(accepted_at) >= NEW;
        let is_past = self.filing.late || self.filing.source == Source::Backfill;
        is_past || self.attempts > PROMPT || self.filing.accepted_at.is_some_and(is_old)
    }

    fn rank(&self) -> Rank {
        let size = self.bytes().max(1).ilog2() / 2;
        (self.is_repair(), self.attempts > 0, size, Reverse(self.seq))
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
        self.parked(seq, filing.accession);
        self.lost(seq, filing);
    }

    /// A `filing.seen` was read from the log, and its submission is on our disk.
    pub(crate) fn parked(&mut self, seq: Seq, accession: Accession) {
        self.read_through = seq;
        self.unfinished.insert(seq);
        self.by_accession.insert(accession, seq);
    }

    /// An unfinished filing's submission is not on our disk: it is to be downloaded.
    pub(crate) fn lost(&mut self, seq: Seq, filing: Filing) {
        let job = Job::first(seq, filing);
        self.ready.insert(job.rank(), job);
    }

    /// Whether the filing, seen at `seq`, is unfinished.
    pub(crate) fn is_waiting_for(&self, accession: Accession, seq: Seq) -> bool {
        self.by_accession.get(&accession) == Some(&seq)
    }

    /// Whether the filing is unfinished.
    pub(crate) fn holds(&self, accession: Accession) -> bool {
        self.by_accession.contains_key(&accession)
    }

    /// A `filing.archived` was read from the log.
    pub(crate) fn archived(&mut self, seq: Seq, accession: Accession) {
        self.read_through = seq;
        if let Some(seen) = self.by_accession.get(&accession).copied() {
            self.finish(seen, accession);
        }
    }

    /// Another event was read from the log.
    pub(crate) fn passed(&mut self, seq: Seq) {
        self.read_through = seq;
    }

    /// The filing is done with: archived, or given up.
    pub(crate) fn finish(&mut self, seen: Seq, accession: Accession) {
        // Its job, if there is one, is dropped when its turn comes.
        self.unfinished.remove(&seen);
        self.by_accession.remove(&accession);
    }

    /// The job waits until `when`.
    pub(crate) fn wait(&mut self, job: Job, when: Instant) {
        self.waiting.insert((when, job.seq), job);
    }

    /// Makes those ready again whose time has come.
    pub(crate) fn wake(&mut self, now: Instant) {
        while let Some(entry) = self.waiting.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let job = entry.remove();
            self.ready.insert(job.rank(), job);
        }
    }

    /// Takes the first ready job that `suits`.
    pub(crate) fn take(&mut self, suits: impl Fn(&Job) -> bool) -> Option<Job> {
        let unfinished = &self.unfinished;
        let is_over = |job: &Job| !unfinished.contains(&job.seq);
        while self
            .ready
            .first_entry()
            .is_some_and(|entry| is_over(entry.get()))
        {
            self.ready.pop_first();
        }
        let found = self
            .ready
            .iter()
            .find(|(_, job)| !is_over(job) && suits(job));
        let rank = found.map(|(rank, _)| *rank)?;
        self.ready.remove(&rank)
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
        std::iter::from_fn(|| backlog.take(|_| true).map(|job| job.seq.get())).collect()
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
        let late = backlog.take(|_| true).unwrap();
        backlog.wait(
            Job {
                attempts: 1,
                ..late
            },
            now + Duration::from_secs(60),
        );
        backlog.seen(Seq::new(2), filing(2, 1_000_000));

        backlog.wake(now);

        assert_eq!(backlog.wakes_at(), Some(now + Duration::from_secs(60)));
        assert_eq!(order(&mut backlog), [2]);
        assert_eq!(backlog.watermark(), Seq::ZERO);
    }

    #[test]
    fn what_was_tried_comes_after_what_was_not() {
        let now = Instant::now();
        let mut backlog = backlog(&[10, 1_000_000]);
        let small = backlog.take(|_| true).unwrap();
        backlog.wait(
            Job {
                attempts: 1,
                ..small
            },
            now,
        );

        backlog.wake(now);

        assert_eq!(order(&mut backlog), [2, 1]);
        assert_eq!(backlog.wakes_at(), None);
    }

    #[test]
    fn a_new_filing_that_was_tried_comes_before_old_ground() {
        let now = Instant::now();
        let mut backlog = backlog(&[10]);
        let new = backlog.take(|_| true).unwrap();
        let old = Filing {
            accepted_at: Some("2026-03-03T12:00:00Z".parse().unwrap()),
            ..filing(2, 1)
        };
        backlog.seen(Seq::new(2), old);
        backlog.wait(Job { attempts: 1, ..new }, now);

        backlog.wake(now);

        assert_eq!(order(&mut backlog), [1, 2]);
    }

    #[test]
    fn what_does_not_suit_holds_up_nothing_that_does() {
        let mut backlog = backlog(&[10, 300_000_000]);

        let large = backlog.take(|job| job.bytes() > 1_000).unwrap();

        assert_eq!(large.seq, Seq::new(2));
        assert_eq!(order(&mut backlog), [1]);
    }

    #[test]
    fn sizes_are_alike_up_to_four_times_and_beyond_that_the_smaller_comes_first() {
        assert_eq!(order(&mut backlog(&[4_096, 16_383])), [2, 1]);
        assert_eq!(order(&mut backlog(&[4_096, 16_384])), [1, 2]);
        assert_eq!(order(&mut backlog(&[0, 1])), [2, 1]);
    }

    #[test]
    fn old_ground_and_what_stays_away_is_repair_and_what_is_new_is_not() {
        let accepted = |minutes: i64| {
            let seen_at = filing(1, 1).seen_at;
            let accepted_at = seen_at.checked_sub(SignedDuration::from_mins(minutes));
            Job::first(
                Seq::new(1),
                Filing {
                    accepted_at: accepted_at.ok(),
                    ..filing(1, 1)
                },
            )
        };
        let of_filing = |filing| Job::first(Seq::new(1), filing);
        let tried = |attempts| of_filing(filing(1, 1)).tried(attempts, None);
        let late = Filing {
            late: true,
            ..filing(1, 1)
        };
        let backfilled = Filing {
            source: Source::Backfill,
            ..filing(1, 1)
        };

        for job in [accepted(14), tried(0), tried(PROMPT)] {
            assert!(!job.is_repair(), "{job:?}");
        }
        for job in [
            accepted(15),
            tried(PROMPT + 1),
            of_filing(late),
            of_filing(backfilled),
        ] {
            assert!(job.is_repair(), "{job:?}");
        }
    }

    #[test]
    fn an_answer_that_was_cut_is_remembered_over_attempts_without_any() {
        let job = Job::first(Seq::new(1), filing(1, 1));
        let cut = job.tried(1, Some("ab".to_owned()));

        let without = cut.clone().tried(2, None);
        let other = cut.tried(2, Some("cd".to_owned()));

        assert_eq!(without.attempts, 2);
        assert_eq!(without.unfinished_sha256.as_deref(), Some("ab"));
        assert_eq!(other.unfinished_sha256.as_deref(), Some("cd"));
    }

    #[test]
    fn what_is_finished_is_not_given_out_though_its_job_is_still_there() {
        let mut backlog = backlog(&[10, 1_000_000, 50_000_000]);
        backlog.finish(Seq::new(2), filing(2, 1).accession);

        let large = backlog.take(|job| job.bytes() > 1_000);

        assert_eq!(large.map(|job| job.seq), Some(Seq::new(3)));
        assert_eq!(order(&mut backlog), [1]);
    }

    #[test]
    fn a_filing_is_held_and_waited_for_at_its_own_seq_until_it_is_finished() {
        let mut backlog = backlog(&[1, 1]);
        let [one, two, three] = [1, 2, 3].map(|serial| filing(serial, 1).accession);
        assert!(backlog.holds(one) && backlog.is_waiting_for(two, Seq::new(2)));
        assert!(!backlog.is_waiting_for(two, Seq::new(1)) && !backlog.holds(three));
        assert_eq!(backlog.len(), 2);

        backlog.archived(Seq::new(3), two);

        assert!(backlog.holds(one) && !backlog.holds(two));
        assert_eq!(backlog.len(), 1);
    }

    #[test]
    fn events_of_other_kinds_move_the_watermark_while_nothing_is_unfinished() {
        let mut backlog = Backlog::after(Seq::new(7));
        assert_eq!(backlog.watermark(), Seq::new(7));

        backlog.passed(Seq::new(8));
        assert_eq!(backlog.watermark(), Seq::new(8));
        backlog.archived(Seq::new(9), filing(1, 1).accession);

        assert_eq!(backlog.watermark(), Seq::new(9));
    }

    #[test]
    fn what_was_parked_and_is_lost_is_downloaded() {
        let mut backlog = Backlog::default();
        backlog.parked(Seq::new(1), filing(1, 1).accession);
        assert_eq!(order(&mut backlog), [0; 0]);

        backlog.lost(Seq::new(1), filing(1, 1));

        assert_eq!(order(&mut backlog), [1]);
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
        assert_eq!((backlog.len(), order(&mut backlog).len()), (0, 0));
    }
}
