//! The client against a small server on the loopback that plays back prepared answers.
//!
//! Invariant: the server writes exactly the bytes the test says, so that broken answers can
//! be told apart from whole ones.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use std::io::Write;
use std::sync::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

const THRESHOLD: &str = "<!DOCTYPE html><title>SEC.gov | Request Rate Threshold Exceeded</title>";
const STORE: &str = "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>";

/// A server and the request heads it has received, with their times.
struct Server {
    url: String,
    seen: Arc<Mutex<Vec<(Instant, String)>>>,
}

/// An answer: bytes, and whether the connection stays open after them.
#[derive(Clone)]
struct Reply(Vec<u8>, bool);

impl Server {
    /// Answers request number n with reply n, and with the last one from then on.
    async fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/file.txt", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let server = Self {
            url,
            seen: seen.clone(),
        };
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(socket, replies.clone(), seen.clone()));
            }
        });
        server
    }

    fn requests(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

async fn serve(
    mut socket: TcpStream,
    replies: Vec<Reply>,
    seen: Arc<Mutex<Vec<(Instant, String)>>>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.unwrap());
    }
    let number = {
        let mut seen = seen.lock().unwrap();
        seen.push((Instant::now(), String::from_utf8(head).unwrap()));
        seen.len() - 1
    };
    let Reply(bytes, stays) = &replies[number.min(replies.len() - 1)];
    socket.write_all(bytes).await.unwrap();
    if *stays {
        std::future::pending::<()>().await;
    }
}

/// A whole answer with these further header lines, each ended by CRLF.
fn answer_with(status: u16, headers: &str, body: &[u8]) -> Reply {
    let head = format!(
        "HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n",
        body.len()
    );
    Reply([head.as_bytes(), body].concat(), false)
}

fn answer(status: u16, body: &str) -> Reply {
    answer_with(status, "", body.as_bytes())
}

fn client() -> SecClient {
    SecClient::new(Config {
        requests_per_second: 10,
        body_idle_timeout_ms: 200,
        ..Config::new("me@example.org")
    })
    .unwrap()
}

async fn get(client: &SecClient, server: &Server) -> Result<Bytes, SecError> {
    client.get(&server.url, Priority::Feed, 10_000).await
}

/// Lets the block pass without waiting for it.
async fn skip_block() {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(631)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_document_arrives_and_the_request_says_who_we_are() {
    let server = Server::start(vec![answer(200, "<SEC-DOCUMENT>")]).await;

    let body = get(&client(), &server).await.unwrap();

    assert_eq!(body, "<SEC-DOCUMENT>");
    let head = server.seen.lock().unwrap()[0].1.to_lowercase();
    let agent = format!(
        "user-agent: filingwire/{} me@example.org\r\n",
        env!("CARGO_PKG_VERSION")
    );
    assert!(head.contains(&agent), "{head}");
    assert!(head.contains("accept-encoding: gzip\r\n"), "{head}");
}

#[tokio::test]
async fn a_client_without_a_contact_is_not_built() {
    let refused = SecClient::new(Config::default());

    assert!(matches!(refused, Err(ConfigError::Contact(_))));
}

#[tokio::test]
async fn compressed_bodies_are_decoded() {
    let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    zip.write_all(b"many filings").unwrap();
    let zip = zip.finish().unwrap();
    let server = Server::start(vec![answer_with(200, "Content-Encoding: gzip\r\n", &zip)]).await;

    let body = get(&client(), &server).await.unwrap();

    assert_eq!(body, "many filings");
}

#[tokio::test]
async fn a_compressed_body_cut_short_is_an_error() {
    let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    zip.write_all(b"many filings").unwrap();
    let zip = zip.finish().unwrap();
    let cut = &zip[..zip.len() - 9];
    let server = Server::start(vec![answer_with(200, "Content-Encoding: gzip\r\n", cut)]).await;

    let result = get(&client(), &server).await;

    assert!(matches!(result, Err(SecError::Network(_))), "{result:?}");
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_told_with_whom_we_asked() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = free.local_addr().unwrap();
    drop(free);

    let asked = client()
        .get(&format!("http://{addr}/"), Priority::Feed, 1000)
        .await;
    let error = asked.unwrap_err();

    assert_eq!(error.to_string(), format!("no usable answer from {addr}"));
}

#[tokio::test]
async fn a_truncated_body_is_an_error() {
    let Reply(mut bytes, _) = answer(200, &"x".repeat(1_000));
    bytes.truncate(bytes.len() - 1);
    let server = Server::start(vec![Reply(bytes, false)]).await;

    let result = get(&client(), &server).await;

    assert!(matches!(result, Err(SecError::Network(_))), "{result:?}");
    assert!(result.unwrap_err().is_transient());
}

#[tokio::test]
async fn a_stalled_body_times_out() {
    let Reply(mut bytes, _) = answer(200, &"x".repeat(1_000));
    bytes.truncate(bytes.len() - 1);
    let server = Server::start(vec![Reply(bytes, true)]).await;

    let result = get(&client(), &server).await;

    assert!(
        matches!(result, Err(SecError::TimedOut { .. })),
        "{result:?}"
    );
}

#[tokio::test]
async fn a_server_that_never_answers_times_out() {
    let server = Server::start(vec![Reply(Vec::new(), true)]).await;
    let client = SecClient::new(Config {
        request_timeout_ms: 50,
        ..Config::new("me@example.org")
    })
    .unwrap();

    let result = get(&client, &server).await;

    assert!(
        matches!(result, Err(SecError::TimedOut { .. })),
        "{result:?}"
    );
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused() {
    let server = Server::start(vec![answer(200, &"x".repeat(10_001))]).await;

    let result = get(&client(), &server).await;

    assert!(matches!(result, Err(SecError::TooLarge { limit: 10_000 })));
}

#[tokio::test]
async fn a_large_body_comes_in_chunks_that_add_up() {
    let text = "0123456789".repeat(100_000);
    let server = Server::start(vec![answer(200, &text)]).await;

    let mut body = client()
        .open(&server.url, Priority::NewFiling)
        .await
        .unwrap();
    let mut whole = Vec::new();
    let mut chunks = 0;
    while let Some(chunk) = body.chunk().await.unwrap() {
        whole.extend_from_slice(&chunk);
        chunks += 1;
    }

    assert_eq!(whole, text.as_bytes());
    assert!(chunks > 1);
}

#[tokio::test]
async fn a_redirect_is_refused_and_not_followed() {
    let server = Server::start(vec![answer_with(302, "Location: /elsewhere\r\n", b"")]).await;

    let result = get(&client(), &server).await;

    assert_eq!(result.unwrap_err().status(), Some(302));
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn a_web_page_in_place_of_a_document_is_unexpected() {
    let server = Server::start(vec![answer(200, "<html>Sorry</html>")]).await;

    let result = get(&client(), &server).await;

    assert!(matches!(
        result,
        Err(SecError::Unexpected { status: 200, .. })
    ));
}

#[tokio::test]
async fn a_web_page_is_served_to_those_who_ask_for_one() {
    let mut server = Server::start(vec![answer(200, "<html>Index</html>")]).await;
    server.url = server
        .url
        .replace("file.txt", "0000320193-24-000123-index.htm");

    let body = get(&client(), &server).await.unwrap();

    assert_eq!(body, "<html>Index</html>");
}

#[tokio::test]
async fn absent_documents_shut_no_door() {
    let server = Server::start(vec![answer(403, STORE), answer(404, "not here")]).await;
    let client = client();

    let forbidden = get(&client, &server).await.unwrap_err();
    let missing = get(&client, &server).await.unwrap_err();

    assert!(matches!(forbidden, SecError::Absent { status: 403, .. }));
    assert!(matches!(missing, SecError::Absent { status: 404, .. }));
    assert_eq!(client.door(), Door::Open);
}

#[tokio::test]
async fn an_error_of_the_server_is_unavailable_and_not_repeated() {
    let server = Server::start(vec![answer(503, "<html>File Unavailable</html>")]).await;

    let error = get(&client(), &server).await.unwrap_err();

    assert!(matches!(error, SecError::Unavailable { status: 503 }));
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn a_block_page_stops_all_clones_without_touching_the_network() {
    let server = Server::start(vec![answer(403, THRESHOLD)]).await;
    let client = client();
    let clone = client.clone();

    let first = get(&client, &server).await.unwrap_err();
    let second = get(&clone, &server).await.unwrap_err();

    assert!(matches!(first, SecError::Blocked { retry_in } if retry_in.as_secs() >= 600));
    assert!(matches!(second, SecError::Blocked { retry_in } if retry_in.as_secs() >= 599));
    assert_eq!(server.requests(), 1);
    assert_eq!(client.counts().blocks, 1);
    assert_eq!(client.counts().held_back, 1);
}

#[tokio::test]
async fn a_block_page_under_200_is_a_block() {
    let server = Server::start(vec![answer(200, THRESHOLD)]).await;

    let error = get(&client(), &server).await.unwrap_err();

    assert!(matches!(error, SecError::Blocked { .. }));
}

#[tokio::test]
async fn a_block_ends_the_wait_of_those_in_line() {
    let server = Server::start(vec![answer(429, "")]).await;
    let client = SecClient::new(Config {
        requests_per_second: 1,
        ..Config::new("me@example.org")
    })
    .unwrap();
    let start = Instant::now();

    let results = tokio::join!(
        get(&client, &server),
        get(&client, &server),
        get(&client, &server),
        get(&client, &server)
    );

    for result in [results.0, results.1, results.2, results.3] {
        assert!(matches!(result, Err(SecError::Blocked { .. })));
    }
    assert_eq!(server.requests(), 1);
    let waited = start.elapsed();
    assert!(waited < Duration::from_secs(2), "their turns come in 3 s");
}

#[tokio::test]
async fn after_the_block_one_probe_goes_and_opens_the_door() {
    let server = Server::start(vec![answer(403, THRESHOLD), answer(200, "fine")]).await;
    let client = client();
    get(&client, &server).await.unwrap_err();
    skip_block().await;

    let (probe, other) = tokio::join!(get(&client, &server), get(&client, &server));

    assert_eq!(probe.unwrap(), "fine");
    assert!(matches!(other, Err(SecError::Blocked { .. })));
    assert_eq!(server.requests(), 2);
    assert_eq!(client.door(), Door::Open);
    assert!(get(&client, &server).await.is_ok());
}

#[tokio::test]
async fn a_probe_that_is_blocked_again_shuts_for_the_full_time() {
    let server = Server::start(vec![answer(403, THRESHOLD)]).await;
    let client = client();
    get(&client, &server).await.unwrap_err();
    skip_block().await;

    let probe = get(&client, &server).await.unwrap_err();

    assert!(matches!(probe, SecError::Blocked { retry_in } if retry_in.as_secs() >= 600));
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn the_server_never_sees_more_than_ten_requests_in_a_second() {
    let server = Server::start(vec![answer(200, "fine")]).await;
    let client = client();
    let mut tasks = tokio::task::JoinSet::new();

    for number in 0..25 {
        let (client, url) = (client.clone(), server.url.clone());
        let priority = Priority::ALL[number % 5];
        tasks.spawn(async move { client.get(&url, priority, 100).await.unwrap() });
    }
    tasks.join_all().await;

    let times: Vec<Instant> = server
        .seen
        .lock()
        .unwrap()
        .iter()
        .map(|seen| seen.0)
        .collect();
    let in_second = |start: &Instant| {
        let end = *start + Duration::from_secs(1);
        times.iter().filter(|at| *at >= start && **at < end).count()
    };
    assert_eq!(times.len(), 25);
    assert!(times.iter().map(in_second).max().unwrap() <= 10);
    let sent: Vec<u64> = client.counts().requests.iter().map(|at| at.1).collect();
    assert_eq!(sent, [5; 5]);
}
