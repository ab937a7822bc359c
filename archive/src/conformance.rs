//! What every bucket must pass: called by the tests of each.
#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a test's body"
)]

use std::{collections::BTreeSet, io::Write, sync::Arc};

use tokio::{io::AsyncReadExt, task::JoinSet};

use crate::{
    bucket::Bucket,
    error::BucketError,
    key::Key,
    staging::{Staged, Staging},
};

/// Checks every promise of [`Bucket`] on an empty bucket; panics at the first broken one.
pub async fn check(bucket: Arc<dyn Bucket>, staging: &Staging) {
    absent_objects_are_not_found(&*bucket).await;
    bytes_come_back_as_they_were_put(&*bucket, staging).await;
    a_taken_key_keeps_its_first_bytes(&*bucket, staging).await;
    of_racing_puts_one_wins(&bucket, staging).await;
    a_list_is_sorted_and_knows_prefixes(&*bucket).await;
}

fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}

fn staged(staging: &Staging, bytes: &[u8]) -> Staged {
    let mut draft = staging.draft().unwrap();
    draft.write_all(bytes).unwrap();
    draft.finish().unwrap()
}

async fn read(bucket: &dyn Bucket, key: &Key) -> Vec<u8> {
    let mut object = bucket.open(key).await.unwrap();
    let mut bytes = Vec::new();
    object.body.read_to_end(&mut bytes).await.unwrap();
    assert_eq!(object.bytes, bytes.len() as u64);
    bytes
}

async fn absent_objects_are_not_found(bucket: &dyn Bucket) {
    let error = bucket
        .open(&key("sgml-archive/absent.sgml"))
        .await
        .unwrap_err();
    assert!(matches!(error, BucketError::NotFound(_)), "{error:?}");
}

async fn bytes_come_back_as_they_were_put(bucket: &dyn Bucket, staging: &Staging) {
    let large: Vec<u8> = (0..1_000_000_u32)
        .map(|n| (n.wrapping_mul(31) >> 3) as u8)
        .collect();
    for (name, bytes) in [
        ("a/empty", &[][..]),
        ("a/large", &large),
        ("a/b/deep", b"x"),
    ] {
        bucket
            .put(&key(name), &staged(staging, bytes))
            .await
            .unwrap();
        assert!(read(bucket, &key(name)).await == bytes, "{name}");
    }
}

async fn a_taken_key_keeps_its_first_bytes(bucket: &dyn Bucket, staging: &Staging) {
    let taken = key("b/taken");
    bucket
        .put(&taken, &staged(staging, b"first"))
        .await
        .unwrap();

    let error = bucket
        .put(&taken, &staged(staging, b"second"))
        .await
        .unwrap_err();

    assert!(matches!(error, BucketError::AlreadyExists(_)), "{error:?}");
    assert_eq!(read(bucket, &taken).await, b"first");
}

async fn of_racing_puts_one_wins(bucket: &Arc<dyn Bucket>, staging: &Staging) {
    let raced = key("b/raced");
    let mut puts = JoinSet::new();

    for number in 0..16_u8 {
        let (bucket, raced) = (bucket.clone(), raced.clone());
        let object = staged(staging, &[number; 1000]);
        puts.spawn(async move { bucket.put(&raced, &object).await.is_ok() });
    }
    let winners = puts.join_all().await.into_iter().filter(|won| *won).count();

    assert_eq!(winners, 1);
    let bytes: BTreeSet<u8> = read(&**bucket, &raced).await.into_iter().collect();
    assert_eq!(bytes.len(), 1);
}

async fn a_list_is_sorted_and_knows_prefixes(bucket: &dyn Bucket) {
    let all = bucket.list("").await.unwrap();
    let some = bucket.list("a/").await.unwrap();

    assert!(all.is_sorted());
    assert_eq!(some, [key("a/b/deep"), key("a/empty"), key("a/large")]);
    assert_eq!(all.len(), 5);
}
