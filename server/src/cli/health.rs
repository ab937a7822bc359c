//! `filingwire health`: whether a server runs here and answers.

use std::{path::PathBuf, time::Duration};

use anyhow::Context;
use clap::Args;
use tokio::time::timeout;

use super::{Failure, Global, say};
use crate::{
    control::{Link, Reply, Request},
    progress::Ended,
};

/// A server that takes longer is not well.
const PATIENCE: Duration = Duration::from_secs(5);

/// Ask the server on the data directory whether it is well
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  filingwire health                         exit code 0 when it answers, else 1
  filingwire --data-dir /data health        as the health check of a container

What /healthz answers, without a port: it asks through the socket in the data directory.
Whether EDGAR can be reached too is what /readyz says.")]
pub(super) struct Health {}

impl Health {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let data_dir = PathBuf::from(global.raw(Vec::new())?.data_dir);
        let answer = timeout(PATIENCE, answer(&data_dir)).await;
        match answer.context("the server did not answer in 5 seconds")?? {
            Ended::Done(what) => say(&format!("{what}\n")),
            Ended::Refused(why) | Ended::Failed(why) => {
                Err(Failure::Failed(anyhow::Error::msg(why)))
            }
        }
    }
}

async fn answer(data_dir: &std::path::Path) -> anyhow::Result<Ended> {
    let dir = data_dir.display();
    let link = Link::connect(data_dir).await;
    let link =
        link.with_context(|| format!("cannot reach the server on `{dir}`; ask as its user"))?;
    let mut link = link.with_context(|| format!("no server runs on `{dir}`"))?;
    link.send(&Request::Health).await?;
    while let Some(reply) = link.next().await? {
        if let Reply::Ended(ended) = reply {
            return Ok(ended);
        }
    }
    anyhow::bail!("the server has stopped")
}
