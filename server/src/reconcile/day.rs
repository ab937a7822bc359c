//! One day's steps, from its index to its seal.
//!
//! Read the index; let the updater take all it lists, which tells what was known; wait for
//! the submissions of what was not; keep the roll; append the seal. Each step can be made
//! again, and the seal is appended once, so the program may end anywhere.
//!
//! An index has neither a count nor a checksum, and one that is cut behind its header reads
//! as one of a day without filings. EDGAR has no such business day: nothing is sealed.
//!
//! Elsewhere: which day when (`schedule`), what is written after the seal (`seal`,
//! `events_file`).
//!
//! Invariant: a seal comes after `filing.seen` of all it counts, and after
//! `filing.archived` of all but those it names; it counts one filing at least.

use std::{collections::BTreeSet, time::Instant};

use anyhow::Context;
use monitors::daily_index::{Listing, Origin};
use protocol::{
    accession::Accession,
    day::Day,
    event::{Body, EventType},
    filing::{Filing, Source},
    seq::Seq,
    time::{Date, Timestamp, eastern_day, from_eastern},
};
use serde::Deserialize;
use tokio::{task::block_in_place, time::sleep_until};

use super::{NightError, Parts, Sealing, seal::Roll};
use crate::{known::Standing, log, orders::Stopping, progress::Teller};

/// Filings given to the updater at a time: live ones never wait for more than these.
pub(super) const BATCH: usize = 500;

/// Most filings of a day: the busiest had about 10,000.
const LISTED_MAX: usize = 100_000;

/// Most filings that a seal can name and still fit a frame of the log.
const NAMED_MAX: usize = 40_000;

/// What an index and the log say together.
#[derive(Debug)]
pub(super) enum Gathering {
    /// All of it is in the log.
    Gathered(Gathered),
    /// EDGAR has not written its index yet.
    NotOut,
    /// EDGAR was closed: there is nothing to seal.
    NoIndex,
    /// Its index lists nothing, as if it were cut behind its header.
    Empty,
}

/// A day that can be sealed.
#[derive(Debug)]
pub(super) struct Gathered {
    /// What the seal says.
    pub(super) day: Day,
    roll: Roll,
}

/// Takes what EDGAR lists for `day` and waits for it to be archived.
///
/// # Errors
/// [`NightError`]; the day can be tried again.
pub(super) async fn gather(
    parts: &Parts,
    day: Date,
    tell: &Teller,
) -> Result<Gathering, NightError> {
    tell.begin(format!("reading the index of {day}"), 0);
    let origin = Origin {
        source: Source::DailyIndex,
        late: eastern_day(parts.clock.now()) > day,
    };
    let filings = match parts.index.day(day, origin).await? {
        Listing::NotOut => return Ok(Gathering::NotOut),
        Listing::NoIndex if was_open(parts, day).await? => return Ok(Gathering::NotOut),
        Listing::NoIndex => return Ok(Gathering::NoIndex),
        Listing::Out(index) if index.filings.is_empty() => return Ok(Gathering::Empty),
        Listing::Out(index) => index.filings,
    };
    believable(day, filings.len(), LISTED_MAX)?;
    let roll: Roll = filings.iter().map(|filing| filing.accession).collect();
    let old: Vec<Filing> = filings.iter().filter(|f| is_old(f, day)).cloned().collect();
    let before = parts.log.tip();
    tell.begin(format!("comparing the filings of {day}"), filings.len());
    let taken = take(parts, filings, tell).await?;
    crashpoint::pass("day.taken");
    look_again(parts, day, old, &taken)?;
    let unarchived = await_archive(parts, before, &taken, tell).await?;
    crashpoint::pass("day.archived");
    let day = summary(day, &roll, &taken, unarchived);
    Ok(Gathering::Gathered(Gathered { day, roll }))
}

/// Whether EDGAR was closed on a day of which it lists nothing.
///
/// # Errors
/// [`NightError`]; it can be asked again.
pub(super) async fn was_closed(parts: &Parts, day: Date) -> Result<bool, NightError> {
    Ok(!was_open(parts, day).await? && parts.index.has_later(day).await?)
}

/// Whether the log has a filing of `day`, so that EDGAR was not closed.
async fn was_open(parts: &Parts, day: Date) -> anyhow::Result<bool> {
    let begin = from_eastern(day.at(0, 0, 0, 0)).unwrap_or(Timestamp::UNIX_EPOCH);
    let first = log::first_at(&parts.log, begin).await;
    let mut cursor = first.context(UNREADABLE)?.prev();
    loop {
        let records = parts.log.read_after(cursor, 2048, 1 << 20).await;
        let records = records.context(UNREADABLE)?;
        let Some(last) = records.last() else {
            return Ok(false);
        };
        if records.iter().any(|record| is_filed_on(day, &record.frame)) {
            return Ok(true);
        }
        cursor = last.seq;
    }
}

/// Whether a filing that is listed for `day` can have been public before.
pub(super) fn is_old(filing: &Filing, day: Date) -> bool {
    filing.filed_on.is_some_and(|filed_on| filed_on < day)
}

/// Asks for the submissions of filings again that EDGAR has disseminated once more, perhaps
/// with other bytes: those that an earlier sealed day lists too, or of which the archive had
/// one when they were taken, because their row can have been late on that earlier day.
pub(super) fn look_again(
    parts: &Parts,
    day: Date,
    old: Vec<Filing>,
    taken: &[(Accession, Standing)],
) -> anyhow::Result<()> {
    if old.is_empty() {
        return Ok(());
    }
    let before = block_in_place(|| parts.days.listed_before(day, &old));
    let before = before.context("the files of sealed days cannot be read")?;
    let stored = taken.iter().filter(|(_, standing)| standing.stored.sgml);
    let stored: Roll = stored.map(|(accession, _)| *accession).collect();
    let mut again = old;
    again.retain(|filing| {
        [&before, &stored]
            .iter()
            .any(|of| of.contains(filing.accession))
    });
    if again.is_empty() {
        return Ok(());
    }
    let refused = parts.again.ask(again);
    let refused = refused.context("cannot keep what is to be fetched again")?;
    if refused > 0 {
        tracing::warn!(%day, refused, "too many submissions are to be looked at again; the rest is left");
    }
    Ok(())
}

/// Appends the seal, unless the log has it, and gives the roll its name.
///
/// # Errors
/// [`NightError`]; the day can be tried again.
pub(super) async fn append(parts: &Parts, gathered: &Gathered) -> Result<Sealing, NightError> {
    let Gathered { day, roll } = gathered;
    let date = day.date;
    let named = day.recovered.len() + day.unarchived.len();
    believable(date, named, NAMED_MAX)?;
    let disk = || format!("cannot keep the filings of {date} below `days`");
    block_in_place(|| parts.days.draft(date, roll)).with_context(disk)?;
    crashpoint::pass("day.drafted");
    let body = Body::DaySealed(day.clone());
    if parts.orders.append(body).await?.is_none() {
        block_in_place(|| parts.days.discard(date)).with_context(disk)?;
        return Ok(Sealing::Already);
    }
    crashpoint::pass("day.sealed");
    block_in_place(|| parts.days.publish(date)).with_context(disk)?;
    crashpoint::pass("day.published");
    Ok(Sealing::Sealed(day.clone()))
}

/// Gives filings to the updater in batches; what it knows of each is the answer.
pub(super) async fn take(
    parts: &Parts,
    filings: Vec<Filing>,
    tell: &Teller,
) -> Result<Vec<(Accession, Standing)>, NightError> {
    let mut taken = Vec::with_capacity(filings.len());
    let mut filings = filings.into_iter();
    loop {
        let batch: Vec<Filing> = filings.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            return Ok(taken);
        }
        let accessions: Vec<_> = batch.iter().map(|filing| filing.accession).collect();
        let standings = parts.orders.take(batch).await?;
        taken.extend(accessions.into_iter().zip(standings));
        tell.done(taken.len());
    }
}

/// Waits until the submission of each filing is archived, or none comes any more; gives
/// those that are not, sorted. `before` is a place in the log from before they were taken.
async fn await_archive(
    parts: &Parts,
    before: Seq,
    taken: &[(Accession, Standing)],
    tell: &Teller,
) -> Result<Vec<Accession>, NightError> {
    let missing = taken.iter().filter(|(_, s)| !s.stored.sgml);
    let mut missing: BTreeSet<Accession> = missing.map(|(accession, _)| *accession).collect();
    let all = missing.len();
    tell.begin("waiting for submissions", all);
    let mut moved = parts.log.tip_changes();
    let (mut cursor, mut deadline) = (before, Instant::now() + parts.archive_wait);
    while !missing.is_empty() {
        moved.borrow_and_update();
        let records = parts.log.read_after(cursor, 1024, 1 << 20).await;
        let records = records.context(UNREADABLE)?;
        if let Some(last) = records.last() {
            cursor = last.seq;
            let waited_for = missing.len();
            records
                .iter()
                .filter_map(|record| archived(&record.frame))
                .for_each(|accession| {
                    missing.remove(&accession);
                });
            if missing.len() < waited_for {
                tell.done(all - missing.len());
                deadline = Instant::now() + parts.archive_wait;
            }
            continue;
        }
        tokio::select! {
            changed = moved.changed() => changed.map_err(|_| Stopping)?,
            () = sleep_until(deadline.into()) => break,
        }
    }
    Ok(missing.into_iter().collect())
}

fn believable(day: Date, filings: usize, most: usize) -> Result<(), NightError> {
    if filings <= most {
        return Ok(());
    }
    Err(NightError::Implausible { day, filings, most })
}

fn summary(
    day: Date,
    roll: &Roll,
    taken: &[(Accession, Standing)],
    unarchived: Vec<Accession>,
) -> Day {
    let recovered = taken.iter().filter(|(_, standing)| standing.recovered);
    let recovered: BTreeSet<Accession> = recovered.map(|(accession, _)| *accession).collect();
    Day {
        date: day,
        listed: roll.len() as u64,
        seen_live: (roll.len() - recovered.len()) as u64,
        recovered: recovered.into_iter().collect(),
        unarchived,
        sha256: roll.sha256(),
    }
}

const UNREADABLE: &str = "the event log cannot be read";

#[derive(Deserialize)]
struct Sketch {
    #[serde(rename = "type")]
    event_type: EventType,
    filing: Option<FilingSketch>,
}

#[derive(Deserialize)]
struct FilingSketch {
    accession: Accession,
    filed_on: Option<Date>,
}

fn sketch(frame: &[u8]) -> Option<(EventType, FilingSketch)> {
    let event: Sketch = serde_json::from_slice(frame).ok()?;
    Some((event.event_type, event.filing?))
}

/// Whether a frame is about a filing that was filed on `day`.
fn is_filed_on(day: Date, frame: &[u8]) -> bool {
    sketch(frame).is_some_and(|(_, filing)| filing.filed_on == Some(day))
}

/// The filing that a frame says is archived.
fn archived(frame: &[u8]) -> Option<Accession> {
    let (event_type, filing) = sketch(frame)?;
    (event_type == EventType::FilingArchived).then_some(filing.accession)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use jiff::civil::date;

    use super::*;

    const DAY: Date = date(2026, 3, 3);

    fn filing(serial: u32, filed_on: Option<Date>) -> Filing {
        let accession = format!("0001999999-26-{serial:06}").parse().unwrap();
        let seen_at = "2026-03-03T21:00:00Z".parse().unwrap();
        let form = "8-K".parse().unwrap();
        Filing {
            filed_on,
            ..Filing::new(accession, form, Source::DailyIndex, seen_at)
        }
    }

    fn frame(body: Body) -> Vec<u8> {
        let epoch = "k7q2".parse().unwrap();
        let at = "2026-03-03T21:00:00Z".parse().unwrap();
        protocol::event::Event::new(&epoch, Seq::new(7), at, body).to_frame()
    }

    #[test]
    fn only_what_was_filed_before_its_day_can_have_been_public_before() {
        let yesterday = Some(date(2026, 3, 2));

        assert!(is_old(&filing(1, yesterday), DAY));
        assert!(!is_old(&filing(1, Some(DAY)), DAY));
        assert!(!is_old(&filing(1, None), DAY));
    }

    #[test]
    fn a_frame_tells_what_is_archived_and_when_it_was_filed() {
        let of_day = filing(42, Some(DAY));
        let seen = frame(Body::FilingSeen(of_day.clone()));
        let archived_frame = frame(Body::FilingArchived(of_day.clone()));

        assert_eq!(archived(&archived_frame), Some(of_day.accession));
        assert_eq!(archived(&seen), None);
        assert_eq!(archived(b"nonsense"), None);
        assert!(is_filed_on(DAY, &seen) && !is_filed_on(date(2026, 3, 2), &seen));
        assert!(!is_filed_on(DAY, &frame(Body::FilingSeen(filing(1, None)))));
    }

    #[test]
    fn what_is_listed_is_what_was_seen_live_and_what_was_recovered() {
        let standing = |recovered| Standing {
            recovered,
            ..Standing::default()
        };
        let [one, two, three, four, five] =
            [1, 2, 3, 4, 5].map(|serial| filing(serial, None).accession);
        let roll: Roll = [one, two, three, four, five].into_iter().collect();
        let taken = [
            (three, standing(true)),
            (one, standing(false)),
            (two, standing(true)),
            (four, standing(false)),
            (five, standing(false)),
        ];

        let day = summary(DAY, &roll, &taken, vec![two]);

        assert_eq!((day.date, day.listed, day.seen_live), (DAY, 5, 3));
        assert_eq!(
            (day.recovered, day.unarchived),
            (vec![two, three], vec![two])
        );
        assert_eq!(day.sha256, roll.sha256());
    }

    #[test]
    fn more_than_can_be_is_not_believed() {
        assert!(believable(DAY, 10, 10).is_ok());

        let error = believable(DAY, 11, 10).unwrap_err();

        assert!(error.to_string().contains("2026-03-03 lists 11"), "{error}");
    }
}
