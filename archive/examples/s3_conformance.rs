//! Checks every promise of a bucket against a real S3 server, which the environment names:
//!
//! ```text
//! S3_ENDPOINT=http://127.0.0.1:9000 S3_BUCKET=empty S3_ACCESS_KEY_ID=… S3_SECRET_ACCESS_KEY=… \
//!     cargo run -p archive --example s3_conformance
//! ```
//!
//! `S3_REGION` when the server has one. The bucket must be there and empty. Prints a line for each
//! check and ends with a panic at the first broken promise, or when a variable is missing.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a check, whose output is read by people"
)]

use std::{env, io::Write, sync::Arc, time::Duration};

use archive::{
    bucket::Bucket,
    conformance,
    error::BucketError,
    key::Key,
    s3::{Config, KeyPair, S3Bucket},
    staging::{Staged, Staging},
};
use tokio::io::AsyncReadExt;

#[tokio::main]
async fn main() {
    let config = Config {
        endpoint: Some(variable("S3_ENDPOINT")),
        region: env::var("S3_REGION").ok(),
        keys: Some(KeyPair {
            access_key_id: variable("S3_ACCESS_KEY_ID"),
            secret_access_key: variable("S3_SECRET_ACCESS_KEY"),
        }),
        path_style: true,
        page_keys: 10,
        ..Config::new(variable("S3_BUCKET"))
    };
    let dir = tempfile::tempdir().unwrap();
    let staging = Staging::open(dir.path()).unwrap();
    wrong_keys_are_refused(&config).await;
    let bucket = Arc::new(S3Bucket::open(&config).await);
    bucket.check().await.unwrap();
    println!("ok the bucket can be used");
    conformance::check(bucket.clone(), &staging).await;
    println!("ok it keeps the promises of a bucket");
    large_objects_are_put_once(&*bucket, &staging).await;
    let large = key("a/large");
    let url = bucket.presign(&large, Duration::from_secs(600)).await;
    println!("url {}", url.unwrap().unwrap());
}

fn variable(name: &str) -> String {
    env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set; the head of this file tells what is"))
}

fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}

fn staged(staging: &Staging, bytes: &[u8]) -> Staged {
    let mut draft = staging.draft().unwrap();
    draft.write_all(bytes).unwrap();
    draft.finish().unwrap()
}

async fn wrong_keys_are_refused(config: &Config) {
    let keys = config.keys.clone().unwrap();
    let wrong_secret = KeyPair {
        secret_access_key: "guessed".into(),
        ..keys.clone()
    };
    let wrong_id = KeyPair {
        access_key_id: "guessed".into(),
        ..keys
    };
    for (keys, named) in [
        (wrong_secret, "archive.s3.secret_access_key"),
        (wrong_id, "archive.s3.access_key_id"),
    ] {
        let keys = Some(keys);
        let config = Config {
            keys,
            ..config.clone()
        };
        let error = S3Bucket::open(&config).await.check().await.unwrap_err();
        let is_clear = error.to_string().contains(named);
        assert!(
            matches!(error, BucketError::Denied { .. }) && is_clear,
            "{error:?}"
        );
        println!("ok refused: {error}");
    }
}

async fn large_objects_are_put_once(bucket: &dyn Bucket, staging: &Staging) {
    let bytes: Vec<u8> = (0..20_000_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let object = staged(staging, &bytes);

    bucket.put(&key("multipart"), &object).await.unwrap();
    let again = bucket
        .put(&key("multipart"), &staged(staging, &vec![0; 9_000_000]))
        .await;

    assert!(
        matches!(again, Err(BucketError::AlreadyExists(_))),
        "{again:?}"
    );
    let head = bucket.head(&key("multipart")).await.unwrap();
    assert_eq!(head.sha256.unwrap(), object.sha256());
    let mut stored = Vec::new();
    let mut body = bucket.open(&key("multipart")).await.unwrap().body;
    body.read_to_end(&mut stored).await.unwrap();
    assert!(stored == bytes);
    println!("ok an object of {} bytes is put in parts, once", head.bytes);
}
