//! What the archive holds of a filing beside its submission: the tar object and the facts.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::PathBuf,
};

use protocol::filing::{Filing, StoredObject};
use serde_json::Value;

use crate::{
    harness::{Scene, program},
    live::sha256,
};

fn path(scene: &Scene, object: &StoredObject) -> PathBuf {
    scene.dir.path().join("archive").join(&object.key)
}

/// What `filingwire get` prints beside the running server.
fn get(scene: &Scene, filing: &Filing, flags: &[&str]) -> Vec<u8> {
    let accession = filing.accession.to_string();
    let dir = scene.dir.path().to_str().unwrap();
    let words = [&["--data-dir", dir, "get", &accession], flags].concat();
    let ended = program::command(&words).output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    ended.stdout
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_read_out_of_the_tar_object_by_its_range_alone() {
    let scene = Scene::quiet().await;

    let filing = scene.archived("8-K").await;

    let tar = filing.objects.tar.as_ref().unwrap();
    let mut object = File::open(path(&scene, tar)).unwrap();
    let mut header = [0; 512];
    object.read_exact(&mut header).unwrap();
    let digits = std::str::from_utf8(&header[124..135]).unwrap();
    let mut metadata = vec![0; usize::from_str_radix(digits, 8).unwrap()];
    object.read_exact(&mut metadata).unwrap();
    let metadata: Value = serde_json::from_slice(&metadata).unwrap();
    let rows = metadata["documents"].as_array().unwrap();
    assert_eq!(rows.len(), filing.documents.len());
    for (row, document) in rows.iter().zip(&filing.documents) {
        let offset = |key: &str| row[key].as_str().unwrap().parse::<u64>().unwrap();
        let (start, end) = (offset("secsgml_start_byte"), offset("secsgml_end_byte"));
        object.seek(SeekFrom::Start(start)).unwrap();
        let mut stored = vec![0; (end - start) as usize];
        object.read_exact(&mut stored).unwrap();
        let ordinal = document.ordinal.to_string();
        assert_eq!(row["filename"], document.filename.as_str());
        assert_eq!(
            zstd::decode_all(&stored[..]).unwrap(),
            get(&scene, &filing, &["--document", &ordinal])
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_object_is_what_its_event_says() {
    let scene = Scene::quiet().await;

    let filing = scene.archived("10-Q").await;

    let objects = &filing.objects;
    let [sgml, tar, xbrl] =
        [&objects.sgml, &objects.tar, &objects.xbrl].map(|object| object.as_ref().unwrap());
    for object in [sgml, tar, xbrl] {
        let stored = std::fs::read(path(&scene, object)).unwrap();
        assert_eq!(stored.len() as u64, object.bytes);
        assert_eq!(sha256(&stored), object.sha256);
        assert_eq!(object.original_sha256, sgml.original_sha256);
    }
    let compact = filing.accession.compact();
    assert_eq!(tar.key, format!("tar-archive/{compact}.tar"));
    assert_eq!(xbrl.key, format!("sec/filings/xbrl/{compact}.json.zst"));
    assert_eq!(
        get(&scene, &filing, &["--as", "tar"]),
        std::fs::read(path(&scene, tar)).unwrap()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_facts_of_a_filing_are_lines_of_json() {
    let scene = Scene::quiet().await;
    let filing = scene.archived("10-Q").await;

    let printed = get(&scene, &filing, &["--as", "xbrl"]);

    let lines = std::str::from_utf8(&printed).unwrap().lines();
    let facts: Vec<Value> = lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(facts.len(), 2);
    assert_eq!(facts[0]["taxonomy"], "dei");
    assert_eq!(facts[0]["concept"], "DocumentType");
    assert_eq!(facts[0]["value"], "10-Q");
    assert!(facts[0]["period"]["instant"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filing_without_facts_has_no_object_of_them() {
    let scene = Scene::quiet().await;

    let filing = scene.archived("4").await;

    assert!(filing.objects.tar.is_some() && filing.objects.xbrl.is_none());
}
