//! What the measurements share: a server on a simulated EDGAR, a crowd of subscribers, a log like EDGAR's, and
//! percentiles.

pub mod crowd;
pub mod events;
pub mod figures;
pub mod stage;
