//! What every bucket must pass: called by the tests of each.
#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a test's body"
)]

use std::{collections::BTreeSet, io::Write, sync::Arc, time::Duration};

use tokio::{io::AsyncReadExt, task::JoinSet};

use crate::{
    bucket::{Bucket, Object},
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
    a_head_tells_the_length_and_no_wrong_checksum(&*bucket, staging).await;
    a_range_is_cut_at_the_end_of_its_object(&*bucket, staging).await;
    a_replacement_leaves_no_moment_without_a_whole_object(&bucket, staging).await;
    a_list_has_each_key_of_its_prefix_once(&bucket, staging).await;
    a_url_is_given_by_buckets_that_have_some(&*bucket).await;
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
    whole(bucket.open(key).await.unwrap()).await
}

async fn whole(mut object: Object) -> Vec<u8> {
    let mut bytes = Vec::new();
    object.body.read_to_end(&mut bytes).await.unwrap();
    assert_eq!(object.bytes, bytes.len() as u64);
    bytes
}

async fn absent_objects_are_not_found(bucket: &dyn Bucket) {
    let absent = key("sgml-archive/absent.sgml");
    let error = bucket.open(&absent).await.unwrap_err();
    assert!(matches!(error, BucketError::NotFound(_)), "{error:?}");
    let error = bucket.open_range(&absent, 0..1).await.unwrap_err();
    assert!(matches!(error, BucketError::NotFound(_)), "{error:?}");
    let error = bucket.open_range(&absent, 1..1).await.unwrap_err();
    assert!(matches!(error, BucketError::NotFound(_)), "{error:?}");
    let error = bucket.head(&absent).await.unwrap_err();
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

async fn a_head_tells_the_length_and_no_wrong_checksum(bucket: &dyn Bucket, staging: &Staging) {
    let object = staged(staging, &[7; 1234]);
    bucket.put(&key("c/head"), &object).await.unwrap();

    let head = bucket.head(&key("c/head")).await.unwrap();

    assert_eq!(head.bytes, 1234);
    if let Some(sha256) = head.sha256 {
        assert_eq!(sha256, object.sha256());
    }
}

async fn a_range_is_cut_at_the_end_of_its_object(bucket: &dyn Bucket, staging: &Staging) {
    let ranged = key("c/ranged");
    let object = staged(staging, b"0123456789");
    bucket.put(&ranged, &object).await.unwrap();

    for (range, expected) in [
        (0..10, "0123456789"),
        (0..1, "0"),
        (3..7, "3456"),
        (8..u64::MAX, "89"),
        (4..4, ""),
        (10..11, ""),
        (1 << 40..u64::MAX, ""),
    ] {
        let object = bucket.open_range(&ranged, range.clone()).await.unwrap();
        let bytes = whole(object).await;
        assert_eq!(bytes, expected.as_bytes(), "{range:?}");
    }
}

async fn a_replacement_leaves_no_moment_without_a_whole_object(
    bucket: &Arc<dyn Bucket>,
    staging: &Staging,
) {
    let replaced = key("d/replaced");
    let versions = [staged(staging, &[1; 70_000]), staged(staging, &[2; 50_000])];
    bucket.replace(&replaced, &versions[0]).await.unwrap();

    let reading = {
        let (bucket, replaced) = (bucket.clone(), replaced.clone());
        tokio::spawn(async move {
            for _ in 0..30 {
                let bytes = read(&*bucket, &replaced).await;
                assert!(bytes == [1; 70_000] || bytes == [2; 50_000]);
            }
        })
    };
    for version in versions.iter().cycle().take(10) {
        bucket.replace(&replaced, version).await.unwrap();
    }
    bucket.replace(&replaced, &versions[1]).await.unwrap();

    reading.await.unwrap();
    assert!(read(&**bucket, &replaced).await == [2; 50_000]);
    let error = bucket.put(&replaced, &versions[0]).await.unwrap_err();
    assert!(matches!(error, BucketError::AlreadyExists(_)), "{error:?}");
}

async fn a_list_has_each_key_of_its_prefix_once(bucket: &Arc<dyn Bucket>, staging: &Staging) {
    let mut puts = JoinSet::new();
    for number in 0..25 {
        let (bucket, object) = (bucket.clone(), staged(staging, b"listed"));
        let key = key(&format!("e-e/{}/{number:02}.txt", number % 3));
        puts.spawn(async move { bucket.put(&key, &object).await.unwrap() });
    }
    puts.join_all().await;
    bucket
        .put(&key("e-e1"), &staged(staging, b""))
        .await
        .unwrap();

    let all = list(&**bucket, "").await;
    let folder = list(&**bucket, "e-e/").await;
    let half_a_name = list(&**bucket, "e-e/1/1").await;
    let absent = list(&**bucket, "e-e/9").await;

    assert_eq!(all.len(), 34);
    assert_eq!(folder.len(), 25);
    assert_eq!(
        half_a_name,
        [10, 13, 16, 19].map(|number| key(&format!("e-e/1/{number}.txt")))
    );
    assert_eq!(absent, []);
    assert_eq!(
        list(&**bucket, "a/").await,
        ["a/b/deep", "a/empty", "a/large"].map(key)
    );
}

/// The sorted keys, none of which comes twice.
async fn list(bucket: &dyn Bucket, prefix: &str) -> Vec<Key> {
    let keys = bucket.list(prefix).await.unwrap().all().await.unwrap();
    assert!(keys.windows(2).all(|pair| pair[0] < pair[1]), "{keys:?}");
    keys
}

async fn a_url_is_given_by_buckets_that_have_some(bucket: &dyn Bucket) {
    let url = bucket
        .presign(&key("a/large"), Duration::from_secs(60))
        .await
        .unwrap();

    if let Some(url) = url {
        assert!(url.starts_with("http") && url.contains("a/large"), "{url}");
    }
}
