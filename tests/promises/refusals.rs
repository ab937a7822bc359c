//! Bad input: each a clear message with the remedy, none a panic.

use std::{
    fs::OpenOptions,
    io::{Seek as _, SeekFrom, Write as _},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use filingwire::{app::App, config};
use monitors::{
    clock::Clock,
    sighting::{Report, Sighting},
};
use protocol::{
    accession::Accession,
    cik::Cik,
    filing::{Filer, Filing, Source},
    time::Timestamp,
};
use simulator::{Config, Simulator};
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{
    Scene,
    program::{Ended, Server, command, create_key, run, serve},
    subscriber::Subscriber,
};

/// Where nothing answers; the server must not get as far as asking.
const NOWHERE: &str = "http://127.0.0.1:9";

fn expect(ended: &Ended, code: i32, words: &[&str]) {
    assert_eq!(ended.code, Some(code), "{}", ended.stderr);
    for word in words {
        assert!(
            ended.stderr.contains(word),
            "no `{word}` in: {}",
            ended.stderr
        );
    }
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
}

#[test]
fn an_unknown_config_key_is_named_with_the_nearest_known_one() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("filingwire.toml");
    std::fs::write(
        &file,
        "[edgar]\ncontact = 'a@b.org'\n[monitors.atom]\npoll_intervall_ms = 5\n",
    )
    .unwrap();

    for command in ["check-config", "serve"] {
        let ended = run(&[command, "--config", file.to_str().unwrap()]);
        expect(
            &ended,
            2,
            &[
                "monitors.atom.poll_intervall_ms",
                "monitors.atom.poll_interval_ms",
            ],
        );
    }
}

#[test]
fn a_missing_contact_says_what_the_sec_asks_for() {
    let dir = tempfile::tempdir().unwrap();
    let mut start = command(&["serve", "--data-dir"]);
    start.arg(dir.path());

    expect(
        &Ended::of(start),
        2,
        &["edgar.contact", "--contact you@example.com"],
    );
}

#[test]
fn check_config_shows_what_is_in_effect() {
    let mut check = command(&["check-config"]);
    check
        .env("FILINGWIRE__EDGAR__CONTACT", "a@b.org")
        .env("FILINGWIRE__LISTEN", "127.0.0.1:7777");

    let ended = Ended::of(check);

    expect(&ended, 0, &[]);
    assert!(
        ended.stdout.contains("contact = \"a@b.org\""),
        "{}",
        ended.stdout
    );
    assert!(ended.stdout.contains("listen = \"127.0.0.1:7777\""));
    assert!(ended.stdout.contains("poll_interval_ms = 250"));
}

#[test]
fn a_port_in_use_is_said_with_the_flag_that_helps() {
    let dir = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let mut start = command(&[
        "serve",
        "--contact",
        "a@b.org",
        "--listen",
        &address.to_string(),
    ]);
    start.arg("--data-dir").arg(dir.path());
    let port = address.port().to_string();

    expect(&Ended::of(start), 1, &[&port, "in use", "--listen"]);
}

#[test]
fn an_unusable_data_dir_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a-file");
    std::fs::write(&file, "").unwrap();
    expect(
        &Ended::of(serve(&file, NOWHERE)),
        1,
        &["a-file", "data directory"],
    );

    let closed = dir.path().join("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o500)).unwrap();
    // Root may write anywhere; everybody else is told.
    if std::fs::write(closed.join("probe"), "").is_err() {
        expect(
            &Ended::of(serve(&closed, NOWHERE)),
            1,
            &["closed", "permissions"],
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_do_not_share_a_data_dir() {
    let edgar = Simulator::start_local(Config::quiet()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let _first = Server::start(dir.path(), &edgar.url()).await;
    let second = serve(dir.path(), &edgar.url());

    let ended = tokio::task::spawn_blocking(|| Ended::of(second))
        .await
        .unwrap();

    expect(&ended, 1, &["event log", "another"]);
}

#[test]
fn a_flipped_bit_in_the_log_stops_the_start_loudly() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let dir = tempfile::tempdir().unwrap();
    runtime.block_on(async {
        let edgar = Simulator::start_local(Config::quiet()).await.unwrap();
        let mut server = Server::start(dir.path(), &edgar.url()).await;
        let mut subscriber = Subscriber::subscribe(&server.stream(), &server.key, "").await;
        edgar.publish_now(3);
        for _ in 0..6 {
            subscriber.event().await;
        }
        server.stop().await;
    });
    flip_a_bit(dir.path());

    expect(
        &Ended::of(serve(dir.path(), NOWHERE)),
        1,
        &["log", ".log", "damaged"],
    );
}

/// Damages the first record of the log.
fn flip_a_bit(data_dir: &Path) {
    damage(data_dir, 400);
}

/// Damages the log's first segment at a byte.
fn damage(data_dir: &Path, byte: u64) {
    let segment = data_dir.join("log/00000000000000000001.log");
    let mut file = OpenOptions::new().write(true).open(segment).unwrap();
    file.seek(SeekFrom::Start(byte)).unwrap();
    file.write_all(b"\x01").unwrap();
}

/// Lets a server see more filings than a start reads events, of so many bytes that the
/// first of them lie in a segment of their own.
async fn fill(data_dir: &Path) {
    const FILINGS: u32 = 51_000;
    let raw = config::raw::Raw::for_edgar(NOWHERE, "a@b.org", "127.0.0.1:0", data_dir);
    let config = config::Config::check(&raw).unwrap();
    let (app, reports) = App::start_without_inflow(config, Clock::system())
        .await
        .unwrap();
    let (filled, stop) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(app.run_until(async { drop(stop.await) }));
    for serial in 1..=FILINGS {
        let accession = Accession::new(Cik::new(1_999_999), 26, serial).unwrap();
        let form = "8-K".parse().unwrap();
        let mut filing = Filing::new(accession, form, Source::Atom, Timestamp::now());
        let name = "QUAYSIDE ROBOTICS ".repeat(70);
        filing.filers.push(Filer::new(Cik::new(1), name, None));
        let sighting = Report::Sighted(Sighting { filing });
        reports.send(sighting).await.unwrap();
    }
    // The updater drains what it was sent before it stops.
    drop((reports, filled));
    running.await.unwrap().unwrap();
}

#[test]
fn damage_where_a_start_no_longer_reads_is_found_in_the_background_and_as_loud() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(fill(dir.path()));
    assert!(dir.path().join("known").exists());
    // Beyond the first record, which tells a start since when the log is kept.
    damage(dir.path(), 400_000);

    // The fetcher, which has fetched nothing yet, may meet it before the scrubber does:
    // whoever does stops the program.
    let ended = Ended::of(serve(dir.path(), NOWHERE));

    expect(&ended, 1, &["ready", ".log", "damaged", "failed"]);
}

#[test]
fn a_damaged_snapshot_is_one_warning_and_the_log_is_read_instead() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(fill(dir.path()));
    let snapshot = dir.path().join("known");
    let mut bytes = std::fs::read(&snapshot).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&snapshot, bytes).unwrap();
    flip_a_bit(dir.path());

    // The start reads all again, so it meets the damage before it is ready.
    let ended = Ended::of(serve(dir.path(), NOWHERE));

    expect(&ended, 1, &["snapshot not used", "damaged", ".log"]);
    assert!(!ended.stderr.contains("ready"), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_on_the_stream_is_told_in_band_with_its_close_code() {
    let scene = Scene::quiet().await;
    let wrong_key = format!(
        "fw_{}_{}",
        scene.server.key.split('_').nth(1).unwrap(),
        "x".repeat(32)
    );
    let cases = [
        ("", Some(wrong_key.as_str()), "unauthorized", 4401),
        (
            "?froms=8-K",
            Some(&scene.server.key),
            "filter_unknown_field",
            4400,
        ),
        ("?forms=", Some(&scene.server.key), "filter_empty", 4400),
        (
            "?ciks=AAPL",
            Some(&scene.server.key),
            "filter_bad_value",
            4400,
        ),
        (
            "?types=filing.sen",
            Some(&scene.server.key),
            "filter_bad_value",
            4400,
        ),
        (
            "?after=soon",
            Some(&scene.server.key),
            "bad_parameter",
            4400,
        ),
    ];

    for (query, key, code, close) in cases {
        let mut subscriber =
            Subscriber::connect(&format!("{}{query}", scene.server.stream()), key).await;
        let (refusal, closed) = subscriber.refusal().await;
        let refusal = refusal.unwrap();
        assert_eq!(
            (refusal.code.as_str(), closed),
            (code, Some(close)),
            "{query}"
        );
        assert!(refusal.message.len() > 15, "{}", refusal.message);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_message_ends_the_session_with_its_reason() {
    let scene = Scene::quiet().await;
    let cases = [
        (Message::text("{"), "bad_message", 4400),
        (Message::text(r#"{"op":"dance"}"#), "bad_message", 4400),
        (
            Message::text(r#"{"op":"subscribe","filter":{"froms":["4"]}}"#),
            "filter_unknown_field",
            4400,
        ),
        (Message::binary(vec![0, 1]), "bad_message", 4400),
        (
            Message::text("x".repeat(64 * 1024 + 1)),
            "message_too_large",
            4413,
        ),
        (
            Message::text("x".repeat(1 << 20)),
            "message_too_large",
            4413,
        ),
    ];

    for (message, code, close) in cases {
        let shown = message.to_string().chars().take(40).collect::<String>();
        let mut subscriber = scene.subscribe("").await;
        subscriber.send(message).await;
        let (refusal, closed) = subscriber.refusal().await;
        assert_eq!(
            (refusal.unwrap().code.as_str(), closed),
            (code, Some(close)),
            "{shown}"
        );
    }
    assert_eq!(scene.server.complaints(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_messages_and_a_surplus_of_connections_are_limits_not_failures() {
    let edgar = Simulator::start_local(Config::quiet()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let key = create_key(dir.path(), &["--max-connections", "1"]);
    let server = Server::start_with_key(dir.path(), &edgar.url(), &key, &[]).await;
    let mut first = Subscriber::subscribe(&server.stream(), &key, "").await;

    let mut second = Subscriber::connect(&server.stream(), Some(&key)).await;
    let (surplus, surplus_close) = second.close().await;
    for _ in 0..6 {
        first.say(r#"{"op":"ping"}"#).await;
    }
    let (flood, flood_close) = first.close().await;

    let close = |reason: &str| Some((4029, reason.to_owned()));
    assert_eq!(surplus.unwrap().code.as_str(), "too_many_connections");
    assert_eq!(
        surplus_close,
        close("too_many_connections, retry after 5 s")
    );
    assert_eq!(flood.unwrap().code.as_str(), "too_many_messages");
    assert_eq!(flood_close, close("too_many_messages, retry after 1 s"));
}

#[tokio::test(flavor = "multi_thread")]
async fn http_errors_are_problems_with_a_code_and_a_request_id() {
    let scene = Scene::quiet().await;

    for (path, status, code) in [
        ("/v1/nothing", 404, "not_found"),
        ("/v1/stream", 426, "upgrade_required"),
    ] {
        let answer = scene.server.get(path).await;
        assert_eq!(answer.status, status);
        assert!(
            answer
                .headers
                .contains("content-type: application/problem+json"),
            "{}",
            answer.headers
        );
        assert!(answer.headers.contains("x-request-id: "));
        assert!(
            answer.body.contains(&format!("\"code\":\"{code}\"")),
            "{}",
            answer.body
        );
    }
}
