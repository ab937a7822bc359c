//! The list of ticker symbols, `company_tickers.json`: whose a ticker is.
//!
//! An object of rows under running numbers: `{"0":{"cik_str":1999991,"ticker":"QUAY",
//! "title":"QUAYSIDE ROBOTICS (HOLDINGS) INC"},…}`. A company has a row for each of its
//! tickers.
//!
//! Invariant: a list without any row is an error, never an empty list, so that it takes the
//! place of no good one.
//!
//! Source: sec.gov, "Accessing EDGAR Data", section "CIK, ticker, and entity name
//! associations".

use std::collections::BTreeMap;

use protocol::{cik::Cik, ticker::Ticker};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{error::TickersError, text::excerpt_of_bytes};

/// The path of the list.
pub const PATH: &str = "/files/company_tickers.json";

/// More than the list has: ten thousand rows are 800 kB.
pub const MAX_BYTES: usize = 4 << 20;

/// Whose the tickers are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tickers {
    /// Each ticker once; where a list names several owners, the first.
    pub owners: BTreeMap<Ticker, Cik>,
    /// Rows that make no sense.
    pub rejected: usize,
}

#[derive(Deserialize)]
struct Row<'a> {
    cik_str: u64,
    #[serde(borrow)]
    ticker: std::borrow::Cow<'a, str>,
}

/// Reads the list.
///
/// # Errors
/// [`TickersError`] when `bytes` are no such list, or one without any row.
pub fn parse(bytes: &[u8]) -> Result<Tickers, TickersError> {
    if bytes.len() > MAX_BYTES {
        let bytes = bytes.len();
        return Err(TickersError::TooLarge { bytes });
    }
    let begins = || excerpt_of_bytes(bytes);
    let rows: BTreeMap<u32, &RawValue> =
        serde_json::from_slice(bytes).map_err(|cause| TickersError::NotAList {
            begins: begins(),
            cause,
        })?;
    let mut owners = BTreeMap::new();
    let mut rejected = 0;
    for row in rows.values() {
        match owner(row) {
            Some((ticker, cik)) => {
                owners.entry(ticker).or_insert(cik);
            }
            None => rejected += 1,
        }
    }
    if owners.is_empty() {
        return Err(TickersError::Empty { begins: begins() });
    }
    Ok(Tickers { owners, rejected })
}

fn owner(row: &RawValue) -> Option<(Ticker, Cik)> {
    let row: Row<'_> = serde_json::from_str(row.get()).ok()?;
    let cik = row.cik_str.to_string().parse().ok()?;
    Some((row.ticker.parse().ok()?, cik))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn owners(text: &str) -> Vec<(String, u64)> {
        let tickers = parse(text.as_bytes()).unwrap();
        let pairs = tickers.owners.iter();
        pairs
            .map(|(ticker, cik)| (ticker.to_string(), cik.get()))
            .collect()
    }

    #[test]
    fn every_ticker_of_a_company_has_its_row() {
        let list = r#"{"0":{"cik_str":1999991,"ticker":"QUAY","title":"QUAYSIDE INC"},
            "1":{"cik_str":1999991,"ticker":"QUAY-WT","title":"QUAYSIDE INC"},
            "2":{"cik_str":7,"ticker":"quay","title":"another"}}"#;

        assert_eq!(
            owners(list),
            [
                ("QUAY".to_owned(), 1_999_991),
                ("QUAY-WT".to_owned(), 1_999_991)
            ]
        );
    }

    #[test]
    fn a_row_that_makes_no_sense_harms_no_other() {
        let list = r#"{"0":{"cik_str":"7","ticker":"A"},"1":null,"2":{"cik_str":10000000000,"ticker":"B"},
            "3":{"cik_str":7,"ticker":"$$"},"4":{"cik_str":7,"ticker":"\u0043","new":[]}}"#;

        let tickers = parse(list.as_bytes()).unwrap();

        assert_eq!(tickers.rejected, 4);
        assert_eq!(owners(list), [("C".to_owned(), 7)]);
    }

    #[test]
    fn what_is_no_list_is_an_error() {
        for text in ["", "<html>", "[]", "{}", r#"{"a":{}}"#, r#"{"0":{}}"#] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(matches!(
            parse(&vec![b' '; MAX_BYTES + 1]),
            Err(TickersError::TooLarge { .. })
        ));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,200}") {
            let _ = parse(text.as_bytes());
        }
    }
}
