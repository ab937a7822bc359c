//! Inline XBRL: values from what is displayed, and what goes on elsewhere.

use super::*;

/// A page with a context and a unit, around `body`.
fn page(body: &str) -> String {
    format!(
        r#"<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml" xmlns:ix="http://www.xbrl.org/2013/inlineXBRL"
 xmlns:ixt="http://www.xbrl.org/inlineXBRL/transformation/2020-02-12" xmlns:xbrli="http://www.xbrl.org/2003/instance"
 xmlns:q="urn:quay" xmlns:xs="http://www.w3.org/2001/XMLSchema-instance"><body><div style="display:none"><ix:header><ix:resources>
<xbrli:context id="c"><xbrli:period><xbrli:forever/></xbrli:period></xbrli:context>
<xbrli:unit id="u"><xbrli:measure>xbrli:pure</xbrli:measure></xbrli:unit></ix:resources></ix:header></div>{body}</body></html>"#
    )
}

/// Concept and value.
type Told = (String, Option<String>);

/// The facts in `body`, and its flaws.
fn values(body: &str) -> (Vec<Told>, Vec<(Flaw, u64)>) {
    let mut told = Vec::new();
    let summary = read_inline(&[page(body).as_bytes()], |fact| {
        told.push((fact.concept.to_owned(), fact.value.map(str::to_owned)));
    });
    (told, flaws(&summary.unwrap()))
}

#[track_caller]
fn check(body: &str, expected: &[(&str, &str)]) {
    check_with(body, expected, &[]);
}

#[track_caller]
fn check_flawed(body: &str, expected: &[(&str, &str)], flaw: Flaw) {
    check_with(body, expected, &[(flaw, 1)]);
}

#[track_caller]
fn check_with(body: &str, expected: &[(&str, &str)], expected_flaws: &[(Flaw, u64)]) {
    let (told, flaws) = values(body);
    let told = told
        .iter()
        .map(|(concept, value)| (concept.as_str(), value.as_deref().unwrap()));
    assert_eq!(told.collect::<Vec<_>>(), expected);
    assert_eq!(flaws, expected_flaws);
}

#[test]
fn a_number_is_transformed_scaled_and_signed() {
    check(
        r#"(<ix:nonFraction name="q:A" contextRef="c" unitRef="u" decimals="-6" scale="6" sign="-" format="ixt:num-dot-decimal"> <b>1,2</b>04.5</ix:nonFraction>)"#,
        &[("A", "-1204500000")],
    );
}

#[test]
fn nested_facts_are_told_in_the_order_of_their_tags() {
    check(
        r#"<ix:nonNumeric name="q:Note" contextRef="c" escape="true"><p>Of <ix:nonFraction name="q:Outer" contextRef="c" unitRef="u" scale="-2"><ix:nonFraction name="q:Inner" contextRef="c" unitRef="u">12</ix:nonFraction></ix:nonFraction>%</p></ix:nonNumeric>"#,
        &[
            ("Note", "<p>Of 12%</p>"),
            ("Outer", "0.12"),
            ("Inner", "12"),
        ],
    );
}

#[test]
fn text_goes_on_in_continuations_wherever_they_are() {
    check(
        r#"<ix:continuation id="k2">C</ix:continuation><ix:nonNumeric name="q:A" contextRef="c" continuedAt="k1">A<ix:exclude>x</ix:exclude></ix:nonNumeric>
<p><ix:continuation id="k1" continuedAt="k2">B </ix:continuation></p>"#,
        &[("A", "AB C")],
    );
}

#[test]
fn chains_that_turn_back_fork_or_lead_nowhere_end() {
    check_flawed(
        r#"<ix:nonNumeric name="q:A" contextRef="c" continuedAt="k">a</ix:nonNumeric><ix:continuation id="k" continuedAt="k">b</ix:continuation>"#,
        &[("A", "ab")],
        Flaw::RepeatedContinuation,
    );
    check_flawed(
        r#"<ix:nonNumeric name="q:A" contextRef="c" continuedAt="k">a</ix:nonNumeric><ix:nonNumeric name="q:B" contextRef="c" continuedAt="k">b</ix:nonNumeric><ix:continuation id="k">c</ix:continuation>"#,
        &[("A", "ac"), ("B", "b")],
        Flaw::RepeatedContinuation,
    );
    check_flawed(
        r#"<ix:nonNumeric name="q:A" contextRef="c" continuedAt="k">a</ix:nonNumeric>"#,
        &[("A", "a")],
        Flaw::MissingContinuation,
    );
}

#[test]
fn text_in_no_format_is_told_with_its_blanks_and_in_a_format_without() {
    check(
        "<ix:nonNumeric name='q:A' contextRef='c'> a \n b </ix:nonNumeric><ix:nonNumeric name='q:D' contextRef='c' format='ixt:date-monthname-day-year-en'>\nMarch&nbsp;3,<br/>\n2026 </ix:nonNumeric>",
        &[("A", " a \n b "), ("D", "2026-03-03")],
    );
}

#[test]
fn a_fraction_is_told_as_both_terms() {
    check(
        r#"<ix:fraction name="q:F" contextRef="c" unitRef="u"><ix:numerator format="ixt:fixed-zero">none</ix:numerator> of <ix:denominator scale="3">2</ix:denominator></ix:fraction>"#,
        &[("F", "0/2000")],
    );
}

#[test]
fn a_nil_fact_has_no_value_whatever_its_prefix() {
    let (told, flaws) =
        values(r#"<ix:nonFraction name="q:A" contextRef="c" unitRef="u" xs:nil="true"/>"#);

    assert_eq!(told, [("A".to_owned(), None)]);
    assert_eq!(flaws, []);
}

#[test]
fn facts_for_another_target_and_without_name_are_left_out_and_counted() {
    check_flawed(
        r#"<ix:nonNumeric name="q:A" contextRef="c" target="x">a</ix:nonNumeric>"#,
        &[],
        Flaw::OtherTarget,
    );
    check_flawed(
        r#"<ix:nonNumeric contextRef="c">a</ix:nonNumeric>"#,
        &[],
        Flaw::Nameless,
    );
    check_flawed(
        r#"<ix:nonNumeric name="q:A">a</ix:nonNumeric>"#,
        &[],
        Flaw::Nameless,
    );
}

#[test]
fn where_no_value_can_be_made_the_displayed_text_is_told() {
    let fact = |attributes: &str, text: &str| {
        format!(
            r#"<ix:nonFraction name="q:A" contextRef="c" unitRef="u" {attributes}>{text}</ix:nonFraction>"#
        )
    };
    for (attributes, text, told, flaw) in [
        ("format='ixt:nonsense'", "1 2", "1 2", Flaw::UnknownFormat),
        ("format='other:fixed-zero'", "x", "x", Flaw::UnknownFormat),
        (
            "format='ixt:num-dot-decimal'",
            " a  few ",
            "a few",
            Flaw::UnfitText,
        ),
        ("", "many", "many", Flaw::NotANumber),
        ("scale='a'", "5", "5", Flaw::NotANumber),
    ] {
        check_flawed(&fact(attributes, text), &[("A", told)], flaw);
    }
}

#[test]
fn documents_of_a_set_share_contexts_units_and_continuations() {
    let first =
        page(r#"<ix:nonNumeric name="q:A" contextRef="d" continuedAt="k">a</ix:nonNumeric>"#);
    let second = first
        .replace(r#"id="c""#, r#"id="d""#)
        .replace("q:A", "q:B")
        .replace(r#" continuedAt="k""#, "");
    let second = second
        .replace(
            "</body>",
            "<ix:continuation id='k'>b</ix:continuation></body>",
        )
        .replace(r#"id="u""#, r#"id="v""#);

    let (lines, summary) = inline(&[&first, &second]);

    assert_eq!(
        lines,
        [
            r#"{"taxonomy":"q","concept":"A","period":{"forever":true},"value":"ab"}"#,
            r#"{"taxonomy":"q","concept":"B","period":{"forever":true},"value":"a"}"#,
        ]
    );
    assert_eq!(flaws(&summary), []);
}

#[test]
fn the_older_namespace_and_any_prefix_are_understood() {
    let document = page(
        "<ix:nonNumeric name='q:A' contextRef='c'>a<ix:exclude>x</ix:exclude></ix:nonNumeric>",
    );
    let document = document
        .replace("2013/inlineXBRL", "2008/inlineXBRL")
        .replace("ix:", "i:");

    let (lines, _) = inline(&[&document.replace("xmlns:ix=", "xmlns:i=")]);

    assert_eq!(
        lines,
        [r#"{"taxonomy":"q","concept":"A","period":{"forever":true},"value":"a"}"#]
    );
}

#[test]
fn loose_html_is_read_as_far_as_it_can_be() {
    check(
        "<BR><img src=a.gif alt><ix:nonNumeric name='q:A' contextRef='c' escape='1'>a&nbsp;b<br>c & d</ix:nonNumeric><hr>",
        &[("A", "a\u{a0}b<br/>c &amp; d")],
    );
    check_flawed(
        "<div><p><ix:nonNumeric name='q:A' contextRef='c'>a</div><ix:nonNumeric name='q:B' contextRef='c'>b</ix:nonNumeric>",
        &[("A", "a"), ("B", "b")],
        Flaw::Unclosed,
    );
}

#[test]
fn what_is_no_page_or_ends_early_is_an_error() {
    for (text, wrong) in [
        ("", true),
        ("text", true),
        ("<xbrl></xbrl>", true),
        ("<html><body>", false),
    ] {
        let error = read_inline(&[page("").as_bytes(), text.as_bytes()], |_| {}).unwrap_err();

        assert_eq!(matches!(error, XbrlError::NotXbrl { .. }), wrong, "{error}");
        assert!(wrong || matches!(error, XbrlError::Malformed { document: 1, .. }));
    }
}

#[test]
fn what_is_excluded_ends_at_its_own_tag() {
    let note = |excluded: &str| {
        format!(
            "<ix:nonNumeric name='q:N' contextRef='c'>a<ix:exclude>{excluded}</ix:exclude>b</ix:nonNumeric>"
        )
    };

    for excluded in ["x", "<p>x", "x</p>", "<ix:exclude>x</ix:exclude>y"] {
        let (told, _) = values(&note(excluded));
        assert_eq!(
            told,
            [("N".to_owned(), Some("ab".to_owned()))],
            "{excluded}"
        );
    }
}

#[test]
fn no_fact_is_told_out_of_a_comment() {
    let fact =
        |value: &str| format!("<ix:nonNumeric name='q:N' contextRef='c'>{value}</ix:nonNumeric>");
    let body = format!("<!-->{}-->{}", fact("hidden"), fact("told"));

    check(&body, &[("N", "told")]);
}
