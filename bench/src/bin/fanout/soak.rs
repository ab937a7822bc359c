//! The soak: subscribers that come and go, and such as stop reading, for as long as wanted.
//!
//! Beside [`Stalled`] readers the steady ones are served alone first, for as long as with
//! the others, so that what the others cost them can be read off; at the end those who had
//! stopped reading come back and fetch everything. [`Restless`] subscribers leave without a
//! word, each in turn, and come back some seconds later with the cursor of the last event
//! they have; memory is sampled all along.
//!
//! Invariant: an event that is missing or doubled anywhere ends it with an error, and so
//! does a warning in the server's log.
#![allow(clippy::print_stdout, reason = "the figures are the result")]

use std::{
    collections::VecDeque,
    fs::File,
    io::{Read, Seek},
    time::{Duration, Instant},
};

use anyhow::ensure;
use bench::figures::Figures;
use clap::Args;

use crate::{
    contestant::{Contestant, Server},
    crowd::Crowd,
    measures::{Pace, enter, publish, replay, wait_for},
};

/// What is soaked, and for how long
#[derive(Debug, Args)]
pub(crate) struct Soak {
    /// Minutes of each of the two parts beside stalled readers, or with restless ones
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
    /// Subscribers that come and go; they take the place of the others
    #[arg(long, default_value_t = 0)]
    restless: usize,
    /// How many of these leave each second
    #[arg(long, default_value_t = 20)]
    leavers: usize,
}

/// Seconds that a restless subscriber stays away.
const AWAY: usize = 5;

/// Seconds between two looks at the server's memory.
const SAMPLE: u64 = 10;

/// Minutes after which all that is kept of events is full: 16 MiB of frames for replay,
/// 16 MiB of the newest records.
const FILLING_MINUTES: f64 = 10.0;

/// What is served for long.
struct Stalled<'a>(&'a Soak);

/// Subscribers that come and go, and what became of the server meanwhile.
struct Restless<'a> {
    soak: &'a Soak,
    crowd: Crowd,
    published: usize,
    /// Who is away, by the second in which each left.
    away: VecDeque<Vec<usize>>,
    next: usize,
    moves: usize,
    samples: Vec<Sample>,
}

/// The server's memory at a moment.
#[derive(Debug, Clone, Copy)]
struct Sample {
    minutes: f64,
    mebibytes: f64,
}

impl Soak {
    /// # Errors
    /// When an event does not reach everybody once, or the server warns.
    pub(crate) fn run(&self, ours: &Contestant, is_pinned: bool) -> anyhow::Result<()> {
        let mut log = tempfile::tempfile()?;
        let mut server = ours.start_logging(is_pinned, log.try_clone()?.into())?;
        match self.restless {
            0 => Stalled(self).run(&mut server)?,
            _ => Restless::new(self)?.run(&mut server)?,
        }
        drop(server);
        no_warning(&mut log)
    }

    fn seconds(&self) -> u64 {
        self.minutes * 60
    }
}

/// Says how often the server has warned.
///
/// # Errors
/// When it has.
fn no_warning(log: &mut File) -> anyhow::Result<()> {
    let mut text = String::new();
    log.rewind()?;
    log.read_to_string(&mut text)?;
    let warnings = text.lines().count();
    println!("warnings in the server's log: {warnings}");
    for line in text.lines().take(20) {
        println!("  {line}");
    }
    ensure!(warnings == 0, "the server has warned");
    Ok(())
}

impl Stalled<'_> {
    fn run(&self, server: &mut Server) -> anyhow::Result<()> {
        let Self(soak) = self;
        let mut steady = Crowd::new()?;
        enter(server, &mut steady, soak.subscribers)?;
        println!(
            "{} events/s to {} subscribers, {} min each",
            soak.rate, soak.subscribers, soak.minutes
        );
        self.part("alone", server, &mut steady)?;
        let mut stalled = Crowd::new()?;
        enter(server, &mut stalled, soak.stalled)?;
        self.part(
            &format!("with {} stalled", soak.stalled),
            server,
            &mut steady,
        )?;
        drop(stalled);
        let events = usize::try_from(soak.seconds() * 2)? * soak.rate;
        if soak.stalled > 0 {
            let resumed = replay(server, soak.stalled, |_| 0, events)?;
            ensure!(
                resumed.frames == (events * soak.stalled) as u64,
                "events came twice"
            );
            println!("the stalled ones came back and have all {events} events");
        }
        Ok(())
    }

    fn part(&self, name: &str, server: &mut Server, steady: &mut Crowd) -> anyhow::Result<()> {
        let Self(soak) = self;
        let mut to_last = Figures::default();
        let (began, before, cpu) = (Instant::now(), server.resident()?, server.cpu()?);
        for second in 1..=soak.seconds() {
            let pace = Pace::PerSecond(soak.rate as f64);
            let mut series = publish(server, steady, pace, soak.rate)?;
            to_last.append(&mut series.to_last);
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
            mebibytes(server)?,
            server.cpu()?.saturating_sub(cpu).as_secs_f64(),
        );
        Ok(())
    }
}

impl<'a> Restless<'a> {
    fn new(soak: &'a Soak) -> anyhow::Result<Self> {
        Ok(Self {
            soak,
            crowd: Crowd::new()?,
            published: 0,
            away: VecDeque::new(),
            next: 0,
            moves: 0,
            samples: Vec::new(),
        })
    }

    fn run(mut self, server: &mut Server) -> anyhow::Result<()> {
        println!(
            "{} events/s to {} subscribers for {} min; {} leave each second and come back after {AWAY} s",
            self.soak.rate, self.soak.restless, self.soak.minutes, self.soak.leavers
        );
        let count = self.soak.restless;
        let path = from(server, 0);
        self.crowd
            .gather(&server.doorway(), |_| path.clone(), count, 1000)?;
        self.crowd.expect(0);
        let began = Instant::now();
        for second in 1..=self.soak.seconds() {
            self.live_until(server, began, Duration::from_secs(second))?;
            self.move_some(server)?;
            if second.is_multiple_of(SAMPLE) {
                self.sample(server, second)?;
            }
        }
        self.finish(server)
    }

    /// Publishes at the rate and reads.
    fn live_until(
        &mut self,
        server: &mut Server,
        began: Instant,
        until: Duration,
    ) -> anyhow::Result<()> {
        while began.elapsed() < until {
            let due = (began.elapsed().as_secs_f64() * self.soak.rate as f64) as usize;
            server.publish(1, due - self.published)?;
            self.published = due;
            self.crowd.turn(Duration::from_millis(5))?;
        }
        Ok(())
    }

    /// The next ones leave, and those come back who have been away for long enough.
    fn move_some(&mut self, server: &Server) -> anyhow::Result<()> {
        let count = self.soak.restless;
        let leavers: Vec<usize> = (0..self.soak.leavers.min(count / (2 * AWAY)))
            .map(|nth| (self.next + nth) % count)
            .collect();
        self.next += leavers.len();
        self.moves += leavers.len();
        for number in &leavers {
            self.crowd.leave(*number);
        }
        self.away.push_back(leavers);
        if self.away.len() > AWAY {
            self.bring_back(server)?;
        }
        Ok(())
    }

    /// Those come back who left first.
    fn bring_back(&mut self, server: &Server) -> anyhow::Result<()> {
        for number in self.away.pop_front().unwrap_or_default() {
            let path = from(server, self.crowd.events_of(number));
            self.crowd.come_back(&server.doorway(), number, &path)?;
        }
        Ok(())
    }

    fn sample(&mut self, server: &Server, second: u64) -> anyhow::Result<()> {
        let sample = Sample {
            minutes: second as f64 / 60.0,
            mebibytes: mebibytes(server)?,
        };
        self.samples.push(sample);
        if second.is_multiple_of(60) {
            println!(
                "minute {}: memory {:.1} MiB, {} events published, {} delivered, {} comings, CPU {:.1} s",
                second / 60,
                sample.mebibytes,
                self.published,
                self.crowd.delivered(),
                self.moves,
                server.cpu()?.as_secs_f64()
            );
        }
        Ok(())
    }

    /// All come back and must have every event, once.
    fn finish(mut self, server: &Server) -> anyhow::Result<()> {
        while !self.away.is_empty() {
            self.bring_back(server)?;
        }
        let published = self.published as u64;
        wait_for(&mut self.crowd, |crowd| crowd.all_have(|_| published))?;
        let due = published * self.soak.restless as u64;
        ensure!(self.crowd.delivered() == due, "events came twice");
        println!(
            "all {} subscribers, who came back {} times, have each of {published} events once",
            self.soak.restless, self.moves
        );
        let full = |sample: &&Sample| sample.minutes >= FILLING_MINUTES;
        let late: Vec<Sample> = self.samples.iter().filter(full).copied().collect();
        if let (Some(first), Some(last)) = (late.first(), late.last()) {
            println!(
                "memory from minute {:.0} on: {:.1} to {:.1} MiB, slope {:+.3} MiB a minute",
                first.minutes,
                first.mebibytes,
                last.mebibytes,
                slope(&late)
            );
        }
        Ok(())
    }
}

/// The path of a subscriber that has the first `events`.
fn from(server: &Server, events: u64) -> String {
    let ready = server.ready();
    let prefix = ready.after.clone().unwrap_or_default();
    ready.path_with(&format!("after={prefix}{events}"))
}

fn mebibytes(server: &Server) -> anyhow::Result<f64> {
    Ok(server.resident()? as f64 / f64::from(1 << 20))
}

/// The slope of the straight line that fits best, in MiB a minute.
fn slope(samples: &[Sample]) -> f64 {
    let count = samples.len() as f64;
    let mean = |of: fn(&Sample) -> f64| samples.iter().map(of).sum::<f64>() / count;
    let (minutes, mebibytes) = (mean(|s| s.minutes), mean(|s| s.mebibytes));
    let (mut over, mut under) = (0.0, 0.0);
    for sample in samples {
        let from_mean = sample.minutes - minutes;
        over += from_mean * (sample.mebibytes - mebibytes);
        under += from_mean * from_mean;
    }
    if under > 0.0 { over / under } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_straight_line_has_its_slope() {
        let samples: Vec<Sample> = (0..10)
            .map(|minute| Sample {
                minutes: f64::from(minute),
                mebibytes: 100.0 + 0.5 * f64::from(minute),
            })
            .collect();

        assert!((slope(&samples) - 0.5).abs() < 1e-9);
        assert!(slope(&samples[..1]).abs() < 1e-9);
    }
}
