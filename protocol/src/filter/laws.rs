//! The laws of filters, for filters and events by chance.
#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::{prelude::*, sample::subsequence};
use serde_json::{Map, Value, json};

use super::*;

/// A few values for each field, so that filters and events meet.
const VALUES: [(&str, &[&str]); 9] = [
    ("types", &["filing.seen", "filing.archived", "day.sealed"]),
    ("forms", &["8-K", "8-K/A", "8-K*", "4", "424B*"]),
    ("ciks", &["1", "2", "3", "320193"]),
    ("tickers", &["A", "B", "C-D"]),
    ("items", &["2.02", "9.01", "06B"]),
    ("document_types", &["EX-99.1", "EX-99*", "GRAPHIC"]),
    ("sics", &["3569", "7372", "0100"]),
    ("states", &["NY", "WA", "X0"]),
    ("agents", &["0001193125", "0001193125-26", "0000000001"]),
];

/// Whose the tickers are.
fn resolve(ticker: &Ticker) -> Result<Cik, Refusal> {
    Ok(Cik::new(u64::from(
        ticker.as_str().as_bytes()[0] - b'A' + 1,
    )))
}

type Fields = Vec<(&'static str, Vec<&'static str>)>;

/// Some fields with some of their values.
fn fields() -> impl Strategy<Value = Fields> {
    let field = |(name, values): (&'static str, &'static [&'static str])| {
        subsequence(values, 1..=values.len()).prop_map(move |some| (name, some))
    };
    subsequence(&VALUES, 0..=4)
        .prop_flat_map(move |some| some.into_iter().map(field).collect::<Vec<_>>())
}

/// A filter, or nothing where its fields exclude each other.
fn build(fields: &Fields) -> Option<Filter> {
    let object: Map<String, Value> = fields
        .iter()
        .map(|(name, values)| ((*name).to_owned(), json!(values)))
        .collect();
    let mut filter = Filter::from_json(&Value::Object(object)).ok()?;
    filter.resolve_tickers(resolve).unwrap();
    Some(filter)
}

fn some(values: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    subsequence(values, 0..=values.len())
}

fn events() -> impl Strategy<Value = Facts> {
    (
        prop::sample::select(&["filing.seen", "filing.archived", "day.sealed"]),
        prop::sample::select(&["8-K", "8-K/A", "8-K12B", "4", "424B5", "10-K"]),
        prop::sample::select(&["0001193125-26-000042", "0001193125-25-000001"]),
        some(&["1", "2", "3", "4", "320193"]),
        some(&["2.02", "9.01", "06b", "5"]),
        some(&["EX-99.1", "EX-99.2", "GRAPHIC", "8-K"]),
        some(&["3569", "7372", "0100"]),
        some(&["NY", "WA", "X0", "??"]),
    )
        .prop_map(
            |(event, form, accession, ciks, items, documents, sics, states)| {
                let documents: Vec<Value> = documents.iter().map(|t| json!({"type": t})).collect();
                let parties = ciks.iter().enumerate().map(|(n, cik)| {
                json!({"cik": cik, "name": "", "sic": sics.get(n), "state": states.get(n)})
            });
                let filing = json!({"accession": accession, "form": form, "items": items,
                "filers": parties.collect::<Vec<_>>(), "documents": documents});
                let mut frame = json!({"type": event});
                if event != "day.sealed" {
                    frame["filing"] = filing;
                }
                Facts::of_frame(frame.to_string().as_bytes()).unwrap()
            },
        )
}

proptest! {
    #[test]
    fn a_field_wants_what_any_of_its_values_wants(
        (name, values) in (0..VALUES.len()).prop_flat_map(|n| {
            let (name, values) = VALUES[n];
            subsequence(values, 1..=values.len()).prop_map(move |some| (name, some))
        }),
        event in events(),
    ) {
        let one = |value: &&'static str| build(&vec![(name, vec![*value])]).unwrap();

        let union = build(&vec![(name, values.clone())]).unwrap();

        let wanted = values.iter().any(|value| one(value).wants(&event));
        prop_assert_eq!(union.wants(&event), wanted);
    }

    #[test]
    fn a_filter_wants_what_each_of_its_fields_wants(fields in fields(), event in events()) {
        let Some(filter) = build(&fields) else { return Ok(()) };
        // Without `types` a field alone would let only the default types through.
        let types = fields.iter().find(|(name, _)| *name == "types");
        let alone = |field: &(&'static str, Vec<&'static str>)| {
            let mut both: Fields = types.into_iter().cloned().collect();
            if field.0 != "types" {
                both.push(field.clone());
            }
            build(&both)
        };

        let each = fields.iter().filter_map(alone).all(|filter| filter.wants(&event));

        let by_default = types.is_some() || EventType::DEFAULT.contains(&event.event_type);
        prop_assert_eq!(filter.wants(&event), each && by_default);
    }

    #[test]
    fn what_is_written_is_read_again(fields in fields()) {
        let Some(filter) = build(&fields) else { return Ok(()) };

        let text = serde_json::to_string(&filter).unwrap();

        prop_assert_eq!(Filter::from_json(&serde_json::from_str(&text).unwrap()).unwrap(), filter);
    }

    #[test]
    fn order_and_case_of_values_do_not_matter(fields in fields(), event in events()) {
        let turned: Vec<(String, String)> = fields
            .iter()
            .rev()
            .map(|(name, values)| {
                let values: Vec<String> = values.iter().rev().map(|v| v.to_lowercase()).collect();
                ((*name).to_owned(), values.join(" , "))
            })
            .collect();
        let (Some(filter), Ok(mut other)) = (build(&fields), Filter::from_lists(turned)) else {
            prop_assert!(build(&fields).is_none());
            return Ok(());
        };
        other.resolve_tickers(resolve).unwrap();

        prop_assert_eq!(&filter, &other);
        prop_assert_eq!(filter.wants(&event), other.wants(&event));
    }

    #[test]
    fn an_event_of_none_of_its_filers_is_never_wanted(fields in fields(), event in events()) {
        let Some(filter) = build(&fields) else { return Ok(()) };
        let Some(ciks) = filter.ciks() else { return Ok(()) };

        if event.filing.is_some() && !event.ciks().iter().any(|cik| ciks.contains(cik)) {
            prop_assert!(!filter.wants(&event));
        }
    }

    #[test]
    fn no_value_panics(field in 0..FIELDS.len(), text in ".{0,40}") {
        if let Ok(filter) = Filter::from_lists([(FIELDS[field], &text)]) {
            prop_assert!(filter != Filter::default());
        }
    }
}
