//! The soak: subscribers that stay, that come and go, and that stop reading, for as long as
//! wanted.
//!
//! The steady ones are served alone for as long as with the others, so that what the others
//! cost them can be read off. At the end those who had stopped reading come back and fetch
//! everything.
//!
//! Invariant: an event that is missing or doubled anywhere ends it with an error.
#![allow(clippy::print_stdout, reason = "the figures are the result")]

use std::time::{Duration, Instant};

use anyhow::ensure;
use bench::figures::Figures;
use clap::Args;

use crate::{
    contestant::{Contestant, Server},
    crowd::Crowd,
    measures::{Pace, enter, publish, replay},
};

/// What is soaked, and for how long
#[derive(Debug, Args)]
pub(crate) struct Soak {
    /// Minutes of each of the two parts
    #[arg(long, default_value_t = 5)]
    minutes: u64,
    /// Events a second
    #[arg(long, default_value_t = 50)]
    rate: usize,
    /// Subscribers that stay
    #[arg(long, default_value_t = 200)]
    subscribers: usize,
    /// Subscribers that do not read
    #[arg(long, default_value_t = 20)]
    stalled: usize,
    /// Subscribers that come each second and leave ten seconds later
    #[arg(long, default_value_t = 0)]
    guests: usize,
}

/// Seconds that a guest stays.
const STAY: usize = 10;

impl Soak {
    /// # Errors
    /// When an event does not reach everybody once.
    pub(crate) fn run(&self, ours: &Contestant, is_pinned: bool) -> anyhow::Result<()> {
        let mut server = ours.start(is_pinned)?;
        let mut steady = Crowd::new()?;
        enter(&server, &mut steady, self.subscribers)?;
        println!(
            "{} events/s to {} subscribers, {} min each",
            self.rate, self.subscribers, self.minutes
        );
        self.part("alone", &mut server, &mut steady)?;
        let mut stalled = Crowd::new()?;
        if self.stalled > 0 {
            enter(&server, &mut stalled, self.stalled)?;
        }
        let others = format!("with {} stalled, {} come and go", self.stalled, self.guests);
        self.part(&others, &mut server, &mut steady)?;
        drop(stalled);
        let events = usize::try_from(self.seconds() * 2)? * self.rate;
        if self.stalled > 0 {
            let resumed = replay(&server, self.stalled, |_| 0, events)?;
            ensure!(
                resumed.frames == (events * self.stalled) as u64,
                "events came twice"
            );
            println!("the stalled ones came back and have all {events} events");
        }
        Ok(())
    }

    fn seconds(&self) -> u64 {
        self.minutes * 60
    }

    fn part(&self, name: &str, server: &mut Server, steady: &mut Crowd) -> anyhow::Result<()> {
        let mut to_last = Figures::default();
        let mut guests = std::collections::VecDeque::new();
        let (began, before, cpu) = (Instant::now(), server.resident()?, server.cpu()?);
        for second in 1..=self.seconds() {
            let pace = Pace::PerSecond(self.rate as f64);
            let mut series = publish(server, steady, pace, self.rate)?;
            to_last.append(&mut series.to_last);
            if name != "alone" && self.guests > 0 {
                let mut crowd = Crowd::new()?;
                enter(server, &mut crowd, self.guests)?;
                guests.push_back(crowd);
                guests.drain(..guests.len().saturating_sub(STAY));
            }
            let due = Duration::from_secs(second);
            while began.elapsed() < due {
                steady.turn(due.saturating_sub(began.elapsed()))?;
            }
        }
        let grown = server.resident()? as i64 - before as i64;
        println!(
            "{name}: until the last has it {}; memory {:+.1} MiB to {:.1}; CPU {:.1} s",
            to_last.summary(),
            grown as f64 / f64::from(1 << 20),
            server.resident()? as f64 / f64::from(1 << 20),
            server.cpu()?.saturating_sub(cpu).as_secs_f64(),
        );
        Ok(())
    }
}
