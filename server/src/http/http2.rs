//! HTTP/2: many requests at a time on one connection.
//!
//! Spoken with who chooses it in a TLS handshake. The doors are those of HTTP/1.1, but for
//! websockets: those begin with HTTP/1.1 on a connection of their own, which clients make
//! by themselves where a server does not offer them here. Elsewhere: what is answered
//! (`conversation`), HTTP/1.1 and new connections (`serve`).
//!
//! Invariant: one connection holds a bounded number of requests and bytes; one without
//! a request is closed as soon as it would be with HTTP/1.1, and so is one of whose answers
//! nothing is taken.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    extract::Request,
    response::Response,
};
use hyper::{
    body::{Body as HttpBody, Frame, Incoming, SizeHint},
    server::conn::http2,
    service::Service,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    conversation::Conversation,
    serve::{HEAD_BYTES, HEAD_PATIENCE, STOP_PATIENCE},
};
use crate::tls::Stream;

/// Requests at a time on one connection: a page with all its parts.
const MOST_REQUESTS: u32 = 32;

/// Bytes of a request's body that may come before it is read; bodies are small.
const REQUEST_WINDOW: u32 = 64 * 1024;

/// The same for all requests of a connection together.
const CONNECTION_WINDOW: u32 = 256 * 1024;

/// Bytes of an answer that may wait for a peer that does not read, and one piece more.
const SEND_BYTES: usize = 64 * 1024;

/// Largest piece of an answer given out at a time, also where all of it is at hand: what is
/// given out is kept until it is taken.
const PIECE_BYTES: usize = 16 * 1024;

/// How long a piece of an answer may wait to be taken: as long as with HTTP/1.1, where the
/// kernel looks at the clock.
const TAKE_PATIENCE: Duration = Duration::from_secs(60);

/// Between pings, which find out that a peer is gone.
const PING_INTERVAL: Duration = Duration::from_secs(20);

/// Requests that the peer has withdrawn before they were looked at, and those that we have
/// ended for a fault: more at a time end the connection. What floods of such cost is known
/// as CVE-2023-44487.
const WITHDRAWN_REQUESTS: usize = 20;

/// The answers of a connection that are on their way, by their numbers, each with the moment from
/// which it waits to be taken; none while the peer has all there is so far.
type Pulse = Arc<watch::Sender<BTreeMap<u64, Option<Instant>>>>;

fn protocol() -> http2::Builder<TokioExecutor> {
    let mut http = http2::Builder::new(TokioExecutor::new());
    http.timer(TokioTimer::new())
        .max_concurrent_streams(MOST_REQUESTS)
        .initial_stream_window_size(REQUEST_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BYTES)
        .max_header_list_size(HEAD_BYTES as u32)
        .max_pending_accept_reset_streams(WITHDRAWN_REQUESTS)
        .max_local_error_reset_streams(WITHDRAWN_REQUESTS)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(HEAD_PATIENCE);
    http
}

/// Serves one connection to its end.
pub(super) async fn converse(stream: Stream, conversation: Conversation, stop: CancellationToken) {
    let wire = conversation.wire.clone();
    tokio::select! {
        () = serve(stream, conversation, stop) => {}
        () = wire.is_cut() => {}
    }
}

async fn serve<I, S>(stream: I, service: S, stop: CancellationToken)
where
    I: AsyncRead + AsyncWrite + Unpin + Send,
    S: Service<Request<Incoming>, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    let pulse = Pulse::default();
    let counted = Counted {
        service,
        pulse: pulse.clone(),
    };
    let mut connection = pin!(protocol().serve_connection(TokioIo::new(stream), counted));
    // What ends a connection is the peer's doing: closed, reset, malformed.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stalls(&pulse) => return,
        () = rests(&pulse, HEAD_PATIENCE) => {}
        () = stop.cancelled() => {}
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        _ = connection => {}
        () = stalls(&pulse) => {}
        // Requests may have come with the goodbye, and the ends of answers may still be on their
        // way; only a stop waits for none of them.
        () = rests(&pulse, TAKE_PATIENCE) => {}
        () = async {
            stop.cancelled().await;
            sleep(STOP_PATIENCE).await;
        } => {}
    }
}

/// Waits until no request has been under way for so long.
async fn rests(pulse: &Pulse, patience: Duration) {
    let mut pulse = pulse.subscribe();
    loop {
        let idle = pulse.wait_for(BTreeMap::is_empty).await;
        drop(idle.expect("we hold the sender"));
        if timeout(patience, pulse.changed()).await.is_err() {
            return;
        }
    }
}

/// Waits until an answer has not been taken for too long.
async fn stalls(pulse: &Pulse) {
    loop {
        let oldest = pulse.borrow().values().flatten().min().copied();
        // None that begins to wait later is late before this.
        let due = oldest.unwrap_or_else(Instant::now) + TAKE_PATIENCE;
        if due <= Instant::now() {
            return;
        }
        sleep_until(due).await;
    }
}

/// Requests, counted until their answers are out.
struct Counted<S> {
    service: S,
    pulse: Pulse,
}

impl<S> Service<Request<Incoming>> for Counted<S>
where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let exchange = Exchange::begin(self.pulse.clone());
        let answer = self.service.call(request);
        Box::pin(async move {
            let response = answer.await?;
            exchange.waits(true);
            Ok(response.map(|body| {
                Body::new(Answer {
                    body,
                    left: Bytes::new(),
                    exchange,
                })
            }))
        })
    }
}

/// A request that is being answered.
struct Exchange {
    pulse: Pulse,
    number: u64,
}

impl Exchange {
    fn begin(pulse: Pulse) -> Self {
        let mut number = 0;
        pulse.send_modify(|answers| {
            number = answers.last_key_value().map_or(0, |(newest, _)| newest + 1);
            answers.insert(number, None);
        });
        Self { pulse, number }
    }

    /// Notes whether there is something from now on that the peer must take.
    fn waits(&self, it_does: bool) {
        let since = it_does.then(Instant::now);
        self.pulse.send_if_modified(|answers| {
            answers.insert(self.number, since);
            // Nobody waits for this.
            false
        });
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.pulse.send_modify(|answers| {
            answers.remove(&self.number);
        });
    }
}

/// The body of an answer, in pieces. The next one is asked for when the peer has room for it.
struct Answer {
    body: Body,
    /// What is left of what the body gave last.
    left: Bytes,
    exchange: Exchange,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.exchange.waits(false);
        if self.left.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.left = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                end => return Poll::Ready(end),
            }
        }
        self.exchange.waits(true);
        let piece = self.left.len().min(PIECE_BYTES);
        Poll::Ready(Some(Ok(Frame::data(self.left.split_to(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (left, body) = (self.left.len() as u64, self.body.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(body.lower() + left);
        if let Some(upper) = body.upper() {
            hint.set_upper(upper + left);
        }
        hint
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use axum::body::HttpBody as _;
    use hyper::client;
    use tokio::io::duplex;

    use super::*;

    /// A connection on which everything is answered with so many bytes, and whether it has ended.
    async fn connect(bytes: usize) -> (client::conn::http2::SendRequest<Body>, CancellationToken) {
        let (here, there) = duplex(1024);
        let answer = move |_| async move { Ok(Response::new(Body::from(vec![7; bytes]))) };
        let over = CancellationToken::new();
        let guard = over.clone().drop_guard();
        tokio::spawn(async move {
            serve(
                there,
                hyper::service::service_fn(answer),
                CancellationToken::new(),
            )
            .await;
            drop(guard);
        });
        // Little is taken before it is read.
        let connecting = client::conn::http2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(16 * 1024)
            .handshake(TokioIo::new(here));
        let (requests, connection) = connecting.await.unwrap();
        tokio::spawn(connection);
        (requests, over)
    }

    async fn ask(requests: &mut client::conn::http2::SendRequest<Body>) -> Response<Incoming> {
        let request = Request::get("http://here/").body(Body::empty()).unwrap();
        requests.send_request(request).await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_of_an_answer_loses_the_connection() {
        let (mut requests, over) = connect(1 << 20).await;
        let _first = ask(&mut requests).await;
        let since = Instant::now();
        let _second = ask(&mut requests).await;

        over.cancelled().await;

        let patience = TAKE_PATIENCE..TAKE_PATIENCE + Duration::from_secs(1);
        assert!(patience.contains(&since.elapsed()), "{:?}", since.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_gets_an_answer_whole() {
        let (mut requests, over) = connect(300_000).await;
        let mut answer = ask(&mut requests).await.into_body();
        assert_eq!(answer.size_hint().exact(), Some(300_000));
        let (mut read, since) = (0, Instant::now());

        while let Some(frame) =
            std::future::poll_fn(|context| Pin::new(&mut answer).poll_frame(context)).await
        {
            read += frame.unwrap().into_data().unwrap().len();
            sleep(Duration::from_secs(8)).await;
        }

        assert_eq!(read, 300_000);
        assert!(since.elapsed() > TAKE_PATIENCE);
        over.cancelled().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_rests_when_no_request_was_under_way_for_so_long() {
        let pulse = Pulse::default();
        let since = Instant::now();
        let first = Exchange::begin(pulse.clone());
        let second = Exchange::begin(pulse.clone());
        tokio::spawn(async move {
            sleep(Duration::from_secs(3)).await;
            drop(first);
            sleep(Duration::from_secs(3)).await;
            drop(second);
        });

        rests(&pulse, Duration::from_secs(10)).await;

        assert_eq!(since.elapsed(), Duration::from_secs(16));
    }
}
