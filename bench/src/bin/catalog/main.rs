//! What it costs to make the catalog of very many filings, and how fast a page of it is.
//!
//! Filings are made as EDGAR's are (`events`): each is seen, and archived a little later. The
//! frames go through the very code that follows the log, read and packed by one thread and
//! written by another, a hundred thousand filings at a time; making them is not in the time.
//! Then every filter asks for pages (`pages`). The table is printed on stdout.
//!
//! ```text
//! cargo run --release -p bench --bin catalog -- --filings 2000000
//! cargo run --release -p bench --bin catalog -- --filings 20000000 --folder /big/disk
//! ```
#![allow(clippy::print_stdout, reason = "the table is the result")]

mod events;
mod pages;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::mpsc::sync_channel,
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;
use clap::Parser;
use events::{Frame, World};
use filingwire::catalog::{batch::Reader, fill::Filling};
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
    /// Pages asked for with each filter
    #[arg(long, default_value_t = 300)]
    pages: usize,
}

/// Filings whose frames are made at a time: some 200 MB.
const PIECE: u64 = 100_000;

/// Events of a batch, as the program reads them.
const BATCH_EVENTS: usize = 16_384;

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let temporary = tempfile::tempdir()?;
    let folder = arguments.folder.as_deref().unwrap_or(temporary.path());
    let path = folder.join("catalog.db");
    println!("{} filings, each seen and archived", arguments.filings);
    build(&path, arguments.filings)?;
    row("size on disk", &megabytes(size(&path)?));
    let each = size(&path)? as f64 / arguments.filings as f64;
    row("of it for each filing", &format!("{each:.0} bytes"));
    pages::measure(&path, arguments.filings, arguments.pages)
}

fn build(path: &Path, filings: u64) -> anyhow::Result<()> {
    let epoch = Epoch::parse("bench")?;
    let mut filling = Filling::open(path, &epoch, Seq::ZERO)?;
    let mut reader = Reader::new()?;
    let mut world = World::new(&epoch, filings);
    let (mut took, mut spent, mut bytes) = (Duration::ZERO, Duration::ZERO, 0);
    let mut said = Instant::now();
    for done in (0..filings).step_by(PIECE as usize) {
        let frames = world.events(PIECE.min(filings - done));
        bytes += frames
            .iter()
            .map(|(_, frame)| frame.len() as u64)
            .sum::<u64>();
        let (began, cpu_began) = (Instant::now(), cpu());
        take(&mut filling, &mut reader, &frames)?;
        took += began.elapsed();
        spent += cpu() - cpu_began;
        if said.elapsed() > Duration::from_secs(20) {
            eprintln!("{done} filings, {:.0} a second", rate(done, took));
            said = Instant::now();
        }
    }
    let (began, cpu_began) = (Instant::now(), cpu());
    filling.commit()?;
    took += began.elapsed();
    spent += cpu() - cpu_began;
    row("frames of the log", &megabytes(bytes));
    let figure = format!("{:.0} filings a second", rate(filings, took));
    row(
        "made from nothing",
        &format!("{:.1} s, {figure}", took.as_secs_f64()),
    );
    let figure = format!(
        "{:.1} µs for each filing",
        spent.as_secs_f64() * 1e6 / filings as f64
    );
    row(
        "of it CPU",
        &format!("{:.1} s, {figure}", spent.as_secs_f64()),
    );
    row("most memory", &memory()?);
    Ok(())
}

/// As the program follows its log: one thread reads and packs, another writes.
fn take(filling: &mut Filling, reader: &mut Reader, frames: &[Frame]) -> anyhow::Result<()> {
    let (batches, taken) = sync_channel(1);
    thread::scope(|scope| {
        let reading = scope.spawn(move || -> anyhow::Result<()> {
            for some in frames.chunks(BATCH_EVENTS) {
                batches.send(reader.read(some.iter().cloned())?)?;
            }
            Ok(())
        });
        for batch in taken {
            filling.take(batch)?;
        }
        reading.join().expect("reading does not panic")
    })
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

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
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
