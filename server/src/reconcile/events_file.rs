//! The event files of sealed days: `events/D.ndjson.zst` in the bucket, with its checksum.
//!
//! They are one more reader of the log: for each `day.sealed` that it meets it writes the
//! frames of the day, in order, byte for byte as subscribers got them, and last the seal
//! itself. So that every frame is in one file, what came after a seal, and on days that
//! are never sealed, opens the file of the next sealed day. What was there long before the
//! first seal is in none.
//!
//! The place in the log is kept in a small file. Without it all files are made again, which
//! changes nothing: the same log gives the same bytes, and what is in the bucket stays.
//!
//! Invariant: each event but the seals is in one file; a seal is the last line of its own.

use std::{
    fs,
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use archive::{
    bucket::Bucket,
    error::BucketError,
    key::{Key, Layout},
    staging::{Draft, Staged, Staging},
};
use jiff::ToSpan;
use protocol::{
    event::{Body, Event},
    seq::{Epoch, Seq},
    time::{Date, Timestamp, eastern_day},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::{io::AsyncReadExt, task::block_in_place};

use crate::{
    durable,
    log::{Reader, Record},
};

/// What is read of the log at a time.
const BATCH: (usize, usize) = (2048, 1 << 20);

/// As dense as is still fast: a day is compressed in a second.
const LEVEL: i32 = 9;

/// The writer of event files.
#[derive(Debug, Clone)]
pub(crate) struct EventFiles {
    log: Reader,
    bucket: Arc<dyn Bucket>,
    staging: Staging,
    layout: Layout,
    place: PathBuf,
}

/// The file in the data directory that says how far the files reach.
const PLACE: &str = "events.json";

/// Days before the first seal whose events are in its file: a long weekend, and more.
const FIRST_REACHES_BACK: i32 = 10;

/// How far the files reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    epoch: Epoch,
    /// Every event up to here is in a file, but for seals; `None` before the first file.
    through: Option<Seq>,
    /// Every seal up to here has its file.
    searched: Seq,
}

/// Up to where every event but the seals is in a file; `None` before the first file.
///
/// # Errors
/// When the place cannot be read.
pub(crate) fn filed_through(log: &Reader, data_dir: &Path) -> anyhow::Result<Option<Seq>> {
    Ok(Place::load(&data_dir.join(PLACE), log)?.through)
}

impl Place {
    /// The place, which is the beginning when the file is missing, damaged, or of another log.
    fn load(file: &Path, log: &Reader) -> anyhow::Result<Self> {
        let beginning = Self {
            epoch: log.epoch().clone(),
            through: None,
            searched: Seq::ZERO,
        };
        let bytes = match fs::read(file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(beginning),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read `{}`", file.display()));
            }
        };
        let place: Option<Place> = serde_json::from_slice(&bytes).ok();
        let tip = log.tip();
        let fits = |place: &Place| {
            place.epoch == beginning.epoch && place.through <= Some(tip) && place.searched <= tip
        };
        Ok(place.filter(fits).unwrap_or_else(|| {
            tracing::warn!(file = %file.display(), "not of this log; the files of events are made again");
            beginning
        }))
    }
}

impl EventFiles {
    pub(crate) fn new(log: Reader, store: &daily::Store, data_dir: &Path) -> Self {
        Self {
            log,
            bucket: store.bucket.clone(),
            staging: store.staging.clone(),
            layout: store.layout.clone(),
            place: data_dir.join(PLACE),
        }
    }

    /// Writes the files of all seals in the log that have none. `any` says whether the log
    /// has any seal at all.
    ///
    /// # Errors
    /// When the log, the disk or the bucket fails; the next call goes on from there.
    pub(crate) async fn bring_up_to_date(&self, any: bool) -> anyhow::Result<()> {
        let mut place = Place::load(&self.place, &self.log)?;
        if !any {
            place.searched = self.log.tip();
        }
        loop {
            let seal = self.next_seal(&mut place).await?;
            if let Some((seal, day)) = seal {
                place.through = Some(self.write(place.through, seal, day).await?);
                crashpoint::pass("events.summed");
            }
            let bytes = serde_json::to_vec(&place).context("a place is JSON")?;
            block_in_place(|| durable::replace(&self.place, &bytes))
                .with_context(|| format!("cannot write `{}`", self.place.display()))?;
            if seal.is_none() {
                return Ok(());
            }
        }
    }

    /// The next seal from the place on, which is moved there.
    async fn next_seal(&self, place: &mut Place) -> anyhow::Result<Option<(Seq, Date)>> {
        loop {
            let records = self.read(place.searched).await?;
            let seal = records.iter().find(|record| is_seal(&record.frame));
            let Some(reached) = seal.or(records.last()) else {
                return Ok(None);
            };
            place.searched = reached.seq;
            if let Some(seal) = seal {
                return Ok(Some((seal.seq, day_of(seal)?)));
            }
        }
    }

    /// Writes the file of one seal, with what comes after `through`; gives the last event in it.
    async fn write(&self, through: Option<Seq>, seal: Seq, day: Date) -> anyhow::Result<Seq> {
        let after = match through {
            Some(through) => through,
            None => {
                self.last_of(day.saturating_sub(FIRST_REACHES_BACK.days()))
                    .await?
            }
        };
        let last = self.last_of(day).await?.min(seal.prev()).max(after);
        let file = self.compress(after, last, seal).await?;
        let key = self.put(day, &file).await?;
        tracing::info!(%day, %key, events = last.get() - after.get() + 1, "events of the day written");
        Ok(last)
    }

    /// The last event that entered the log on `day` or before.
    async fn last_of(&self, day: Date) -> anyhow::Result<Seq> {
        let is_before = move |frame: &[u8]| {
            serde_json::from_slice::<AtOnly>(frame).is_ok_and(|event| eastern_day(event.at) <= day)
        };
        let first_after = self.log.partition_point(is_before).await;
        Ok(first_after.context(UNREADABLE)?.prev())
    }

    async fn compress(&self, after: Seq, last: Seq, seal: Seq) -> anyhow::Result<Staged> {
        const CANNOT: &str = "cannot stage the events of a day";
        let draft = self.staging.draft().context(CANNOT)?;
        let mut out = zstd::Encoder::new(draft, LEVEL).context(CANNOT)?;
        let mut cursor = after;
        while cursor < last {
            let records = self.read(cursor).await?;
            let Some(read) = records.last() else { break };
            cursor = read.seq;
            let ours = records
                .iter()
                .filter(|r| r.seq <= last && !is_seal(&r.frame));
            block_in_place(|| write_lines(&mut out, ours)).context(CANNOT)?;
        }
        let records = self.read(seal.prev()).await?;
        let finish = || {
            write_lines(&mut out, records.iter().take(1))?;
            out.finish()?.finish()
        };
        block_in_place(finish).context(CANNOT)
    }

    /// Puts the file and its checksum; gives the key. Where a file of another log is, ours
    /// is kept beside it.
    async fn put(&self, day: Date, file: &Staged) -> anyhow::Result<Key> {
        let key = self.layout.events(day)?;
        if self.put_or_equal(&key, file).await? {
            crashpoint::pass("events.put");
            return self.put_checksum(key, file).await;
        }
        let beside = key.beside(self.log.epoch().as_str())?;
        tracing::warn!(%key, %beside, "the bucket has other events of that day; these are kept beside them");
        anyhow::ensure!(
            self.put_or_equal(&beside, file).await?,
            "the bucket has two other files of the events of {day}: `{key}` and `{beside}`; move one away"
        );
        self.put_checksum(beside, file).await
    }

    async fn put_checksum(&self, key: Key, file: &Staged) -> anyhow::Result<Key> {
        let name = key.as_str().rsplit('/').next().unwrap_or_default();
        let line = format!("{}  {name}\n", file.sha256());
        let write = || -> io::Result<Staged> {
            let mut draft = self.staging.draft()?;
            draft.write_all(line.as_bytes())?;
            draft.finish()
        };
        let staged = block_in_place(write).context("cannot stage a checksum")?;
        let checksum = Key::parse(&format!("{key}.sha256"))?;
        anyhow::ensure!(
            self.put_or_equal(&checksum, &staged).await?,
            "`{checksum}` is not the checksum of `{key}`; one of them is damaged: move both away"
        );
        Ok(key)
    }

    /// Whether the bucket has exactly this under the key, now or already.
    async fn put_or_equal(&self, key: &Key, object: &Staged) -> Result<bool, BucketError> {
        match self.bucket.put(key, object).await {
            Err(BucketError::AlreadyExists(_)) => Ok(self.sha256(key).await? == object.sha256()),
            done => done.map(|()| true),
        }
    }

    async fn sha256(&self, key: &Key) -> Result<String, BucketError> {
        let mut body = self.bucket.open(key).await?.body;
        let (mut hash, mut piece) = (Sha256::new(), vec![0; 64 << 10]);
        loop {
            let unreadable = |source| BucketError::Unavailable {
                key: key.clone(),
                source,
            };
            match body.read(&mut piece).await.map_err(unreadable)? {
                0 => return Ok(hex::encode(hash.finalize())),
                read => hash.update(&piece[..read]),
            }
        }
    }

    /// Records after `after`; those no longer kept are passed over.
    async fn read(&self, after: Seq) -> anyhow::Result<Vec<Arc<Record>>> {
        let after = after.max(self.log.oldest().prev());
        let (records, bytes) = BATCH;
        self.log
            .read_after(after, records, bytes)
            .await
            .context(UNREADABLE)
    }
}

const UNREADABLE: &str = "the event log cannot be read";

#[derive(Deserialize)]
struct AtOnly {
    at: Timestamp,
}

/// Whether a frame is a seal. Every event has its type first, so millions need no parsing.
fn is_seal(frame: &[u8]) -> bool {
    frame.starts_with(br#"{"type":"day.sealed","#)
}

fn day_of(record: &Record) -> anyhow::Result<Date> {
    let event = Event::from_frame(&record.frame);
    match event.with_context(|| format!("event {} of the log is not one of ours", record.seq))? {
        Event {
            body: Body::DaySealed(day),
            ..
        } => Ok(day.date),
        _ => anyhow::bail!(
            "event {} of the log is no seal, but begins as one",
            record.seq
        ),
    }
}

fn write_lines<'a>(
    out: &mut zstd::Encoder<'_, Draft>,
    records: impl Iterator<Item = &'a Arc<Record>>,
) -> io::Result<()> {
    for record in records {
        out.write_all(&record.frame)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
