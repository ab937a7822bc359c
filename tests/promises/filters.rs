//! A filter sends what it names, decided by the first event that can tell.

use std::time::Duration;

use protocol::{event::Body, filing::Filing};
use serde_json::{Value, json};
use simulator::{LedgerFiling, Wish};

use crate::harness::{Scene, eventually, subscriber::Subscriber};

fn wish(form: &str) -> Wish {
    Wish {
        form: Some(form.to_owned()),
        ..Wish::default()
    }
}

/// Files an 8-K of a company that has a ticker.
fn listed_company(scene: &Scene) -> (LedgerFiling, String) {
    for _ in 0..50 {
        let accession = scene.edgar.publish(&wish("8-K")).unwrap();
        let filing = scene.edgar.ledger().filing(&accession).unwrap();
        if let Some(ticker) = filing.filers[0].tickers.first() {
            let ticker = ticker.clone();
            return (filing, ticker);
        }
    }
    panic!("no company of this world has a ticker");
}

/// Subscribes as soon as the server knows whose the tickers are.
async fn subscribe_by_ticker(scene: &Scene, query: &str) -> (Subscriber, Value) {
    let url = format!("{}?{query}", scene.server.stream());
    let mut found = None;
    eventually(
        "the tickers are known",
        Duration::from_secs(20),
        async || {
            let mut subscriber = Subscriber::connect(&url, Some(&scene.server.key)).await;
            subscriber.hello().await;
            let frame = subscriber.frame().await;
            if let protocol::frame::ServerFrame::Subscribed(subscribed) = frame {
                subscriber.cursor = Some(subscribed.after);
                found = Some((subscriber, subscribed.filter));
            }
            found.is_some()
        },
    )
    .await;
    found.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn tickers_are_shown_as_resolved_and_find_their_companys_filings() {
    let scene = Scene::quiet().await;
    let (filing, ticker) = listed_company(&scene);
    let cik = filing.filers[0].cik.to_string();

    let query = format!(
        "after=oldest&types=filing.seen&tickers={}",
        ticker.to_lowercase()
    );
    let (mut subscriber, shown) = subscribe_by_ticker(&scene, &query).await;

    assert_eq!(shown["tickers"], json!({ ticker.as_str(): cik }));
    let event = subscriber.event().await;
    let filers = &event.body.filing().unwrap().filers;
    assert!(filers.iter().any(|filer| filer.cik.to_string() == cik));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_ticker_is_refused_by_name() {
    let scene = Scene::quiet().await;
    let (_, ticker) = listed_company(&scene);
    // Once this is through, the list is known.
    subscribe_by_ticker(&scene, &format!("tickers={ticker}")).await;

    let url = format!("{}?tickers=NOSUCHCO", scene.server.stream());
    let mut subscriber = Subscriber::connect(&url, Some(&scene.server.key)).await;
    let (refusal, close) = subscriber.refusal().await;

    let refusal = refusal.unwrap();
    assert_eq!(
        (refusal.code.as_str(), close),
        ("filter_bad_value", Some(4400))
    );
    assert!(refusal.message.contains("NOSUCHCO"), "{}", refusal.message);
    assert_eq!(refusal.field.as_deref(), Some("tickers"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_the_header_tells_is_decided_when_a_filing_is_archived() {
    let scene = Scene::quiet().await;
    let mut everything = scene.subscribe("types=filing.archived").await;
    let accession = scene.edgar.publish(&wish("8-K")).unwrap();
    let Body::FilingArchived(archived) = everything.event().await.body else {
        panic!("only archived filings were asked for");
    };
    let filer = &archived.filers[0];
    let known = [
        (
            "document_types",
            archived.documents[0].document_type.clone(),
        ),
        ("sics", filer.sic.clone().unwrap()),
        ("states", filer.state.clone().unwrap()),
    ];

    for (field, value) in known {
        let mut subscriber = scene
            .subscribe(&format!("after=oldest&{field}={value}"))
            .await;

        let event = subscriber.event().await;

        let filing: &Filing = event.body.filing().unwrap();
        assert!(matches!(event.body, Body::FilingArchived(_)), "{field}");
        assert_eq!(filing.accession.to_string(), accession, "{field}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_combination_that_can_never_match_is_refused() {
    let scene = Scene::quiet().await;

    for (query, field) in [
        ("forms=8-K/A&amendments=exclude", "amendments"),
        ("forms=4&items=2.02", "items"),
        ("types=filing.seen&document_types=EX-99.1", "document_types"),
        (
            "after=time:2026-03-04T00:00:00Z&until=time:2026-03-03T00:00:00Z",
            "until",
        ),
    ] {
        let url = format!("{}?{query}", scene.server.stream());
        let mut subscriber = Subscriber::connect(&url, Some(&scene.server.key)).await;
        let (refusal, close) = subscriber.refusal().await;
        let refusal = refusal.unwrap();
        assert_eq!(
            (refusal.code.as_str(), close, refusal.field.as_deref()),
            ("filter_impossible", Some(4400), Some(field)),
            "{query}"
        );
    }
}
