//! An EDGAR of its own, for demos and tests.
//!
//! [`Simulator::start`] serves a seeded, invented world of filers over HTTP in the
//! formats, rhythm and manners of sec.gov: the Atom feed, the search index, the archive
//! and the index files, with the delays between them, the fair-access rules, and faults
//! by plan. [`Ledger`] tells a test what really happened.
//!
//! It writes the SEC's formats by itself: code shared with the parsers it tests would
//! hide their bugs.
//!
//! Invariant: with the same [`Config`] and start time, the same filings with the same bytes.

mod answer;
mod archives;
mod clock;
mod config;
mod efts;
mod faults;
mod feed;
mod hours;
mod index;
mod index_page;
mod ledger;
mod pages;
mod police;
mod query;
mod random;
mod server;
mod shelf;
mod submission;
mod text;
mod wire;
mod world;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use clock::{Clock, ClockError, EASTERN, Plan, PlanError};
pub use config::{Arrival, Config, UnknownForm, Wish};
pub use faults::{Fault, FaultPlan, FaultPlanError};
pub use ledger::{
    FiredFault, Ledger, LedgerFiler, LedgerFiling, PathClass, Violation, ViolationKind, Withdrawn,
    accessions_sha256,
};

use faults::Faults;
use ledger::Log;
use police::{Police, Rules};
use server::Office;
use shelf::Shelf;

/// How long [`Simulator::stop`] waits for answers under way.
const GRACE: Duration = Duration::from_secs(1);

/// Why no simulator was started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An arrival of the plan wishes for a form the world does not file.
    #[error(transparent)]
    UnknownForm(#[from] UnknownForm),
    /// The address could not be bound or read.
    #[error("the simulated EDGAR cannot listen")]
    Listen(#[from] std::io::Error),
}

/// A running simulated EDGAR. Dropping it stops it at once.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    office: Arc<Office>,
    ledger: Ledger,
    stop: CancellationToken,
    task: JoinHandle<()>,
    bursts: std::sync::atomic::AtomicU64,
}

impl Simulator {
    /// Serves `config` on `listener`.
    ///
    /// # Errors
    /// [`StartError::UnknownForm`] for a plan that cannot be; [`StartError::Listen`]
    /// when the listener has no address.
    pub async fn start(config: Config, listener: TcpListener) -> Result<Self, StartError> {
        let address = listener.local_addr()?;
        let clock = config.clock();
        let faults = Arc::new(Faults::new(config.seed, config.faults.clone()));
        let log = Arc::new(Log::default());
        let shelf = Arc::new(Shelf::new(
            &config,
            clock.clone(),
            Arc::clone(&faults),
            Arc::clone(&log),
        )?);
        let rules = Rules {
            window: config.police_window,
            allowed: config.max_requests_per_second,
            block: config.block_duration,
        };
        let police = Arc::new(Police::new(rules));
        let ledger = Ledger::new(Arc::clone(&shelf), Arc::clone(&police), Arc::clone(&log));
        let (seed, feed_retention, slow_body) =
            (config.seed, config.feed_retention, config.slow_body);
        let office = Arc::new(Office {
            clock,
            shelf,
            police,
            faults,
            log,
            seed,
            feed_retention,
            slow_body,
        });
        let stop = CancellationToken::new();
        let task = tokio::spawn(server::serve(Arc::clone(&office), listener, stop.clone()));
        Ok(Self {
            address,
            office,
            ledger,
            stop,
            task,
            bursts: 0.into(),
        })
    }

    /// Serves `config` on a free port of this machine.
    ///
    /// # Errors
    /// As [`Simulator::start`].
    pub async fn start_local(config: Config) -> Result<Self, StartError> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        Self::start(config, listener).await
    }

    /// The base URL for www, efts and data alike, without a trailing slash.
    pub fn url(&self) -> String {
        server::url(self.address)
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What really happened.
    pub fn ledger(&self) -> Ledger {
        self.ledger.clone()
    }

    /// The simulated time.
    pub fn clock(&self) -> &Clock {
        &self.office.clock
    }

    /// Files `count` filings now and gives their accession numbers.
    pub fn publish_now(&self, count: usize) -> Vec<String> {
        self.burst(count, Duration::ZERO)
    }

    /// Files `count` filings at random moments within the next `within` of simulated time
    /// and gives their accession numbers by rising acceptance.
    pub fn burst(&self, count: usize, within: Duration) -> Vec<String> {
        let number = self
            .bursts
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut rng = random::stream(self.office.seed, "burst", number);
        let moments = shelf::moments(&mut rng, self.clock().now(), count, within.as_secs_f64());
        let file = |at| self.office.shelf.file(at, &Wish::default());
        moments.into_iter().filter_map(|at| file(at).ok()).collect()
    }

    /// Files one filing now, as wished, and gives its accession number.
    ///
    /// # Errors
    /// [`UnknownForm`] when the world does not file that form.
    pub fn publish(&self, wish: &Wish) -> Result<String, UnknownForm> {
        self.office.shelf.file(self.clock().now(), wish)
    }

    /// Makes the daily index of `day` public with what was disseminated until now, instead
    /// of at 22:07 Eastern on business days. Filings of later that day need another call.
    pub fn publish_daily_index(&self, day: Date) {
        self.office.shelf.publish_index(day);
    }

    /// Lets rows that were missing join the daily index of `day` now, instead of the next
    /// morning.
    pub fn correct_daily_index(&self, day: Date) {
        self.office.shelf.correct_index(day);
    }

    /// Rebuilds the index files of quarters now, with what was disseminated and without what
    /// was withdrawn until now.
    pub fn rebuild_quarter_indexes(&self) {
        self.office.shelf.rebuild_quarters();
    }

    /// Removes a filing from now on; daily indexes keep it, the quarter's drops it at the next
    /// rebuild. Whether there was such a filing.
    pub fn withdraw(&self, accession: &str) -> bool {
        self.office.shelf.withdraw(accession)
    }

    /// From now on `rate` filings arrive per second of simulated time.
    pub fn set_rate(&self, rate: f64) {
        self.office.shelf.set_rate(rate);
    }

    /// From now on follows `plan`.
    pub fn set_faults(&self, plan: FaultPlan) {
        self.office.faults.set(plan);
    }

    /// Stops serving; answers under way have a second to end.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if tokio::time::timeout(GRACE, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.stop.cancel();
        self.task.abort();
    }
}
