//! filingwire, the program: configuration, the updater, the readers of the log, the
//! stream and the HTTP doors.
//!
//! [`app::App`] builds, starts and stops all of it; [`cli`] is what a user types.
//! `ARCHITECTURE.md` follows one filing through these modules.

// A panic where stderr is gone: `cli::tell` writes to it instead.
#![warn(clippy::print_stderr)]

mod activity;
pub mod app;
mod backfill;
mod buckets;
pub mod catalog;
pub mod cli;
mod compat;
pub mod config;
mod control;
mod disk;
mod documents;
mod durable;
mod fetch;
mod http;
mod inventories;
pub mod keys;
pub mod known;
mod log;
mod metrics;
pub mod objects;
mod orders;
mod outages;
mod progress;
mod reconcile;
mod retention;
mod source;
mod status;
mod stream;
mod tasks;
mod telemetry;
mod threads;
mod tickers;
mod tickets;
mod tls;
mod updater;
pub mod websocket;

/// Of every program that is made of this: it gives back what a rush of handshakes needed.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
