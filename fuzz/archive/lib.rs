//! Of the crate `archive` what needs no bucket: with its branches counted, the SDK behind
//! the whole of it would take minutes to build.

#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "compiled for what is fuzzed"
)]

#[path = "../../archive/src/error.rs"]
pub mod error;
#[path = "../../archive/src/key.rs"]
pub mod key;
