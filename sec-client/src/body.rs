//! The body of an answer, chunk by chunk, with time limits.
//!
//! Elsewhere: whether the answer is a document at all (`answer`).
//!
//! Invariant: a body that ends well is complete; one that stalls or crawls ends in an error.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::Response;
use tokio::time::{Instant, timeout};

use crate::answer::{HEAD, PLAIN_HEAD, is_page};
use crate::error::SecError;

/// Time a body may take on top of [`SLOWEST`], so that small ones are not measured.
const GRACE: Duration = Duration::from_secs(60);

/// Bytes a second below which a body is given up: a peer that sends a byte now and then would
/// otherwise hold a download for ever.
const SLOWEST: u64 = 16 * 1_024;

/// A document that is being received. Memory use is that of one chunk.
#[derive(Debug)]
pub struct Body {
    response: Response,
    idle: Duration,
    head: Bytes,
    received: u64,
    waited: Duration,
}

impl Body {
    pub(crate) fn new(response: Response, idle: Duration) -> Self {
        Self {
            response,
            idle,
            head: Bytes::new(),
            received: 0,
            waited: Duration::ZERO,
        }
    }

    /// The next bytes of the decoded document; `None` when it is complete.
    ///
    /// # Errors
    /// [`SecError::Network`] when the body is cut short or does not decode,
    /// [`SecError::TimedOut`] when nothing comes or too little for too long.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, SecError> {
        if !self.head.is_empty() {
            return Ok(Some(std::mem::take(&mut self.head)));
        }
        self.receive().await
    }

    /// Length of the body in bytes if announced; absent for compressed bodies.
    #[must_use]
    pub fn content_length(&self) -> Option<u64> {
        self.response.content_length()
    }

    /// Reads enough to recognise the document; [`Body::chunk`] begins with it again.
    ///
    /// On an error what came before it stays in the head.
    pub(crate) async fn read_head(&mut self) -> Result<(), SecError> {
        let mut head = BytesMut::new();
        let mut end = Ok(());
        while !is_enough(&head) {
            match self.receive().await {
                Ok(Some(chunk)) => head.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(error) => {
                    end = Err(error);
                    break;
                }
            }
        }
        self.head = head.freeze();
        end
    }

    pub(crate) fn head(&self) -> &[u8] {
        &self.head[..self.head.len().min(HEAD)]
    }

    pub(crate) fn response(&self) -> &Response {
        &self.response
    }

    async fn receive(&mut self) -> Result<Option<Bytes>, SecError> {
        let patience = self.idle.min(self.time_left());
        let start = Instant::now();
        let chunk = timeout(patience, self.response.chunk())
            .await
            .map_err(|_| SecError::TimedOut { after: patience })?
            .map_err(SecError::Network)?;
        self.waited += start.elapsed();
        self.received += chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
        Ok(chunk)
    }

    /// Waiting time that what was received so far has earned, less what was spent.
    fn time_left(&self) -> Duration {
        let earned = GRACE + Duration::from_secs(self.received / SLOWEST);
        earned.saturating_sub(self.waited)
    }
}

/// Whether `head` tells what the document is. A web page is read further for its text.
fn is_enough(head: &[u8]) -> bool {
    head.len() >= HEAD || (head.len() >= PLAIN_HEAD && !is_page(head))
}
