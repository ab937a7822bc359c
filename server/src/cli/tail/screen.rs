//! Lines on their way to stdout.
//!
//! Invariant: only whole lines wait, and what was taken by the output is never written
//! again, also when a flush is interrupted.

use std::io;

use bytes::BytesMut;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::table::Table;

/// Bytes that wait before they are written although more lines come at once.
const WAITING_BYTES: usize = 64 * 1024;

/// How events look.
#[derive(Debug)]
pub(super) enum Look {
    /// As they came.
    Frames,
    /// For people.
    Table(Table),
}

/// Where events are printed.
#[derive(Debug)]
pub(super) struct Screen<W> {
    out: W,
    look: Look,
    waiting: BytesMut,
}

impl<W: AsyncWrite + Unpin> Screen<W> {
    pub(super) fn new(out: W, look: Look) -> Self {
        let mut waiting = BytesMut::new();
        if let Look::Table(table) = &look
            && let Some(head) = table.head()
        {
            waiting.extend_from_slice(head.as_bytes());
        }
        Self { out, look, waiting }
    }

    /// Prints an event, at the latest with the next flush.
    ///
    /// # Errors
    /// When the output takes no more.
    pub(super) async fn print(&mut self, frame: &str) -> io::Result<()> {
        match &self.look {
            Look::Frames => self.waiting.extend_from_slice(frame.as_bytes()),
            Look::Table(table) => self.waiting.extend_from_slice(table.line(frame).as_bytes()),
        }
        self.waiting.extend_from_slice(b"\n");
        if self.waiting.len() > WAITING_BYTES {
            self.flush().await?;
        }
        Ok(())
    }

    /// Writes what waits.
    ///
    /// # Errors
    /// When the output takes no more.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        self.out.write_all_buf(&mut self.waiting).await?;
        self.out.flush().await
    }
}
