//! The documents of an archived filing over HTTP.

use std::fs;

use protocol::filing::Filing;
use serde_json::Value;

use crate::{
    archive::{Given, ask},
    harness::{Scene, program},
    live::sha256,
};

/// Asks the door with the server's API key.
fn door(scene: &Scene, method: &str, path: &str, headers: &[&str]) -> Given {
    let bearer = format!("authorization: Bearer {}", scene.server.key);
    let headers = [&[&*bearer], headers].concat();
    let request = format!("{method} /v1/filings/{path}");
    ask(&scene.server.addr, &request, &headers)
}

fn printed(scene: &Scene, filing: &Filing, ordinal: u32) -> Vec<u8> {
    let (accession, ordinal) = (filing.accession.to_string(), ordinal.to_string());
    let dir = scene.dir.path().to_str().unwrap();
    let words = ["--data-dir", dir, "get", &accession, "--document", &ordinal];
    let ended = program::command(&words).output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    ended.stdout
}

#[tokio::test(flavor = "multi_thread")]
async fn every_document_comes_decoded_by_ordinal_and_by_name() {
    let scene = Scene::quiet().await;

    let filing = scene.archived("10-Q").await;

    let accession = filing.accession;
    assert!(filing.documents.len() > 1);
    for document in &filing.documents {
        let path = |which: &str| format!("{accession}/documents/{which}");
        let by_ordinal = door(&scene, "GET", &path(&document.ordinal.to_string()), &[]);
        let by_name = door(&scene, "GET", &path(&document.filename), &[]);
        assert_eq!(by_ordinal.status(), "200");
        assert_eq!(by_ordinal.bytes.len() as u64, document.size_bytes);
        assert!(by_ordinal.bytes == printed(&scene, &filing, document.ordinal));
        assert!(by_name.bytes == by_ordinal.bytes);
        let tag = format!("\"{}\"", sha256(&by_ordinal.bytes));
        assert_eq!(by_ordinal.header("etag"), tag);
        assert_eq!(by_name.header("etag"), tag);
    }
    let first = format!("{}/documents/1", accession.compact());
    let whole = door(&scene, "GET", &first, &[]);
    let tag = whole.header("etag").to_owned();
    assert!(whole.header("content-type").starts_with("text/html"));

    let head = door(&scene, "HEAD", &first, &[]);
    assert_eq!((head.status(), head.bytes.len()), ("200", 0));
    assert_eq!(head.header("content-length"), whole.bytes.len().to_string());
    let piece = door(
        &scene,
        "GET",
        &first,
        &["range: bytes=-7", &format!("if-range: {tag}")],
    );
    assert_eq!(piece.status(), "206");
    assert_eq!(piece.bytes, whole.bytes[whole.bytes.len() - 7..]);
    let changed = door(
        &scene,
        "GET",
        &first,
        &["range: bytes=-7", "if-range: \"old\""],
    );
    assert_eq!(changed.status(), "200");
    let beyond = door(&scene, "GET", &first, &["range: bytes=99999999-"]);
    assert_eq!(beyond.status(), "416");
    let again = door(&scene, "GET", &first, &[&format!("if-none-match: {tag}")]);
    assert_eq!((again.status(), again.bytes.len()), ("304", 0));
    let packed = door(&scene, "GET", &first, &["accept-encoding: zstd"]);
    assert_eq!(packed.header("content-encoding"), "zstd");
    assert!(zstd::decode_all(&packed.bytes[..]).unwrap() == whole.bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_version_of_a_submission_is_had_by_its_checksum() {
    let scene = Scene::quiet().await;
    let (filing, other) = (scene.archived("8-K").await, scene.archived("10-Q").await);
    let archive = scene.dir.path().join("archive");
    let tar = |filing: &Filing| archive.join(&filing.objects.tar.as_ref().unwrap().key);
    // As the fetcher lays it beside the first.
    let beside = tar(&filing).with_extension("0123456789ab.tar");
    fs::copy(tar(&other), beside).unwrap();

    let path = |version: &str| format!("{}/documents/1{version}", filing.accession);
    let first = door(&scene, "GET", &path(""), &[]);
    let later = door(&scene, "GET", &path("?version=0123456789ab"), &[]);
    let longer = door(
        &scene,
        "GET",
        &path(&format!("?version={:0<64}", "0123456789ab")),
        &[],
    );
    let unknown = door(&scene, "GET", &path("?version=ba9876543210"), &[]);
    let nonsense = door(&scene, "GET", &path("?version=../../keys.json"), &[]);
    let object = format!(
        "GET /v1/archive/tar/{}?version=0123456789ab",
        filing.accession
    );
    let bearer = format!("authorization: Bearer {}", scene.server.key);
    let object = ask(&scene.server.addr, &object, &[&bearer]);

    assert!(first.bytes == printed(&scene, &filing, 1));
    assert!(later.bytes == printed(&scene, &other, 1) && longer.bytes == later.bytes);
    assert!(object.bytes == fs::read(tar(&other)).unwrap());
    assert_eq!((unknown.status(), nonsense.status()), ("404", "422"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_that_sends_no_header_reads_a_document_with_a_ticket_once() {
    let scene = Scene::quiet().await;
    let filing = scene.archived("8-K").await;
    let addr = &scene.server.addr;
    let bearer = format!("authorization: Bearer {}", scene.server.key);
    let issued = ask(addr, "POST /v1/tickets", &[&bearer, "content-length: 0"]);
    let issued: Value = serde_json::from_slice(&issued.bytes).unwrap();
    let ticket = issued["ticket"].as_str().unwrap();

    let path = format!(
        "GET /v1/filings/{}/documents/1?ticket={ticket}",
        filing.accession
    );
    let shown = ask(addr, &path, &[]);
    let again = ask(addr, &path, &[]);

    assert_eq!((shown.status(), again.status()), ("200", "401"));
    assert!(
        shown
            .header("content-security-policy")
            .starts_with("sandbox; ")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_a_filing_with_a_ticket_gets_its_pictures_and_no_other_filing() {
    let scene = Scene::quiet().await;
    let (filing, other) = (scene.archived("10-Q").await, scene.archived("8-K").await);
    let addr = &scene.server.addr;
    let ticket_of = |key: &str, query: &str| {
        let bearer = format!("authorization: Bearer {key}");
        let request = format!("POST /v1/tickets{query}");
        ask(addr, &request, &[&bearer, "content-length: 0"])
    };
    let issued = ticket_of(&scene.server.key, &format!("?filing={}", filing.accession));
    let issued: Value = serde_json::from_slice(&issued.bytes).unwrap();
    let folder = issued["documents"].as_str().unwrap();
    let read = |path: &str| ask(addr, &format!("GET {path}"), &[]);

    for document in &filing.documents {
        let by_name = read(&format!("{folder}{}", document.filename));
        let by_ordinal = read(&format!("{folder}{}", document.ordinal));
        assert_eq!(by_name.status(), "200", "{}", document.filename);
        assert!(by_name.bytes == printed(&scene, &filing, document.ordinal));
        assert!(by_ordinal.bytes == by_name.bytes);
        let policy = by_name.header("content-security-policy");
        assert!(policy.starts_with("sandbox; "), "{policy}");
        assert_eq!(by_name.header("referrer-policy"), "no-referrer");
    }
    let there = filing.accession.to_string();
    let elsewhere = folder.replace(&there, &other.accession.to_string());
    let wrong = read(&format!("/v1/reading/{:032}/{there}/1", 0));
    let stream_only = program::create_key(scene.dir.path(), &["--scopes", "stream"]);
    let weak = ticket_of(&stream_only, &format!("?filing={there}"));
    let weak: Value = serde_json::from_slice(&weak.bytes).unwrap();
    let weak = read(&format!("{}1", weak["documents"].as_str().unwrap()));
    let nonsense = ticket_of(&scene.server.key, "?filing=8-K");
    assert_eq!(read(&format!("{elsewhere}1")).status(), "401");
    assert_eq!((wrong.status(), weak.status()), ("401", "403"));
    assert_eq!(read(&format!("{folder}99")).status(), "404");
    assert_eq!(nonsense.status(), "422");
    assert!(String::from_utf8_lossy(&nonsense.bytes).contains("filing"));

    let (dir, id) = (scene.dir.path().to_str().unwrap(), &scene.server.key[3..11]);
    let revoked = program::run(&["keys", "revoke", id, "--data-dir", dir]);
    assert_eq!(revoked.code, Some(0), "{}", revoked.stderr);
    let gone = async {
        while read(&format!("{folder}1")).status() != "401" {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(5), gone)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_cannot_be_had_is_a_problem_with_a_remedy() {
    let scene = Scene::quiet().await;
    let filing = scene.archived("8-K").await;
    let accession = filing.accession;
    let stream_only = program::create_key(scene.dir.path(), &["--scopes", "stream"]);
    for (path, status, said) in [
        (
            format!("{accession}/documents/99"),
            "404",
            "by its ordinal from 1",
        ),
        (
            format!("{accession}/documents/..%2f..%2fkeys.json"),
            "404",
            "by its ordinal",
        ),
        (format!("{accession}/documents/%ff"), "404", "not UTF-8"),
        (
            "0001999999-26-999999/documents/1".into(),
            "404",
            "may not be fetched yet",
        ),
        ("8-K/documents/1".into(), "422", "\"/accession\""),
        (format!("{accession}/documents/1?x=1"), "422", "`version`"),
    ] {
        let given = door(&scene, "GET", &path, &[]);
        let body = String::from_utf8_lossy(&given.bytes);
        assert_eq!(given.status(), status, "{path}");
        assert_eq!(given.header("content-type"), "application/problem+json");
        assert!(body.contains(said), "{body}");
    }
    let path = format!("GET /v1/filings/{accession}/documents/1");
    let nobody = ask(&scene.server.addr, &path, &[]);
    let bearer = format!("authorization: Bearer {stream_only}");
    let other = ask(&scene.server.addr, &path, &[&bearer]);
    assert_eq!((nobody.status(), other.status()), ("401", "403"));
}
