//! What a client may do, and what becomes of one that does more.

use serde_json::json;

use crate::{ground::Ground, subscriber::Subscriber};

/// A masked frame with a zero mask.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    assert!(length < 126);
    [&[first, 0x80 | length, 0, 0, 0, 0], payload].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_breaks_the_protocol_is_told_so() {
    let ground = Ground::start().await;
    let cases: [(&str, Vec<u8>, u16); 5] = [
        ("reserved bits", frame(0xf1, b"x"), 1002),
        ("an unmasked frame", vec![0x81, 1, b'x'], 1002),
        ("a text that is no UTF-8", frame(0x81, &[0xff, 0xfe]), 1007),
        ("a continuation of nothing", frame(0x80, b"x"), 1002),
        ("a binary message", frame(0x82, b"x"), 4400),
    ];
    for (what, bytes, code) in cases {
        let mut reader = Subscriber::connect(&ground, "", None).await;
        reader.write_raw(&bytes).await;
        assert_eq!(reader.read_close().await, code, "{what}");
    }
    ground.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_any_kind_ends_the_one_that_floods() {
    let mut ground = Ground::start().await;
    let mut steady = Subscriber::connect(&ground, "", None).await;
    let floods = [
        ("messages", frame(0x81, br#"{"op":"ping"}"#), 4029),
        ("pings", frame(0x89, b""), 4029),
        ("pongs", frame(0x8a, b""), 4029),
    ];
    for (what, bytes, code) in floods {
        let mut reader = Subscriber::connect(&ground, "", None).await;
        reader.write_raw(&bytes.repeat(200)).await;
        assert_eq!(reader.read_close().await, code, "{what}");
    }

    ground.publish(1, "8-K").await;
    steady.read_through(1).await;
    assert_eq!(steady.seqs, [1]);
    ground.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_message_of_empty_pieces_is_a_flood_too() {
    let mut ground = Ground::start().await;
    let mut steady = Subscriber::connect(&ground, "", None).await;
    let mut endless = Subscriber::connect(&ground, "", None).await;
    endless.write_raw(&frame(0x01, b"")).await;
    endless.write_raw(&frame(0x00, b"").repeat(100_000)).await;

    assert_eq!(endless.read_close().await, 4029);
    ground.publish(20, "8-K").await;
    steady.read_through(20).await;
    assert_eq!(steady.seqs.len(), 20);
    ground.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bounded_subscription_ends_with_its_last_event() {
    let mut ground = Ground::start().await;
    ground.publish(100, "8-K").await;
    let mut all = Subscriber::connect(&ground, "after=oldest", None).await;
    all.read_through(100).await;
    let frame = all.frame().await.unwrap();
    let epoch = frame["head"].as_str().unwrap().split_once('-').unwrap().0;

    for (until, published) in [(50, 0), (100, 0), (150, 100)] {
        let query = format!("after=oldest&ciks=1,2&until={epoch}-{until}");
        let mut bounded = Subscriber::connect(&ground, &query, None).await;
        ground.publish(published, "10-Q").await;
        let mut last = json!(null);
        while let Some(frame) = bounded.frame().await {
            last = frame;
        }
        let expected: Vec<u64> = (1..=until).filter(|seq| seq % 10 < 2).collect();
        assert_eq!(bounded.seqs, expected);
        assert_eq!(last["type"], "done");
        assert_eq!(last["through"], format!("{epoch}-{until}"));
        assert_eq!(u16::from(bounded.closed.unwrap().code), 1000);
    }
    ground.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribing_again_goes_on_where_it_was_and_counts_anew() {
    let mut ground = Ground::start().await;
    let mut reader = Subscriber::connect(&ground, "forms=8-K", None).await;
    ground.publish(10, "8-K").await;
    reader.read_through(10).await;

    reader
        .say(r#"{"op":"subscribe","filter":{"forms":["10-Q"]}}"#)
        .await;
    while reader.frame().await.unwrap()["type"] != "subscribed" {}
    ground.publish(10, "8-K").await;
    ground.publish(10, "10-Q").await;
    reader.read_through(30).await;
    assert_eq!(reader.seqs, (21..=30).collect::<Vec<u64>>());

    reader
        .say(r#"{"op":"subscribe","after":"oldest","filter":{"forms":["8-K"]}}"#)
        .await;
    while reader.frame().await.unwrap()["type"] != "subscribed" {}
    reader.read_through(30).await;
    assert_eq!(reader.seqs, (1..=20).collect::<Vec<u64>>());
    ground.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribing_again_while_events_flow_neither_doubles_nor_loses() {
    let mut ground = Ground::start().await;
    let mut reader = Subscriber::connect(&ground, "", None).await;
    for round in 1..=10 {
        ground.publish(150, "8-K").await;
        reader.say(r#"{"op":"subscribe","filter":{}}"#).await;
        ground.publish(150, "8-K").await;
        reader.read_through(round * 300).await;
    }

    let all = [reader.earlier, reader.seqs].concat();
    assert_eq!(all, (1..=3000).collect::<Vec<u64>>());
    ground.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_may_come_in_many_small_pieces() {
    let ground = Ground::start().await;
    let mut reader = Subscriber::connect(&ground, "", None).await;
    let text = br#"{"op":"ping","id":"small"}"#;
    let mut bytes = frame(0x01, &text[..1]);
    for piece in text[1..text.len() - 1].chunks(3) {
        bytes.extend(frame(0x00, piece));
    }
    bytes.extend(frame(0x80, &text[text.len() - 1..]));

    for byte in bytes {
        reader.write_raw(&[byte]).await;
    }

    loop {
        let frame = reader.frame().await.unwrap();
        if frame["type"] == "pong" {
            assert_eq!(frame["id"], "small");
            break;
        }
    }
    ground.stop().await;
}
