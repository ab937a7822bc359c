//! The values of structured forms: dates and flags in the ways they are written.

use protocol::time::Date;

/// A date: `MM-DD-YYYY` as in form 13F, or `YYYY-MM-DD`, which may be followed by a zone or
/// a time that says nothing more.
pub(crate) fn date(text: &str) -> Option<Date> {
    let (day, rest) = text.split_at_checked(10)?;
    let is_date_alone = rest.is_empty() || rest.starts_with(['-', '+', 'Z', 'T']);
    let parts: Vec<&str> = day.split(['-', '/']).collect();
    let (year, month, day) = match parts[..] {
        [year, month, day] if year.len() == 4 => (year, month, day),
        [month, day, year] if year.len() == 4 => (year, month, day),
        _ => return None,
    };
    let written = [year, month, day];
    let are_digits = |part: &&str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_date_alone || !written.iter().all(are_digits) {
        return None;
    }
    let date = Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    date.ok()
}

/// A flag: XML Schema's `true` and `1`, or `Y`, and their opposites.
pub(crate) fn flag(text: &str) -> Option<bool> {
    match text {
        "1" | "true" | "TRUE" | "True" | "Y" | "y" => Some(true),
        "0" | "false" | "FALSE" | "False" | "N" | "n" => Some(false),
        _ => None,
    }
}

/// Anything that reads itself from text.
pub(crate) fn parse<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_both_orders() {
        let day = Date::new(2025, 4, 30).ok();

        for text in [
            "2025-04-30",
            "04-30-2025",
            "04/30/2025",
            "2025-04-30-05:00",
            "2025-04-30T00:00:00.000-05:00",
            "2025-04-30Z",
        ] {
            assert_eq!(date(text), day, "{text}");
        }
        for text in [
            "",
            "2025-13-01",
            "2025-04-3",
            "04-30-25",
            "+025-04-30",
            "2025-04-301",
            "20250430",
            "2025–04–30",
        ] {
            assert_eq!(date(text), None, "{text}");
        }
    }

    #[test]
    fn flags_are_words_or_digits() {
        assert_eq!(["1", "true", "Y"].map(flag), [Some(true); 3]);
        assert_eq!(["0", "false", "N"].map(flag), [Some(false); 3]);
        assert_eq!(flag("2"), None);
    }
}
