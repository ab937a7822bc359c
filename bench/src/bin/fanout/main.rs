//! What it costs to send one event to many, beside what others need for it.
//!
//! Each server is a process on one core, the generator of load one thread on the other.
//! In every round each has its turn, so that a busy machine is busy for all. The table is
//! printed on stdout. `bench/fanout/run` fetches the peers and runs this with them.
//!
//! ```text
//! cargo run --release -p bench --bin fanout
//! ```
//!
//! Elsewhere: the load (`crowd`, `wire`, `poll`), what is measured (`measures`), one
//! server's turn (`turn`), the servers (`contestant` runs them, `serve` is them).
//!
//! Invariant: all who are compared send events of the same size to the same generator.
#![allow(clippy::print_stdout, reason = "the table is the result")]

mod contestant;
mod crowd;
mod duel;
mod measures;
mod poll;
mod rebuild;
mod serve;
mod soak;
mod table;
mod turn;
mod wire;

use std::{env, thread};

use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand, ValueEnum};
use rustix::thread::{CpuSet, sched_setaffinity};

use contestant::Contestant;
use duel::Duel;
use rebuild::Rebuild;
use serve::{Place, Role};
use soak::Soak;
use table::Table;
use turn::{Plan, Turn};

/// Measure what it costs to send one event to many
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    contest: Contest,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Be one of the servers
    Serve {
        /// Which one
        role: Role,
        #[command(flatten)]
        place: Place,
    },
    Duel(Duel),
    /// Serve subscribers for long, beside such as stop reading or come and go
    Soak(Soak),
    Rebuild(Rebuild),
}

#[derive(Debug, Args)]
struct Contest {
    /// Rounds, in each of which every server has a turn
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Subscribers where one number of them is asked for
    #[arg(long, default_value_t = 10_000)]
    subscribers: usize,
    /// One round with few subscribers: whether it works, not how fast it is
    #[arg(long)]
    quick: bool,
    /// Only the servers whose names begin so
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// A further server: its name and what starts it
    #[arg(long, value_name = "NAME=COMMAND")]
    peer: Vec<String>,
    /// A server that cannot be compared here: its name and why
    #[arg(long, value_name = "NAME: WHY")]
    absent: Vec<String>,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    match arguments.command {
        Some(Command::Serve { role, place }) => role.run(place),
        Some(Command::Soak(soak)) => soak.run(&ours()?, pin()?),
        Some(Command::Rebuild(rebuild)) => rebuild.run(&ours()?),
        Some(Command::Duel(duel)) => duel.hold(&servers()?, pin()?),
        None => arguments.contest.hold(),
    }
}

impl Contest {
    fn hold(&self) -> anyhow::Result<()> {
        let is_pinned = pin()?;
        let contestants = self.contestants()?;
        let plan = Plan::new(self.subscribers, self.quick);
        let rounds = if self.quick { 1 } else { self.rounds };
        let mut table = Table::new(contestants.iter().map(|one| one.name.clone()).collect());
        let mut failures = Vec::new();
        for round in 1..=rounds {
            for contestant in &contestants {
                eprintln!("round {round} of {rounds}: {}", contestant.name);
                let mut turn = Turn {
                    plan: &plan,
                    contestant,
                    is_pinned,
                    table: &mut table,
                };
                if let Err(error) = turn.take() {
                    eprintln!("{}: {error:#}", contestant.name);
                    failures.push(format!("round {round}, {}: {error:#}", contestant.name));
                }
            }
        }
        self.print(&table, rounds, is_pinned, &failures);
        if failures.is_empty() {
            return Ok(());
        }
        bail!("{} turns were not finished", failures.len())
    }

    fn contestants(&self) -> anyhow::Result<Vec<Contestant>> {
        let mut contestants = servers()?;
        for peer in &self.peer {
            let no_command = || format!("--peer `{peer}` has no `=`; write NAME=COMMAND");
            contestants.push(Contestant::peer(peer).with_context(no_command)?);
        }
        if !self.only.is_empty() {
            contestants.retain(|one| self.only.iter().any(|name| one.name.starts_with(name)));
        }
        Ok(contestants)
    }

    fn print(&self, table: &Table, rounds: usize, is_pinned: bool, failures: &[String]) {
        let place = if is_pinned {
            "each server on one core, the generator on another"
        } else {
            "ONE CORE FOR ALL: the servers were disturbed by the generator"
        };
        println!("{place}; events of 450 bytes; median of {rounds} rounds (least–most)\n");
        println!("{table}");
        for absent in &self.absent {
            println!("NOT MEASURED: {absent}");
        }
        for failure in failures {
            println!("NOT FINISHED: {failure}");
        }
    }
}

fn ours() -> anyhow::Result<Contestant> {
    Ok(Contestant {
        name: "ours".to_owned(),
        command: vec![program()?, "serve".to_owned(), "ours".to_owned()],
        is_peer: false,
    })
}

/// What this program can be.
fn servers() -> anyhow::Result<Vec<Contestant>> {
    let program = program()?;
    let roles = Role::value_variants().iter();
    let names = roles.filter_map(|role| Some(role.to_possible_value()?.get_name().to_owned()));
    let servers = names.map(|name| Contestant {
        command: vec![program.clone(), "serve".to_owned(), name.clone()],
        name,
        is_peer: false,
    });
    Ok(servers.collect())
}

fn program() -> anyhow::Result<String> {
    Ok(env::current_exe()?.display().to_string())
}

/// Keeps to the second core and leaves the first to the servers; whether there are two.
fn pin() -> anyhow::Result<bool> {
    if thread::available_parallelism()?.get() < 2 {
        return Ok(false);
    }
    let mut cores = CpuSet::new();
    cores.set(1);
    sched_setaffinity(None, &cores).context("cannot keep to the second core")?;
    Ok(true)
}
