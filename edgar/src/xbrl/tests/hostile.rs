//! Bytes made to harm: no panic, no hang, no memory beyond the limits.

use proptest::prelude::*;

use super::*;

const INSTANCE: &str = r#"<xbrl xmlns="http://www.xbrl.org/2003/instance" xmlns:q="urn:q">"#;
const PAGE: &str = r#"<html xmlns:ix="http://www.xbrl.org/2013/inlineXBRL" xmlns:q="urn:q" xmlns:x="http://www.xbrl.org/2003/instance">"#;

/// What each reader says of the bytes, if it says anything.
fn read_both(bytes: &[u8]) {
    let _ = read_instance(bytes, |fact| drop(line(fact)));
    let _ = read_inline(&[bytes, bytes], |fact| drop(line(fact)));
}

#[track_caller]
fn assert_too_much(result: Result<Summary, XbrlError>, expected: &str) {
    match result {
        Err(XbrlError::TooMuch { what, .. }) => assert_eq!(what, expected),
        other => panic!("{other:?}"),
    }
}

#[test]
fn deep_nesting_is_an_error() {
    let deep = "<q:a>".repeat(100_000);
    let instance = [INSTANCE, &deep].concat();
    let page = [PAGE, &deep].concat();

    let expected = "elements within each other";
    assert_too_much(read_instance(instance.as_bytes(), |_| {}), expected);
    assert_too_much(read_inline(&[page.as_bytes()], |_| {}), expected);
}

#[test]
fn facts_within_facts_are_bounded() {
    let nested = "<ix:nonNumeric name='q:A' contextRef='c'>".repeat(1_000);

    let page = [PAGE, &nested].concat();

    let expected = "facts within each other";
    assert_too_much(read_inline(&[page.as_bytes()], |_| {}), expected);
}

#[test]
fn a_million_contexts_are_an_error() {
    let contexts: String = (0..1_000_000)
        .map(|n| format!("<context id='{n}'/>"))
        .collect();
    let document = [INSTANCE, &contexts].concat();

    assert_too_much(read_instance(document.as_bytes(), |_| {}), "contexts");
}

#[test]
fn many_dimensions_of_a_context_are_an_error() {
    let members: String = (0..100_000).map(|n| format!("<q:d{n}/>")).collect();
    let document = format!("{INSTANCE}<context id='c'><scenario>{members}");

    let expected = "dimensions of a context";
    assert_too_much(read_instance(document.as_bytes(), |_| {}), expected);
}

#[test]
fn a_hundred_thousand_unknown_contexts_are_looked_for_once() {
    let facts = "<q:A contextRef='x' unitRef='y'>1</q:A>".repeat(100_000);
    let document = format!("{INSTANCE}{facts}</xbrl>");

    let summary = read_instance(document.as_bytes(), |_| {}).unwrap();

    assert_eq!(summary.facts, 100_000);
    assert_eq!(summary.flaws.times(Flaw::UnknownContext), 100_000);
}

#[test]
fn a_chain_of_a_hundred_thousand_continuations_is_followed_once() {
    let chain: String = (0..100_000)
        .map(|n| {
            format!(
                "<ix:continuation id='{n}' continuedAt='{}'>x</ix:continuation>",
                n + 1
            )
        })
        .collect();
    let fact = "<ix:nonNumeric name='q:A' contextRef='c' continuedAt='0'>x</ix:nonNumeric>";
    let page = format!("{PAGE}{}{chain}</html>", fact.repeat(1_000));
    let mut bytes = 0;

    let summary = read_inline(&[page.as_bytes()], |fact| {
        bytes += fact.value.unwrap().len()
    });

    assert_eq!(bytes, 101_000);
    let summary = summary.unwrap();
    assert_eq!(summary.flaws.times(Flaw::RepeatedContinuation), 999);
}

#[test]
fn a_tag_of_a_million_attributes_is_read() {
    let attributes = " a='1'".repeat(1_000_000);
    let document = format!("{INSTANCE}<q:A contextRef='c'{attributes}>1</q:A></xbrl>");

    assert_eq!(read_instance(document.as_bytes(), |_| {}).unwrap().facts, 1);
}

#[test]
fn entities_are_never_expanded() {
    let document = format!(
        "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;'>]>{INSTANCE}<q:A contextRef='c'>&b;</q:A></xbrl>"
    );

    read_instance(document.as_bytes(), |fact| {
        assert_eq!(fact.value, Some("&b;"))
    })
    .unwrap();
}

#[test]
fn truncation_anywhere_is_an_error_and_no_panic() {
    let document = super::twins::instance_of_everything();
    let page = super::twins::page_of_everything();
    for end in 0..document.len() {
        assert!(
            read_instance(&document.as_bytes()[..end], |_| {}).is_err(),
            "{end}"
        );
    }
    for end in 0..page.len() {
        assert!(
            read_inline(&[&page.as_bytes()[..end]], |_| {}).is_err(),
            "{end}"
        );
    }
}

/// Pieces of which broken reports are made.
fn shards() -> impl Strategy<Value = String> {
    let shard = prop::sample::select(vec![
        INSTANCE,
        PAGE,
        "</xbrl>",
        "</html>",
        "<ix:nonNumeric name='q:A' contextRef='c' escape='true' continuedAt='k'>",
        "</ix:nonNumeric>",
        "<ix:nonFraction name='q:B' contextRef='c' unitRef='u' scale='-3' sign='-'>",
        "</ix:nonFraction>",
        "<ix:continuation id='k' continuedAt='k'>",
        "</ix:continuation>",
        "<ix:exclude>",
        "</ix:exclude>",
        "<ix:fraction name='q:F' contextRef='c'>",
        "<ix:numerator>",
        "</ix:numerator>",
        "<ix:denominator>",
        "</ix:fraction>",
        "<context id='c'>",
        "</context>",
        "<period>",
        "<instant>2025-12-31</instant>",
        "<segment>",
        "<x:context id='c'>",
        "</x:context>",
        "<x:unit id='u'>",
        "<measure>USD</measure>",
        "<divide>",
        "<br>",
        "</br>",
        "<p>",
        "</p>",
        "&amp;",
        "&#x;",
        "12.50",
        "\u{2014}",
        "<![CDATA[",
        "]]>",
        "<!--",
        "-->",
        "<",
        ">",
        "\"",
        "'",
        "\r",
        "<q:A contextRef='c'>",
        "</q:A>",
        "<?x",
        "?>",
    ]);
    prop::collection::vec(shard, 0..40).prop_map(|shards| shards.concat())
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
        read_both(&bytes);
    }

    #[test]
    fn any_shards_are_read_or_refused(text in shards()) {
        read_both(text.as_bytes());
        read_both([INSTANCE, &text].concat().as_bytes());
        read_both([PAGE, &text, "</html>"].concat().as_bytes());
    }
}
