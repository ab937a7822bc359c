//! What goes wrong: a plan of shares, and the seeded dice that follow it.
//!
//! Elsewhere: doing the damage (`feed`, `archives`, `answer`), writing it down (`ledger`).
//!
//! Invariant: a fault whose share is 0 never fires; one whose share is 1 always does.

use std::collections::{BTreeMap, HashSet};
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::random::{happens, stream};

/// One way in which an answer can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// The first request for an uploaded submission is answered 404.
    NotFoundFirst,
    /// HTTP 500.
    Error500,
    /// HTTP 503, an overloaded EDGAR.
    Error503,
    /// A submission or an index file ends before its announced length.
    Truncate,
    /// The body trickles.
    Slow,
    /// The connection is closed without an answer.
    Drop,
    /// HTTP 403 with the rate-threshold page, though the client did nothing wrong.
    BlockPage,
    /// The Atom document is not well formed.
    MalformedAtom,
    /// A filing is never listed on the Atom feed.
    AtomMiss,
    /// A filing's entries are on the Atom feed twice.
    Duplicate,
    /// The entries of a filing are torn apart at a page boundary.
    Straddle,
    /// The Atom feed answers in good order, but its list is that of the moment at which the
    /// fault began. The time at its head moves on.
    FrozenFeed,
    /// The search index answers as it did at the moment at which the fault began.
    FrozenSearch,
    /// A filing is found by the search hours after it is listed.
    EftsLag,
    /// A filing is never found by the search.
    EftsMiss,
    /// A filing surfaces one to five business days after its filing date.
    LateFiling,
    /// A filing is removed some days after it was public; the quarter's index drops it at the
    /// next rebuild, the daily index keeps it.
    Withdraw,
    /// A filing is disseminated again some days later: with other bytes, and listed in that
    /// day's index too.
    Redisseminate,
    /// The index of a day is out an hour late.
    IndexLate,
    /// The rows of a filing are missing in its day's index until the next morning.
    IndexRowLate,
    /// An index file is cut in the middle of a row, though as long as announced.
    IndexTruncate,
    /// An index file is damaged: rows of rubbish, or the header of another day.
    IndexGarble,
    /// A day's index file ends behind its header, though as long as announced.
    IndexEmpty,
}

impl Fault {
    /// Every fault there is.
    pub const ALL: [Self; 23] = [
        Self::NotFoundFirst,
        Self::Error500,
        Self::Error503,
        Self::Truncate,
        Self::Slow,
        Self::Drop,
        Self::BlockPage,
        Self::MalformedAtom,
        Self::AtomMiss,
        Self::Duplicate,
        Self::Straddle,
        Self::FrozenFeed,
        Self::FrozenSearch,
        Self::EftsLag,
        Self::EftsMiss,
        Self::LateFiling,
        Self::Withdraw,
        Self::Redisseminate,
        Self::IndexLate,
        Self::IndexRowLate,
        Self::IndexTruncate,
        Self::IndexGarble,
        Self::IndexEmpty,
    ];

    /// Its name in a plan.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotFoundFirst => "404-first",
            Self::Error500 => "500",
            Self::Error503 => "503",
            Self::Truncate => "truncate",
            Self::Slow => "slow",
            Self::Drop => "drop",
            Self::BlockPage => "block-page",
            Self::MalformedAtom => "malformed-atom",
            Self::AtomMiss => "atom-miss",
            Self::Duplicate => "duplicate",
            Self::Straddle => "straddle",
            Self::FrozenFeed => "frozen-feed",
            Self::FrozenSearch => "frozen-search",
            Self::EftsLag => "efts-lag",
            Self::EftsMiss => "efts-miss",
            Self::LateFiling => "late-filing",
            Self::Withdraw => "withdraw",
            Self::Redisseminate => "redisseminate",
            Self::IndexLate => "index-late",
            Self::IndexRowLate => "index-row-late",
            Self::IndexTruncate => "index-truncate",
            Self::IndexGarble => "index-garble",
            Self::IndexEmpty => "index-empty",
        }
    }
}

/// Which faults fire, and how often.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FaultPlan {
    shares: BTreeMap<Fault, f64>,
}

/// Why a text is not a fault plan.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum FaultPlanError {
    /// No fault has that name.
    #[error("unknown fault `{name}`; known are {}", known())]
    Unknown {
        /// What was written.
        name: String,
    },
    /// Not `fault:share` with a share from 0 to 1.
    #[error(
        "`{part}` is not `fault:share` with a share from 0 to 1; known faults are {}",
        known()
    )]
    Share {
        /// What was written.
        part: String,
    },
}

impl FaultPlan {
    /// The plan in which, besides, `fault` fires with probability `share` (0 to 1).
    #[must_use]
    pub fn with(mut self, fault: Fault, share: f64) -> Self {
        self.shares.insert(fault, share.clamp(0.0, 1.0));
        self
    }

    /// How often `fault` fires, from 0 to 1.
    pub fn share(&self, fault: Fault) -> f64 {
        self.shares.get(&fault).copied().unwrap_or(0.0)
    }
}

impl FromStr for FaultPlan {
    type Err = FaultPlanError;

    /// Parses `404-first:0.2,500:0.01`; the empty text is the plan without faults.
    fn from_str(text: &str) -> Result<Self, FaultPlanError> {
        let mut plan = Self::default();
        for part in text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            let bad = || FaultPlanError::Share {
                part: part.to_owned(),
            };
            let (name, share) = part.split_once(':').ok_or_else(bad)?;
            let (name, share) = (name.trim(), share.trim());
            let fault = Fault::ALL.into_iter().find(|fault| fault.name() == name);
            let fault = fault.ok_or_else(|| FaultPlanError::Unknown {
                name: name.to_owned(),
            })?;
            let share: f64 = share.parse().map_err(|_| bad())?;
            if !(0.0..=1.0).contains(&share) {
                return Err(bad());
            }
            plan = plan.with(fault, share);
        }
        Ok(plan)
    }
}

fn known() -> String {
    Fault::ALL.map(Fault::name).join(", ")
}

/// The dice.
#[derive(Debug)]
pub(crate) struct Faults {
    seed: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    plan: FaultPlan,
    rng: ChaCha8Rng,
    struck: HashSet<(Fault, String)>,
    /// Since when things stand still that do.
    frozen: BTreeMap<Fault, Timestamp>,
}

impl Faults {
    pub(crate) fn new(seed: u64, plan: FaultPlan) -> Self {
        let state = State {
            plan,
            rng: stream(seed, "faults", 0),
            struck: HashSet::new(),
            frozen: BTreeMap::new(),
        };
        Self {
            seed,
            state: Mutex::new(state),
        }
    }

    /// From now on follows `plan`.
    pub(crate) fn set(&self, plan: FaultPlan) {
        let mut state = self.lock();
        state.frozen.retain(|fault, _| plan.share(*fault) > 0.0);
        state.plan = plan;
    }

    /// Throws the dice for an answer that may be from a server that stands still; since when
    /// it does. Such a server stands still from the first answer it is asked for.
    pub(crate) fn stands_still(&self, fault: Fault, now: Timestamp) -> Option<Timestamp> {
        if self.share(fault) == 0.0 {
            return None;
        }
        let since = *self.lock().frozen.entry(fault).or_insert(now);
        self.strikes(fault).then_some(since)
    }

    pub(crate) fn share(&self, fault: Fault) -> f64 {
        self.lock().plan.share(fault)
    }

    /// Throws the dice for one request.
    pub(crate) fn strikes(&self, fault: Fault) -> bool {
        let mut state = self.lock();
        let share = state.plan.share(fault);
        share > 0.0 && state.rng.random::<f64>() < share
    }

    /// One of `ways` ways to do the damage, from 0.
    pub(crate) fn way(&self, ways: usize) -> usize {
        self.lock().rng.random_range(0..ways)
    }

    /// Whether `fault` belongs to `thing`: the same answer each time.
    pub(crate) fn marks(&self, fault: Fault, thing: &str) -> bool {
        happens(self.seed, fault.name(), thing, self.share(fault))
    }

    /// Whether `fault` is noted for `thing` for the first time.
    pub(crate) fn first(&self, fault: Fault, thing: &str) -> bool {
        self.lock().struck.insert((fault, thing.to_owned()))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_parsed_from_its_compact_form() {
        let plan: FaultPlan = "404-first:0.2, 500:0.01,straddle:1".parse().unwrap();

        assert_eq!(plan.share(Fault::NotFoundFirst), 0.2);
        assert_eq!(plan.share(Fault::Error500), 0.01);
        assert_eq!(plan.share(Fault::Straddle), 1.0);
        assert_eq!(plan.share(Fault::Drop), 0.0);
    }

    #[test]
    fn the_empty_plan_has_no_faults() {
        assert_eq!("".parse(), Ok(FaultPlan::default()));
    }

    #[test]
    fn an_unknown_fault_is_named_with_the_known_ones() {
        let error = "404first:0.2".parse::<FaultPlan>().unwrap_err().to_string();

        assert!(error.contains("`404first`"), "{error}");
        assert!(
            Fault::ALL.iter().all(|fault| error.contains(fault.name())),
            "{error}"
        );
    }

    #[test]
    fn a_bad_share_is_named() {
        for plan in ["slow:1.5", "slow:-0.1", "slow:often", "slow", "slow:NaN"] {
            let error = plan.parse::<FaultPlan>().unwrap_err();

            assert_eq!(
                error,
                FaultPlanError::Share {
                    part: plan.to_owned()
                }
            );
        }
    }

    #[test]
    fn what_stands_still_does_so_until_the_plan_changes() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (first, later) = (at("2026-03-03T20:00:00Z"), at("2026-03-03T20:05:00Z"));
        let plan = || FaultPlan::default().with(Fault::FrozenFeed, 1.0);
        let faults = Faults::new(1, plan());
        let since = |now| faults.stands_still(Fault::FrozenFeed, now);

        assert_eq!((since(first), since(later)), (Some(first), Some(first)));
        assert_eq!(faults.stands_still(Fault::FrozenSearch, later), None);

        faults.set(FaultPlan::default());
        assert_eq!(since(later), None);
        faults.set(plan());
        assert_eq!(since(later), Some(later));
    }

    #[test]
    fn shares_decide_how_often_a_fault_strikes() {
        let faults = Faults::new(1, FaultPlan::default().with(Fault::Slow, 0.25));

        let struck = (0..2000).filter(|_| faults.strikes(Fault::Slow)).count();

        assert!((400..600).contains(&struck), "{struck} of 2000");
        assert!(!(0..2000).any(|_| faults.strikes(Fault::Drop)));
    }
}
