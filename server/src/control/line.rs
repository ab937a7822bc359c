//! One line of JSON, there and back.
//!
//! Invariant: memory does not grow with a line, and a line that is too long or no such JSON
//! is an error, never something else.

use std::io;

use serde::{Serialize, de::DeserializeOwned};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

/// Longest line.
const LINE_MAX: u64 = 1 << 20;

/// A line that says `what`.
///
/// # Errors
/// When it is nothing that JSON can say.
pub(super) fn written(what: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    Ok(line)
}

/// What the next line says; `None` when there is none.
///
/// # Errors
/// When it is no such line, or too long.
pub(super) async fn next<T: DeserializeOwned>(
    lines: &mut (impl AsyncBufRead + Unpin),
) -> io::Result<Option<T>> {
    let mut line = Vec::new();
    let mut bounded = lines.take(LINE_MAX);
    bounded.read_until(b'\n', &mut line).await?;
    if line.is_empty() {
        return Ok(None);
    }
    Ok(Some(serde_json::from_slice(&line)?))
}
