//! What a backfill is asked for. Elsewhere: whether it can be had (`backfill`), which files
//! it takes (`plan`).

use protocol::time::Date;
use serde::{Deserialize, Serialize};

/// The range of a backfill and the forms wanted, as they were asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Range {
    /// First day.
    pub(crate) from: Date,
    /// Last day, included.
    pub(crate) to: Date,
    /// Forms, `8-K` or `8-K*`; empty for all.
    pub(crate) forms: Vec<String>,
}
