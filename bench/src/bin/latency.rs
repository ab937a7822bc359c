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

use std::{collections::HashMap, time::Duration};

use bench::{crowd::Arrivals, stage::Stage};
use clap::Parser;

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
    steady(&stage, &arguments).await;
    for (what, filings, seconds) in [
        ("64 filings in 1 s", 64, 1),
        ("154 filings (a minute) in 15 s", 154, 15),
        ("2,330 filings (an hour) in 60 s", 2330, 60),
    ] {
        burst(&stage, what, filings, Duration::from_secs(seconds)).await;
    }
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

async fn steady(stage: &Stage, arguments: &Arguments) {
    stage.settle().await;
    stage.publish(arguments.rate, arguments.seconds).await;
    let what = format!("{} filings/s, downloads running", arguments.rate);
    report(stage, &what, &stage.crowd.arrivals());
}

async fn burst(stage: &Stage, what: &str, filings: usize, within: Duration) {
    stage.crowd.forget();
    let published = stage.edgar.burst(filings, within);
    let deadline = tokio::time::Instant::now() + within + Duration::from_secs(60);
    let complete = |all: &HashMap<String, Arrivals>| published.iter().all(|a| all.contains_key(a));
    while !complete(&stage.crowd.arrivals()) && tokio::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let arrivals = stage.crowd.arrivals();
    report(stage, what, &arrivals);
    let lost = published
        .iter()
        .filter(|a| !arrivals.contains_key(*a))
        .count();
    let doubled = arrivals
        .values()
        .filter(|filing| filing.at.len() > stage.crowd.len())
        .count();
    println!("{:38} lost {lost}, doubled {doubled}", "");
}

fn report(stage: &Stage, what: &str, arrivals: &HashMap<String, Arrivals>) {
    let mut delays = stage.delays(arrivals);
    println!("{what}");
    println!(
        "{:38} {}",
        "  listed by Atom -> socket",
        delays.listed.summary()
    );
    println!("{:38} {}", "  sighted -> socket", delays.sighted.summary());
}
