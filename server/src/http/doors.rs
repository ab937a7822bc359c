//! What a browser, a load balancer, Prometheus and the operator ask for.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use protocol::{
    filing::Source,
    outage::{Outage, Part},
    seq::Cursor,
    time::{Timestamp, to_millis},
};
use sec_client::Door;
use serde::Serialize;

use super::{Peer, Problem};
use crate::{
    keys::Scope,
    known::Tally,
    outages::Expected,
    progress::Progress,
    source::SourceState,
    status::{FetchState, NightState, Outages, Phase, Status},
    stream::Shared,
};

/// What Prometheus asks for.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What everybody else reads: curl, promtool, agents of other systems.
const PLAIN_METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The process is alive.
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    phase: Phase,
    stale_sources: Vec<Source>,
}

/// The log is writable (a failed write ends the process) and the sources are fresh for
/// this hour of EDGAR's calendar.
pub(crate) async fn readyz(State(shared): State<Arc<Shared>>) -> Response {
    let phase = shared.status.phase();
    let stale_sources = shared.status.stale_sources(shared.clock.now());
    let ready = phase == Phase::Running && stale_sources.is_empty();
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (
        status,
        Json(Readiness {
            ready,
            phase,
            stale_sources,
        }),
    )
        .into_response()
}

#[derive(Serialize)]
struct StatusPage {
    version: &'static str,
    phase: Phase,
    started_at: Timestamp,
    at: Timestamp,
    edgar_open: bool,
    head: Cursor,
    oldest: Cursor,
    #[serde(skip_serializing_if = "Option::is_none")]
    complete_through: Option<Timestamp>,
    sources: BTreeMap<Source, SourcePage>,
    stale_sources: Vec<Source>,
    outages: Vec<Outage>,
    today: Today,
    archive: FetchState,
    reconcile: NightState,
    #[serde(skip_serializing_if = "Option::is_none")]
    backfill: Option<Progress>,
    /// Absent where none is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    catalog: Option<CatalogState>,
    /// Events between the archive's watermark and the head.
    lag: u64,
    sec: SecState,
    sessions: u64,
}

/// A source: how its polls fare, whether it is down, what is expected of it.
#[derive(Serialize)]
struct SourcePage {
    state: &'static str,
    /// When it came up or was last known to work.
    since: Timestamp,
    expected: Expected,
    #[serde(flatten)]
    polls: SourceState,
}

/// How far the catalog has read the log.
#[derive(Serialize)]
struct CatalogState {
    through: Cursor,
    /// Events that it has not read yet.
    lag: u64,
}

#[derive(Serialize)]
struct Today {
    date: String,
    seen: u64,
    archived: u64,
}

#[derive(Serialize)]
struct SecState {
    door: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked_for_s: Option<u64>,
}

/// Everything an operator asks for first.
pub(crate) async fn status(State(shared): State<Arc<Shared>>) -> Response {
    let now = shared.clock.now();
    let (log, fetch) = (&shared.log, shared.status.fetch());
    Json(StatusPage {
        version: env!("CARGO_PKG_VERSION"),
        phase: shared.status.phase(),
        started_at: shared.status.started_at,
        at: to_millis(now),
        edgar_open: edgar::calendar::is_open(now),
        head: log.epoch().at(log.tip()),
        oldest: log.epoch().at(log.oldest()),
        complete_through: shared.status.complete_through(),
        sources: sources(&shared.status, now),
        outages: shared.status.outages().down.all().cloned().collect(),
        stale_sources: shared.status.stale_sources(now),
        today: today(shared.status.tally(), now),
        lag: log.tip().get().saturating_sub(fetch.watermark),
        archive: fetch,
        reconcile: shared.status.night(),
        backfill: shared.status.backfill(),
        catalog: shared.catalog.as_ref().map(|catalog| CatalogState {
            through: log.epoch().at(catalog.through()),
            lag: catalog.through().behind(log.tip()),
        }),
        sec: sec_state(shared.sec.door()),
        sessions: shared.metrics.sessions.get(),
    })
    .into_response()
}

fn sources(status: &Status, now: Timestamp) -> BTreeMap<Source, SourcePage> {
    let outages = status.outages();
    let page = |(source, polls): (Source, SourceState)| {
        let (state, since) = standing(source, &outages).unwrap_or(("up", status.started_at));
        let page = SourcePage {
            state,
            since,
            expected: Expected::of(&polls, now),
            polls,
        };
        (source, page)
    };
    status.sources().into_iter().map(page).collect()
}

/// Whether the log tells that a source went down or came up, and since when it is so.
fn standing(source: Source, outages: &Outages) -> Option<(&'static str, Timestamp)> {
    let part = Part::watching(source)?;
    let down = outages.down.of(part).map(|outage| ("down", outage.since));
    down.or_else(|| Some(("up", *outages.up_since.get(&part)?)))
}

fn today(tally: Tally, now: Timestamp) -> Today {
    let date = protocol::time::eastern_day(now);
    let is_today = tally.day == Some(date);
    Today {
        date: date.to_string(),
        seen: if is_today { tally.seen } else { 0 },
        archived: if is_today { tally.archived } else { 0 },
    }
}

fn sec_state(door: Door) -> SecState {
    match door {
        Door::Open => SecState {
            door: "open",
            blocked_for_s: None,
        },
        Door::Blocked { left } => SecState {
            door: "blocked",
            blocked_for_s: Some(left.as_secs()),
        },
        Door::Probing => SecState {
            door: "probing",
            blocked_for_s: None,
        },
    }
}

/// Metrics for Prometheus: from this machine, or with an API key of scope `metrics`.
pub(crate) async fn metrics(
    State(shared): State<Arc<Shared>>,
    peer: Peer,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if !peer.0.ip().to_canonical().is_loopback() {
        shared.authorize(peer.0.ip(), &headers, None, Scope::Metrics)?;
    }
    let sampled = &shared.metrics.sampled;
    let fetch = shared.status.fetch();
    let counts = shared.sec.counts();
    sampled.log_tip.set(shared.log.tip().get());
    sampled.fetch_watermark.set(fetch.watermark);
    sampled.fetch_backlog.set(fetch.backlog);
    sampled.fetch_parked_filings.set(fetch.parked.filings);
    sampled.fetch_parked_bytes.set(fetch.parked.bytes);
    sampled.fetch_paused.set(u64::from(fetch.paused.is_some()));
    sampled.archive_up.set(u64::from(fetch.up));
    sampled
        .edgar_door_open
        .set(u64::from(matches!(shared.sec.door(), Door::Open)));
    shared.metrics.set_edgar_blocks(counts.blocks);
    sampled
        .sources_stale
        .set(shared.status.stale_sources(shared.clock.now()).len() as u64);
    if let Some(catalog) = &shared.catalog {
        sampled.catalog_through.set(catalog.through().get());
    }
    sample_sources(&shared);
    for (priority, requests) in counts.requests {
        shared.metrics.set_edgar_requests(priority.name(), requests);
    }
    let accept = headers.get(header::ACCEPT).and_then(|it| it.to_str().ok());
    let (kind, text) = if accept.is_some_and(|kinds| kinds.contains("application/openmetrics-text"))
    {
        (OPEN_METRICS, shared.metrics.render())
    } else {
        (PLAIN_METRICS, shared.metrics.render_plain())
    };
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

fn sample_sources(shared: &Shared) {
    let Shared {
        status,
        metrics,
        clock,
        ..
    } = shared;
    let (now, outages) = (clock.now(), status.outages());
    for part in [Part::Atom, Part::Efts, Part::Archive] {
        metrics.set_part_up(part, !outages.is_down(part));
    }
    let age = |at: Option<Timestamp>| {
        let age = now.duration_since(at.unwrap_or(status.started_at));
        u64::try_from(age.as_secs()).unwrap_or(0)
    };
    for (source, state) in status.sources() {
        metrics.set_source_ages(source, age(state.last_success), age(state.last_new));
    }
}
