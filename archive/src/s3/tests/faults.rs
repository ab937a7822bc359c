//! What an S3 bucket promises on a bad line: nothing is half there, nothing twice, and
//! everything ends.

use std::{net::SocketAddr, time::Instant};

use tokio::io::AsyncReadExt;

use super::{
    super::S3Bucket,
    line::{Fault, Line},
    *,
};
use crate::{bucket::Bucket, error::BucketError, key::Key};

/// A bucket behind a line, already probed, so that the next request is the test's.
async fn far_bucket() -> (Server, Line, S3Bucket) {
    let server = Server::start().await;
    let line = Line::to(server.addr).await;
    let bucket = S3Bucket::open(&server.config(line.addr)).await;
    bucket.check().await.unwrap();
    (server, line, bucket)
}

fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}

fn is_unavailable<T: std::fmt::Debug>(done: &Result<T, BucketError>) -> bool {
    matches!(done, Err(BucketError::Unavailable { .. }))
}

#[tokio::test]
async fn a_connection_cut_in_an_upload_is_made_good_by_another_attempt() {
    let (server, line, bucket) = far_bucket().await;
    let content = bytes(3_000_000);

    line.plan(Fault::CutUpload(1_500_000), 1);
    bucket
        .put(&key("cut"), &staged(&server.staging(), &content))
        .await
        .unwrap();

    assert_eq!(line.fired(), 1);
    assert!(server.stored("cut").unwrap() == content);
}

#[tokio::test]
async fn a_part_that_is_cut_is_sent_again_and_the_object_is_whole() {
    let (server, line, bucket) = far_bucket().await;
    let content = bytes(20_000_000);

    line.plan(Fault::CutUpload(4_000_000), 2);
    bucket
        .put(&key("parts"), &staged(&server.staging(), &content))
        .await
        .unwrap();

    assert_eq!(line.fired(), 2);
    assert!(server.stored("parts").unwrap() == content);
    assert_eq!(server.unfinished(), 0);
}

#[tokio::test]
async fn a_line_that_is_cut_every_time_leaves_nothing_and_ends() {
    let (server, line, bucket) = far_bucket().await;
    let large = staged(&server.staging(), &bytes(10_000_000));

    line.plan(Fault::CutUpload(1_000_000), u32::MAX);
    let done = bucket.put(&key("never"), &large).await;

    assert!(is_unavailable(&done), "{done:?}");
    assert!(line.fired() >= 3);
    assert_eq!(server.stored("never"), None);

    line.plan(Fault::None, 0);
    bucket.put(&key("never"), &large).await.unwrap();
    assert!(server.stored("never").unwrap() == bytes(10_000_000));
}

#[tokio::test]
async fn an_answer_that_gets_lost_makes_no_second_object_and_no_failure() {
    let (server, line, bucket) = far_bucket().await;
    let staging = server.staging();
    let (small, large) = (bytes(1_000), bytes(9_000_000));

    line.plan(Fault::CutAnswer(0), 1);
    bucket
        .put(&key("small"), &staged(&staging, &small))
        .await
        .unwrap();
    let fired = line.fired();
    let other = bucket.put(&key("small"), &staged(&staging, &small)).await;
    // Lost is what is answered to the beginning of the upload.
    line.plan(Fault::CutAnswer(0), 1);
    bucket
        .put(&key("large"), &staged(&staging, &large))
        .await
        .unwrap();

    assert_eq!((fired, line.fired()), (1, 2));
    assert!(
        matches!(other, Err(BucketError::AlreadyExists(_))),
        "{other:?}"
    );
    assert!(server.stored("small").unwrap() == small);
    assert!(server.stored("large").unwrap() == large);
}

#[tokio::test]
async fn a_byte_changed_on_the_way_is_never_stored() {
    let (server, line, bucket) = far_bucket().await;
    let content = bytes(500_000);

    line.plan(Fault::FlipUpload(250_000), u32::MAX);
    let done = bucket
        .put(&key("changed"), &staged(&server.staging(), &content))
        .await;

    assert!(done.is_err());
    assert!(line.fired() >= 1);
    assert_eq!(server.stored("changed"), None);
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up_in_time() {
    let (server, line, bucket) = far_bucket().await;
    let object = staged(&server.staging(), b"x");

    line.plan(Fault::StallAnswer(0), u32::MAX);
    let since = Instant::now();
    let done = bucket.put(&key("slow"), &object).await;

    assert!(is_unavailable(&done), "{done:?}");
    assert!(line.fired() >= 1);
    assert!(
        since.elapsed() < Duration::from_secs(10),
        "{:?}",
        since.elapsed()
    );
}

#[tokio::test]
async fn a_body_that_stalls_or_is_cut_ends_in_an_error() {
    let (server, line, bucket) = far_bucket().await;
    let object = staged(&server.staging(), &bytes(4_000_000));
    bucket.put(&key("body"), &object).await.unwrap();

    for fault in [Fault::StallAnswer(1_000_000), Fault::CutAnswer(1_000_000)] {
        line.plan(fault, 1);
        let fired = line.fired();
        let mut body = bucket.open(&key("body")).await.unwrap().body;
        let read = body.read_to_end(&mut Vec::new()).await;

        assert!(read.is_err(), "{fault:?}");
        assert_eq!(line.fired(), fired + 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_gone_is_unavailable_and_good_again_when_it_is_back() {
    let (server, line, bucket) = far_bucket().await;
    let object = staged(&server.staging(), b"x");

    line.plan(Fault::Gone, u32::MAX);
    // Connections that rest are cut when they are used next.
    let bucket_far = S3Bucket::open(&server.config(line.addr)).await;
    let checked = bucket_far.check().await;
    let put = bucket_far.put(&key("x"), &object).await;
    let read = bucket_far.open(&key("x")).await;
    let nobody: SocketAddr = ([127, 0, 0, 1], 9).into();
    let refused = S3Bucket::open(&server.config(nobody)).await.check().await;

    assert!(is_unavailable(&checked), "{checked:?}");
    assert!(is_unavailable(&put), "{put:?}");
    assert!(is_unavailable(&read), "{read:?}");
    assert!(is_unavailable(&refused), "{refused:?}");
    assert!(line.fired() >= 3);

    line.plan(Fault::None, 0);
    bucket_far.put(&key("x"), &object).await.unwrap();
    drop(bucket);
    assert_eq!(server.stored("x").unwrap(), b"x");
}

#[tokio::test]
async fn what_is_no_longer_what_was_staged_is_not_put() {
    let (server, _line, bucket) = far_bucket().await;
    let staging = server.staging();
    for length in [1_000, 9_000_000] {
        let object = staged(&staging, &bytes(length));
        std::fs::write(object.path(), vec![0; length]).unwrap();

        let done = bucket.put(&key("spoiled"), &object).await;

        assert!(is_unavailable(&done), "{done:?}");
        assert!(format!("{:?}", done).contains("check the disk"), "{done:?}");
    }
    assert_eq!((server.stored("spoiled"), server.unfinished()), (None, 0));
}
