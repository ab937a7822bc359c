//! What the fuzz targets share: readings of a submission, and what must hold of them.
//!
//! Elsewhere: the targets (`targets/`), how they are built and run (`run`).
//! Invariant: nothing here depends on anything but the input, so that a crash found
//! once is found again.

pub mod facts;
pub mod filings;
pub mod json;
pub mod log;
pub mod submission;
pub mod subscriptions;
