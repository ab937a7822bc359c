//! Readers of all speeds: each gets every frame it wants, in order, once.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::sleep;

use crate::{ground::Ground, subscriber::Subscriber};

/// Small enough for the kernel to be full after a few hundred events.
const LITTLE: Option<u32> = Some(4096);

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_stalls_loses_nothing_and_slows_nobody() {
    stall(Ground::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_stalls_loses_nothing_and_slows_nobody_with_tls() {
    stall(Ground::start_sealed().await).await;
}

async fn stall(mut ground: Ground) {
    let mut live = Subscriber::connect(&ground, "", None).await;
    let mut stalled = Subscriber::connect(&ground, "", LITTLE).await;
    for reader in [&mut live, &mut stalled] {
        while reader.frame().await.unwrap()["type"] != "subscribed" {}
    }

    for _ in 0..10 {
        ground.publish(500, "8-K").await;
        let expected = live.seqs.len() as u64 + 500;
        live.read_through(expected).await;
    }
    assert_eq!(live.seqs, (1..=5000).collect::<Vec<u64>>());

    stalled.read_through(5000).await;
    assert_eq!(stalled.seqs, live.seqs);
    assert!(stalled.lags.iter().all(|behind| *behind >= 1000));
    assert!(
        !stalled.lags.is_empty(),
        "it was told how far behind it was"
    );
    ground.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_of_all_speeds_and_filters_hold_what_their_filter_says() {
    read_at_all_speeds(Ground::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_of_all_speeds_and_filters_hold_what_their_filter_says_with_tls() {
    read_at_all_speeds(Ground::start_sealed().await).await;
}

async fn read_at_all_speeds(mut ground: Ground) {
    let queries = [
        ("", 1),
        ("forms=8-K", 2),
        ("ciks=3", 10),
        ("forms=8-K&ciks=3,4", 10),
        ("forms=8-K&view=lite", 2),
    ];
    let mut readers = Vec::new();
    for (number, (query, _)) in queries.iter().cycle().take(40).enumerate() {
        let mut reader = Subscriber::connect(&ground, query, LITTLE).await;
        while reader.frame().await.unwrap()["type"] != "subscribed" {}
        readers.push(tokio::spawn(async move {
            // Pauses of their own, so that each is cut elsewhere.
            let mut events = 0_u64;
            while reader.through < 3000 {
                reader.frame().await.unwrap();
                events += 1;
                if events.is_multiple_of(50 + number as u64 * 7) {
                    sleep(Duration::from_millis(number as u64)).await;
                }
            }
            reader.seqs
        }));
    }

    for _ in 0..30 {
        ground.publish(50, "8-K").await;
        ground.publish(50, "10-Q").await;
        sleep(Duration::from_millis(5)).await;
    }

    for (number, reader) in readers.into_iter().enumerate() {
        let (query, _) = queries[number % queries.len()];
        let is_8k = |seq: u64| (seq - 1) % 100 < 50;
        let cik = |seq: u64| seq % 10 + 1;
        let expected: Vec<u64> = (1..=3000)
            .filter(|seq| match query {
                "" => true,
                "ciks=3" => cik(*seq) == 3,
                "forms=8-K&ciks=3,4" => is_8k(*seq) && [3, 4].contains(&cik(*seq)),
                _ => is_8k(*seq),
            })
            .collect();
        assert_eq!(reader.await.unwrap(), expected, "{query}");
    }
    ground.stop().await;
}

/// With TLS a visit writes 256 KiB at most, whatever the kernel takes.
#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_more_than_one_visit_reaches_who_reads_as_it_comes() {
    let mut ground = Ground::start_sealed().await;
    let mut readers = Vec::new();
    for query in ["forms=8-K", "forms=8-K", "types=filing.seen", ""] {
        let mut reader = Subscriber::connect(&ground, query, None).await;
        while reader.frame().await.unwrap()["type"] != "subscribed" {}
        readers.push(tokio::spawn(async move {
            reader.read_through(8000).await;
            reader.seqs
        }));
    }

    ground.publish(8000, "8-K").await;

    for reader in readers {
        assert_eq!(reader.await.unwrap(), (1..=8000).collect::<Vec<u64>>());
    }
    ground.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_do_not_mix_with_answers_however_the_reader_reads() {
    mix(Ground::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_do_not_mix_with_answers_however_the_reader_reads_with_tls() {
    mix(Ground::start_sealed().await).await;
}

async fn mix(mut ground: Ground) {
    let mut reader = Subscriber::connect(&ground, "", LITTLE).await;
    while reader.frame().await.unwrap()["type"] != "subscribed" {}
    // Pings of the websocket, answered between the frames that wait.
    let ping = [0x89, 0x80, 1, 2, 3, 4];

    ground.publish(4000, "8-K").await;
    for _ in 0..20 {
        reader.write_raw(&ping).await;
        for _ in 0..50 {
            reader.frame().await.unwrap();
        }
    }
    reader.read_through(4000).await;

    assert_eq!(reader.seqs, (1..=4000).collect::<Vec<u64>>());
    ground.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_comes_back_with_any_cursor_misses_nothing() {
    come_back(Ground::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_comes_back_with_any_cursor_misses_nothing_with_tls() {
    come_back(Ground::start_sealed().await).await;
}

async fn come_back(mut ground: Ground) {
    ground.publish(2000, "8-K").await;
    let mut first = Subscriber::connect(&ground, "after=oldest", None).await;
    first.read_through(2000).await;
    let epoch = loop {
        let frame = first.frame().await.unwrap();
        if let Some(head) = frame["head"].as_str() {
            break head.split_once('-').unwrap().0.to_owned();
        }
    };

    let mut readers = Vec::new();
    for cursor in (0..2000).step_by(40) {
        for filter in ["", "&ciks=7", "&forms=10-K*"] {
            let query = format!("after={epoch}-{cursor}{filter}");
            readers.push((
                cursor,
                filter,
                Subscriber::connect(&ground, &query, None).await,
            ));
        }
    }
    ground.publish(100, "10-K/A").await;

    for (cursor, filter, mut reader) in readers {
        reader.read_through(2100).await;
        let expected: Vec<u64> = (cursor + 1..=2100)
            .filter(|seq| match filter {
                "" => true,
                "&ciks=7" => seq % 10 + 1 == 7,
                _ => *seq > 2000,
            })
            .collect();
        assert_eq!(reader.seqs, expected, "{cursor}{filter}");
    }
    ground.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_come_and_go_while_events_flow() {
    come_and_go(Ground::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_come_and_go_while_events_flow_with_tls() {
    come_and_go(Ground::start_sealed().await).await;
}

async fn come_and_go(mut ground: Ground) {
    let mut steady = Subscriber::connect(&ground, "", None).await;
    for round in 0..20 {
        let mut guests = Vec::new();
        for _ in 0..20 {
            guests.push(Subscriber::connect(&ground, "after=oldest", None).await);
        }
        ground.publish(20, "4").await;
        for (place, mut guest) in guests.into_iter().enumerate() {
            // Some leave with a close, some without a word, some in the middle.
            match place % 3 {
                0 => guest.socket.close(None).await.unwrap(),
                1 => drop(guest),
                _ => {
                    guest.frame().await;
                }
            }
        }
        steady.read_through((round + 1) * 20).await;
    }

    assert_eq!(steady.seqs, (1..=400).collect::<Vec<u64>>());
    ground.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_hears_the_end_is_told_when_to_come_back() {
    let ground = Ground::start().await;
    let mut readers = Vec::new();
    for _ in 0..5 {
        let mut reader = Subscriber::connect(&ground, "", None).await;
        while reader.frame().await.unwrap()["type"] != "subscribed" {}
        readers.push(reader);
    }

    let stopping = tokio::spawn(ground.stop());
    let mut delays = Vec::new();
    for reader in &mut readers {
        while let Some(frame) = reader.frame().await {
            if frame["type"] == "notice" {
                assert_eq!(frame["code"], "draining");
                delays.push(frame["reconnect_after_ms"].as_u64().unwrap());
            }
        }
        assert_eq!(u16::from(reader.closed.as_ref().unwrap().code), 1001);
        assert!(reader.socket.next().await.is_none());
    }

    delays.sort_unstable();
    delays.dedup();
    assert_eq!(delays.len(), 5, "not all at once");
    stopping.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_nothing_for_thirty_seconds_is_closed_with_tls_too() {
    let (plain, sealed) = (Ground::start().await, Ground::start_sealed().await);
    tokio::join!(slow(plain), slow(sealed));
}

/// The reader reads again just after it was closed: what the kernel had is whole frames,
/// then the connection ends.
async fn slow(mut ground: Ground) {
    let mut reader = Subscriber::connect(&ground, "", LITTLE).await;
    while reader.frame().await.unwrap()["type"] != "subscribed" {}
    ground.publish(4000, "8-K").await;

    sleep(Duration::from_secs(33)).await;
    let end = loop {
        match reader.socket.next().await {
            Some(Ok(_)) => {}
            end => break end,
        }
    };

    assert!(end.is_none_or(|end| end.is_err()));
    ground.stop().await;
}
