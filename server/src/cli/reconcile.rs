//! `filingwire reconcile`: what the nightly run does, now.

use clap::Args;
use monitors::clock::Clock;
use protocol::time::Date;

use super::{Failure, Global, ask::ask};
use crate::control::Request;

/// Prove a day complete against EDGAR's daily index, as every night
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  filingwire reconcile                      the newest day whose index is due
  filingwire reconcile --date 2026-03-03

Works beside a running server on the same data directory, and without one. What the log does
not have is recovered; then the day is sealed. A day that is sealed already, a weekend or a
holiday needs nothing: that is said, and the exit code is 0. Where EDGAR has not written the
index yet (about 22:07 Eastern) the exit code is 1.")]
pub(super) struct Reconcile {
    /// The Eastern day, YYYY-MM-DD
    #[arg(long, value_name = "DATE", value_parser = super::parse_date)]
    date: Option<Date>,
}

impl Reconcile {
    pub(super) async fn run(self, global: &Global, clock: Clock) -> Result<(), Failure> {
        ask(global, clock, Request::Reconcile { date: self.date }).await
    }
}
