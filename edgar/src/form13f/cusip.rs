//! CUSIP numbers as filers write them, made comparable.

/// Characters of a CUSIP, the last a check digit.
const LENGTH: usize = 9;

/// Upper case, without blanks and dashes; with the leading zeros that a spreadsheet took
/// away, if the check digit confirms that it did.
///
/// Fewer than nine characters may also be a CUSIP without its check digit: without
/// confirmation it stays short.
pub(super) fn normal(written: &str) -> String {
    let blank = |c: &char| !c.is_whitespace() && *c != '-';
    let cusip: String = written.chars().filter(blank).collect();
    let cusip = cusip.to_ascii_uppercase();
    let short = cusip.len() < LENGTH && cusip.bytes().all(|byte| byte.is_ascii_digit());
    let padded = format!("{cusip:0>LENGTH$}");
    match short && !cusip.is_empty() && is_checked(&padded) {
        true => padded,
        false => cusip,
    }
}

/// Whether the last of nine digits is the check digit of the others.
///
/// Source: CUSIP Global Services, modulus 10 double-add-double.
fn is_checked(cusip: &str) -> bool {
    let digits: Vec<u32> = cusip.chars().filter_map(|c| c.to_digit(10)).collect();
    let Some((check, digits)) = digits.split_last() else {
        return false;
    };
    let weighted = digits
        .iter()
        .enumerate()
        .map(|(at, digit)| digit * (1 + at as u32 % 2));
    let sum: u32 = weighted.map(|value| value / 10 + value % 10).sum();
    (10 - sum % 10) % 10 == *check
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cusip_is_upper_case_without_blanks() {
        assert_eq!(normal("g1151c101"), "G1151C101");
        assert_eq!(normal("025816 10 9"), "025816109");
        assert_eq!(normal("00287Y109"), "00287Y109");
    }

    #[test]
    fn lost_zeros_come_back_when_the_check_digit_agrees() {
        assert_eq!(normal("37833100"), "037833100");
        assert_eq!(normal("2824100"), "002824100");
        assert_eq!(normal("37833101"), "37833101");
        // The first eight characters of 594918104.
        assert_eq!(normal("59491810"), "59491810");
    }

    #[test]
    fn nothing_and_nonsense_stay() {
        assert_eq!(normal(""), "");
        assert_eq!(normal("N/A"), "N/A");
        assert_eq!(normal("Nestlé"), "NESTLé");
    }
}
