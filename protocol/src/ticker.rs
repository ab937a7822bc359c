//! Ticker symbols: the name of a share, and so of the company behind it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::error::ParseError;

/// A ticker symbol in upper case, its classes set apart by `-` as EDGAR does: `BRK-B`.
///
/// Elsewhere the same share is written `brk.b` or `BRK/B`: all of them are read.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Ticker(String);

/// Longest ticker, in bytes. The longest known has seven.
const MAX_BYTES: usize = 12;

impl Ticker {
    /// As EDGAR writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Ticker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Ticker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Ticker {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let symbol: String = text
            .trim()
            .chars()
            .take(MAX_BYTES + 1)
            .map(|c| match c {
                '.' | '/' | ' ' => '-',
                other => other.to_ascii_uppercase(),
            })
            .collect();
        let shaped = symbol
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let begins = symbol.starts_with(|c: char| c.is_ascii_alphanumeric());
        if !begins || !shaped || symbol.len() > MAX_BYTES {
            return Err(ParseError::Ticker(text.chars().take(40).collect()));
        }
        Ok(Self(symbol))
    }
}

impl TryFrom<String> for Ticker {
    type Error = ParseError;

    fn try_from(text: String) -> Result<Self, ParseError> {
        text.parse()
    }
}

impl From<Ticker> for String {
    fn from(ticker: Ticker) -> Self {
        ticker.0
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_set_apart_in_many_ways() {
        for text in ["BRK-B", "brk.b", "BRK/B", " Brk B "] {
            assert_eq!(text.parse::<Ticker>().unwrap().as_str(), "BRK-B", "{text}");
        }
    }

    #[test]
    fn what_is_no_ticker_is_refused() {
        for text in ["", " ", "-", "$QUAY", "QUAY,X", "É", "THIRTEENBYTES"] {
            assert!(text.parse::<Ticker>().is_err(), "{text}");
        }
    }
}
