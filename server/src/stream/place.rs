//! Where a subscription begins and ends: the positions that `after` and `until` name, and
//! the frames that say so. All transports share it, so a cursor of one is good on another.
//!
//! Elsewhere: reading from there on (`walk`).
//!
//! Invariant: a position is never clamped and never guessed; what the log cannot give is
//! an error that says why.

use protocol::{
    filter::Filter,
    frame::{ErrorCode, Hello, Notice, PROTOCOL, Refusal, Subscribed, Subscription, View, encode},
    seq::{After, Cursor, Seq, Until},
    time::Timestamp,
};

use super::Shared;
use crate::log;

/// Where a subscription ends in this log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    /// Never.
    Open,
    /// With this event.
    Seq(Seq),
    /// With the last event whose `at` is not after this time.
    Time(Timestamp),
}

/// What is sent to a subscriber.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Rule {
    pub(crate) filter: Filter,
    pub(crate) view: View,
}

/// A subscription in this log.
#[derive(Debug)]
pub(crate) struct Located {
    /// Events after this one are sent.
    pub(crate) after: Seq,
    pub(crate) bound: Bound,
    pub(crate) rule: Rule,
}

/// Finds a subscription's place; without `after` it begins at `current`.
///
/// # Errors
/// A [`Refusal`] when a ticker is unknown, or the log does not hold what is asked for.
pub(crate) async fn locate(
    shared: &Shared,
    asked: Subscription,
    current: Option<Seq>,
) -> Result<Located, Refusal> {
    let Subscription {
        after,
        until,
        view,
        mut filter,
    } = asked;
    shared.tickers.resolve(&mut filter)?;
    let after = match (after, current) {
        (None, Some(current)) => current,
        (after, _) => resolve(shared, after.unwrap_or_default()).await?,
    };
    Ok(Located {
        after,
        bound: resolve_until(shared, until, after)?,
        rule: Rule { filter, view },
    })
}

/// What is said to who comes before the server serves.
pub(crate) fn starting() -> Refusal {
    let message = "the server is starting; try again in 2 seconds";
    Refusal::new(ErrorCode::Starting, message)
}

/// The greeting, a frame.
pub(crate) fn hello(shared: &Shared, authenticated: bool) -> String {
    let log = &shared.log;
    let hello = Hello {
        protocol: PROTOCOL.to_owned(),
        epoch: log.epoch().to_string(),
        head: log.epoch().at(log.tip()),
        oldest: log.epoch().at(log.oldest()),
        heartbeat_ms: shared.stream.heartbeat.as_millis() as u64,
        auth: if authenticated { "ok" } else { "required" }.to_owned(),
    };
    encode("hello", &hello)
}

/// The frame that says where a subscription begins and how its filter was understood.
pub(crate) fn subscribed(shared: &Shared, after: Seq, filter: &Filter) -> String {
    let subscribed = Subscribed {
        after: shared.log.epoch().at(after),
        filter: serde_json::to_value(filter).expect("a filter has string keys"),
        behind: after.behind(shared.log.tip()),
    };
    encode("subscribed", &subscribed)
}

/// The frame that says that the server stops, and when to come back: `nth` milliseconds
/// later than the first, so that not all come at once.
pub(crate) fn draining(nth: u64) -> String {
    const FIRST_MS: u64 = 500;
    const MOST_MS: u64 = 30_000;
    let notice = Notice {
        code: "draining".to_owned(),
        reconnect_after_ms: Some(FIRST_MS + nth.min(MOST_MS)),
    };
    encode("notice", &notice)
}

/// The position that `after` names.
///
/// # Errors
/// A [`Refusal`] when the log does not hold everything after it.
async fn resolve(shared: &Shared, after: After) -> Result<Seq, Refusal> {
    match after {
        After::Live => Ok(shared.log.tip()),
        After::Oldest => Ok(shared.log.oldest().prev()),
        After::Cursor(cursor) => resolve_cursor(shared, &cursor),
        After::Time(time) => resolve_time(shared, time).await,
    }
}

/// The end that `until` names, for a subscription that begins after `after`.
///
/// # Errors
/// A [`Refusal`] when it belongs to another log or lies before the beginning.
fn resolve_until(shared: &Shared, until: Option<Until>, after: Seq) -> Result<Bound, Refusal> {
    match until {
        None => Ok(Bound::Open),
        Some(Until::Time(time)) => Ok(Bound::Time(time)),
        Some(Until::Cursor(cursor)) if cursor.epoch != *shared.log.epoch() => {
            Err(other_log(shared, &cursor, "until"))
        }
        Some(Until::Cursor(cursor)) if cursor.seq < after => {
            let message = format!("`until` {cursor} lies before `after`; nothing can be sent");
            Err(Refusal::new(ErrorCode::FilterImpossible, message).field("until"))
        }
        Some(Until::Cursor(cursor)) => Ok(Bound::Seq(cursor.seq)),
    }
}

fn other_log(shared: &Shared, cursor: &Cursor, field: &str) -> Refusal {
    let message = format!(
        "cursor {cursor} belongs to another log; this one is `{}`: start with after=oldest or time:",
        shared.log.epoch()
    );
    Refusal::new(ErrorCode::EpochChanged, message).field(field)
}

fn resolve_cursor(shared: &Shared, cursor: &Cursor) -> Result<Seq, Refusal> {
    let log = &shared.log;
    if cursor.epoch != *log.epoch() {
        return Err(other_log(shared, cursor, "after"));
    }
    if cursor.seq > log.tip() {
        let head = log.epoch().at(log.tip());
        let message = format!("cursor {cursor} is beyond the head {head}");
        return Err(Refusal::new(ErrorCode::CursorAhead, message).field("after"));
    }
    if cursor.seq.next() < log.oldest() {
        let oldest = log.epoch().at(log.oldest());
        let message =
            format!("the events after {cursor} are no longer kept; the oldest is {oldest}");
        return Err(Refusal::new(ErrorCode::CursorGone, message).field("after"));
    }
    Ok(cursor.seq)
}

/// Whether the event of `frame` entered the log after `time`.
pub(super) fn is_after(frame: &[u8], time: Timestamp) -> bool {
    log::at(frame).is_some_and(|at| at > time)
}

async fn resolve_time(shared: &Shared, time: Timestamp) -> Result<Seq, Refusal> {
    if time > shared.clock.now() {
        let message = format!("{time} is in the future");
        return Err(Refusal::new(ErrorCode::CursorAhead, message).field("after"));
    }
    let first = log::first_at(&shared.log, time).await.map_err(|error| {
        tracing::error!(%error, "the event log cannot be read");
        Refusal::new(ErrorCode::Internal, "the event log cannot be read")
    })?;
    if first == shared.log.oldest() && first > Seq::new(1) {
        let message = format!("events from {time} on are no longer all kept; use after=oldest");
        return Err(Refusal::new(ErrorCode::CursorGone, message).field("after"));
    }
    Ok(first.prev())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn an_event_at_that_very_time_is_not_after_it() {
        let frame = br#"{"type":"x","at":"2026-03-03T12:00:00Z"}"#;

        assert!(!is_after(frame, "2026-03-03T12:00:00Z".parse().unwrap()));
        assert!(is_after(frame, "2026-03-03T11:59:59.999Z".parse().unwrap()));
    }
}
