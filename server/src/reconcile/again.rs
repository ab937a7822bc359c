//! Sealed ground looked at again: what surfaces late, and what EDGAR takes away.
//!
//! Of all filings 0.4 % surface a day late and 0.2 % five days or more. So the indexes of
//! the days before the newest are read again every night, and the quarter every week after
//! EDGAR has rebuilt it. What is new there travels the normal road with `late`; it belongs
//! to no seal. What a rebuilt quarter no longer lists is withdrawn, unless so much is gone
//! that the index is to be doubted.
//!
//! Elsewhere: finding what is known of a withdrawn filing (`withdrawn`).
//!
//! Invariant: nothing here changes a seal or its file.

use std::collections::HashSet;

use anyhow::Context;
use jiff::ToSpan;
use monitors::daily_index::{Listing, Origin, Quarter, QuarterIndex, QuarterListing, Wanted};
use protocol::{
    accession::Accession,
    filing::{Filing, Source},
    time::Date,
};
use tokio::task::block_in_place;

use super::{
    NightError, Parts,
    day::{BATCH, is_old, look_again, take},
    schedule::Past,
    withdrawn,
};
use crate::{known::Standing, progress::Teller};

/// Whatever surfaces on sealed ground is late.
const LATE: Origin = Origin {
    source: Source::DailyIndex,
    late: true,
};

/// How long after its end a quarter is still read.
const AFTER_QUARTER_DAYS: i32 = 21;

/// Reads the indexes of the sealed days before `newest` again, as many as are due.
///
/// # Errors
/// [`NightError`]; all of it can be done again.
pub(super) async fn days(
    parts: &Parts,
    past: &Past,
    newest: Date,
    tell: &Teller,
) -> Result<(), NightError> {
    for day in past.to_read_again(newest) {
        again(parts, day, tell).await?;
    }
    Ok(())
}

async fn again(parts: &Parts, day: Date, tell: &Teller) -> Result<(), NightError> {
    tell.begin(format!("reading the index of {day} again"), 0);
    let Listing::Out(index) = parts.index.day(day, LATE).await? else {
        tracing::warn!(%day, "EDGAR no longer has the index of this sealed day");
        return Ok(());
    };
    let roll = block_in_place(|| parts.days.read(day)).context("a sealed day cannot be read")?;
    let roll = roll.unwrap_or_default();
    let is_new = |filing: &Filing| !roll.contains(filing.accession);
    let new: Vec<Filing> = index.filings.into_iter().filter(is_new).collect();
    if !new.is_empty() {
        let late = new.iter().map(|filing| filing.accession).collect();
        let kept = block_in_place(|| parts.days.keep_late(day, &late));
        kept.with_context(|| format!("cannot keep what surfaced of {day} below `days`"))?;
    }
    let old = new.iter().filter(|filing| is_old(filing, day));
    let old = old.cloned().collect();
    let taken = surface(parts, new, tell).await?;
    look_again(parts, day, old, &taken)?;
    Ok(())
}

/// Reads the quarters of the sealed days as they were rebuilt on `saturday`.
///
/// # Errors
/// [`NightError`]; all of it can be done again.
pub(super) async fn quarters(
    parts: &Parts,
    past: &Past,
    saturday: Date,
    tell: &Teller,
) -> Result<(), NightError> {
    let earlier = saturday.saturating_sub(AFTER_QUARTER_DAYS.days());
    let mut quarters = vec![Quarter::of(earlier), Quarter::of(saturday)];
    quarters.dedup();
    for quarter in quarters {
        let Quarter {
            year,
            quarter: number,
        } = quarter;
        tell.begin(
            format!("reading the index of quarter {number} of {year}"),
            0,
        );
        match parts.index.quarter(quarter).await? {
            QuarterListing::NotOut => {}
            QuarterListing::Out(index) => compare(parts, past, &index, tell).await?,
        }
    }
    Ok(())
}

/// Compares a quarter with the sealed days in it.
async fn compare(
    parts: &Parts,
    past: &Past,
    index: &QuarterIndex,
    tell: &Teller,
) -> Result<(), NightError> {
    let Some(last) = past.sealed.last() else {
        return Ok(());
    };
    let listed: HashSet<u64> = index.accessions().map(Accession::get).collect();
    let in_quarter = |day: &&Date| Quarter::of(**day) == index.quarter && **day <= index.through;
    let mut sealed = HashSet::new();
    let mut gone = Vec::new();
    for day in past.sealed.iter().filter(in_quarter) {
        // Also what surfaced later: EDGAR may take that away like any other.
        let roll = block_in_place(|| parts.days.listed(*day));
        let roll = roll.context("a sealed day cannot be read")?;
        gone.extend(
            roll.iter()
                .filter(|accession| !listed.contains(&accession.get()))
                .map(|a| (a, *day)),
        );
        sealed.extend(roll.iter().map(Accession::get));
    }
    withdrawn::withdraw(parts, gone, sealed.len(), tell).await?;
    let wanted = Wanted {
        from: past.since,
        to: *last,
        forms: None,
    };
    let filings = index.filings(&wanted, LATE);
    let mut new = filings.filter(|filing| !sealed.contains(&filing.accession.get()));
    loop {
        let batch: Vec<Filing> = new.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            return Ok(());
        }
        surface(parts, batch, tell).await?;
    }
}

/// Lets the updater take what sealed days do not have; gives what it knows of each.
async fn surface(
    parts: &Parts,
    filings: Vec<Filing>,
    tell: &Teller,
) -> Result<Vec<(Accession, Standing)>, NightError> {
    let before = parts.metrics.seen(Source::DailyIndex);
    let taken = take(parts, filings, tell).await?;
    let new = parts.metrics.seen(Source::DailyIndex) - before;
    if new > 0 {
        parts.metrics.night.late.inc_by(new);
        tracing::info!(filings = new, "filings surfaced after their day was sealed");
    }
    Ok(taken)
}
