//! What filingwire promises, tested end to end: a file per promise.
//!
//! Tests use public doors only: the program as a process, its HTTP and websocket, its
//! files where the contract names them, and the simulator's ledger as the truth.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    unreachable_pub,
    reason = "tests"
)]

mod archive;
mod bucket_down;
mod burst;
mod catalog;
mod clock;
mod commands;
mod crash;
mod described;
mod documents;
mod faults;
mod filters;
mod foreign;
mod harness;
mod keys;
mod layers;
mod live;
mod memory;
mod objects;
mod oracle;
mod reconcile;
mod recorded;
mod refusals;
mod resume;
mod security;
mod shutdown;
mod silence;
mod tls;
mod transports;
