//! What it costs to make the catalog of very many filings, and how fast a page of it is.
//!
//! Filings are made as EDGAR's are (`bench::events`): each is seen, and archived a little later. The
//! frames go through the very code that follows the log, read by one thread and written
//! by another, some at a time; making them is not in the time.
//! Then every filter asks for pages (`pages`). The table is printed on stdout.
//!
//! ```text
//! cargo run --release -p bench --bin catalog -- --filings 2000000
//! cargo run --release -p bench --bin catalog -- --filings 20000000 --folder /big/disk
//! cargo run --release -p bench --bin catalog -- --filings 20000000 --folder /big/disk --made
//! cargo run --release -p bench --bin catalog -- --filings 20000000 --folder /big/disk --more 2000000
//! ```
#![allow(clippy::print_stdout, reason = "the table is the result")]

mod pages;

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;
use bench::events::{Frame, World};
use clap::Parser;
use filingwire::catalog::{
    batch::Batch,
    fill::Filling,
    handover::{Stretch, handover},
};
use protocol::seq::{Epoch, Seq};
use rustix::time::{ClockId, clock_gettime};

/// Measure the catalog
#[derive(Debug, Parser)]
struct Arguments {
    /// How many filings
    #[arg(long, default_value_t = 2_000_000)]
    filings: u64,
    /// Where the file is made; a temporary folder unless given
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Ask for pages of the file that such a run has left in the folder
    #[arg(long, requires = "folder")]
    made: bool,
    /// Make so many more behind those that such a run has left in the folder
    #[arg(long, requires = "folder", conflicts_with = "made")]
    more: Option<u64>,
    /// Pages asked for with each filter
    #[arg(long, default_value_t = 300)]
    pages: usize,
}

/// Filings whose frames are made at a time: some 400 MB.
const PIECE: u64 = 200_000;

/// Events of a batch, as the program reads them.
const BATCH_EVENTS: usize = 4096;

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let temporary = tempfile::tempdir()?;
    let folder = arguments.folder.as_deref().unwrap_or(temporary.path());
    let path = folder.join("catalog.db");
    println!("{} filings, each seen and archived", arguments.filings);
    match arguments.more {
        // Whatever is there is not ahead of this.
        Some(more) => build(&path, Seq::new(1 << 62), more)?,
        None if !arguments.made => build(&path, Seq::ZERO, arguments.filings)?,
        None => {}
    }
    row("size on disk", &megabytes(size(&path)?));
    let each = size(&path)? as f64 / arguments.filings as f64;
    row("of it for each filing", &format!("{each:.0} bytes"));
    pages::measure(&path, arguments.filings, arguments.pages)
}

/// What it took, the making of the frames left out.
#[derive(Default)]
struct Cost {
    wall: Duration,
    /// CPU of the thread that reads, and of the one that packs and writes.
    reading: Duration,
    writing: Duration,
}

/// Makes filings behind those of a file, which is begun anew when it is ahead of `tip`.
fn build(path: &Path, tip: Seq, filings: u64) -> anyhow::Result<()> {
    let epoch = Epoch::parse("bench")?;
    let mut filling = Filling::open(path, &epoch, tip)?;
    let mut world = match filling.through() {
        Seq::ZERO => World::new(&epoch, filings),
        through => World::behind(&epoch, through, filings),
    };
    let (mut cost, mut bytes) = (Cost::default(), 0);
    let mut said = Instant::now();
    for done in (0..filings).step_by(PIECE as usize) {
        let frames = world.events(PIECE.min(filings - done));
        bytes += frames
            .iter()
            .map(|(_, frame)| frame.len() as u64)
            .sum::<u64>();
        cost.take(&mut filling, &frames)?;
        if said.elapsed() > Duration::from_secs(20) {
            eprintln!("{done} filings, {:.0} a second", rate(done, cost.wall));
            said = Instant::now();
        }
    }
    cost.of(|| filling.commit())?;
    row("frames of the log", &megabytes(bytes));
    cost.tell(filings);
    row("most memory", &memory()?);
    Ok(())
}

impl Cost {
    /// As the program follows its log: one thread reads, another packs and writes.
    fn take(&mut self, filling: &mut Filling, frames: &[Frame]) -> anyhow::Result<()> {
        let (mut giver, taken) = handover()?;
        let reading = self.of(|| {
            thread::scope(|scope| {
                let reading = scope.spawn(move || -> anyhow::Result<Duration> {
                    for some in frames.chunks(BATCH_EVENTS) {
                        let batch = Batch::of(some.iter().cloned())?;
                        let is_last = false;
                        if !giver.give(Stretch { batch, is_last })? {
                            break;
                        }
                    }
                    Ok(cpu())
                });
                for stretch in taken {
                    filling.take(stretch.batch)?;
                }
                reading.join().expect("reading does not panic")
            })
        })?;
        self.reading += reading;
        Ok(())
    }

    /// Counts what this thread does.
    fn of<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let (began, cpu_began) = (Instant::now(), cpu());
        let done = work();
        self.wall += began.elapsed();
        self.writing += cpu() - cpu_began;
        done
    }

    fn tell(&self, filings: u64) {
        let micros = |time: Duration| time.as_secs_f64() * 1e6 / filings as f64;
        let figure = format!("{:.0} filings a second", rate(filings, self.wall));
        row(
            "made from nothing",
            &format!("{:.1} s, {figure}", self.wall.as_secs_f64()),
        );
        let (reading, writing) = (micros(self.reading), micros(self.writing));
        row(
            "CPU for each filing",
            &format!("{reading:.1} µs to read, {writing:.1} to write, packing in both"),
        );
    }
}

fn rate(filings: u64, took: Duration) -> f64 {
    filings as f64 / took.as_secs_f64().max(1e-9)
}

fn size(path: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for suffix in ["", "-wal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        bytes += fs::metadata(name).map_or(0, |file| file.len());
    }
    Ok(bytes)
}

/// What this thread has used.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn memory() -> anyhow::Result<String> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
    let kilobytes: u64 = kilobytes.context("no such line")?.parse()?;
    Ok(format!(
        "{}, the frames of the bench in it",
        megabytes(kilobytes * 1024)
    ))
}

fn row(what: &str, figure: &str) {
    println!("  {what:36} {figure}");
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
