//! Submissions, index pages and the daily index.

use std::collections::BTreeSet;
use std::io::Read;
use std::time::Duration;

use simulator::{Config, LedgerFiling, PathClass, Simulator, Wish};

use crate::http::{AGENT, Reply, get, get_with};
use crate::{quiet, start};

fn path(filing: &LedgerFiling) -> String {
    let (accession, cik) = (&filing.accession, filing.filers[0].cik);
    format!(
        "/Archives/edgar/data/{cik}/{}/{accession}.txt",
        accession.replace('-', "")
    )
}

fn index_path(filing: &LedgerFiling) -> String {
    path(filing).replace(".txt", "-index.htm")
}

fn only(simulator: &Simulator, wish: Wish) -> LedgerFiling {
    let accession = simulator.publish(&wish).unwrap();
    simulator.ledger().filing(&accession).unwrap()
}

/// Asks until the answer has `status`, at most 5 s.
async fn await_status(simulator: &Simulator, path: &str, status: u16) -> Reply {
    let asking = async {
        loop {
            let reply = get(simulator.address(), path).await;
            if reply.status == status {
                return reply;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(5), asking)
        .await
        .expect("the status in time")
}

#[tokio::test]
async fn every_submission_has_the_length_and_the_hash_of_the_ledger() {
    use sha2::{Digest, Sha256};
    let simulator = start(Config {
        history: 60,
        ..quiet()
    })
    .await;

    for filing in simulator.ledger().filings() {
        let reply = get(simulator.address(), &path(&filing)).await;

        assert_eq!(reply.status, 200);
        assert_eq!(reply.body.len() as u64, filing.submission_bytes);
        assert_eq!(
            hex::encode(Sha256::digest(&reply.body)),
            filing.submission_sha256()
        );
        assert!(reply.body.ends_with(b"</SEC-DOCUMENT>\n"));
    }
}

#[tokio::test]
async fn the_same_seed_and_start_give_the_same_bytes() {
    let config = Config {
        history: 40,
        rate: 5.0,
        ..quiet()
    };
    let (first, again) = (start(config.clone()).await, start(config.clone()).await);
    let other = start(Config { seed: 43, ..config }).await;
    let hashes = |simulator: &Simulator| {
        let filings = simulator.ledger().filings();
        filings
            .iter()
            .take(40)
            .map(|filing| filing.submission_sha256().to_owned())
            .collect::<Vec<_>>()
    };

    assert_eq!(hashes(&first), hashes(&again));
    assert_ne!(hashes(&first), hashes(&other));
}

#[tokio::test]
async fn any_party_and_both_addresses_lead_to_the_submission() {
    let simulator = start(quiet()).await;
    let filing = only(
        &simulator,
        Wish {
            form: Some("4".to_owned()),
            ..Wish::default()
        },
    );

    for filer in &filing.filers {
        let short = format!(
            "/Archives/edgar/data/{}/{}.txt",
            filer.cik, filing.accession
        );
        assert_eq!(get(simulator.address(), &short).await.status, 200);
    }
    let stranger = format!("/Archives/edgar/data/1234567/{}.txt", filing.accession);
    let reply = get(simulator.address(), &stranger).await;

    assert_eq!(
        (reply.status, reply.header("content-type")),
        (404, Some("application/xml"))
    );
    assert!(reply.text().contains("<Code>NoSuchKey</Code>"));
}

#[tokio::test]
async fn a_submission_is_absent_before_its_upload_while_the_index_page_is_there() {
    let simulator = start(quiet()).await;
    let wish = Wish {
        submission_after: Some(Duration::from_secs(86_400)),
        ..Wish::default()
    };
    let filing = only(&simulator, wish);

    let early = get(simulator.address(), &path(&filing)).await;
    let index = get(simulator.address(), &index_path(&filing)).await;

    assert_eq!((early.status, index.status), (404, 200));
    assert!(early.text().contains("<Code>NoSuchKey</Code>"));
    assert!(filing.submission_at > filing.listed_at.unwrap());
}

#[tokio::test]
async fn a_late_submission_appears_in_its_time() {
    let simulator = start(Config {
        clock_speed: 1000.0,
        ..quiet()
    })
    .await;
    let wish = Wish {
        submission_after: Some(Duration::from_secs(300)),
        ..Wish::default()
    };
    let filing = only(&simulator, wish);

    let uploaded = await_status(&simulator, &path(&filing), 200).await;

    assert!(simulator.clock().now() >= filing.submission_at);
    assert_eq!(uploaded.body.len() as u64, filing.submission_bytes);
}

#[tokio::test]
async fn stages_follow_one_another_as_on_the_real_edgar() {
    let config = Config {
        history: 0,
        delay_scale: 1.0,
        late_submission_share: 0.1,
        ..quiet()
    };
    let simulator = start(config).await;
    simulator.publish_now(400);

    let filings = simulator.ledger().filings();
    let seconds =
        |at: jiff::Timestamp, filing: &LedgerFiling| at.duration_since(filing.index_at).as_secs();
    let mut listing: Vec<i64> = filings
        .iter()
        .map(|filing| seconds(filing.listed_at.unwrap(), filing))
        .collect();
    listing.sort_unstable();
    let late = filings
        .iter()
        .filter(|filing| filing.submission_at > filing.listed_at.unwrap())
        .count();

    assert!(
        (13..=60).contains(&listing[0]) && (22..=28).contains(&listing[200]),
        "{listing:?}"
    );
    assert!(listing[399] <= 61);
    assert!((15..75).contains(&late), "{late} of 400 late");
    assert!(
        filings
            .iter()
            .all(|filing| seconds(filing.searchable_at.unwrap(), filing) >= 43)
    );
}

#[tokio::test]
async fn an_index_page_names_all_parties_and_needs_no_cik() {
    let simulator = start(quiet()).await;
    let filing = only(
        &simulator,
        Wish {
            form: Some("SCHEDULE 13G".to_owned()),
            ..Wish::default()
        },
    );
    let bare = format!(
        "/Archives/edgar/data/{}/{}-index.htm",
        filing.accession.replace('-', ""),
        filing.accession
    );

    let page = get(simulator.address(), &bare).await;

    assert_eq!(
        page.body,
        get(simulator.address(), &index_path(&filing)).await.body
    );
    for filer in &filing.filers {
        assert!(page.text().contains(&format!("CIK={:010}&amp;", filer.cik)));
    }
}

#[tokio::test]
async fn a_known_entity_tag_is_answered_304() {
    let simulator = start(quiet()).await;
    let filing = only(&simulator, Wish::default());
    let first = get(simulator.address(), &path(&filing)).await;
    let tag = first.header("etag").unwrap();

    let headers = format!("User-Agent: {AGENT}\r\nIf-None-Match: {tag}\r\n");
    let again = get_with(simulator.address(), &path(&filing), &headers)
        .await
        .unwrap();

    assert_eq!((again.status, again.body.len()), (304, 0));
    assert!(
        first
            .header("last-modified")
            .unwrap()
            .starts_with("Tue, 03 Mar 2026 18:0")
    );
}

#[tokio::test]
async fn gzip_gives_the_same_bytes() {
    let simulator = start(quiet()).await;
    let filing = only(
        &simulator,
        Wish {
            form: Some("8-K".to_owned()),
            ..Wish::default()
        },
    );
    let plain = get(simulator.address(), &path(&filing)).await;

    let headers = format!("User-Agent: {AGENT}\r\nAccept-Encoding: gzip, deflate\r\n");
    let packed = get_with(simulator.address(), &path(&filing), &headers)
        .await
        .unwrap();

    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(packed.body.as_slice())
        .read_to_end(&mut unpacked)
        .unwrap();
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(packed.header("etag").unwrap().ends_with("-gzip\""));
    assert!(packed.body.len() < plain.body.len());
    assert_eq!(unpacked, plain.body);
}

#[tokio::test]
async fn a_large_submission_is_served_whole() {
    let simulator = start(quiet()).await;
    let wish = Wish {
        form: Some("NPORT-P".to_owned()),
        submission_bytes: Some(30_000_000),
        ..Wish::default()
    };
    let filing = only(&simulator, wish);

    let reply = get(simulator.address(), &path(&filing)).await;

    assert_eq!(
        (reply.body.len(), reply.announced()),
        (30_000_000, 30_000_000)
    );
    assert!(reply.body.ends_with(b"</SEC-DOCUMENT>\n"));
}

/// uudecode, written from the format's description: short lines are padded with spaces.
fn uudecode(block: &str) -> Vec<u8> {
    let mut decoded = Vec::new();
    for line in block
        .lines()
        .skip(1)
        .take_while(|line| *line != "end" && !line.is_empty())
    {
        let length = usize::from((line.as_bytes()[0] - 32) & 63);
        let mut digits: Vec<u8> = line.bytes().skip(1).map(|byte| (byte - 32) & 63).collect();
        digits.resize(length.div_ceil(3) * 4, 0);
        let groups = digits.chunks(4).flat_map(|d| {
            [
                d[0] << 2 | d[1] >> 4,
                d[1] << 4 | d[2] >> 2,
                d[2] << 6 | d[3],
            ]
        });
        decoded.extend(groups.take(length));
    }
    decoded
}

#[tokio::test]
async fn graphics_decode_to_pictures_and_some_lines_are_trimmed() {
    let simulator = start(Config {
        max_submission_bytes: 60_000,
        ..quiet()
    })
    .await;
    let (mut pictures, mut trimmed) = (0, 0);

    for _ in 0..40 {
        let filing = only(
            &simulator,
            Wish {
                form: Some("424B2".to_owned()),
                ..Wish::default()
            },
        );
        let text = get(simulator.address(), &path(&filing)).await.text();
        let Some(start) = text.find("begin 644 ") else {
            continue;
        };
        let block = &text[start
            ..text
                .find("\n\nend\n</TEXT>\n")
                .expect("an empty line, then the end")
                + 6];
        let picture = uudecode(block);
        pictures += 1;
        trimmed += block
            .lines()
            .filter(|line| line.starts_with('M') && line.len() < 61)
            .count();
        assert!(picture.starts_with(b"\xff\xd8\xff\xe0") && picture.ends_with(b"\xff\xd9"));
    }

    assert!(
        pictures > 3 && trimmed > 0,
        "{pictures} pictures, {trimmed} trimmed lines"
    );
}

#[tokio::test]
async fn the_daily_index_lists_each_filer_of_each_filing_once() {
    let simulator = start(Config {
        history: 500,
        atom_miss_share: 0.2,
        ..quiet()
    })
    .await;
    let master = "/Archives/edgar/daily-index/2026/QTR1/master.20260303.idx";
    let before = get(simulator.address(), master).await;

    simulator.publish_daily_index("2026-03-03".parse().unwrap());

    assert_eq!(
        (before.status, before.header("content-type")),
        (403, Some("application/xml"))
    );
    assert!(before.text().contains("<Code>AccessDenied</Code>"));
    let text = get(simulator.address(), master).await.text();
    let (head, rows) = text
        .split_once("CIK|Company Name|Form Type|Date Filed|File Name\n")
        .unwrap();
    assert!(head.contains("Last Data Received:    Mar  3, 2026\n"));
    let rows: Vec<(String, u64)> = rows.lines().skip(1).map(row).collect();
    let truth: BTreeSet<(String, u64)> = simulator
        .ledger()
        .filings()
        .iter()
        .filter(|filing| filing.filed_on.day() == 3)
        .flat_map(|filing| {
            filing
                .filers
                .iter()
                .map(|filer| (filing.accession.clone(), filer.cik))
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(rows.len(), truth.len());
    assert_eq!(rows.into_iter().collect::<BTreeSet<_>>(), truth);
    assert_eq!(simulator.ledger().requests()[&PathClass::DailyIndex], 2);
}

fn row(line: &str) -> (String, u64) {
    let fields: Vec<&str> = line.split('|').collect();
    let accession = fields[4]
        .rsplit('/')
        .next()
        .unwrap()
        .strip_suffix(".txt")
        .unwrap();
    assert_eq!(fields[3], "20260303");
    assert_eq!(
        fields[4],
        format!("edgar/data/{}/{accession}.txt", fields[0])
    );
    (accession.to_owned(), fields[0].parse().unwrap())
}

#[tokio::test]
async fn the_daily_index_comes_by_itself_at_22_07_eastern() {
    let config = Config {
        clock_start: Some("2026-03-04T03:06:50Z".parse().unwrap()),
        clock_speed: 20.0,
        history: 5,
        ..quiet()
    };
    let simulator = start(Config {
        history_gap: Some(Duration::from_secs(3600)),
        ..config
    })
    .await;
    let form = "/Archives/edgar/daily-index/2026/QTR1/form.20260303.idx";

    let before = get(simulator.address(), form).await;
    let after = await_status(&simulator, form, 200).await;

    assert_eq!(before.status, 403);
    assert!(after.text().starts_with(
        "Description:           Daily Index of EDGAR Dissemination Feed by Form Type\n"
    ));
}

#[tokio::test]
async fn planned_arrivals_come_at_their_time() {
    let wish = Wish {
        form: Some("10-Q".to_owned()),
        ..Wish::default()
    };
    let arrivals = vec![simulator::Arrival {
        offset: Duration::from_secs(3600),
        wish,
    }];
    let simulator = start(Config {
        arrivals,
        clock_speed: 10_000.0,
        ..quiet()
    })
    .await;

    let filed = tokio::time::timeout(Duration::from_secs(5), async {
        loop {
            if let Some(filing) = simulator.ledger().filings().first() {
                return filing.clone();
            }
            tokio::task::yield_now().await;
        }
    });

    let filing = filed.await.unwrap();
    assert_eq!(
        (filing.form, filing.accepted_at.to_string().as_str()),
        ("10-Q", "2026-03-03T19:00:00Z")
    );
}

#[tokio::test]
async fn the_ticker_list_names_filers_of_the_world() {
    let simulator = start(quiet()).await;

    let tickers = get(simulator.address(), "/files/company_tickers.json")
        .await
        .json();

    assert!(tickers.as_object().unwrap().len() > 100);
    assert!(tickers["0"]["cik_str"].as_u64().unwrap() > 1_990_000);
}
