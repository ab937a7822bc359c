//! Exact decimal numbers, as money and shares are reported.
//!
//! Invariant: a number is never rounded; equal numbers are equal values and print alike.

use std::{cmp::Ordering, fmt, str::FromStr};

use serde::{Serialize, Serializer};

/// Most significant digits. EDGAR's own schemas allow 16 before the point.
const MAX_DIGITS: u32 = 28;
/// Most digits after the point, without trailing zeros.
const MAX_SCALE: usize = 18;

/// A decimal number, exact. `70750.00` and `70750` are the same and print as `70750`.
///
/// A string in JSON: most readers of JSON make a binary fraction of a number.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Decimal {
    /// The digits without their point.
    digits: i128,
    /// How many of them stand after the point; the last of those is not zero.
    scale: u8,
}

/// Not a decimal number, or one of more digits than any amount has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a decimal number")]
pub struct NotADecimal;

impl Decimal {
    /// Nothing.
    pub const ZERO: Self = Self {
        digits: 0,
        scale: 0,
    };

    /// Whether it is nothing.
    pub fn is_zero(self) -> bool {
        self.digits == 0
    }

    /// The sum, unless it has more digits than fit.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        let digits = self.at(scale)?.checked_add(other.at(scale)?)?;
        Some(Self { digits, scale }.without_trailing_zeros())
    }

    /// The product with an integer, unless it has more digits than fit.
    pub fn checked_mul(self, times: u32) -> Option<Self> {
        let digits = self.digits.checked_mul(i128::from(times))?;
        let scale = self.scale;
        Some(Self { digits, scale }.without_trailing_zeros())
    }

    /// The nearest binary fraction, for ratios and charts.
    pub fn to_f64(self) -> f64 {
        self.digits as f64 / 10_f64.powi(i32::from(self.scale))
    }

    /// Its digits with `scale` of them after the point.
    fn at(self, scale: u8) -> Option<i128> {
        let shift = 10_i128.checked_pow(u32::from(scale - self.scale))?;
        self.digits.checked_mul(shift)
    }

    fn without_trailing_zeros(mut self) -> Self {
        while self.scale > 0 && self.digits % 10 == 0 {
            self.digits /= 10;
            self.scale -= 1;
        }
        self
    }
}

impl FromStr for Decimal {
    type Err = NotADecimal;

    /// Reads digits with at most one point and one sign: `12`, `-0.5`, `.5`, `5.`, `+7`.
    fn from_str(text: &str) -> Result<Self, NotADecimal> {
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let fraction = match fraction.is_empty() {
            true => fraction,
            false if whole.is_empty() && fraction.bytes().all(|byte| byte == b'0') => "0",
            false => fraction.trim_end_matches('0'),
        };
        if whole.is_empty() && fraction.is_empty() || fraction.len() > MAX_SCALE {
            return Err(NotADecimal);
        }

        let mut digits = 0_i128;
        for byte in whole.bytes().chain(fraction.bytes()) {
            if !byte.is_ascii_digit() || digits >= 10_i128.pow(MAX_DIGITS - 1) {
                return Err(NotADecimal);
            }
            digits = digits * 10 + i128::from(byte - b'0');
        }
        let number = Self {
            digits: if text.starts_with('-') {
                -digits
            } else {
                digits
            },
            scale: fraction.len() as u8,
        };
        Ok(number.without_trailing_zeros())
    }
}

impl From<u64> for Decimal {
    fn from(number: u64) -> Self {
        Self {
            digits: i128::from(number),
            scale: 0,
        }
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let scale = self.scale.max(other.scale);
        match (self.at(scale), other.at(scale)) {
            (Some(a), Some(b)) => a.cmp(&b),
            // Only a sum can be so large that it does not fit with more digits.
            _ => self.to_f64().total_cmp(&other.to_f64()),
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.digits < 0 { "-" } else { "" };
        let point = 10_u128.pow(u32::from(self.scale));
        let (whole, fraction) = (
            self.digits.unsigned_abs() / point,
            self.digits.unsigned_abs() % point,
        );
        match usize::from(self.scale) {
            0 => write!(f, "{sign}{whole}"),
            scale => write!(f, "{sign}{whole}.{fraction:0scale$}"),
        }
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn a_number_has_one_spelling() {
        for (written, printed) in [
            ("105032.25", "105032.25"),
            ("70750.00", "70750"),
            ("0.0", "0"),
            (".0", "0"),
            ("-0", "0"),
            (".33", "0.33"),
            ("+007.10", "7.1"),
            ("5.", "5"),
            ("-2.50", "-2.5"),
            ("9999999999999999", "9999999999999999"),
        ] {
            assert_eq!(decimal(written).to_string(), printed, "{written}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "",
            ".",
            "-",
            "+.",
            "1,234",
            "$5",
            "1e5",
            "1.2.3",
            "--1",
            " 1",
            "NaN",
            "½",
            "99999999999999999999999999999",
            "0.1234567890123456789",
        ] {
            assert_eq!(text.parse::<Decimal>(), Err(NotADecimal), "{text}");
        }
    }

    #[test]
    fn sums_and_products_are_exact() {
        assert_eq!(
            decimal("0.1").checked_add(decimal("0.2")),
            Some(decimal("0.3"))
        );
        assert_eq!(decimal("0.05").checked_mul(1000), Some(decimal("50")));
        assert!(decimal("-0.5") < decimal("0.25"));
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(digits in -10_i128.pow(24)..10_i128.pow(24), scale in 0_u8..18) {
            let number = Decimal { digits, scale }.without_trailing_zeros();
            prop_assert_eq!(number.to_string().parse(), Ok(number));
        }

        #[test]
        fn sums_of_any_two_do_not_panic(a in "[-+]?[0-9]{0,20}\\.?[0-9]{0,20}", b in "[0-9]{1,28}") {
            if let (Ok(a), Ok(b)) = (a.parse::<Decimal>(), b.parse::<Decimal>()) {
                let _ = (a.checked_add(b), a.checked_mul(u32::MAX), a.cmp(&b), a.to_f64());
            }
        }
    }
}
