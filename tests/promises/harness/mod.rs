//! What the tests stand on: the program as a process, a subscriber, a recorded EDGAR.

pub mod program;
pub mod recorded;
pub mod subscriber;

use std::time::{Duration, Instant};

/// Waits until `done` says so; panics with `what` after `patience`.
pub async fn eventually(what: &str, patience: Duration, mut done: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + patience;
    while !done().await {
        assert!(Instant::now() < deadline, "not within {patience:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
