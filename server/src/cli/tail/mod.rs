//! `filingwire tail`: a subscriber in the terminal.
//!
//! [`target`] is what to connect to, [`frame`] what a client must understand of a frame,
//! [`connection`] one connection, [`follow`] one after the other, [`screen`] and
//! [`table`] what is seen of it.
//!
//! Invariant: every event sent is printed once and in order, whatever happens to connections.

mod connection;
mod follow;
mod frame;
mod screen;
mod table;
mod target;

#[cfg(test)]
mod tests;

use std::time::Duration;

use clap::Args;
use protocol::{filter::Filter, seq::After};
use tokio::time::timeout;

use self::{
    follow::{Follower, Notes},
    screen::{Look, Screen},
    table::Table,
    target::{Secret, Target},
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
    /// Only events of these types, such as filing.archived; `*` for all
    #[arg(long, value_name = "TYPES", value_delimiter = ',')]
    types: Vec<String>,
    /// Only these forms; 424B* for all that begin so
    #[arg(long, value_name = "FORMS", value_delimiter = ',')]
    forms: Vec<String>,
    /// Only filings of these filers
    #[arg(long, value_name = "CIKS", value_delimiter = ',')]
    ciks: Vec<String>,
    /// Where to begin: a cursor, oldest, live, or time: and a time [default: live]
    #[arg(long, value_name = "CURSOR", value_parser = parse_after)]
    after: Option<String>,
    /// Print the event frames as they came, one a line
    #[arg(long)]
    json: bool,
}

fn parse_after(text: &str) -> Result<String, String> {
    text.parse::<After>()
        .map(|_| text.to_owned())
        .map_err(|error| error.to_string())
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
        let fields = [
            ("types", self.types),
            ("forms", self.forms),
            ("ciks", self.ciks),
        ];
        let mut filter = Filter::default();
        let mut target = Target::new(&self.url, self.key, self.after)?;
        for (field, values) in fields.iter().filter(|(_, values)| !values.is_empty()) {
            let texts: Vec<&str> = values.iter().map(String::as_str).collect();
            filter
                .set(field, &texts)
                .map_err(|refusal| Failure::Usage(format!("--{field}: {refusal}")))?;
            target.ask(field, &values.join(","));
        }
        Ok(target)
    }
}
