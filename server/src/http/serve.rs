//! Every connection with its deadlines, its place, and its end.
//!
//! Hyper is driven here and not by `axum::serve`, which sets no deadline for half a
//! request and cannot refuse a connection. Elsewhere: the accept loop (`accept`), HTTP/2
//! (`http2`), what an address may take (`limits`), what is answered (`router`).
//!
//! Invariant: a connection is given to the stream only after hyper has answered its
//! handshake, with every byte that was read and not used.

use std::{
    convert::Infallible,
    future::poll_fn,
    io,
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::Request, response::IntoResponse};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use protocol::frame::Refusal;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Problem,
    accept::accept,
    conversation::{Conversation, Succession, Successor},
    http2,
    limits::Connection,
    line::Line,
    router,
};
use crate::{
    stream::{self, Shared, Upgraded},
    tls::{Stream, Tls},
};

/// How long a TLS handshake may take, then a request's head; how long a connection may rest
/// between requests.
pub(crate) const HEAD_PATIENCE: Duration = Duration::from_secs(10);

/// Most bytes of a request's head: a URL of 64 KiB, as long as a client message, and
/// headers. Also about the most that waits to be written to a connection.
pub(super) const HEAD_BYTES: usize = 72 * 1024;

/// How long requests may still take when the program stops; sessions are closed besides.
pub(super) const STOP_PATIENCE: Duration = Duration::from_secs(3);

/// How long a connection over a limit may take to be told so.
const REFUSAL_PATIENCE: Duration = Duration::from_secs(2);

/// Connections over a limit that are told so at a time, where there are open files for so many;
/// the others are just closed.
const REFUSALS: usize = 64;

/// Open files that are not connections: segments, downloads, refusals.
const OTHER_FILES: u64 = 256;

/// A request's connection: its place, and the way to cut it.
#[derive(Debug, Clone)]
pub(crate) struct Wire {
    cut: CancellationToken,
    /// Kept as long as the connection is: by this loop, and by a session after an upgrade.
    _place: Arc<Connection>,
}

impl Wire {
    pub(super) fn new(place: Connection) -> Self {
        Self {
            cut: CancellationToken::new(),
            _place: Arc::new(place),
        }
    }

    /// Closes the connection at once, whatever waits to be written.
    pub(crate) fn cut(&self) {
        self.cut.cancel();
    }

    /// Waits until somebody has asked for that.
    pub(super) async fn is_cut(&self) {
        self.cut.cancelled().await;
    }
}

/// How many connections the limit of open files allows, after raising it as far as may be. Where
/// it is small, they are a quarter: downloads, databases and refusals take files too.
pub(crate) fn most_connections() -> usize {
    let now = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: now.maximum,
        maximum: now.maximum,
    };
    let files = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => now.maximum,
        Err(_) => now.current,
    };
    let files = files.unwrap_or(u64::MAX);
    let connections = files.saturating_sub(OTHER_FILES).max(files / 4);
    usize::try_from(connections).unwrap_or(usize::MAX)
}

/// Serves until `stop`, then until no request and no session is left. With `tls` nothing
/// else is spoken.
///
/// # Errors
/// Never.
pub(crate) async fn serve(
    listener: TcpListener,
    shared: Arc<Shared>,
    tls: Option<Tls>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let doorway = Doorway {
        router: TowerToHyperService::new(router(shared.clone())),
        tls,
        refusals: Arc::new(Semaphore::new(REFUSALS.min(most_connections() / 2))),
        shared,
        stop,
        open: TaskTracker::new(),
    };
    let metrics = &doorway.shared.metrics;
    let accepting = accept(&listener, metrics, |stream, peer| {
        doorway.enter(stream, peer)
    });
    doorway.stop.run_until_cancelled(accepting).await;
    drop(listener);
    doorway.open.close();
    doorway.open.wait().await;
    doorway.shared.sessions.all_closed().await;
    Ok(())
}

/// What a new connection meets.
struct Doorway {
    router: TowerToHyperService<Router>,
    tls: Option<Tls>,
    refusals: Arc<Semaphore>,
    shared: Arc<Shared>,
    stop: CancellationToken,
    open: TaskTracker,
}

impl Doorway {
    fn enter(&self, stream: TcpStream, peer: SocketAddr) {
        match self.shared.limits.connect(peer.ip()) {
            Ok(place) => {
                let conversation = Conversation {
                    peer,
                    wire: Wire::new(place),
                    router: self.router.clone(),
                    is_strict: self.tls.as_ref().is_some_and(Tls::is_strict),
                    shared: self.shared.clone(),
                    succession: Arc::default(),
                };
                let (tls, stop) = (self.tls.clone(), self.stop.clone());
                self.open.spawn(meet(stream, tls, conversation, stop));
            }
            Err(refusal) => {
                if let Ok(permit) = self.refusals.clone().try_acquire_owned() {
                    let tls = self.tls.clone();
                    self.open.spawn(async move {
                        let _ = timeout(REFUSAL_PATIENCE, refuse(stream, tls, refusal)).await;
                        drop(permit);
                    });
                }
            }
        }
    }
}

/// HTTP/1.1, to be spoken with strangers.
pub(super) fn protocol() -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_buf_size(HEAD_BYTES);
    http
}

/// Serves a new connection, after its handshake where TLS is spoken.
async fn meet(
    stream: TcpStream,
    tls: Option<Tls>,
    conversation: Conversation,
    stop: CancellationToken,
) {
    let stream = match tls {
        None => Stream::Plain(stream),
        Some(tls) => {
            // Boxed, as below: a plain connection has no room for it.
            let accepting = Box::pin(tls.accept(stream, HEAD_PATIENCE));
            let accepted = stop.run_until_cancelled(accepting);
            match accepted.await.flatten() {
                Some(stream) => stream,
                None => return,
            }
        }
    };
    if stream.is_http2() {
        Box::pin(http2::converse(stream, conversation, stop)).await;
    } else {
        converse(stream, conversation, stop).await;
    }
}

/// Serves one connection to its end, or until the stream takes it over.
async fn converse(stream: Stream, conversation: Conversation, stop: CancellationToken) {
    let (wire, succession) = (conversation.wire.clone(), conversation.succession.clone());
    let line = Line::new(stream, succession.clone());
    let mut connection = protocol().serve_connection(line, conversation);
    // What ends a connection is the peer's doing: closed, reset, malformed, too late.
    let is_over = tokio::select! {
        is_over = drive(&mut connection, &stop) => is_over,
        () = wire.is_cut() => false,
    };
    if !is_over {
        return;
    }
    let http1::Parts {
        io: line,
        read_buf: leftover,
        service,
        ..
    } = connection.into_parts();
    let shared = Arc::clone(&service.shared);
    drop(service);
    if succession.get().is_none() {
        // With TLS a goodbye is written, which the peer may not take.
        let _ = timeout(STOP_PATIENCE, line.end()).await;
        return;
    }
    if let Err(error) = succeed(line, &leftover, succession, wire, shared).await {
        tracing::debug!(%error, "a connection ended in its handshake");
    }
}

/// Gives a connection whose handshake is answered to who takes it over.
async fn succeed(
    line: Line<Successor>,
    leftover: &[u8],
    succession: Succession,
    wire: Wire,
    shared: Arc<Shared>,
) -> io::Result<()> {
    let (stream, answer) = line.take_back()?;
    let successor = Arc::into_inner(succession).and_then(OnceLock::into_inner);
    let successor = successor.expect("it was there, and who shared it is gone");
    let upgraded = Upgraded {
        stream,
        // Mostly nothing; without the copy it would keep a whole buffer until it is looked at.
        leftover: Bytes::copy_from_slice(leftover),
        answer,
    };
    match successor {
        Successor::Stream(asked) => stream::enter(shared, asked, wire, upgraded).await,
        Successor::Foreign(session) => {
            session.serve(upgraded).await;
            Ok(())
        }
    }
}

/// Answers requests; whether there are no more to come. Not shut down, so that the stream
/// can take the connection over.
async fn drive(
    connection: &mut http1::Connection<Line<Successor>, Conversation>,
    stop: &CancellationToken,
) -> bool {
    tokio::select! {
        served = poll_fn(|context| connection.poll_without_shutdown(context)) => {
            return served.is_ok();
        }
        () = stop.cancelled() => std::pin::Pin::new(&mut *connection).graceful_shutdown(),
    }
    let rest = poll_fn(|context| connection.poll_without_shutdown(context));
    // Somebody may have sent half a request and nothing since.
    timeout(STOP_PATIENCE, rest)
        .await
        .is_ok_and(|served| served.is_ok())
}

/// Answers one request with why nothing is served, and closes.
async fn refuse(stream: TcpStream, tls: Option<Tls>, refusal: Refusal) -> anyhow::Result<()> {
    let stream = match tls {
        None => Stream::Plain(stream),
        Some(tls) => tls.accept_to_refuse(stream).await?,
    };
    let service = service_fn(move |_: Request<Incoming>| {
        let problem = Problem(refusal.clone());
        async move { Ok::<_, Infallible>(problem.into_response()) }
    });
    let connection = protocol()
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    Ok(connection.await?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::http::testing::House;

    async fn ask(socket: &mut TcpStream) -> String {
        let request = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
        socket.write_all(request).await.unwrap();
        let mut answer = [0; 12];
        socket.read_exact(&mut answer).await.unwrap();
        String::from_utf8(answer.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_full_server_says_so_and_has_room_again_when_somebody_leaves() {
        let house = House::open(1);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let serving = tokio::spawn(serve(listener, house.shared.clone(), None, stop.clone()));

        let mut first = TcpStream::connect(addr).await.unwrap();
        assert_eq!(ask(&mut first).await, "HTTP/1.1 200");
        let mut second = TcpStream::connect(addr).await.unwrap();
        assert_eq!(ask(&mut second).await, "HTTP/1.1 503");
        let mut rest = String::new();
        second.read_to_string(&mut rest).await.unwrap();
        drop(first);
        let room = async {
            while ask(&mut TcpStream::connect(addr).await.unwrap()).await != "HTTP/1.1 200" {}
        };
        timeout(Duration::from_secs(5), room).await.unwrap();
        stop.cancel();

        assert!(rest.contains("\"server_full\""), "{rest}");
        assert!(rest.contains("connection: close"), "{rest}");
        timeout(STOP_PATIENCE, serving)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
    }

    #[test]
    fn some_files_are_left_for_other_things_than_connections() {
        let most = most_connections();

        let files = getrlimit(Resource::Nofile);
        assert_eq!(files.current, files.maximum);
        assert!(most > 0 && files.current.is_none_or(|files| (most as u64) < files));
    }
}
