//! The doors described: `/openapi.json`, `/asyncapi.json`, and `/docs` to try them.
//!
//! [`doors`] lists what is served over HTTP and who may ask; [`openapi`] and [`asyncapi`] write
//! the two documents, with the shapes of `schemas.json` and the closed sets of names from the
//! enums themselves ([`shapes`]).
//!
//! Invariant: what is described is what is served. A test compares the list with the router,
//! others every frame and answer that they meet with its schema.

mod asyncapi;
mod doors;
mod openapi;
mod shapes;

use std::sync::LazyLock;

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use serde_json::Value;

use super::page;

static OPENAPI: LazyLock<String> = LazyLock::new(|| openapi::document().to_string());
static ASYNCAPI: LazyLock<String> = LazyLock::new(|| asyncapi::document().to_string());

/// The OpenAPI document.
pub(super) async fn openapi() -> Response {
    json(&OPENAPI)
}

/// The AsyncAPI document, with the schemas of all frames and client messages.
pub(super) async fn asyncapi() -> Response {
    json(&ASYNCAPI)
}

/// A page to read about the doors and to try them.
pub(super) async fn docs() -> Response {
    page::page(include_str!("docs.html"))
}

fn json(document: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, document).into_response()
}

/// A part of the program's own JSON.
fn parse(json: &str) -> Value {
    serde_json::from_str(json).expect("a test reads it")
}
