//! A websocket with deadlines: what a session says and hears.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use protocol::{
    close::CloseCode,
    frame::{ClientMessage, ErrorCode, MAX_CLIENT_MESSAGE_BYTES, Refusal},
};
use tokio::time::{Instant, timeout};

/// Bytes gathered before a write, and about the most a session holds.
pub(crate) const BATCH_BYTES: usize = 32 * 1024;

/// A socket not writable for this long is closed.
const WRITE_PATIENCE: Duration = Duration::from_secs(30);

/// How long a peer may take to answer our close.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);

/// Client messages allowed in any one second.
const MESSAGES_PER_SECOND: u32 = 5;

/// Why a session ends.
#[derive(Debug)]
pub(crate) enum End {
    /// The peer is gone: closed, or the connection broke.
    Gone,
    /// We close, after saying why when there is a refusal.
    Close(CloseCode, Option<Refusal>),
}

impl From<Refusal> for End {
    fn from(refusal: Refusal) -> Self {
        Self::Close(refusal.code.close(), Some(refusal))
    }
}

/// What came from the peer.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A message.
    Message(ClientMessage),
    /// It is alive.
    Pong,
    /// Nothing to act on.
    Nothing,
}

/// The websocket of one session.
#[derive(Debug)]
pub(crate) struct Socket {
    socket: WebSocket,
    second: Instant,
    messages: u32,
}

impl Socket {
    pub(crate) fn new(socket: WebSocket) -> Self {
        Self {
            socket,
            second: Instant::now(),
            messages: 0,
        }
    }

    /// Sends one text frame at once.
    pub(crate) async fn say(&mut self, text: String) -> Result<(), End> {
        self.within(WRITE_PATIENCE, Message::Text(text.into()))
            .await
    }

    /// Sends a websocket ping.
    pub(crate) async fn ping(&mut self) -> Result<(), End> {
        self.within(WRITE_PATIENCE, Message::Ping(Bytes::new()))
            .await
    }

    async fn within(&mut self, patience: Duration, message: Message) -> Result<(), End> {
        match timeout(patience, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => Err(slow()),
        }
    }

    /// Sends event frames in as few writes as they fit in.
    pub(crate) async fn send_frames(&mut self, frames: Vec<Bytes>) -> Result<(), End> {
        let all = async {
            for frame in frames {
                let text = frame.try_into().expect("the log holds UTF-8 only");
                self.socket.feed(Message::Text(text)).await?;
            }
            self.socket.flush().await
        };
        match timeout(WRITE_PATIENCE, all).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => Err(slow()),
        }
    }

    /// Waits for the peer to say something. Can be dropped without loss.
    pub(crate) async fn hear(&mut self) -> Result<Heard, End> {
        let message = self.socket.next().await;
        self.understand(message)
    }

    fn understand(&mut self, message: Option<Result<Message, axum::Error>>) -> Result<Heard, End> {
        match message {
            Some(Ok(Message::Text(text))) => {
                self.count_message()?;
                if text.len() > MAX_CLIENT_MESSAGE_BYTES {
                    return Err(too_large().into());
                }
                Ok(Heard::Message(ClientMessage::parse(&text)?))
            }
            Some(Ok(Message::Binary(_))) => {
                let refusal =
                    Refusal::new(ErrorCode::BadMessage, "send text frames, not binary ones");
                Err(refusal.into())
            }
            Some(Ok(Message::Pong(_))) => Ok(Heard::Pong),
            Some(Ok(Message::Ping(_))) => Ok(Heard::Nothing),
            Some(Err(error)) if is_too_large(&error) => Err(too_large().into()),
            Some(Ok(Message::Close(_)) | Err(_)) | None => Err(End::Gone),
        }
    }

    fn count_message(&mut self) -> Result<(), End> {
        if self.second.elapsed() >= Duration::from_secs(1) {
            (self.second, self.messages) = (Instant::now(), 0);
        }
        self.messages += 1;
        if self.messages > MESSAGES_PER_SECOND {
            let message = format!(
                "more than {MESSAGES_PER_SECOND} messages in a second; try again in 1 second"
            );
            return Err(Refusal::new(ErrorCode::TooManyMessages, message).into());
        }
        Ok(())
    }

    /// Says why, closes, and waits a little for the peer to do the same. Gives the code.
    pub(crate) async fn close(mut self, end: End) -> Option<CloseCode> {
        let End::Close(code, refusal) = end else {
            // The answer to the peer's close, or to its mistake, waits to be written.
            let _ = timeout(CLOSE_PATIENCE, self.socket.close()).await;
            return None;
        };
        let reason = refusal.as_ref().map_or("", |refusal| refusal.code.as_str());
        let goodbye = Message::Close(Some(CloseFrame {
            code: code.number(),
            reason: reason.into(),
        }));
        let farewell = async {
            if let Some(refusal) = &refusal {
                let text = protocol::frame::encode("error", refusal);
                self.socket.send(Message::Text(text.into())).await?;
            }
            self.socket.send(goodbye).await?;
            while let Some(Ok(_)) = self.socket.next().await {}
            if code == CloseCode::TooLarge {
                // The rest of the message is not read, and dropping it would reset the
                // connection before the peer has read why.
                std::future::pending::<()>().await;
            }
            Ok::<(), axum::Error>(())
        };
        // The peer may be gone or stuck already; the close is a courtesy.
        let _ = timeout(CLOSE_PATIENCE, farewell).await;
        Some(code)
    }
}

fn slow() -> End {
    End::Close(CloseCode::SlowConsumer, None)
}

fn too_large() -> Refusal {
    let message = format!("a message may have {MAX_CLIENT_MESSAGE_BYTES} bytes");
    Refusal::new(ErrorCode::MessageTooLarge, message)
}

fn is_too_large(error: &axum::Error) -> bool {
    use tokio_tungstenite::tungstenite::Error;
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<Error>());
    matches!(cause, Some(Error::Capacity(_)))
}
