//! `POST /v1/tickets`: a ticket for the API key that asks.
//!
//! Elsewhere: what a ticket is (`tickets`), where it is taken (`credentials`).

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use protocol::time::{Timestamp, to_millis};
use serde::Serialize;

use super::{Peer, Problem};
use crate::{stream::Shared, tickets::LIFE};

#[derive(Serialize)]
struct Issued {
    ticket: String,
    expires_at: Timestamp,
}

/// Gives a ticket to any valid API key, whatever its scopes: it opens what the key does.
pub(crate) async fn issue(
    State(shared): State<Arc<Shared>>,
    peer: Peer,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let key = shared.authenticate(peer.0.ip(), &headers, None)?;
    let issued = Issued {
        ticket: shared.tickets.issue(&key.id)?,
        expires_at: to_millis(Timestamp::now() + LIFE),
    };
    let unkept = [(header::CACHE_CONTROL, "no-store")];
    Ok((StatusCode::CREATED, unkept, Json(issued)).into_response())
}
