//! The HTTP doors: the page, health, status, metrics, events, and the way to the stream.
//!
//! [`mod@serve`] takes connections ([`accept`]) and speaks HTTP/1.1 with them, [`http2`] speaks
//! HTTP/2, [`conversation`] answers their requests, [`redirect`] those of the plain port;
//! [`limits`] says how much one address may take, [`credentials`] finds out who asks; the other
//! files are doors.

mod accept;
mod activity;
mod api;
mod archive;
mod conversation;
mod credentials;
mod documents;
mod doors;
pub(crate) mod events;
mod filings;
mod http2;
mod keys;
mod limits;
mod line;
mod live_page;
mod page;
mod problem;
mod query;
mod range;
mod redirect;
mod serve;
mod sse;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
pub(crate) mod testing;
mod tickets;
mod urls;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{ConnectInfo, DefaultBodyLimit, Request, State},
    http::header,
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use protocol::frame::ErrorCode;
use tokio::time::timeout;

pub(crate) use conversation::{Succession, Successor};
pub(crate) use limits::{Limits, Rules};
pub(crate) use problem::Problem;
pub(crate) use query::Query;
pub(crate) use redirect::redirect;
pub(crate) use serve::{Wire, most_connections, serve};
pub(crate) use urls::Urls;

use crate::{
    compat,
    stream::{self, Shared},
};

/// Most bytes of a request's body: as for a client message.
const BODY_BYTES: usize = 64 * 1024;

/// Where websockets begin.
const STREAM_PATH: &str = "/v1/stream";

/// Where documents are read with a ticket, which is what follows.
const READING: &str = "/v1/reading/";

/// How long an answer may take that is no stream and no long-poll.
const ANSWER_PATIENCE: Duration = Duration::from_secs(10);

/// All routes.
fn router(shared: Arc<Shared>) -> Router {
    // What anybody may ask for, as often as an address may.
    let public = Router::new()
        .route("/", get(front))
        .route("/asyncapi.json", get(api::asyncapi))
        .route("/compat/sec-api", get(compat::sec_api::connect))
        .route("/docs", get(api::docs))
        .route("/keys", get(keys::page))
        .route("/metrics", get(doors::metrics))
        .route("/openapi.json", get(api::openapi))
        .route("/page/{file}", get(live_page::part))
        .route("/v1/activity", get(activity::activity))
        .route("/v1/status", get(doors::status))
        .fallback(nothing_here)
        .layer(from_fn_with_state(shared.clone(), count_request));
    let prompt = Router::new()
        .route("/healthz", get(doors::healthz))
        .route("/readyz", get(doors::readyz))
        .route("/v1/keys", get(keys::list).post(keys::create))
        .route("/v1/keys/{id}", delete(keys::revoke))
        .route("/v1/tickets", post(tickets::issue))
        .route("/v1/filings", get(filings::list))
        .route("/v1/filings/{accession}", get(filings::one))
        .route("/sec-websocket/", get(compat::datamule::token))
        .route("/ws", get(compat::datamule::connect))
        .merge(public)
        .layer(from_fn(answer_in_time));
    Router::new()
        .route("/v1/events", get(events::page))
        .route("/v1/events/stream", get(events::stream))
        .route(STREAM_PATH, get(no_handshake))
        .route("/v1/archive/{shape}/{accession}", get(archive::object))
        .route(
            "/v1/filings/{accession}/documents/{document}",
            get(documents::document),
        )
        .route(
            "/v1/reading/{ticket}/{accession}/{document}",
            get(documents::reading),
        )
        .merge(prompt)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .with_state(shared)
}

/// The live page; the websocket of sec-api.io's clients, who ask at the same place.
async fn front(state: State<Arc<Shared>>, peer: Peer, request: Request) -> Response {
    if request.headers().contains_key(header::UPGRADE) {
        return compat::sec_api::connect(state, peer, request)
            .await
            .into_response();
    }
    live_page::front(request.headers())
}

/// Where a request comes from.
pub(crate) type Peer = ConnectInfo<SocketAddr>;

async fn nothing_here(request: Request) -> Problem {
    let path: String = request.uri().path().chars().take(100).collect();
    Problem::new(
        ErrorCode::NotFound,
        format!(
            "there is nothing at `{path}`; the stream is at /v1/stream, the state at /v1/status"
        ),
    )
}

/// A handshake does not come this far.
async fn no_handshake() -> Problem {
    Problem::from(stream::no_handshake())
}

async fn wrong_method(request: Request) -> Problem {
    let message = format!(
        "{} is not offered here; see the header Allow",
        request.method()
    );
    Problem::new(ErrorCode::MethodNotAllowed, message)
}

async fn count_request(
    State(shared): State<Arc<Shared>>,
    peer: Peer,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    shared.limits.ask(peer.0.ip())?;
    Ok(next.run(request).await)
}

async fn answer_in_time(request: Request, next: Next) -> Result<Response, Problem> {
    timeout(ANSWER_PATIENCE, next.run(request))
        .await
        .map_err(|_| {
            let message = format!("no answer within {ANSWER_PATIENCE:?}; try again");
            Problem::new(ErrorCode::Internal, message)
        })
}
