//! What holds of facts, whatever the document.

use edgar::xbrl::{Fact, Summary, XbrlError};

use crate::json;

/// Reads `documents` twice with `read` and checks what must hold of the facts.
pub fn checked(
    read: impl Fn(&mut dyn FnMut(&Fact<'_>)) -> Result<Summary, XbrlError>,
    documents: &[&[u8]],
) {
    let (facts, outcome) = told(&read);
    let (again, outcome_again) = told(&read);
    assert_eq!((&facts, &outcome), (&again, &outcome_again));
    match outcome {
        Ok(summary) => check(&summary, facts.len(), documents),
        Err(XbrlError::Malformed {
            document, offset, ..
        }) => assert!(offset <= documents[document].len(), "beyond the end"),
        Err(_) => {}
    }
}

/// The facts as JSON, and how the reading ended.
fn told(
    read: impl Fn(&mut dyn FnMut(&Fact<'_>)) -> Result<Summary, XbrlError>,
) -> (Vec<String>, Result<Summary, XbrlError>) {
    let mut facts = Vec::new();
    let outcome = read(&mut |fact| {
        assert!(!fact.nil || fact.value.is_none(), "nil with a value");
        facts.push(json::checked(fact).to_string());
    });
    (facts, outcome)
}

fn check(summary: &Summary, facts: usize, documents: &[&[u8]]) {
    assert_eq!(summary.facts as usize, facts);
    for (flaw, met) in summary.flaws.iter() {
        assert!(met.times > 0);
        let document = documents[met.document];
        assert!(met.offset <= document.len(), "{flaw:?} beyond the end");
    }
}
