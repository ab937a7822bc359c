//! HTTP/2: the same doors, many requests at a time.

use std::time::{Duration, Instant};

use axum::{
    body::{Body, to_bytes},
    http::{Request, Response, StatusCode, Version},
};
use futures_util::{StreamExt, future::join_all};
use hyper::{body::Incoming, client::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinHandle,
    time::timeout,
};

use super::{PATIENCE, house::House};

/// One connection of HTTP/2.
struct Client {
    requests: http2::SendRequest<Body>,
    connection: JoinHandle<hyper::Result<()>>,
    authority: String,
    key: String,
}

impl Client {
    async fn connect(house: &House) -> Self {
        let stream = house.connect(&["h2", "http/1.1"]).await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        // As many as the server takes; it tells that only with its first answer.
        let (requests, connection) = http2::Builder::new(TokioExecutor::new())
            .initial_max_send_streams(32)
            .handshake(TokioIo::new(stream))
            .await
            .unwrap();
        Self {
            requests,
            connection: tokio::spawn(connection),
            authority: house.server.addr.clone(),
            key: house.server.key.clone(),
        }
    }

    async fn get(&self, path: &str) -> Response<Incoming> {
        let request = Request::get(format!("https://{}{path}", self.authority))
            .header("authorization", format!("Bearer {}", self.key))
            .body(Body::empty())
            .unwrap();
        let answering = self.requests.clone();
        let answered = timeout(PATIENCE, async move {
            let mut answering = answering;
            answering.send_request(request).await
        });
        answered.await.unwrap().unwrap()
    }
}

/// A frame of RFC 9113, section 4.1.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
    [&head, payload].concat()
}

/// The types and payloads of frames that came.
fn frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while let Some((head, rest)) = bytes.split_at_checked(9) {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let (payload, rest) = rest.split_at(rest.len().min(length as usize));
        frames.push((head[3], payload.to_vec()));
        bytes = rest;
    }
    frames
}

async fn text(response: Response<Incoming>) -> String {
    let bytes = to_bytes(Body::new(response.into_body()), 16 << 20).await;
    String::from_utf8_lossy(&bytes.unwrap()).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn doors_answer_together_on_one_connection_of_http2() {
    let house = House::open(&[]).await;
    let mut subscriber = house.subscribe("types=filing.archived").await;
    house.publish(1);
    let event = subscriber.event().await;
    let accession = event.body.filing().unwrap().accession.to_string();
    let client = Client::connect(&house).await;
    let object = format!("/v1/archive/sgml/{accession}");
    let paths = [
        "/healthz",
        "/readyz",
        "/v1/status",
        "/metrics",
        "/",
        "/docs",
        "/openapi.json",
        "/v1/events?after=oldest",
        "/v1/activity",
        "/nothing",
        &object,
    ];

    let answers = join_all(paths.iter().cycle().take(110).map(|path| client.get(path))).await;

    for (path, answer) in paths.iter().cycle().zip(answers) {
        let expected = if *path == "/nothing" { 404 } else { 200 };
        assert_eq!(answer.status(), expected, "{path}");
        assert_eq!(answer.version(), Version::HTTP_2);
        assert!(answer.headers().contains_key("x-request-id"), "{path}");
        let body = text(answer).await;
        assert!(!body.is_empty(), "{path}");
    }
    assert!(house.server.complaints().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_is_asked_for_with_http1() {
    let house = House::open(&[]).await;
    let client = Client::connect(&house).await;

    for path in ["/v1/stream", "/ws", "/compat/sec-api"] {
        let answer = client.get(path).await;
        let told = answer.status();
        let problem = text(answer).await;
        assert!(told.is_client_error(), "{path}: {told}");
        assert_ne!(told, StatusCode::NOT_FOUND, "{path}");
        assert!(problem.contains("\"code\""), "{path}: {problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_over_http2_while_idle_connections_are_closed() {
    let mut house = House::open(&[]).await;
    let (busy, idle) = (Client::connect(&house).await, Client::connect(&house).await);
    let since = Instant::now();
    let events = busy.get("/v1/events/stream?types=filing.seen").await;
    assert_eq!(events.headers()["content-type"], "text/event-stream");
    let mut events = Body::new(events.into_body()).into_data_stream();
    let mut seen = String::new();

    let ended = timeout(PATIENCE, idle.connection).await;
    let rested = since.elapsed();
    house.publish(2);
    while seen.matches("event: filing.seen").count() < 2 {
        let chunk = timeout(PATIENCE, events.next()).await.unwrap().unwrap();
        seen.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
    }
    house.server.signal("TERM");
    while let Some(Ok(chunk)) = timeout(PATIENCE, events.next()).await.unwrap() {
        seen.push_str(std::str::from_utf8(&chunk).unwrap());
    }

    assert!(ended.unwrap().unwrap().is_ok(), "with a goodbye");
    assert!(
        (Duration::from_secs(9)..Duration::from_secs(16)).contains(&rested),
        "{rested:?}"
    );
    assert!(seen.contains("\"draining\""), "{seen}");
    assert!(house.server.ended().await.success());
}

/// What CVE-2023-44487 did: a request costs who sends it nothing when he takes it back at once.
#[tokio::test(flavor = "multi_thread")]
async fn who_takes_back_request_after_request_loses_the_connection() {
    let [headers, rst_stream, settings, goaway] = [1, 3, 4, 7];
    const CALM_DOWN: [u8; 4] = 0xb_u32.to_be_bytes();
    let house = House::open(&[]).await;
    let mut subscriber = house.subscribe("types=filing.seen").await;
    let mut flood = house.connect(&["h2"]).await;
    let mut sent = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    sent.extend(frame(settings, 0, 0, &[]));
    // So few that they come in one piece: a connection that is cut loses its goodbye.
    for stream in (1..200).step_by(2) {
        // GET https://x/: of HPACK's own table, but for the authority.
        sent.extend(frame(headers, 0x5, stream, b"\x82\x87\x84\x41\x01x"));
        sent.extend(frame(rst_stream, 0, stream, &8_u32.to_be_bytes()));
    }

    flood.write_all(&sent).await.unwrap();
    let mut heard = Vec::new();
    let _ = timeout(PATIENCE, flood.read_to_end(&mut heard))
        .await
        .unwrap();
    house.publish(1);
    let event = subscriber.event().await;

    let goodbye = frames(&heard).into_iter().find(|(kind, _)| *kind == goaway);
    let goodbye = goodbye.expect("it says why").1;
    assert_eq!(goodbye[4..8], CALM_DOWN, "{goodbye:?}");
    assert!(event.body.filing().is_some());
    assert!(house.server.complaints().is_empty());
}
