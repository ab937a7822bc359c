//! Index files as the SEC serves them, and as they should not come.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::civil::date;

use super::*;
use crate::fake::{Fake, Params, client};

mod recorded;

/// A Tuesday.
const DAY: Date = date(2026, 3, 3);

const HEAD: &str = "\
Description:           Daily Index of EDGAR Dissemination Feed
Last Data Received:    Mar  3, 2026
Comments:              webmaster@sec.gov
Anonymous FTP:         ftp://ftp.sec.gov/edgar/
 
 
CIK|Company Name|Form Type|Date Filed|File Name
--------------------------------------------------------------------------------
";

const ROWS: &str = "\
1999991|QUAYSIDE ROBOTICS INC|8-K|20260303|edgar/data/1999991/0001999999-26-000042.txt
1999991|QUAYSIDE ROBOTICS INC|4|20260302|edgar/data/1999991/0001999992-26-000001.txt
1999992|DOE JANE|4|20260302|edgar/data/1999992/0001999992-26-000001.txt
";

const ABSENT: &str = "<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";

const BLOCK: &str = "<!DOCTYPE html><title>SEC.gov | Request Rate Threshold Exceeded</title>";

const DAILY: Origin = Origin {
    source: Source::DailyIndex,
    late: false,
};

fn daily() -> String {
    format!("{HEAD}{ROWS}")
}

/// A quarter's index of `rows`, made on the last of March.
fn quarterly(rows: &str) -> Vec<u8> {
    let head = HEAD.replace("Mar  3", "March 31");
    let head = head.replace("Daily Index", "Master Index");
    gzip(format!("{head}{rows}").as_bytes())
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(plain).unwrap();
    gzip.finish().unwrap()
}

/// A reader whose clock stands at `now`.
fn reader_at(fake: &Fake, now: &str) -> IndexReader {
    let now = now.parse().unwrap();
    let reader = IndexReader::new(client(), &fake.url, Clock::new(move || now));
    IndexReader {
        retry_delay: Duration::from_millis(1),
        ..reader
    }
}

/// Reads [`DAY`] from a source that always gives `status` and `body`, half an hour after
/// its index is due.
async fn day_of<B: Into<Body> + Clone + Send + Sync + 'static>(
    status: u16,
    body: B,
) -> Result<Listing, IndexFailure> {
    let fake = Fake::start(move |_: &Params| (status, body.clone())).await;
    reader_at(&fake, "2026-03-04T03:30:00Z")
        .day(DAY, DAILY)
        .await
}

async fn damage_of(body: impl Into<String>) -> Damage {
    let failure = day_of(200, body.into()).await.unwrap_err();
    assert!(failure.is_transient());
    match failure {
        IndexFailure::Damaged { damage, .. } => damage,
        other => panic!("{other:?}"),
    }
}

async fn quarter_of(bytes: Vec<u8>) -> Result<QuarterListing, IndexFailure> {
    let fake = Fake::start(move |_: &Params| (200, bytes.clone())).await;
    let reader = reader_at(&fake, "2026-04-04T08:00:00Z");
    reader.quarter(Quarter::of(DAY)).await
}

fn out(listing: Listing) -> DayIndex {
    match listing {
        Listing::Out(index) => index,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_days_filings_are_joined_and_say_where_they_were_found() {
    let late = Origin {
        late: true,
        ..DAILY
    };
    let fake = Fake::start(|_: &Params| (200, daily())).await;

    let listing = reader_at(&fake, "2026-03-04T03:30:00Z")
        .day(DAY, late)
        .await;

    let index = out(listing.unwrap());
    let told: Vec<_> = index
        .filings
        .iter()
        .map(|at| (at.accession.to_string(), at.filers.len(), at.form.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("0001999992-26-000001".to_owned(), 2, "4"),
            ("0001999999-26-000042".to_owned(), 1, "8-K")
        ]
    );
    let filing = &index.filings[0];
    assert_eq!(filing.filed_on, Some(date(2026, 3, 2)));
    assert_eq!((filing.source, filing.late), (Source::DailyIndex, true));
    assert_eq!(filing.seen_at.to_string(), "2026-03-04T03:30:00Z");
    assert!(filing.urls.submission.is_some());
    assert_eq!(
        fake.take("path"),
        ["/Archives/edgar/daily-index/2026/QTR1/master.20260303.idx"]
    );
}

#[tokio::test]
async fn an_index_that_is_not_there_is_not_out_yet() {
    for (status, body) in [(403, ABSENT), (404, ABSENT), (404, "")] {
        let listing = day_of(status, body).await.unwrap();

        assert_eq!(listing, Listing::NotOut, "{status}");
    }
}

#[tokio::test]
async fn weekends_and_holidays_have_no_index() {
    let fake = Fake::start(|_: &Params| (403, ABSENT)).await;
    let reader = reader_at(&fake, "2026-03-08T15:00:00Z");

    for day in [date(2026, 3, 7), date(2026, 1, 1)] {
        let listing = reader.day(day, DAILY).await.unwrap();

        assert_eq!(listing, Listing::NoIndex, "{day}");
    }
}

#[tokio::test]
async fn a_day_that_edgar_passed_over_has_no_index() {
    let friday_only = |params: &Params| match params["path"].contains("20260306") {
        true => (200, daily()),
        false => (403, ABSENT.to_owned()),
    };
    let fake = Fake::start(friday_only).await;

    let passed_over = reader_at(&fake, "2026-03-07T03:30:00Z")
        .day(DAY, DAILY)
        .await;
    let still_due = reader_at(&fake, "2026-03-06T03:30:00Z")
        .day(DAY, DAILY)
        .await;

    assert_eq!(passed_over.unwrap(), Listing::NoIndex);
    assert_eq!(still_due.unwrap(), Listing::NotOut);
}

#[tokio::test]
async fn a_block_ends_the_reading_at_once_and_says_how_long() {
    let fake = Fake::start(|_: &Params| (403, BLOCK)).await;

    let failure = reader_at(&fake, "2026-03-04T03:30:00Z")
        .day(DAY, DAILY)
        .await;

    let failure = failure.unwrap_err();
    assert!(matches!(failure, IndexFailure::Blocked { .. }));
    assert!(failure.is_transient() && failure.retry_in() > Duration::from_secs(500));
    assert_eq!(fake.take("path").len(), 1);
}

#[tokio::test]
async fn failures_that_pass_are_met_with_patience() {
    let asked = Arc::new(AtomicUsize::new(0));
    let third_time = move |_: &Params| match asked.fetch_add(1, Ordering::Relaxed) {
        0 => (503, String::new()),
        1 => (200, HEAD.to_owned() + "1999991|QUAY"),
        _ => (200, daily()),
    };
    let fake = Fake::start(third_time).await;

    let listing = reader_at(&fake, "2026-03-04T03:30:00Z")
        .day(DAY, DAILY)
        .await;

    assert_eq!(out(listing.unwrap()).filings.len(), 2);
}

#[tokio::test]
async fn an_overloaded_edgar_is_unreachable_and_a_moved_file_refused() {
    let overloaded = day_of(503, "").await.unwrap_err();
    let moved = day_of(301, "").await.unwrap_err();

    assert!(matches!(overloaded, IndexFailure::Unreachable { .. }));
    assert!(overloaded.is_transient());
    assert!(matches!(moved, IndexFailure::Refused { .. }));
    assert!(!moved.is_transient());
}

#[tokio::test]
async fn a_body_shorter_than_announced_is_no_index() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n",
        daily().len() + 1
    );
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let answer = format!("{head}{}", daily());
            assert!(socket.read(&mut [0; 4096]).await.unwrap() > 0);
            socket.write_all(answer.as_bytes()).await.unwrap();
        }
    });

    let reader = IndexReader::new(client(), url, Clock::system());
    let failure = reader.day(DAY, DAILY).await.unwrap_err();

    assert!(
        matches!(failure, IndexFailure::Unreachable { .. }),
        "{failure:?}"
    );
}

#[tokio::test]
async fn an_index_cut_at_any_byte_is_damaged() {
    let whole = daily();
    for end in [0, 1, HEAD.len() - 1, HEAD.len() + 30, whole.len() - 1] {
        let damage = damage_of(&whole[..end]).await;

        assert!(
            matches!(damage, Damage::Cut | Damage::Format(_)),
            "{end}: {damage:?}"
        );
    }
}

#[tokio::test]
async fn an_index_of_another_day_or_of_none_is_damaged() {
    let of_monday = damage_of(daily().replace("Mar  3", "Mar  2")).await;
    let of_no_day = damage_of(ROWS).await;

    let monday = Some(date(2026, 3, 2));
    assert!(matches!(of_monday, Damage::OtherTime { found } if found == monday));
    assert!(matches!(of_no_day, Damage::OtherTime { found: None }));
}

#[tokio::test]
async fn an_index_without_rows_is_an_answer_under_the_right_header_only() {
    let empty = out(day_of(200, HEAD).await.unwrap());

    assert!(empty.filings.is_empty());
    assert!(matches!(damage_of("").await, Damage::Format(_)));
}

#[tokio::test]
async fn an_index_with_many_bad_rows_is_damaged() {
    let garbled = daily().replacen("|8-K|", "|\u{1}\u{2}|", 1);

    let damage = damage_of(garbled).await;

    assert!(
        matches!(damage, Damage::BadRows { bad: 1, rows: 3 }),
        "{damage:?}"
    );
}

#[tokio::test]
async fn a_bad_row_is_edgars_own_when_it_comes_again_and_damage_when_it_does_not() {
    let many = ROWS.repeat(100);
    let odd = format!("{HEAD}{many}1999991|QUAYSIDE|8-K\n");
    let whole = format!("{HEAD}{many}");
    let asked = Arc::new(AtomicUsize::new(0));
    let bodies = [odd.clone(), whole];
    let alternating = move |_: &Params| {
        let turn = asked.fetch_add(1, Ordering::Relaxed);
        (200, bodies[turn % 2].clone())
    };

    let steady = out(day_of(200, odd).await.unwrap());
    let fake = Fake::start(alternating).await;
    let unsteady = reader_at(&fake, "2026-03-04T03:30:00Z")
        .day(DAY, DAILY)
        .await;

    assert_eq!((steady.filings.len(), steady.rejected.len()), (2, 1));
    assert!(matches!(
        unsteady.unwrap_err(),
        IndexFailure::Damaged {
            damage: Damage::Unsteady,
            ..
        }
    ));
}

#[tokio::test]
async fn a_quarter_gives_the_filings_of_the_wanted_days_and_forms() {
    let QuarterListing::Out(index) = quarter_of(quarterly(ROWS)).await.unwrap() else {
        panic!("not out");
    };
    let backfill = Origin {
        source: Source::Backfill,
        late: false,
    };
    let found = |from, to, forms: &[&str]| -> Vec<u32> {
        let mut patterns = Patterns::default();
        patterns.extend(forms.iter().map(|form| form.parse().unwrap()));
        let forms = (!forms.is_empty()).then_some(patterns);
        let wanted = Wanted { from, to, forms };
        let filings = index.filings(&wanted, backfill);
        filings.map(|at| at.accession.serial()).collect()
    };

    assert_eq!(index.through, date(2026, 3, 31));
    assert_eq!(index.accessions().count(), 2);
    assert_eq!(found(date(2026, 3, 1), DAY, &[]), [1, 42]);
    assert_eq!(found(DAY, DAY, &[]), [42]);
    assert_eq!(found(date(2026, 3, 1), DAY, &["4"]), [1]);
    assert_eq!(found(date(2026, 3, 1), DAY, &["8-K*", "10-K"]), [42]);
}

#[tokio::test]
async fn a_compressed_quarter_proves_itself_whole() {
    let whole = quarterly(ROWS.trim_end());
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;

    let proven = quarter_of(whole.clone()).await.unwrap();

    assert!(matches!(proven, QuarterListing::Out(index) if index.accessions().count() == 2));
    for damaged in [
        flipped,
        whole[..whole.len() - 3].to_vec(),
        whole[..150].to_vec(),
    ] {
        let failure = quarter_of(damaged).await.unwrap_err();
        assert!(
            matches!(
                failure,
                IndexFailure::Damaged {
                    damage: Damage::Compressed(_),
                    ..
                }
            ),
            "{failure:?}"
        );
    }
}

#[tokio::test]
async fn a_quarter_that_has_not_begun_is_not_out() {
    let fake = Fake::start(|_: &Params| (403, ABSENT)).await;
    let reader = reader_at(&fake, "2026-04-04T08:00:00Z");

    let listing = reader.quarter(Quarter::of(DAY).next()).await.unwrap();

    assert!(matches!(listing, QuarterListing::NotOut));
    assert_eq!(
        fake.take("path"),
        ["/Archives/edgar/full-index/2026/QTR2/master.gz"]
    );
}
