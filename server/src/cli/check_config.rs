//! `filingwire check-config`: the effective configuration.

use anyhow::Context;
use clap::Args;

use super::{Failure, Global, say};
use crate::config::Config;

/// Show the effective configuration, or the first mistake in it
#[derive(Debug, Args)]
#[command(after_help = "Example:
  filingwire check-config --config /etc/filingwire.toml

Exit code 2 and the key's path on any mistake.")]
pub(super) struct CheckConfig {}

impl CheckConfig {
    pub(super) fn run(self, global: &Global) -> Result<(), Failure> {
        let raw = global.raw(Vec::new())?;
        Config::check(&raw)?;
        let shown =
            toml::to_string(&raw.without_secrets()).context("the configuration cannot be shown")?;
        say(&shown)
    }
}
