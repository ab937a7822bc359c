//! Refusals by the police and faults by plan; each is on the wire and in the ledger.

use std::time::Duration;

use simulator::{Config, Fault, FaultPlan, Simulator, ViolationKind, Wish};

use crate::http::{AGENT, get, get_with};
use crate::{quiet, start};

const FEED: &str = "/cgi-bin/browse-edgar?action=getcurrent&output=atom";

/// An EDGAR with one 8-K in which `fault` always fires, and the path of its submission.
async fn faulty(fault: Fault) -> (Simulator, String) {
    let faults = FaultPlan::default().with(fault, 1.0);
    let simulator = start(Config {
        faults,
        slow_body: Duration::from_millis(400),
        ..quiet()
    })
    .await;
    let accession = simulator
        .publish(&Wish {
            form: Some("8-K".to_owned()),
            ..Wish::default()
        })
        .unwrap();
    let filing = simulator.ledger().filing(&accession).unwrap();
    let path = format!(
        "/Archives/edgar/data/{}/{accession}.txt",
        filing.filers[0].cik
    );
    (simulator, path)
}

#[tokio::test]
async fn the_eleventh_request_in_a_second_is_shut_out_until_silence() {
    let config = Config {
        max_requests_per_second: 10,
        police_window: Duration::from_secs(3600),
        block_duration: Duration::from_secs(600),
        ..quiet()
    };
    let simulator = start(config).await;

    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(get(simulator.address(), FEED).await.status);
    }

    assert_eq!(statuses[..10], [200; 10]);
    assert_eq!(statuses[10..], [403; 2]);
    let page = get(simulator.address(), FEED).await;
    assert!(
        page.text()
            .contains("<title>SEC.gov | Request Rate Threshold Exceeded</title>")
    );
    assert!(page.text().contains("Reference ID: 0."));
    assert_eq!(page.header("retry-after"), None);
    let kinds: Vec<ViolationKind> = simulator
        .ledger()
        .violations()
        .iter()
        .map(|violation| violation.kind)
        .collect();
    assert_eq!(
        kinds,
        [
            ViolationKind::TooMany,
            ViolationKind::Blocked,
            ViolationKind::Blocked
        ]
    );
    assert_eq!(simulator.ledger().max_in_one_second(), 13);
}

#[tokio::test]
async fn a_client_without_contact_is_refused() {
    let simulator = start(quiet()).await;

    for headers in ["", "User-Agent: curl/8.5.0\r\n"] {
        let reply = get_with(simulator.address(), FEED, headers).await.unwrap();
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (403, Some("text/html"))
        );
        assert!(reply.text().contains("Undeclared Automated Tool"));
    }

    assert_eq!(
        simulator.ledger().violations()[0].kind,
        ViolationKind::Undeclared
    );
    assert_eq!(simulator.ledger().violations().len(), 2);
}

#[tokio::test]
async fn a_truncated_submission_announces_more_than_it_sends() {
    let (simulator, path) = faulty(Fault::Truncate).await;

    let reply = get(simulator.address(), &path).await;

    assert_eq!(reply.status, 200);
    assert_eq!(reply.body.len(), reply.announced() / 2);
    assert!(!reply.text().contains("</SEC-DOCUMENT>"));
    assert_eq!(simulator.ledger().faults()[0].path, path);
    assert_eq!(simulator.ledger().fired(Fault::Truncate), 1);
}

#[tokio::test]
async fn a_truncated_compressed_submission_is_short_too() {
    let (simulator, path) = faulty(Fault::Truncate).await;

    let headers = format!("User-Agent: {AGENT}\r\nAccept-Encoding: gzip\r\n");
    let reply = get_with(simulator.address(), &path, &headers)
        .await
        .unwrap();

    assert_eq!(reply.body.len(), reply.announced() / 2);
}

#[tokio::test]
async fn a_dropped_connection_gives_no_byte() {
    let (simulator, path) = faulty(Fault::Drop).await;

    let reply = get_with(
        simulator.address(),
        &path,
        &format!("User-Agent: {AGENT}\r\n"),
    )
    .await;

    assert!(reply.is_none());
    assert_eq!(simulator.ledger().fired(Fault::Drop), 1);
}

#[tokio::test]
async fn a_slow_body_takes_its_time_and_is_whole() {
    let (simulator, path) = faulty(Fault::Slow).await;
    let start = std::time::Instant::now();

    let reply = get(simulator.address(), &path).await;

    assert!(start.elapsed() >= Duration::from_millis(400));
    assert_eq!(reply.body.len(), reply.announced());
    assert_eq!(simulator.ledger().fired(Fault::Slow), 1);
}

#[tokio::test]
async fn the_first_request_for_a_submission_misses_and_the_second_finds_it() {
    let (simulator, path) = faulty(Fault::NotFoundFirst).await;

    let statuses = [
        get(simulator.address(), &path).await.status,
        get(simulator.address(), &path).await.status,
    ];

    assert_eq!(statuses, [404, 200]);
    assert_eq!(simulator.ledger().fired(Fault::NotFoundFirst), 1);
}

#[tokio::test]
async fn errors_take_the_place_of_answers() {
    for (fault, status, words) in [
        (Fault::Error500, 500, "Internal server error"),
        (Fault::Error503, 503, "File Unavailable"),
        (Fault::BlockPage, 403, "Request Rate Threshold Exceeded"),
    ] {
        let (simulator, _) = faulty(fault).await;

        let reply = get(simulator.address(), "/LATEST/search-index?forms=-0").await;

        assert_eq!(reply.status, status);
        assert!(reply.text().contains(words));
        assert_eq!(simulator.ledger().fired(fault), 1);
        assert!(simulator.ledger().violations().is_empty());
    }
}

#[tokio::test]
async fn a_malformed_feed_is_no_xml_in_any_of_its_ways() {
    let (simulator, _) = faulty(Fault::MalformedAtom).await;

    for _ in 0..12 {
        let text = get(simulator.address(), FEED).await.text();
        let balanced = text.matches("<entry").count() == text.matches("</entry>").count();
        assert!(!balanced || !text.ends_with("</feed>\n"), "{text}");
    }

    assert_eq!(simulator.ledger().fired(Fault::MalformedAtom), 12);
}

#[tokio::test]
async fn a_new_plan_replaces_the_old_one() {
    let (simulator, path) = faulty(Fault::Error500).await;
    let before = get(simulator.address(), &path).await.status;

    simulator.set_faults(FaultPlan::default());

    assert_eq!(
        [before, get(simulator.address(), &path).await.status],
        [500, 200]
    );
}

#[tokio::test]
async fn a_stopped_simulator_answers_no_more() {
    let simulator = start(quiet()).await;
    let address = simulator.address();

    simulator.stop().await;

    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_feed_and_an_index_that_stand_still_answer_well_and_show_nothing_new() {
    const SEARCH: &str =
        "/LATEST/search-index?q=&dateRange=custom&startdt=2026-03-03&enddt=2026-03-03&forms=-0";
    let simulator = start(quiet()).await;
    let shows = async |path, accession: &str| {
        let answer = get(simulator.address(), path).await;
        assert_eq!(answer.status, 200);
        answer.text().contains(accession)
    };
    let before = simulator.publish_now(1).remove(0);
    let plan = FaultPlan::default()
        .with(Fault::FrozenFeed, 1.0)
        .with(Fault::FrozenSearch, 1.0);
    simulator.set_faults(plan);
    for path in [FEED, SEARCH] {
        assert!(shows(path, &before).await, "{path}");
    }

    let after = simulator.publish_now(1).remove(0);
    let frozen = [shows(FEED, &after).await, shows(SEARCH, &after).await];
    simulator.set_faults(FaultPlan::default());
    let thawed = [shows(FEED, &after).await, shows(SEARCH, &after).await];

    assert_eq!((frozen, thawed), ([false; 2], [true; 2]));
    for fault in [Fault::FrozenFeed, Fault::FrozenSearch] {
        assert_eq!(simulator.ledger().fired(fault), 2, "{fault:?}");
    }
}
