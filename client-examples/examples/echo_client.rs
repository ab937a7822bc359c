//! Echoes every message of a server: the client side of a conformance suite.
//!
//! ```text
//! tests/real/autobahn --client target/debug/examples/echo_client
//! ```
//!
//! It connects as `subscribe` does, so that what the suite says holds for it too.

use anyhow::Context;
use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::{connect_async, tungstenite::Error};

const AGENT: &str = "filingwire";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let suite = std::env::args().nth(1).context("the suite's URL, please")?;
    let (mut count, _) = connect_async(format!("{suite}/getCaseCount")).await?;
    let count = count.next().await.context("the suite says nothing")??;
    let count: u32 = count.to_text()?.parse()?;
    for case in 1..=count {
        // What ends a case is judged by the suite.
        let _ = echo(&format!("{suite}/runCase?case={case}&agent={AGENT}")).await;
    }
    connect_async(format!("{suite}/updateReports?agent={AGENT}")).await?;
    Ok(())
}

async fn echo(url: &str) -> Result<(), Error> {
    let (mut socket, _) = connect_async(url).await?;
    while let Some(message) = socket.next().await {
        let message = message?;
        if message.is_text() || message.is_binary() {
            socket.send(message).await?;
        }
    }
    Ok(())
}
