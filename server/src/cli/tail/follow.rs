//! Connection after connection, with pauses that grow.

use std::{io, time::Duration};

use anyhow::anyhow;
use rand::Rng;
use tokio::{io::AsyncWrite, time::sleep};

use super::{
    connection::{Connection, End, Place},
    screen::Screen,
    target::Target,
};
use crate::cli::Failure;

/// The first pause is between this and twice as much.
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);
/// No pause is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What is told beside the events, on stderr.
#[derive(Debug)]
pub(super) struct Notes {
    pub(super) quiet: bool,
}

/// Follows the stream whatever happens to connections.
pub(super) struct Follower<'a, W> {
    target: &'a Target,
    screen: &'a mut Screen<W>,
    notes: Notes,
    place: Place,
    /// Connections in a row that brought nothing.
    failures: u32,
    /// Why the last of them did; the same again is not told again.
    told: String,
}

impl Notes {
    pub(super) fn say(&self, what: &str) {
        if !self.quiet {
            let shown = what.chars().map(|c| if c.is_control() { ' ' } else { c });
            crate::cli::tell(shown.collect::<String>());
        }
    }
}

impl<'a, W: AsyncWrite + Unpin> Follower<'a, W> {
    pub(super) fn new(target: &'a Target, screen: &'a mut Screen<W>, notes: Notes) -> Self {
        // An error means that the process has a provider already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self {
            target,
            screen,
            notes,
            place: Place::default(),
            failures: 0,
            told: String::new(),
        }
    }

    /// Runs until everything asked for is printed, nobody reads the output any more, or
    /// another attempt is of no use.
    ///
    /// # Errors
    /// What the server refuses, with its remedy.
    pub(super) async fn run(mut self) -> Result<(), Failure> {
        loop {
            let end = self.connect().await;
            match self.flushed(end).await {
                End::Done => return Ok(()),
                End::Refused(why) => return Err(Failure::Failed(anyhow!(why))),
                End::Output(error) => return output_ended(error),
                End::Lost(why, asked) => self.pause(why, asked).await,
            }
        }
    }

    async fn connect(&mut self) -> End {
        self.place.progress = false;
        let Self {
            target,
            screen,
            place,
            notes,
            ..
        } = self;
        match Connection::open(target, screen, place, notes).await {
            Ok(connection) => connection.run().await,
            Err(end) => end,
        }
    }

    /// What came before the end is to be seen before it is told.
    async fn flushed(&mut self, end: End) -> End {
        match (end, self.screen.flush().await) {
            (End::Output(error), _) | (_, Err(error)) => End::Output(error),
            (end, Ok(())) => end,
        }
    }

    async fn pause(&mut self, why: String, asked: Option<Duration>) {
        if self.place.progress {
            self.failures = 0;
            self.told.clear();
        }
        self.failures = self.failures.saturating_add(1);
        if self.told != why {
            self.notes
                .say(&format!("{}: {why}; trying again", self.target.server()));
            self.told = why;
        }
        let pause = backoff(self.failures).max(asked.unwrap_or_default());
        sleep(pause.min(LONGEST_PAUSE)).await;
    }
}

/// Twice as long after each failure, and by chance up to twice that, so that the
/// subscribers of a server that restarts do not all come at once.
fn backoff(failures: u32) -> Duration {
    let least = SHORTEST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(10));
    least
        .mul_f64(rand::rng().random_range(1.0..2.0))
        .min(LONGEST_PAUSE)
}

/// A reader that has enough, such as `head`, is no failure.
fn output_ended(error: io::Error) -> Result<(), Failure> {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Ok(());
    }
    Err(anyhow::Error::from(error)
        .context("cannot write to stdout")
        .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_ten_seconds_and_never_beyond() {
        for failures in 1..40 {
            let pause = backoff(failures);

            assert!(
                (SHORTEST_PAUSE..=LONGEST_PAUSE).contains(&pause),
                "{failures}: {pause:?}"
            );
        }
        assert!(backoff(1) < Duration::from_millis(400));
        assert!(backoff(5) >= Duration::from_millis(3200));
    }

    #[test]
    fn a_reader_that_has_enough_is_no_failure() {
        assert!(output_ended(io::ErrorKind::BrokenPipe.into()).is_ok());
        assert!(output_ended(io::ErrorKind::StorageFull.into()).is_err());
    }
}
