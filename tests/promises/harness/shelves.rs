//! What lies in the bucket: objects, event files, inventories.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use jiff::Timestamp;
use protocol::filing::{Filing, StoredObject};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::books::{Books, Entry, original};

/// Everything in the bucket is what the log says.
pub fn check(bucket: &Path, books: &Books) {
    check_objects(bucket, books);
    check_event_files(bucket, books);
    check_inventories(bucket, books);
}

/// Each object that the log names is there, byte for byte, and no other is.
fn check_objects(bucket: &Path, books: &Books) {
    let mut named = BTreeSet::new();
    for (_, _, filing) in books.archived().into_values().flatten() {
        for object in objects(filing) {
            let bytes = fs::read(bucket.join(&object.key)).unwrap();
            assert_eq!(bytes.len() as u64, object.bytes, "{}", object.key);
            assert_eq!(sha256(&bytes), object.sha256, "{}", object.key);
            named.insert(object.key.clone());
        }
        let key = &filing.objects.sgml.as_ref().unwrap().key;
        let submission = zstd::decode_all(&fs::read(bucket.join(key)).unwrap()[..]).unwrap();
        assert_eq!(sha256(&submission), original(filing), "{key}");
    }
    let folders = ["sgml-archive", "tar-archive", "sec/filings/xbrl"];
    let kept: BTreeSet<String> = folders
        .iter()
        .flat_map(|folder| keys(bucket, folder))
        .collect();
    let strays: Vec<&String> = kept.difference(&named).collect();
    assert!(strays.is_empty(), "no event names {strays:?}");
}

/// The keys of a folder; none while there is no such folder.
fn keys(bucket: &Path, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(bucket.join(folder)).into_iter().flatten();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names = names.filter(|name| !name.starts_with('.'));
    names.map(|name| format!("{folder}/{name}")).collect()
}

fn objects(filing: &Filing) -> impl Iterator<Item = &StoredObject> {
    let objects = &filing.objects;
    [&objects.sgml, &objects.tar, &objects.xbrl]
        .into_iter()
        .flatten()
}

/// Each frame up to the last seal is in one file, byte for byte; a file is in order, and its
/// seal is its last line.
fn check_event_files(bucket: &Path, books: &Books) {
    let mut filed: BTreeSet<String> = BTreeSet::new();
    for (_, day) in books.seals() {
        let name = format!("{}.ndjson.zst", day.date);
        let bytes = fs::read(bucket.join("events").join(&name)).unwrap();
        let sum = fs::read_to_string(bucket.join(format!("events/{name}.sha256"))).unwrap();
        assert_eq!(sum, format!("{}  {name}\n", sha256(&bytes)));
        let text = String::from_utf8(zstd::decode_all(&bytes[..]).unwrap()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let (last, others) = lines.split_last().unwrap();
        let last: Value = serde_json::from_str(last).unwrap();
        assert_eq!(last["day"]["date"], day.date.to_string(), "{name}");
        assert!(others.is_sorted_by_key(|line| seq(line)), "{name}");
        for line in lines {
            assert!(filed.insert(line.to_owned()), "twice: {line}");
        }
    }
    let last = books
        .seals()
        .map(|(event, _)| event.seq().get())
        .max()
        .unwrap_or(0);
    let frames: BTreeSet<&String> = books.frames.iter().collect();
    assert!(
        filed.iter().all(|line| frames.contains(line)),
        "a line is no frame"
    );
    for (frame, event) in books.frames.iter().zip(&books.events) {
        let day = protocol::time::eastern_day(event.at);
        let is_due = books
            .seals()
            .any(|(seal, sealed)| sealed.date >= day && seal.seq().get() <= last);
        assert!(
            !is_due || event.seq().get() > last || filed.contains(frame),
            "in no file: {frame}"
        );
    }
}

fn seq(frame: &str) -> u64 {
    let frame: Value = serde_json::from_str(frame).unwrap();
    frame["seq"].as_u64().unwrap()
}

/// The inventories have what was archived by the last night, and may have what came since.
fn check_inventories(bucket: &Path, books: &Books) {
    let night = books
        .seals()
        .map(|(event, _)| event.at)
        .max()
        .unwrap_or(Timestamp::MIN);
    for kind in ["sgml", "tar", "xbrl"] {
        let path = bucket.join(format!(
            "sec/filings/inventory/instant_{kind}_archive.txt.zst"
        ));
        let text =
            String::from_utf8(zstd::decode_all(&fs::read(path).unwrap()[..]).unwrap()).unwrap();
        let listed: Vec<String> = text.lines().map(str::to_owned).collect();
        assert!(listed.is_sorted_by(|one, next| one < next), "{kind}");
        assert!(text.is_empty() || text.ends_with('\n'), "{kind}");
        let listed: BTreeSet<String> = listed.into_iter().collect();
        let all = archived(books, kind, Timestamp::MAX);
        let due = archived(books, kind, night);
        assert_eq!(
            listed.difference(&all).collect::<Vec<_>>(),
            Vec::<&String>::new(),
            "{kind}"
        );
        assert_eq!(
            due.difference(&listed).collect::<Vec<_>>(),
            Vec::<&String>::new(),
            "{kind}"
        );
    }
    check_missing(bucket, books, night);
}

/// What was seen by the last night and is still not archived is missing; nothing else that
/// was archived before is.
fn check_missing(bucket: &Path, books: &Books, night: Timestamp) {
    let path = bucket.join("sec/filings/missing/missing_sgml_archive.json.zst");
    let bytes = zstd::decode_all(&fs::read(path).unwrap()[..]).unwrap();
    let missing: BTreeMap<String, Vec<Value>> = serde_json::from_slice(&bytes).unwrap();
    let before = archived(books, "sgml", night);
    let by_now = archived(books, "sgml", Timestamp::MAX);
    // Of what EDGAR took away nothing is expected.
    let withdrawn = books.withdrawn();
    for (accession, entry) in books.seen() {
        let compact = accession.replace('-', "");
        let is_missing = missing.contains_key(&compact);
        assert!(
            !(is_missing && before.contains(&compact)),
            "{accession} is not missing"
        );
        let is_gone = withdrawn.contains(&accession);
        let is_due = entry.1.at < night && !by_now.contains(&compact) && !is_gone;
        assert!(is_missing || !is_due, "{accession} is missing");
    }
}

/// The accessions of which an object of this kind was archived before `until`, 18 digits.
fn archived(books: &Books, kind: &str, until: Timestamp) -> BTreeSet<String> {
    let has = |filing: &Filing| match kind {
        "sgml" => filing.objects.sgml.is_some(),
        "tar" => filing.objects.tar.is_some(),
        _ => filing.objects.xbrl.is_some(),
    };
    let of_kind = |entries: &Vec<Entry<'_>>| {
        entries
            .iter()
            .any(|entry| entry.1.at < until && has(entry.2))
    };
    let archived = books
        .archived()
        .into_iter()
        .filter(|(_, entries)| of_kind(entries));
    archived
        .map(|(accession, _)| accession.replace('-', ""))
        .collect()
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
