//! `filingwire simulate`: only the simulated EDGAR.

use std::time::Duration;

use anyhow::Context;
use clap::Args;
use simulator::{Config, Fault, FaultPlan, Ledger, Simulator};
use tokio::net::TcpListener;

use super::{Failure, say, stop_signal};

/// A simulated EDGAR, for client developers and tests
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  filingwire simulate --listen 127.0.0.1:9090 --rate 2
  filingwire simulate --seed 7 --faults 404-first:0.2,truncate:0.05
  filingwire simulate --past-days 4      with days that `filingwire reconcile --date` can seal

Point the server at it with FILINGWIRE__EDGAR__WWW_URL and FILINGWIRE__EDGAR__EFTS_URL (the
third, FILINGWIRE__EDGAR__DATA_URL, is asked for nothing).
Like the SEC it refuses more than 10 requests in a second and clients without a contact.")]
pub(super) struct Simulate {
    /// Address to listen on
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9090")]
    listen: String,
    /// Decides filers, filings, delays and faults
    #[arg(long, value_name = "N", default_value_t = 42)]
    seed: u64,
    /// Filings a second
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = super::parse_rate)]
    rate: f64,
    /// Have filings of so many days before, with their daily indexes, not only the newest ones
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=30))]
    past_days: Option<u32>,
    #[arg(long, value_name = "PLAN", default_value = "", help = faults_help())]
    faults: FaultPlan,
}

/// The faults that a plan can have.
fn faults_help() -> String {
    let names = Fault::ALL.map(Fault::name).join(", ");
    format!("What goes wrong: fault:share,… of {names}")
}

/// Filings of each past day.
const PAST_FILINGS: u32 = 150;

const DAY: Duration = Duration::from_secs(24 * 3600);

impl Simulate {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let listener = TcpListener::bind(&self.listen).await.with_context(|| {
            format!(
                "cannot listen on {}; choose another address with --listen",
                self.listen
            )
        })?;
        let simulator = Simulator::start(self.config(), listener)
            .await
            .context("cannot start the simulated EDGAR")?;
        say(&format!("edgar {}\n", simulator.url()))?;
        stop_signal().await;
        let ledger = simulator.ledger();
        simulator.stop().await;
        say(&told(&ledger))?;
        Ok(())
    }

    fn config(&self) -> Config {
        let mut config = Config {
            seed: self.seed,
            rate: self.rate,
            faults: self.faults.clone(),
            ..Config::default()
        };
        if let Some(days) = self.past_days {
            config.history = (days * PAST_FILINGS) as usize;
            config.history_gap = Some(DAY / PAST_FILINGS);
        }
        config
    }
}

/// What it was asked for, and how often against the rules.
fn told(ledger: &Ledger) -> String {
    let requests = ledger.requests();
    let requests = requests
        .iter()
        .map(|(class, times)| format!("requests {} {times}\n", class.name()));
    requests
        .chain([format!("refused {}\n", ledger.violations().len())])
        .collect()
}
