//! `filingwire backfill`: filings from before our log.

use clap::Args;
use monitors::clock::Clock;
use protocol::time::Date;

use super::{Failure, Global, ask::ask};
use crate::{backfill::Range, control::Request};

/// Load the filings of the past from EDGAR's index files
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  filingwire backfill --from 2026-01-02 --to 2026-03-31
  filingwire backfill --from 2026-03-02 --to 2026-03-06 --forms '8-K*,10-K'

Works beside a running server on the same data directory, and without one. Ctrl-C stops it;
the same command goes on where it was. The filings come as events with source `backfill`;
their submissions follow while `filingwire serve` runs, behind everything live.")]
pub(super) struct Backfill {
    /// First day, YYYY-MM-DD
    #[arg(long, value_name = "DATE", value_parser = super::parse_date)]
    from: Date,
    /// Last day, included
    #[arg(long, value_name = "DATE", value_parser = super::parse_date)]
    to: Date,
    /// Only these forms: exact, or a beginning and `*`
    #[arg(long, value_name = "FORMS", value_delimiter = ',')]
    forms: Vec<String>,
}

impl Backfill {
    pub(super) async fn run(self, global: &Global, clock: Clock) -> Result<(), Failure> {
        let Self { from, to, forms } = self;
        ask(global, clock, Request::Backfill(Range { from, to, forms })).await
    }
}
