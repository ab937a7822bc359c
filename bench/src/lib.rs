//! What the measurements share: a server on a simulated EDGAR, a crowd of subscribers, and percentiles.

pub mod crowd;
pub mod figures;
pub mod stage;
