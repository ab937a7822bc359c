//! Bytes that mean harm, or nothing: no panic, and memory and time stay bounded.

use proptest::prelude::*;

use super::*;

/// Pieces from which statement soup is made.
const SOUP: &[&str] = &[
    "<issuer>",
    "</issuer>",
    "<issuerCik>1</issuerCik>",
    "<documentType>4</documentType>",
    "<nonDerivativeTable>",
    "</nonDerivativeTable>",
    "<derivativeTable>",
    "<derivativeTransaction>",
    "</derivativeTransaction>",
    "<nonDerivativeTransaction>",
    "<transactionAmounts>",
    "<transactionShares>",
    "</transactionShares>",
    "<value>",
    "</value>",
    "<footnoteId id='F1'/>",
    "<footnoteId>",
    "<footnotes>",
    "<footnote id=\"F1\">",
    "</footnote>",
    "1",
    "é",
    "&",
    "&#0;",
    "&lt;",
    "<x:y xmlns:x='urn:x'>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<",
    ">",
    "\r\n",
    "</ownershipDocument>",
];

proptest! {
    #[test]
    fn any_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Statement::read(&bytes);
        let _ = Statement::read(&[b"<ownershipDocument>", &bytes[..]].concat());
    }

    #[test]
    fn any_soup_of_tags_is_read(soup in prop::collection::vec(prop::sample::select(SOUP), 0..60)) {
        let document = form4(&soup.concat());
        let statement = Statement::read(document.as_bytes());

        if let Ok(statement) = statement {
            let offsets = statement.flaws.first.iter().map(|flaw| flaw.offset);
            prop_assert!(offsets.max().unwrap_or(0) <= document.len() as u64);
            prop_assert!(serde_json::to_string(&statement).is_ok());
        }
    }
}

#[test]
fn a_statement_cut_anywhere_is_told_to_be_cut_or_refused() {
    let whole = form4(
        "<nonDerivativeTable><nonDerivativeTransaction><securityTitle><value>Common é</value>\
         <footnoteId id='F1'/></securityTitle></nonDerivativeTransaction></nonDerivativeTable>",
    );
    for cut in 0..whole.len() {
        if let Ok(statement) = Statement::read(&whole.as_bytes()[..cut]) {
            assert_eq!(statement.flaws.count, 1, "{cut}");
        }
    }
}

#[test]
fn deep_nesting_is_not_followed() {
    let deep = format!("<nonDerivativeTable>{}", "<value>".repeat(1_000_000));

    assert_eq!(read(&deep).flaws.first[0].what, Wrong::TooDeep);
}

#[test]
fn a_million_rows_are_cut_short() {
    let rows = "<nonDerivativeHolding/>".repeat(1_000_000);

    let statement = read(&format!("<nonDerivativeTable>{rows}"));

    assert!(statement.non_derivative.holdings.len() < 200_000);
    assert_eq!(statement.flaws.first[0].what, Wrong::TooMany("elements"));
}

#[test]
fn entities_are_never_expanded() {
    let bomb = "<!DOCTYPE x [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]>";
    let document = format!("{bomb}{}", form4("<remarks>&b;</remarks>"));

    let statement = Statement::read(document.as_bytes()).unwrap();

    assert_eq!(statement.remarks.as_deref(), Some("&b;"));
}
