//! What a simulated EDGAR is asked to be, checked when it starts.
//!
//! The defaults are those of the demo: one filing a second, everything twenty-five
//! times as prompt as the real EDGAR, and no faults.

use std::time::Duration;

use jiff::Timestamp;

use crate::clock::{Clock, Plan};
use crate::faults::FaultPlan;

/// A simulated EDGAR. All durations are simulated time unless they say otherwise.
#[derive(Debug, Clone)]
pub struct Config {
    /// Decides filers, filings, delays and faults. Default 42.
    pub seed: u64,
    /// Filings accepted per second on average, as a Poisson process. Default 1.
    pub rate: f64,
    /// Filings already public at the start. Default 150.
    pub history: usize,
    /// Mean gap between filings of the history; `None` follows `rate`. Default `None`.
    pub history_gap: Option<Duration>,
    /// Filings at given offsets from the start, besides the random ones. Default none.
    pub arrivals: Vec<Arrival>,
    /// Factor on EDGAR's delays from acceptance to upload, listing and search.
    /// Default 0.04, so that things move; 1 is the real EDGAR, 0 is at once.
    pub delay_scale: f64,
    /// The share of submissions uploaded only after the filing is listed. Default 0.1.
    pub late_submission_share: f64,
    /// The share of filings never listed on the Atom feed. Default 0.
    pub atom_miss_share: f64,
    /// The share of filings that surface one to five business days after their filing date,
    /// such as those on paper. Default 0; on the real EDGAR 0.006.
    pub late_share: f64,
    /// Whether EDGAR keeps its hours: filings arrive from 06:00 to 22:00 Eastern on business
    /// days, most of them after 16:00; those of the evening are held back until the next
    /// morning, and notices of effectiveness are accepted at night. Default false: at any
    /// hour, and public as they are accepted.
    pub keeps_hours: bool,
    /// Factor on the real sizes of long submissions. Default 0.1.
    pub size_factor: f64,
    /// Upper bound of drawn submission sizes, in bytes. Default 2 MB.
    pub max_submission_bytes: u64,
    /// How far back the Atom feed reaches. Default 25 h 30 min, as measured.
    pub feed_retention: Duration,
    /// Filings remembered; older ones are forgotten. Default 100,000.
    pub keep_filings: usize,
    /// What goes wrong. Default nothing.
    pub faults: FaultPlan,
    /// Real time a slow body takes. Default 2 s.
    pub slow_body: Duration,
    /// Requests allowed in one [`Config::police_window`]. Default 10, the SEC's limit.
    pub max_requests_per_second: usize,
    /// Real length of the window in which requests are counted. Default 1 s.
    pub police_window: Duration,
    /// Real time a client is shut out. Default 600 s; prolonged while it goes on asking.
    pub block_duration: Duration,
    /// The simulated time at the start; `None` is now. Default `None`.
    pub clock_start: Option<Timestamp>,
    /// Simulated seconds per real second. Default 1.
    pub clock_speed: f64,
    /// Instead of a steady speed: which stretches of each day the clock runs through.
    /// Default `None`.
    pub clock_plan: Option<Plan>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 42,
            rate: 1.0,
            history: 150,
            history_gap: None,
            arrivals: Vec::new(),
            delay_scale: 0.04,
            late_submission_share: 0.1,
            atom_miss_share: 0.0,
            late_share: 0.0,
            keeps_hours: false,
            size_factor: 0.1,
            max_submission_bytes: 2_000_000,
            feed_retention: Duration::from_secs(91_800),
            keep_filings: 100_000,
            faults: FaultPlan::default(),
            slow_body: Duration::from_secs(2),
            max_requests_per_second: 10,
            police_window: Duration::from_secs(1),
            block_duration: Duration::from_secs(600),
            clock_start: None,
            clock_speed: 1.0,
            clock_plan: None,
        }
    }
}

impl Config {
    /// A quiet EDGAR for tests: nothing is filed unless asked for, everything is public
    /// at once, submissions are small, and a block lasts a second.
    pub fn quiet() -> Self {
        Self {
            rate: 0.0,
            history: 0,
            delay_scale: 0.0,
            late_submission_share: 0.0,
            max_submission_bytes: 20_000,
            block_duration: Duration::from_secs(1),
            ..Self::default()
        }
    }

    /// A clock that is started now.
    pub(crate) fn clock(&self) -> Clock {
        let start = self.clock_start.unwrap_or_else(Timestamp::now);
        match &self.clock_plan {
            Some(plan) => Clock::planned(start, plan.clone()),
            None => Clock::new(start, self.clock_speed),
        }
    }
}

/// A filing with wishes; everything not wished for is drawn.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// The form, `8-K`.
    pub form: Option<String>,
    /// Exact bytes of the submission; not below what header and titles need.
    pub submission_bytes: Option<u64>,
    /// When the submission is uploaded, counted from acceptance and not scaled.
    pub submission_after: Option<Duration>,
    /// Never list it on the Atom feed.
    pub atom_miss: bool,
    /// Never find it in the search.
    pub efts_miss: bool,
    /// Business days after its filing date on which it surfaces.
    pub late_days: u8,
    /// Leave its rows out of the daily index until the next morning.
    pub index_row_late: bool,
    /// When it is disseminated again with other bytes, counted from when it was public first.
    pub again_after: Option<Duration>,
}

/// A filing at a given time.
#[derive(Debug, Clone, Default)]
pub struct Arrival {
    /// Acceptance, counted from the start.
    pub offset: Duration,
    /// What is filed.
    pub wish: Wish,
}

/// A form that the simulated world does not file.
#[derive(Debug, thiserror::Error)]
#[error("the simulated EDGAR files no form `{0}`")]
pub struct UnknownForm(pub String);
