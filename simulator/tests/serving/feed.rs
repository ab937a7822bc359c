//! The Atom feed: sorted, complete, and ended by a 503.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use simulator::{Config, Fault, FaultPlan, Simulator, Wish};

use crate::http::{Reply, get};
use crate::{quiet, start};

const FEED: &str = "/cgi-bin/browse-edgar?action=getcurrent&owner=include&output=atom";

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    pub(crate) accession: String,
    pub(crate) cik: u64,
    pub(crate) role: String,
    pub(crate) updated: String,
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let start = text.find(before).unwrap() + before.len();
    &text[start..start + text[start..].find(after).unwrap()]
}

pub(crate) fn entries(reply: &Reply) -> Vec<Entry> {
    let text = reply.text();
    let read = |part: &str| {
        let title = between(part, "<title>", "</title>");
        let (rest, role) = title.strip_suffix(')').unwrap().rsplit_once('(').unwrap();
        let (_, cik) = rest.strip_suffix(") ").unwrap().rsplit_once('(').unwrap();
        Entry {
            accession: between(part, "accession-number=", "<").to_owned(),
            cik: cik.parse().unwrap(),
            role: role.to_owned(),
            updated: between(part, "<updated>", "</updated>").to_owned(),
        }
    };
    text.split("<entry>").skip(1).map(read).collect()
}

/// All entries of a walk and the reply that ended it.
pub(crate) async fn walk(simulator: &Simulator, count: usize) -> (Vec<Entry>, Reply) {
    let mut all = Vec::new();
    loop {
        let reply = get(
            simulator.address(),
            &format!("{FEED}&count={count}&start={}", all.len()),
        )
        .await;
        if reply.status != 200 {
            return (all, reply);
        }
        all.extend(entries(&reply));
    }
}

fn listed(simulator: &Simulator) -> BTreeSet<(String, u64, String)> {
    let filings = simulator.ledger().filings();
    let triples = filings
        .iter()
        .filter(|filing| filing.listed_at.is_some())
        .flat_map(|filing| {
            filing.filers.iter().map(|filer| {
                (
                    filing.accession.clone(),
                    filer.cik,
                    filer.atom_role.to_owned(),
                )
            })
        });
    triples.collect()
}

fn distinct(entries: &[Entry]) -> BTreeSet<(String, u64, String)> {
    entries
        .iter()
        .map(|entry| (entry.accession.clone(), entry.cik, entry.role.clone()))
        .collect()
}

#[tokio::test]
async fn a_walk_gives_exactly_what_the_ledger_lists_newest_first() {
    let simulator = start(Config {
        history: 400,
        ..quiet()
    })
    .await;

    let (entries, end) = walk(&simulator, 100).await;

    assert_eq!(distinct(&entries), listed(&simulator));
    assert!(
        entries
            .windows(2)
            .all(|pair| pair[0].updated >= pair[1].updated)
    );
    assert!(entries.len() > 400);
    assert_eq!(end.status, 503);
    assert!(
        end.text()
            .contains("<title>SEC.gov | File Unavailable</title>")
    );
}

#[tokio::test]
async fn the_answer_looks_like_the_real_feed() {
    let simulator = start(Config {
        history: 30,
        ..quiet()
    })
    .await;

    let reply = get(simulator.address(), &format!("{FEED}&count=10")).await;

    assert_eq!(reply.header("content-type"), Some("application/atom+xml"));
    assert_eq!(reply.header("cache-control"), Some("no-cache"));
    assert_eq!(
        (reply.header("etag"), reply.header("last-modified")),
        (None, None)
    );
    let text = reply.text();
    assert!(text.starts_with("<?xml version=\"1.0\" encoding=\"ISO-8859-1\" ?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n<title>Latest Filings - Tue, 03 Mar 2026 13:00:0"));
    assert!(text.contains("EST</title>\n"));
    assert!(text.ends_with("</entry>\n</feed>\n"));
    assert_eq!(entries(&reply).len(), 10);
}

#[tokio::test]
async fn bytes_beyond_ascii_are_iso_8859_1() {
    let simulator = start(Config {
        history: 600,
        ..quiet()
    })
    .await;

    let mut high = 0;
    for page in 0..6 {
        let reply = get(
            simulator.address(),
            &format!("{FEED}&count=100&start={}", page * 100),
        )
        .await;
        high += usize::from(!reply.body.is_ascii() && String::from_utf8(reply.body).is_err());
    }

    assert!(high > 0, "no page holds an accent");
}

#[tokio::test]
async fn odd_counts_become_forty() {
    let simulator = start(Config {
        history: 200,
        ..quiet()
    })
    .await;

    for (asked, given) in [
        ("10", 10),
        ("20", 20),
        ("80", 80),
        ("100", 100),
        ("50", 40),
        ("1000", 40),
        ("", 40),
    ] {
        let reply = get(simulator.address(), &format!("{FEED}&count={asked}")).await;
        assert_eq!(entries(&reply).len(), given, "count={asked}");
    }
}

#[tokio::test]
async fn the_type_is_a_prefix_and_the_owner_is_a_filter() {
    let simulator = start(quiet()).await;
    for form in ["4", "424B2", "8-K", "3"] {
        simulator
            .publish(&Wish {
                form: Some(form.to_owned()),
                ..Wish::default()
            })
            .unwrap();
    }
    let forms = async |query: &str| {
        let reply = get(
            simulator.address(),
            &format!("/cgi-bin/browse-edgar?action=getcurrent&output=rss&{query}"),
        )
        .await;
        let text = reply.text();
        text.split("term=\"")
            .skip(1)
            .map(|part| part.split('"').next().unwrap().to_owned())
            .collect::<BTreeSet<String>>()
    };

    assert_eq!(
        forms("type=4").await,
        ["4", "424B2"].map(str::to_owned).into()
    );
    assert_eq!(
        forms("owner=only").await,
        ["3", "4"].map(str::to_owned).into()
    );
    assert_eq!(
        forms("owner=exclude").await,
        ["424B2", "8-K"].map(str::to_owned).into()
    );
}

#[tokio::test]
async fn an_empty_feed_is_a_feed() {
    let simulator = start(quiet()).await;

    let reply = get(simulator.address(), FEED).await;

    assert_eq!((reply.status, entries(&reply).len()), (200, 0));
}

#[tokio::test]
async fn filings_beyond_the_retention_are_no_longer_listed() {
    let gap = Some(Duration::from_secs(60));
    let config = Config {
        history: 120,
        history_gap: gap,
        feed_retention: Duration::from_secs(1800),
        ..quiet()
    };
    let simulator = start(config).await;

    let (entries, _) = walk(&simulator, 100).await;

    let accessions: BTreeSet<&str> = entries
        .iter()
        .map(|entry| entry.accession.as_str())
        .collect();
    assert!(
        (10..60).contains(&accessions.len()),
        "{} of 120",
        accessions.len()
    );
}

#[tokio::test]
async fn a_burst_is_listed_whole_and_in_the_order_of_acceptance() {
    let simulator = start(quiet()).await;

    let accessions = simulator.burst(64, Duration::ZERO);

    let (entries, _) = walk(&simulator, 100).await;
    let seen: BTreeSet<String> = entries.into_iter().map(|entry| entry.accession).collect();
    assert_eq!(seen, accessions.into_iter().collect());
}

#[tokio::test]
async fn some_filings_are_never_listed_when_the_plan_says_so() {
    let config = Config {
        history: 300,
        atom_miss_share: 0.25,
        ..quiet()
    };
    let simulator = start(config).await;

    let (entries, _) = walk(&simulator, 100).await;

    assert_eq!(distinct(&entries), listed(&simulator));
    let missed = simulator
        .ledger()
        .filings()
        .iter()
        .filter(|filing| filing.listed_at.is_none())
        .count();
    assert!((45..105).contains(&missed), "{missed} of 300");
    assert_eq!(simulator.ledger().fired(Fault::AtomMiss), missed);
}

#[tokio::test]
async fn duplicated_filings_have_every_entry_twice() {
    let faults = FaultPlan::default().with(Fault::Duplicate, 1.0);
    let simulator = start(Config { faults, ..quiet() }).await;
    simulator
        .publish(&Wish {
            form: Some("144".to_owned()),
            ..Wish::default()
        })
        .unwrap();

    let (entries, _) = walk(&simulator, 100).await;

    let mut counts: BTreeMap<(u64, String), usize> = BTreeMap::new();
    for entry in entries {
        *counts.entry((entry.cik, entry.role)).or_default() += 1;
    }
    assert_eq!(counts.into_values().collect::<Vec<_>>(), [2, 2]);
    assert_eq!(simulator.ledger().fired(Fault::Duplicate), 1);
}

#[tokio::test]
async fn torn_filings_straddle_pages_and_nothing_is_lost() {
    let faults = FaultPlan::default().with(Fault::Straddle, 1.0);
    let simulator = start(Config {
        history: 300,
        faults,
        ..quiet()
    })
    .await;

    let (entries, _) = walk(&simulator, 10).await;

    assert!(
        distinct(&entries) == listed(&simulator),
        "an entry is lost or invented"
    );
    let pages: Vec<&[Entry]> = entries.chunks(10).collect();
    let torn = pages
        .windows(2)
        .filter(|pair| {
            pair[0]
                .iter()
                .any(|entry| entry.accession == pair[1][0].accession)
        })
        .count();
    assert!(
        torn * 2 > pages.len(),
        "{torn} of {} boundaries",
        pages.len()
    );
    assert!(simulator.ledger().fired(Fault::Straddle) >= torn);
}
