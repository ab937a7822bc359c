//! A subscriber that believes nothing: it checks every frame's order and shape as it comes.

use std::{collections::BTreeMap, time::Duration};

use futures_util::{SinkExt, StreamExt};
use protocol::{
    event::{Body, Event},
    filing::Filing,
    frame::{Heartbeat, Hello, Refusal, ServerFrame, Subscribed},
    seq::Cursor,
};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

use super::schema::check_frame;

const PATIENCE: Duration = Duration::from_secs(60);

/// A connected client.
#[derive(Debug)]
pub struct Subscriber {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// The last event or `through` met.
    pub cursor: Option<Cursor>,
    /// Events received since `subscribed`.
    pub received: u64,
    close: Option<(u16, String)>,
}

/// What comes next on a stream.
#[derive(Debug)]
pub enum Next {
    Frame(ServerFrame),
    Closed(Option<(u16, String)>),
}

impl Subscriber {
    /// Connects without looking at any frame.
    pub async fn connect(url: &str, key: Option<&str>) -> Self {
        Self::try_connect(url, key).await.unwrap()
    }

    /// Connects, or says why not.
    pub async fn try_connect(url: &str, key: Option<&str>) -> Result<Self, Error> {
        Self::try_connect_by(url, key, None).await
    }

    /// The same, by a connector that knows whom to trust.
    pub async fn try_connect_by(
        url: &str,
        key: Option<&str>,
        connector: Option<Connector>,
    ) -> Result<Self, Error> {
        let mut request = url.into_client_request().unwrap();
        if let Some(key) = key {
            let bearer = format!("Bearer {key}").parse().unwrap();
            request.headers_mut().insert("authorization", bearer);
        }
        let connecting = connect_async_tls_with_config(request, None, false, connector);
        let (socket, _) = connecting.await?;
        Ok(Self {
            socket,
            cursor: None,
            received: 0,
            close: None,
        })
    }

    /// Connects and takes `hello` and `subscribed`.
    pub async fn subscribe(url: &str, key: &str, query: &str) -> Self {
        let mut subscriber = Self::connect(&format!("{url}?{query}"), Some(key)).await;
        subscriber.hello().await;
        subscriber.subscribed().await;
        subscriber
    }

    pub async fn hello(&mut self) -> Hello {
        match self.frame().await {
            ServerFrame::Hello(hello) => hello,
            other => panic!("no hello: {other:?}"),
        }
    }

    pub async fn subscribed(&mut self) -> Subscribed {
        match self.frame().await {
            ServerFrame::Subscribed(subscribed) => {
                self.cursor = Some(subscribed.after.clone());
                self.received = 0;
                subscribed
            }
            other => panic!("not subscribed: {other:?}"),
        }
    }

    /// Sends a message.
    pub async fn say(&mut self, text: impl Into<String>) {
        self.socket.send(Message::text(text.into())).await.unwrap();
    }

    /// Sends anything.
    pub async fn send(&mut self, message: Message) {
        self.socket.send(message).await.unwrap();
    }

    /// The next frame or the close. Checks order and counts as the contract promises.
    pub async fn next(&mut self) -> Next {
        match timeout(PATIENCE, self.next_message())
            .await
            .expect("silence")
        {
            Some(text) => {
                let frame = ServerFrame::parse(&text).unwrap();
                check_frame(&text);
                self.check(&frame);
                Next::Frame(frame)
            }
            None => Next::Closed(self.close.take()),
        }
    }

    async fn next_message(&mut self) -> Option<String> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => return Some(text.to_string()),
                Some(Ok(Message::Close(close))) => {
                    self.close = close.map(close_of);
                    return None;
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }

    fn check(&mut self, frame: &ServerFrame) {
        match frame {
            ServerFrame::Event(event) => {
                let before = self.cursor.as_ref().expect("no event before `subscribed`");
                assert!(
                    event.seq() > before.seq,
                    "{:?} after {before:?}",
                    event.cursor
                );
                assert_eq!(event.cursor.epoch, before.epoch);
                self.cursor = Some(event.cursor.clone());
                self.received += 1;
            }
            ServerFrame::Heartbeat(heartbeat) => {
                let before = self
                    .cursor
                    .as_ref()
                    .expect("no heartbeat before `subscribed`");
                assert!(
                    heartbeat.through.seq >= before.seq
                        && heartbeat.through.seq <= heartbeat.head.seq
                );
                assert_eq!(heartbeat.sent, self.received, "what was sent is what came");
                self.cursor = Some(heartbeat.through.clone());
            }
            _ => {}
        }
    }

    /// The next frame; a close is a failure.
    pub async fn frame(&mut self) -> ServerFrame {
        match self.next().await {
            Next::Frame(frame) => frame,
            Next::Closed(close) => panic!("closed: {close:?}"),
        }
    }

    /// The next event, past heartbeats.
    pub async fn event(&mut self) -> Event {
        loop {
            if let ServerFrame::Event(event) = self.frame().await {
                return *event;
            }
        }
    }

    /// The next heartbeat, past events.
    pub async fn heartbeat(&mut self) -> Heartbeat {
        loop {
            if let ServerFrame::Heartbeat(heartbeat) = self.frame().await {
                return heartbeat;
            }
        }
    }

    /// The error frame, if any, and the close code.
    pub async fn refusal(&mut self) -> (Option<Refusal>, Option<u16>) {
        let (refusal, close) = self.close().await;
        (refusal, close.map(|(code, _)| code))
    }

    /// The error frame, if any, and the close code with its reason.
    pub async fn close(&mut self) -> (Option<Refusal>, Option<(u16, String)>) {
        let mut refusal = None;
        loop {
            match self.next().await {
                Next::Frame(ServerFrame::Error(error)) => refusal = Some(error),
                Next::Frame(_) => {}
                Next::Closed(close) => return (refusal, close),
            }
        }
    }

    /// Every filing seen, by accession, until there are `count` of them.
    pub async fn filings_seen(&mut self, count: usize) -> BTreeMap<String, Filing> {
        let mut seen = BTreeMap::new();
        while seen.len() < count {
            if let Body::FilingSeen(filing) = self.event().await.body {
                let accession = filing.accession.to_string();
                assert!(
                    seen.insert(accession.clone(), filing).is_none(),
                    "{accession} twice"
                );
            }
        }
        seen
    }
}

fn close_of(frame: CloseFrame) -> (u16, String) {
    let code: CloseCode = frame.code;
    (code.into(), frame.reason.to_string())
}
