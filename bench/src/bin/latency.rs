//! How long a filing takes from EDGAR's list to a subscriber's socket.
//!
//! One process holds a simulated EDGAR that polices its limit of ten requests a second,
//! the whole server with downloads running, and a crowd of subscribers; everything goes
//! over loopback sockets. The table is printed on stdout.
//!
//! ```text
//! cargo run --release -p bench --bin latency
//! ```
#![allow(clippy::print_stdout, reason = "the table is the result")]

use std::{collections::HashMap, path::Path, time::Duration};

use anyhow::Context;
use bench::{
    crowd::{Arrivals, Crowd},
    figures::Figures,
};
use clap::Parser;
use filingwire::{
    app::App,
    config::{Config, raw::Raw},
    keys::{KeyFile, NewKey},
};
use jiff::{SignedDuration, Timestamp};
use monitors::clock::Clock;
use simulator::{Ledger, Simulator};
use tokio::{sync::oneshot, task::JoinHandle};

/// Measure the way of a filing from EDGAR's list to the sockets of a crowd
#[derive(Debug, Parser)]
struct Arguments {
    /// Subscribers
    #[arg(long, default_value_t = 1000)]
    subscribers: usize,
    /// Seconds of the steady part
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Filings a second in the steady part
    #[arg(long, default_value_t = 2.0)]
    rate: f64,
}

/// A server on a simulated EDGAR.
struct Stage {
    edgar: Simulator,
    crowd: Crowd,
    stop: oneshot::Sender<()>,
    server: JoinHandle<anyhow::Result<()>>,
    _folder: tempfile::TempDir,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let stage = Stage::set(arguments.subscribers).await?;
    println!(
        "{} subscribers, Atom poll every 250 ms, 8 requests a second, times in ms",
        arguments.subscribers
    );
    println!(
        "{:38} {:>9} {:>9} {:>9} {:>9}",
        "", "count", "p50", "p99", "most"
    );
    stage.steady(&arguments).await;
    stage
        .burst("64 filings in 1 s", 64, Duration::from_secs(1))
        .await?;
    stage
        .burst(
            "154 filings (a minute) in 15 s",
            154,
            Duration::from_secs(15),
        )
        .await?;
    stage
        .burst(
            "2,330 filings (an hour) in 60 s",
            2330,
            Duration::from_secs(60),
        )
        .await?;
    println!(
        "requests in the busiest second: {}",
        stage.edgar.ledger().max_in_one_second()
    );
    println!(
        "requests against the rules: {}",
        stage.edgar.ledger().violations().len()
    );
    stage.strike().await
}

impl Stage {
    async fn set(subscribers: usize) -> anyhow::Result<Self> {
        // A Tuesday morning, so that the monitors keep their daytime pace at any hour.
        let morning: Timestamp = "2026-03-03T15:00:00Z".parse()?;
        let world = simulator::Config {
            rate: 0.0,
            // EDGAR's delays from acceptance to listing, compressed like the hour below.
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
            stop,
            server,
            _folder: folder,
        })
    }

    async fn steady(&self, arguments: &Arguments) {
        // The walk of the first start, which brings the history, is not the question.
        tokio::time::sleep(Duration::from_secs(10)).await;
        self.crowd.forget();
        self.edgar.set_rate(arguments.rate);
        tokio::time::sleep(Duration::from_secs(arguments.seconds)).await;
        self.edgar.set_rate(0.0);
        tokio::time::sleep(Duration::from_secs(5)).await;
        let what = format!("{} filings/s, downloads running", arguments.rate);
        self.report(&what, &self.crowd.arrivals());
    }

    async fn burst(&self, what: &str, filings: usize, within: Duration) -> anyhow::Result<()> {
        self.crowd.forget();
        let published = self.edgar.burst(filings, within);
        let deadline = tokio::time::Instant::now() + within + Duration::from_secs(60);
        let complete =
            |all: &HashMap<String, Arrivals>| published.iter().all(|a| all.contains_key(a));
        let mut arrivals = self.crowd.arrivals();
        while !complete(&arrivals) && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(200)).await;
            arrivals = self.crowd.arrivals();
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let arrivals = self.crowd.arrivals();
        self.report(what, &arrivals);
        let lost = published
            .iter()
            .filter(|a| !arrivals.contains_key(*a))
            .count();
        let doubled = arrivals
            .values()
            .filter(|filing| filing.at.len() > self.crowd.len())
            .count();
        println!("{:38} lost {lost}, doubled {doubled}", "");
        Ok(())
    }

    fn report(&self, what: &str, arrivals: &HashMap<String, Arrivals>) {
        let (mut listed, mut sighted) = (Figures::default(), Figures::default());
        // The server's clock runs beside the machine's at a fixed distance.
        let shift = self.edgar.clock().now().duration_since(Timestamp::now());
        let ledger = self.edgar.ledger();
        for (accession, filing) in arrivals {
            let listing = listed_at(&ledger, accession, self.edgar.clock());
            for at in &filing.at {
                listed.push(span(listing, Some(*at)));
                sighted.push(span(filing.seen_at.map(|seen| seen - shift), Some(*at)));
            }
        }
        println!("{what}");
        println!("{:38} {}", "  listed by Atom -> socket", listed.summary());
        println!("{:38} {}", "  sighted -> socket", sighted.summary());
    }

    async fn strike(self) -> anyhow::Result<()> {
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
