//! Each field of a filter, what it refuses, and how tickers are resolved.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Value, json};

use super::*;

/// What an event tells, from short texts: `form ciks items document_types sics states`.
fn facts(event_type: EventType, told: [&str; 6]) -> Facts {
    fn list<T: FromStr<Err: std::fmt::Debug>>(text: &str) -> Vec<T> {
        text.split_whitespace()
            .map(|v| v.parse().unwrap())
            .collect()
    }
    let [form, ciks, items, document_types, sics, states] = told;
    Facts {
        event_type,
        filing: Some(FilingFacts {
            accession: "0001193125-26-000042".parse().unwrap(),
            form: form.parse().unwrap(),
            ciks: list(ciks),
            items: list(items),
            document_types: list(document_types),
            sics: list(sics),
            states: list(states),
        }),
    }
}

fn seen(form: &str, ciks: &str) -> Facts {
    facts(EventType::FilingSeen, [form, ciks, "", "", "", ""])
}

fn archived(told: [&str; 6]) -> Facts {
    facts(EventType::FilingArchived, told)
}

fn filter(value: Value) -> Filter {
    Filter::from_json(&value).unwrap()
}

fn refusal(value: &Value) -> Refusal {
    Filter::from_json(value).unwrap_err()
}

fn apple(ticker: &Ticker) -> Result<Cik, Refusal> {
    match ticker.as_str() {
        "AAPL" => Ok(Cik::new(320_193)),
        "BRK-B" => Ok(Cik::new(1_067_983)),
        other => {
            Err(Refusal::new(ErrorCode::FilterBadValue, format!("no {other}")).field("tickers"))
        }
    }
}

fn hash(filter: &Filter) -> u64 {
    let mut hasher = DefaultHasher::new();
    filter.hash(&mut hasher);
    hasher.finish()
}

#[test]
fn no_field_means_every_filing_event() {
    let all = Filter::default();

    assert!(all.wants(&seen("8-K", "1")));
    assert!(all.wants(&archived(["4", "", "", "", "", ""])));
    assert!(all.ciks().is_none());
}

#[test]
fn values_are_or_ed_and_fields_are_and_ed() {
    let filter = filter(json!({"forms": ["8-k", "10-Q*"], "ciks": ["0000320193", "7"]}));

    assert!(filter.wants(&seen("8-K", "320193")));
    assert!(filter.wants(&seen("10-Q/A", "5 7")));
    assert!(!filter.wants(&seen("8-K/A", "7")));
    assert!(!filter.wants(&seen("8-K", "5")));
}

#[test]
fn each_field_decides_on_its_own_fact() {
    let event = archived(["8-K/A", "7", "2.02 06b", "8-K/A EX-99.1", "3569", "WA X0"]);
    let cases = [
        (
            json!({"amendments": "only"}),
            json!({"amendments": "exclude"}),
        ),
        (
            json!({"items": ["9.01", "06B"]}),
            json!({"items": ["9.01"]}),
        ),
        (
            json!({"document_types": ["ex-99*"]}),
            json!({"document_types": ["EX-99"]}),
        ),
        (json!({"sics": ["3569"]}), json!({"sics": ["3560"]})),
        (json!({"states": ["x0"]}), json!({"states": ["NY"]})),
        (
            json!({"agents": ["1193125"]}),
            json!({"agents": ["0001193126"]}),
        ),
        (
            json!({"types": ["filing.archived"]}),
            json!({"types": ["filing.seen"]}),
        ),
    ];
    for (matching, other) in cases {
        assert!(filter(matching.clone()).wants(&event), "{matching}");
        assert!(!filter(other.clone()).wants(&event), "{other}");
    }
}

#[test]
fn a_field_not_known_when_a_filing_is_seen_is_decided_when_it_is_archived() {
    for value in [
        json!({"document_types": ["EX-99.1"]}),
        json!({"sics": ["3569"]}),
        json!({"states": ["WA"]}),
        json!({"items": ["2.02"]}),
    ] {
        let filter = filter(value.clone());

        assert!(!filter.wants(&seen("8-K", "7")), "{value}");
        assert!(
            filter.wants(&archived(["8-K", "7", "2.02", "EX-99.1", "3569", "WA"])),
            "{value}"
        );
    }
}

#[test]
fn filing_filters_leave_other_events_alone() {
    let filter = filter(json!({"forms": ["8-K"], "ciks": ["7"], "types": ["*"]}));
    let sealed = Facts {
        event_type: EventType::DaySealed,
        filing: None,
    };

    assert!(filter.wants(&sealed));
    assert!(!Filter::default().wants(&sealed));
}

#[test]
fn types_have_prefixes_too() {
    let shown = serde_json::to_value(filter(json!({"types": ["Source.*", "day.sealed"]}))).unwrap();

    assert_eq!(
        shown,
        json!({"types": ["day.sealed", "source.down", "source.up"]})
    );
}

#[test]
fn an_unknown_field_is_refused_with_the_nearest_known_one() {
    let refusal = refusal(&json!({"froms": ["8-K"]}));

    assert_eq!(refusal.code, ErrorCode::FilterUnknownField);
    assert_eq!(refusal.field.as_deref(), Some("froms"));
    assert_eq!(
        refusal.message,
        "unknown field \"froms\"; did you mean \"forms\"?"
    );
}

#[test]
fn a_field_near_to_none_is_refused_with_all_of_them() {
    let known = Filter::fields();
    for (unknown, nearest) in [("cik", "ciks"), ("tickres", "tickers"), ("typs", "types")] {
        assert!(hint(unknown, known).ends_with(&format!("did you mean \"{nearest}\"?")));
    }
    for unknown in ["view", "x", "date", "company"] {
        let hint = hint(unknown, known);
        assert!(hint.starts_with("; known are types, forms,"), "{hint}");
    }
}

#[test]
fn what_stands_beside_a_filter_is_refused_within_it_with_its_place() {
    for name in ["view", "after", "until"] {
        let refusal = refusal(&json!({name: "lite"}));

        assert_eq!(refusal.code, ErrorCode::FilterUnknownField);
        assert_eq!(refusal.field.as_deref(), Some(name));
        assert!(refusal.message.contains("stands beside it"), "{refusal}");
    }
}

#[test]
fn empty_and_bad_values_are_refused_never_match_all() {
    let many: Vec<String> = (0..501).map(|n| format!("{n:04}")).collect();
    let cases = [
        (json!({"forms": []}), ErrorCode::FilterEmpty),
        (json!({"forms": [""]}), ErrorCode::FilterEmpty),
        (json!({"tickers": {}}), ErrorCode::FilterEmpty),
        (json!({"forms": ["8-K", ""]}), ErrorCode::FilterBadValue),
        (json!({"forms": "8-K,10-K"}), ErrorCode::FilterBadValue),
        (json!({"ciks": ["AAPL"]}), ErrorCode::FilterBadValue),
        (json!({"ciks": [320_193]}), ErrorCode::FilterBadValue),
        (json!({"types": ["filing.sen"]}), ErrorCode::FilterBadValue),
        (json!({"types": ["x*"]}), ErrorCode::FilterBadValue),
        (json!({"amendments": "none"}), ErrorCode::FilterBadValue),
        (
            json!({"amendments": ["only", "exclude"]}),
            ErrorCode::FilterBadValue,
        ),
        (json!({"items": ["Item 2.02"]}), ErrorCode::FilterBadValue),
        (
            json!({"document_types": ["EX*1"]}),
            ErrorCode::FilterBadValue,
        ),
        (json!({"sics": ["software"]}), ErrorCode::FilterBadValue),
        (json!({"sics": many}), ErrorCode::FilterBadValue),
        (json!({"states": ["Texas"]}), ErrorCode::FilterBadValue),
        (json!({"agents": ["workiva"]}), ErrorCode::FilterBadValue),
        (json!({"tickers": ["$$"]}), ErrorCode::FilterBadValue),
        (
            json!({"tickers": {"AAPL": 320_193}}),
            ErrorCode::FilterBadValue,
        ),
        (
            json!({"ciks": {"AAPL": "320193"}}),
            ErrorCode::FilterBadValue,
        ),
        (json!([]), ErrorCode::BadMessage),
    ];
    for (value, code) in cases {
        let refusal = refusal(&value);
        let field = value.as_object().and_then(|fields| fields.keys().next());
        assert_eq!(refusal.code, code, "{value}");
        assert_eq!(
            refusal.field,
            Some(field.map_or("filter".into(), Clone::clone))
        );
    }
}

#[test]
fn a_bad_value_is_answered_with_the_nearest() {
    let cases = [
        (
            json!({"types": ["filing.sen"]}),
            "did you mean \"filing.seen\"?",
        ),
        (json!({"amendments": "exlude"}), "did you mean \"exclude\"?"),
        (json!({"states": ["Texas"]}), "Texas is \"TX\""),
    ];
    for (value, hint) in cases {
        assert!(refusal(&value).message.ends_with(hint), "{value}");
    }
}

#[test]
fn fields_that_exclude_each_other_are_refused_by_name() {
    let cases = [
        (
            json!({"forms": ["8-K/A", "4/A"], "amendments": "exclude"}),
            "amendments",
        ),
        (
            json!({"forms": ["8-K", "4"], "amendments": "only"}),
            "amendments",
        ),
        (json!({"forms": ["4", "3/a"], "items": ["2.02"]}), "items"),
        (json!({"types": ["filing.seen"], "sics": ["3569"]}), "sics"),
        (
            json!({"types": ["filing.seen"], "states": ["NY"]}),
            "states",
        ),
        (
            json!({"types": ["filing.seen"], "document_types": ["*"]}),
            "document_types",
        ),
    ];
    for (value, field) in cases {
        let refusal = refusal(&value);
        assert_eq!(refusal.code, ErrorCode::FilterImpossible, "{value}");
        assert_eq!(refusal.field.as_deref(), Some(field), "{value}");
    }
}

#[test]
fn what_may_match_one_day_is_not_refused() {
    for value in [
        json!({"forms": ["8-K/A", "4"], "amendments": "exclude"}),
        json!({"forms": ["8-K*"], "amendments": "only"}),
        json!({"forms": ["8-K/A*"], "amendments": "exclude"}),
        json!({"forms": ["4", "8-K"], "items": ["2.02"]}),
        json!({"forms": ["4*"], "items": ["2.02"]}),
        json!({"types": ["filing.seen"], "items": ["2.02"]}),
        json!({"types": ["filing.seen", "day.sealed"], "sics": ["3569"]}),
        json!({"types": ["day.sealed"], "forms": ["8-K"]}),
        json!({"ciks": ["7"], "tickers": ["AAPL"]}),
    ] {
        assert!(Filter::from_json(&value).is_ok(), "{value}");
    }
}

#[test]
fn tickers_match_nothing_until_they_are_resolved_and_are_shown_as_resolved() {
    let mut filter = filter(json!({"tickers": ["aapl", "BRK.B", "brk-b"]}));
    let shown = |filter: &Filter| serde_json::to_value(filter).unwrap();
    assert_eq!(shown(&filter), json!({"tickers": ["AAPL", "BRK-B"]}));
    assert!(!filter.wants(&seen("8-K", "320193")));

    filter.resolve_tickers(apple).unwrap();

    assert_eq!(
        shown(&filter),
        json!({"tickers": {"AAPL": "320193", "BRK-B": "1067983"}})
    );
    assert!(filter.wants(&seen("8-K", "5 320193")));
    assert!(!filter.wants(&seen("8-K", "5")));
    assert_eq!(filter.ciks().unwrap().len(), 2);
}

#[test]
fn an_unknown_ticker_is_the_resolvers_refusal() {
    let mut filter = filter(json!({"tickers": ["AAPL", "APPL"]}));

    let refusal = filter.resolve_tickers(apple).unwrap_err();

    assert_eq!(refusal.message, "no APPL");
    assert!(!filter.wants(&seen("8-K", "320193")));
}

#[test]
fn of_two_lists_of_filers_the_smaller_is_the_one_to_look_under() {
    let mut filter = filter(json!({"ciks": ["1", "2", "320193"], "tickers": ["AAPL"]}));
    filter.resolve_tickers(apple).unwrap();

    assert_eq!(filter.ciks(), Some(&BTreeSet::from([Cik::new(320_193)])));
    assert!(filter.wants(&seen("4", "320193")));
    assert!(!filter.wants(&seen("4", "1 2")));
}

#[test]
fn a_query_list_is_the_same_as_an_array_in_any_order_case_and_spelling() {
    let lists = [
        ("forms", "424b*, 8-k"),
        ("ciks", "0000320193,7"),
        ("forms", "8-K"),
        ("tickers", "brk.b"),
        ("items", "06b"),
        ("states", "ny"),
        ("agents", "1193125"),
        ("amendments", "INCLUDE"),
    ];
    let from_query = Filter::from_lists(lists).unwrap();

    let from_json = filter(json!({"forms": ["8-K", "424B*"], "ciks": ["7", "320193"],
        "tickers": ["BRK-B"], "items": ["06B"], "states": ["NY"], "agents": ["0001193125"],
        "amendments": "include"}));
    assert_eq!(from_query, from_json);
    assert_eq!(hash(&from_query), hash(&from_json));
    assert_eq!(
        serde_json::to_value(&from_query).unwrap()["forms"],
        json!(["8-K", "424B*"])
    );
}
