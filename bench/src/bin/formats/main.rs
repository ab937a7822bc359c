//! How fast EDGAR's formats are read, beside what others use for the same.
//!
//! Recorded files are held in memory and read again and again by one thread, ours and
//! theirs in turn, so that a busy machine is busy for both. The table is printed on
//! stdout. `bench/formats/run` fetches the peers and runs this with them.
//!
//! ```text
//! cargo run --release -p bench --bin formats
//! ```
//!
//! Elsewhere: the files (`inputs`), our readings (`ours`), the peers (`peers`), clocks
//! and rates (`effort`). Invariant: all who are compared read the same bytes equally often.
#![allow(clippy::print_stdout, reason = "the table is the result")]

mod effort;
mod inputs;
mod ours;
mod peers;

use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;

use effort::{Effort, Rates};
use inputs::{Group, Inputs};
use peers::Peers;

/// Measure how fast EDGAR's formats are read
#[derive(Debug, Parser)]
struct Arguments {
    /// Folder of recorded files
    #[arg(long, default_value = "../shared/edgar-fixtures")]
    recorded: PathBuf,
    /// Megabytes read in each round
    #[arg(long, default_value_t = 300)]
    megabytes: usize,
    /// Rounds, in each of which everyone has a turn
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Python that has the peers; without it only we are measured
    #[arg(long)]
    peers: Option<PathBuf>,
}

/// One thing to be done, by us and by others.
struct Contest {
    what: &'static str,
    on: Group,
    ours: fn(&[u8]) -> usize,
    others: &'static [Other],
}

/// Who is compared with us.
enum Other {
    /// A function of `bench/formats/peers.py`.
    Peer(&'static str),
    /// A part of our own work, on inputs of its own that make up the same bytes.
    Part(&'static str, Group, fn(&[u8]) -> usize),
}

const CONTESTS: [Contest; 5] = [
    Contest {
        what: "header and document split, text",
        on: Group::Text,
        ours: ours::split,
        others: &[],
    },
    Contest {
        what: "uudecode, encoded bytes",
        on: Group::Payloads,
        ours: ours::split,
        others: &[],
    },
    Contest {
        what: "whole reading",
        on: Group::Submissions,
        ours: ours::read,
        others: &[Other::Peer("secsgml"), Other::Peer("secsgml2")],
    },
    Contest {
        what: "archive step",
        on: Group::Submissions,
        ours: ours::archive,
        others: &[Other::Part("zstd alone", Group::Members, ours::compress)],
    },
    Contest {
        what: "XBRL instance, to JSON lines",
        on: Group::Instances,
        ours: ours::facts,
        others: &[Other::Peer("lxml")],
    },
];

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let inputs = Inputs::load(&arguments.recorded)?;
    let mut peers = arguments
        .peers
        .as_ref()
        .map(|python| Peers::start(python, &inputs))
        .transpose()?;
    println!(
        "{} MB in each turn, one thread, {} rounds; MB/s by CPU time, user and system",
        arguments.megabytes, arguments.rounds
    );
    println!(
        "{:<41} {:<12} {:>7} {:>7} {:>7} {:>9} {:>9}",
        "", "", "median", "least", "most", "by wall", "we are"
    );
    for contest in &CONTESTS {
        contest.hold(&arguments, &inputs, &mut peers)?;
    }
    Ok(())
}

impl Contest {
    /// Lets everyone read in turn, and prints what came of it.
    fn hold(
        &self,
        arguments: &Arguments,
        inputs: &Inputs,
        peers: &mut Option<Peers>,
    ) -> anyhow::Result<()> {
        let passes = inputs.passes(self.on, arguments.megabytes);
        let bytes = inputs.bytes(self.on) * passes;
        let mut ours = Rates::new(bytes);
        let mut theirs: Vec<_> = self.others.iter().map(|_| Rates::new(bytes)).collect();
        for _ in 0..arguments.rounds {
            ours.push(turn(inputs.of(self.on), passes, self.ours));
            for (other, rates) in self.others.iter().zip(&mut theirs) {
                match (other, &mut *peers) {
                    (Other::Part(_, on, work), _) => {
                        rates.push(turn(inputs.of(*on), passes, *work));
                    }
                    (Other::Peer(name), Some(peers)) => {
                        let effort = peers.turn(name, self.on, passes);
                        rates.push(effort.with_context(|| format!("the turn of {name}"))?);
                    }
                    (Other::Peer(_), None) => {}
                }
            }
        }
        let size = format!("{:.1} MB", inputs.bytes(self.on) as f64 / 1e6);
        println!("{:<32} {size:>8} {:<12} {ours}", self.what, "ours");
        for (other, rates) in self.others.iter().zip(&theirs) {
            if let Some(factor) = ours.over(rates) {
                println!("{:<41} {:<12} {rates} {factor:>8.2}x", "", other.name());
            }
        }
        Ok(())
    }
}

impl Other {
    fn name(&self) -> &'static str {
        match self {
            Self::Peer(name) | Self::Part(name, ..) => name,
        }
    }
}

fn turn(inputs: &[Vec<u8>], passes: usize, work: fn(&[u8]) -> usize) -> Effort {
    Effort::of(|| {
        for input in (0..passes).flat_map(|_| inputs) {
            std::hint::black_box(work(std::hint::black_box(input)));
        }
    })
}
