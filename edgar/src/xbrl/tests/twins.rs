//! The same facts written in both syntaxes come out the same.

use std::fmt::Write;

use proptest::prelude::*;

use super::*;

/// A fact of which either syntax can be written.
#[derive(Debug, Clone)]
struct Twin {
    concept: String,
    context: usize,
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    Nil,
    Text(String),
    /// Units, digits after the point, thousands to scale by, and the sign.
    Number(u64, u8, bool),
    /// Paragraphs of a text block, each in a continuation of its own.
    Block(Vec<String>),
}

const NAMESPACES: &str = r#"xmlns:i="http://www.w3.org/2001/XMLSchema-instance" xmlns:us-gaap="http://fasb.org/us-gaap/2025" xmlns:d="http://xbrl.org/2006/xbrldi" xmlns:x="http://www.xbrl.org/2003/instance" xmlns:cur="http://www.xbrl.org/2003/iso4217""#;

const RESOURCES: &str = r#"<x:context id="c0"><x:period><x:instant>2025-12-31</x:instant></x:period></x:context>
<x:context id="c1"><x:entity><x:segment><d:explicitMember dimension="us-gaap:Axis">us-gaap:Member</d:explicitMember></x:segment></x:entity><x:period><x:startDate>2025-01-01</x:startDate><x:endDate>2025-12-31</x:endDate></x:period></x:context>
<x:unit id="u"><x:divide><x:unitNumerator><x:measure>cur:USD</x:measure></x:unitNumerator><x:unitDenominator><x:measure>x:shares</x:measure></x:unitDenominator></x:divide></x:unit>"#;

fn instance_of(twins: &[Twin]) -> String {
    let mut document = format!("<x:xbrl {NAMESPACES}>{RESOURCES}\n");
    for twin in twins {
        let (name, context) = (&twin.concept, twin.context);
        let (attributes, value) = match &twin.content {
            Content::Nil => (" i:nil=\"true\"", String::new()),
            Content::Text(text) => ("", escaped(text)),
            Content::Number(cents, thousands, negative) => (
                " unitRef=\"u\" decimals=\"2\"",
                value_of(*cents, *thousands, *negative),
            ),
            Content::Block(paragraphs) => ("", escaped(&block(paragraphs).concat())),
        };
        writeln!(
            document,
            "<us-gaap:{name} contextRef=\"c{context}\"{attributes}>{value}</us-gaap:{name}>"
        )
        .unwrap();
    }
    document + "</x:xbrl>"
}

fn page_of(twins: &[Twin]) -> String {
    let mut document = format!(
        "<html xmlns=\"http://www.w3.org/1999/xhtml\" xmlns:ix=\"http://www.xbrl.org/2013/inlineXBRL\" xmlns:ixt=\"http://www.xbrl.org/inlineXBRL/transformation/2015-02-26\" {NAMESPACES}><body>\n"
    );
    for (at, twin) in twins.iter().enumerate() {
        let attributes = format!(
            "name=\"us-gaap:{}\" contextRef=\"c{}\"",
            twin.concept, twin.context
        );
        match &twin.content {
            Content::Nil => writeln!(document, "<ix:nonNumeric {attributes} i:nil=\"true\"/>"),
            Content::Text(text) => writeln!(document, "<p><ix:nonNumeric {attributes}>{}</ix:nonNumeric></p>", escaped(text)),
            Content::Number(cents, thousands, negative) => {
                let sign = if *negative { " sign=\"-\"" } else { "" };
                let scale = 3 * thousands;
                let displayed = displayed(*cents);
                writeln!(document, "(<ix:nonFraction {attributes} unitRef=\"u\" decimals=\"2\" scale=\"{scale}\"{sign} format=\"ixt:numdotdecimal\">{displayed}</ix:nonFraction>)")
            }
            Content::Block(paragraphs) => chain(&mut document, at, &attributes, &block(paragraphs)),
        }
        .unwrap();
    }
    // Contexts come last: where they stand does not matter.
    document + "<ix:header><ix:resources>" + RESOURCES + "</ix:resources></ix:header></body></html>"
}

/// A text block whose paragraphs are spread over the page.
fn chain(
    document: &mut String,
    at: usize,
    attributes: &str,
    pieces: &[String],
) -> std::fmt::Result {
    write!(
        document,
        "<ix:nonNumeric {attributes} escape=\"true\" continuedAt=\"k{at}-0\"></ix:nonNumeric>"
    )?;
    for (number, piece) in pieces.iter().enumerate() {
        let next = match number + 1 < pieces.len() {
            true => format!(" continuedAt=\"k{at}-{}\"", number + 1),
            false => String::new(),
        };
        write!(
            document,
            "<div><ix:continuation id=\"k{at}-{number}\"{next}>{piece}<ix:exclude>Page {number}</ix:exclude></ix:continuation></div>"
        )?;
    }
    document.write_char('\n')
}

fn block(paragraphs: &[String]) -> Vec<String> {
    let paragraph = |text: &String| {
        format!(
            "<p class=\"a\" id=\"b\">{}<br/></p><td></td>",
            escaped(text)
        )
    };
    paragraphs.iter().map(paragraph).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Cents as `1,234.56`.
fn displayed(cents: u64) -> String {
    let whole = (cents / 100).to_string();
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{grouped}.{:02}", cents % 100)
}

/// Cents times thousands as EDGAR writes them, by arithmetic instead of by digits.
fn value_of(cents: u64, thousands: u8, negative: bool) -> String {
    let scaled = u128::from(cents) * 1_000_u128.pow(thousands.into());
    let sign = if negative { "-" } else { "" };
    let (whole, fraction) = (scaled / 100, scaled % 100);
    match fraction == 0 && cents % 100 >= 10 {
        true => format!("{sign}{whole}"),
        false => format!("{sign}{whole}.{fraction:02}"),
    }
}

fn twins() -> impl Strategy<Value = Vec<Twin>> {
    let text = "[a-zA-Z0-9 &<>'\"\u{e9}\u{2014}]{0,20}";
    let content = prop_oneof![
        Just(Content::Nil),
        text.prop_map(Content::Text),
        (0..10_000_000_u64, 0..4_u8, any::<bool>())
            .prop_map(|(cents, thousands, negative)| Content::Number(cents, thousands, negative)),
        prop::collection::vec(text, 1..4).prop_map(Content::Block),
    ];
    let twin =
        ("[A-Z][a-z]{1,8}", 0..2_usize, content).prop_map(|(concept, context, content)| Twin {
            concept,
            context,
            content,
        });
    prop::collection::vec(twin, 0..12)
}

fn everything() -> Vec<Twin> {
    let contents = [
        Content::Nil,
        Content::Text("a & <b>".to_owned()),
        Content::Number(123_450, 2, true),
        Content::Block(vec!["c".to_owned(), "d".to_owned()]),
    ];
    let twins = contents.into_iter().enumerate().map(|(at, content)| Twin {
        concept: format!("Concept{at}"),
        context: at % 2,
        content,
    });
    twins.collect()
}

/// An instance with facts of every kind.
pub(super) fn instance_of_everything() -> String {
    instance_of(&everything())
}

/// A page with facts of every kind.
pub(super) fn page_of_everything() -> String {
    page_of(&everything())
}

proptest! {
    #[test]
    fn both_syntaxes_tell_the_same_facts(twins in twins()) {
        let (from_instance, instance_summary) = instance(&instance_of(&twins));
        let (from_page, page_summary) = inline(&[&page_of(&twins)]);

        prop_assert_eq!(from_page, from_instance);
        prop_assert_eq!(flaws(&page_summary), []);
        prop_assert_eq!(flaws(&instance_summary), []);
    }
}
