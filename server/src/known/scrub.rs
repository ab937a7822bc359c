//! Reading in the background what the start did not read of the log.
//!
//! Every record that is read passes its checksum, so a walk finds any damage. It goes at a pace
//! that leaves the disk to others: 40 GB take half an hour.

use std::time::Duration;

use anyhow::Context;
use eventlog::ReadError;
use protocol::seq::Seq;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::log::Reader;

/// Bytes read at a time.
const PIECE: usize = 1 << 20;
/// Most records read at a time.
const RECORDS: usize = 4096;
/// Rest after each piece: at most 20 MB a second.
const REST: Duration = Duration::from_millis(50);

/// Reads the log up to `until`, then waits for `stop`.
///
/// # Errors
/// When a record is damaged or the disk fails: the program must stop.
pub(crate) async fn scrub(log: Reader, until: Seq, stop: CancellationToken) -> anyhow::Result<()> {
    let mut after = log.oldest().prev();
    while after < until && !stop.is_cancelled() {
        after = match log.read_after(after, RECORDS, PIECE).await {
            Ok(records) => records.last().map_or(until, |last| last.seq),
            // Retention was faster.
            Err(ReadError::Gone { oldest }) => oldest.prev(),
            Err(error) => return Err(error).context("the event log cannot be read"),
        };
        stop.run_until_cancelled(sleep(REST)).await;
    }
    if until > Seq::ZERO && !stop.is_cancelled() {
        tracing::debug!(%until, "the log is read and undamaged");
    }
    stop.cancelled().await;
    Ok(())
}
