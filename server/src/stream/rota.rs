//! What is due for each session after a constant time: heartbeats, pings, deadlines.
//!
//! Invariant: the delay is the same for all, so what was put last is due last, and a
//! queue is all the clockwork there is.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::lanes::Token;

/// A session that may be gone by the time its turn comes: its place and its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Who {
    pub(super) token: Token,
    /// Differs from those of all other sessions there have been.
    pub(super) number: u64,
}

/// One kind of duty.
#[derive(Debug)]
pub(super) struct Rota {
    delay: Duration,
    turns: VecDeque<(Instant, Who)>,
}

impl Rota {
    pub(super) fn new(delay: Duration) -> Self {
        Self {
            delay,
            turns: VecDeque::new(),
        }
    }

    /// Puts a session's turn after the delay.
    pub(super) fn put(&mut self, now: Instant, who: Who) {
        self.turns.push_back((now + self.delay, who));
    }

    /// Takes a turn that is due, with the moment it was put.
    pub(super) fn take(&mut self, now: Instant) -> Option<(Instant, Who)> {
        let (due, who) = *self.turns.front().filter(|(due, _)| *due <= now)?;
        self.turns.pop_front();
        Some((due - self.delay, who))
    }

    /// When the next turn is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.turns.front().map(|(due, _)| *due)
    }
}

/// What is due by the clock.
#[derive(Debug)]
pub(super) struct Duties {
    pub(super) heartbeat: Rota,
    pub(super) ping: Rota,
    /// A pong is missing for too long.
    pub(super) pong: Rota,
    /// The kernel takes nothing for too long.
    pub(super) stuck: Rota,
    /// Key and subscription are missing for too long.
    pub(super) opening: Rota,
    /// The client's answer to our close is missing for too long.
    pub(super) farewell: Rota,
}

impl Duties {
    pub(super) fn new(heartbeat: Duration) -> Self {
        let seconds = |seconds| Rota::new(Duration::from_secs(seconds));
        Self {
            heartbeat: Rota::new(heartbeat),
            ping: seconds(20),
            pong: seconds(30),
            stuck: seconds(30),
            opening: seconds(10),
            farewell: seconds(2),
        }
    }

    /// When the next of all is due.
    pub(super) fn next(&self) -> Option<Instant> {
        let all = [
            &self.heartbeat,
            &self.ping,
            &self.pong,
            &self.stuck,
            &self.opening,
            &self.farewell,
        ];
        all.iter().filter_map(|rota| rota.next()).min()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn turns_come_in_their_order_and_not_before_their_time() {
        let mut rota = Rota::new(Duration::from_secs(10));
        let start = Instant::now();
        let who = |token| Who { token, number: 7 };
        rota.put(start, who(1));
        rota.put(start + Duration::from_secs(1), who(2));

        assert_eq!(rota.next(), Some(start + Duration::from_secs(10)));
        assert_eq!(rota.take(start + Duration::from_secs(9)), None);
        let late = start + Duration::from_secs(60);
        assert_eq!(rota.take(late), Some((start, who(1))));
        assert_eq!(rota.take(late).unwrap().1, who(2));
        assert_eq!(rota.take(late), None);
    }
}
