//! Whole days of EDGAR on which everything goes wrong, and afterwards all books agree.
//!
//! The simulated EDGAR runs through days in seconds, with faults of its own (`scene`). On our
//! side the program is killed at any moment and at named points, its bucket is away, its disk
//! has no room, EDGAR shuts it out (`weather`). Filings of every rare kind arrive (`filings`). Subscribers with different filters come and go
//! by every transport (`audience`). Then the log, the archive, the seals, the event files, the
//! inventories and what the subscribers got are compared with the simulator's ledger (`audit`):
//! nothing lost, nothing doubled, no byte wrong. Every fault is proven to have fired (`fired`).
//!
//! `cargo test` takes two days of one seed and of each kept one; `tests/oracle` takes more.
//!
//! Invariant: a seed that failed is written into `oracle/kept`, and its files stay.

mod audience;
mod audit;
mod filings;
mod fired;
mod pulse;
mod scene;
mod span;
mod weather;

use std::{
    env,
    fmt::Debug,
    fs::{File, read_to_string},
    io::Write,
    ops::RangeInclusive,
    panic::{AssertUnwindSafe, catch_unwind},
    str::FromStr,
    sync::Mutex,
    thread,
};

use tokio::runtime::Runtime;

use self::{audience::Audience, audit::Audit, fired::Fired, scene::Scene, span::Span};
use crate::harness::{books::Books, shelves};

/// Seeds that failed once, a line each: `SEED DAYS` and what it was.
const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/promises/oracle/kept");

/// From so many days on, all seeds together, even the rarest fault must have fired.
const MANY_DAYS: i32 = 60;

/// What is asked for by the environment.
#[derive(Debug, Clone, Copy)]
struct Asked {
    first_seed: u64,
    last_seed: u64,
    /// On which filings arrive; late ones come up to two weeks later.
    days: i32,
    /// Real seconds of a business day.
    day: f64,
    /// Seeds at a time.
    jobs: usize,
}

impl Asked {
    fn from_environment() -> Self {
        let seeds = env::var("ORACLE_SEEDS").unwrap_or_else(|_| "1".to_owned());
        let (first, last) = seeds.split_once('-').unwrap_or((&seeds, &seeds));
        let seed = |text: &str| text.parse().expect("ORACLE_SEEDS is a seed or two, 1-20");
        Self {
            first_seed: seed(first),
            last_seed: seed(last),
            days: number("ORACLE_DAYS", 2),
            day: number::<f64>("ORACLE_DAY_MS", 3_000.0) / 1_000.0,
            jobs: number("ORACLE_JOBS", 2),
        }
    }

    fn seeds(self) -> RangeInclusive<u64> {
        self.first_seed..=self.last_seed
    }

    /// Kept seeds first.
    fn turns(self) -> Vec<u64> {
        let kept = read_to_string(KEPT).unwrap_or_default();
        let seed_of = |line: &str| line.split(' ').next().and_then(|word| word.parse().ok());
        let mut turns: Vec<u64> = kept.lines().filter_map(seed_of).collect();
        turns.extend(self.seeds());
        turns.sort_unstable();
        turns.dedup();
        turns
    }
}

fn number<T: FromStr<Err: Debug>>(name: &str, otherwise: T) -> T {
    env::var(name).map_or(otherwise, |text| text.parse().expect(name))
}

/// What came of all seeds.
#[derive(Debug, Default)]
struct Sum {
    fired: Fired,
    failed: Vec<u64>,
}

#[test]
fn days_on_which_everything_goes_wrong_leave_all_books_in_agreement() {
    let asked = Asked::from_environment();
    let turns = asked.turns();
    let days = asked.days * turns.len() as i32;
    let (turns, sum) = (Mutex::new(turns.into_iter()), Mutex::new(Sum::default()));

    thread::scope(|together| {
        for _ in 0..asked.jobs {
            together.spawn(|| work(asked, &turns, &sum));
        }
    });

    let Sum { fired, failed } = sum.into_inner().unwrap();
    println!("all seeds:\n{fired}");
    assert!(failed.is_empty(), "seeds {failed:?} failed and are kept");
    if days >= MANY_DAYS {
        fired.check(&scene::every_fault());
    }
}

/// Runs one seed after the other of what is left, each in a thread that may panic.
fn work(asked: Asked, turns: &Mutex<impl Iterator<Item = u64>>, sum: &Mutex<Sum>) {
    loop {
        let Some(seed) = turns.lock().unwrap().next() else {
            return;
        };
        let days_pass = thread::spawn(move || Runtime::new().unwrap().block_on(run(seed, asked)));
        match days_pass.join() {
            Ok(fired) => sum.lock().unwrap().fired.add(&fired),
            Err(_) => {
                sum.lock().unwrap().failed.push(seed);
                keep(seed, asked.days);
            }
        }
    }
}

fn keep(seed: u64, days: i32) {
    let kept = read_to_string(KEPT).unwrap_or_default();
    if !kept
        .lines()
        .any(|line| line.starts_with(&format!("{seed} ")))
    {
        let mut file = File::options()
            .create(true)
            .append(true)
            .open(KEPT)
            .unwrap();
        writeln!(file, "{seed} {days}").unwrap();
    }
}

/// All days of one seed; what went wrong on them.
async fn run(seed: u64, asked: Asked) -> Fired {
    let span = Span::of(seed, asked.days);
    let mut scene = Scene::start(seed, span, asked.day).await;
    let audience = Audience::gather(seed, scene.door(), &scene.key);
    let (mut fired, ()) = tokio::join!(weather::pass(seed, &scene), filings::arrive(&scene));
    let mut server = scene.settle().await;
    let books = Books::read(&server).await;
    let notes = audience.leave(books.head()).await;
    assert!(server.stop().await.success(), "{:#?}", server.lines());
    scene.end(server);

    fired.add(&scene.fired());
    println!("seed {seed}, {span}: {}\n{fired}", books.summary());
    let audit = Audit::new(&books, &scene);
    let checks: [(&str, &dyn Fn()); 9] = [
        ("subscribers", &|| {
            notes.iter().for_each(|notes| notes.check(&books))
        }),
        ("order", &|| audit.check_order()),
        ("seen", &|| audit.check_seen()),
        ("archived", &|| audit.check_archived()),
        ("withdrawn", &|| audit.check_withdrawn()),
        ("seals", &|| audit.check_seals()),
        ("outages", &|| audit.check_outages()),
        ("shelves", &|| shelves::check(&scene.archive(), &books)),
        ("manners", &|| scene.check_manners()),
    ];
    let disagree = |check: &dyn Fn()| catch_unwind(AssertUnwindSafe(check)).is_err();
    let failed = checks.iter().filter(|(_, check)| disagree(check));
    let failed: Vec<&str> = failed.map(|(book, _)| *book).collect();
    assert!(failed.is_empty(), "seed {seed}: these disagree: {failed:?}");
    fired.check(scene::SURE);
    fired.check(weather::SURE);
    scene.clear_away();
    println!("seed {seed}: all books agree");
    fired
}
