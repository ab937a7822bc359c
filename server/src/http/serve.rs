//! The accept loop: every connection with its deadlines, its place, and its end.
//!
//! Hyper is driven here and not by `axum::serve`, which sets no deadline for half a
//! request and cannot refuse a connection. Elsewhere: what an address may take (`limits`),
//! what is answered (`router`).
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
use rustix::{
    net::sockopt::set_tcp_user_timeout,
    process::{Resource, Rlimit, getrlimit, setrlimit},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Problem,
    conversation::{Conversation, Successor},
    limits::Connection,
    line::Line,
    router,
};
use crate::stream::{self, Shared, Upgraded};

/// How long a request's head may take, and how long a connection may rest between requests.
pub(crate) const HEAD_PATIENCE: Duration = Duration::from_secs(10);

/// Most bytes of a request's head: a URL of 64 KiB, as long as a client message, and
/// headers. Also about the most that waits to be written to a connection.
const HEAD_BYTES: usize = 72 * 1024;

/// How long requests may still take when the program stops; sessions are closed besides.
const STOP_PATIENCE: Duration = Duration::from_secs(3);

/// A peer that takes no byte for this long is cut by the kernel. Twice the patience of
/// sessions, which say why where they can.
const USER_TIMEOUT_MS: u32 = 60_000;

/// How long a connection over a limit may take to be told so.
const REFUSAL_PATIENCE: Duration = Duration::from_secs(2);

/// Connections over a limit that are told so at a time; the others are just closed.
const REFUSALS: usize = 64;

/// Open files that are not connections: segments, downloads, refusals.
const OTHER_FILES: u64 = 256;

/// Shortest and longest pause after a failed accept. Without one the loop would spin as
/// long as there are no more files to be had.
const ACCEPT_PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

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

/// How many connections the limit of open files allows, after raising it as far as may be.
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
    let connections = files.saturating_sub(OTHER_FILES).max(files / 2);
    usize::try_from(connections).unwrap_or(usize::MAX)
}

/// Serves until `stop`, then until no request and no session is left.
///
/// # Errors
/// Never.
pub(crate) async fn serve(
    listener: TcpListener,
    shared: Arc<Shared>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let doorway = Doorway {
        router: TowerToHyperService::new(router(shared.clone())),
        refusals: Arc::new(Semaphore::new(REFUSALS)),
        shared,
        stop,
        open: TaskTracker::new(),
    };
    doorway
        .stop
        .run_until_cancelled(doorway.accept(&listener))
        .await;
    drop(listener);
    doorway.open.close();
    doorway.open.wait().await;
    doorway.shared.sessions.all_closed().await;
    Ok(())
}

/// What a new connection meets.
struct Doorway {
    router: TowerToHyperService<Router>,
    refusals: Arc<Semaphore>,
    shared: Arc<Shared>,
    stop: CancellationToken,
    open: TaskTracker,
}

impl Doorway {
    async fn accept(&self, listener: &TcpListener) -> Infallible {
        let mut pause = ACCEPT_PAUSE.0;
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    pause = ACCEPT_PAUSE.0;
                    self.enter(stream, peer);
                }
                Err(error) if is_the_peers_fault(&error) => {}
                Err(error) => {
                    self.shared.metrics.accept_failures.inc();
                    tracing::warn!(%error, "connections cannot be accepted; check the limit of open files");
                    sleep(pause).await;
                    pause = (pause * 2).min(ACCEPT_PAUSE.1);
                }
            }
        }
    }

    fn enter(&self, stream: TcpStream, peer: SocketAddr) {
        // Without it a frame waits for the peer to acknowledge the one before.
        let _ = stream.set_nodelay(true);
        let _ = set_tcp_user_timeout(&stream, USER_TIMEOUT_MS);
        match self.shared.limits.connect(peer.ip()) {
            Ok(place) => {
                let conversation = Conversation {
                    peer,
                    wire: Wire::new(place),
                    router: self.router.clone(),
                    shared: self.shared.clone(),
                    succession: Arc::default(),
                };
                let stop = self.stop.clone();
                self.open.spawn(converse(stream, conversation, stop));
            }
            Err(refusal) => {
                if let Ok(permit) = self.refusals.clone().try_acquire_owned() {
                    self.open.spawn(async move {
                        refuse(stream, refusal).await;
                        drop(permit);
                    });
                }
            }
        }
    }
}

/// Errors of one connection that was gone before it was accepted.
fn is_the_peers_fault(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

fn protocol() -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_buf_size(HEAD_BYTES);
    http
}

/// Serves one connection to its end, or until the stream takes it over.
async fn converse(stream: TcpStream, conversation: Conversation, stop: CancellationToken) {
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
        return line.end().await;
    }
    match line.take_back() {
        Ok((stream, answer)) => {
            let successor = Arc::into_inner(succession).and_then(OnceLock::into_inner);
            let successor = successor.expect("it was there, and who shared it is gone");
            // Mostly nothing; without the copy it would keep a whole buffer until it is looked at.
            let leftover = Bytes::copy_from_slice(&leftover);
            let upgraded = Upgraded {
                stream,
                leftover,
                answer,
            };
            match successor {
                Successor::Stream(asked) => stream::enter(shared, asked, wire, upgraded).await,
                Successor::Foreign(session) => session.serve(upgraded).await,
            }
        }
        Err(error) => tracing::debug!(%error, "a connection ended in its handshake"),
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
async fn refuse(stream: TcpStream, refusal: Refusal) {
    let service = service_fn(move |_: Request<Incoming>| {
        let problem = Problem(refusal.clone());
        async move { Ok::<_, Infallible>(problem.into_response()) }
    });
    let connection = protocol()
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    let _ = timeout(REFUSAL_PATIENCE, connection).await;
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
        let serving = tokio::spawn(serve(listener, house.shared.clone(), stop.clone()));

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
