//! What live subscribers notice of an attack on the server's doors.
//!
//! The same filings go to the same crowd, in turn without and with a siege: a thousand sockets that
//! send a request by one byte every two seconds, and two thousand wrong keys a second from many
//! addresses. The besiegers are a process of their own at the lowest priority, for they would not
//! be on the server's machine; what they managed is printed, so that nothing can pass for an attack
//! that was none.
//!
//! ```text
//! TMPDIR=/dev/shm cargo run --release -p bench --bin siege   # so that no disk is measured
//! ```
#![allow(clippy::print_stdout, reason = "the table is the result")]

mod attack;

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::Context;
use bench::{
    figures::{Figures, Summary},
    stage::{Delays, Stage},
};
use clap::{Parser, Subcommand};

/// How much more than the median without a siege the median with one may be.
const ALLOWED: f64 = 1.2;

/// Measure what live subscribers notice of an attack
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
    /// Subscribers
    #[arg(long, default_value_t = 200)]
    subscribers: usize,
    /// Rounds, each without and with the siege
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of filings in each half of a round
    #[arg(long, default_value_t = 6)]
    seconds: u64,
    /// Filings a second
    #[arg(long, default_value_t = 20.0)]
    rate: f64,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// Be the besiegers, until stdin ends
    Attack(attack::Attack),
}

/// What both halves of all rounds gave.
#[derive(Debug, Default)]
struct Rounds {
    calm: Vec<Pair>,
    besieged: Vec<Pair>,
}

/// The p99 of the two ways of measuring.
#[derive(Debug, Clone, Copy)]
struct Pair {
    listed: Duration,
    sighted: Duration,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if let Some(Role::Attack(attack)) = arguments.role {
        return attack.run().await;
    }
    let stage = Stage::set(arguments.subscribers).await?;
    stage.settle().await;
    println!(
        "{} subscribers, {} filings/s, times in ms",
        arguments.subscribers, arguments.rate
    );
    println!(
        "{:38} {:>9} {:>9} {:>9} {:>9}",
        "", "count", "p50", "p99", "most"
    );
    let mut rounds = Rounds::default();
    for _ in 0..arguments.rounds {
        rounds.calm.push(half(&stage, &arguments, "calm").await);
        let besiegers = Besiegers::begin(stage.addr())?;
        rounds
            .besieged
            .push(half(&stage, &arguments, "besieged").await);
        println!("{}", besiegers.end()?);
    }
    stage.strike().await?;
    rounds.judge()
}

/// One half of a round.
async fn half(stage: &Stage, arguments: &Arguments, what: &str) -> Pair {
    stage.publish(arguments.rate, arguments.seconds).await;
    let Delays {
        mut listed,
        mut sighted,
    } = stage.delays(&stage.crowd.arrivals());
    let show = |from: &str, figures: &mut Figures| -> Summary {
        let summary = figures.summary();
        println!("{:38} {summary}", format!("{what}: {from} -> socket"));
        summary
    };
    Pair {
        listed: show("listed", &mut listed).p99,
        sighted: show("sighted", &mut sighted).p99,
    }
}

impl Rounds {
    /// Prints the medians of p99 and their ratio, and fails when the siege is noticed.
    fn judge(&self) -> anyhow::Result<()> {
        let listed = ratio("listed", &self.calm, &self.besieged, |pair| pair.listed);
        let sighted = ratio("sighted", &self.calm, &self.besieged, |pair| pair.sighted);
        anyhow::ensure!(
            listed < ALLOWED && sighted < ALLOWED,
            "the siege moves the p99 of live subscribers by more than {:.0} %",
            (ALLOWED - 1.0) * 100.0
        );
        Ok(())
    }
}

fn ratio(from: &str, calm: &[Pair], besieged: &[Pair], of: impl Fn(&Pair) -> Duration) -> f64 {
    let [calm, besieged] = [calm, besieged].map(|pairs| {
        let mut figures = Figures::default();
        pairs.iter().for_each(|pair| figures.push(of(pair)));
        figures.percentile(0.5).as_secs_f64() * 1000.0
    });
    let ratio = besieged / calm;
    println!(
        "median p99, {from} -> socket: calm {calm:.1}, besieged {besieged:.1}, ratio {ratio:.2}"
    );
    ratio
}

/// The process of the besiegers.
struct Besiegers(Child);

impl Besiegers {
    /// Begins the siege of `addr`, and returns when it is in full swing.
    fn begin(addr: &str) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("this program cannot be found")?;
        let mut child = Command::new(program)
            .args(["attack", addr])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the besiegers cannot be started")?;
        let mut ready = [0; 1];
        let out = child.stdout.as_mut().context("their stdout is a pipe")?;
        std::io::Read::read_exact(out, &mut ready).context("the siege did not begin")?;
        Ok(Self(child))
    }

    /// Ends it, and gives what they did.
    fn end(mut self) -> anyhow::Result<String> {
        drop(self.0.stdin.take());
        let out = self.0.stdout.take().context("their stdout is a pipe")?;
        let last = BufReader::new(out).lines().last();
        self.0.wait()?;
        Ok(last.context("the besiegers said nothing")??)
    }
}
