//! Filings that EDGAR took away: told once, never deleted.
//!
//! EDGAR drops a removed filing from the quarter's index when it rebuilds that on Saturday;
//! the daily indexes keep it. What we know of it stands in the log and stays there.
//!
//! Invariant: a filing is withdrawn only when a whole index no longer lists it and its
//! submission is gone too, for an index may be older than the last rows of a day's; and never
//! together with so many others that the index itself is to be doubted.

use std::collections::HashSet;

use anyhow::Context;
use edgar::paths;
use jiff::ToSpan;
use protocol::{
    accession::Accession,
    event::{Body, Event},
    filing::Filing,
    seq::Seq,
    time::{Date, Timestamp, from_eastern},
};
use sec_client::{Priority, SecError};

use super::{NightError, Parts, day::take};
use crate::{log, progress::Teller};

/// What may vanish in a week, at least and as a share of what the sealed days list: EDGAR
/// removes a handful.
const VANISHING: (usize, usize) = (10, 1000);

/// A filing is seen at most so many days before the day of the index that lists it.
const SEEN_BEFORE_DAYS: i32 = 10;

/// Appends that the filings in `gone` are withdrawn, unless the log says so already. Each
/// comes with the sealed day that lists it; `sealed` is how many these days list together.
///
/// # Errors
/// [`NightError`]; it can be done again.
pub(super) async fn withdraw(
    parts: &Parts,
    gone: Vec<(Accession, Date)>,
    sealed: usize,
    tell: &Teller,
) -> Result<(), NightError> {
    let Some(first_day) = gone.iter().map(|(_, day)| *day).min() else {
        return Ok(());
    };
    let (least, share) = VANISHING;
    let believed = least.max(sealed / share);
    // Those of earlier weeks are among them; looking for very many more is no use.
    if gone.len() > believed.saturating_mul(100) {
        return doubt(parts, gone.len(), believed);
    }
    let gone: HashSet<_> = gone.into_iter().map(|(accession, _)| accession).collect();
    let filings = as_seen(parts, gone, first_day).await?;
    // Taking what is known changes nothing and tells whether it is withdrawn.
    let standings = take(parts, filings.clone(), tell).await?;
    let new = filings
        .into_iter()
        .zip(standings)
        .filter(|(_, (_, standing))| !standing.withdrawn);
    let new: Vec<Filing> = new.map(|(filing, _)| filing).collect();
    if new.len() > believed {
        return doubt(parts, new.len(), believed);
    }
    for filing in new {
        let accession = filing.accession;
        if !is_gone(parts, &filing).await? {
            tracing::debug!(%accession, "not listed, but EDGAR still gives its submission");
            continue;
        }
        if parts
            .orders
            .append(Body::FilingWithdrawn(filing))
            .await?
            .is_some()
        {
            parts.metrics.night.withdrawn.inc();
            tracing::info!(%accession, "EDGAR no longer lists this filing: withdrawn");
        }
    }
    Ok(())
}

/// Whether EDGAR no longer gives the submission.
async fn is_gone(parts: &Parts, filing: &Filing) -> Result<bool, NightError> {
    let submitter = filing.accession.submitter();
    let cik = filing.filers.first().map_or(submitter, |filer| filer.cik);
    let path = paths::submission(cik, filing.accession);
    let url = paths::url(&parts.www_url, &path);
    match parts.sec.open(&url, Priority::Repair).await {
        Ok(_) => Ok(false),
        Err(SecError::Absent { .. }) => Ok(true),
        Err(error) => Err(NightError::Silent(error)),
    }
}

fn doubt(parts: &Parts, gone: usize, believed: usize) -> Result<(), NightError> {
    parts.metrics.night.doubted.inc();
    tracing::warn!(
        gone,
        believed,
        "an index lacks more filings of sealed days than EDGAR removes; nothing is taken as withdrawn"
    );
    Ok(())
}

/// The filings as the log has them. What is no longer kept there is passed over.
async fn as_seen(
    parts: &Parts,
    mut wanted: HashSet<Accession>,
    first_day: Date,
) -> Result<Vec<Filing>, NightError> {
    let begin = first_day.saturating_sub(SEEN_BEFORE_DAYS.days());
    let begin = from_eastern(begin.at(0, 0, 0, 0)).unwrap_or(Timestamp::UNIX_EPOCH);
    let first = log::first_at(&parts.log, begin).await;
    let mut cursor: Seq = first.context(UNREADABLE)?.prev();
    let mut found = Vec::with_capacity(wanted.len());
    while !wanted.is_empty() {
        let records = parts.log.read_after(cursor, 2048, 1 << 20).await;
        let records = records.context(UNREADABLE)?;
        let Some(last) = records.last() else { break };
        cursor = last.seq;
        for record in records.iter().filter(|record| is_seen(&record.frame)) {
            let event = Event::from_frame(&record.frame).context(UNREADABLE)?;
            if let Body::FilingSeen(filing) = event.body
                && wanted.remove(&filing.accession)
            {
                found.push(filing);
            }
        }
    }
    Ok(found)
}

const UNREADABLE: &str = "the event log cannot be read";

fn is_seen(frame: &[u8]) -> bool {
    frame.starts_with(br#"{"type":"filing.seen","#)
}
