//! `filingwire tail`: a subscriber in the terminal.
//!
//! [`target`] is what to connect to, [`wanted`] which events to ask for, [`frame`] what a
//! client must understand of a frame, [`connection`] one connection, [`follow`] one after the
//! other, [`screen`] and [`table`] what is seen of it.
//!
//! Invariant: every event sent is printed once and in order, whatever happens to connections.

mod connection;
mod follow;
mod frame;
mod screen;
mod table;
mod target;
mod wanted;

#[cfg(test)]
mod tests;

use std::{str::FromStr, time::Duration};

use clap::Args;
use protocol::{
    error::ParseError,
    seq::{After, Until},
};
use tokio::time::timeout;

use self::{
    follow::{Follower, Notes},
    screen::{Look, Screen},
    table::Table,
    target::{Secret, Target},
    wanted::Wanted,
};
use super::{Failure, Global, stop_signal};

/// How long the last lines may take to be written once the user wants to stop.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Show filings in the terminal as they arrive
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  filingwire tail --key fw_3fXk92Lq_…
  FILINGWIRE_KEY=fw_… filingwire tail --url filings.example.com --forms 8-K,8-K/A
  filingwire tail --forms '424B*' --after oldest --json > prospectuses.ndjson
  filingwire tail --after time:2026-03-03T14:00:00Z --ciks 320193 --json | jq .filing.form
  filingwire tail --tickers AAPL,BRK.B --items 2.02 --amendments exclude
  filingwire tail --types filing.archived --document-types 'EX-99*' --states NY,X0 --sics 6021
  filingwire tail --after time:2026-03-03T05:00:00Z --until time:2026-03-04T04:59:59Z --json

Make a key beside the server with `filingwire keys create --name me`.
A lost connection is made again by itself and goes on where it was. Ctrl-C ends.")]
pub(super) struct Tail {
    /// The server: ws://, wss://, http://, https://, or host and port
    #[arg(
        long,
        value_name = "URL",
        default_value = "ws://127.0.0.1:8080/v1/stream"
    )]
    url: String,
    /// API key
    #[arg(
        long,
        value_name = "KEY",
        env = "FILINGWIRE_KEY",
        hide_env_values = true
    )]
    key: Option<Secret>,
    /// Where to begin: a cursor, oldest, live, or time: and a time [default: live]
    #[arg(long, value_name = "CURSOR", value_parser = checked::<After>)]
    after: Option<String>,
    /// Where to end, included: a cursor, or time: and a time [default: never]
    #[arg(long, value_name = "CURSOR", value_parser = checked::<Until>)]
    until: Option<String>,
    /// How much of each event: full, lite [default: full]
    #[arg(long, value_name = "VIEW", value_parser = ["full", "lite"])]
    view: Option<String>,
    /// Print the event frames as they came, one a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    wanted: Box<Wanted>,
}

/// The text itself, if it is one of these.
fn checked<T: FromStr<Err = ParseError>>(text: &str) -> Result<String, ParseError> {
    text.parse::<T>().map(|_| text.to_owned())
}

impl Tail {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let notes = Notes {
            quiet: global.quiet > 0,
        };
        let look = if self.json {
            Look::Frames
        } else {
            Look::Table(Table::of_stdout())
        };
        let target = self.target()?;
        let mut screen = Screen::new(tokio::io::stdout(), look);
        let done = tokio::select! {
            done = Follower::new(&target, &mut screen, notes).run() => return done,
            () = stop_signal() => Ok(()),
        };
        // A reader that does not read must not keep us.
        let _ = timeout(LAST_LINES, screen.flush()).await;
        done
    }

    /// Checks everything that can be wrong before a connection is made.
    fn target(self) -> Result<Target, Failure> {
        let mut target = Target::new(&self.url, self.key, self.after)?;
        for (name, list) in self.wanted.parameters()? {
            target.ask(name, &list);
        }
        for (name, text) in [("until", self.until), ("view", self.view)] {
            if let Some(text) = text {
                target.ask(name, &text);
            }
        }
        Ok(target)
    }
}
