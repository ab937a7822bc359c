//! What is made of finished days: the inventories of the archive.
//!
//! | module | owns |
//! |---|---|
//! | [`store`] | where inventories lie, and putting them there |
//! | [`instant`] | `instant_*_archive.txt.zst`: what we archived since the last daily run |
//! | [`missing`] | `missing_*_archive.json.zst`: what was seen and is not archived |
//! | [`inventory`] | the text form: writing and reading it |
//! | [`listing`] | a bucket's listing beside what the log says is archived |
//!
//! Elsewhere: what is archived (the server knows it from its log), when all this is done.
//!
//! Invariant: the same filings give the same bytes, and an inventory is replaced only by other
//! bytes. Memory does not grow with the number of filings, but for [`listing`].

pub mod error;
pub mod instant;
pub mod inventory;
pub mod listing;
pub mod missing;
pub mod store;
#[cfg(test)]
mod testing;

pub use error::InventoryError;
pub use store::{Kind, Store, Written};
