//! The plain port beside TLS.

use std::time::Duration;

use super::{house::House, until_closed};

/// A server with a plain port, and its address.
async fn house() -> (House, String) {
    let house = House::open(&[("FILINGWIRE__TLS__REDIRECT_LISTEN", "127.0.0.1:0")]).await;
    let line = |line: &String| {
        let from = line.split_once("plain HTTP is sent to TLS")?.1;
        let from = from.split("from=").nth(1)?;
        Some(from.split_whitespace().next()?.to_owned())
    };
    let plain = house.server.lines().iter().find_map(line);
    (house, plain.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_is_sent_to_tls_and_nowhere_else() {
    let (house, plain) = house().await;
    let port = house.server.addr.rsplit_once(':').unwrap().1.to_owned();
    let asked = |request: &str| {
        let (answer, _) = until_closed(&plain, request.as_bytes());
        String::from_utf8(answer).unwrap().to_ascii_lowercase()
    };

    let sent = asked("GET /v1/status?x=1 HTTP/1.1\r\nHost: e.com:8080\r\n\r\n");
    let posted = asked("POST /v1/tickets HTTP/1.1\r\nHost: 127.0.0.1\r\ncontent-length: 0\r\n\r\n");
    let nowhere = asked("GET / HTTP/1.1\r\nHost: e.com/@evil.example\r\n\r\n");
    let hostless = asked("GET / HTTP/1.0\r\n\r\n");
    let garbage = asked("\u{1}\u{2}nonsense\r\n\r\n");
    let strict = house.get("/healthz").await;

    assert!(sent.starts_with("http/1.1 308"), "{sent}");
    assert!(
        sent.contains(&format!("location: https://e.com:{port}/v1/status?x=1\r\n")),
        "{sent}"
    );
    assert!(
        posted.contains(&format!(
            "location: https://127.0.0.1:{port}/v1/tickets\r\n"
        )),
        "{posted}"
    );
    for none in [nowhere, hostless, garbage] {
        assert!(
            none.contains(" 400 ") && !none.contains("location"),
            "{none}"
        );
    }
    assert!(
        strict.contains("strict-transport-security: max-age="),
        "{strict}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_request_is_cut_on_the_plain_port_too() {
    let (_house, plain) = house().await;

    let waits = ["GET / HTTP/1.1\r\nHo", ""].map(|half| {
        let plain = plain.clone();
        tokio::task::spawn_blocking(move || until_closed(&plain, half.as_bytes()).1)
    });

    for wait in waits {
        let waited = wait.await.unwrap();
        assert!(
            waited > Duration::from_secs(9) && waited < Duration::from_secs(15),
            "{waited:?}"
        );
    }
}
