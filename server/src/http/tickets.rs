//! `POST /v1/tickets`: a ticket for the API key that asks; with `filing` one for that filing's
//! documents.
//!
//! Elsewhere: what a ticket is (`tickets`), where it is taken (`credentials`).

use std::sync::Arc;

use axum::{
    Json,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use protocol::time::{Timestamp, to_millis};
use serde::Serialize;

use super::{Peer, Problem, Query, READING, archive::parse_accession};
use crate::{
    stream::Shared,
    tickets::{LIFE, READING_LIFE},
};

#[derive(Serialize)]
struct Issued {
    ticket: String,
    expires_at: Timestamp,
    /// The folder of the filing's documents.
    #[serde(skip_serializing_if = "Option::is_none")]
    documents: Option<String>,
}

/// Gives a ticket to any valid API key, whatever its scopes: it opens what the key does.
pub(crate) async fn issue(
    State(shared): State<Arc<Shared>>,
    peer: Peer,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let key = shared.authenticate(peer.0.ip(), &headers, None)?;
    let query = Query::split(&query.unwrap_or_default(), &["filing"])?;
    query.no_more()?;
    let issued = match query.get("filing") {
        None => Issued {
            ticket: shared.tickets.issue(&key.id)?,
            expires_at: to_millis(Timestamp::now() + LIFE),
            documents: None,
        },
        Some(filing) => {
            let filing = parse_accession(filing).map_err(|refusal| refusal.field("filing"))?;
            let ticket = shared.tickets.issue_for(&key.id, filing)?;
            Issued {
                documents: Some(format!("{READING}{ticket}/{filing}/")),
                ticket,
                expires_at: to_millis(Timestamp::now() + READING_LIFE),
            }
        }
    };
    let unkept = [(header::CACHE_CONTROL, "no-store")];
    Ok((StatusCode::CREATED, unkept, Json(issued)).into_response())
}
