//! The one door to sec.gov.
//!
//! Everything the program asks of the SEC goes through one [`SecClient`]: one declared
//! User-Agent, one request budget with priorities, one reaction to a block. Build it once and
//! clone it; clones share all of that.
//!
//! ```text
//! get, open ──▶ block (may we?) ──▶ pace (whose turn?) ──▶ client (ask) ──▶ answer (what is it?)
//! ```
//!
//! Elsewhere: when to ask again is the caller's decision, on the schedules of [`retry`]; how
//! many downloads run at a time too.
//!
//! Invariant: no request reaches the network but through door and pacer.

mod answer;
mod block;
mod body;
mod client;
mod config;
mod count;
mod error;
mod pace;
pub mod retry;

pub use block::Door;
pub use body::Body;
pub use bytes::Bytes;
pub use client::SecClient;
pub use config::Config;
pub use count::{Counts, Outcome};
pub use error::{ConfigError, SecError};
pub use pace::Priority;
