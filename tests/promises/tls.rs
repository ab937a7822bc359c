//! With TLS everything is as without it, and nothing is served to who does not speak it.

mod house;
mod http2;
mod issuer;
mod redirect;

use std::{
    io::{Read, Write},
    net::TcpStream as StdStream,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use self::house::House;
use crate::harness::{
    eventually,
    program::{Ended, Server, command, run},
    subscriber::{Next, Subscriber},
};
use protocol::frame::ServerFrame;

const PATIENCE: Duration = Duration::from_secs(60);

/// The numbers of so many events.
async fn seqs(subscriber: &mut Subscriber, count: usize) -> Vec<u64> {
    let mut seqs = Vec::new();
    while seqs.len() < count {
        seqs.push(subscriber.event().await.seq().get());
    }
    seqs
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_through_tls_is_sent_what_a_plain_one_is_and_resumes() {
    let mut house = House::open(&[]).await;
    let mut live = house.subscribe("types=filing.seen").await;
    house.publish(30);
    let first = live.filings_seen(30).await;
    let cursor = live.cursor.clone().unwrap();
    drop(live);
    house.publish(30);
    let query = format!("types=filing.seen&after={cursor}");
    let second = house.subscribe(&query).await.filings_seen(30).await;
    assert!(house.server.complaints().is_empty());
    assert!(house.server.stop().await.success());

    let key = house.server.key.clone();
    let plain = Server::start_with_key(house.dir.path(), &house.edgar.url(), &key, &[]).await;
    let query = "types=filing.seen&after=oldest";
    let mut plain = Subscriber::subscribe(&plain.stream(), &key, query).await;
    let all = plain.filings_seen(60).await;

    assert!(
        first
            .keys()
            .all(|accession| !second.contains_key(accession))
    );
    assert_eq!(all, first.into_iter().chain(second).collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_server_says_goodbye_through_tls() {
    let mut house = House::open(&[]).await;
    let mut subscriber = house.subscribe("").await;

    house.server.signal("TERM");
    let close = loop {
        match subscriber.next().await {
            Next::Frame(ServerFrame::Notice(_) | ServerFrame::Heartbeat(_)) => {}
            Next::Frame(frame) => panic!("{frame:?}"),
            Next::Closed(close) => break close,
        }
    };

    assert_eq!(close.unwrap().0, 1001);
    assert!(house.server.ended().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_heard_however_they_are_cut_into_records() {
    let house = House::open(&[]).await;
    let mut stream = house.connect(&["http/1.1"]).await;
    let handshake = format!(
        "GET /v1/stream?defer=true HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer {}\r\n\r\n",
        house.server.key
    );
    // Under a mask of zeros.
    let ask = br#"{"op":"ping","id":7}"#;
    let ping = [&[0x81, 0x80 | 20, 0, 0, 0, 0][..], ask].concat();

    // The first comes in the record of the handshake, the second byte for byte.
    let with_it = [handshake.as_bytes(), &ping].concat();
    stream.write_all(&with_it).await.unwrap();
    for byte in &ping {
        stream.write_all(&[*byte]).await.unwrap();
        stream.flush().await.unwrap();
    }
    let mut text = Vec::new();
    let pongs = |text: &[u8]| {
        let text = String::from_utf8_lossy(text);
        text.matches(r#""type":"pong""#).count()
    };
    while pongs(&text) < 2 {
        let mut piece = [0; 1024];
        let count = timeout(PATIENCE, stream.read(&mut piece)).await;
        text.extend_from_slice(&piece[..count.unwrap().unwrap()]);
    }

    assert!(text.starts_with(b"HTTP/1.1 101"));
}

#[tokio::test(flavor = "multi_thread")]
async fn doors_answer_through_tls_and_nothing_is_answered_without_it() {
    let house = House::open(&[]).await;
    let archived = {
        let mut subscriber = house.subscribe("types=filing.archived").await;
        house.publish(1);
        subscriber.event().await
    };
    let accession = archived.body.filing().unwrap().accession.to_string();

    let health = house.get("/healthz").await;
    let page = house.get("/").await;
    let object = house.get(&format!("/v1/archive/sgml/{accession}")).await;
    let plain = {
        let mut stream = StdStream::connect(&house.server.addr).unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            .unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        answer
    };

    assert!(health.starts_with("HTTP/1.1 200"), "{health}");
    assert!(page.contains("<html"), "{page}");
    assert!(object.starts_with("HTTP/1.1 200"), "{object}");
    assert!(plain.len() < 20, "an alert, not an answer: {plain:?}");
}

/// What comes of a connection on which these bytes were said, and when it closed.
fn until_closed(addr: &str, said: &[u8]) -> (Vec<u8>, Duration) {
    let since = Instant::now();
    let mut socket = StdStream::connect(addr).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.write_all(said).unwrap();
    let mut answer = Vec::new();
    // A reset is an end too.
    let _ = socket.read_to_end(&mut answer);
    (answer, since.elapsed())
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_handshake_is_cut_after_ten_seconds_and_garbage_at_once() {
    let house = House::open(&[]).await;
    let addr = house.server.addr.clone();
    // The head of a record that holds a ClientHello of 512 bytes, and a few of those.
    let half = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];

    let waits = [half.to_vec(), Vec::new()].map(|said| {
        let addr = addr.clone();
        tokio::task::spawn_blocking(move || until_closed(&addr, &said).1)
    });
    let garbage = tokio::task::spawn_blocking(move || until_closed(&addr, &[0x42; 600]));
    let (alert, soon) = garbage.await.unwrap();

    assert_eq!(alert.first(), Some(&0x15), "an alert");
    assert!(soon < Duration::from_secs(5), "{soon:?}");
    for wait in waits {
        let seconds = wait.await.unwrap().as_secs_f64();
        assert!((9.0..15.0).contains(&seconds), "{seconds}");
    }
    let late = "filingwire_tls_handshakes_failed_total{reason=\"late\"} 2";
    let is_counted = async || house.get("/metrics").await.contains(late);
    eventually("both are counted", PATIENCE, is_counted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_shown_to_new_connections_and_old_ones_stay() {
    let house = House::open(&[]).await;
    let mut old = house.subscribe("types=filing.seen").await;
    let shown = async || {
        let stream = house.connect(&[]).await;
        let shown = stream.get_ref().1.peer_certificates().unwrap()[0].clone();
        shown.into_owned()
    };
    let before = shown().await;
    let renewed = house.issuer.issue();

    // One file after the other, with time enough between them to be found torn.
    renewed.put_cert(house.dir.path());
    let complains = async || house.server.complaints().len() == 1;
    eventually("the torn pair is told of", PATIENCE, complains).await;
    let torn = shown().await;
    renewed.put(house.dir.path());
    let is_shown = async || shown().await == *renewed.der();
    eventually("the new one is shown", PATIENCE, is_shown).await;
    house.publish(3);

    assert_eq!(seqs(&mut old, 3).await.len(), 3);
    assert_eq!(torn, before);
    let complaint = &house.server.complaints()[0];
    assert!(complaint.contains("tls.key_file"), "{complaint}");
    assert!(complaint.contains("stays as it was"), "{complaint}");
}

#[test]
fn a_pair_that_cannot_be_used_stops_the_start_and_names_its_key() {
    let dir = tempfile::tempdir().unwrap();
    let issuer = issuer::Issuer::new();
    issuer.issue().put(dir.path());
    issuer.issue().put_cert(dir.path());
    let (cert, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    let serve = |cert: &std::path::Path, key: &std::path::Path| {
        let mut command = command(&["serve", "--listen", "127.0.0.1:0", "--data-dir"]);
        command.arg(dir.path()).envs([
            ("FILINGWIRE__EDGAR__CONTACT", "tests@filingwire.example"),
            ("FILINGWIRE__TLS__CERT_FILE", cert.to_str().unwrap()),
            ("FILINGWIRE__TLS__KEY_FILE", key.to_str().unwrap()),
        ]);
        Ended::of(command)
    };

    let mismatch = serve(&cert, &key);
    let absent = serve(&dir.path().join("none.pem"), &key);
    let alone = serve(&cert, std::path::Path::new(""));

    assert_eq!(mismatch.code, Some(2), "{}", mismatch.stderr);
    let said = "`tls.key_file`: ";
    assert!(mismatch.stderr.contains(said), "{}", mismatch.stderr);
    assert!(mismatch.stderr.contains("belongs to another certificate"));
    assert_eq!(absent.code, Some(2), "{}", absent.stderr);
    assert!(
        absent.stderr.contains("`tls.cert_file`: "),
        "{}",
        absent.stderr
    );
    assert_eq!(alone.code, Some(2), "{}", alone.stderr);
    assert!(alone.stderr.contains(said), "{}", alone.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_work_beside_and_through_a_server_with_tls() {
    let house = House::open(&[]).await;
    house.publish(2);
    let roots = house.dir.path().join("roots.pem");
    std::fs::write(&roots, house.issuer.pem()).unwrap();
    let dir = house.dir.path().to_str().unwrap();

    let health = run(&["health", "--data-dir", dir]);
    let url = format!("https://{}", house.server.addr);
    let mut tail = command(&[
        "tail",
        "--json",
        "--after",
        "oldest",
        "--types",
        "filing.seen",
    ]);
    let until = {
        let mut subscriber = house.subscribe("types=filing.seen&after=oldest").await;
        subscriber.filings_seen(2).await;
        subscriber.cursor.clone().unwrap().to_string()
    };
    tail.args(["--url", &url, "--key", &house.server.key, "--until", &until]);
    tail.env("SSL_CERT_FILE", &roots);
    let tail = tokio::task::spawn_blocking(|| Ended::of(tail));
    let tail = timeout(PATIENCE, tail).await.unwrap().unwrap();

    assert_eq!(health.code, Some(0), "{}", health.stderr);
    assert_eq!(tail.code, Some(0), "{}", tail.stderr);
    assert_eq!(tail.stdout.lines().count(), 2, "{}", tail.stdout);
}
