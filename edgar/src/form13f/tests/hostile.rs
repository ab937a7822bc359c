//! Bytes that mean harm, or nothing: no panic, and memory and time stay bounded.

use proptest::prelude::*;

use super::*;

/// Pieces from which table soup is made.
const SOUP: &[&str] = &[
    "<informationTable>",
    "</informationTable>",
    "<infoTable>",
    "<n:infoTable xmlns:n='urn:x'>",
    "</infoTable>",
    "<infoTable/>",
    "<cusip>",
    "</cusip>",
    "<value>",
    "</value>",
    "<value/>",
    "<sshPrnamt>",
    "</sshPrnamt>",
    "<sshPrnamtType>SH</sshPrnamtType>",
    "1",
    "-0.5",
    "é",
    "&",
    "&amp;",
    "&x;",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<!DOCTYPE x [<!ENTITY x 'y'>]>",
    "<?",
    "?>",
    "<",
    ">",
    "/",
    "'",
    "\"",
    " ",
    "\r\n",
    "xmlns=''",
];

fn read_all(bytes: &[u8]) {
    let _ = Cover::read(bytes);
    if let Ok(table) = Table::new(bytes) {
        let mut rows = table.rows().valued_in(ValueUnit::Thousands);
        for _ in rows.by_ref() {}
        for flaw in rows.flaws().first {
            assert!(flaw.offset <= bytes.len() as u64);
        }
    }
    let _ = Report::read(bytes, Some(bytes), None);
}

proptest! {
    #[test]
    fn any_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read_all(&bytes);
        read_all(&[b"<informationTable>", &bytes[..]].concat());
        read_all(&[b"<edgarSubmission>", &bytes[..]].concat());
    }

    #[test]
    fn any_soup_of_tags_is_read(soup in prop::collection::vec(prop::sample::select(SOUP), 0..60)) {
        read_all(["<informationTable>", &soup.concat()].concat().as_bytes());
        read_all(soup.concat().as_bytes());
    }
}

#[test]
fn a_table_cut_anywhere_gives_its_whole_rows_or_is_refused() {
    let whole = table(&[row("ONÉ", "1"), row("TWO", "2")]);
    let row_ends: Vec<_> = whole
        .match_indices("</infoTable>")
        .map(|(at, end)| at + end.len())
        .collect();
    for cut in 0..whole.len() {
        let bytes = &whole.as_bytes()[..cut];
        let Ok(table) = Table::new(bytes) else {
            assert!(cut < "<informationTable>".len());
            continue;
        };
        let mut rows = table.rows();

        let count = rows.by_ref().count();

        assert_eq!(
            count,
            row_ends.iter().filter(|end| **end <= cut).count(),
            "{cut}"
        );
        assert!(!rows.flaws().is_empty(), "{cut}");
    }
}

#[test]
fn deep_nesting_ends_the_table() {
    let table = format!(
        "<informationTable>{}{}",
        row("ONE", "1"),
        "<a>".repeat(1_000_000)
    );

    let (holdings, flaws) = read(table.as_bytes());

    assert_eq!(holdings.len(), 1);
    assert_eq!(flaws.first[0].what, Wrong::TooDeep);
    assert!(
        Cover::read(format!("<edgarSubmission>{}", "<a>".repeat(1_000_000)).as_bytes()).is_err()
    );
}

#[test]
fn entities_are_never_expanded() {
    let bomb = "<!DOCTYPE x [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'><!ENTITY c '&b;&b;'>]>";
    let table = format!("{bomb}{}", table(&[row("&c;", "1")]));

    assert_eq!(issuers(&table), ["&c;"]);
}

#[test]
fn a_million_empty_rows_are_counted_and_kept_out() {
    let table = format!("<informationTable>{}", "<infoTable/>".repeat(1_000_000));

    let (holdings, flaws) = read(table.as_bytes());

    assert!(holdings.is_empty());
    assert_eq!(flaws.count, u64::from(MAX_ROWS) + 1);
    assert_eq!(flaws.first.len(), 10);
}

#[test]
fn broken_markup_in_every_row_does_not_take_quadratic_time() {
    let broken = format!("<informationTable>{}", "<infoTable><!--".repeat(300_000));
    let table = format!(
        "<informationTable>{}",
        "<infoTable <infoTable ".repeat(300_000)
    );

    let names = format!("<informationTable><!{}", "infoTable".repeat(300_000));

    for table in [broken, table, names] {
        let (holdings, flaws) = read(table.as_bytes());
        assert!(holdings.is_empty() && flaws.count <= 17);
    }
}

#[test]
fn many_attributes_and_declarations_are_read_once() {
    let attributes: String = (0..200_000)
        .map(|at| format!(" xmlns:a{at}='urn:{at}'"))
        .collect();
    let table = format!(
        "<informationTable{attributes}>{}</informationTable>",
        row("ONE", "1")
    );

    assert_eq!(issuers(&table), ["ONE"]);
}

#[test]
fn a_cover_of_a_million_elements_is_cut_short() {
    let cover = format!("<edgarSubmission>{}", "<a/>".repeat(1_000_000));

    assert!(Cover::read(cover.as_bytes()).is_err());
}
