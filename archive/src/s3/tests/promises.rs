//! What an S3 bucket promises on a good line.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{super::S3Bucket, *};
use crate::{bucket::Bucket, conformance, error::BucketError, key::Key};

fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}

async fn open(config: &Config) -> S3Bucket {
    S3Bucket::open(config).await
}

#[tokio::test]
async fn s3_keeps_the_promises_of_a_bucket() {
    let server = Server::start().await;
    let bucket = open(&server.config(server.addr)).await;

    conformance::check(Arc::new(bucket), &server.staging()).await;
}

#[tokio::test]
async fn a_large_object_is_put_in_parts_once() {
    let server = Server::start().await;
    let bucket = open(&server.config(server.addr)).await;
    let staging = server.staging();
    let (first, second) = (bytes(20_000_000), bytes(9_000_000));

    bucket
        .put(&key("large"), &staged(&staging, &first))
        .await
        .unwrap();
    let again = bucket.put(&key("large"), &staged(&staging, &second)).await;

    assert!(
        matches!(again, Err(BucketError::AlreadyExists(_))),
        "{again:?}"
    );
    assert!(server.stored("large").unwrap() == first);
    let head = bucket.head(&key("large")).await.unwrap();
    assert_eq!(head.bytes, 20_000_000);
    assert_eq!(head.sha256.unwrap(), staged(&staging, &first).sha256());
    assert_eq!(server.unfinished(), 0);

    bucket
        .replace(&key("large"), &staged(&staging, &second))
        .await
        .unwrap();
    assert!(server.stored("large").unwrap() == second);
}

#[tokio::test]
async fn of_racing_large_puts_one_wins() {
    let server = Server::start().await;
    let bucket = Arc::new(open(&server.config(server.addr)).await);
    let staging = server.staging();

    let mut puts = JoinSet::new();
    for number in 0..4 {
        let (bucket, object) = (bucket.clone(), staged(&staging, &vec![number; 9_000_000]));
        puts.spawn(async move { bucket.put(&key("raced"), &object).await.is_ok() });
    }
    let winners = puts.join_all().await.into_iter().filter(|won| *won).count();

    assert_eq!(winners, 1);
    assert_eq!(server.unfinished(), 0);
}

#[tokio::test]
async fn a_wrong_secret_is_refused_and_the_remedy_names_its_key() {
    let server = Server::start().await;
    let config = Config {
        keys: Some(keys("guessed")),
        ..server.config(server.addr)
    };
    let bucket = open(&config).await;
    let object = staged(&server.staging(), b"x");

    let checked = bucket.check().await.unwrap_err();
    let put = bucket.put(&key("x"), &object).await.unwrap_err();
    let read = bucket.open(&key("x")).await.unwrap_err();

    for error in [checked, put, read] {
        let BucketError::Denied { remedy, source, .. } = &error else {
            panic!("{error:?}");
        };
        assert!(remedy.contains("archive.s3.secret_access_key"), "{error}");
        assert!(
            !format!("{error:?}{source}").contains("guessed"),
            "{error:?}"
        );
    }
    assert_eq!(server.stored("x"), None);
}

#[tokio::test]
async fn every_mistake_in_the_configuration_names_its_key() {
    let server = Server::start().await;
    let good = server.config(server.addr);
    let unknown = KeyPair {
        access_key_id: "who".into(),
        ..keys("secret")
    };
    let cases = [
        (
            "archive.bucket",
            Config::new("elsewhere"),
            good.keys.clone(),
        ),
        (
            "archive.s3.access_key_id",
            Config::new("filings"),
            Some(unknown),
        ),
    ];
    for (name, config, keys) in cases {
        let config = Config {
            bucket: config.bucket,
            keys,
            ..good.clone()
        };

        let error = open(&config).await.check().await.unwrap_err();

        let BucketError::Denied { remedy, .. } = &error else {
            panic!("{error:?}");
        };
        assert!(remedy.contains(name), "{error}");
    }
}

#[tokio::test]
async fn objects_carry_their_media_type_and_checksum() {
    let server = Server::start().await;
    let bucket = open(&server.config(server.addr)).await;
    let object = staged(&server.staging(), b"submission");
    bucket.put(&key("a/1.sgml"), &object).await.unwrap();

    let url = bucket
        .presign(&key("a/1.sgml"), Duration::from_secs(60))
        .await;
    let answer = fetch(&url.unwrap().unwrap(), "").await;

    assert!(
        answer.contains("content-type: application/zstd\r\n"),
        "{answer}"
    );
    let checksum = format!("x-amz-meta-sha256: {}\r\n", object.sha256());
    assert!(answer.contains(&checksum), "{answer}");
}

#[tokio::test]
async fn a_presigned_url_opens_one_object_and_ranges_of_it() {
    let server = Server::start().await;
    let bucket = open(&server.config(server.addr)).await;
    let object = staged(&server.staging(), b"0123456789");
    for name in ["a/1.tar", "a/2.tar"] {
        bucket.put(&key(name), &object).await.unwrap();
    }
    let url = bucket
        .presign(&key("a/1.tar"), Duration::from_secs(60))
        .await;
    let url = url.unwrap().unwrap();

    let whole = fetch(&url, "").await;
    let piece = fetch(&url, "range: bytes=2-4\r\n").await;
    let other = fetch(&url.replace("1.tar", "2.tar"), "").await;

    assert!(
        whole.starts_with("HTTP/1.1 200 ") && whole.ends_with("\r\n\r\n0123456789"),
        "{whole}"
    );
    assert!(
        piece.starts_with("HTTP/1.1 206 ") && piece.ends_with("\r\n\r\n234"),
        "{piece}"
    );
    // Some servers say 400, some 403.
    assert!(other.starts_with("HTTP/1.1 40"), "{other}");
    assert!(!url.contains("secret"), "{url}");
}

#[tokio::test]
async fn the_bucket_is_named_in_the_path_or_in_the_host() {
    let config = Config {
        endpoint: Some("https://s3.example.com".into()),
        keys: Some(keys("secret")),
        ..Config::new("filings")
    };
    let in_path = Config {
        path_style: true,
        ..config.clone()
    };
    let at_aws = Config {
        endpoint: None,
        region: Some("eu-west-1".into()),
        ..config.clone()
    };

    for (config, expected) in [
        (config, "https://filings.s3.example.com/a/b?"),
        (in_path, "https://s3.example.com/filings/a/b?"),
        (at_aws, "https://filings.s3.eu-west-1.amazonaws.com/a/b?"),
    ] {
        let url = open(&config)
            .await
            .presign(&key("a/b"), Duration::from_secs(60))
            .await;
        let url = url.unwrap().unwrap();
        assert!(url.starts_with(expected), "{url}");
    }
}

/// What a server answers to a plain GET, head and body.
async fn fetch(url: &str, headers: &str) -> String {
    let (host, path) = url
        .strip_prefix("http://")
        .unwrap()
        .split_once('/')
        .unwrap();
    let mut stream = TcpStream::connect(host).await.unwrap();
    let request =
        format!("GET /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
