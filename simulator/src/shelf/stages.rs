//! How long after its release each part of a filing becomes public, and what goes wrong.
//!
//! Medians and spreads are those measured on the real EDGAR; one factor scales them.
//! Elsewhere: when a filing is released (`hours`).

use jiff::Timestamp;
use jiff::civil::{Date, time};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::clock::later;
use crate::config::{Config, Wish};
use crate::faults::{Fault, Faults};
use crate::hours;
use crate::random::{digest, happens, log_normal, stream};
use crate::world::Filing;

/// When each part of a filing becomes public.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stages {
    /// The index page: before it nothing is public.
    pub(crate) index: Timestamp,
    /// The submission.
    pub(crate) submission: Timestamp,
    /// The Atom feed; `None` is never.
    pub(crate) listed: Option<Timestamp>,
    /// The full-text search index; `None` is never.
    pub(crate) searchable: Option<Timestamp>,
    /// The day in whose daily index it stands.
    pub(crate) day: Date,
    /// Its rows are missing there until the next morning.
    pub(crate) is_row_late: bool,
    /// It is disseminated again, with other bytes.
    pub(crate) again: Option<Timestamp>,
    /// It is removed.
    pub(crate) withdrawn: Option<Timestamp>,
}

impl Stages {
    /// Makes everything public by `at` at the latest that is released by then.
    pub(super) fn complete_by(&mut self, at: Timestamp) {
        if self.index > at {
            return;
        }
        self.submission = self.submission.min(at);
        self.listed = self.listed.map(|listed| listed.min(at));
        self.searchable = self.searchable.map(|searchable| searchable.min(at));
    }
}

/// The knobs of the delays.
#[derive(Debug, Clone, Copy)]
pub(super) struct Delays {
    seed: u64,
    scale: f64,
    late_submission_share: f64,
    atom_miss_share: f64,
    late_share: f64,
}

impl Delays {
    pub(super) fn of(config: &Config) -> Self {
        Self {
            seed: config.seed,
            scale: config.delay_scale,
            late_submission_share: config.late_submission_share,
            atom_miss_share: config.atom_miss_share,
            late_share: config.late_share,
        }
    }

    /// The stages of a filing that is to be public from `released` on, and the faults that
    /// have happened to it with that.
    pub(super) fn draw(
        &self,
        filing: &Filing,
        released: Timestamp,
        wish: &Wish,
        faults: &Faults,
    ) -> (Stages, Vec<Fault>) {
        let mut mishaps = Mishaps {
            accession: &filing.accession,
            faults,
            met: Vec::new(),
        };
        let released = self.surfacing(released, wish, &mut mishaps);
        let mut stages = self.prompt(filing, released);
        if let Some(after) = wish.submission_after {
            stages.submission = later(released, after.as_secs_f64());
        }
        let misses = wish.atom_miss || self.happens("never listed", filing, self.atom_miss_share);
        if mishaps.meets(Fault::AtomMiss, misses) {
            stages.listed = None;
        }
        if mishaps.meets(Fault::EftsLag, false) {
            let lag = mishaps.rng(self.seed, "lag").random_range(2.0..8.0) * 3600.0;
            stages.searchable = stages.searchable.map(|at| later(at, lag));
        }
        if mishaps.meets(Fault::EftsMiss, wish.efts_miss) {
            stages.searchable = None;
        }
        stages.is_row_late = wish.index_row_late || mishaps.awaits(Fault::IndexRowLate);
        stages.again = self.again(&stages, wish, &mishaps);
        if mishaps.awaits(Fault::Withdraw) {
            let after = mishaps.rng(self.seed, "withdraw").random_range(1.0..4.0) * 86_400.0;
            stages.withdrawn = Some(later(released, after));
        }
        (stages, mishaps.met)
    }

    /// When nothing goes wrong.
    fn prompt(&self, filing: &Filing, released: Timestamp) -> Stages {
        let mut rng = stream(self.seed, "stages", digest(&filing.accession));
        let listed =
            13.0 + log_normal(&mut rng, 12.0, 0.6).min(47.0) + for_size(filing.submission_bytes);
        let early = (listed * rng.random_range(0.5..0.98)).clamp(11.0, 40.0);
        let late = listed + rng.random_range(3.0..20.0);
        let submission = match rng.random_bool(self.late_submission_share.clamp(0.0, 1.0)) {
            true => late,
            false => early,
        };
        let searchable = listed + rng.random_range(30.0..50.0);
        let after = |seconds: f64| later(released, seconds * self.scale);
        Stages {
            index: released,
            submission: after(submission),
            listed: Some(after(listed)),
            searchable: Some(after(searchable)),
            day: hours::day_of(released),
            is_row_late: false,
            again: None,
            withdrawn: None,
        }
    }

    /// `released`, or the working hours of a business day some days later.
    fn surfacing(&self, released: Timestamp, wish: &Wish, mishaps: &mut Mishaps<'_>) -> Timestamp {
        let drawn = happens(self.seed, "late", mishaps.accession, self.late_share);
        if !mishaps.meets(Fault::LateFiling, drawn || wish.late_days > 0) {
            return released;
        }
        let mut rng = mishaps.rng(self.seed, "late days");
        let days = match wish.late_days {
            0 => rng.random_range(1..=5),
            days => days,
        };
        let day = (0..days).fold(hours::day_of(released), |day, _| {
            hours::next_business_day(day)
        });
        let nine = hours::at(day, time(9, 0, 0, 0));
        later(nine, f64::from(rng.random_range(0..8 * 3600)))
    }

    /// When it is disseminated again: on one of the next two business days.
    fn again(&self, stages: &Stages, wish: &Wish, mishaps: &Mishaps<'_>) -> Option<Timestamp> {
        if let Some(after) = wish.again_after {
            return Some(later(stages.index, after.as_secs_f64()));
        }
        let mut rng = mishaps.rng(self.seed, "again");
        let days = rng.random_range(1..=2);
        let day = (0..days).fold(stages.day, |day, _| hours::next_business_day(day));
        let ten = hours::at(day, time(10, 0, 0, 0));
        let at = later(ten, f64::from(rng.random_range(0..4 * 3600)));
        mishaps.awaits(Fault::Redisseminate).then_some(at)
    }

    fn happens(&self, label: &str, filing: &Filing, share: f64) -> bool {
        happens(self.seed, label, &filing.accession, share)
    }
}

/// What goes wrong with one filing.
struct Mishaps<'a> {
    accession: &'a str,
    faults: &'a Faults,
    /// Faults that have happened by being drawn; the others happen when they are noticed.
    met: Vec<Fault>,
}

impl Mishaps<'_> {
    fn meets(&mut self, fault: Fault, is_wished: bool) -> bool {
        let meets = is_wished || self.awaits(fault);
        self.met.extend(meets.then_some(fault));
        meets
    }

    fn awaits(&self, fault: Fault) -> bool {
        self.faults.marks(fault, self.accession)
    }

    fn rng(&self, seed: u64, label: &str) -> ChaCha8Rng {
        stream(seed, label, digest(self.accession))
    }
}

/// Seconds by which a large submission is listed later.
fn for_size(bytes: u64) -> f64 {
    const TEN_MEGABYTES: f64 = 10e6;
    (bytes as f64 / TEN_MEGABYTES).max(1.0).log10() * 55.0
}
