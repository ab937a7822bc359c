//! The SEC's fair-access rules, applied to whoever asks.
//!
//! Every request is counted when it arrives, in real time, also those refused. All
//! clients count as one, as all machines of one user do at the SEC.
//!
//! Invariant: no window of the configured length sees more requests than allowed
//! without the next one being refused.
//! Source: sec.gov, "Accessing EDGAR Data", section "Fair access".

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What the police says to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Go on.
    Pass,
    /// No contact in the User-Agent.
    Undeclared,
    /// This request is one too many.
    TooMany,
    /// Still shut out, and now for longer.
    Blocked,
}

/// The rules.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) window: Duration,
    pub(crate) allowed: usize,
    pub(crate) block: Duration,
}

/// Counts arrivals and remembers blocks.
#[derive(Debug)]
pub(crate) struct Police {
    rules: Rules,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    recent: VecDeque<Instant>,
    most: usize,
    blocked_until: Option<Instant>,
}

impl Police {
    pub(crate) fn new(rules: Rules) -> Self {
        Self {
            rules,
            state: Mutex::default(),
        }
    }

    /// Judges a request that arrives at `now`.
    pub(crate) fn judge(&self, now: Instant, user_agent: &str) -> Verdict {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state
            .recent
            .front()
            .is_some_and(|first| now.duration_since(*first) >= self.rules.window)
        {
            state.recent.pop_front();
        }
        state.recent.push_back(now);
        let count = state.recent.len();
        state.most = state.most.max(count);
        let blocked = state.blocked_until.is_some_and(|until| now < until);
        if blocked || count > self.rules.allowed {
            state.blocked_until = Some(now + self.rules.block);
            return if blocked {
                Verdict::Blocked
            } else {
                Verdict::TooMany
            };
        }
        if has_contact(user_agent) {
            Verdict::Pass
        } else {
            Verdict::Undeclared
        }
    }

    /// The most requests that any window has seen.
    pub(crate) fn most(&self) -> usize {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .most
    }
}

/// Whether `user_agent` contains something like an e-mail address.
fn has_contact(user_agent: &str) -> bool {
    user_agent
        .split([' ', '(', ')', ',', ';', '<', '>'])
        .any(|word| {
            word.split_once('@').is_some_and(|(name, host)| {
                let inner_dot = host
                    .find('.')
                    .is_some_and(|dot| dot > 0 && dot + 1 < host.len());
                !name.is_empty() && inner_dot
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGENT: &str = "filingwire/0.1 ops@example.com";

    fn police() -> Police {
        Police::new(Rules {
            window: Duration::from_secs(1),
            allowed: 10,
            block: Duration::from_secs(60),
        })
    }

    #[test]
    fn the_eleventh_request_in_a_second_is_refused() {
        let police = police();
        let start = Instant::now();

        let verdicts: Vec<Verdict> = (0..11)
            .map(|n| police.judge(start + Duration::from_millis(n * 90), AGENT))
            .collect();

        assert!(
            verdicts[..10]
                .iter()
                .all(|verdict| *verdict == Verdict::Pass)
        );
        assert_eq!(verdicts[10], Verdict::TooMany);
        assert_eq!(police.most(), 11);
    }

    #[test]
    fn ten_requests_in_every_second_pass_for_ever() {
        let police = police();
        let start = Instant::now();

        let all_pass = (0..100)
            .all(|n| police.judge(start + Duration::from_millis(n * 100), AGENT) == Verdict::Pass);

        assert!(all_pass);
        assert_eq!(police.most(), 10);
    }

    #[test]
    fn asking_during_a_block_prolongs_it() {
        let police = police();
        let start = Instant::now();
        for _ in 0..11 {
            police.judge(start, AGENT);
        }

        let during = police.judge(start + Duration::from_secs(59), AGENT);
        let after_the_first_block = police.judge(start + Duration::from_secs(61), AGENT);
        let after_silence = police.judge(start + Duration::from_secs(122), AGENT);

        assert_eq!([during, after_the_first_block], [Verdict::Blocked; 2]);
        assert_eq!(after_silence, Verdict::Pass);
    }

    #[test]
    fn a_user_agent_needs_a_contact() {
        for (agent, expected) in [
            ("", Verdict::Undeclared),
            ("curl/8.5.0", Verdict::Undeclared),
            ("bot @ example.com", Verdict::Undeclared),
            ("bot ops@localhost", Verdict::Undeclared),
            (
                "Sample Company AdminContact@samplecompany.com",
                Verdict::Pass,
            ),
            ("filingwire (ops@example.com)", Verdict::Pass),
        ] {
            assert_eq!(police().judge(Instant::now(), agent), expected, "{agent}");
        }
    }
}
