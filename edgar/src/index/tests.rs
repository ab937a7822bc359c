//! Whole files of every kind: what they give, and what is no index.
#![allow(clippy::unwrap_used, reason = "tests")]

use jiff::civil::date;
use proptest::prelude::*;

use super::*;

const DAILY_MASTER: &str = "\
Description:           Daily Index of EDGAR Dissemination Feed
Last Data Received:    Mar  3, 2026
Comments:              webmaster@sec.gov
Anonymous FTP:         ftp://ftp.sec.gov/edgar/
 
 
CIK|Company Name|Form Type|Date Filed|File Name
--------------------------------------------------------------------------------
1999991|QUAYSIDE ROBOTICS (HOLDINGS) INC|8-K|20260303|edgar/data/1999991/0001999999-26-000042.txt
1999992|DOE JANE|4|20260302|edgar/data/1999992/0001999992-26-000001.txt
1999991|QUAYSIDE ROBOTICS (HOLDINGS) INC|4|20260302|edgar/data/1999991/0001999992-26-000001.txt
";

const FORM: &str = "\
Description:           Daily Index of EDGAR Dissemination Feed by Form Type
Last Data Received:    March 31, 2026

Form Type   Company Name                                                  CIK         Date Filed  File Name
---------------------------------------------------------------------------------------------------------------------------------------------
1-A POS     QUAYSIDE  TWO (HOLDINGS) INC                                  1999991     20260303    edgar/data/1999991/0001999999-26-000042.txt         
SCHEDULE 13D/A   QUAYSIDE INC                                             1999991     20260303    edgar/data/1999991/0001999999-26-000043.txt         
SCHEDULE 13D     QUAYSIDE INC                                             1999991     20260303    edgar/data/1999991/0001999999-26-000044.txt         
X-17A-5     UNITED PLANNERS' FINANCIAL SERVICES OF AMERICA A LIMITED PARTNER  820694      2026-03-03  edgar/data/820694/9999999997-26-003146.txt
";

const CRAWLER: &str = "\
Description:           Daily Crawler Index of EDGAR Dissemination Feed by Company Name
Last Data Received:    Jul  3, 2023
Company Name                                                  Form Type   CIK
      Date Filed  URL 
-----------------------------------------------------------------------------------------------------------------------------------------------------------------------------------
7GC & Co. Holdings Inc.                                       SC 13G      1826011     20230703    http://www.sec.gov/Archives/edgar/data/1826011/0001193125-23-181106-index.htm         
UNITED PLANNERS' FINANCIAL SERVICES OF AMERICA A LIMITED PARTNERSHIP  SCHEDULE 13G/A   820694  20230703  http://www.sec.gov/Archives/edgar/data/820694/9999999997-23-003146-index.htm
";

/// Name and form of each row.
fn names(index: &Index) -> Vec<(&str, &str)> {
    let rows = index.rows.iter();
    rows.map(|row| (row.name.as_str(), row.form.as_str()))
        .collect()
}

fn daily_with(row: &str) -> String {
    format!("{DAILY_MASTER}{row}\n")
}

#[test]
fn a_master_index_gives_its_rows() {
    let index = parse_master(DAILY_MASTER.as_bytes()).unwrap();

    assert_eq!(index.kind, Kind::Master);
    assert_eq!(index.last_data_received, Some(date(2026, 3, 3)));
    assert_eq!(index.rows.len(), 3);
    assert_eq!(
        index.rows[0],
        Row {
            cik: Cik::new(1_999_991),
            name: "QUAYSIDE ROBOTICS (HOLDINGS) INC".to_owned(),
            form: "8-K".parse().unwrap(),
            filed_on: date(2026, 3, 3),
            path: "edgar/data/1999991/0001999999-26-000042.txt".to_owned(),
            accession: "0001999999-26-000042".parse().unwrap(),
        }
    );
}

#[test]
fn rows_of_one_accession_are_joined() {
    let index = parse(DAILY_MASTER.as_bytes()).unwrap();
    let seen_at = "2026-03-04T03:10:00Z".parse().unwrap();

    let filings = join(index.rows, seen_at, Source::DailyIndex);

    assert_eq!(filings.len(), 2);
    assert_eq!(filings[1].filers.len(), 2);
    assert_eq!(filings[1].filed_on, Some(date(2026, 3, 2)));
    assert_eq!(filings[1].source, Source::DailyIndex);
}

#[test]
fn a_quarterly_index_has_dates_with_dashes() {
    let quarterly = DAILY_MASTER
        .replace("20260303", "2026-03-03")
        .replace("File Name", "Filename");

    let index = parse_master(quarterly.as_bytes()).unwrap();

    assert_eq!(index.rows[0].filed_on, date(2026, 3, 3));
}

#[test]
fn a_form_index_survives_forms_and_names_wider_than_their_column() {
    let index = parse(FORM.as_bytes()).unwrap();

    assert_eq!((index.kind, index.rejected.len()), (Kind::Form, 0));
    assert_eq!(index.last_data_received, Some(date(2026, 3, 31)));
    assert_eq!(
        names(&index),
        [
            ("QUAYSIDE  TWO (HOLDINGS) INC", "1-A POS"),
            ("QUAYSIDE INC", "SCHEDULE 13D/A"),
            ("QUAYSIDE INC", "SCHEDULE 13D"),
            (
                "UNITED PLANNERS' FINANCIAL SERVICES OF AMERICA A LIMITED PARTNER",
                "X-17A-5"
            ),
        ]
    );
}

#[test]
fn a_crawler_index_has_urls_and_a_heading_of_two_lines() {
    let index = parse(CRAWLER.as_bytes()).unwrap();

    assert_eq!((index.kind, index.rejected.len()), (Kind::Crawler, 0));
    assert_eq!(index.rows[0].accession.to_string(), "0001193125-23-181106");
    assert!(index.rows[0].path.starts_with("http://www.sec.gov/"));
    assert_eq!(
        names(&index),
        [
            ("7GC & Co. Holdings Inc.", "SC 13G"),
            (
                "UNITED PLANNERS' FINANCIAL SERVICES OF AMERICA A LIMITED PARTNERSHIP",
                "SCHEDULE 13G/A"
            ),
        ]
    );
}

#[test]
fn a_company_index_is_told_from_a_crawler_index() {
    let company = CRAWLER
        .replace("URL", "File Name")
        .replace("-index.htm", ".txt");

    let index = parse(company.as_bytes()).unwrap();

    assert_eq!((index.kind, index.rows.len()), (Kind::Company, 2));
    assert_eq!(
        parse_master(company.as_bytes()),
        Err(IndexError::NotMaster(Kind::Company))
    );
}

#[test]
fn names_are_latin_1_and_may_hold_a_bar() {
    let mut bytes =
        daily_with("7|CAF@ | UNO|D|20260303|edgar/data/7/0000000007-26-000001.txt").into_bytes();
    let at = bytes.windows(4).position(|four| four == b"CAF@").unwrap() + 3;
    bytes[at] = 0xe9;

    let index = parse(&bytes).unwrap();

    assert_eq!(index.rows[3].name, "CAFé | UNO");
}

#[test]
fn a_bad_row_is_reported_with_its_line_and_costs_no_other() {
    for (row, reason) in [
        ("7|CO|D|20260303", RejectReason::Columns),
        (
            "x|CO|D|20260303|edgar/data/7/0000000007-26-000001.txt",
            RejectReason::Cik,
        ),
        (
            "7|CO||20260303|edgar/data/7/0000000007-26-000001.txt",
            RejectReason::Form,
        ),
        (
            "7|CO|D|20261303|edgar/data/7/0000000007-26-000001.txt",
            RejectReason::Date,
        ),
        (
            "7|CO|D|202603031200|edgar/data/7/0000000007-26-000001.txt",
            RejectReason::Date,
        ),
        (
            "7|CO|D|20260303|edgar/data/7/0000000007",
            RejectReason::Path,
        ),
        (
            "7|CO|D|20260303|edgar/data/7/0000000007-26-0000",
            RejectReason::Path,
        ),
    ] {
        let index = parse(daily_with(row).as_bytes()).unwrap();

        assert_eq!(index.rows.len(), 3);
        assert_eq!(index.rejected, [Rejected { line: 12, reason }], "{row}");
    }
}

#[test]
fn a_header_without_rows_is_an_empty_index() {
    for file in [DAILY_MASTER, FORM, CRAWLER] {
        let end = file.find("\n----").unwrap();
        let header = format!("{}\n{}\n", &file[..end], "-".repeat(100));

        let index = parse(header.as_bytes()).unwrap();

        assert_eq!((index.rows.len(), index.rejected.len()), (0, 0));
    }
}

#[test]
fn rows_without_header_are_an_excerpt_of_a_master_index() {
    let excerpt = "1999991|QUAYSIDE|8-K|2026-03-03|edgar/data/1999991/0001999999-26-000042.txt";

    let index = parse_master(excerpt.as_bytes()).unwrap();

    assert_eq!((index.rows.len(), index.last_data_received), (1, None));
}

#[test]
fn what_is_no_index_is_an_error() {
    for file in [
        "",
        "\n\n",
        "<!DOCTYPE html>\n<html>\n<title>SEC.gov | Request Rate Threshold Exceeded</title>",
        "<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code></Error>",
        "<html>\n-----------------------------------------\n</html>",
        "Description:           Daily Index of EDGAR Dissemination Feed\nLast Data",
    ] {
        assert!(
            matches!(parse(file.as_bytes()), Err(IndexError::NotAnIndex { .. })),
            "{file}"
        );
    }
}

#[test]
fn a_file_of_rubbish_under_a_good_header_is_refused() {
    let rubbish = daily_with(&"?\n".repeat(2000));

    let error = parse(rubbish.as_bytes()).unwrap_err();

    assert_eq!(
        error,
        IndexError::TooManyBadRows {
            limit: 1000,
            line: 1012
        }
    );
}

#[test]
fn a_line_of_any_length_takes_bounded_memory_and_is_one_bad_row() {
    let mut reader = Reader::new();
    let mut rows = 0;
    let mut push = |bytes: &[u8]| reader.push(bytes, &mut |_| rows += 1).unwrap();

    push(DAILY_MASTER.as_bytes());
    (0..10_000).for_each(|_| push(&[b'|'; 1000]));
    push(b"\n");

    let summary = reader.finish(&mut |_| {}).unwrap();
    let reason = RejectReason::Columns;
    assert_eq!(rows, 3);
    assert_eq!(summary.rejected, [Rejected { line: 12, reason }]);
}

proptest! {
    #[test]
    fn no_mutated_index_panics(which in 0..3usize, at in 0..1500usize, cut in 0..60usize, text in "[ |\\-a0\\n]{0,8}") {
        let mut bytes = [DAILY_MASTER, FORM, CRAWLER][which].as_bytes().to_vec();
        let at = at.min(bytes.len());
        let end = (at + cut).min(bytes.len());
        bytes.splice(at..end, text.bytes());
        let _ = parse(&bytes);
    }

    #[test]
    fn pieces_of_any_size_give_the_same_rows(which in 0..3usize, end in 0..2000usize, size in 1..300usize) {
        let bytes = [DAILY_MASTER, FORM, CRAWLER][which].as_bytes();
        let bytes = &bytes[..end.min(bytes.len())];
        let whole = parse(bytes);
        let mut reader = Reader::new();
        let mut rows = Vec::new();

        let pushed = bytes.chunks(size).try_for_each(|piece| reader.push(piece, &mut |row| rows.push(row)));
        let summary = pushed.and_then(|()| reader.finish(&mut |row| rows.push(row)));

        match (whole, summary) {
            (Ok(index), Ok(summary)) => {
                prop_assert_eq!(index.rows, rows);
                prop_assert_eq!(index.rejected, summary.rejected);
                prop_assert_eq!(index.last_data_received, summary.last_data_received);
                prop_assert_eq!(summary.ends_with_newline, bytes.ends_with(b"\n"));
            }
            (Err(whole), Err(pieces)) => prop_assert_eq!(whole, pieces),
            (whole, pieces) => prop_assert!(false, "{:?} and {:?}", whole, pieces),
        }
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let heading = b"Form Type   Company Name\n--------------------\n".as_slice();
        let _ = parse(&bytes);
        let _ = parse(&[heading, &bytes].concat());
    }
}
