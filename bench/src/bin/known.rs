//! What it costs to know every filing, and to write and compare inventories of them.
//!
//! Accessions are made as EDGAR's are: thirty thousand submitters, few of whom send most,
//! serials that count up with small gaps in each year. Each part runs in a process of its
//! own, so that its memory is its own. The table is printed on stdout.
//!
//! ```text
//! cargo run --release -p bench --bin known
//! cargo run --release -p bench --bin known -- --millions 1
//! ```
#![allow(clippy::print_stdout, reason = "the table is the result")]

use std::{
    fs::File,
    hint::black_box,
    io::BufReader,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use archive::key::Key;
use clap::{Parser, ValueEnum};
use daily::{
    inventory::{Reader, Writer},
    listing::Listed,
};
use filingwire::known::{Known, Snapshot, SnapshotFile};
use protocol::{
    accession::Accession,
    cik::Cik,
    filing::{Objects, Source, StoredObject},
    seq::{Epoch, Seq},
};
use rustix::time::{ClockId, clock_gettime};

/// Measure what it costs to know every filing
#[derive(Debug, Parser)]
struct Arguments {
    /// Millions of filings; 1, 5 and 20 unless given
    #[arg(long)]
    millions: Vec<u64>,
    /// Only this part, here, in the folder
    #[arg(long, hide = true, requires = "folder")]
    part: Option<Part>,
    #[arg(long, hide = true)]
    folder: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Part {
    /// From nothing, one filing after the other, then the snapshot
    Build,
    /// The snapshot, then a day of filings
    Start,
    /// An inventory of all: written, read, compared with a bucket's list
    Inventory,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let millions = match &*arguments.millions {
        [] => &[1, 5, 20],
        some => some,
    };
    if let (Some(part), Some(folder)) = (arguments.part, &arguments.folder) {
        return run(part, folder, millions[0] * 1_000_000);
    }
    for millions in millions {
        println!("{millions} million filings");
        let folder = tempfile::tempdir()?;
        for part in Part::value_variants() {
            run_alone(*part, folder.path(), *millions)?;
        }
    }
    Ok(())
}

fn run_alone(part: Part, folder: &Path, millions: u64) -> anyhow::Result<()> {
    let name = part.to_possible_value().context("every part has a name")?;
    let status = Command::new(std::env::current_exe()?)
        .args([
            "--part",
            name.get_name(),
            "--millions",
            &millions.to_string(),
        ])
        .arg("--folder")
        .arg(folder)
        .status()?;
    ensure!(status.success(), "the part `{}` failed", name.get_name());
    Ok(())
}

fn run(part: Part, folder: &Path, filings: u64) -> anyhow::Result<()> {
    match part {
        Part::Build => build(folder, filings)?,
        Part::Start => start(folder, filings)?,
        Part::Inventory => inventory(folder, filings)?,
    }
    row("most memory in this process", &memory("VmHWM")?);
    Ok(())
}

fn build(folder: &Path, filings: u64) -> anyhow::Result<()> {
    let mut known = Known::default();
    let objects = objects();
    let (mut spent, mut longest) = (Duration::ZERO, Duration::ZERO);
    for (year, accessions) in years(filings) {
        for accession in accessions {
            let began = Instant::now();
            known.sighted(accession, Source::Atom, Seq::new(known.len() as u64 + 1));
            known.archived(
                accession,
                &objects,
                year > 2009 && accession.serial() % 9 == 0,
            );
            let took = began.elapsed();
            spent += took;
            longest = longest.max(took);
        }
    }
    row("known from nothing, two changes each", &seconds(spent));
    row("the longest two changes", &millis(longest));
    let view = timed("clone: the updater's pause", || known.clone());
    drop(view);
    row("memory", &memory("VmRSS")?);
    let snapshot = Snapshot {
        covers: Seq::new(filings * 2),
        known,
        ..Snapshot::default()
    };
    let bytes = timed("snapshot written", || file(folder).write(&snapshot))?;
    row("snapshot", &megabytes(bytes));
    Ok(())
}

fn start(folder: &Path, filings: u64) -> anyhow::Result<()> {
    let snapshot = timed("snapshot read", || file(folder).read(Seq::new(filings * 2)))?;
    let mut known = snapshot.known;
    row("memory", &memory("VmRSS")?);
    let day: Vec<Accession> = years(filings)
        .flat_map(|(_, year)| year)
        .step_by((filings / 10_000) as usize)
        .collect();
    row("most memory before the day", &memory("VmHWM")?);
    let found = timed("a day of 10,000 found", || {
        day.iter().filter(|a| known.standing(**a).is_some()).count()
    });
    ensure!(found == day.len(), "{found} found");
    let new = timed("a day of 10,000 that is new", || {
        let next = |n: u32| Accession::new(Cik::new(1_000_000 + u64::from(n % 997) * 700), 27, n);
        let next = (0..10_000).filter_map(next);
        next.filter(|a| known.sighted(*a, Source::DailyIndex, Seq::new(1)))
            .count()
    });
    ensure!(new == 10_000, "{new} new");
    let all = timed("all of them walked", || known.filings().count());
    ensure!(all as u64 > filings * 9 / 10, "{all} filings");
    Ok(())
}

fn inventory(folder: &Path, filings: u64) -> anyhow::Result<()> {
    let known = file(folder).read(Seq::new(filings * 2))?.known;
    let accessions = || known.filings().map(|(accession, _)| accession);
    let path = folder.join("inventory");
    timed("inventory written", || -> anyhow::Result<()> {
        let mut writer = Writer::new(File::create(&path)?)?;
        for accession in accessions() {
            writer.push(accession)?;
        }
        writer.finish()?;
        Ok(())
    })?;
    row("inventory", &megabytes(path.metadata()?.len()));
    let key = Key::parse("inventory")?;
    let same = timed("inventory read and compared", || {
        let reader = Reader::new(&key, BufReader::new(File::open(&path)?))?;
        anyhow::Ok(reader.flatten().eq(accessions()))
    })?;
    ensure!(same, "the inventory reads otherwise");
    compare(&known);
    Ok(())
}

fn compare(known: &Known) {
    let mut listed = Listed::new("sgml-archive");
    let mut spent = Duration::ZERO;
    // Batches from both ends in turn: a list in no order.
    let numbers: Vec<Accession> = known.filings().map(|(accession, _)| accession).collect();
    row(
        "of its memory, the bench's own list",
        &megabytes(numbers.len() as u64 * 8),
    );
    let half = numbers.len() / 2;
    for (low, high) in numbers[..half]
        .chunks(1000)
        .zip(numbers[half..].rchunks(1000))
    {
        for accession in high.iter().chain(low) {
            let key = Key::parse(&format!("sgml-archive/{}.sgml", accession.compact()));
            let began = cpu();
            listed.take(&key.expect("digits are a key"));
            spent += cpu() - began;
        }
    }
    row(
        "keys of a list taken, CPU with the clock's",
        &seconds(spent),
    );
    let differences = timed("list sorted and compared", || {
        listed.compare(numbers.iter().copied()).count()
    });
    black_box(differences);
}

/// Accessions by year, shuffled within it, as they come in. About as many as `filings`.
fn years(filings: u64) -> impl Iterator<Item = (u16, Vec<Accession>)> {
    const YEARS: u64 = 32;
    (0..YEARS).map(move |year| {
        let mut accessions = year_of(1995 + year as u16, filings / YEARS);
        let mut chance = Chance(year + 1);
        for place in (1..accessions.len()).rev() {
            accessions.swap(place, chance.below(place as u64 + 1) as usize);
        }
        (1995 + year as u16, accessions)
    })
}

/// The filings of a year: the submitter of rank `r` sends a share of about `1 / (r + 10)`.
fn year_of(year: u16, filings: u64) -> Vec<Accession> {
    const SUBMITTERS: u64 = 30_000;
    let share = |rank: u64| 1.0 / (rank + 10) as f64;
    let all: f64 = (0..SUBMITTERS).map(share).sum();
    let mut chance = Chance(u64::from(year));
    let mut accessions = Vec::with_capacity(filings as usize);
    let mut owed = 0.0;
    for rank in 0..SUBMITTERS {
        owed += share(rank) / all * filings as f64;
        let submitter = Cik::new(1_000 + rank * 7_919 % SUBMITTERS * 63);
        let mut serial = 0;
        while owed >= 1.0 && accessions.len() < filings as usize {
            serial += 1 + chance.below(4).saturating_sub(1) as u32;
            accessions.extend(Accession::new(submitter, (year % 100) as u8, serial));
            owed -= 1.0;
        }
    }
    accessions
}

/// Numbers that look like chance and are the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)) % limit
    }
}

fn objects() -> Objects {
    let object = StoredObject {
        key: String::new(),
        bytes: 0,
        sha256: String::new(),
        original_sha256: None,
    };
    Objects {
        sgml: Some(object.clone()),
        tar: Some(object),
        xbrl: None,
    }
}

fn file(folder: &Path) -> SnapshotFile {
    SnapshotFile::new(folder, &Epoch::from_chance(0))
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let (began, cpu_began) = (Instant::now(), cpu());
    let done = work();
    let (took, spent) = (began.elapsed(), cpu() - cpu_began);
    row(what, &format!("{}, {} CPU", millis(took), millis(spent)));
    done
}

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn memory(what: &str) -> anyhow::Result<String> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(what));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
    let kilobytes: u64 = kilobytes.context("no such line")?.parse()?;
    Ok(megabytes(kilobytes * 1024))
}

fn row(what: &str, figure: &str) {
    println!("  {what:44} {figure}");
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
