//! The simulated EDGAR, our data directory, and the time of both.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread::panicking,
    time::Duration,
};

use jiff::Timestamp;
use serde_json::Value;
use simulator::{Config, Fault, FaultPlan, Simulator};
use tokio::time::{Instant, sleep};

use super::{
    fired::Fired,
    pulse::Pulse,
    span::{Span, at},
};
use crate::harness::program::{Server, create_key};

/// Where the program listens at the moment; nowhere between two lives.
pub type Door = Arc<Mutex<Option<String>>>;

/// How long the last life may take to bring everything to rest.
const PATIENCE: Duration = Duration::from_secs(240);

/// Nothing new for so long, and nothing to do, is rest.
const REST: Duration = Duration::from_secs(4);

/// How often a fault of EDGAR strikes, of all answers or filings it can strike.
const SHARES: &[(Fault, f64)] = &[
    (Fault::NotFoundFirst, 0.1),
    (Fault::Error500, 0.03),
    (Fault::Error503, 0.03),
    (Fault::Truncate, 0.06),
    (Fault::Slow, 0.03),
    (Fault::Drop, 0.03),
    (Fault::BlockPage, 0.001),
    (Fault::MalformedAtom, 0.05),
    (Fault::AtomMiss, 0.05),
    (Fault::Duplicate, 0.1),
    (Fault::Straddle, 0.3),
    (Fault::FrozenFeed, 0.1),
    (Fault::FrozenSearch, 0.1),
    (Fault::EftsLag, 0.2),
    (Fault::EftsMiss, 0.1),
    (Fault::LateFiling, 0.05),
    (Fault::Withdraw, 0.003),
    (Fault::Redisseminate, 0.05),
    (Fault::IndexLate, 0.2),
    (Fault::IndexRowLate, 0.05),
    (Fault::IndexTruncate, 0.2),
    (Fault::IndexGarble, 0.2),
    (Fault::IndexEmpty, 0.1),
];

/// Faults of EDGAR that happen on any two days, because they are wished for.
pub const SURE: &[&str] = &[
    "atom-miss",
    "block-page",
    "efts-miss",
    "late-filing",
    "redisseminate",
    "withdraw",
];

/// Whatever can go wrong at EDGAR.
pub fn every_fault() -> Vec<&'static str> {
    SHARES.iter().map(|(fault, _)| fault.name()).collect()
}

/// The faults of an ordinary day.
pub fn ordinary() -> FaultPlan {
    let none = FaultPlan::default();
    SHARES
        .iter()
        .fold(none, |plan, (fault, share)| plan.with(*fault, *share))
}

pub struct Scene {
    pub edgar: Simulator,
    pub dir: tempfile::TempDir,
    pub key: String,
    pub span: Span,
    /// Real seconds of a business day.
    pub day: f64,
    door: Door,
    pulse: Pulse,
}

impl Scene {
    /// An EDGAR before its first day, and an empty data directory that stays unless it is
    /// cleared away.
    pub async fn start(seed: u64, span: Span, day: f64) -> Self {
        let config = Config {
            seed,
            rate: 24.0 / 86_400.0,
            keeps_hours: true,
            delay_scale: 1.0,
            late_submission_share: 0.1,
            slow_body: Duration::from_millis(700),
            clock_start: Some(at(span.first, 5)),
            clock_plan: Some(pace(day).parse().unwrap()),
            faults: ordinary(),
            ..Config::quiet()
        };
        let edgar = Simulator::start_local(config).await.unwrap();
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("oracle");
        fs::create_dir_all(&place).unwrap();
        let prefix = format!("seed-{seed}-");
        let mut dir = tempfile::Builder::new();
        let dir = dir.prefix(&prefix).disable_cleanup(true).tempdir_in(place);
        let dir = dir.unwrap();
        let key = create_key(dir.path(), &[]);
        let door = Door::default();
        Self {
            edgar,
            dir,
            key,
            span,
            day,
            door,
            pulse: Pulse::begin(),
        }
    }

    pub fn door(&self) -> Door {
        self.door.clone()
    }

    pub fn archive(&self) -> PathBuf {
        self.dir.path().join("archive")
    }

    pub fn now(&self) -> Timestamp {
        self.edgar.clock().now()
    }

    /// A life of the program that tells EDGAR's time.
    pub fn launch(&self, environment: &[(&str, &str)]) -> Server {
        self.launch_by(&self.edgar.clock().to_string(), environment)
    }

    fn launch_by(&self, clock: &str, environment: &[(&str, &str)]) -> Server {
        let common = [
            ("FILINGWIRE_TEST_CLOCK", clock),
            ("FILINGWIRE__EDGAR__BLOCK_MS", "1500"),
            ("FILINGWIRE__MONITORS__ATOM__POLL_INTERVAL_MS", "400"),
            ("FILINGWIRE__MONITORS__EFTS__POLL_INTERVAL_MS", "1500"),
            ("FILINGWIRE__LOG_SEGMENT_BYTES", "60000"),
            ("FILINGWIRE__RECONCILE__ARCHIVE_WAIT_MS", "1500"),
        ];
        let environment = [&common, environment].concat();
        Server::launch(self.dir.path(), &self.edgar.url(), &self.key, &environment)
    }

    /// Lets it serve, and says where; false when it has died instead.
    pub async fn open(&self, server: &mut Server) -> bool {
        let serves = server.serves().await;
        *self.door.lock().unwrap() = serves.then(|| server.addr.clone());
        serves
    }

    /// The end of a life, however it ends: its words are kept, and no panic is among them.
    pub fn end(&self, server: Server) {
        *self.door.lock().unwrap() = None;
        let lines = server.lines();
        server.kill();
        let mut said = File::options();
        let said = said
            .create(true)
            .append(true)
            .open(self.dir.path().join("said"));
        writeln!(
            said.unwrap(),
            "{}\n-- ended at {}",
            lines.join("\n"),
            self.now()
        )
        .unwrap();
        let is_bad = |line: &String| line.contains("panicked") || line.contains(" ERROR ");
        assert!(!lines.iter().any(is_bad), "{lines:#?}");
    }

    /// The last life: nothing goes wrong, time passes slowly, and it runs until all is done that
    /// it knows to do.
    pub async fn settle(&self) -> Server {
        self.edgar.set_rate(0.0);
        self.edgar.set_faults(FaultPlan::default());
        let now = self.now();
        let slow = format!("{now} {} x60", Timestamp::now());
        let mut server = self.launch_by(&slow, &[]);
        assert!(self.open(&mut server).await, "{:#?}", server.lines());
        let deadline = Instant::now() + PATIENCE;
        let (mut before, mut since) = (String::new(), Instant::now());
        while since.elapsed() < REST && Instant::now() < deadline {
            sleep(Duration::from_millis(100)).await;
            let status = server.status().await;
            let head = status["head"].as_str().unwrap_or_default().to_owned();
            if head != before || !self.is_idle(&status, now) {
                (before, since) = (head, Instant::now());
            }
        }
        server
    }

    /// Nothing is under way, due or waiting, but what EDGAR has taken away.
    fn is_idle(&self, status: &Value, now: Timestamp) -> bool {
        let (archive, night) = (&status["archive"], &status["reconcile"]);
        let gone = self.edgar.ledger().withdrawn();
        let waiting = archive["backlog"].as_u64().unwrap_or(u64::MAX);
        let is_parked = archive["parked"]["filings"] != 0;
        let next_run = night["next_run"].as_str().map(str::parse::<Timestamp>);
        let is_due = !matches!(next_run, Some(Ok(next)) if next.duration_since(now).as_hours() > 0);
        let is_gone = |filing: &Value| {
            gone.iter()
                .any(|gone| filing["accession"] == gone.accession)
        };
        let fetched_again = self.to_be_fetched_again().iter().all(is_gone);
        let is_done = fetched_again && waiting <= gone.len() as u64 && !is_parked;
        is_done && !is_due && night["running"].is_null()
    }

    fn to_be_fetched_again(&self) -> Vec<Value> {
        let asked = fs::read(self.dir.path().join("fetch.again"));
        asked.map_or_else(
            |_| Vec::new(),
            |bytes| serde_json::from_slice(&bytes).unwrap(),
        )
    }

    /// Every fault that EDGAR has made, and how often.
    pub fn fired(&self) -> Fired {
        let ledger = self.edgar.ledger();
        let mut fired = Fired::default();
        for (fault, _) in SHARES {
            fired.times(fault.name(), ledger.fired(*fault));
        }
        fired.times("requests counted together", ledger.violations().len());
        fired
    }

    /// EDGAR's limits were kept, over all lives, but where the machine stood still.
    pub fn check_manners(&self) {
        let mut violations = self.edgar.ledger().violations();
        violations.retain(|violation| {
            let at = self.edgar.clock().wall(violation.at);
            !self.pulse.stood_still_before(at)
        });
        assert!(violations.is_empty(), "{violations:?}");
    }

    /// All is well: nothing needs to stay.
    pub fn clear_away(&mut self) {
        self.dir.disable_cleanup(false);
    }
}

/// EDGAR's ledger stays beside our own files, for who looks into a failure.
impl Drop for Scene {
    fn drop(&mut self) {
        if !panicking() {
            return;
        }
        let ledger = self.edgar.ledger();
        let filings = ledger
            .filings()
            .into_iter()
            .map(|filing| format!("{filing:?}\n"));
        let faults = ledger
            .faults()
            .into_iter()
            .map(|fault| format!("{fault:?}\n"));
        let text: String = filings.chain(faults).collect();
        let kept = fs::write(self.dir.path().join("ledger"), text);
        println!("kept: {} {kept:?}", self.dir.path().display());
    }
}

/// A business day with its evening, when indexes are written, and a day off.
fn pace(day: f64) -> String {
    let (work, evening, off) = (day * 0.6, day * 0.4, day * 0.15);
    format!("05:45-22:03/{work},22:04-23:55/{evening},05:00-23:45/{off}/off")
}
