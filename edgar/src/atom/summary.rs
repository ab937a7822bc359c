//! The summary of an entry: `Filed`, `AccNo`, `Size` and lines of items, in HTML.
//!
//! Absent or odd values are left out: they are never a reason to lose a filing.

use protocol::{accession::Accession, time::Date};

/// What a summary tells.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Summary {
    pub(super) filed_on: Option<Date>,
    pub(super) accession: Option<Accession>,
    pub(super) size_bytes: Option<u64>,
    pub(super) film: Option<String>,
    pub(super) items: Vec<String>,
}

/// More items than any filing has.
const MAX_ITEMS: usize = 64;
/// Longest value of a field and longest item code, in bytes.
const MAX_VALUE: usize = 20;
const ITEM: &str = "Item ";

/// Reads the HTML of a summary.
pub(super) fn read(html: &str) -> Summary {
    let text = without_tags(html);
    let lines = || text.lines().map(str::trim);
    let fields: Vec<&str> = lines().filter(|line| !line.starts_with(ITEM)).collect();
    let fields = fields.join(" ");
    Summary {
        filed_on: word_after(&fields, "Filed:").and_then(|date| date.parse().ok()),
        accession: word_after(&fields, "AccNo:").and_then(|number| number.parse().ok()),
        size_bytes: size(&fields),
        film: word_after(&fields, "Film#:").map(str::to_owned),
        items: items(lines()),
    }
}

/// The text of `html`; `<br>` begins a new line. A `<` that never closes ends it.
fn without_tags(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, tagged)) = rest.split_once('<') {
        text.push_str(before);
        let Some((tag, after)) = tagged.split_once('>') else {
            return text;
        };
        let is_break = tag
            .get(..2)
            .is_some_and(|tag| tag.eq_ignore_ascii_case("br"));
        text.push_str(if is_break { "\n" } else { "" });
        rest = after;
    }
    text.push_str(rest);
    text
}

fn word_after<'a>(fields: &'a str, label: &str) -> Option<&'a str> {
    let (_, value) = fields.split_once(label)?;
    let word = value.split_whitespace().next()?;
    (word.len() <= MAX_VALUE && !word.ends_with(':')).then_some(word)
}

/// An integer and a unit; without one it is in bytes, as EDGAR shows the smallest.
fn size(fields: &str) -> Option<u64> {
    let (_, value) = fields.split_once("Size:")?;
    let value = value.trim_start();
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = value.split_at(digits);
    let unit = unit.split_whitespace().next().unwrap_or_default();
    let scale: u64 = match unit.to_ascii_uppercase().as_str() {
        "" | "B" | "BYTES" => 1,
        "KB" => 1 << 10,
        "MB" => 1 << 20,
        "GB" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(scale)
}

fn items<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut items: Vec<String> = Vec::new();
    for code in lines.filter_map(item_code).take(MAX_ITEMS) {
        if !items.iter().any(|item| item == code) {
            items.push(code.to_owned());
        }
    }
    items
}

/// `5.02` of `Item 5.02: Departure of Directors`.
fn item_code(line: &str) -> Option<&str> {
    let code = line.strip_prefix(ITEM)?.split([':', ' ']).next()?;
    let shaped = |code: &str| code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
    ((1..=MAX_VALUE).contains(&code.len()) && shaped(code)).then_some(code)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn size_of(size: &str) -> Option<u64> {
        read(&format!("<b>Filed:</b> 2026-03-03 <b>Size:</b> {size}\n")).size_bytes
    }

    #[test]
    fn a_summary_has_date_number_size_and_items() {
        let html = "\n <b>Filed:</b> 2026-03-03 <b>AccNo:</b> 0001999999-26-000042 <b>Size:</b> 674 KB\n<br>Item 2.02: Results of Operations\n<br>Item 9.01: Financial Statements and Exhibits\n<BR />Item 3C.7: Section 3(c)(7)<br>Item 9.01: again\n";

        let summary = read(html);

        assert_eq!(
            summary,
            Summary {
                filed_on: Some(date(2026, 3, 3)),
                accession: Some("0001999999-26-000042".parse().unwrap()),
                size_bytes: Some(690_176),
                film: None,
                items: ["2.02", "9.01", "3C.7"].map(str::to_owned).to_vec(),
            }
        );
    }

    #[test]
    fn a_paper_filing_has_a_film_number_and_bytes_without_unit() {
        let html = "\n<b>Film#:</b> 25071234  <b>Filed:</b> 2025-11-20 <b>AccNo:</b> 9999999997-25-000777 <b>Size:</b> 948\n";

        let summary = read(html);

        assert_eq!(summary.film.as_deref(), Some("25071234"));
        assert_eq!(summary.filed_on, Some(date(2025, 11, 20)));
        assert_eq!(summary.size_bytes, Some(948));
    }

    #[test]
    fn sizes_are_in_multiples_of_1024() {
        for (size, bytes) in [
            ("10 KB", 10 << 10),
            ("3 MB", 3 << 20),
            ("1 gb", 1 << 30),
            ("12 B", 12),
            ("12KB", 12 << 10),
            ("0", 0),
        ] {
            assert_eq!(size_of(size), Some(bytes), "{size}");
        }
    }

    #[test]
    fn an_odd_size_is_left_out() {
        for size in ["", "KB", "-1 KB", "1.5 MB", "99999999999999 GB", "5 TB"] {
            assert_eq!(size_of(size), None, "{size}");
        }
    }

    #[test]
    fn labels_inside_items_are_no_fields() {
        let summary = read("<b>Filed:</b> 2026-03-03\n<br>Item 8.01: Filed: 2020-01-01 Size: 5 KB");

        assert_eq!(summary.filed_on, Some(date(2026, 3, 3)));
        assert_eq!(summary.size_bytes, None);
    }

    #[test]
    fn a_label_without_value_takes_no_other() {
        assert_eq!(read("<b>Film#:</b> <b>Filed:</b> 2026-03-03").film, None);
    }

    #[test]
    fn broken_html_is_read_as_far_as_it_goes() {
        let summary = read("<b>Filed:</b> 2026-03-03 <b>Size:</b> 5 KB <br");

        assert_eq!(summary.size_bytes, Some(5 << 10));
    }
}
