//! Clients of other services receive our filings in the shape they know.

use std::time::Duration;

use futures_util::StreamExt;
use serde_json::Value;
use simulator::Wish;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message},
};

use crate::harness::{Scene, program::run};

const PATIENCE: Duration = Duration::from_secs(20);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

fn address(scene: &Scene) -> String {
    let stream = scene.server.stream();
    stream["ws://".len()..]
        .split('/')
        .next()
        .unwrap()
        .to_owned()
}

async fn connect(scene: &Scene, path: &str) -> Result<Socket, Error> {
    let url = format!("ws://{}{path}", address(scene));
    Ok(connect_async(url).await?.0)
}

/// Status of a refused handshake.
async fn refused(scene: &Scene, path: &str) -> u16 {
    match connect(scene, path).await {
        Err(Error::Http(response)) => response.status().as_u16(),
        other => panic!("not refused: {other:?}"),
    }
}

/// The next frame that is no ping; `None` when the socket is closed.
async fn next(socket: &mut Socket) -> Option<Value> {
    loop {
        match timeout(PATIENCE, socket.next()).await.expect("silence") {
            Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).unwrap()),
            Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
            Some(Ok(_)) => {}
        }
    }
}

/// What `/sec-websocket/` answers to this API key.
async fn token(scene: &Scene, key: &str) -> (u16, Value) {
    let mut socket = TcpStream::connect(address(scene)).await.unwrap();
    let request = format!(
        "GET /sec-websocket/ HTTP/1.0\r\nhost: feed.example:8080\r\nauthorization: Bearer {key}\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

fn publish(scene: &Scene, form: &str) -> String {
    let wish = Wish {
        form: Some(form.to_owned()),
        ..Wish::default()
    };
    scene.edgar.publish(&wish).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_datamule_client_receives_filings_as_they_are_seen() {
    let scene = Scene::quiet().await;
    let (status, answer) = token(&scene, &scene.server.key).await;
    assert_eq!((status, &answer["success"]), (200, &Value::Bool(true)));
    assert_eq!(answer["data"]["websocket_ip"], "feed.example");
    let path = format!("/ws?token={}", answer["data"]["token"].as_str().unwrap());
    let mut socket = connect(&scene, &path).await.unwrap();

    let accession = publish(&scene, "8-K");
    let frame = next(&mut socket).await.unwrap();

    let filing = &frame["data"][0];
    let truth = scene.edgar.ledger().filing(&accession).unwrap();
    let number: u64 = accession.replace('-', "").parse().unwrap();
    assert_eq!(filing["accession"], number.to_string());
    assert_eq!(filing["submission_type"], "8-K");
    assert_eq!(filing["ciks"][0], truth.filers[0].cik.to_string());
    assert_eq!(filing["filing_date"], truth.filed_on.to_string());
    assert_eq!(filing["source"], "rss");
    assert_eq!(refused(&scene, &path).await, 401, "a token is good once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sec_api_client_receives_filings_with_their_documents() {
    let scene = Scene::quiet().await;
    let key = &scene.server.key;
    let mut socket = connect(&scene, &format!("/?apiKey={key}")).await.unwrap();

    let accession = publish(&scene, "10-Q");
    let frame = next(&mut socket).await.unwrap();

    let filing = &frame[0];
    assert_eq!(filing["accessionNo"], accession);
    assert_eq!(filing["formType"], "10-Q");
    let files = filing["documentFormatFiles"].as_array().unwrap();
    assert_eq!(files[0]["type"], "10-Q");
    let whole = files.last().unwrap();
    assert_eq!(whole["description"], "Complete submission text file");
    let truth = scene.edgar.ledger().filing(&accession).unwrap();
    assert_eq!(whole["size"], truth.submission_bytes.to_string());
    let entity = &filing["entities"][0];
    for name in ["irsNo", "act", "filmNo"] {
        let value = entity[name].as_str().unwrap();
        assert!(value.parse::<u64>().is_ok(), "{name} {value}");
    }
    assert!(entity["fileNo"].as_str().unwrap().contains('-'), "{entity}");
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_clients_resume_from_a_cursor_and_filter_as_others_do() {
    let scene = Scene::quiet().await;
    let mut subscriber = scene.subscribe("types=filing.archived").await;
    let [first, second] = ["8-K", "4"].map(|form| publish(&scene, form));
    for _ in 0..2 {
        subscriber.event().await;
    }
    let key = &scene.server.key;

    let path = format!("/compat/sec-api?apiKey={key}&after=oldest");
    let mut all = connect(&scene, &path).await.unwrap();
    let mut some = connect(&scene, &format!("{path}&forms=4")).await.unwrap();
    let mut met = Vec::new();
    while met.len() < 2 {
        let frame = next(&mut all).await.unwrap();
        met.extend(
            frame
                .as_array()
                .unwrap()
                .iter()
                .map(|f| f["accessionNo"].clone()),
        );
    }
    met.sort_by_key(Value::to_string);

    let mut published = [Value::from(first), Value::from(second.clone())];
    published.sort_by_key(Value::to_string);
    assert_eq!(met, published);
    assert_eq!(next(&mut some).await.unwrap()[0]["accessionNo"], second);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_client_is_refused_before_the_upgrade_and_closed_when_its_key_is_revoked() {
    let scene = Scene::quiet().await;
    let key = scene.server.key.clone();

    let (status, answer) = token(&scene, "fw_wrong").await;
    assert_eq!((status, &answer["success"]), (401, &Value::Bool(false)));
    assert!(answer["error"].as_str().unwrap().contains("not valid"));
    for (path, status) in [
        ("/ws?token=wrong".to_owned(), 401),
        ("/?apiKey=fw_wrong".to_owned(), 401),
        (format!("/?apiKey={key}&types=filing.seen"), 422),
        (format!("/?apiKey={key}&froms=4"), 422),
        (format!("/?apiKey={key}&after=k-7"), 422),
    ] {
        assert_eq!(refused(&scene, &path).await, status, "{path}");
    }

    let mut socket = connect(&scene, &format!("/?apiKey={key}")).await.unwrap();
    let id = key.split('_').nth(1).unwrap();
    let dir = scene.dir.path().to_str().unwrap();
    let revoked = run(&["--data-dir", dir, "keys", "revoke", id]);
    assert_eq!(revoked.code, Some(0), "{}", revoked.stderr);
    assert_eq!(next(&mut socket).await, None);
}
