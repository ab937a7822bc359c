//! `filingwire demo`: a simulated EDGAR and the whole server in one process.

use std::{path::Path, time::Duration};

use anyhow::Context;
use clap::Args;
use jiff::civil::time;
use monitors::clock::Clock;
use protocol::time::{Timestamp, eastern_day, from_eastern};
use simulator::Simulator;

use super::{Failure, say, stop_signal, tell};
use crate::{
    app::{App, reachable},
    config::{Config, raw::Raw},
    keys::{KeyFile, NewKey},
};

/// Everything at once: a simulated EDGAR, the server, a page and an API key
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  filingwire demo
  filingwire demo --for 60 --rate 3 --listen 127.0.0.1:8081

No network and no configuration; everything is written to a temporary folder and removed.
The first lines of stdout are the page's address, the stream's address and an API key.")]
pub(super) struct Demo {
    /// Stop after so many seconds
    #[arg(long = "for", value_name = "SECS")]
    seconds: Option<u64>,
    /// Address of HTTP and the websocket; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: String,
    /// Filings a second
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = super::parse_rate)]
    rate: f64,
    /// Decides filers, filings and delays
    #[arg(long, value_name = "N", default_value_t = 42)]
    seed: u64,
}

impl Demo {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let start = busy_hour(Timestamp::now());
        let world = simulator::Config {
            seed: self.seed,
            rate: self.rate,
            clock_start: Some(start),
            history_gap: Some(Duration::from_secs(60)),
            ..simulator::Config::default()
        };
        let edgar = Simulator::start_local(world)
            .await
            .context("cannot start the simulated EDGAR")?;
        let folder = tempfile::tempdir().context("cannot make a temporary folder; check TMPDIR")?;
        let config = demo_config(&self.listen, &edgar.url(), folder.path())?;
        let key =
            KeyFile::new(config.keys_file()).create(NewKey::named("demo"), Timestamp::now())?;
        let simulated = edgar.clock().clone();
        let app = App::start(config, Clock::new(move || simulated.now())).await?;

        let addr = reachable(app.addr());
        say(&format!(
            "page http://{addr}/#key={key}\nstream ws://{addr}/v1/stream\nkey {key}\n"
        ))?;
        tell(format_args!(
            "in another terminal:\n\n  filingwire tail --url ws://{addr}/v1/stream --key {key}\n\nCtrl-C stops.\n"
        ));
        app.run_until(self.end()).await?;
        edgar.stop().await;
        Ok(())
    }

    async fn end(&self) {
        match self.seconds {
            Some(seconds) => {
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_secs(seconds)) => {}
                    () = stop_signal() => {}
                }
            }
            None => stop_signal().await,
        }
    }
}

/// A contact for the simulated EDGAR, which asks for one like the SEC.
const CONTACT: &str = "demo@filingwire.example";

fn demo_config(listen: &str, edgar: &str, folder: &Path) -> Result<Config, Failure> {
    let mut raw = Raw::for_edgar(edgar, CONTACT, listen, folder);
    raw.monitors.efts.poll_interval_ms = 5_000;
    // A temporary folder may be a small one in memory.
    raw.disk.reserve_bytes = 64 << 20;
    Ok(Config::check(&raw)?)
}

/// Now while EDGAR is open, else the newest business day's late morning: a demonstration
/// at night or on a weekend shows a busy day all the same.
fn busy_hour(now: Timestamp) -> Timestamp {
    if edgar::calendar::is_open(now) {
        return now;
    }
    let day = edgar::calendar::previous_business_day(eastern_day(now));
    from_eastern(day.to_datetime(time(11, 0, 0, 0))).unwrap_or(now)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_demonstration_shows_a_day_on_which_edgar_is_open() {
        for now in [
            "2026-11-22T07:00:00Z",
            "2026-11-24T04:00:00Z",
            "2026-11-24T15:00:00Z",
        ] {
            assert!(
                edgar::calendar::is_open(busy_hour(now.parse().unwrap())),
                "{now}"
            );
        }
    }
}
