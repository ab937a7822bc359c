//! Submissions read as a whole: recorded ones, hand-written traps, hostile bytes.

#![allow(clippy::unwrap_used, reason = "tests")]

mod cut;
mod datamule;
mod hostile;
mod plain;
mod recorded;
mod series;
mod traps;

use super::*;

/// Reads `bytes` pushed in pieces of these sizes, in turn.
fn read_in_pieces(bytes: &[u8], sizes: &[usize]) -> Result<Submission<'static>, NotASubmission> {
    let mut reader = Reader::new(Collected::default());
    let mut rest = bytes;
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, later) = rest.split_at((*size).clamp(1, rest.len()));
        reader.push(piece);
        rest = later;
    }
    let (collected, outcome) = reader.finish()?;
    Ok(collected.submission(outcome))
}
