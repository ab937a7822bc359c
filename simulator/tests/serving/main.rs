//! The simulator over HTTP, read by code that shares nothing with it.

#![allow(clippy::unwrap_used, reason = "tests")]

mod archive;
mod damage;
mod feed;
mod http;
mod index;
mod search;
mod shape;

use simulator::{Config, Simulator};

/// A quiet EDGAR on a Tuesday at 13:00 Eastern that lets tests ask as fast as they like.
fn quiet() -> Config {
    Config {
        clock_start: Some("2026-03-03T18:00:00Z".parse().unwrap()),
        max_requests_per_second: 1_000_000,
        ..Config::quiet()
    }
}

async fn start(config: Config) -> Simulator {
    Simulator::start_local(config).await.unwrap()
}
