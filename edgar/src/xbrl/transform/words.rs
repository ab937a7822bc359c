//! Numbers and durations in English words, and durations in digits.
//!
//! Invariant: arithmetic is exact; a word that is no number makes the text unfit.
//!
//! Source: SEC, inline XBRL transformations `numwordsen`, `durwordsen`, `duryear` to
//! `durhour`.

use super::is_dash_character;

/// A number in words: `two hundred and five thousand`, `None`.
pub(super) fn number(text: &str) -> Option<String> {
    let words = Words::of(text);
    match words.0.as_slice() {
        [] => None,
        [only] if matches!(only.as_str(), "no" | "none" | "nil") => Some("0".to_owned()),
        words => value(words).map(|value| value.to_string()),
    }
}

/// A duration in words: `two years and 6 months` is `P2Y6M`.
pub(super) fn duration(text: &str) -> Option<String> {
    let words = Words::of(text).0;
    if words.is_empty() {
        return None;
    }
    let mut duration = String::from("P");
    let mut start = 0;
    let mut last = None;
    for (at, word) in words.iter().enumerate() {
        let letter = match word.as_str() {
            "year" | "years" => 'Y',
            "month" | "months" => 'M',
            "day" | "days" => 'D',
            _ => continue,
        };
        // Years come before months, and those before days; none comes twice.
        let rank = "YMD".find(letter);
        if rank <= last {
            return None;
        }
        last = rank;
        match count(&words[start..at])? {
            0 => {}
            count => duration.extend([count.to_string().as_str(), letter.encode_utf8(&mut [0; 4])]),
        }
        start = at + 1;
    }
    if start < words.len() {
        return None;
    }
    Some(match duration.len() {
        1 => "P0D".to_owned(),
        _ => duration,
    })
}

/// Digits, or a number in words.
fn count(words: &[String]) -> Option<u128> {
    let words = match words.first()?.as_str() {
        "and" => &words[1..],
        _ => words,
    };
    match words {
        [] => None,
        [only] if only == "no" => Some(0),
        [only] if only.len() <= 4 && only.bytes().all(|byte| byte.is_ascii_digit()) => {
            only.parse().ok()
        }
        words => value(words),
    }
}

/// Words in lower case, split at blanks, commas and dashes.
struct Words(Vec<String>);

impl Words {
    fn of(text: &str) -> Self {
        let between = |c: char| c.is_whitespace() || c == ',' || is_dash_character(c);
        let words = text.split(between).filter(|word| !word.is_empty());
        Self(words.map(str::to_lowercase).collect())
    }
}

/// The number that words say, none if they do not say one: magnitudes fall, and within one of
/// them comes at most a hundred, a ten and a one.
fn value(words: &[String]) -> Option<u128> {
    let (mut total, mut group) = (0_u128, 0_u128);
    let (mut smallest, mut free) = (u128::MAX, 1_000);
    for word in words {
        if let Some(small) = small(word) {
            // What is free after "two hundred" is below a hundred, after "twenty" below ten.
            if small >= free || (small == 0 && words.len() > 1) {
                return None;
            }
            group += small;
            free = if small >= 20 { 10 } else { 0 };
        } else if word == "hundred" && (1..100).contains(&group) {
            group *= 100;
            free = 100;
        } else if let Some(magnitude) = magnitude(word) {
            if group == 0 || magnitude >= smallest {
                return None;
            }
            total = total.checked_add(group.checked_mul(magnitude)?)?;
            (group, smallest, free) = (0, magnitude, 1_000);
        } else if word != "and" {
            return None;
        }
    }
    let said = words.iter().any(|word| small(word).is_some());
    said.then(|| total.checked_add(group)).flatten()
}

fn small(word: &str) -> Option<u128> {
    const ONES: [&str; 20] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: [&str; 8] = [
        "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
    ];
    let find = |names: &[&str]| names.iter().position(|name| *name == word);
    let ones = find(&ONES).map(|at| at as u128);
    ones.or_else(|| find(&TENS).map(|at| (at as u128 + 2) * 10))
}

fn magnitude(word: &str) -> Option<u128> {
    Some(match word {
        "thousand" => 1_000,
        "million" => 1_000_000,
        "billion" => 1_000_000_000,
        "trillion" => 1_000_000_000_000,
        "quadrillion" => 1_000_000_000_000_000,
        "quintillion" => 1_000_000_000_000_000_000,
        _ => return None,
    })
}

/// What a duration in digits counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::xbrl) enum Unit {
    Years,
    Months,
    Weeks,
    Days,
    Hours,
}

/// Days of a month, in ten-thousandths: a year of 365.25 days by twelve.
const MONTH: u128 = 304_375;

impl Unit {
    /// The duration of that many units: `2.7` years are `P2Y8M12D`.
    ///
    /// A fraction goes into the smaller units, rounded down.
    pub(super) fn duration(self, text: &str) -> Option<String> {
        let (negative, amount, whole) = decimal(text.trim())?;
        let (units, rest) = (amount / whole, amount % whole);
        let days_of = |rest: u128| rest * MONTH / (whole * 10_000);
        let parts: &[(u128, &str)] = match self {
            Self::Years => &[
                (units, "Y"),
                (rest * 12 / whole, "M"),
                (days_of(rest * 12 % whole), "D"),
            ],
            Self::Months => &[(units, "M"), (days_of(rest), "D")],
            Self::Weeks => &[(amount * 7 / whole, "D")],
            Self::Days => &[(units, "D"), (rest * 24 / whole, "H")],
            Self::Hours => &[(units, "H")],
        };
        let sign = match negative && parts.iter().any(|(count, _)| *count > 0) {
            true => "-",
            false => "",
        };
        let mut duration = format!("{sign}P");
        for (at, (count, letter)) in parts.iter().enumerate() {
            // The largest unit stands even when there is none of it.
            if at == 0 || *count > 0 {
                let time = if *letter == "H" { "T" } else { "" };
                duration.push_str(&format!("{time}{count}{letter}"));
            }
        }
        Some(duration)
    }
}

/// Sign, digits and the power of ten to divide them by.
fn decimal(text: &str) -> Option<(bool, u128, u128)> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let fits = whole.len() <= 9 && fraction.len() <= 12 && whole.len() + fraction.len() > 0;
    if !fits || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let amount = [whole, fraction].concat().parse().ok()?;
    let power = u32::try_from(fraction.len()).ok()?;
    Some((negative, amount, 10_u128.pow(power)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_say_no_number_are_none() {
        for text in [
            "million",
            "and",
            "one two three",
            "twenty twenty",
            "one thousand million",
            "two thousand three million",
            "zero five",
            "hundred",
            "one hundred hundred",
        ] {
            assert_eq!(value(&Words::of(text).0), None, "{text}");
        }
    }

    #[test]
    fn words_that_say_a_number_are_it() {
        for (text, number) in [
            ("zero", 0),
            ("ninety nine", 99),
            ("nineteen hundred", 1_900),
            ("two hundred and twelve thousand and one", 212_001),
            ("one billion two million three thousand four", 1_002_003_004),
        ] {
            assert_eq!(value(&Words::of(text).0), Some(number), "{text}");
        }
    }
}
