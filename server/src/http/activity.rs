//! `GET /v1/activity`: today beside a usual day, and how soon filings are seen.
//!
//! Elsewhere: what is counted and how (`activity`).

use std::sync::Arc;

use axum::{Json, extract::State};

use crate::{activity::Page, stream::Shared};

/// Open to everybody, as the status is.
pub(crate) async fn activity(State(shared): State<Arc<Shared>>) -> Json<Page> {
    Json(shared.activity.page(shared.clock.now()))
}
