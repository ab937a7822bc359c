//! Inventories and listings that others wrote: whatever lies there, an inventory reads as
//! rising accessions or as an error, never as a shorter one, and what is written of it is
//! read back.
//!
//! The input is an object as it lies in the bucket, and once more the text in such an object
//! and the names in a listing, a line each.
#![no_main]

use std::collections::BTreeSet;

use archive::key::Key;
use libfuzzer_sys::fuzz_target;
use protocol::accession::Accession;

#[allow(dead_code, unreachable_pub, reason = "compiled for what is fuzzed")]
#[path = "../../daily/src/error.rs"]
mod error;
#[allow(dead_code, unreachable_pub, reason = "compiled for what is fuzzed")]
#[path = "../../daily/src/inventory.rs"]
mod inventory;
#[allow(dead_code, unreachable_pub, reason = "compiled for what is fuzzed")]
#[path = "../../daily/src/listing.rs"]
mod listing;

use error::InventoryError;
use inventory::{Reader, Without, Writer};
use listing::{Difference, Listed};

/// Longer than a frame of zstd grows; a bomb is read no further.
const LINES_MAX: usize = 100_000;

fuzz_target!(|input: &[u8]| {
    drop(read(input));
    let text = zstd::encode_all(input, 1).expect("memory takes it");
    let numbers = read(&text);
    assert_eq!(numbers.as_ref().ok(), meant(input).as_ref());
    if let Ok(numbers) = numbers {
        assert_eq!(read(&written(&numbers)).ok(), Some(numbers.clone()));
        check_without(&numbers);
    }
    check_listing(input);
});

fn key() -> Key {
    Key::parse("sec/filings/inventory/daily_sgml_archive.txt.zst").expect("it is a key")
}

/// The accessions of an object; each is greater than the one before.
fn read(object: &[u8]) -> Result<Vec<Accession>, InventoryError> {
    let read: Result<Vec<Accession>, _> = Reader::new(&key(), object)?.take(LINES_MAX).collect();
    let read = read?;
    assert!(read.is_sorted_by(|one, next| one < next));
    Ok(read)
}

/// What an inventory of this text says, read in the plainest way.
fn meant(text: &[u8]) -> Option<Vec<Accession>> {
    let text = match text {
        [] => return Some(Vec::new()),
        text => std::str::from_utf8(text).ok()?.strip_suffix('\n')?,
    };
    let accession = |line: &str| {
        let is_plain = line.len() == 18 && line.bytes().all(|byte| byte.is_ascii_digit());
        is_plain.then(|| Accession::from_number(line.parse().ok()?))?
    };
    let read: Option<Vec<Accession>> = text.split('\n').map(accession).collect();
    read.filter(|read| read.is_sorted_by(|one, next| one < next))
}

fn written(accessions: &[Accession]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new()).expect("memory takes it");
    for accession in accessions {
        writer.push(*accession).expect("memory takes it");
    }
    let (object, count) = writer.finish().expect("memory takes it");
    assert_eq!(count, accessions.len() as u64);
    object
}

/// Every second is left, when others have the rest, and all of it again.
fn check_without(accessions: &[Accession]) {
    let (mut ours, mut others) = (Vec::new(), Vec::new());
    for (place, accession) in accessions.iter().enumerate() {
        if place % 2 == 0 {
            &mut ours
        } else {
            &mut others
        }
        .push(*accession);
    }
    let object = written(&others);
    let others = [&object[..], &object[..]];
    let others = others.map(|object| Reader::new(&key(), object).expect("it is one of ours"));
    let left = Without::new(accessions.iter().copied(), others.into());
    let left: Result<Vec<Accession>, _> = left.collect();
    assert_eq!(left.ok(), Some(ours));
}

/// A key is of a filing or a stranger, and differs from nothing as often as filings are told.
fn check_listing(input: &[u8]) {
    let names = String::from_utf8_lossy(input);
    let keys: Vec<Key> = names
        .lines()
        .filter_map(|name| Key::parse(name).ok())
        .collect();
    let mut listed = Listed::new("sgml-archive");
    keys.iter().for_each(|key| listed.take(key));
    let (strangers, first) = listed.strangers();
    assert_eq!(first.is_some(), strangers > 0);
    let told: BTreeSet<Accession> = listed
        .compare(std::iter::empty())
        .map(|difference| match difference {
            Difference::Unclaimed(accession) => accession,
            Difference::Absent(accession) => panic!("{accession} is claimed by nobody"),
        })
        .collect();
    assert!(told.len() as u64 + strangers <= keys.len() as u64);
    let spelled = |accession: &Accession| names.contains(&*accession.compact().to_string());
    assert!(told.iter().all(spelled));
}
