//! Accession numbers: the name of a filing.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{cik::Cik, error::ParseError};

/// The number under which EDGAR keeps one filing: submitter, year and serial.
///
/// The first ten digits are the CIK of whoever *submitted* the filing, often a
/// filing agent: never use them to find the filer. Serials are not in order of
/// acceptance and have gaps.
///
/// Written `0001999999-26-000042`; [`FromStr`] also takes the 18 digits without
/// dashes and the integer that lost its leading zeros.
///
/// Source: sec.gov, "Accessing EDGAR Data", section "Accession number".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Accession(u64);

const SERIALS: u64 = 1_000_000;
const YEARS: u64 = 100;
const DIGITS: usize = 18;

impl Accession {
    /// The accession of a submitter's `serial` (six digits) in a two-digit `year`.
    /// `None` when a part has too many digits.
    pub fn new(submitter: Cik, year: u8, serial: u32) -> Option<Self> {
        let fits = u64::from(year) < YEARS && u64::from(serial) < SERIALS;
        fits.then(|| {
            Self((submitter.get() * YEARS + u64::from(year)) * SERIALS + u64::from(serial))
        })
    }

    /// The accession whose 18 digits are this number; `None` when it has more.
    pub const fn from_number(number: u64) -> Option<Self> {
        if number < 10_u64.pow(DIGITS as u32) {
            Some(Self(number))
        } else {
            None
        }
    }

    /// Who sent the filing.
    pub fn submitter(self) -> Cik {
        Cik::new(self.0 / SERIALS / YEARS)
    }

    /// The four-digit year of submission. EDGAR began in 1993.
    pub fn year(self) -> u16 {
        let short = (self.0 / SERIALS % YEARS) as u16;
        if short >= 93 {
            1900 + short
        } else {
            2000 + short
        }
    }

    /// The submitter's serial of that year.
    pub fn serial(self) -> u32 {
        (self.0 % SERIALS) as u32
    }

    /// The 18 digits without dashes, as in paths and bucket keys.
    pub fn compact(self) -> String {
        format!("{:018}", self.0)
    }

    /// The 18 digits as a number, leading zeros lost. It exceeds 2^53: never JSON.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Accession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.compact();
        write!(f, "{}-{}-{}", &digits[..10], &digits[10..12], &digits[12..])
    }
}

impl fmt::Debug for Accession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Accession {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let bad = || ParseError::Accession(text.chars().take(40).collect());
        let bytes = text.as_bytes();
        let parts = match bytes {
            [.., b'-', _, _, b'-', _, _, _, _, _, _] if text.len() == DIGITS + 2 => {
                [&bytes[..10], &bytes[11..13], &bytes[14..]]
            }
            _ => [bytes, &[], &[]],
        };
        // Nine digits are the least that hold a submitter, a year and a serial.
        let shaped = (9..=DIGITS).contains(&parts.iter().map(|part| part.len()).sum::<usize>());
        let digits = parts.into_iter().flatten();
        if !shaped || !digits.clone().all(u8::is_ascii_digit) {
            return Err(bad());
        }
        let number = digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
        Ok(Self(number))
    }
}

impl TryFrom<String> for Accession {
    type Error = ParseError;

    fn try_from(text: String) -> Result<Self, ParseError> {
        text.parse()
    }
}

impl From<Accession> for String {
    fn from(accession: Accession) -> Self {
        accession.to_string()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn three_spellings_name_one_filing() {
        let dashed: Accession = "0001999999-26-000042".parse().unwrap();
        let compact: Accession = "000199999926000042".parse().unwrap();
        let integer: Accession = "199999926000042".parse().unwrap();

        assert_eq!(dashed, compact);
        assert_eq!(dashed, integer);
        assert_eq!(dashed.submitter(), Cik::new(1_999_999));
        assert_eq!((dashed.year(), dashed.serial()), (2026, 42));
    }

    #[test]
    fn what_is_no_accession_is_refused() {
        for text in [
            "",
            "1",
            "0001999999-26-00004",
            "0001999999_26_000042",
            "0001999999-2-6000042",
            "00019999992600004200",
            "00019999é9-26-000042",
            "+00199999926000042",
            "-001999999-26-000042",
        ] {
            assert!(text.parse::<Accession>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_number_of_more_than_eighteen_digits_is_no_accession() {
        let most = Accession::from_number(999_999_999_999_999_999).unwrap();

        assert_eq!(most.compact(), "9".repeat(18));
        assert_eq!(Accession::from_number(most.get() + 1), None);
    }

    #[test]
    fn years_before_2000_begin_at_93() {
        let old: Accession = "0000950124-94-000001".parse().unwrap();
        assert_eq!(old.year(), 1994);
    }

    proptest! {
        #[test]
        fn every_accession_reads_back(submitter in 0..10_000_000_000u64, year in 0..100u8, serial in 0..1_000_000u32) {
            let accession = Accession::new(Cik::new(submitter), year, serial).unwrap();

            prop_assert_eq!(accession.to_string().parse::<Accession>().unwrap(), accession);
            prop_assert_eq!(accession.compact().parse::<Accession>().unwrap(), accession);
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = text.parse::<Accession>();
        }
    }
}
