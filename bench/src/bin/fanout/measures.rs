//! What is measured: one function for each question.
//!
//! Elsewhere: in which order and how often (`main`), the load (`crowd`), what a server
//! has spent (`contestant`). Invariant: nothing is measured before every subscriber that
//! takes part is live.

use std::time::{Duration, Instant};

use anyhow::ensure;
use bench::figures::Figures;
use rustix::time::{ClockId, clock_gettime};

use crate::{contestant::Server, crowd::Crowd};

/// How long any one measurement may take; a server that loses events never ends.
const PATIENCE: Duration = Duration::from_secs(90);

/// Longest wait for something to come.
const TURN: Duration = Duration::from_millis(100);

/// When events are published.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    /// The next one when fewer than so many are under way.
    Outstanding(usize),
    /// So many a second, whatever becomes of them.
    PerSecond(f64),
}

/// How a series of events went.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) wall: Duration,
    /// User and system time of the server.
    pub(crate) cpu: Duration,
    pub(crate) deliveries: u64,
    /// From publishing until the last subscriber has it.
    pub(crate) to_last: Figures,
}

/// How a crowd got in.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Who came.
    pub(crate) count: usize,
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
    pub(crate) stragglers: usize,
    /// Resident memory that the server has more than before, in bytes.
    pub(crate) memory: u64,
}

/// How old events were sent.
#[derive(Debug)]
pub(crate) struct Replay {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
    /// What the generator has spent: where it is as long as the wall clock says, it and
    /// not the server was the limit.
    pub(crate) generator: Duration,
    pub(crate) frames: u64,
}

impl Pace {
    /// How long the next event is still to wait; none when nothing but a delivery can tell.
    fn wait(self, sent: usize, finished: usize, began: Instant) -> Option<Duration> {
        match self {
            Self::Outstanding(most) => (sent - finished < most).then_some(Duration::ZERO),
            Self::PerSecond(rate) => {
                let due = Duration::from_secs_f64(sent as f64 / rate);
                Some(due.saturating_sub(began.elapsed()))
            }
        }
    }
}

impl Series {
    /// Deliveries a second, by the wall clock.
    pub(crate) fn rate(&self) -> f64 {
        self.deliveries as f64 / self.wall.as_secs_f64()
    }

    /// CPU time of one delivery, in microseconds.
    pub(crate) fn cpu_each(&self) -> f64 {
        micros_each(self.cpu, self.deliveries)
    }
}

/// Brings the crowd to `count`, a thousand on their way at a time.
///
/// # Errors
/// When one is not let in.
pub(crate) fn enter(server: &Server, crowd: &mut Crowd, count: usize) -> anyhow::Result<Entry> {
    let path = server.ready().path.clone();
    let (before, cpu, memory) = (crowd.len(), server.cpu()?, server.resident()?);
    let gathering = crowd.gather(&server.doorway(), |_| path.clone(), count, 1000)?;
    Ok(Entry {
        count: count - before,
        wall: gathering.took,
        cpu: server.cpu()?.saturating_sub(cpu),
        stragglers: gathering.stragglers,
        memory: server.resident()?.saturating_sub(memory),
    })
}

/// Publishes `count` events for the whole crowd.
///
/// # Errors
/// When an event does not reach everybody, or reaches somebody twice.
pub(crate) fn publish(
    server: &mut Server,
    crowd: &mut Crowd,
    pace: Pace,
    count: usize,
) -> anyhow::Result<Series> {
    crowd.expect(crowd.len());
    let (cpu, began) = (server.cpu()?, Instant::now());
    let mut published: Vec<Instant> = Vec::with_capacity(count);
    let mut to_last = Figures::default();
    let mut finished = 0;
    while finished < count {
        let mut patience = TURN;
        while published.len() < count {
            match pace.wait(published.len(), finished, began) {
                Some(Duration::ZERO) => {
                    published.push(Instant::now());
                    server.publish(1, 1)?;
                }
                Some(wait) => {
                    patience = patience.min(wait);
                    break;
                }
                None => break,
            }
        }
        crowd.turn(patience)?;
        for at in crowd.finished() {
            to_last.push(at - published[finished]);
            finished += 1;
        }
        ensure!(
            began.elapsed() < PATIENCE,
            "only {finished} of {count} events have reached all {} subscribers",
            crowd.len()
        );
    }
    let wall = began.elapsed();
    let deliveries = (count * crowd.len()) as u64;
    ensure!(crowd.delivered() == deliveries, "events came twice");
    Ok(Series {
        wall,
        cpu: server.cpu()?.saturating_sub(cpu),
        deliveries,
        to_last,
    })
}

/// Publishes events one at a time for `span`, each for one of `groups` groups of the crowd.
///
/// # Errors
/// When an event does not reach its group.
pub(crate) fn publish_to_groups(
    server: &mut Server,
    crowd: &mut Crowd,
    groups: usize,
    span: Duration,
) -> anyhow::Result<Series> {
    crowd.expect(0);
    let each = (crowd.len() / groups) as u64;
    let (cpu, began) = (server.cpu()?, Instant::now());
    let mut to_last = Figures::default();
    let mut count = 0;
    while began.elapsed() < span {
        let published = Instant::now();
        server.publish(group_cik(count % groups), 1)?;
        count += 1;
        let due = each * count as u64;
        wait_for(crowd, |crowd| crowd.delivered() >= due)?;
        to_last.push(published.elapsed());
    }
    let deliveries = each * count as u64;
    ensure!(crowd.delivered() == deliveries, "an event came to others");
    Ok(Series {
        wall: began.elapsed(),
        cpu: server.cpu()?.saturating_sub(cpu),
        deliveries,
        to_last,
    })
}

/// The CIK that a group of subscribers waits for.
pub(crate) fn group_cik(group: usize) -> u64 {
    1_000_000 + group as u64
}

/// Fills the log with `count` events, through one subscriber that tells when they are in.
///
/// # Errors
/// When they do not arrive.
pub(crate) fn fill(server: &mut Server, count: usize) -> anyhow::Result<()> {
    let mut witness = Crowd::new()?;
    enter(server, &mut witness, 1)?;
    witness.expect(0);
    for _ in 0..count / 1000 {
        server.publish(1, 1000)?;
        witness.turn(Duration::ZERO)?;
    }
    server.publish(1, count % 1000)?;
    wait_for(&mut witness, |witness| witness.delivered() >= count as u64)
}

/// Lets `count` subscribers come at once, the one with number `n` having the events up to
/// `after(n)`, and waits until all have those up to `until`.
///
/// # Errors
/// When one is not let in, or events do not arrive.
pub(crate) fn replay(
    server: &Server,
    count: usize,
    after: impl Fn(usize) -> usize,
    until: usize,
) -> anyhow::Result<Replay> {
    let ready = server.ready();
    let prefix = ready.after.clone().unwrap_or_default();
    let mut crowd = Crowd::new()?;
    crowd.expect(0);
    let (cpu, own, began) = (server.cpu()?, own_cpu(), Instant::now());
    let path = |number| ready.path_with(&format!("after={prefix}{}", after(number)));
    crowd.gather(&server.doorway(), path, count, count)?;
    let due = |number| (until - after(number)) as u64;
    wait_for(&mut crowd, |crowd| crowd.all_have(due))?;
    Ok(Replay {
        wall: began.elapsed(),
        cpu: server.cpu()?.saturating_sub(cpu),
        generator: own_cpu().saturating_sub(own),
        frames: crowd.delivered(),
    })
}

fn own_cpu() -> Duration {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(spent).expect("time spent is not negative")
}

/// Lets the crowd read until that is so.
///
/// # Errors
/// When it does not become so in time.
pub(crate) fn wait_for(crowd: &mut Crowd, is_done: impl Fn(&Crowd) -> bool) -> anyhow::Result<()> {
    let began = Instant::now();
    while !is_done(crowd) {
        crowd.turn(TURN)?;
        ensure!(
            began.elapsed() < PATIENCE,
            "after {} deliveries nothing more comes",
            crowd.delivered()
        );
    }
    Ok(())
}

/// One of `count` shares of a time, in microseconds.
pub(crate) fn micros_each(time: Duration, count: u64) -> f64 {
    time.as_secs_f64() * 1e6 / count as f64
}
