//! Display names: `NAME  (TICK, TICK2)  (CIK 0001999991)`, read from the right.
//!
//! Two blanks set the groups apart, so that `ACME (UK) LTD (UK)` keeps its parentheses.

use protocol::{cik::Cik, filing::Filer};

/// More tickers than any filer has.
const MAX_TICKERS: usize = 64;
/// Longest ticker, in bytes.
const MAX_TICKER: usize = 12;

/// The filer of a display name, if it says its CIK.
pub(super) fn filer(display_name: &str) -> Option<Filer> {
    let (rest, cik) = display_name.trim().rsplit_once("(CIK")?;
    let cik: Cik = cik.strip_suffix(')')?.trim().parse().ok()?;
    let (name, tickers) = name_and_tickers(rest.trim_end());
    let mut filer = Filer::new(cik, name, None);
    filer.tickers = tickers;
    Some(filer)
}

fn name_and_tickers(text: &str) -> (&str, Vec<String>) {
    let group = text
        .strip_suffix(')')
        .and_then(|open| open.rsplit_once("  ("));
    match group {
        Some((name, group)) if is_tickers(group) => (name.trim(), tickers(group)),
        _ => (text.trim(), Vec::new()),
    }
}

fn is_tickers(group: &str) -> bool {
    group.split(',').all(|ticker| is_ticker(ticker.trim()))
}

fn is_ticker(text: &str) -> bool {
    let shaped = |byte: u8| byte.is_ascii_alphanumeric() || b".-/$".contains(&byte);
    (1..=MAX_TICKER).contains(&text.len()) && text.bytes().all(shaped)
}

fn tickers(group: &str) -> Vec<String> {
    let tickers = group.split(',').take(MAX_TICKERS);
    tickers.map(|ticker| ticker.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(display_name: &str) -> Option<(String, Vec<String>, u64)> {
        let filer = filer(display_name)?;
        Some((filer.name, filer.tickers, filer.cik.get()))
    }

    fn expected(name: &str, tickers: &[&str]) -> Option<(String, Vec<String>, u64)> {
        let tickers = tickers.iter().map(|ticker| (*ticker).to_owned()).collect();
        Some((name.to_owned(), tickers, 1_999_991))
    }

    #[test]
    fn tickers_are_optional_and_may_be_several() {
        assert_eq!(
            read("QUAYSIDE INC  (QUAY, QUAY-W)  (CIK 0001999991)"),
            expected("QUAYSIDE INC", &["QUAY", "QUAY-W"])
        );
        assert_eq!(
            read("DOE JANE  (CIK 0001999991)"),
            expected("DOE JANE", &[])
        );
    }

    #[test]
    fn parentheses_of_the_name_stay_in_it() {
        assert_eq!(
            read("QUAYSIDE (UK) LTD (HOLDINGS)  (CIK 0001999991)"),
            expected("QUAYSIDE (UK) LTD (HOLDINGS)", &[])
        );
        assert_eq!(
            read("QUAYSIDE (UK)  (QUAY)  (CIK 0001999991)"),
            expected("QUAYSIDE (UK)", &["QUAY"])
        );
        assert_eq!(
            read("QUAYSIDE  (formerly Pier, Inc. of Boston)  (CIK 0001999991)"),
            expected("QUAYSIDE  (formerly Pier, Inc. of Boston)", &[])
        );
    }

    #[test]
    fn a_name_without_cik_names_nobody() {
        for name in ["", "QUAYSIDE INC", "QUAYSIDE  (CIK )", "QUAYSIDE  (CIK 12"] {
            assert_eq!(read(name), None, "{name}");
        }
    }
}
