//! The duel: two servers at a time, turn about, a fifth of a second each.
//!
//! What a virtual machine gives its cores changes by half within a minute, so that two servers
//! which are asked one after the other cannot be told apart by a tenth. Here both stand with
//! their crowds all the while, and a question goes from one to the other and back; what one
//! spends while the other is asked, on what it does later, counts as well.
//!
//! Invariant: both have as many subscribers and as many events at the same paces.
#![allow(clippy::print_stdout, reason = "the table is the result")]

use std::time::Duration;

use anyhow::Context;
use bench::figures::Figures;
use clap::Args;

use crate::{
    contestant::{Contestant, Server},
    crowd::Crowd,
    measures::{Pace, enter, micros_each, publish},
    table::Table,
    turn::OUTSTANDING,
};

/// Deliveries of one block of single events.
const DELIVERIES: usize = 40_000;

/// Times that each is asked the same in a round.
const BLOCKS: usize = 12;

/// How long a block of events at a steady rate takes.
const PACED: Duration = Duration::from_millis(500);

/// Put one question to two servers turn about, and tell the ratio
#[derive(Debug, Args)]
pub(crate) struct Duel {
    /// Who is compared with ours: the name of another server, or NAME=COMMAND
    #[arg(long, default_value = "bare")]
    rival: String,
    /// Subscribers of each; two crowds share the generator's open files
    #[arg(long, default_value_t = 1000)]
    subscribers: usize,
    /// Rounds, of which the table tells the median
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Events a second that are tried besides single events
    #[arg(long, value_name = "N", default_values_t = [10, 30, 100])]
    rate: Vec<u32>,
}

/// One of the two.
struct Side {
    name: String,
    server: Server,
    crowd: Crowd,
    to_last: Figures,
}

/// What one has spent on its blocks, and its CPU time while the other had its own.
#[derive(Clone, Copy)]
struct Spent {
    cpu: Duration,
    wall: Duration,
}

impl Duel {
    /// # Errors
    /// When a server fails, or an event does not reach everybody once.
    pub(crate) fn hold(&self, known: &[Contestant], is_pinned: bool) -> anyhow::Result<()> {
        let enter = |name: &str| {
            let known = known.iter().find(|one| one.name == name).cloned();
            let contestant = known.or_else(|| Contestant::peer(name));
            let contestant = contestant.with_context(|| format!("there is no server `{name}`"))?;
            Side::enter(&contestant, is_pinned, self.subscribers)
        };
        let mut sides = [enter("ours")?, enter(&self.rival)?];
        let names = sides.iter().map(|side| side.name.clone());
        let mut table = Table::new(names.chain(["ratio".to_owned()]).collect());
        for round in 1..=self.rounds {
            eprintln!("round {round} of {}", self.rounds);
            let each = (DELIVERIES / self.subscribers).max(4);
            let single = "one event at a time";
            self.ask_many(&mut sides, &mut table, single, Pace::Outstanding(1), each)?;
            note_to_last(&mut table, &mut sides, single);
            let many = format!("{OUTSTANDING} events outstanding");
            let pace = Pace::Outstanding(OUTSTANDING);
            self.ask_many(&mut sides, &mut table, &many, pace, each * 8)?;
            sides
                .iter_mut()
                .for_each(|side| side.to_last = Figures::default());
            for rate in &self.rate {
                let each = (f64::from(*rate) * PACED.as_secs_f64()) as usize;
                ask(&mut sides, Pace::PerSecond(f64::from(*rate)), each)?;
                note_to_last(&mut table, &mut sides, &format!("{rate} events/s"));
            }
        }
        println!(
            "{} subscribers each; median of {} rounds (least–most)\n\n{table}",
            self.subscribers, self.rounds
        );
        Ok(())
    }

    /// Asks both turn about with nothing but deliveries to wait for, and notes what those cost.
    fn ask_many(
        &self,
        sides: &mut [Side; 2],
        table: &mut Table,
        what: &str,
        pace: Pace,
        each: usize,
    ) -> anyhow::Result<()> {
        let asked = ask(sides, pace, each)?;
        let deliveries = (each * BLOCKS * self.subscribers) as u64;
        let cpu = asked.map(|of| micros_each(of.cpu, deliveries));
        note(table, sides, &format!("{what}: CPU per delivery, µs"), cpu);
        let rate = asked.map(|of| deliveries as f64 / of.wall.as_secs_f64());
        note(table, sides, &format!("{what}: deliveries/s"), rate);
        Ok(())
    }
}

impl Side {
    fn enter(contestant: &Contestant, is_pinned: bool, count: usize) -> anyhow::Result<Self> {
        let server = contestant.start(is_pinned)?;
        let mut crowd = Crowd::new()?;
        enter(&server, &mut crowd, count)?;
        Ok(Self {
            name: contestant.name.clone(),
            server,
            crowd,
            to_last: Figures::default(),
        })
    }
}

/// Asks both turn about, `each` events in a block.
fn ask(sides: &mut [Side; 2], pace: Pace, each: usize) -> anyhow::Result<[Spent; 2]> {
    let cpu = |sides: &[Side; 2]| {
        Ok::<_, anyhow::Error>([sides[0].server.cpu()?, sides[1].server.cpu()?])
    };
    let before = cpu(sides)?;
    let mut walls = [Duration::ZERO; 2];
    for block in 0..BLOCKS {
        for turn in 0..2 {
            let place = (block + turn) % 2;
            let side = &mut sides[place];
            let mut series = publish(&mut side.server, &mut side.crowd, pace, each)?;
            side.to_last.append(&mut series.to_last);
            walls[place] += series.wall;
        }
    }
    let after = cpu(sides)?;
    Ok([0, 1].map(|place| Spent {
        cpu: after[place] - before[place],
        wall: walls[place],
    }))
}

fn note_to_last(table: &mut Table, sides: &mut [Side; 2], pace: &str) {
    let mut figures = sides
        .each_mut()
        .map(|side| std::mem::take(&mut side.to_last));
    for (name, share) in [("median", 0.5), ("p99", 0.99)] {
        let what = format!("{pace}: until the last has it, {name} ms");
        let millis = figures
            .each_mut()
            .map(|of| of.percentile(share).as_secs_f64() * 1000.0);
        note(table, sides, &what, millis);
    }
}

fn note(table: &mut Table, sides: &[Side; 2], what: &str, [ours, rival]: [f64; 2]) {
    table.note(what, &sides[0].name, ours);
    table.note(what, &sides[1].name, rival);
    table.note(what, "ratio", ours / rival);
}
