//! What answers the requests of one connection: the doors, or the handshake of a websocket.
//!
//! A handshake is answered here, before the router: thousands come at once when a server
//! was restarted, and the layers that the doors need cost more than all that is asked of
//! it. Elsewhere: the doors (`router`), what a handshake must say (`stream/upgrade`).
//!
//! Invariant: a handshake is one of HTTP/1.1, and every answer carries `x-request-id`, the
//! name under which its request stands in our logs.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, OnceLock},
};

use axum::{
    Router,
    extract::ConnectInfo,
    http::{HeaderMap, HeaderValue, Method, Request, Version, header},
    response::{IntoResponse, Response},
};
use futures_util::future::Either;
use hyper::{body::Incoming, service::Service};
use hyper_util::service::TowerToHyperService;
use protocol::frame::ErrorCode;

use super::{BODY_BYTES, Problem, READING, STREAM_PATH, Wire};
use crate::{
    compat::Session,
    stream::{self, Asked, Shared},
};

/// Who takes a connection over after its handshake.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are of the stream; a box would be an allocation for each"
)]
pub(crate) enum Successor {
    /// The stream.
    Stream(Asked),
    /// The session of a foreign client.
    Foreign(Box<Session>),
}

/// Where a handshake leaves who takes its connection over.
pub(crate) type Succession = Arc<OnceLock<Successor>>;

/// What tells a browser to come with TLS only from now on, for a year.
///
/// Source: RFC 6797. It is about every port of a host, hence not said by all who have TLS.
const STRICTLY: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// One connection's requests.
pub(super) struct Conversation {
    pub(super) peer: SocketAddr,
    pub(super) wire: Wire,
    pub(super) router: TowerToHyperService<Router>,
    pub(super) shared: Arc<Shared>,
    /// Whether everybody is to come with TLS only.
    pub(super) is_strict: bool,
    /// Set with the handshake that ends the conversation.
    pub(super) succession: Succession,
}

type Answer = Result<Response, Infallible>;

impl Service<Request<Incoming>> for Conversation {
    type Response = Response;
    type Error = Infallible;
    type Future = Either<Ready<Answer>, Pin<Box<dyn Future<Output = Answer> + Send>>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let name = name(&request);
        let is_strict = self.is_strict;
        if let Some(response) = self.answer(&request) {
            return Either::Left(ready(Ok(dressed(response, name, is_strict))));
        }
        request.extensions_mut().insert(ConnectInfo(self.peer));
        request.extensions_mut().insert(self.wire.clone());
        if request.version() < Version::HTTP_2 {
            request.extensions_mut().insert(self.succession.clone());
        }
        let answer = self.router.call(request);
        Either::Right(Box::pin(async move {
            let response = answer.await?;
            Ok(dressed(response, name, is_strict))
        }))
    }
}

impl Conversation {
    /// The answer to a handshake, and to what would only be found out after reading; none
    /// for requests that go to the doors.
    fn answer<B>(&self, request: &Request<B>) -> Option<Response> {
        if is_too_large(request.headers()) {
            let message = format!("a request may have {BODY_BYTES} bytes");
            return Some(Problem::new(ErrorCode::MessageTooLarge, message).into_response());
        }
        if request.method() != Method::GET || request.uri().path() != STREAM_PATH {
            return None;
        }
        match stream::upgrade(&self.shared, self.peer.ip(), request) {
            Ok((response, asked)) => {
                let is_first = self.succession.set(Successor::Stream(asked)).is_ok();
                debug_assert!(is_first, "nothing is asked after a handshake");
                Some(response)
            }
            Err(problem) => Some(problem.into_response()),
        }
    }
}

fn is_too_large(headers: &HeaderMap) -> bool {
    let announced = headers.get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    announced.is_some_and(|bytes| bytes > BODY_BYTES as u64)
}

fn name<B>(request: &Request<B>) -> HeaderValue {
    let name = format!("{:016x}", rand::random::<u64>());
    let path = without_secret(request.uri().path());
    tracing::debug!(request = name, method = %request.method(), path, "request");
    HeaderValue::try_from(name).expect("hexadecimal digits are a header value")
}

/// A path up to a ticket, or to where somebody put a key into it by mistake: the log has neither.
fn without_secret(path: &str) -> &str {
    if path.starts_with(READING) {
        return READING;
    }
    path.split_once("fw_").map_or(path, |(before, _)| before)
}

fn dressed(mut response: Response, name: HeaderValue, is_strict: bool) -> Response {
    let headers = response.headers_mut();
    headers.insert("x-request-id", name);
    if is_strict {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, STRICTLY);
    }
    response
}
