//! A client that checks what it is told against what it has.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, client_async_tls_with_config,
    tungstenite::{Message, client::IntoClientRequest, protocol::CloseFrame},
};

use crate::ground::Ground;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A websocket and what came through it.
pub(crate) struct Subscriber {
    pub(crate) socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Numbers of all events that came since `subscribed`.
    pub(crate) seqs: Vec<u64>,
    pub(crate) through: u64,
    pub(crate) lags: Vec<u64>,
    /// Numbers of all events of earlier subscriptions.
    pub(crate) earlier: Vec<u64>,
    pub(crate) closed: Option<CloseFrame>,
}

impl Subscriber {
    /// Connects; the kernel keeps about `receive_buffer` bytes for it.
    pub(crate) async fn connect(ground: &Ground, query: &str, receive_buffer: Option<u32>) -> Self {
        let mut request = format!("{}?{query}", ground.url)
            .into_client_request()
            .unwrap();
        let bearer = format!("Bearer {}", ground.key);
        request
            .headers_mut()
            .insert("authorization", bearer.parse().unwrap());
        let host = request.uri().authority().unwrap().as_str().to_owned();
        let tcp = TcpSocket::new_v4().unwrap();
        if let Some(bytes) = receive_buffer {
            tcp.set_recv_buffer_size(bytes).unwrap();
        }
        let stream = tcp.connect(host.parse().unwrap()).await.unwrap();
        let connector = ground.connector.clone();
        let connecting = client_async_tls_with_config(request, stream, None, connector);
        let (socket, _) = connecting.await.unwrap();
        Self {
            socket,
            seqs: Vec::new(),
            through: 0,
            lags: Vec::new(),
            earlier: Vec::new(),
            closed: None,
        }
    }

    /// The next frame, already checked and counted; `None` after the close.
    pub(crate) async fn frame(&mut self) -> Option<Value> {
        loop {
            let message = timeout(PATIENCE, self.socket.next()).await.unwrap()?;
            match message.unwrap() {
                Message::Text(text) => {
                    let frame: Value = serde_json::from_str(&text).unwrap();
                    self.check(&frame);
                    return Some(frame);
                }
                Message::Close(frame) => self.closed = frame,
                _ => {}
            }
        }
    }

    fn check(&mut self, frame: &Value) {
        let number = |cursor: &Value| -> u64 {
            let (_, seq) = cursor.as_str().unwrap().split_once('-').unwrap();
            seq.parse().unwrap()
        };
        match frame["type"].as_str().unwrap() {
            "subscribed" => {
                self.earlier.append(&mut self.seqs);
                self.through = number(&frame["after"]);
            }
            "heartbeat" => {
                let through = number(&frame["through"]);
                assert!(through >= self.through, "`through` went back");
                self.through = through;
                assert_eq!(frame["sent"], self.seqs.len(), "{frame}");
            }
            "lag" => self.lags.push(frame["behind"].as_u64().unwrap()),
            "filing.seen" => {
                let seq = frame["seq"].as_u64().unwrap();
                assert!(seq > self.through, "{seq} was said to be examined");
                assert!(self.seqs.last().is_none_or(|last| seq > *last));
                self.seqs.push(seq);
            }
            _ => {}
        }
    }

    /// Reads until a heartbeat says that everything up to `seq` was examined.
    pub(crate) async fn read_through(&mut self, seq: u64) {
        while self.through < seq {
            self.frame().await.expect("the stream goes on");
        }
    }

    /// Reads until the close and gives its code.
    pub(crate) async fn read_close(&mut self) -> u16 {
        while self.frame().await.is_some() {}
        self.closed.as_ref().unwrap().code.into()
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    /// Sends bytes as they are, whatever the protocol says.
    pub(crate) async fn write_raw(&mut self, bytes: &[u8]) {
        self.socket.get_mut().write_all(bytes).await.unwrap();
        self.socket.get_mut().flush().await.unwrap();
    }
}
