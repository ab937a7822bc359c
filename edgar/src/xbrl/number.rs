//! Scale and sign of a displayed number, digit by digit.
//!
//! Elsewhere: from the displayed text to digits (`transform`).
//!
//! Invariant: no digit is ever lost or rounded.

/// Largest scale either way; reports use -6 to 12.
const MAX_SCALE: u32 = 400;

/// The number times ten to the `scale`, as EDGAR writes it; `None` if it is none.
///
/// EDGAR keeps the zeros after the point when the displayed number has `.0` in it, and
/// drops a fraction of nothing else: `13.6` in billions is `13600000000`, `6.0` is
/// `6000000000.0`. The `_htm.xml` files were the model, so that both readings agree.
pub(super) fn scaled(number: &str, scale: i32, negate: bool) -> Option<String> {
    if matches!(number, "INF" | "-INF" | "NaN") {
        return Some(number.to_owned());
    }
    let (signed, digits) = match number.strip_prefix(['-', '+']) {
        Some(digits) => (number.starts_with('-'), digits),
        None => (false, number),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    if scale.unsigned_abs() > MAX_SCALE {
        return None;
    }
    let sign = if signed != negate { "-" } else { "" };
    let (whole, moved) = shifted(whole, fraction, scale);
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        whole => whole,
    };
    let integral = moved.bytes().all(|digit| digit == b'0');
    Some(
        match integral && !number.contains(".0") || moved.is_empty() {
            true => [sign, whole].concat(),
            false => [sign, whole, ".", &moved].concat(),
        },
    )
}

/// Whole part and fraction after the point is moved. To the right the fraction keeps its
/// length, filled with zeros; to the left it grows.
fn shifted(whole: &str, fraction: &str, scale: i32) -> (String, String) {
    let places = scale.unsigned_abs() as usize;
    if scale >= 0 {
        let cut = places.min(fraction.len());
        let zeros = "0".repeat(places - cut);
        let filled = "0".repeat(cut);
        return (
            [whole, &fraction[..cut], &zeros].concat(),
            [&fraction[cut..], &filled].concat(),
        );
    }
    let cut = whole.len().saturating_sub(places);
    let zeros = "0".repeat(places.saturating_sub(whole.len()));
    (
        whole[..cut].to_owned(),
        [&zeros, &whole[cut..], fraction].concat(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_scaled_as_edgar_scales_them() {
        for (number, scale, expected) in [
            ("68714", 6, "68714000000"),
            ("13.6", 9, "13600000000"),
            ("6.0", 9, "6000000000.0"),
            ("9720000.00", 0, "9720000.00"),
            ("0.50", 0, "0.50"),
            ("66", -2, "0.66"),
            ("10", -2, "0.10"),
            ("100", -2, "1"),
            ("5", -4, "0.0005"),
            ("12.34", 1, "123.40"),
            ("007", 0, "7"),
            (".5", 0, "0.5"),
            ("0.00", 6, "0.00"),
        ] {
            assert_eq!(scaled(number, scale, false).as_deref(), Some(expected));
        }
    }

    #[test]
    fn signs_multiply() {
        assert_eq!(scaled("5", 0, true).as_deref(), Some("-5"));
        assert_eq!(scaled("-5", 0, true).as_deref(), Some("5"));
        assert_eq!(scaled("+5", 0, false).as_deref(), Some("5"));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for number in ["", ".", "-", "1,000", "one", "1.2.3", "\u{2014}", "1e5"] {
            assert_eq!(scaled(number, 0, false), None, "{number}");
        }
        assert_eq!(scaled("1", 1_000_000_000, false), None);
        assert_eq!(scaled("1", i32::MIN + 1, false), None);
    }

    #[test]
    fn no_digit_is_lost() {
        let digits = "123456789012345678901234567890.123456789";

        let scaled = scaled(digits, 3, false);
        let expected = "123456789012345678901234567890123.456789000";
        assert_eq!(scaled.as_deref(), Some(expected));
    }
}
