//! A clean stop tells everybody; a revoked key is out within a second.

use std::{
    io::Write,
    time::{Duration, Instant},
};

use simulator::{Config, Simulator};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use crate::harness::{
    Scene,
    program::{Server, create_key, run},
    subscriber::Subscriber,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_server_closes_its_sessions_with_1001_and_exits_0() {
    let mut scene = Scene::of(Config {
        rate: 5.0,
        ..Config::quiet()
    })
    .await;
    let mut subscriber = scene.subscribe("").await;
    subscriber.event().await;

    scene.server.signal("TERM");
    let (refusal, close) = subscriber.refusal().await;
    let status = scene.server.ended().await;

    assert_eq!((refusal, close), (None, Some(1001)));
    assert_eq!(status.code(), Some(0));
    assert_eq!(scene.server.complaints(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_request_keeps_no_server_from_stopping() {
    let mut scene = Scene::quiet().await;
    let mut half = std::net::TcpStream::connect(&scene.server.addr).unwrap();
    half.write_all(b"GET / HTTP/1.1\r\nHo").unwrap();
    scene.server.status().await;

    let status = scene.server.stop().await;

    assert_eq!(status.code(), Some(0), "{:#?}", scene.server.lines());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_closes_is_answered() {
    let scene = Scene::quiet().await;
    let mut subscriber = scene.subscribe("").await;

    let close = CloseFrame {
        code: CloseCode::Normal,
        reason: "".into(),
    };
    subscriber.send(Message::Close(Some(close))).await;
    let (refusal, close) = subscriber.refusal().await;

    assert_eq!((refusal, close), (None, Some(1000)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_is_out_within_a_second_and_the_others_stay() {
    let scene = Scene::quiet().await;
    let other_key = create_key(scene.dir.path(), &[]);
    let mut revoked = scene.subscribe("").await;
    // A key that was made a moment ago is as good as an old one.
    let mut other = Subscriber::subscribe(&scene.server.stream(), &other_key, "").await;
    revoked.heartbeat().await;

    let id = scene.server.key.split('_').nth(1).unwrap();
    let told = run(&[
        "keys",
        "revoke",
        id,
        "--data-dir",
        scene.dir.path().to_str().unwrap(),
    ]);
    let since = Instant::now();
    let (refusal, close) = revoked.refusal().await;

    assert_eq!(told.code, Some(0), "{}", told.stderr);
    assert_eq!(
        (refusal.unwrap().code.as_str(), close),
        ("unauthorized", Some(4401))
    );
    assert!(
        since.elapsed() < Duration::from_secs(1),
        "{:?}",
        since.elapsed()
    );
    scene.edgar.publish_now(1);
    other.event().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_key_is_out_within_a_second() {
    let edgar = Simulator::start_local(Config::quiet()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let key = create_key(dir.path(), &["--expires", "3s"]);
    let until = Instant::now() + Duration::from_secs(3);
    let server = Server::start_with_key(dir.path(), &edgar.url(), &key, &[]).await;
    let mut subscriber = Subscriber::subscribe(&server.stream(), &key, "").await;

    let (refusal, close) = subscriber.refusal().await;

    assert_eq!(
        (refusal.unwrap().code.as_str(), close),
        ("unauthorized", Some(4401))
    );
    assert!(
        until.elapsed() < Duration::from_secs(1),
        "{:?}",
        until.elapsed()
    );
}
