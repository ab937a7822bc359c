//! Pages of the catalog, filter by filter, at places chosen by chance.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use bench::events::{Chance, FILERS, day_of};
use filingwire::catalog::{
    Dates,
    query::{Asked, Reading},
};
use protocol::{filter::Filter, seq::Seq};

use super::row;

/// Filings of a page, as where nothing is said.
const LIMIT: usize = 100;

/// How long a page may look, as in the program.
const LOOK: Duration = Duration::from_millis(500);

/// A name for the table, fields, days; `*` in a value is a number by chance.
type Query = (&'static str, &'static [(&'static str, &'static str)], Days);

/// What is asked for.
const QUERIES: [Query; 25] = [
    ("no filter", &[], Days::All),
    ("forms=4, a third", &[("forms", "4")], Days::All),
    (
        "forms=10-KT, a thousandth",
        &[("forms", "10-KT")],
        Days::All,
    ),
    ("forms=N-1A, none", &[("forms", "N-1A")], Days::All),
    ("forms=424B*,10-*", &[("forms", "424B*,10-*")], Days::All),
    ("amendments=only", &[("amendments", "only")], Days::All),
    (
        "amendments=exclude",
        &[("amendments", "exclude")],
        Days::All,
    ),
    ("ciks=1, the busiest", &[("ciks", "1")], Days::All),
    ("ciks, one by chance", &[("ciks", "#")], Days::All),
    ("ciks=999999999, none", &[("ciks", "999999999")], Days::All),
    ("items=2.02", &[("items", "2.02")], Days::All),
    (
        "document_types=EX-99.1",
        &[("document_types", "EX-99.1")],
        Days::All,
    ),
    (
        "document_types=EX-5*",
        &[("document_types", "EX-5*")],
        Days::All,
    ),
    ("sics=2834", &[("sics", "2834")], Days::All),
    ("states=GU,X0", &[("states", "GU,X0")], Days::All),
    ("agents=1, the busiest", &[("agents", "1")], Days::All),
    ("agents=1-05, of a year", &[("agents", "1-05")], Days::All),
    (
        "agents=1-05-000, a thousand",
        &[("agents", "1-05-000")],
        Days::All,
    ),
    ("filed on a day", &[], Days::One),
    ("filed in 500 days", &[], Days::Many),
    (
        "form and filer",
        &[("forms", "8-K"), ("ciks", "#")],
        Days::All,
    ),
    (
        "two common, often together",
        &[("forms", "8-K"), ("sics", "2834")],
        Days::All,
    ),
    (
        "two common, never together",
        &[("forms", "NPORT-P"), ("document_types", "EX-99.1")],
        Days::All,
    ),
    (
        "rare form of a state, a day",
        &[("forms", "S-1"), ("states", "GU")],
        Days::One,
    ),
    (
        "five fields",
        &[
            ("forms", "8-K*,10-*"),
            ("amendments", "exclude"),
            ("sics", "7372,2834"),
            ("states", "CA,NY,TX"),
            ("document_types", "EX-99*"),
        ],
        Days::Many,
    ),
];

#[derive(Clone, Copy)]
enum Days {
    All,
    One,
    Many,
}

/// Asks for `pages` pages of each filter and prints how long they took.
pub(crate) fn measure(path: &Path, filings: u64, pages: usize) -> anyhow::Result<()> {
    let mut reading = Reading::open(path)?;
    let mut chance = Chance(11);
    println!(
        "  {:36} p50, p99, most; filings in a page; ended early",
        "pages of 100 with"
    );
    for (name, fields, days) in QUERIES {
        let mut took = Vec::with_capacity(pages);
        let (mut found, mut early) = (0, 0);
        for place in 0..pages {
            let asked = ask(fields, days, filings, place, &mut chance)?;
            let began = Instant::now();
            let page = reading.page(&asked, began + LOOK)?;
            took.push(began.elapsed());
            found += page.filings.len();
            early += usize::from(page.filings.len() < LIMIT && page.next.is_some());
        }
        took.sort_unstable();
        let part = |percent: usize| millis(took[(took.len() - 1) * percent / 100]);
        let figures = format!("{}, {}, {} ms", part(50), part(99), part(100));
        row(name, &format!("{figures}; {}; {early}", found / pages));
    }
    Ok(())
}

fn ask(
    fields: &[(&str, &str)],
    days: Days,
    filings: u64,
    place: usize,
    chance: &mut Chance,
) -> anyhow::Result<Asked> {
    let cik = chance.skewed(FILERS).to_string();
    let fields = fields.iter().map(|(field, value)| match *value {
        "#" => (*field, cik.as_str()),
        value => (*field, value),
    });
    let day = |filing: u64| Some(day_of(filing, filings));
    let some = chance.below(filings);
    let dates = match days {
        Days::All => Dates::default(),
        Days::One => Dates {
            from: day(some),
            to: day(some),
        },
        Days::Many => Dates {
            from: day(some),
            to: day(some + filings / 22),
        },
    };
    // Every fourth from the newest on, the others from anywhere; days by themselves are a place.
    let anywhere = matches!(days, Days::All) && !place.is_multiple_of(4);
    Ok(Asked {
        filter: Filter::from_lists(fields)?,
        dates,
        before: anywhere.then(|| Seq::new(chance.below(filings * 2) + 1)),
        limit: LIMIT,
    })
}

fn millis(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1e3)
}
