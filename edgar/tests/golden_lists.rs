//! Real pages of the feed, answers of the search and index files, read as a whole.
//!
//! The captures are not in this repository. Where their folder is missing these tests
//! say that they did not run, and fail in CI.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use edgar::{atom, calendar, efts, index, tickers};
use protocol::{
    filing::{FilerRole, Source},
    time::{Date, Timestamp},
};

/// The captures, or `None` where there are none and nobody insists.
fn captures(kind: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/edgar-fixtures");
    if root.is_dir() {
        return Some(root.join(kind));
    }
    let message = format!("{} is missing: this test did not run", root.display());
    assert!(std::env::var_os("CI").is_none(), "{message}");
    eprintln!("{message}");
    None
}

/// The bytes of a capture, as sec.gov sent them.
fn read(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("zst") => zstd::decode_all(bytes.as_slice()).unwrap(),
        Some("gz") => {
            let mut plain = Vec::new();
            let mut decoder = flate2::read::GzDecoder::new(bytes.as_slice());
            decoder.read_to_end(&mut plain).unwrap();
            plain
        }
        _ => bytes,
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn seen_at() -> Timestamp {
    "2025-12-12T23:03:31Z".parse().unwrap()
}

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

/// Every entry of a walk; fails on one that is rejected or incomplete.
fn walk(folder: &Path) -> Vec<atom::Entry> {
    let mut entries = Vec::new();
    for file in files(folder) {
        let page = atom::parse(&read(&file)).unwrap();
        assert_eq!(page.rejected, [], "{}", file.display());
        assert!(page.updated.is_some(), "{}", file.display());
        for entry in page.entries {
            assert!(is_complete(&entry), "{}: {entry:?}", file.display());
            entries.push(entry);
        }
    }
    entries
}

fn is_complete(entry: &atom::Entry) -> bool {
    entry.filed_on.is_some()
        && entry.accepted_at.is_some()
        && entry.size_bytes.is_some_and(|bytes| bytes > 0)
        && entry.filer.role.is_some()
        && !entry.filer.name.is_empty()
        && edgar::paths::accession_in(&entry.link) == Some(entry.accession)
        && edgar::paths::cik_in(&entry.link) == Some(entry.filer.cik)
}

#[test]
fn every_entry_of_every_feed_page_is_read() {
    let Some(folder) = captures("atom-getcurrent") else {
        return;
    };

    let mut counts = BTreeMap::new();
    for walk_folder in files(&folder) {
        let name = walk_folder
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        let entries = walk(&walk_folder);
        let listed = entries.len();
        let filings = atom::join(entries, seen_at(), Source::Atom);
        let parties: usize = filings.iter().map(|filing| filing.filers.len()).sum();
        counts.insert(name, (listed, parties, filings.len()));
    }

    // Entries, distinct parties and filings, counted from the raw text by other means.
    let expected = [
        ("2018-04-24T082251", (100, 100, 100)),
        ("2025-12-12T180234", (1320, 1191, 796)),
        ("2025-12-12T180331", (5100, 5057, 3315)),
        ("2025-12-12T180344", (1240, 1191, 794)),
        ("2025-12-12T180357-type4", (1400, 1375, 770)),
    ];
    assert_eq!(
        counts,
        expected
            .map(|(name, count)| (name.to_owned(), count))
            .into()
    );
}

#[test]
fn a_walk_of_a_day_has_its_roles_items_and_paper_filings() {
    let Some(folder) = captures("atom-getcurrent/2025-12-12T180331") else {
        return;
    };

    let entries = walk(&folder);

    let with_role = |role| {
        entries
            .iter()
            .filter(|e| e.filer.role == Some(role))
            .count()
    };
    assert_eq!(with_role(FilerRole::Filer), 2100);
    assert_eq!(with_role(FilerRole::ReportingOwner), 1390);
    assert_eq!(with_role(FilerRole::Issuer), 1039);
    assert_eq!(with_role(FilerRole::SubjectCompany), 476);
    assert_eq!(with_role(FilerRole::FiledBy), 95);
    assert_eq!(entries.iter().filter(|e| e.film.is_some()).count(), 6);
    let items: BTreeSet<&str> = entries
        .iter()
        .flat_map(|e| &e.items)
        .map(String::as_str)
        .collect();
    assert!(items.contains("5.02") && items.contains("3C.7") && items.contains("3C"));
    assert_eq!(items.len(), 27);
}

#[test]
fn no_real_feed_page_cut_short_is_taken_for_a_page() {
    let Some(folder) = captures("atom-getcurrent/2025-12-12T180331") else {
        return;
    };
    let page = read(&files(&folder)[6]);
    let whole = page.trim_ascii_end().len();

    for end in (0..whole).step_by(97).chain([whole - 1]) {
        assert!(atom::parse(&page[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn real_error_pages_are_no_lists() {
    let Some(folder) = captures("http-error") else {
        return;
    };
    for file in files(&folder) {
        let bytes = read_raw(&file);

        assert!(atom::parse(&bytes).is_err(), "{}", file.display());
        assert!(efts::parse(&bytes).is_err(), "{}", file.display());
        assert!(index::parse(&bytes).is_err(), "{}", file.display());
    }
}

/// Error bodies are plain even where the missing file would have been compressed.
fn read_raw(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("zst") => zstd::decode_all(bytes.as_slice()).unwrap(),
        _ => bytes,
    }
}

#[test]
fn every_hit_of_every_search_answer_is_read() {
    let Some(folder) = captures("efts") else {
        return;
    };
    // Total, saturated, true total, hits, filings; counted by other means.
    let expected = [
        (
            "bellingcat-10000_hits.json",
            (10_000, true, 184_492, 100, 100),
        ),
        ("bellingcat-1_hit.json", (1, false, 1, 1, 1)),
        (
            "edgarwebr-search-index-797cb5-POST.json",
            (21, false, 21, 21, 20),
        ),
        ("openbb-2024-11-06-forms10K.json", (2, false, 2, 2, 2)),
        (
            "openbb-2024-11-06-forms10K.json.wire.gz",
            (2, false, 2, 2, 2),
        ),
        ("search-index-edgarkit.json", (146, false, 146, 100, 83)),
    ];

    for (name, expected) in expected {
        let answer = efts::parse(&read(&folder.join(name))).unwrap();
        assert_eq!(answer.rejected, [], "{name}");
        let (total, true_total) = (answer.total, answer.true_total());
        let hits = answer.hits.len();
        assert!(answer.hits.iter().all(is_whole), "{name}");
        let filings = efts::join(answer.hits, seen_at()).len();

        let found = (total.value, total.saturated, true_total, hits, filings);
        assert_eq!(found, expected, "{name}");
    }
}

fn is_whole(hit: &efts::Hit) -> bool {
    hit.filed_on.is_some()
        && hit.sequence.is_some()
        && hit.filename.is_some()
        && hit.file_type.is_some()
        && !hit.filers.is_empty()
        && hit.filers.iter().all(|filer| !filer.name.is_empty())
}

#[test]
fn every_row_of_every_index_file_is_read() {
    let Some(folder) = captures("index") else {
        return;
    };
    use index::Kind::{Company, Crawler, Form, Master};
    // Kind, last day, rows, forms and filings; counted by other means.
    let expected = [
        ("badform.idx.txt", Form, "2021-03-31", (10, 3, 9)),
        (
            "edgarkit-crawler.idx.zst",
            Crawler,
            "2023-07-03",
            (4539, 101, 2870),
        ),
        (
            "form.20200318.idx.zst",
            Form,
            "2020-03-18",
            (4084, 115, 2666),
        ),
        ("historical1.txt", Master, "", (1, 1, 1)),
        (
            "master_idx_2025_Q4.idx.zst",
            Master,
            "2025-12-31",
            (275_447, 322, 193_299),
        ),
        ("sample01.txt", Master, "", (3, 1, 3)),
        (
            "sec_query-test.idx.zst",
            Company,
            "2014-01-02",
            (4628, 89, 2734),
        ),
    ];

    for (name, kind, last_day, counts) in expected {
        let index = index::parse(&read(&folder.join(name))).unwrap();

        assert_eq!(index.rejected, [], "{name}");
        assert_eq!(index.kind, kind, "{name}");
        assert_eq!(index.last_data_received, last_day.parse().ok(), "{name}");
        let rows = index.rows.len();
        let forms: BTreeSet<String> = index.rows.iter().map(|row| row.form.to_string()).collect();
        let filings = index::join(index.rows, seen_at(), Source::DailyIndex).len();
        assert_eq!((rows, forms.len(), filings), counts, "{name}");
    }
}

#[test]
fn the_business_days_of_a_quarter_are_the_days_with_filings() {
    let Some(folder) = captures("index") else {
        return;
    };
    let index = index::parse_master(&read(&folder.join("master_idx_2025_Q4.idx.zst"))).unwrap();

    let filed: BTreeSet<Date> = index.rows.iter().map(|row| row.filed_on).collect();

    let mut day = date("2025-10-01");
    while day <= date("2025-12-31") {
        assert_eq!(
            calendar::is_business_day(day),
            filed.contains(&day),
            "{day}"
        );
        day = day.tomorrow().unwrap();
    }
}

#[test]
fn the_list_of_tickers_is_read_to_its_last_row() {
    let Some(folder) = captures("company-tickers") else {
        return;
    };

    let list = tickers::parse(&read(&folder.join("company_tickers.json.zst"))).unwrap();

    let owner = |ticker: &str| list.owners[&ticker.parse().unwrap()].get();
    assert_eq!((list.owners.len(), list.rejected), (9_905, 0));
    assert_eq!(owner("AAPL"), 320_193);
    assert_eq!(owner("brk.b"), owner("BRK-A"));
}
