//! How long after acceptance each part of a filing becomes public.
//!
//! Medians and spreads are those measured on the real EDGAR; one factor scales them.

use jiff::Timestamp;
use rand::Rng;

use crate::clock::later;
use crate::config::Config;
use crate::random::{digest, happens, log_normal, stream};
use crate::world::Filing;

/// When each part of a filing becomes public.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stages {
    /// The index page: at acceptance.
    pub(crate) index: Timestamp,
    /// The submission.
    pub(crate) submission: Timestamp,
    /// The Atom feed; `None` is never.
    pub(crate) listed: Option<Timestamp>,
    /// The full-text search index.
    pub(crate) searchable: Timestamp,
}

impl Stages {
    /// Makes everything public by `at` at the latest.
    pub(super) fn complete_by(&mut self, at: Timestamp) {
        self.submission = self.submission.min(at);
        self.listed = self.listed.map(|listed| listed.min(at));
        self.searchable = self.searchable.min(at);
    }
}

/// The knobs of the delays.
#[derive(Debug, Clone, Copy)]
pub(super) struct Delays {
    scale: f64,
    late_share: f64,
    miss_share: f64,
}

impl Delays {
    pub(super) fn of(config: &Config) -> Self {
        Self {
            scale: config.delay_scale,
            late_share: config.late_submission_share,
            miss_share: config.atom_miss_share,
        }
    }

    /// The stages of a filing accepted at `at`.
    pub(super) fn draw(&self, seed: u64, filing: &Filing, at: Timestamp) -> Stages {
        let mut rng = stream(seed, "stages", digest(&filing.accession));
        let listed =
            13.0 + log_normal(&mut rng, 12.0, 0.6).min(47.0) + for_size(filing.submission_bytes);
        let early = (listed * rng.random_range(0.5..0.98)).clamp(11.0, 40.0);
        let late = listed + rng.random_range(3.0..20.0);
        let submission = if rng.random_bool(self.late_share.clamp(0.0, 1.0)) {
            late
        } else {
            early
        };
        let searchable = listed + rng.random_range(30.0..50.0);
        let after = |seconds: f64| later(at, seconds * self.scale);
        Stages {
            index: at,
            submission: after(submission),
            listed: Some(after(listed)),
            searchable: after(searchable),
        }
    }

    /// Whether the feed never lists `filing`.
    pub(super) fn misses(&self, seed: u64, filing: &Filing) -> bool {
        happens(seed, "never listed", &filing.accession, self.miss_share)
    }
}

/// Seconds by which a large submission is listed later.
fn for_size(bytes: u64) -> f64 {
    const TEN_MEGABYTES: f64 = 10e6;
    (bytes as f64 / TEN_MEGABYTES).max(1.0).log10() * 55.0
}
