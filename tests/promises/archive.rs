//! Archived objects over HTTP, and an archive in S3.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use protocol::{
    event::{Body, EventType},
    filing::Filing,
    outage::Part,
    time::Timestamp,
};
use simulator::{Config, Simulator, Wish};

use crate::harness::{
    Scene,
    program::{self, Server, create_key},
    s3::{S3, environment},
    subscriber::Subscriber,
};

/// An answer: status line and headers in lower case, and the bytes.
pub struct Given {
    head: String,
    pub bytes: Vec<u8>,
}

impl Given {
    pub fn status(&self) -> &str {
        self.head.split(' ').nth(1).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        let line = self
            .head
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_else(|| panic!("no {name} in {}", self.head))
    }
}

pub fn ask(addr: &str, request: &str, headers: &[&str]) -> Given {
    let mut socket = TcpStream::connect(addr).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let headers: String = headers
        .iter()
        .map(|header| format!("{header}\r\n"))
        .collect();
    let request =
        format!("{request} HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\n{headers}\r\n");
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).unwrap();
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    Given {
        head: lower_names(&head),
        bytes: answer[end + 4..].to_vec(),
    }
}

fn lower_names(head: &str) -> String {
    let lines = head.lines().map(|line| match line.split_once(": ") {
        Some((name, value)) => format!("{}: {value}\n", name.to_ascii_lowercase()),
        None => format!("{line}\n"),
    });
    lines.collect()
}

/// Asks the archive's door with the server's API key.
fn door(server: &Server, method: &str, path: &str, headers: &[&str]) -> Given {
    let bearer = format!("authorization: Bearer {}", server.key);
    let headers = [&[&*bearer], headers].concat();
    ask(
        &server.addr,
        &format!("{method} /v1/archive/{path}"),
        &headers,
    )
}

/// A filing, published and archived.
async fn archived(edgar: &Simulator, subscriber: &mut Subscriber) -> Filing {
    let wish = Wish {
        form: Some("10-Q".to_owned()),
        ..Wish::default()
    };
    edgar.publish(&wish).unwrap();
    match subscriber.event().await.body {
        Body::FilingArchived(filing) => filing,
        other => panic!("{other:?}"),
    }
}

async fn start(
    dir: &tempfile::TempDir,
    edgar: &Simulator,
    environment: &[(&str, String)],
) -> Server {
    let key = create_key(dir.path(), &[]);
    let environment: Vec<_> = environment
        .iter()
        .map(|(name, value)| (*name, &**value))
        .collect();
    Server::start_with_key(dir.path(), &edgar.url(), &key, &environment).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archived_object_is_given_whole_in_ranges_or_not_again() {
    let scene = Scene::quiet().await;
    let mut subscriber = scene.subscribe("types=filing.archived").await;
    let filing = archived(&scene.edgar, &mut subscriber).await;
    let stored = filing.objects.sgml.as_ref().unwrap();
    let stored = std::fs::read(scene.dir.path().join("archive").join(&stored.key)).unwrap();
    let accession = filing.accession;
    let ask = |method, headers: &[&str]| {
        door(&scene.server, method, &format!("sgml/{accession}"), headers)
    };

    let whole = ask("GET", &[]);
    assert_eq!(whole.status(), "200");
    assert_eq!(whole.header("content-type"), "application/zstd");
    assert!(whole.bytes == stored);
    for spelling in [accession.compact(), accession.get().to_string()] {
        let same = door(&scene.server, "GET", &format!("sgml/{spelling}"), &[]);
        assert!(same.bytes == stored, "{spelling}");
    }

    let tag = whole.header("etag");
    let piece = ask("GET", &["range: bytes=4-9", &format!("if-range: {tag}")]);
    assert_eq!(piece.status(), "206");
    assert_eq!(
        piece.header("content-range"),
        format!("bytes 4-9/{}", stored.len())
    );
    assert_eq!(piece.bytes, stored[4..10]);

    let beyond = ask("GET", &["range: bytes=99999999-"]);
    assert_eq!(beyond.status(), "416");
    assert_eq!(
        beyond.header("content-range"),
        format!("bytes */{}", stored.len())
    );
    assert_eq!(beyond.header("content-type"), "application/problem+json");

    let again = ask("GET", &[&format!("if-none-match: {tag}")]);
    assert_eq!((again.status(), again.bytes.len()), ("304", 0));

    let head = ask("HEAD", &[]);
    assert_eq!((head.status(), head.bytes.len()), ("200", 0));
    assert_eq!(head.header("content-length"), stored.len().to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_archived_or_not_allowed_is_a_problem_with_a_remedy() {
    let scene = Scene::quiet().await;
    let refused = |path: &str| {
        let given = door(&scene.server, "GET", path, &[]);
        let body = String::from_utf8(given.bytes.clone()).unwrap();
        (given.status().to_owned(), body)
    };
    let stream_only = create_key(scene.dir.path(), &["--scopes", "stream"]);
    let path = "GET /v1/archive/sgml/0001999999-26-000042";

    let absent = refused("sgml/0001999999-26-000042");
    let nonsense = refused("sgml/8-K");
    let shape = refused("pdf/0001999999-26-000042");
    let nobody = ask(&scene.server.addr, path, &[]);
    let other = ask(
        &scene.server.addr,
        path,
        &[&format!("authorization: Bearer {stream_only}")],
    );

    assert_eq!(absent.0, "404");
    assert!(absent.1.contains("may not be fetched yet"), "{}", absent.1);
    assert_eq!(nonsense.0, "422");
    assert!(nonsense.1.contains("\"/accession\""), "{}", nonsense.1);
    assert_eq!(shape.0, "404");
    assert!(shape.1.contains("/xbrl/"), "{}", shape.1);
    assert_eq!((nobody.status(), other.status()), ("401", "403"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filing_in_s3_comes_back_by_a_redirect_and_by_the_command() {
    let (s3, edgar) = (
        S3::start().await,
        Simulator::start_local(Config::quiet()).await.unwrap(),
    );
    let dir = tempfile::tempdir().unwrap();
    let environment = s3.environment("secret");
    let mut server = start(&dir, &edgar, &environment).await;
    let query = "types=filing.archived";
    let mut subscriber = Subscriber::subscribe(&server.stream(), &server.key, query).await;

    let filing = archived(&edgar, &mut subscriber).await;

    let objects = &filing.objects;
    for (shape, object) in [
        ("sgml", &objects.sgml),
        ("tar", &objects.tar),
        ("xbrl", &objects.xbrl),
    ] {
        let object = object.as_ref().unwrap();
        let stored = s3.stored(&object.key);
        assert_eq!(crate::live::sha256(&stored), object.sha256);
        let path = format!("{shape}/{}", filing.accession);
        let given = door(&server, "GET", &path, &[]);
        assert_eq!(given.status(), "302", "{}", given.head);
        let url = given.header("location").to_owned();
        assert_eq!(door(&server, "GET", &path, &[]).header("location"), url);
        let (host, path) = url
            .strip_prefix("http://")
            .unwrap()
            .split_once('/')
            .unwrap();
        let piece = ask(host, &format!("GET /{path}"), &["range: bytes=2-5"]);
        assert_eq!((piece.status(), &piece.bytes[..]), ("206", &stored[2..6]));
    }
    let head = door(&server, "HEAD", &format!("sgml/{}", filing.accession), &[]);
    assert_eq!(head.status(), "200");

    let accession = filing.accession.to_string();
    let words = [
        "--data-dir",
        dir.path().to_str().unwrap(),
        "get",
        &accession,
        "--as",
        "tar",
    ];
    let mut command = program::command(&words);
    let printed = command.envs(environment).output().unwrap();
    assert!(
        printed.stdout == s3.stored(&objects.tar.as_ref().unwrap().key),
        "{printed:?}"
    );
    assert!(server.stop().await.success());
    assert_eq!(server.complaints(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_of_s3_ends_the_start_and_names_its_key() {
    let (s3, dir) = (S3::start().await, tempfile::tempdir().unwrap());

    let mut command = program::serve(dir.path(), "http://127.0.0.1:9");
    command.envs(s3.environment("guessed"));
    let ended = tokio::task::spawn_blocking(|| program::Ended::of(command))
        .await
        .unwrap();

    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("archive.s3.secret_access_key"),
        "{}",
        ended.stderr
    );
    assert!(!ended.stderr.contains("guessed"), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_s3_server_that_is_down_does_not_keep_the_stream_from_starting() {
    let edgar = Simulator::start_local(Config::quiet()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let nobody = ([127, 0, 0, 1], 9).into();

    let server = start(&dir, &edgar, &environment(nobody, "secret")).await;
    let mut subscriber = Subscriber::subscribe(&server.stream(), &server.key, "").await;
    edgar.publish(&Wish::default()).unwrap();
    let seen = subscriber.event().await;

    assert_eq!(seen.body.event_type(), EventType::FilingSeen);
    let told = server.complaints().join("\n");
    assert!(told.contains("the stream goes on"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_that_is_down_at_the_start_is_told_before_anything_is_put_and_so_is_its_coming() {
    let (s3, edgar) = (
        S3::start().await,
        Simulator::start_local(Config::quiet()).await.unwrap(),
    );
    s3.switch(false);
    let dir = tempfile::tempdir().unwrap();

    let mut server = start(&dir, &edgar, &s3.environment("secret")).await;
    let at_first = (server.status().await, server.get("/metrics").await.body);
    let query = "types=source.down,source.up&after=oldest";
    let mut subscriber = Subscriber::subscribe(&server.stream(), &server.key, query).await;
    let down = of_archive(&mut subscriber).await;
    s3.switch(true);
    let up = of_archive(&mut subscriber).await;

    assert_eq!(at_first.0["archive"]["up"], false);
    assert!(at_first.1.contains("\nfilingwire_archive_up 0\n"));
    assert_eq!(down, (EventType::SourceDown, None));
    assert!(up.0 == EventType::SourceUp && up.1.is_some(), "{up:?}");
    assert_eq!(server.status().await["archive"]["up"], true);
    assert!(server.stop().await.success());
}

/// The next event that tells of the archive, with the end of the outage.
async fn of_archive(subscriber: &mut Subscriber) -> (EventType, Option<Timestamp>) {
    loop {
        let event = subscriber.event().await;
        let event_type = event.body.event_type();
        if let Body::SourceDown(outage) | Body::SourceUp(outage) = event.body
            && outage.part == Part::Archive
        {
            return (event_type, outage.until);
        }
    }
}

#[test]
fn a_secret_is_never_shown_by_check_config() {
    let mut command = program::command(&["check-config"]);
    command
        .env("FILINGWIRE__EDGAR__CONTACT", "tests@filingwire.example")
        .envs(environment(([127, 0, 0, 1], 9).into(), "hush"));

    let shown = program::Ended::of(command);

    assert_eq!(shown.code, Some(0), "{}", shown.stderr);
    assert!(shown.stdout.contains("s3:filings"), "{}", shown.stdout);
    assert!(!shown.stdout.contains("hush"), "{}", shown.stdout);
}
