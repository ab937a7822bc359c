//! The door to sec.gov: open, shut, or held open a crack for one probe.
//!
//! A block page shuts the door for the whole process. Sending on during a block extends it,
//! so nothing at all is sent until the time is over; then exactly one request is let through
//! as a probe. Its answer opens the door, another block page shuts it for the full time.
//!
//! Elsewhere: what a block page looks like (`answer`), the pace while the door is open (`pace`).
//!
//! Invariant: while the door is shut no pass is given out, and never two probes at a time.
//!
//! Source: sec.gov, "Internet Security Policy": access resumes once the rate has been below
//! the threshold for 10 minutes.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::Instant;

use crate::retry::mix;

/// Wait after a probe that brought no answer either way.
const PROBE_AGAIN: Duration = Duration::from_secs(5);

/// What callers are told to wait while another request is the probe.
const PROBE_TAKES: Duration = Duration::from_secs(1);

/// The state of the door, for status pages and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Requests go through.
    Open,
    /// Nothing goes through.
    Blocked {
        /// Time until a probe is let through; zero when the next request will be the probe.
        left: Duration,
    },
    /// One request is under way to find out whether the block is over.
    Probing,
}

/// Decides who may go to the network.
#[derive(Debug)]
pub(crate) struct Gate {
    block: Duration,
    state: Mutex<State>,
    shut: Notify,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Shut { until: Instant },
    Probing,
}

impl Gate {
    /// An open door that a block page shuts for `block` and a little jitter.
    pub(crate) fn new(block: Duration) -> Arc<Self> {
        Arc::new(Self {
            block,
            state: Mutex::new(State::Open),
            shut: Notify::new(),
        })
    }

    pub(crate) fn door(&self) -> Door {
        match *self.state() {
            State::Open => Door::Open,
            State::Probing => Door::Probing,
            State::Shut { until } => Door::Blocked {
                left: until.saturating_duration_since(Instant::now()),
            },
        }
    }

    /// A pass for one request, or the time after which to ask again.
    pub(crate) fn admit(self: &Arc<Self>) -> Result<Pass, Duration> {
        let now = Instant::now();
        let mut state = self.state();
        let probe = match *state {
            State::Open => false,
            State::Probing => return Err(PROBE_TAKES),
            State::Shut { until } if until > now => return Err(until - now),
            State::Shut { .. } => {
                *state = State::Probing;
                true
            }
        };
        Ok(Pass {
            gate: self.clone(),
            probe,
            settled: false,
        })
    }

    /// Completes when a block page arrives after this call.
    pub(crate) fn shuts(&self) -> Notified<'_> {
        self.shut.notified()
    }

    fn shut(&self) -> Duration {
        let time = self.block + jitter(self.block);
        *self.state() = State::Shut {
            until: Instant::now() + time,
        };
        self.shut.notify_waiters();
        time
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Leave for one request. Dropped without a verdict, a probe is repeated a little later.
#[derive(Debug)]
pub(crate) struct Pass {
    gate: Arc<Gate>,
    probe: bool,
    settled: bool,
}

impl Pass {
    /// Whether the pass still holds: the door may have been shut while its owner waited.
    pub(crate) fn check(&self) -> Result<(), Duration> {
        match *self.gate.state() {
            State::Open if !self.probe => Ok(()),
            State::Probing if self.probe => Ok(()),
            State::Open | State::Probing => Err(PROBE_TAKES),
            State::Shut { until } => Err(until.saturating_duration_since(Instant::now())),
        }
    }

    /// sec.gov served us. Opens the door if this was the probe.
    pub(crate) fn served(mut self) {
        self.settled = true;
        let mut state = self.gate.state();
        if self.probe && *state == State::Probing {
            *state = State::Open;
            tracing::info!("sec.gov serves us again");
        }
    }

    /// sec.gov sent a block page. Shuts the door; how long it stays shut.
    pub(crate) fn blocked(mut self) -> Duration {
        self.settled = true;
        let time = self.gate.shut();
        tracing::warn!(
            seconds = time.as_secs(),
            "sec.gov blocks us: all requests stop"
        );
        time
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if !self.probe || self.settled {
            return;
        }
        let mut state = self.gate.state();
        if *state == State::Probing {
            let until = Instant::now() + PROBE_AGAIN.min(self.gate.block);
            *state = State::Shut { until };
        }
    }
}

/// Up to 5 % of `block`, so that several machines of one user do not come back together.
fn jitter(block: Duration) -> Duration {
    let per_mille = mix(RandomState::new().hash_one(0_u8)) % 51;
    block.mul_f64(f64::from(u32::try_from(per_mille).unwrap_or(50)) / 1_000.0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const BLOCK: Duration = Duration::from_secs(600);

    async fn after(time: Duration) {
        tokio::time::advance(time).await;
    }

    /// A gate that has met a block page.
    fn blocked_gate() -> Arc<Gate> {
        let gate = Gate::new(BLOCK);
        gate.admit().unwrap().blocked();
        gate
    }

    #[tokio::test(start_paused = true)]
    async fn an_open_door_lets_everyone_through() {
        let gate = Gate::new(BLOCK);

        let passes: Vec<_> = (0..100).map(|_| gate.admit().unwrap()).collect();

        assert!(passes.iter().all(|pass| pass.check().is_ok()));
        assert_eq!(gate.door(), Door::Open);
    }

    #[tokio::test(start_paused = true)]
    async fn a_block_page_stops_everyone_for_the_whole_time() {
        let gate = Gate::new(BLOCK);
        let waiting = gate.admit().unwrap();

        let time = gate.admit().unwrap().blocked();

        assert!(time >= BLOCK && time <= BLOCK.mul_f64(1.05), "{time:?}");
        assert_eq!(gate.admit().unwrap_err(), time);
        assert_eq!(waiting.check().unwrap_err(), time);
        after(BLOCK - Duration::from_millis(1)).await;
        assert!(gate.admit().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_block_exactly_one_probe_goes_through_and_its_answer_opens() {
        let gate = blocked_gate();
        after(BLOCK.mul_f64(1.05)).await;

        let probe = gate.admit().unwrap();

        assert_eq!(gate.door(), Door::Probing);
        assert!(gate.admit().is_err());
        assert!(probe.check().is_ok());
        probe.served();
        assert_eq!(gate.door(), Door::Open);
        assert!(gate.admit().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_meets_a_block_page_shuts_for_the_full_time_again() {
        let gate = blocked_gate();
        after(BLOCK.mul_f64(1.05)).await;

        gate.admit().unwrap().blocked();

        assert!(gate.admit().unwrap_err() >= BLOCK);
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_without_an_answer_is_repeated_soon() {
        let gate = blocked_gate();
        after(BLOCK.mul_f64(1.05)).await;

        drop(gate.admit().unwrap());

        assert_eq!(gate.admit().unwrap_err(), PROBE_AGAIN);
        after(PROBE_AGAIN).await;
        assert!(gate.admit().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_to_an_old_request_does_not_open_the_door() {
        let gate = Gate::new(BLOCK);
        let old = gate.admit().unwrap();
        gate.admit().unwrap().blocked();

        old.served();

        assert!(matches!(gate.door(), Door::Blocked { .. }));
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_wait_hear_of_the_block() {
        let gate = Gate::new(BLOCK);
        let shuts = gate.shuts();

        gate.admit().unwrap().blocked();

        shuts.await;
    }
}
