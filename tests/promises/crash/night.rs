//! Killed while a day is proven complete: it is sealed once, with all that belongs to it.

use std::{os::unix::process::ExitStatusExt, path::Path, process::Output};

use jiff::civil::{Date, date};
use simulator::{Config, Simulator, accessions_sha256};

use crate::harness::{
    books::Books,
    program::{Server, command, create_key},
    shelves,
};

/// Points between the index of a day and the last of its files.
pub const POINTS: &[&str] = &[
    "day.taken",
    "day.archived",
    "durable.written",
    "durable.synced",
    "durable.renamed",
    "day.drafted",
    "day.sealed",
    "day.published",
    "events.put",
    "events.summed",
    "inventory.written",
    "bucket.replaced",
];

const DAY: Date = date(2026, 3, 3);

/// `filingwire reconcile`, killed at the first pass of `point` if there is one.
async fn reconcile(data_dir: &Path, edgar: &Simulator, point: Option<&str>) -> Output {
    let mut command = command(&["reconcile", "--date", "2026-03-03", "--data-dir"]);
    command.arg(data_dir).envs([
        ("FILINGWIRE__EDGAR__CONTACT", "tests@filingwire.example"),
        ("FILINGWIRE__EDGAR__WWW_URL", &edgar.url()),
        ("FILINGWIRE__EDGAR__EFTS_URL", &edgar.url()),
    ]);
    if let Some(point) = point {
        command.env(crashpoint::VARIABLE, format!("{point}:1"));
    }
    let run = tokio::task::spawn_blocking(move || command.output().unwrap());
    run.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_killed_at_every_step_of_its_reconciliation_is_sealed_once_and_whole() {
    let edgar = Simulator::start_local(Config {
        clock_start: Some("2026-03-03T19:00:00Z".parse().unwrap()),
        ..Config::quiet()
    })
    .await
    .unwrap();
    edgar.publish_now(3);
    edgar.publish_daily_index(DAY);

    for point in POINTS {
        let dir = tempfile::tempdir().unwrap();
        let killed = reconcile(dir.path(), &edgar, Some(point)).await;
        let said = String::from_utf8_lossy(&killed.stderr).into_owned();
        assert_eq!(killed.status.signal(), Some(9), "{point}: {said}");
        assert!(
            said.contains(&format!("crashpoint {point}")),
            "{point}: {said}"
        );

        let again = reconcile(dir.path(), &edgar, None).await;
        let said = String::from_utf8_lossy(&again.stderr).into_owned();
        assert_eq!(again.status.code(), Some(0), "{point}: {said}");
        check(point, dir.path(), &edgar).await;
    }
}

async fn check(point: &str, dir: &Path, edgar: &Simulator) {
    let key = create_key(dir, &[]);
    let server = Server::start_with_key(dir, &edgar.url(), &key, &[]).await;
    let books = Books::read(&server).await;
    let list = edgar.ledger().listed_on(DAY).unwrap();

    let seals: Vec<_> = books.seals().collect();
    assert_eq!(seals.len(), 1, "{point}");
    assert_eq!(seals[0].1.sha256, accessions_sha256(&list), "{point}");
    assert_eq!(
        books.seen().into_keys().collect::<Vec<_>>(),
        list,
        "{point}"
    );
    assert!(
        books.archived().values().all(|told| told.len() == 1),
        "{point}"
    );
    let kept = std::fs::read_to_string(dir.join("days/2026-03-03.txt")).unwrap();
    assert_eq!(kept.lines().collect::<Vec<_>>(), list, "{point}");
    shelves::check(&dir.join("archive"), &books);
    println!("{point}: {} up to {}", books.summary(), books.head());
}
