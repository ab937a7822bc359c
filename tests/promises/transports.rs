//! The doors to events: each gives the same list, a cursor of one is good on another, and
//! who misbehaves at a door costs the others nothing.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::TcpStream as StdStream,
    time::{Duration, Instant},
};

use futures_util::StreamExt;
use serde_json::{Value, value::RawValue};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    task::JoinSet,
    time::timeout,
};
use tokio_tungstenite::tungstenite::{Error, Message, client::IntoClientRequest};

use crate::harness::{
    Scene,
    program::{Server, create_key, run},
    subscriber::Subscriber,
};

const PATIENCE: Duration = Duration::from_secs(20);

/// A response: its status, its head in lower case, and its body line by line. HTTP/1.0,
/// so that the body is what stands on the wire until it ends.
struct Response {
    status: u16,
    head: String,
    body: BufReader<TcpStream>,
}

/// One block of an event stream.
#[derive(Debug, Default, PartialEq)]
struct Block {
    id: Option<String>,
    event: String,
    data: String,
}

impl Response {
    async fn of(addr: &str, line: &str, headers: &[(&str, &str)]) -> Self {
        let mut request = format!("{line} HTTP/1.0\r\nhost: {addr}\r\n");
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        let mut socket = TcpStream::connect(addr).await.unwrap();
        socket
            .write_all(format!("{request}\r\n").as_bytes())
            .await
            .unwrap();
        let mut body = BufReader::new(socket);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let read = timeout(PATIENCE, body.read_line(&mut head)).await;
            assert_ne!(read.expect("silence").unwrap(), 0, "no whole head: {head}");
        }
        Self {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head: head.to_ascii_lowercase(),
            body,
        }
    }

    /// A GET with an API key.
    async fn get(server: &Server, path: &str) -> Self {
        let bearer = format!("Bearer {}", server.key);
        Self::of(
            &server.addr,
            &format!("GET {path}"),
            &[("authorization", &bearer)],
        )
        .await
    }

    /// The next block of an event stream; none at its end.
    async fn block(&mut self) -> Option<Block> {
        let mut block = Block::default();
        loop {
            let mut line = String::new();
            let read = timeout(PATIENCE, self.body.read_line(&mut line)).await;
            if read.expect("silence").unwrap() == 0 {
                return None;
            }
            match line.trim_end_matches('\n').split_once(": ") {
                Some(("id", id)) => block.id = Some(id.to_owned()),
                Some(("event", event)) => block.event = event.to_owned(),
                Some(("data", data)) => block.data = data.to_owned(),
                // The empty line after a block, but not after a lone comment.
                None if !block.event.is_empty() => return Some(block),
                _ => {}
            }
        }
    }

    async fn next(&mut self) -> Block {
        self.block().await.expect("the stream has ended")
    }

    /// The next block of this type.
    async fn event(&mut self, event: &str) -> Block {
        loop {
            let block = self.next().await;
            if block.event == event {
                return block;
            }
        }
    }

    async fn text(mut self) -> String {
        let mut text = String::new();
        tokio::io::AsyncReadExt::read_to_string(&mut self.body, &mut text)
            .await
            .unwrap();
        text
    }

    async fn json(self) -> Value {
        serde_json::from_str(&self.text().await).unwrap()
    }
}

/// A page, its frames as they stand in it.
struct Page {
    frames: Vec<String>,
    next: String,
    through: String,
    head: String,
    done: bool,
}

async fn page(server: &Server, query: &str) -> Page {
    let response = Response::get(server, &format!("/v1/events?{query}")).await;
    assert_eq!(response.status, 200, "{query}: {}", response.head);
    let text = response.text().await;
    let mut fields: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&text).unwrap();
    let events: Vec<Box<RawValue>> =
        serde_json::from_str(fields.remove("events").unwrap().get()).unwrap();
    let text = |name: &str| serde_json::from_str(fields[name].get()).unwrap();
    Page {
        frames: events.iter().map(|e| e.get().to_owned()).collect(),
        next: text("next"),
        through: text("through"),
        head: text("head"),
        done: fields.contains_key("done"),
    }
}

fn seq(cursor: &str) -> u64 {
    cursor.split_once('-').unwrap().1.parse().unwrap()
}

fn is_event(frame_type: &str) -> bool {
    frame_type.starts_with("filing.")
}

/// Events by websocket, as bytes, until `last` is examined.
async fn by_websocket(stream: String, key: String, query: String, last: u64) -> Vec<String> {
    let mut request = format!("{stream}?after=oldest&{query}")
        .into_client_request()
        .unwrap();
    let bearer = format!("Bearer {key}").parse().unwrap();
    request.headers_mut().insert("authorization", bearer);
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    let mut frames = Vec::new();
    loop {
        let message = timeout(PATIENCE, socket.next()).await.expect("silence");
        let Message::Text(text) = message.unwrap().unwrap() else {
            continue;
        };
        let frame: Value = serde_json::from_str(&text).unwrap();
        match frame["type"].as_str().unwrap() {
            "heartbeat" if seq(frame["through"].as_str().unwrap()) >= last => return frames,
            event if is_event(event) => frames.push(text.to_string()),
            _ => {}
        }
    }
}

/// Events by server-sent events, as bytes, until `last` is examined.
async fn by_sse(mut stream: Response, last: u64) -> Vec<String> {
    let mut frames = Vec::new();
    loop {
        let block = stream.next().await;
        let frame: Value = serde_json::from_str(&block.data).unwrap();
        assert_eq!(frame["type"], block.event);
        if is_event(&block.event) {
            assert_eq!(frame["cursor"].as_str(), block.id.as_deref());
            frames.push(block.data);
        } else if block.event == "heartbeat" && seq(frame["through"].as_str().unwrap()) >= last {
            return frames;
        }
    }
}

/// Events by pages of `limit`, as bytes, until `last` is examined.
async fn by_pages(server: &Server, query: &str, limit: usize, wait: u32, last: u64) -> Vec<String> {
    let (mut frames, mut after) = (Vec::new(), "oldest".to_owned());
    let deadline = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < deadline, "{query}: at {after} of {last}");
        let query = format!("after={after}&limit={limit}&wait={wait}&{query}");
        let page = page(server, &query).await;
        assert!(page.frames.len() <= limit);
        assert!(seq(&page.through) <= seq(&page.head));
        frames.extend(page.frames);
        if seq(&page.through) >= last {
            return frames;
        }
        after = page.next;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_transports_yield_identical_lists() {
    let scene = Scene::quiet().await;
    let server = &scene.server;
    let filters = ["", "types=filing.archived", "forms=4,8-K*,10-*&types=*"];
    // The clients are there before the events: what is told live is what is replayed.
    let mut live = JoinSet::new();
    for (index, filter) in filters.into_iter().enumerate() {
        let (stream, key) = (server.stream(), server.key.clone());
        let path = format!("/v1/events/stream?after=oldest&{filter}");
        let sse = Response::get(server, &path).await;
        assert_eq!(sse.status, 200, "{}", sse.head);
        assert!(sse.head.contains("content-type: text/event-stream"));
        live.spawn(async move { (index, by_sse(sse, 40).await) });
        live.spawn(async move {
            let websocket = by_websocket(stream, key, filter.to_owned(), 40).await;
            (index, websocket)
        });
    }

    scene.edgar.publish_now(20);
    let mut lists = vec![Vec::new(); filters.len()];
    for (index, filter) in filters.into_iter().enumerate() {
        lists[index].push(by_pages(server, filter, 1000, 5, 40).await);
    }
    for (index, list) in live.join_all().await {
        lists[index].push(list);
    }
    for (index, filter) in filters.into_iter().enumerate() {
        lists[index].push(by_pages(server, filter, 7, 0, 40).await);
        let path = format!("/v1/events/stream?after=oldest&{filter}");
        lists[index].push(by_sse(Response::get(server, &path).await, 40).await);
    }

    for (lists, filter) in lists.iter().zip(filters) {
        assert_eq!(lists.len(), 5);
        assert!(lists.iter().all(|list| *list == lists[0]), "{filter}");
    }
    assert_eq!((lists[0][0].len(), lists[1][0].len()), (40, 20));
    assert_eq!(server.complaints(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_saved_from_one_transport_resumes_on_another() {
    let scene = Scene::quiet().await;
    let server = &scene.server;
    scene.edgar.publish_now(6);
    let all = by_pages(server, "", 1000, 5, 12).await;

    let first = page(server, "after=oldest&limit=3").await;
    let mut websocket = scene.subscribe(&format!("after={}", first.next)).await;
    let (mut cursor, mut seen) = (String::new(), first.frames);
    for _ in 0..3 {
        let event = websocket.event().await;
        cursor = event.cursor.to_string();
        seen.push(String::from_utf8(event.to_frame()).unwrap());
    }
    let bearer = format!("Bearer {}", server.key);
    let mut sse = Response::of(
        &server.addr,
        "GET /v1/events/stream?after=live",
        // It wins over `after`.
        &[("authorization", &bearer), ("last-event-id", &cursor)],
    )
    .await;
    for _ in 0..4 {
        loop {
            let block = sse.next().await;
            if is_event(&block.event) {
                cursor = block.id.unwrap();
                seen.push(block.data);
                break;
            }
        }
    }
    let last = page(server, &format!("after={cursor}")).await;
    let at_head = page(server, &format!("after={}", last.next)).await;
    seen.extend(last.frames);

    assert_eq!(seen, all);
    assert_eq!((at_head.frames.len(), at_head.next), (0, last.next.clone()));
    assert_eq!((last.through, last.head), (last.next.clone(), last.next));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_stream_greets_beats_and_ends_where_it_was_asked_to() {
    let scene = Scene::quiet().await;
    let mut open = Response::get(&scene.server, "/v1/events/stream?after=oldest").await;
    let hello: Value = serde_json::from_str(&open.next().await.data).unwrap();
    let subscribed = open.next().await;
    let beat = open.event("heartbeat").await;
    scene.edgar.publish_now(3);
    let seen = open.event("filing.seen").await;

    let until = format!("{}-4", hello["epoch"].as_str().unwrap());
    // Beyond the head it waits.
    let path = format!("/v1/events/stream?after=oldest&until={until}");
    let mut bounded = Response::get(&scene.server, &path).await;
    let done = bounded.event("done").await;
    let end = bounded.block().await;
    let path = format!("/v1/events?after=oldest&wait=20&until={until}");
    let page = page(&scene.server, path.split_once('?').unwrap().1).await;
    let bearer = format!("Bearer {}", scene.server.key);
    let again = Response::of(
        &scene.server.addr,
        &format!("GET /v1/events/stream?until={until}"),
        &[("authorization", &bearer), ("last-event-id", &until)],
    )
    .await;

    assert_eq!(
        (&hello["type"], &hello["auth"]),
        (&"hello".into(), &"ok".into())
    );
    assert_eq!(subscribed.event, "subscribed");
    assert_eq!(seq(&subscribed.id.unwrap()), 0);
    assert_eq!(beat.id.as_deref().map(seq), Some(0));
    assert_eq!(seen.id.as_deref().map(seq), Some(1));
    assert_eq!((done.id.as_deref(), end), (Some(until.as_str()), None));
    assert_eq!(
        done.data,
        format!(r#"{{"type":"done","through":"{until}"}}"#)
    );
    assert_eq!(
        (page.frames.len(), page.done, page.through),
        (4, true, until)
    );
    // Else an `EventSource` would come back for ever.
    assert_eq!(again.status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_in_time_is_inclusive_and_waited_for() {
    let scene = Scene::quiet().await;
    scene.edgar.publish_now(2);
    let all = by_pages(&scene.server, "", 1000, 5, 4).await;
    let at = |frame: &String| -> String {
        let frame: Value = serde_json::from_str(frame).unwrap();
        frame["at"].as_str().unwrap().to_owned()
    };
    let last = at(&all[3]);

    // Whether more comes with that time is known a moment later only.
    let query = format!("after=oldest&wait=10&until=time:{last}");
    let first = page(&scene.server, &query).await;
    let next = page(
        &scene.server,
        &format!("after={}&wait=10&until=time:{last}", first.next),
    )
    .await;
    let earlier = page(
        &scene.server,
        "after=oldest&until=time:2001-01-01T00:00:00Z",
    )
    .await;

    assert_eq!(first.frames, all);
    assert_eq!((next.frames.len(), next.done), (0, true));
    assert_eq!((earlier.frames.len(), earlier.done), (0, true));
    assert_eq!(seq(&earlier.through), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_served_is_said_before_the_stream_begins() {
    let scene = Scene::quiet().await;
    let server = &scene.server;
    let bearer = format!("Bearer {}", server.key);
    let reader = create_key(scene.dir.path(), &["--scopes", "read"]);
    let reader = format!("Bearer {reader}");
    let cases = [
        ("", "", 401, "unauthorized"),
        ("", "Bearer fw_nobody_x", 401, "unauthorized"),
        ("?ticket=nonsense", "", 401, "unauthorized"),
        ("", reader.as_str(), 403, "forbidden"),
        ("?froms=4", &bearer, 422, "filter_unknown_field"),
        ("?forms=", &bearer, 422, "filter_empty"),
        ("?after=zzzz-1", &bearer, 422, "epoch_changed"),
        ("?after=soon", &bearer, 422, "bad_parameter"),
        ("?until=live", &bearer, 422, "bad_parameter"),
        ("?defer=true", &bearer, 422, "bad_parameter"),
        ("?ticket=a&ticket=b", &bearer, 422, "bad_parameter"),
    ];

    for door in ["/v1/events", "/v1/events/stream"] {
        for (query, key, status, code) in cases {
            let line = format!("GET {door}{query}");
            let response = Response::of(&server.addr, &line, &[("authorization", key)]).await;
            assert_eq!(response.status, status, "{line}");
            assert!(response.head.contains("application/problem+json"));
            assert!(response.head.contains("x-request-id: "));
            assert_eq!(response.json().await["code"], code, "{line}");
        }
    }
    for query in ["limit=0", "limit=1001", "wait=31", "wait=-1"] {
        let response = Response::get(server, &format!("/v1/events?{query}")).await;
        assert_eq!(response.status, 422, "{query}");
    }
    let get = Response::get(server, "/v1/tickets").await;
    assert_eq!(get.status, 405);
    assert!(get.head.contains("allow: post"), "{}", get.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_poll_answers_as_soon_as_something_matches_and_moves_when_nothing_does() {
    let scene = Scene::quiet().await;
    let server = &scene.server;
    let start = page(server, "").await;

    let query = format!("after={}&wait=20", start.next);
    let (waited, began) = (page(server, &query), Instant::now());
    let publish = async { scene.edgar.publish_now(1) };
    let (answer, _) = tokio::join!(waited, publish);
    let elapsed = began.elapsed();
    by_pages(server, "", 1000, 5, 2).await;
    let nothing = page(server, &format!("after={}&ciks=1&wait=1", start.next)).await;

    assert_eq!((start.frames.len(), &start.next), (0, &start.head));
    assert_eq!(seq(&answer.next), answer.frames.len() as u64);
    assert!(
        !answer.frames.is_empty() && elapsed < Duration::from_secs(15),
        "{elapsed:?}"
    );
    assert_eq!((nothing.frames.len(), seq(&nothing.through)), (0, 2));
}

async fn ticket(server: &Server, key: &str) -> String {
    let bearer = format!("Bearer {key}");
    let response = Response::of(
        &server.addr,
        "POST /v1/tickets",
        &[("authorization", &bearer), ("content-length", "0")],
    )
    .await;
    assert_eq!(response.status, 201, "{}", response.head);
    let issued = response.json().await;
    assert!(issued["expires_at"].as_str().unwrap().ends_with('Z'));
    issued["ticket"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_opens_one_stream_once() {
    let scene = Scene::quiet().await;
    let server = &scene.server;
    let key = create_key(scene.dir.path(), &[]);
    let open = |ticket: String| {
        let url = format!("{}?ticket={ticket}", server.stream());
        async move { Subscriber::connect(&url, None).await }
    };
    let plain = |door: &str, ticket: &str| format!("GET {door}?ticket={ticket}");

    let (first, second, third) = (
        ticket(server, &key).await,
        ticket(server, &key).await,
        ticket(server, &key).await,
    );
    let mut websocket = open(first.clone()).await;
    assert_eq!(websocket.hello().await.auth, "ok");
    websocket.subscribed().await;
    let (refusal, close) = open(first).await.refusal().await;
    let mut statuses = Vec::new();
    for line in [
        plain("/v1/events/stream", &second),
        plain("/v1/events", &third),
        plain("/v1/events/stream", &second),
        plain("/v1/events", &third),
    ] {
        statuses.push(Response::of(&server.addr, &line, &[]).await.status);
    }
    let id = key.split('_').nth(1).unwrap();
    let dir = scene.dir.path().to_str().unwrap();
    let revoked = run(&["keys", "revoke", id, "--data-dir", dir]);
    let (_, out) = websocket.refusal().await;
    let keyless = Response::of(&server.addr, "POST /v1/tickets", &[]).await;

    assert_eq!(refusal.unwrap().code.as_str(), "unauthorized");
    assert_eq!(close, Some(4401));
    assert_eq!(statuses, [200, 200, 401, 401]);
    assert_eq!(revoked.code, Some(0), "{}", revoked.stderr);
    assert_eq!(out, Some(4401));
    assert_eq!(keyless.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_stream_is_a_session_that_a_revoked_key_and_a_stop_end() {
    let mut scene = Scene::quiet().await;
    let limited = create_key(scene.dir.path(), &["--max-connections", "1"]);
    let bearer = format!("Bearer {limited}");
    let headers = [("authorization", bearer.as_str())];
    let line = "GET /v1/events/stream";
    let mut one = Response::of(&scene.server.addr, line, &headers).await;
    one.event("subscribed").await;

    let two = Response::of(&scene.server.addr, line, &headers).await;
    let poll = Response::of(&scene.server.addr, "GET /v1/events?wait=1", &headers).await;
    let mut other = Response::get(&scene.server, "/v1/events/stream").await;
    other.event("subscribed").await;
    let id = limited.split('_').nth(1).unwrap();
    let dir = scene.dir.path().to_str().unwrap().to_owned();
    run(&["keys", "revoke", id, "--data-dir", &dir]);
    let since = Instant::now();
    let error = one.event("error").await;
    let end = one.block().await;
    let told_in = since.elapsed();
    scene.server.signal("TERM");
    let notice = other.event("notice").await;
    let status = scene.server.ended().await;

    assert_eq!((two.status, poll.status), (429, 429));
    assert!(two.head.contains("retry-after: "), "{}", two.head);
    assert!(error.data.contains("\"unauthorized\""), "{}", error.data);
    assert_eq!(end, None);
    assert!(told_in < Duration::from_secs(1), "{told_in:?}");
    assert!(notice.data.contains("\"draining\""), "{}", notice.data);
    assert_eq!(status.code(), Some(0));
    assert_eq!(scene.server.complaints(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_wrong_keys_is_turned_away_before_it_costs() {
    let scene = Scene::quiet().await;
    let server = &scene.server;
    let mut good = scene.subscribe("types=filing.seen").await;
    let id = server.key.split('_').nth(1).unwrap();
    let wrong = format!("fw_{id}_{}", "x".repeat(32));

    let mut answers = BTreeMap::new();
    for n in 0..200 {
        let bearer = format!("Bearer {wrong}{n}");
        let headers = [("authorization", bearer.as_str())];
        let response = Response::of(&server.addr, "GET /v1/events", &headers).await;
        assert_eq!(
            response.head.contains("retry-after: "),
            response.status == 429
        );
        *answers.entry(response.status).or_insert(0) += 1;
    }
    // A handshake is answered before it is one.
    let handshake = Subscriber::try_connect(&server.stream(), Some(&wrong)).await;
    // In-band one costs a handshake, so it is counted with the others.
    let mut in_band = Subscriber::connect(&server.stream(), None).await;
    in_band
        .say(format!(r#"{{"op":"auth","key":"{wrong}"}}"#))
        .await;
    let (refusal, _) = in_band.refusal().await;
    // Those who hold a key, at the same address, notice nothing.
    scene.edgar.publish_now(1);
    good.event().await;
    scene.subscribe("").await;
    let page = Response::get(server, "/v1/events").await;
    let metrics = server.get("/metrics").await.body;

    // Two more may have been regained meanwhile.
    assert!((20..=25).contains(&answers[&401]), "{answers:?}");
    assert_eq!(answers.values().sum::<i32>(), 200);
    let Err(Error::Http(refused)) = handshake else {
        panic!("{handshake:?}")
    };
    assert_eq!(refused.status(), 429);
    assert_eq!(refusal.unwrap().code.as_str(), "too_many_requests");
    assert_eq!(page.status, 200);
    assert!(
        metrics.contains("turned_away_total{reason=\"failures\"} 1"),
        "{metrics}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_without_a_key_is_turned_away_and_keys_still_open() {
    let edgar = simulator::Simulator::start_local(simulator::Config::quiet())
        .await
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let key = create_key(dir.path(), &[]);
    let few = [("FILINGWIRE__AUTH__ANONYMOUS_REQUESTS_PER_SECOND", "1")];
    let server = Server::start_with_key(dir.path(), &edgar.url(), &key, &few).await;

    let mut statuses = Vec::new();
    for _ in 0..40 {
        statuses.push(server.get("/v1/status").await.status);
    }
    let health = server.get("/healthz").await.status;
    let page = Response::get(&server, "/v1/events").await.status;
    Subscriber::subscribe(&server.stream(), &key, "").await;

    assert_eq!(statuses[..10], [200; 10]);
    assert!(statuses.contains(&429), "{statuses:?}");
    assert_eq!((health, page), (200, 200));
}

/// What comes on a connection until it is closed by the server, and when that is.
fn until_closed(addr: &str, request: &str) -> (String, Duration) {
    let mut socket = StdStream::connect(addr).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.write_all(request.as_bytes()).unwrap();
    let since = Instant::now();
    let mut text = String::new();
    socket.read_to_string(&mut text).unwrap();
    (text, since.elapsed())
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_request_is_cut_after_ten_seconds() {
    let scene = Scene::quiet().await;
    let halves = [
        "GET / HTTP/1.1\r\nHo",
        "",
        // After an answer the connection may rest as long.
        "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n",
    ];

    let mut waits = JoinSet::new();
    for half in halves {
        let addr = scene.server.addr.clone();
        waits.spawn_blocking(move || until_closed(&addr, half).1);
    }

    for waited in waits.join_all().await {
        let seconds = waited.as_secs_f64();
        assert!((9.0..15.0).contains(&seconds), "{seconds}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_answered_and_closed() {
    let scene = Scene::quiet().await;
    let long = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(200_000));
    let far = format!("GET /{} HTTP/1.1\r\n\r\n", "y".repeat(70_000));
    let body = "POST /v1/tickets HTTP/1.1\r\nhost: x\r\ncontent-length: 70000\r\n\r\n";
    let cases = [
        ("\u{1}\u{2}nonsense\r\n\r\n", "400"),
        (long.as_str(), "431"),
        (far.as_str(), "414"),
        (body, "413"),
    ];

    for (request, status) in cases {
        let mut socket = StdStream::connect(&scene.server.addr).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        // The answer may come, and the connection close, before all is written.
        let _ = socket.write_all(request.as_bytes());
        let mut answer = [0; 12];
        socket.read_exact(&mut answer).unwrap();
        assert_eq!(&answer[9..], status.as_bytes());
    }
    assert_eq!(scene.server.get("/healthz").await.status, 200);
    assert_eq!(scene.server.complaints(), Vec::<String>::new());
}
