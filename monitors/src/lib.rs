//! Watching EDGAR's sources.
//!
//! A monitor is a task that polls one source and reports what it finds on one channel. It
//! decides nothing: whether a filing is new is known to the updater. A further source is one
//! further file here.
//!
//! Elsewhere: the request budget and blocks (`sec-client`), the formats (`edgar`), dedupe and
//! the log (`server`).
//!
//! Invariant: [`sighting::Report::Polled`] comes after every sighting it vouches for, and a
//! failed or empty poll never produces one.

pub mod atom;
pub mod clock;
pub mod daily_index;
pub mod efts;
#[cfg(test)]
mod fake;
mod join;
mod known;
pub mod schedule;
pub mod sighting;
