//! HTTP/2: many requests at a time on one connection.
//!
//! Spoken with who chooses it in a TLS handshake. The doors are those of HTTP/1.1, but for
//! websockets: those begin with HTTP/1.1 on a connection of their own, which clients make
//! by themselves where a server does not offer them here. Elsewhere: what is answered
//! (`conversation`), HTTP/1.1 and new connections (`serve`).
//!
//! Invariant: one connection holds a bounded number of requests and bytes, and one without
//! a request is closed as soon as it would be with HTTP/1.1.

use std::{
    convert::Infallible,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
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
    sync::watch,
    time::{sleep, timeout},
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

/// Bytes of an answer that may wait for a peer that does not read.
const SEND_BYTES: usize = 64 * 1024;

/// Between pings, which find out that a peer is gone.
const PING_INTERVAL: Duration = Duration::from_secs(20);

/// Requests that the peer has withdrawn before they were looked at, and those that we have
/// ended for a fault: more at a time end the connection. What floods of such cost is known
/// as CVE-2023-44487.
const WITHDRAWN_REQUESTS: usize = 20;

/// How many requests of a connection are being answered.
type Pulse = Arc<watch::Sender<usize>>;

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
    let pulse = Pulse::default();
    let counted = Counted {
        conversation,
        pulse: pulse.clone(),
    };
    let mut connection = pin!(protocol().serve_connection(TokioIo::new(stream), counted));
    // What ends a connection is the peer's doing: closed, reset, malformed.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = wire.is_cut() => return,
        () = rests(&pulse, HEAD_PATIENCE) => {}
        () = stop.cancelled() => {}
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        _ = connection => {}
        () = wire.is_cut() => {}
        // Requests may have come with the goodbye; only a stop waits for none of them.
        () = rests(&pulse, STOP_PATIENCE) => {}
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
        let idle = pulse.wait_for(|requests| *requests == 0).await;
        drop(idle.expect("we hold the sender"));
        if timeout(patience, pulse.changed()).await.is_err() {
            return;
        }
    }
}

/// Requests, counted until their answers are out.
struct Counted {
    conversation: Conversation,
    pulse: Pulse,
}

impl Service<Request<Incoming>> for Counted {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let exchange = Exchange::begin(self.pulse.clone());
        let answer = self.conversation.call(request);
        Box::pin(async move {
            let response = answer.await?;
            Ok(response.map(|body| {
                Body::new(Answer {
                    body,
                    _exchange: exchange,
                })
            }))
        })
    }
}

/// A request that is being answered.
struct Exchange(Pulse);

impl Exchange {
    fn begin(pulse: Pulse) -> Self {
        pulse.send_modify(|requests| *requests += 1);
        Self(pulse)
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.0.send_modify(|requests| *requests -= 1);
    }
}

/// The body of an answer.
struct Answer {
    body: Body,
    _exchange: Exchange,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use tokio::time::Instant;

    use super::*;

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
