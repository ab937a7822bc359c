//! Receiving an index file, and judging whether it is whole and of the time asked for.
//!
//! The file is read as it comes, in pieces; it may be compressed.
//!
//! Elsewhere: that a body is as long as announced (`sec-client`), what a row is
//! (`edgar::index`).
//!
//! Invariant: no more is held than one piece, decompressed, and the rows.

use std::io::Write;

use edgar::error::IndexError;
use edgar::index::{Kind, Reader, Rejected, Summary};
use flate2::write::GzDecoder;
use protocol::time::Date;
use sec_client::{Body, SecError};

use super::Quarter;
use super::failure::{Damage, IndexFailure};
use super::rows::Rows;

/// A compressed piece. It becomes 16 MB at most: deflate does no better than 1,030 to 1.
const PIECE_BYTES: usize = 16 * 1_024;

/// The largest day so far has 1.7 MB, the largest quarter 33 MB.
const DAY_LIMIT_BYTES: usize = 32 << 20;
const QUARTER_LIMIT_BYTES: usize = 192 << 20;

/// Bad rows per thousand from which on a file is damaged rather than odd.
const BAD_PER_MILLE: usize = 5;

/// With which bytes compressed ones begin.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Which index was asked for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Expected {
    Day(Date),
    Quarter(Quarter),
}

/// A whole index.
#[derive(Debug, PartialEq)]
pub(super) struct Read {
    /// By accession.
    pub(super) rows: Rows,
    pub(super) rejected: Vec<Rejected>,
    /// The day up to which it is complete.
    pub(super) through: Date,
}

/// Receives the file at `path`.
pub(super) async fn receive(
    path: &str,
    mut body: Body,
    expected: Expected,
) -> Result<Read, IndexFailure> {
    let damaged = |damage| IndexFailure::damaged(path, damage);
    let limit = expected.limit_bytes();
    let mut intake = Intake::default();
    while let Some(chunk) = body.chunk().await.map_err(|e| IndexFailure::of(path, e))? {
        intake.take(&chunk).map_err(damaged)?;
        if intake.bytes > limit {
            return Err(IndexFailure::of(path, SecError::TooLarge { limit }));
        }
    }
    intake
        .finish()
        .and_then(|(summary, rows)| expected.check(summary, rows))
        .map_err(damaged)
}

impl Expected {
    fn limit_bytes(self) -> usize {
        match self {
            Self::Day(_) => DAY_LIMIT_BYTES,
            Self::Quarter(_) => QUARTER_LIMIT_BYTES,
        }
    }

    /// Whether an index made on this day is the one asked for.
    fn is_of(self, made_on: Date) -> bool {
        match self {
            Self::Day(day) => day == made_on,
            Self::Quarter(quarter) => quarter == Quarter::of(made_on),
        }
    }

    fn check(self, summary: Summary, mut rows: Rows) -> Result<Read, Damage> {
        let found = summary.last_data_received;
        let through = found.filter(|day| self.is_of(*day));
        let through = through.ok_or(Damage::OtherTime { found })?;
        let (bad, all) = (summary.rejected.len(), summary.rejected.len() + rows.len());
        if bad * 1_000 > all * BAD_PER_MILLE {
            return Err(Damage::BadRows { bad, rows: all });
        }
        rows.sort();
        Ok(Read {
            rows,
            rejected: summary.rejected,
            through,
        })
    }
}

/// What has come so far.
#[derive(Debug, Default)]
struct Intake {
    gunzip: Option<GzDecoder<Vec<u8>>>,
    reader: Reader,
    rows: Rows,
    /// Decompressed.
    bytes: usize,
}

impl Intake {
    fn take(&mut self, chunk: &[u8]) -> Result<(), Damage> {
        if self.bytes == 0 && chunk.starts_with(&GZIP) {
            self.gunzip = Some(GzDecoder::new(Vec::new()));
        }
        for piece in chunk.chunks(PIECE_BYTES) {
            self.take_piece(piece)?;
        }
        Ok(())
    }

    fn take_piece(&mut self, piece: &[u8]) -> Result<(), Damage> {
        let Some(gunzip) = &mut self.gunzip else {
            return self.read(piece);
        };
        gunzip.write_all(piece).map_err(Damage::Compressed)?;
        let plain = std::mem::take(gunzip.get_mut());
        self.read(&plain)
    }

    fn read(&mut self, plain: &[u8]) -> Result<(), Damage> {
        self.bytes += plain.len();
        let rows = &mut self.rows;
        let pushed = self.reader.push(plain, &mut |row| rows.push(row));
        pushed.map_err(Damage::Format)
    }

    /// What has come is all. Only compressed bytes prove by themselves that they are whole.
    fn finish(mut self) -> Result<(Summary, Rows), Damage> {
        let proves_itself = self.gunzip.is_some();
        if let Some(gunzip) = self.gunzip.take() {
            let plain = gunzip.finish().map_err(Damage::Compressed)?;
            self.read(&plain)?;
        }
        let mut rows = self.rows;
        let summary = self.reader.finish(&mut |row| rows.push(row));
        let summary = summary.map_err(Damage::Format)?;
        if !summary.ends_with_newline && !proves_itself {
            return Err(Damage::Cut);
        }
        if summary.kind != Kind::Master {
            return Err(Damage::Format(IndexError::NotMaster(summary.kind)));
        }
        Ok((summary, rows))
    }
}
