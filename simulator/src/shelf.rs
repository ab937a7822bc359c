//! Everything published, and when each part of it is public.
//!
//! Nothing here runs by itself: whoever looks at the shelf first makes the filings
//! that are due by the clock. What a request sees is a function of the clock alone.
//! Elsewhere: making a filing (`world`), what the index files list (`listing`), showing it
//! (`feed`, `efts`, `archives`, `index`).
//!
//! Invariant: filings are kept by rising acceptance; a filing's times never change, but that
//! it can be withdrawn by hand.

mod listing;
mod stages;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use jiff::Timestamp;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

pub(crate) use listing::{Listing, Quarter};
pub(crate) use stages::Stages;

use crate::clock::{Clock, later, whole_second};
use crate::config::{Config, UnknownForm, Wish};
use crate::faults::Faults;
use crate::hours::{self, Dates};
use crate::ledger::Log;
use crate::random::{exponential, stream};
use crate::submission::Submission;
use crate::world::{Filer, Filing, FormRule, Order, Scale, World, rule};

/// A filing with its times.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) filing: Filing,
    pub(crate) stages: Stages,
    /// The rendered Atom entries; made once by `feed`.
    pub(crate) entries: OnceLock<Vec<Bytes>>,
    sha256: OnceLock<String>,
    revised_sha256: OnceLock<String>,
    withdrawn_by_hand: OnceLock<Timestamp>,
}

impl Published {
    /// The SHA-256 of the submission, made when first asked for.
    pub(crate) fn sha256(&self) -> &str {
        self.sha256
            .get_or_init(|| Submission::of(&self.filing).sha256())
    }

    /// The same of what is disseminated again, if it is.
    pub(crate) fn revised_sha256(&self) -> Option<&str> {
        let again = self.stages.again?;
        let sha256 = || Submission::of(&self.revised(again)).sha256();
        Some(self.revised_sha256.get_or_init(sha256))
    }

    /// The filing as its submission tells it at `now`.
    pub(crate) fn filing_at(&self, now: Timestamp) -> Filing {
        match self.stages.again.filter(|again| *again <= now) {
            Some(again) => self.revised(again),
            None => self.filing.clone(),
        }
    }

    fn revised(&self, again: Timestamp) -> Filing {
        Filing {
            changed_on: hours::day_of(again),
            ..self.filing.clone()
        }
    }

    /// When it is removed, by plan or by hand.
    pub(crate) fn withdrawn_at(&self) -> Option<Timestamp> {
        let by_hand = self.withdrawn_by_hand.get().copied();
        by_hand.into_iter().chain(self.stages.withdrawn).min()
    }

    /// Whether it is removed at `now`.
    pub(crate) fn is_withdrawn(&self, now: Timestamp) -> bool {
        self.withdrawn_at().is_some_and(|at| at <= now)
    }
}

/// All filings by rising acceptance.
pub(crate) type Filings = Arc<Vec<Arc<Published>>>;

/// The shelf.
#[derive(Debug)]
pub(crate) struct Shelf {
    clock: Clock,
    delays: stages::Delays,
    keep: usize,
    keeps_hours: bool,
    faults: Arc<Faults>,
    log: Arc<Log>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    world: World,
    filings: Filings,
    by_accession: HashMap<String, Arc<Published>>,
    rng: ChaCha8Rng,
    rate: f64,
    keeps_hours: bool,
    next_random: Option<Timestamp>,
    planned: Vec<(Timestamp, Wish)>,
    by_hand: listing::ByHand,
}

impl Shelf {
    /// The shelf of a new EDGAR, its history already on it.
    pub(crate) fn new(
        config: &Config,
        clock: Clock,
        faults: Arc<Faults>,
        log: Arc<Log>,
    ) -> Result<Self, UnknownForm> {
        let start = clock.start();
        let scale = Scale {
            factor: config.size_factor,
            max_bytes: config.max_submission_bytes,
        };
        let mut state = State {
            world: World::new(config.seed, scale),
            filings: Filings::default(),
            by_accession: HashMap::new(),
            rng: stream(config.seed, "arrivals", 0),
            rate: config.rate,
            keeps_hours: config.keeps_hours,
            next_random: None,
            planned: planned(config, start)?,
            by_hand: listing::ByHand::default(),
        };
        state.draw_next(start);
        let delays = stages::Delays::of(config);
        let shelf = Self {
            delays,
            keep: config.keep_filings,
            keeps_hours: config.keeps_hours,
            clock,
            faults,
            log,
            state: Mutex::new(state),
        };
        shelf.stock(config, start);
        Ok(shelf)
    }

    /// The simulated instant of this moment.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Every filing made so far.
    pub(crate) fn all(&self) -> Filings {
        Arc::clone(&self.lock().filings)
    }

    /// The filing with that dashed accession number.
    pub(crate) fn find(&self, accession: &str) -> Option<Arc<Published>> {
        self.lock().by_accession.get(accession).map(Arc::clone)
    }

    /// All filers of the world.
    pub(crate) fn filers(&self) -> Vec<Arc<Filer>> {
        self.lock().world.filers().to_vec()
    }

    /// Accepts a filing at `at`, which may be in the future, and gives its accession number.
    pub(crate) fn file(&self, at: Timestamp, wish: &Wish) -> Result<String, UnknownForm> {
        let order = order(wish)?;
        let mut state = self.lock();
        Ok(self
            .accept(&mut state, at, wish, &order)
            .filing
            .accession
            .clone())
    }

    /// From now on `rate` filings arrive per second.
    pub(crate) fn set_rate(&self, rate: f64) {
        let now = self.clock.now();
        let mut state = self.lock();
        state.rate = rate;
        state.draw_next(now);
    }

    /// Removes a filing; whether it was there.
    pub(crate) fn withdraw(&self, accession: &str) -> bool {
        let published = self.find(accession);
        published.is_some_and(|published| {
            published.withdrawn_by_hand.get_or_init(|| self.clock.now());
            true
        })
    }

    /// Puts the history on the shelf: filings of the recent past, already public.
    fn stock(&self, config: &Config, start: Timestamp) {
        let by_rate = if config.rate > 0.0 {
            (1.0 / config.rate).clamp(0.05, 20.0)
        } else {
            20.0
        };
        let gap = config.history_gap.map_or(by_rate, |gap| gap.as_secs_f64());
        let mut rng = stream(config.seed, "history", 0);
        let mut times = Vec::with_capacity(config.history);
        let mut at = start;
        for _ in 0..config.history {
            at = later(at, -exponential(&mut rng, gap));
            if config.keeps_hours {
                at = hours::while_open_before(at);
            }
            times.push(at);
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for at in times.into_iter().rev() {
            self.accept_past(&mut state, at, start);
        }
    }

    fn accept_past(&self, state: &mut State, at: Timestamp, start: Timestamp) {
        let (filing, released) = self.make(state, at, &Order::default());
        let mut stages = self.stages(&filing, released, &Wish::default());
        stages.complete_by(start);
        self.put(state, filing, stages);
    }

    fn accept(
        &self,
        state: &mut State,
        at: Timestamp,
        wish: &Wish,
        order: &Order,
    ) -> Arc<Published> {
        let (filing, released) = self.make(state, at, order);
        let stages = self.stages(&filing, released, wish);
        self.put(state, filing, stages)
    }

    /// A filing sent in at `at`, with the true length of its submission, and when it is to
    /// be public.
    fn make(&self, state: &mut State, at: Timestamp, order: &Order) -> (Filing, Timestamp) {
        let second = whole_second(at);
        let dates = |rule: &FormRule| match self.keeps_hours {
            true => Dates::by_hours(rule.form, second),
            false => Dates::at_once(second),
        };
        let mut released = at;
        let mut filing = state.world.file(order, |rule| {
            let dates = dates(rule);
            released = dates.released.max(at); // Not public before it was sent.
            (dates.accepted_at, dates.filed_on)
        });
        filing.submission_bytes = Submission::of(&filing).bytes();
        (filing, released)
    }

    fn stages(&self, filing: &Filing, released: Timestamp, wish: &Wish) -> Stages {
        let (stages, mishaps) = self.delays.draw(filing, released, wish, &self.faults);
        for fault in mishaps {
            self.log.fault(fault, &filing.accession, released);
        }
        stages
    }

    fn put(&self, state: &mut State, filing: Filing, stages: Stages) -> Arc<Published> {
        let published = Arc::new(Published {
            filing,
            stages,
            entries: OnceLock::new(),
            sha256: OnceLock::new(),
            revised_sha256: OnceLock::new(),
            withdrawn_by_hand: OnceLock::new(),
        });
        let filings = Arc::make_mut(&mut state.filings);
        let place = filings
            .partition_point(|other| other.filing.accepted_at <= published.filing.accepted_at);
        filings.insert(place, Arc::clone(&published));
        state
            .by_accession
            .insert(published.filing.accession.clone(), Arc::clone(&published));
        if filings.len() > self.keep {
            let forgotten = filings.remove(0);
            state.by_accession.remove(&forgotten.filing.accession);
        }
        published
    }

    /// The state, with every filing on the shelf that is due.
    fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        while let Some((at, wish)) = state.next_due(now) {
            let order = order(&wish).unwrap_or_default(); // Plans are checked at the start.
            self.accept(&mut state, at, &wish, &order);
        }
        state
    }
}

impl State {
    /// The next planned or random filing that is due at `now`.
    fn next_due(&mut self, now: Timestamp) -> Option<(Timestamp, Wish)> {
        let random = self.next_random.filter(|at| *at <= now);
        let planned = self
            .planned
            .last()
            .map(|(at, _)| *at)
            .filter(|at| *at <= now);
        match (random, planned) {
            (Some(random), Some(planned)) if planned <= random => self.planned.pop(),
            (None, Some(_)) => self.planned.pop(),
            (Some(random), _) => {
                self.draw_next(random);
                Some((random, Wish::default()))
            }
            (None, None) => None,
        }
    }

    fn draw_next(&mut self, after: Timestamp) {
        let mean = 1.0 / self.rate;
        let gap = exponential(&mut self.rng, 1.0) * mean;
        let arrival = |gap| match self.keeps_hours {
            true => hours::after_business(after, gap),
            false => later(after, gap),
        };
        self.next_random = (self.rate > 0.0).then(|| arrival(gap));
    }
}

fn order(wish: &Wish) -> Result<Order, UnknownForm> {
    let rule = match &wish.form {
        Some(form) => Some(rule(form).ok_or_else(|| UnknownForm(form.clone()))?),
        None => None,
    };
    Ok(Order {
        rule,
        submission_bytes: wish.submission_bytes,
    })
}

/// The plan by falling time, so that the next one is the last.
fn planned(config: &Config, start: Timestamp) -> Result<Vec<(Timestamp, Wish)>, UnknownForm> {
    let mut planned = Vec::with_capacity(config.arrivals.len());
    for arrival in &config.arrivals {
        order(&arrival.wish)?;
        planned.push((
            later(start, arrival.offset.as_secs_f64()),
            arrival.wish.clone(),
        ));
    }
    planned.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    Ok(planned)
}

/// `count` moments within `seconds` from `start`, rising.
pub(crate) fn moments(
    rng: &mut impl Rng,
    start: Timestamp,
    count: usize,
    seconds: f64,
) -> Vec<Timestamp> {
    let mut moments: Vec<Timestamp> = (0..count)
        .map(|_| later(start, rng.random::<f64>() * seconds))
        .collect();
    moments.sort();
    moments
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::Arrival;
    use crate::faults::FaultPlan;

    fn shelf(config: &Config, start: &str) -> Shelf {
        let clock = Clock::new(start.parse().unwrap(), config.clock_speed);
        let faults = Arc::new(Faults::new(config.seed, FaultPlan::default()));
        Shelf::new(config, clock, faults, Arc::default()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn filings_arrive_at_the_asked_rate_and_in_order() {
        let shelf = shelf(
            &Config {
                rate: 2.0,
                ..Config::quiet()
            },
            "2026-03-03T18:00:00Z",
        );

        tokio::time::advance(Duration::from_secs(500)).await;

        let filings = shelf.all();
        assert!(
            (850..1150).contains(&filings.len()),
            "{} filings",
            filings.len()
        );
        assert!(
            filings
                .windows(2)
                .all(|pair| pair[0].filing.accepted_at <= pair[1].filing.accepted_at)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_of_a_plan_is_seen_before_its_time() {
        let arrival = |seconds| Arrival {
            offset: Duration::from_secs(seconds),
            wish: Wish::default(),
        };
        let arrivals = vec![arrival(30), arrival(10), arrival(20)];
        let shelf = shelf(
            &Config {
                arrivals,
                ..Config::quiet()
            },
            "2026-03-03T18:00:00Z",
        );
        let mut seen = Vec::new();

        for _ in 0..4 {
            seen.push(shelf.all().len());
            tokio::time::advance(Duration::from_secs(10)).await;
        }

        assert_eq!(seen, [0, 1, 2, 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_filings_are_forgotten_beyond_the_bound() {
        let shelf = shelf(
            &Config {
                history: 30,
                keep_filings: 20,
                ..Config::quiet()
            },
            "2026-03-03T18:00:00Z",
        );

        let filings = shelf.all();

        assert_eq!(filings.len(), 20);
        assert!(
            filings
                .iter()
                .all(|published| shelf.find(&published.filing.accession).is_some())
        );
    }

    #[test]
    fn an_unknown_form_in_a_plan_is_named() {
        let wish = Wish {
            form: Some("8-Q".to_owned()),
            ..Wish::default()
        };
        let arrivals = vec![Arrival {
            wish,
            ..Arrival::default()
        }];
        let config = Config {
            arrivals,
            ..Config::quiet()
        };

        let error = planned(&config, Timestamp::UNIX_EPOCH).unwrap_err();

        assert_eq!(error.to_string(), "the simulated EDGAR files no form `8-Q`");
    }
}
