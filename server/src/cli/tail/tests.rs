//! Following a small server that misbehaves on purpose.
#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(
    clippy::result_large_err,
    reason = "tungstenite's callback has this type"
)]

use std::collections::HashMap;

use futures_util::SinkExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{ErrorResponse, Request, Response},
        http::StatusCode,
        protocol::CloseFrame,
    },
};

use super::*;

const HELLO: &str = r#"{"type":"hello","protocol":"filingwire.v1","epoch":"k","head":"k-9","oldest":"k-1","heartbeat_ms":15000,"auth":"ok"}"#;
const ASKS_FOR_KEY: &str = r#"{"type":"hello","protocol":"filingwire.v1","epoch":"k","head":"k-9","oldest":"k-1","heartbeat_ms":15000,"auth":"required"}"#;
const SHORT_OF_BREATH: &str = r#"{"type":"hello","protocol":"filingwire.v1","epoch":"k","head":"k-9","oldest":"k-1","heartbeat_ms":20,"auth":"ok"}"#;
const DONE: &str = r#"{"type":"done","through":"k-9"}"#;

/// A server of one connection after the other.
struct Server {
    listener: TcpListener,
}

/// One connection of it and what was asked.
struct Session {
    socket: WebSocketStream<TcpStream>,
    query: HashMap<String, String>,
    bearer: Option<String>,
}

impl Server {
    async fn start() -> Self {
        Self {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
        }
    }

    fn target(&self) -> Target {
        Target::new(&self.listener.local_addr().unwrap().to_string(), None, None).unwrap()
    }

    async fn accept(&self) -> Session {
        let (stream, _) = self.listener.accept().await.unwrap();
        let (mut query, mut bearer) = (HashMap::new(), None);
        let look = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
            let pairs = url::form_urlencoded::parse(request.uri().query().unwrap_or("").as_bytes());
            query = pairs.into_owned().collect();
            let header = request.headers().get("authorization");
            bearer = header.map(|value| value.to_str().unwrap().to_owned());
            Ok(response)
        };
        let socket = accept_hdr_async(stream, look).await.unwrap();
        Session {
            socket,
            query,
            bearer,
        }
    }
}

impl Session {
    async fn say(&mut self, text: impl Into<String>) {
        self.socket.send(Message::text(text.into())).await.unwrap();
    }

    async fn subscribed(&mut self, after: &str) {
        self.say(format!(
            r#"{{"type":"subscribed","after":"{after}","filter":{{}},"behind":0}}"#
        ))
        .await;
    }

    async fn close(mut self, code: u16) {
        let frame = CloseFrame {
            code: code.into(),
            reason: "".into(),
        };
        self.socket.send(Message::Close(Some(frame))).await.unwrap();
        while futures_util::StreamExt::next(&mut self.socket)
            .await
            .is_some_and(|next| next.is_ok())
        {}
    }
}

fn event(seq: u64) -> String {
    // Blanks and an unknown field: bytes that no encoder of ours would make.
    format!(r#"{{"type":"filing.seen", "cursor":"k-{seq}","seq":{seq},"new":[ 1 ]}}"#)
}

/// What is printed until the end, and how it ends.
async fn follow(target: &Target) -> (String, Result<(), String>) {
    let mut printed = Vec::new();
    let mut screen = Screen::new(&mut printed, Look::Frames);
    let notes = Notes { quiet: false };
    let done = timeout(
        Duration::from_secs(30),
        Follower::new(target, &mut screen, notes).run(),
    );
    let ended = done
        .await
        .expect("it ends")
        .map_err(|failure| match failure {
            Failure::Failed(error) => error.to_string(),
            Failure::Usage(message) => panic!("{message}"),
        });
    drop(screen);
    (String::from_utf8(printed).unwrap(), ended)
}

fn lines(seqs: impl IntoIterator<Item = u64>) -> String {
    seqs.into_iter().map(|seq| event(seq) + "\n").collect()
}

#[tokio::test]
async fn a_dropped_connection_goes_on_without_gap_or_double() {
    let server = Server::start().await;
    let target = server.target();
    let script = async {
        let mut first = server.accept().await;
        first.say(HELLO).await;
        first.subscribed("k-2").await;
        first.say(event(3)).await;
        first.say(event(4)).await;
        drop(first);
        let mut second = server.accept().await;
        assert_eq!(second.query["after"], "k-4");
        second.say(HELLO).await;
        second.subscribed("k-4").await;
        // A server that repeats itself.
        second.say(event(4)).await;
        second.say(event(5)).await;
        second
            .say(r#"{"type":"heartbeat","through":"k-8","sent":2}"#)
            .await;
        second.close(4008).await;
        let mut third = server.accept().await;
        assert_eq!(third.query["after"], "k-8");
        third.say(HELLO).await;
        third.say(event(9)).await;
        third.say(DONE).await;
        third
    };

    let ((printed, ended), _open) = tokio::join!(follow(&target), script);

    assert_eq!(printed, lines([3, 4, 5, 9]));
    assert_eq!(ended, Ok(()));
}

#[tokio::test]
async fn whoever_begins_live_resumes_where_that_was() {
    let server = Server::start().await;
    let target = server.target();
    let script = async {
        let mut first = server.accept().await;
        assert!(first.query.is_empty());
        first.say(HELLO).await;
        first.subscribed("k-7").await;
        first.close(1001).await;
        let mut second = server.accept().await;
        assert_eq!(second.query["after"], "k-7");
        second.say(DONE).await;
        second
    };

    let ((_, ended), _open) = tokio::join!(follow(&target), script);

    assert_eq!(ended, Ok(()));
}

#[tokio::test]
async fn a_final_close_ends_with_the_servers_message() {
    let server = Server::start().await;
    let target = server.target();
    let script = async {
        let mut session = server.accept().await;
        session.say(HELLO).await;
        session.say(r#"{"type":"error","code":"cursor_gone","message":"no longer kept; use after=oldest","retryable":false}"#).await;
        session.close(4410).await;
    };

    let ((printed, ended), ()) = tokio::join!(follow(&target), script);

    assert_eq!(printed, "");
    assert_eq!(ended, Err("no longer kept; use after=oldest (here: --after oldest, or without --after for what is new)".to_owned()));
}

#[tokio::test]
async fn without_a_key_the_user_learns_how_to_get_one() {
    let server = Server::start().await;
    let target = server.target();
    let script = async {
        let mut session = server.accept().await;
        session.say(ASKS_FOR_KEY).await;
        session
    };

    let ((_, ended), _open) = tokio::join!(follow(&target), script);

    assert!(ended.unwrap_err().contains("filingwire keys create"));
}

#[tokio::test]
async fn a_wrong_key_ends_at_once_and_is_not_shown() {
    let server = Server::start().await;
    let key = Some("fw_wrong_key".parse().unwrap());
    let target = Target::new(server.target().server(), key, None).unwrap();
    let script = async {
        let mut session = server.accept().await;
        assert_eq!(session.bearer.as_deref(), Some("Bearer fw_wrong_key"));
        session.say(ASKS_FOR_KEY).await;
        session.say(r#"{"type":"error","code":"unauthorized","message":"the API key is not valid","retryable":false}"#).await;
        session.close(4401).await;
    };

    let ((_, ended), ()) = tokio::join!(follow(&target), script);

    assert_eq!(ended, Err("the API key is not valid".to_owned()));
}

#[tokio::test]
async fn a_silent_connection_is_given_up_and_made_again() {
    let server = Server::start().await;
    let target = server.target();
    let script = async {
        let mut silent = server.accept().await;
        silent.say(SHORT_OF_BREATH).await;
        silent.subscribed("k-2").await;
        let mut second = server.accept().await;
        assert_eq!(second.query["after"], "k-2");
        second.say(DONE).await;
        (silent, second)
    };

    let ((_, ended), _open) = tokio::join!(follow(&target), script);

    assert_eq!(ended, Ok(()));
}

#[tokio::test]
async fn a_server_that_is_not_there_yet_is_waited_for() {
    let place = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let target = Target::new(&place.to_string(), None, None).unwrap();
    let mut printed = Vec::new();
    let mut screen = Screen::new(&mut printed, Look::Frames);
    let mut following = Box::pin(Follower::new(&target, &mut screen, Notes { quiet: false }).run());
    // The first attempt is refused: the follower only sleeps after it.
    let early = timeout(Duration::from_millis(100), &mut following).await;
    let script = async {
        let server = Server {
            listener: TcpListener::bind(place).await.unwrap(),
        };
        let mut session = server.accept().await;
        session.say(HELLO).await;
        session.say(DONE).await;
        session
    };

    let (ended, _open) = tokio::join!(following, script);

    assert!(early.is_err() && ended.is_ok());
}

#[tokio::test]
async fn a_refusal_before_the_websocket_ends_at_once_or_is_tried_again() {
    let server = Server::start().await;
    let target = server.target();
    let script = async {
        for status in [StatusCode::SERVICE_UNAVAILABLE, StatusCode::FORBIDDEN] {
            let (stream, _) = server.listener.accept().await.unwrap();
            let refuse = |_: &Request, _: Response| -> Result<Response, ErrorResponse> {
                let body = r#"{"code":"x","detail":"the proxy says no"}"#.to_owned();
                let mut response = ErrorResponse::new(Some(body));
                *response.status_mut() = status;
                response.headers_mut().insert("content-length", 41.into());
                Err(response)
            };
            accept_hdr_async(stream, refuse).await.unwrap_err();
        }
    };

    let ((_, ended), ()) = tokio::join!(follow(&target), script);

    assert_eq!(
        ended,
        Err("the server answers 403 Forbidden: the proxy says no".to_owned())
    );
}

#[tokio::test]
async fn frames_are_printed_byte_for_byte_and_nothing_else_is() {
    let server = Server::start().await;
    let target = server.target();
    let sealed = r#"{ "type" : "day.sealed","cursor":"k-3","seq":3,"day":{"date":"2026-03-03"},"é":"\u00e9"}"#;
    let script = async {
        let mut session = server.accept().await;
        session.say(HELLO).await;
        session.subscribed("k-1").await;
        session.say(event(2)).await;
        session.say(r#"{"type":"lag","behind":5}"#).await;
        session.say(sealed).await;
        session.say(r#"{"type":"weather","sun":true}"#).await;
        session.say(DONE).await;
        session
    };

    let ((printed, _), _open) = tokio::join!(follow(&target), script);

    assert_eq!(printed, format!("{}\n{sealed}\n", event(2)));
}

/// What the flags ask for.
fn parse(flags: &[&str]) -> Result<Target, Failure> {
    let command = Tail::augment_args(clap::Command::new("tail"));
    let matches = command
        .try_get_matches_from([&["tail"], flags].concat())
        .unwrap();
    <Tail as clap::FromArgMatches>::from_arg_matches(&matches)
        .unwrap()
        .target()
}

#[test]
fn filter_flags_take_lists_and_repeat_and_are_checked_before_connecting() {
    let target = parse(&[
        "--forms",
        "8-K,424B*",
        "--forms",
        "4",
        "--ciks",
        "0000320193",
    ])
    .unwrap();

    let query = target.request(None).uri().query().unwrap().to_owned();
    assert_eq!(query, "forms=8-K%2C424B*%2C4&ciks=0000320193");
    for flags in [
        ["--forms", ""],
        ["--ciks", "AAPL"],
        ["--types", "filing.sen"],
        ["--document-types", "EX*1"],
    ] {
        assert!(matches!(parse(&flags), Err(Failure::Usage(_))), "{flags:?}");
    }
    let impossible = parse(&["--types", "filing.seen", "--document-types", "EX-99.1"]);
    let Err(Failure::Usage(message)) = impossible else {
        panic!("it can never match")
    };
    assert!(message.starts_with("--document-types: "), "{message}");
}

#[test]
fn every_flag_is_a_parameter_of_the_stream() {
    let flags = "--types * --forms 8-K --amendments exclude --ciks 7 --tickers BRK.B --items 2.02 \
        --document-types EX-99* --sics 3569 --states NY --agents 0001193125 --until k7q2-9 --view lite";
    let flags: Vec<&str> = flags.split_whitespace().collect();

    let target = parse(&flags).unwrap();

    assert_eq!(
        target.request(None).uri().query().unwrap(),
        "types=*&forms=8-K&amendments=exclude&ciks=7&tickers=BRK.B&items=2.02&document_types=EX-99*\
        &sics=3569&states=NY&agents=0001193125&until=k7q2-9&view=lite"
    );
}
