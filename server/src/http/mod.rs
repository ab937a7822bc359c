//! The HTTP doors: the page, health, status, metrics, and the way to the stream.

mod doors;
mod problem;

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::{ConnectInfo, Request},
    http::HeaderValue,
    middleware::{Next, from_fn},
    response::Response,
    routing::get,
};
use protocol::frame::ErrorCode;

pub(crate) use problem::Problem;

use crate::stream::{self, Shared};

/// All routes.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", get(doors::page))
        .route("/healthz", get(doors::healthz))
        .route("/readyz", get(doors::readyz))
        .route("/metrics", get(doors::metrics))
        .route("/v1/status", get(doors::status))
        .route("/v1/stream", get(stream::upgrade))
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn(name_request))
        .with_state(shared)
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

async fn wrong_method(request: Request) -> Problem {
    let message = format!("{} is not offered here; use GET", request.method());
    Problem::new(ErrorCode::MethodNotAllowed, message)
}

/// Gives every response the name under which its request stands in our logs.
async fn name_request(request: Request, next: Next) -> Response {
    let name = format!("{:016x}", rand::random::<u64>());
    tracing::debug!(request = name, method = %request.method(), path = request.uri().path(), "request");
    let mut response = next.run(request).await;
    let value = HeaderValue::from_str(&name).expect("hexadecimal digits are a header value");
    response.headers_mut().insert("x-request-id", value);
    response
}
