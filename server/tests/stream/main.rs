//! The stream under load and under bad clients: what a subscriber holds is what the log
//! holds, whatever its socket does.
//!
//! The program runs in this process without monitors and fetcher; events come through the
//! monitors' door, as many and as fast as a test wants.

#![allow(clippy::unwrap_used, reason = "tests")]

mod bounds;
mod ground;
mod slow;
mod subscriber;
