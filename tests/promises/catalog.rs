//! The catalog says what the log says, whatever becomes of its file or of the program.

use std::{collections::BTreeMap, path::Path, time::Duration};

use protocol::{
    event::EventType,
    filter::{Facts, Filter},
};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::Value;
use simulator::Config;

use crate::harness::{
    Scene,
    books::Books,
    eventually,
    program::{Server, create_key, get_with_key},
};

/// Waits until so many filings are seen, or archived, and the catalog has read the whole log.
async fn settled(server: &Server, what: &str, filings: u64) {
    let patience = Duration::from_secs(60);
    eventually("the catalog has read everything", patience, async || {
        let status = server.status().await;
        let is_there = status["today"][what].as_u64().unwrap() >= filings;
        is_there && status["catalog"]["through"] == status["head"]
    })
    .await;
}

async fn ask(server: &Server, path: &str) -> Value {
    let answer = get_with_key(&server.addr, path, &server.key).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

/// All filings of a query, page by page.
async fn all(server: &Server, query: &str) -> Vec<Value> {
    let (mut filings, mut next) = (Vec::new(), String::new());
    loop {
        let page = ask(server, &format!("/v1/filings?{query}{next}")).await;
        filings.extend(page["filings"].as_array().unwrap().clone());
        match page["next"].as_str() {
            Some(token) => next = format!("&next={token}"),
            None => return filings,
        }
    }
}

fn accessions(filings: &[Value]) -> Vec<String> {
    let name = |filing: &Value| filing["accession"].as_str().unwrap().to_owned();
    filings.iter().map(name).collect()
}

/// The newest telling of each filing, newest `filing.seen` first.
fn tellings(books: &Books) -> Vec<(String, &str)> {
    let mut told: BTreeMap<String, (u64, &str)> = BTreeMap::new();
    for (event, frame) in books.events.iter().zip(&books.frames) {
        let Some(filing) = event.body.filing() else {
            continue;
        };
        let (accession, frame) = (filing.accession.to_string(), frame.as_str());
        match event.body.event_type() {
            EventType::FilingSeen => drop(told.insert(accession, (event.seq().get(), frame))),
            EventType::FilingArchived => told.get_mut(&accession).unwrap().1 = frame,
            _ => {}
        }
    }
    let mut told: Vec<_> = told.into_iter().collect();
    told.sort_by_key(|(_, (seq, _))| std::cmp::Reverse(*seq));
    told.into_iter()
        .map(|(accession, (_, frame))| (accession, frame))
        .collect()
}

/// Some fields with some of the values that the log has, and some that it has not.
fn some_fields(chance: &mut StdRng, books: &Books) -> BTreeMap<&'static str, String> {
    let filings: Vec<_> = books
        .events
        .iter()
        .filter_map(|event| event.body.filing())
        .collect();
    let mut fields = BTreeMap::new();
    for _ in 0..chance.random_range(1..=3) {
        let filing = filings.choose(chance).unwrap();
        let filer = &filing.filers[0];
        let form = filing.form.as_str();
        let value =
            |known: Option<&String>, other: &str| known.map_or(other.to_owned(), String::clone);
        let (name, value) = match chance.random_range(0..8) {
            0 => ("forms", format!("{form},N-1A")),
            1 => ("forms", format!("{}*", &form[..1])),
            2 => ("ciks", filer.cik.padded()),
            3 => ("items", value(filing.items.first(), "9.99")),
            4 => (
                "document_types",
                filing
                    .documents
                    .first()
                    .map_or("EX-9*".to_owned(), |d| d.document_type.clone()),
            ),
            5 => ("sics", value(filer.sic.as_ref(), "7372")),
            6 => ("states", value(filer.state.as_ref(), "NY")),
            _ => ("agents", filing.accession.submitter().to_string()),
        };
        fields.insert(name, value);
    }
    fields
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_finds_what_it_would_be_sent_of_the_whole_log() {
    let scene = Scene::of(Config::quiet()).await;
    scene.edgar.publish_now(50);
    settled(&scene.server, "archived", 50).await;
    let books = Books::read(&scene.server).await;
    let told = tellings(&books);
    let mut chance = StdRng::seed_from_u64(6);

    let mut found_some = 0;
    for round in 0..60 {
        let fields = some_fields(&mut chance, &books);
        let Ok(filter) = Filter::from_lists(&fields) else {
            continue;
        };
        let wants = |frame: &str| filter.wants(&Facts::of_frame(frame.as_bytes()).unwrap());
        let wanted: Vec<String> = told
            .iter()
            .filter(|(_, frame)| wants(frame))
            .map(|(a, _)| a.clone())
            .collect();
        let query = url::form_urlencoded::Serializer::new(format!("limit={}", 5 + round))
            .extend_pairs(&fields)
            .finish();

        let found = accessions(&all(&scene.server, &query).await);

        assert_eq!(found, wanted, "{query}");
        found_some += usize::from(!found.is_empty());
    }
    assert!(found_some > 20, "{found_some} filters found anything");
    assert_eq!(scene.server.complaints(), Vec::<String>::new());
}

/// The catalog as it is told, but for how far it has read.
async fn everything(server: &Server) -> Vec<Value> {
    all(server, "limit=15").await
}

async fn start(dir: &Path, edgar: &str, key: &str) -> Server {
    Server::start_with_key(dir, edgar, key, &[]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_stream_has_told_can_be_asked_for_at_once() {
    let scene = Scene::of(Config::quiet()).await;
    let mut subscriber = scene.subscribe("types=filing.seen").await;
    for _ in 0..5 {
        let accession = scene.edgar.publish_now(1).pop().unwrap();
        let seen = subscriber.event().await;

        let found = ask(&scene.server, &format!("/v1/filings/{accession}")).await;
        let newest = ask(&scene.server, "/v1/filings?limit=1").await;

        assert_eq!(found["seen_cursor"], seen.cursor.to_string());
        assert_eq!(newest["filings"][0]["accession"], accession.as_str());
    }
    assert_eq!(scene.server.complaints(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalog_that_is_deleted_or_killed_comes_back_the_same() {
    let edgar = simulator::Simulator::start_local(Config::quiet())
        .await
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let key = create_key(dir.path(), &[]);
    let server = start(dir.path(), &edgar.url(), &key).await;
    edgar.publish_now(20);
    settled(&server, "archived", 20).await;
    let before = everything(&server).await;
    assert_eq!(before.len(), 20);

    server.kill();
    let server = start(dir.path(), &edgar.url(), &key).await;
    settled(&server, "archived", 20).await;
    assert_eq!(everything(&server).await, before);
    server.kill();
    std::fs::remove_file(dir.path().join("catalog.db")).unwrap();
    let server = start(dir.path(), &edgar.url(), &key).await;
    settled(&server, "archived", 20).await;

    assert_eq!(everything(&server).await, before);
    edgar.publish_now(3);
    settled(&server, "archived", 23).await;
    assert_eq!(everything(&server).await[3..], before);
    assert_eq!(server.complaints(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn paging_goes_on_where_it_was_while_new_filings_come_in() {
    let scene = Scene::of(Config::quiet()).await;
    scene.edgar.publish_now(40);
    settled(&scene.server, "seen", 40).await;
    let before = accessions(&everything(&scene.server).await);
    let first = ask(&scene.server, "/v1/filings?limit=15").await;

    scene.edgar.publish_now(30);
    settled(&scene.server, "seen", 70).await;

    let next = first["next"].as_str().unwrap();
    let rest = ask(
        &scene.server,
        &format!("/v1/filings?limit=1000&next={next}"),
    )
    .await;
    let mut paged = accessions(first["filings"].as_array().unwrap());
    paged.extend(accessions(rest["filings"].as_array().unwrap()));
    assert_eq!(paged, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filing_is_told_with_its_events_and_when_each_source_saw_it() {
    // By day: what is filed at night has the date of a day that nobody searches yet.
    let morning = Config {
        clock_start: Some("2026-03-03T15:00:00Z".parse().unwrap()),
        ..Config::quiet()
    };
    let often = [("FILINGWIRE__MONITORS__EFTS__POLL_INTERVAL_MS", "1000")];
    let scene = Scene::by_its_clock(morning, &often).await;
    let accession = scene.edgar.publish_now(1).pop().unwrap();
    settled(&scene.server, "archived", 1).await;
    let mut filing = Value::Null;
    eventually(
        "both sources have seen it",
        Duration::from_secs(40),
        async || {
            filing = ask(&scene.server, &format!("/v1/filings/{accession}")).await;
            filing["timing"].as_array().unwrap().len() == 2
        },
    )
    .await;

    let events: Vec<&str> = filing["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["type"].as_str().unwrap())
        .collect();
    assert_eq!(events, ["filing.seen", "filing.archived"]);
    assert_eq!(filing["seen_cursor"], filing["events"][0]["cursor"]);
    assert_eq!(filing["archived_cursors"][0], filing["events"][1]["cursor"]);
    let mut sources: Vec<&str> = filing["timing"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["source"].as_str().unwrap())
        .collect();
    sources.sort_unstable();
    assert_eq!(sources, ["atom", "efts"]);
    let books = Books::read(&scene.server).await;
    let (_, frame) = tellings(&books).remove(0);
    let frame: Value = serde_json::from_str(frame).unwrap();
    for (field, value) in frame["filing"].as_object().unwrap() {
        assert_eq!(&filing[field], value, "{field}");
    }
    let digits = accession.replace('-', "");
    for spelling in [digits.as_str(), digits.trim_start_matches('0')] {
        let same = ask(&scene.server, &format!("/v1/filings/{spelling}")).await;
        assert_eq!(same["accession"], accession.as_str());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_answered_is_refused_with_its_name_and_the_remedy() {
    let scene = Scene::quiet().await;
    let stream_only = create_key(scene.dir.path(), &["--scopes", "stream"]);
    let addr = &scene.server.addr;
    eventually("there is a catalog", Duration::from_secs(20), async || {
        let answer = get_with_key(addr, "/v1/filings", &scene.server.key).await;
        answer.status == 200
    })
    .await;
    let cases = [
        ("/v1/filings?next=abc", 422, "/next"),
        ("/v1/filings?froms=8-K", 422, "/froms"),
        ("/v1/filings?types=filing.seen", 422, "/types"),
        ("/v1/filings?filed_from=today", 422, "/filed_from"),
        ("/v1/filings/nonsense", 422, "/accession"),
        (
            "/v1/filings/0001999999-26-999999",
            404,
            "has read the log through",
        ),
    ];
    for (path, status, told) in cases {
        let answer = get_with_key(addr, path, &scene.server.key).await;

        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        assert!(
            answer.headers.contains("application/problem+json"),
            "{path}"
        );
        assert!(answer.body.contains(told), "{path}: {}", answer.body);
    }
    assert_eq!(scene.server.get("/v1/filings").await.status, 401);
    assert_eq!(
        get_with_key(addr, "/v1/filings", &stream_only).await.status,
        403
    );
    let none = ask(&scene.server, "/v1/filings").await;
    assert_eq!(none["filings"], Value::Array(Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_catalog_says_so_and_makes_no_file() {
    let off = [("FILINGWIRE__CATALOG__ENABLED", "false")];
    let scene = Scene::with(Config::quiet(), &off).await;

    let answer = get_with_key(&scene.server.addr, "/v1/filings", &scene.server.key).await;

    assert_eq!(answer.status, 404);
    assert!(answer.body.contains("catalog.enabled"), "{}", answer.body);
    assert!(!scene.dir.path().join("catalog.db").exists());
    assert_eq!(scene.server.status().await.get("catalog"), None);
}
