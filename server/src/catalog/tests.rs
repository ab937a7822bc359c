//! The catalog beside a plain list of the log: same filings, same order, whatever comes when.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use bytes::Bytes;
use proptest::{prelude::*, sample::select};
use protocol::{
    accession::Accession,
    cik::Cik,
    event::{Body, Event, EventType},
    filing::{Document, Filer, Filing, Source},
    filter::{Facts, Filter},
    seq::{Epoch, Seq},
    time::Date,
};

use super::{
    Asked, Dates, FILE,
    batch::Batch,
    fill::Filling,
    query::{Page, Reading},
    schema,
    testing::{archived, epoch, frame, seen, withdrawn},
    told::Packer,
};

type Frame = (Seq, Bytes);

fn file(dir: &tempfile::TempDir) -> PathBuf {
    dir.path().join(FILE)
}

/// Reads what the file does not have of the log, in stretches of that length.
fn fill(file: &Path, epoch: &Epoch, log: &[Frame], stretch: usize) {
    let tip = log.last().map_or(Seq::ZERO, |(seq, _)| *seq);
    let mut filling = Filling::open(file, epoch, tip).unwrap();
    let through = filling.through();
    let left: Vec<&Frame> = log.iter().filter(|(seq, _)| *seq > through).collect();
    for (number, frames) in left.chunks(stretch).enumerate() {
        let mut batch = Batch::of(frames.iter().map(|frame| (*frame).clone())).unwrap();
        if number % 3 == 1 {
            // As where who writes is busy.
            batch.pack(&mut Packer::new().unwrap()).unwrap();
        }
        filling.take(batch).unwrap();
        if number % 2 == 0 {
            filling.commit().unwrap();
        }
    }
    filling.commit().unwrap();
}

fn page(file: &Path, asked: &Asked) -> Page {
    let until = Instant::now() + Duration::from_secs(20);
    Reading::open(file).unwrap().page(asked, until).unwrap()
}

/// All filings that are asked for, page by page.
fn all(file: &Path, asked: &Asked) -> Vec<Accession> {
    let (mut asked, mut found) = (asked.clone(), Vec::new());
    loop {
        let page = page(file, &asked);
        assert!(page.filings.len() <= asked.limit);
        found.extend(page.filings.iter().map(|found| found.filing.accession));
        let Some(next) = page.next else { return found };
        assert!(asked.before.is_none_or(|before| next < before));
        asked.before = Some(next);
    }
}

fn everything() -> Asked {
    Asked {
        limit: 7,
        ..Asked::default()
    }
}

/// What a reader of the log would find, newest first.
fn expected(log: &[Frame], filter: &Filter, dates: &Dates) -> Vec<Accession> {
    let mut newest: BTreeMap<Accession, (Seq, &Bytes)> = BTreeMap::new();
    for (seq, frame) in log {
        let event = Event::from_frame(frame).unwrap();
        let accession = event.body.filing().unwrap().accession;
        match event.body.event_type() {
            EventType::FilingSeen => drop(newest.insert(accession, (*seq, frame))),
            EventType::FilingArchived => newest.get_mut(&accession).unwrap().1 = frame,
            _ => {}
        }
    }
    let wanted = |frame: &Bytes| {
        let filed_on = Event::from_frame(frame)
            .unwrap()
            .body
            .filing()
            .unwrap()
            .filed_on;
        let is_after = |from: Date| filed_on.is_some_and(|day| day >= from);
        let is_before = |to: Date| filed_on.is_some_and(|day| day <= to);
        filter.wants(&Facts::of_frame(frame).unwrap())
            && dates.from.is_none_or(is_after)
            && dates.to.is_none_or(is_before)
    };
    let mut found: Vec<_> = newest.into_iter().filter(|(_, (_, f))| wanted(f)).collect();
    found.sort_by_key(|(_, (seq, _))| std::cmp::Reverse(*seq));
    found.into_iter().map(|(accession, _)| accession).collect()
}

const FORMS: [&str; 7] = ["8-K", "8-K/A", "4", "424B2", "424B5", "10-K", "S-1/A"];
const DAYS: [&str; 5] = [
    "2024-12-31",
    "2025-01-01",
    "2026-02-28",
    "2026-03-03",
    "2026-03-04",
];

prop_compose! {
    fn some_filing()(
        submitter in 1_u64..4, year in 25_u8..27, serial in 0_u32..40,
        form in select(&FORMS[..]), day in prop::option::of(select(&DAYS[..])),
        ciks in prop::collection::vec(1_u64..9, 1..4),
        items in prop::collection::vec(select(&["2.02", "9.01", "06b"][..]), 0..3),
        sic in prop::option::of(select(&["3569", "7372", "none"][..])),
        state in prop::option::of(select(&["NY", "wa", "X0", "??"][..])),
        types in prop::collection::vec(select(&["8-K", "EX-99.1", "ex-99.2", "GRAPHIC"][..]), 0..4),
    ) -> Filing {
        let accession = Accession::new(Cik::new(submitter), year, serial * 2_600).unwrap();
        let at = "2026-03-03T21:04:58.151Z".parse().unwrap();
        let mut filing = Filing::new(accession, form.parse().unwrap(), Source::Atom, at);
        filing.filed_on = day.map(|day| day.parse().unwrap());
        filing.items = items.into_iter().map(str::to_owned).collect();
        filing.filers = ciks.into_iter().map(|cik| Filer {
            sic: sic.map(str::to_owned),
            state: state.map(str::to_owned),
            ..Filer::new(Cik::new(cik), "A", None)
        }).collect();
        filing.documents = types.into_iter().zip(1..).map(|(document_type, ordinal)| Document {
            ordinal, sequence: None, document_type: document_type.to_owned(),
            filename: String::new(), description: None, size_bytes: 0,
        }).collect();
        filing
    }
}

/// A log as the updater writes it: seen once, then archived or withdrawn.
fn log_of(told: Vec<(Filing, bool)>) -> Vec<Frame> {
    let mut known = std::collections::BTreeSet::new();
    let mut log = Vec::new();
    for (filing, gone) in told {
        let body = match (known.insert(filing.accession), gone) {
            (true, _) => Body::FilingSeen(Filing {
                documents: Vec::new(),
                ..filing
            }),
            (false, false) => Body::FilingArchived(filing),
            (false, true) => Body::FilingWithdrawn(filing),
        };
        log.push(frame(super::testing::event(log.len() as u64 + 1, body)));
    }
    log
}

const FIELDS: [(&str, &[&str]); 8] = [
    ("forms", &["8-K", "8-K*", "424B*", "4,10-K", "*", "N-1A"]),
    ("amendments", &["include", "exclude", "only"]),
    ("ciks", &["1", "2,3", "999"]),
    ("items", &["2.02", "9.01,06B"]),
    ("document_types", &["EX-99*", "8-K", "GRAPHIC,EX-99.1", "*"]),
    ("sics", &["3569", "7372,0100"]),
    ("states", &["NY", "WA,X0"]),
    (
        "agents",
        &[
            "1",
            "2-26",
            "3-25-0",
            "1,2-25-00",
            "1-26-0,2-26-0,3-26-0,3-25-0",
        ],
    ),
];

fn some_filter() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    let field = |(name, lists): (&'static str, &'static [&'static str])| {
        select(lists).prop_map(move |list| (name, list))
    };
    prop::sample::subsequence(&FIELDS[..], 0..4)
        .prop_flat_map(move |some| some.into_iter().map(field).collect::<Vec<_>>())
}

fn some_dates() -> impl Strategy<Value = Dates> {
    let day =
        || prop::option::weighted(0.3, select(&DAYS[..]).prop_map(|day| day.parse().unwrap()));
    (day(), day()).prop_map(|(from, to)| Dates { from, to })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn pages_hold_what_the_filter_wants_of_the_log_newest_first(
        told in prop::collection::vec((some_filing(), prop::bool::weighted(0.1)), 1..250),
        asked in prop::collection::vec((some_filter(), some_dates(), 1_usize..40), 8),
        cut in 0_usize..250,
        stretch in 1_usize..80,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let log = log_of(told);
        fill(&file(&dir), &epoch(), &log[..cut.min(log.len())], stretch);
        fill(&file(&dir), &epoch(), &log, stretch);

        for (fields, dates, limit) in asked {
            let Ok(filter) = Filter::from_lists(fields.clone()) else { continue };
            let wanted = expected(&log, &filter, &dates);
            let asked = Asked { filter, dates, before: None, limit };

            prop_assert_eq!(all(&file(&dir), &asked), wanted, "{:?}", fields);
        }
    }
}

#[test]
fn a_file_that_was_deleted_is_made_again_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let log: Vec<Frame> = (1..=60)
        .map(|n| seen(n, n as u32, "8-K"))
        .map(frame)
        .collect();
    let more = (61..=90)
        .map(|n| archived(n, n as u32 - 60, "8-K"))
        .map(frame);
    let log: Vec<Frame> = log.into_iter().chain(more).collect();
    for cut in 0..90 {
        fill(&file(&dir), &epoch(), &log[..cut], 7);
    }
    fill(&file(&dir), &epoch(), &log, 7);
    let before = page(
        &file(&dir),
        &Asked {
            limit: 1_000,
            ..everything()
        },
    );

    fs::remove_file(file(&dir)).unwrap();
    fill(&file(&dir), &epoch(), &log, 50);

    let after = page(
        &file(&dir),
        &Asked {
            limit: 1_000,
            ..everything()
        },
    );
    assert_eq!(
        (before.filings, before.through),
        (after.filings, after.through)
    );
}

#[test]
fn a_file_of_no_use_is_made_anew() {
    let log: Vec<Frame> = (1..=9)
        .map(|n| seen(n, n as u32, "8-K"))
        .map(frame)
        .collect();
    let other = Epoch::parse("other").unwrap();
    let spoil: [fn(&Path); 4] = [
        |_| {},
        |file| fs::write(file, [7; 9_000]).unwrap(),
        |file| fs::write(file, "").unwrap(),
        |file| {
            let connection = rusqlite::Connection::open(file).unwrap();
            connection.pragma_update(None, "user_version", 99).unwrap();
        },
    ];
    for spoil in spoil {
        let dir = tempfile::tempdir().unwrap();
        fill(&file(&dir), &other, &log, 4);
        spoil(&file(&dir));

        fill(&file(&dir), &epoch(), &log[..5], 4);

        assert_eq!(all(&file(&dir), &everything()).len(), 5);
    }
}

#[test]
fn a_file_that_knows_more_than_its_log_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let log: Vec<Frame> = (1..=9)
        .map(|n| seen(n, n as u32, "8-K"))
        .map(frame)
        .collect();
    fill(&file(&dir), &epoch(), &log, 4);

    fill(&file(&dir), &epoch(), &log[..5], 4);

    assert_eq!(page(&file(&dir), &everything()).through, Seq::new(5));
}

#[test]
fn what_was_not_committed_is_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let log: Vec<Frame> = (1..=9)
        .map(|n| seen(n, n as u32, "8-K"))
        .map(frame)
        .collect();
    fill(&file(&dir), &epoch(), &log[..3], 4);
    let mut filling = Filling::open(&file(&dir), &epoch(), Seq::new(9)).unwrap();
    let batch = Batch::of(log[3..].to_vec()).unwrap();
    filling.take(batch).unwrap();
    drop(filling);

    let through = page(&file(&dir), &everything()).through;
    fill(&file(&dir), &epoch(), &log, 4);

    assert_eq!(through, Seq::new(3));
    assert_eq!(all(&file(&dir), &everything()).len(), 9);
}

/// Takes what the file does not have, in stretches, as one that is far behind; ends without
/// a word after so many of them.
fn fill_and_crash(file: &Path, log: &[Frame], stretch: usize, most: usize) -> Filling {
    let tip = log.last().map_or(Seq::ZERO, |(seq, _)| *seq);
    let filling = Filling::open(file, &epoch(), tip).unwrap();
    let mut filling = filling.in_small_steps();
    let through = filling.through();
    let left: Vec<Frame> = log
        .iter()
        .filter(|(seq, _)| *seq > through)
        .cloned()
        .collect();
    for frames in left.chunks(stretch).take(most) {
        filling.take(Batch::of(frames.to_vec()).unwrap()).unwrap();
    }
    filling
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_catalog_that_was_far_behind_and_crashed_becomes_the_same(
        told in prop::collection::vec((some_filing(), prop::bool::weighted(0.1)), 1..250),
        crashes in prop::collection::vec((1_usize..20, 0_usize..60), 0..5),
        stretch in 1_usize..20,
    ) {
        let (whole, broken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let log = log_of(told);
        fill(&file(&whole), &epoch(), &log, 500);
        for (stretch, most) in crashes {
            fill_and_crash(&file(&broken), &log, stretch, most);
        }
        fill_and_crash(&file(&broken), &log, stretch, usize::MAX).commit().unwrap();

        let some = Filter::from_lists([("forms", "8-K*,4"), ("ciks", "1,2")]).unwrap();
        for filter in [Filter::default(), some] {
            let asked = Asked { filter, limit: 1_000, ..everything() };
            let [one, other] = [&whole, &broken].map(|dir| page(&file(dir), &asked));
            prop_assert_eq!((one.filings, one.through), (other.filings, other.through));
        }
    }
}

#[test]
fn rows_are_written_as_they_come_and_what_finds_them_piece_by_piece_behind_them() {
    let dir = tempfile::tempdir().unwrap();
    let log: Vec<Frame> = (1..=40)
        .map(|n| seen(n, n as u32, "8-K"))
        .map(frame)
        .collect();
    let marks = |most| {
        let dir = tempfile::tempdir_in(dir.path()).unwrap();
        drop(fill_and_crash(&file(&dir), &log, 3, most));
        let (_, marks) = schema::open_to_write(&file(&dir), &epoch(), Seq::new(40)).unwrap();
        (marks.rows.get(), marks.through.get())
    };

    // Three filings each time; twelve are gathered, and settle while the next twelve are.
    assert_eq!(marks(4), (12, 0));
    assert_eq!(marks(6), (18, 0));
    assert_eq!(marks(8), (24, 12));
}

#[test]
fn a_page_whose_rows_are_read_ahead_is_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let log: Vec<Frame> = (1..=300)
        .map(|n| seen(n, n as u32, "8-K"))
        .map(frame)
        .collect();
    fill(&file(&dir), &epoch(), &log, 50);
    let asked = Asked {
        limit: 100,
        ..everything()
    };

    let until = Instant::now() + Duration::from_secs(20);
    let reading = Reading::open(&file(&dir)).unwrap();
    let mut reading = reading.reading_ahead();
    let ahead = reading.page(&asked, until).unwrap();

    let as_ever = page(&file(&dir), &asked);
    assert!(reading.has_read_ahead());
    assert_eq!((ahead.filings, ahead.next), (as_ever.filings, as_ever.next));
}

#[test]
fn pages_go_on_where_they_were_while_new_filings_come_in() {
    let dir = tempfile::tempdir().unwrap();
    let log: Vec<Frame> = (1..=40)
        .map(|n| seen(n, n as u32, "8-K"))
        .map(frame)
        .collect();
    fill(&file(&dir), &epoch(), &log[..20], 4);
    let mut asked = everything();
    let mut found = Vec::new();
    for come in [20, 30, 40] {
        fill(&file(&dir), &epoch(), &log[..come], 4);
        let page = page(&file(&dir), &asked);
        asked.before = page.next;
        found.extend(page.filings.iter().map(|found| found.seen.0.get()));
    }

    assert_eq!(found, (1..=20).rev().collect::<Vec<_>>());
}

#[test]
fn a_withdrawn_filing_is_marked_and_keeps_what_its_header_told() {
    let dir = tempfile::tempdir().unwrap();
    let log = [
        seen(1, 7, "8-K"),
        archived(2, 7, "8-K"),
        withdrawn(3, 7),
        archived(4, 9, "4"),
    ];
    fill(&file(&dir), &epoch(), &log.map(frame), 1);

    let until = Instant::now() + Duration::from_secs(20);
    let accession = super::testing::accession(7);
    let (found, through) = Reading::open(&file(&dir))
        .unwrap()
        .find(accession, until)
        .unwrap();

    let found = found.unwrap();
    assert_eq!(through, Seq::new(4));
    assert_eq!(found.archived[0].0, Seq::new(2));
    assert_eq!(found.withdrawn[0].0, Seq::new(3));
    assert_eq!(found.filing.filers[0].sic.as_deref(), Some("7372"));
    assert_eq!(all(&file(&dir), &everything()).len(), 1);
}

#[test]
fn filings_that_the_log_forgets_are_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let log: Vec<Frame> = (1..=9)
        .map(|n| seen(n, n as u32, "8-K"))
        .map(frame)
        .collect();
    fill(&file(&dir), &epoch(), &log, 4);

    let mut filling = Filling::open(&file(&dir), &epoch(), Seq::new(9)).unwrap();
    let forgotten = filling.forget_before(Seq::new(6)).unwrap();

    assert_eq!(forgotten, 5);
    assert_eq!(all(&file(&dir), &everything()).len(), 4);
    let forms = Filter::from_lists([("forms", "8-K")]).unwrap();
    assert_eq!(
        all(
            &file(&dir),
            &Asked {
                filter: forms,
                ..everything()
            }
        )
        .len(),
        4
    );
}

#[test]
fn a_beginning_that_stands_for_very_many_terms_still_finds_all() {
    let dir = tempfile::tempdir().unwrap();
    let form = |n: u64| format!("X{n:05}");
    let log: Vec<Frame> = (1..=2_300)
        .map(|n| seen(n, n as u32, &form(n)))
        .map(frame)
        .collect();
    fill(&file(&dir), &epoch(), &log, 500);

    for (forms, count) in [("X*", 2_300), ("X00*", 999), ("X000*,X02300", 100)] {
        let filter = Filter::from_lists([("forms", forms)]).unwrap();
        let asked = Asked {
            filter,
            limit: 1_000,
            ..everything()
        };
        assert_eq!(all(&file(&dir), &asked).len(), count, "{forms}");
    }
}

#[test]
fn who_has_no_time_is_given_a_place_to_go_on_from() {
    let dir = tempfile::tempdir().unwrap();
    let log: Vec<Frame> = (1..=90)
        .map(|n| seen(n, n as u32, "8-K"))
        .map(frame)
        .collect();
    fill(&file(&dir), &epoch(), &log, 50);
    let filter = Filter::from_lists([("forms", "8-K"), ("ciks", "3")]).unwrap();
    let mut asked = Asked {
        filter,
        limit: 1_000,
        ..everything()
    };
    let (mut pages, mut found) = (0, 0);
    loop {
        let page = Reading::open(&file(&dir))
            .unwrap()
            .page(&asked, Instant::now())
            .unwrap();
        (pages, found) = (pages + 1, found + page.filings.len());
        let Some(next) = page.next else { break };
        assert!(asked.before.is_none_or(|before| next < before));
        asked.before = Some(next);
    }

    assert_eq!(found, 18);
    assert!(pages > 10, "{pages}");
}
