//! Values of filters that are no nouns elsewhere: SIC codes, item codes, the beginnings of
//! accession numbers, and what to do with amendments.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{accession::Accession, cik::Cik, error::ParseError, form::Form, named::named};

named! {
    /// What to do with filings that amend an earlier one.
    Amendments {
        /// They are sent like all others.
        Include = "include",
        /// They are left out.
        Exclude = "exclude",
        /// Nothing else is sent.
        Only = "only",
    }
}

impl Amendments {
    /// Whether a filing of this form is wanted.
    pub fn allow(self, form: &Form) -> bool {
        match self {
            Self::Include => true,
            Self::Exclude => !form.is_amendment(),
            Self::Only => form.is_amendment(),
        }
    }
}

/// A standard industrial classification: four digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sic(u16);

impl fmt::Display for Sic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.0)
    }
}

impl fmt::Debug for Sic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Sic {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let bad = || ParseError::Sic(text.chars().take(40).collect());
        let digits = text.trim();
        if digits.len() != 4 || !is_digits(digits) {
            return Err(bad());
        }
        digits.parse().map(Self).map_err(|_| bad())
    }
}

/// The code of an item in upper case: `2.02` of an 8-K, `06B` of a D.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Item(String);

/// Longest item code, in bytes; the longest known has five.
const MAX_ITEM_BYTES: usize = 8;

impl Item {
    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Item {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let code = text.trim();
        let plain = code
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
        let begins = code.starts_with(|first: char| first.is_ascii_digit());
        if !plain || !begins || code.len() > MAX_ITEM_BYTES {
            return Err(ParseError::Item(text.chars().take(40).collect()));
        }
        Ok(Self(code.to_ascii_uppercase()))
    }
}

/// The beginning of accession numbers: a submitter, its filings of one year, or a beginning
/// of their serials.
///
/// Written `0001193125`, `0001193125-26` or `0001193125-26-0004`; the submitter's leading
/// zeros and the dashes may be left out, the latter only where all its ten digits stand.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Agent {
    first: Accession,
    last: Accession,
}

/// Digits of a serial.
const SERIAL_DIGITS: usize = 6;

impl Agent {
    /// Whether `accession` begins so.
    pub fn began(self, accession: Accession) -> bool {
        (self.first..=self.last).contains(&accession)
    }

    /// The least and the greatest accession that begins so.
    pub const fn range(self) -> (Accession, Accession) {
        (self.first, self.last)
    }

    fn parse(text: &str) -> Option<Self> {
        let (submitter, rest) = match text.split_once('-') {
            Some((submitter, rest)) => (submitter, Some(rest)),
            None if text.len() > 10 && text.is_ascii() => {
                let (submitter, rest) = text.split_at(10);
                (submitter, Some(rest))
            }
            None => (text, None),
        };
        let submitter: Cik = submitter.parse().ok()?;
        let Some(rest) = rest else {
            return Self::between(submitter, (0, 99), (0, 999_999));
        };
        let (year, serial) = match rest.split_once('-') {
            Some(parts) => parts,
            None => rest.split_at_checked(2)?,
        };
        if year.len() != 2 || !is_digits(year) || !is_digits(serial) {
            return None;
        }
        let year = year.parse().ok()?;
        Self::between(submitter, (year, year), serials(serial)?)
    }

    fn between(submitter: Cik, years: (u8, u8), serials: (u32, u32)) -> Option<Self> {
        Some(Self {
            first: Accession::new(submitter, years.0, serials.0)?,
            last: Accession::new(submitter, years.1, serials.1)?,
        })
    }
}

/// The least and the greatest serial that begins so.
fn serials(beginning: &str) -> Option<(u32, u32)> {
    let open = SERIAL_DIGITS.checked_sub(beginning.len())?;
    let scale = 10_u32.pow(open as u32);
    let least = beginning.parse().unwrap_or(0) * scale;
    Some((least, least + scale - 1))
}

impl fmt::Display for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (self.first.to_string(), self.last.to_string());
        let same = first.bytes().zip(last.bytes()).take_while(|(a, b)| a == b);
        f.write_str(first[..same.count()].trim_end_matches('-'))
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Agent {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let bad = || ParseError::Agent(text.chars().take(40).collect());
        Self::parse(text.trim()).ok_or_else(bad)
    }
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn agent(text: &str) -> Agent {
        text.parse().unwrap()
    }

    fn accession(text: &str) -> Accession {
        text.parse().unwrap()
    }

    #[test]
    fn an_agent_is_its_number_padded_or_not() {
        for text in ["0001193125", "1193125"] {
            assert!(agent(text).began(accession("0001193125-26-000042")));
            assert!(!agent(text).began(accession("0011931252-26-000042")));
            assert_eq!(agent(text).to_string(), "0001193125");
        }
    }

    #[test]
    fn a_year_and_a_beginning_of_a_serial_narrow_it() {
        for (text, shown) in [
            ("1193125-26", "0001193125-26"),
            ("000119312526", "0001193125-26"),
            ("0001193125-26-0000", "0001193125-26-0000"),
            ("000119312526000042", "0001193125-26-000042"),
        ] {
            assert!(
                agent(text).began(accession("0001193125-26-000042")),
                "{text}"
            );
            assert!(
                !agent(text).began(accession("0001193125-25-000042")),
                "{text}"
            );
            assert_eq!(agent(text).to_string(), shown);
            assert_eq!(agent(shown), agent(text));
        }
    }

    #[test]
    fn what_is_no_beginning_of_an_accession_is_refused() {
        for text in [
            "",
            "-26",
            "workiva",
            "1193125-2",
            "1193125-26-x",
            "1193125-26-0000001",
            "00011931252",
            "0001193125é26",
        ] {
            assert!(text.parse::<Agent>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_sic_has_four_digits_and_an_item_no_title() {
        assert_eq!("0100".parse::<Sic>().unwrap().to_string(), "0100");
        for text in ["", "100", "07372", "+737", "SOFT"] {
            assert!(text.parse::<Sic>().is_err(), "{text}");
        }
        assert_eq!("06b".parse::<Item>().unwrap().as_str(), "06B");
        for text in ["", "Item 2.02", "2.02:", "x", "2.02.02.02"] {
            assert!(text.parse::<Item>().is_err(), "{text}");
        }
    }

    #[test]
    fn only_the_suffix_of_a_form_makes_an_amendment() {
        let form = |text: &str| text.parse::<Form>().unwrap();

        assert!(Amendments::Only.allow(&form("8-K/A")));
        assert!(!Amendments::Only.allow(&form("8-K")));
        assert!(!Amendments::Exclude.allow(&form("8-K/A")));
        assert!(Amendments::Exclude.allow(&form("POS AM")));
        assert!(Amendments::Include.allow(&form("8-K/A")));
    }
}
