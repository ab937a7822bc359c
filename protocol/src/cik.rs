//! Central index keys: the name of a filer.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::error::ParseError;

/// The number EDGAR gives to everyone who files, at most ten digits.
///
/// Written without leading zeros, a string on the wire; padded text is accepted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cik(u64);

/// One more than the largest CIK.
const LIMIT: u64 = 10_000_000_000;

impl Cik {
    /// The CIK of this number; digits beyond the tenth are cut off.
    pub const fn new(number: u64) -> Self {
        Self(number % LIMIT)
    }

    /// The number itself.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Ten digits with leading zeros, as EFTS and the feed's titles write it.
    pub fn padded(self) -> String {
        format!("{:010}", self.0)
    }
}

impl fmt::Display for Cik {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Cik {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Cik {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let shaped = (1..=10).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        let bad = || ParseError::Cik(text.chars().take(40).collect());
        if !shaped {
            return Err(bad());
        }
        text.parse().map(Self).map_err(|_| bad())
    }
}

impl TryFrom<String> for Cik {
    type Error = ParseError;

    fn try_from(text: String) -> Result<Self, ParseError> {
        text.parse()
    }
}

impl From<Cik> for String {
    fn from(cik: Cik) -> Self {
        cik.to_string()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn padded_and_bare_are_the_same_filer() {
        let padded: Cik = "0000320193".parse().unwrap();

        assert_eq!(padded, Cik::new(320_193));
        assert_eq!(padded.to_string(), "320193");
        assert_eq!(padded.padded(), "0000320193");
    }

    #[test]
    fn what_is_no_cik_is_refused() {
        for text in ["", "12345678901", "-1", "+1", "AAPL", "1 "] {
            assert!(text.parse::<Cik>().is_err(), "{text}");
        }
    }
}
