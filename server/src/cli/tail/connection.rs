//! One connection to the stream, from its handshake to its end.
//!
//! Invariant: the place only moves forward, after the event is on its way to the screen,
//! so that the next connection begins exactly where this one ended.

use std::{io, time::Duration};

use futures_util::{FutureExt, StreamExt};
use protocol::{
    close::{CloseCode, is_retryable},
    seq::Cursor,
};
use serde::Deserialize;
use tokio::{io::AsyncWrite, net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{
        Error, Message,
        handshake::client::Response,
        protocol::{CloseFrame, WebSocketConfig},
    },
};

use super::{
    follow::Notes,
    frame::{Frame, Heartbeat, Hello, Lag, Refused, Subscribed},
    screen::Screen,
    target::Target,
};

/// How long a connection may take to be made.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// How long the greeting may take, until it says how often heartbeats come.
const HELLO_PATIENCE: Duration = Duration::from_secs(30);
/// Heartbeats that may fail to come.
const MISSED_HEARTBEATS: u64 = 3;
/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_secs(1);
/// Largest frame taken: an event of a filing with thousands of documents is a tenth.
const MAX_FRAME: usize = 64 << 20;

const NO_KEY: &str = "the server asks for an API key: make one beside it with \
    `filingwire keys create --name me`, then give it with --key or in FILINGWIRE_KEY";

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// How far the stream has been followed.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// Everything up to here was printed or did not match.
    pub(super) cursor: Option<Cursor>,
    /// Whether the connection at hand brought anything.
    pub(super) progress: bool,
}

/// How a connection ended.
#[derive(Debug)]
pub(super) enum End {
    /// Worth another attempt: why, and the pause the server asks for.
    Lost(String, Option<Duration>),
    /// Not worth one until something changes: the message for the user.
    Refused(String),
    /// Everything asked for was sent.
    Done,
    /// The output takes no more.
    Output(io::Error),
}

/// A connection that is open.
pub(super) struct Connection<'a, W> {
    socket: Socket,
    target: &'a Target,
    screen: &'a mut Screen<W>,
    place: &'a mut Place,
    notes: &'a Notes,
    patience: Duration,
    received: u64,
    refused: Option<Refused>,
    pause: Option<Duration>,
    warned: bool,
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

fn lost(why: impl Into<String>) -> End {
    End::Lost(why.into(), None)
}

impl<'a, W: AsyncWrite + Unpin> Connection<'a, W> {
    /// Connects and asks for what comes after the place.
    ///
    /// # Errors
    /// Why there is no connection.
    pub(super) async fn open(
        target: &'a Target,
        screen: &'a mut Screen<W>,
        place: &'a mut Place,
        notes: &'a Notes,
    ) -> Result<Self, End> {
        let request = target.request(place.cursor.as_ref());
        let config = WebSocketConfig::default()
            .read_buffer_size(8 * 1024)
            .write_buffer_size(4 * 1024)
            .max_message_size(Some(MAX_FRAME))
            .max_frame_size(Some(MAX_FRAME));
        let connecting = Box::pin(connect_async_with_config(request, Some(config), true));
        let (socket, _) = match timeout(CONNECT_PATIENCE, connecting).await {
            Ok(connected) => connected.map_err(unconnected)?,
            Err(_) => return Err(lost(format!("no answer within {CONNECT_PATIENCE:?}"))),
        };
        Ok(Self {
            socket,
            target,
            screen,
            place,
            notes,
            patience: HELLO_PATIENCE,
            received: 0,
            refused: None,
            pause: None,
            warned: false,
        })
    }

    /// Prints events until the connection ends.
    pub(super) async fn run(mut self) -> End {
        let end = loop {
            if let Err(end) = self.step().await {
                break end;
            }
        };
        // A courtesy; the other side may be gone.
        let _ = timeout(FAREWELL, self.socket.close(None)).await;
        end
    }

    async fn step(&mut self) -> Result<(), End> {
        match self.next().await? {
            Message::Text(text) => self.take(&text).await,
            Message::Close(frame) => Err(self.closed(frame)),
            _ => Ok(()),
        }
    }

    /// The next message. What waits is written before there is a wait.
    async fn next(&mut self) -> Result<Message, End> {
        let next = match self.socket.next().now_or_never() {
            Some(ready) => ready,
            None => {
                self.screen.flush().await?;
                let heard = timeout(self.patience, self.socket.next()).await;
                heard.map_err(|_| lost(format!("nothing came for {:?}", self.patience)))?
            }
        };
        match next {
            Some(Ok(message)) => Ok(message),
            Some(Err(error)) => Err(self.broken(&error)),
            None => Err(self.closed(None)),
        }
    }

    async fn take(&mut self, text: &str) -> Result<(), End> {
        let frame = Frame::parse(text)
            .map_err(|error| lost(format!("a frame of the server is not understood ({error})")))?;
        match frame {
            Frame::Hello(hello) => self.greeted(&hello),
            Frame::Subscribed(subscribed) => {
                self.subscribed(subscribed);
                Ok(())
            }
            Frame::Event(cursor) => self.event(cursor, text).await,
            Frame::Heartbeat(heartbeat) => {
                self.heartbeat(heartbeat);
                Ok(())
            }
            Frame::Refused(refused) => {
                self.refused = Some(refused);
                Ok(())
            }
            Frame::Lag(Lag { behind }) => {
                self.notes.say(&format!("{behind} events behind"));
                Ok(())
            }
            Frame::Notice(notice) => {
                self.notes
                    .say(&format!("the server says `{}`", notice.code));
                self.pause = notice.reconnect_after_ms.map(Duration::from_millis);
                Ok(())
            }
            Frame::Done => Err(End::Done),
            Frame::Other => Ok(()),
        }
    }

    fn greeted(&mut self, hello: &Hello) -> Result<(), End> {
        let heartbeat_ms = hello.heartbeat_ms.clamp(1, 600_000);
        self.patience = Duration::from_millis(heartbeat_ms * MISSED_HEARTBEATS);
        if hello.auth == "required" && !self.target.has_key() {
            return Err(End::Refused(NO_KEY.to_owned()));
        }
        Ok(())
    }

    fn subscribed(&mut self, subscribed: Subscribed) {
        self.received = 0;
        let server = self.target.server();
        match subscribed.behind {
            0 => self.notes.say(&format!("following {server}")),
            behind => self
                .notes
                .say(&format!("following {server}, {behind} events behind")),
        }
        // Whoever begins at `live` has a place from here on.
        self.place.cursor.get_or_insert(subscribed.after);
    }

    async fn event(&mut self, cursor: Cursor, text: &str) -> Result<(), End> {
        self.received += 1;
        if let Some(last) = &self.place.cursor {
            if last.epoch != cursor.epoch {
                return Err(lost(format!(
                    "the server sent an event of another log, {cursor}"
                )));
            }
            if cursor.seq <= last.seq {
                self.warn_once(&format!(
                    "the server sent {cursor} after {last}; it is not shown again"
                ));
                return Ok(());
            }
        }
        self.screen.print(text).await?;
        self.place.cursor = Some(cursor);
        self.place.progress = true;
        Ok(())
    }

    fn heartbeat(&mut self, heartbeat: Heartbeat) {
        self.place.progress = true;
        let Heartbeat { through, sent } = heartbeat;
        if sent != self.received {
            let received = self.received;
            self.warn_once(&format!(
                "the server counts {sent} events since the start, {received} came"
            ));
        }
        let ahead = |last: &Cursor| last.epoch == through.epoch && last.seq < through.seq;
        if self.place.cursor.as_ref().is_none_or(ahead) {
            self.place.cursor = Some(through);
        }
    }

    fn warn_once(&mut self, what: &str) {
        if !std::mem::replace(&mut self.warned, true) {
            self.notes.say(what);
        }
    }

    fn closed(&mut self, frame: Option<CloseFrame>) -> End {
        let code = frame.as_ref().map(|frame| u16::from(frame.code));
        let refused = self.refused.take();
        let last = code.is_some_and(|code| !is_retryable(code))
            || refused.as_ref().is_some_and(|refused| !refused.retryable);
        let reason = frame
            .map(|frame| frame.reason.to_string())
            .filter(|reason| !reason.is_empty());
        let why = match (refused.map(|refused| refused.message).or(reason), code) {
            (Some(said), Some(code)) => said + remedy(code),
            (Some(said), None) => said,
            (None, Some(code)) => format!("the server closed the stream ({code}{})", meaning(code)),
            (None, None) => "the connection is lost".to_owned(),
        };
        if last {
            End::Refused(why)
        } else {
            End::Lost(why, self.pause)
        }
    }

    fn broken(&mut self, error: &Error) -> End {
        if self.refused.is_some() {
            return self.closed(None);
        }
        End::Lost(format!("the connection is lost ({error})"), self.pause)
    }
}

/// What the server's remedy is called here.
fn remedy(code: u16) -> &'static str {
    let cursor = [
        CloseCode::CursorGone,
        CloseCode::CursorAhead,
        CloseCode::EpochChanged,
    ];
    if cursor.iter().any(|known| known.number() == code) {
        " (here: --after oldest, or without --after for what is new)"
    } else {
        ""
    }
}

fn meaning(code: u16) -> &'static str {
    match code {
        1001 => ", it stops",
        4003 => ", it is starting",
        4008 => ", events were not read in time",
        _ => "",
    }
}

/// Why there is no connection, by what the user can do.
fn unconnected(error: Error) -> End {
    match error {
        Error::Http(response) => refused_by_http(&response),
        error => lost(format!("cannot connect ({error})")),
    }
}

/// An answer before the websocket: from a proxy, or from something that is no stream.
fn refused_by_http(response: &Response) -> End {
    #[derive(Deserialize)]
    struct Problem {
        detail: Option<String>,
        title: Option<String>,
    }
    let body = response.body().as_deref().unwrap_or_default();
    let problem = serde_json::from_slice(body).ok();
    let said = problem.and_then(|problem: Problem| problem.detail.or(problem.title));
    let status = response.status();
    let why = match said {
        Some(said) => format!("the server answers {status}: {said}"),
        None => format!("the server answers {status}; check the address"),
    };
    match status.as_u16() {
        400 | 401 | 403 | 409 | 422 => End::Refused(why),
        _ => lost(why),
    }
}
