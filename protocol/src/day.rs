//! A sealed day: the proof that everything EDGAR published on it is in the log.

use serde::{Deserialize, Serialize};

use crate::{accession::Accession, time::Date};

/// What `day.sealed` says of a day: `listed` = `seen_live` + the number of `recovered`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    /// The Eastern day, that of EDGAR's daily index.
    pub date: Date,
    /// Filings in the index, each once.
    pub listed: u64,
    /// Those that a monitor had seen before the index was read.
    pub seen_live: u64,
    /// Those that only the index told of, sorted.
    pub recovered: Vec<Accession>,
    /// Those whose submission is not in the archive, sorted; normally none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unarchived: Vec<Accession>,
    /// SHA-256 over the sorted dashed accession numbers of the index, each with a newline;
    /// 64 hexadecimal digits.
    pub sha256: String,
}
