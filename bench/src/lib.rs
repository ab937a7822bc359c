//! What the measurements share: a crowd of subscribers, and percentiles.

pub mod crowd;
pub mod figures;
