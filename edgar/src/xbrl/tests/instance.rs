//! Instances: what stands where, under which prefix, in which order.

use super::*;

/// An instance with two contexts and a unit, around `facts`.
fn around(facts: &str) -> String {
    format!(
        r#"<?xml version="1.0"?>
<xbrl xmlns="http://www.xbrl.org/2003/instance" xmlns:us-gaap="http://fasb.org/us-gaap/2025"
 xmlns:q="urn:quay" xmlns:link="http://www.xbrl.org/2003/linkbase" xmlns:xs="http://www.w3.org/2001/XMLSchema-instance">
<context id="c"><period><instant> 2025-12-31 </instant></period></context>
<unit id="u"><measure>pure</measure></unit>{facts}</xbrl>"#
    )
}

#[track_caller]
fn check(facts: &str, expected: &[&str]) {
    let (lines, summary) = instance(&around(facts));
    assert_eq!(lines, expected);
    assert_eq!(flaws(&summary), []);
}

#[test]
fn a_fact_is_told_with_what_it_refers_to() {
    check(
        r#"<us-gaap:Ratio contextRef="c" unitRef="u" decimals="INF" id="f"> 0.50
</us-gaap:Ratio>"#,
        &[
            r#"{"taxonomy":"us-gaap","concept":"Ratio","period":{"instant":"2025-12-31"},"unit":"pure","decimals":"INF","value":"0.50"}"#,
        ],
    );
}

#[test]
fn text_is_told_as_it_is_with_its_markup_unescaped() {
    check(
        "<q:Note contextRef='c'> &lt;p class=\"x\"&gt;a &amp;amp; b&lt;/p&gt;<![CDATA[<br/>]]> </q:Note>",
        &[
            r#"{"taxonomy":"q","concept":"Note","period":{"instant":"2025-12-31"},"value":" <p class=\"x\">a &amp; b</p><br/> "}"#,
        ],
    );
}

#[test]
fn a_nil_fact_has_no_value_whatever_its_prefix() {
    check(
        r#"<q:A contextRef="c" xs:nil="true"/><q:B contextRef="c" xs:nil="1"></q:B><q:C contextRef="c" q:nil="true"/>"#,
        &[
            r#"{"taxonomy":"q","concept":"A","period":{"instant":"2025-12-31"},"nil":true}"#,
            r#"{"taxonomy":"q","concept":"B","period":{"instant":"2025-12-31"},"nil":true}"#,
            r#"{"taxonomy":"q","concept":"C","period":{"instant":"2025-12-31"},"value":""}"#,
        ],
    );
}

#[test]
fn tuples_are_flattened_links_and_footnotes_passed_over() {
    check(
        r#"<q:Tuple><q:Inner><q:A contextRef="c">1</q:A></q:Inner><q:B contextRef="c">2</q:B></q:Tuple>
<link:footnoteLink><link:footnote contextRef="c">no</link:footnote></link:footnoteLink>"#,
        &[
            r#"{"taxonomy":"q","concept":"A","period":{"instant":"2025-12-31"},"value":"1"}"#,
            r#"{"taxonomy":"q","concept":"B","period":{"instant":"2025-12-31"},"value":"2"}"#,
        ],
    );
}

#[test]
fn a_fraction_is_told_as_both_terms() {
    check(
        r#"<q:A contextRef="c" unitRef="u"> <numerator> 1 </numerator> <denominator>3</denominator> </q:A>"#,
        &[
            r#"{"taxonomy":"q","concept":"A","period":{"instant":"2025-12-31"},"unit":"pure","value":"1/3"}"#,
        ],
    );
}

#[test]
fn contexts_and_units_may_come_after_facts() {
    let after = r#"<q:A contextRef="d" unitRef="v">1</q:A>
<context id="d"><period><forever/></period></context>
<unit id="v"><measure>q:Barrel</measure></unit>
<q:B contextRef="c">2</q:B>"#;

    check(
        after,
        &[
            r#"{"taxonomy":"q","concept":"A","period":{"forever":true},"unit":"q:Barrel","value":"1"}"#,
            r#"{"taxonomy":"q","concept":"B","period":{"instant":"2025-12-31"},"value":"2"}"#,
        ],
    );
}

#[test]
fn units_are_written_with_currencies_and_shares_bare() {
    let unit = |measures: &str| {
        let document = format!(
            r#"<x:xbrl xmlns:x="http://www.xbrl.org/2003/instance" xmlns:cur="http://www.xbrl.org/2003/iso4217" xmlns:utr="http://www.xbrl.org/2009/utr" xmlns:q="urn:quay">
<x:unit id="u">{measures}</x:unit><q:A contextRef="c" unitRef="u"/></x:xbrl>"#
        );
        let mut told = String::new();
        read_instance(document.as_bytes(), |fact| {
            told = fact.unit.unwrap().to_owned()
        })
        .unwrap();
        told
    };

    assert_eq!(unit("<x:measure> cur:USD </x:measure>"), "USD");
    assert_eq!(unit("<x:measure>utr:MMBtu</x:measure>"), "utr:MMBtu");
    assert_eq!(
        unit("<x:measure>x:shares</x:measure><x:measure>y:z</x:measure>"),
        "shares*y:z"
    );
    let divided = "<x:divide><x:unitNumerator><x:measure>cur:USD</x:measure></x:unitNumerator><x:unitDenominator><x:measure>x:shares</x:measure><x:measure>q:Day</x:measure></x:unitDenominator></x:divide>";
    assert_eq!(unit(divided), "USD/shares*q:Day");
}

#[test]
fn dimensions_of_segment_and_scenario_are_told_typed_ones_as_text() {
    let document = r#"<xbrl xmlns="http://www.xbrl.org/2003/instance" xmlns:g="http://xbrl.us/us-gaap/2009-01-31" xmlns:d="http://xbrl.org/2006/xbrldi" xmlns:q="urn:quay">
<context id="c"><entity><identifier scheme="http://www.sec.gov/CIK">0001999991</identifier>
<segment><d:explicitMember dimension="q:Y"> g:M </d:explicitMember><d:typedMember dimension="g:T"><q:Id>A &amp; B</q:Id></d:typedMember></segment></entity>
<scenario><d:explicitMember dimension="q:Z">q:N</d:explicitMember><q:Old>plan</q:Old></scenario></context>
<q:A contextRef="c">1</q:A></xbrl>"#;

    let (lines, summary) = instance(document);

    let expected = r#"{"taxonomy":"q","concept":"A","dimensions":{"q:Old":"plan","q:Y":"us-gaap:M","q:Z":"q:N","us-gaap:T":"A & B"},"value":"1"}"#;
    assert_eq!(lines, [expected]);
    assert_eq!(flaws(&summary), []);
}

#[test]
fn a_prefix_declared_by_the_fact_itself_counts() {
    check(
        r#"<f:Name xmlns:f="http://xbrl.sec.gov/dei/2025" contextRef="c"/>"#,
        &[r#"{"taxonomy":"dei","concept":"Name","period":{"instant":"2025-12-31"},"value":""}"#],
    );
}

#[test]
fn what_a_fact_refers_to_in_vain_is_a_flaw_and_the_fact_is_told() {
    let (lines, summary) = instance(&around(
        r#"<q:A contextRef="nowhere" unitRef="nothing">1</q:A><z:B contextRef="c">2</z:B><context id="c"/>"#,
    ));

    assert_eq!(
        lines,
        [
            r#"{"taxonomy":"q","concept":"A","value":"1"}"#,
            r#"{"taxonomy":"z","concept":"B","period":{"instant":"2025-12-31"},"value":"2"}"#,
        ]
    );
    let expected = [
        (Flaw::UnknownContext, 1),
        (Flaw::UnknownUnit, 1),
        (Flaw::RepeatedName, 1),
        (Flaw::UnboundPrefix, 1),
    ];
    assert_eq!(flaws(&summary), expected);
}

#[test]
fn a_flaw_is_placed_in_the_bytes_as_given() {
    let document = around("<q:A contextRef='nowhere'>caf\u{e9}</q:A>");
    let latin: Vec<u8> = document.chars().map(|c| u8::try_from(c).unwrap()).collect();
    let bytes = [b"\r\n".as_slice(), &latin].concat();

    let summary = read_instance(&bytes, |fact| assert_eq!(fact.value, Some("caf\u{e9}"))).unwrap();

    let (_, met) = summary.flaws.iter().next().unwrap();
    assert!(bytes[met.offset..].starts_with(b"<q:A"));
}

#[test]
fn something_else_is_not_an_instance() {
    for text in [
        "",
        "plain text",
        "<html/>",
        "<xbrl/>",
        "<xbrl xmlns='urn:x'></xbrl>",
    ] {
        let error = read_instance(text.as_bytes(), |_| {}).unwrap_err();

        assert!(matches!(error, XbrlError::NotXbrl { .. }), "{text}");
    }
}

#[test]
fn a_broken_instance_says_where_and_keeps_what_was_told() {
    let document = around("<q:A contextRef='c'>1</q:A><q:B contextRef='c'>2</q:C>");
    let mut told = 0;

    let error = read_instance(document.as_bytes(), |_| told += 1).unwrap_err();

    let XbrlError::Malformed { offset, .. } = error else {
        panic!("{error}");
    };
    assert!(document[..offset].ends_with("</q:C>"));
    assert_eq!(told, 1);
}

#[test]
fn an_unknown_context_does_not_lose_the_facts_before_a_break() {
    let fact = r#"<q:A contextRef="c">1</q:A>"#;
    let unknown = r#"<q:B contextRef="nope">2</q:B>"#;
    let broken = around(&[fact, unknown, fact, "<broken"].concat());
    let mut told = 0;

    let ended = read_instance(broken.as_bytes(), |_| told += 1);

    assert!(ended.is_err());
    assert_eq!(told, 3);
}
