//! A server on a simulated EDGAR with a crowd of subscribers, in this process.
//!
//! The simulated EDGAR polices its limit of ten requests a second, downloads run, and everything goes over
//! loopback sockets. It is a Tuesday morning, so that the monitors keep their daytime pace at any hour.

use std::{collections::HashMap, path::Path, time::Duration};

use anyhow::Context;
use filingwire::{
    app::App,
    config::{Config, raw::Raw},
    keys::{KeyFile, NewKey},
};
use jiff::{SignedDuration, Timestamp};
use monitors::clock::Clock;
use simulator::{Ledger, Simulator};
use tokio::{sync::oneshot, task::JoinHandle};

use crate::{
    crowd::{Arrivals, Crowd},
    figures::Figures,
};

/// How long stragglers may take.
const STRAGGLERS: Duration = Duration::from_secs(5);

/// How long the walk of the first start, which brings the history, may take.
const HISTORY: Duration = Duration::from_secs(10);

/// A server on a simulated EDGAR.
#[derive(Debug)]
pub struct Stage {
    /// The simulated EDGAR.
    pub edgar: Simulator,
    /// The subscribers.
    pub crowd: Crowd,
    addr: String,
    stop: oneshot::Sender<()>,
    server: JoinHandle<anyhow::Result<()>>,
    _folder: tempfile::TempDir,
}

/// How long filings took.
#[derive(Debug, Default)]
pub struct Delays {
    /// From their being listed to each socket.
    pub listed: Figures,
    /// From a monitor's seeing them to each socket.
    pub sighted: Figures,
}

impl Stage {
    /// Starts all of it.
    ///
    /// # Errors
    /// When the server does not start, or lets a subscriber not in.
    pub async fn set(subscribers: usize) -> anyhow::Result<Self> {
        let morning: Timestamp = "2026-03-03T15:00:00Z".parse()?;
        let world = simulator::Config {
            rate: 0.0,
            // EDGAR's delays from acceptance to listing, compressed like the hours of a measurement.
            delay_scale: 1.0 / 60.0,
            clock_start: Some(morning),
            history_gap: Some(Duration::from_secs(60)),
            ..simulator::Config::default()
        };
        let edgar = Simulator::start_local(world).await?;
        let folder = tempfile::tempdir()?;
        let (config, key) = configure(&edgar, folder.path())?;
        let clock = edgar.clock().clone();
        let app = App::start(config, Clock::new(move || clock.now())).await?;
        let addr = app.addr().to_string();
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(app.run_until(async {
            let _ = stopped.await;
        }));
        let crowd = Crowd::connect(&addr, &key, subscribers).await?;
        Ok(Self {
            edgar,
            crowd,
            addr,
            stop,
            server,
            _folder: folder,
        })
    }

    /// Where the server listens.
    pub fn addr(&self) -> &str {
        &self.addr
    }

    /// Waits until the history is in: it is not the question.
    pub async fn settle(&self) {
        tokio::time::sleep(HISTORY).await;
    }

    /// Publishes `rate` filings a second for `seconds` and notes those only.
    pub async fn publish(&self, rate: f64, seconds: u64) {
        self.crowd.forget();
        self.edgar.set_rate(rate);
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        self.edgar.set_rate(0.0);
        tokio::time::sleep(STRAGGLERS).await;
    }

    /// How long the filings of `arrivals` took.
    pub fn delays(&self, arrivals: &HashMap<String, Arrivals>) -> Delays {
        let mut delays = Delays::default();
        // The server's clock runs beside the machine's at a fixed distance.
        let shift = self.edgar.clock().now().duration_since(Timestamp::now());
        let ledger = self.edgar.ledger();
        for (accession, filing) in arrivals {
            let listing = listed_at(&ledger, accession, self.edgar.clock());
            for at in &filing.at {
                delays.listed.push(span(listing, Some(*at)));
                let seen = filing.seen_at.map(|seen| seen - shift);
                delays.sighted.push(span(seen, Some(*at)));
            }
        }
        delays
    }

    /// Stops all of it.
    ///
    /// # Errors
    /// When the server did not work to its end.
    pub async fn strike(self) -> anyhow::Result<()> {
        self.crowd.leave().await;
        let _ = self.stop.send(());
        self.server.await?.context("the server failed")?;
        self.edgar.stop().await;
        Ok(())
    }
}

fn listed_at(ledger: &Ledger, accession: &str, clock: &simulator::Clock) -> Option<Timestamp> {
    Some(clock.wall(ledger.filing(accession)?.listed_at?))
}

fn span(from: Option<Timestamp>, to: Option<Timestamp>) -> Duration {
    let signed = from
        .zip(to)
        .map_or(SignedDuration::ZERO, |(from, to)| to.duration_since(from));
    Duration::try_from(signed).unwrap_or_default()
}

fn configure(edgar: &Simulator, folder: &Path) -> anyhow::Result<(Config, String)> {
    let raw = Raw::for_edgar(
        &edgar.url(),
        "bench@filingwire.example",
        "127.0.0.1:0",
        folder,
    );
    let config = Config::check(&raw)?;
    let key = KeyFile::new(config.keys_file()).create(NewKey::named("bench"), Timestamp::now())?;
    Ok((config, key))
}
