//! Recorded forms 3 and 4.

use super::*;
use crate::xml::recorded::documents;

/// The recorded statements, with the paths of their files.
fn statements() -> Vec<(String, Statement)> {
    documents(&["4", "4/A"])
        .into_iter()
        .filter(|document| is_statement(&document.document_type, &document.bytes))
        .map(|document| (document.path, Statement::read(&document.bytes).unwrap()))
        .collect()
}

fn statement(path: &str) -> Option<Statement> {
    let mut statements = statements().into_iter();
    let found = statements.find(|(of, _)| of.contains(path));
    found.map(|(_, statement)| statement)
}

#[test]
fn every_recorded_statement_is_read_without_flaws() {
    let statements = statements();
    let mut rows = [0; 4];
    for (path, statement) in &statements {
        assert!(statement.flaws.is_empty(), "{path} {:?}", statement.flaws);
        assert!(
            !statement.owners.is_empty() && !statement.signatures.is_empty(),
            "{path}"
        );
        assert!(
            statement.period.is_some() && statement.issuer.name.is_some(),
            "{path}"
        );
        let (one, two) = (&statement.non_derivative, &statement.derivative);
        rows[0] += one.transactions.len();
        rows[1] += one.holdings.len();
        rows[2] += two.transactions.len();
        rows[3] += two.holdings.len();
    }
    assert!(statements.is_empty() || (statements.len(), rows) == (19, [62, 3, 13, 0]));
}

#[test]
fn other_recorded_documents_are_refused() {
    for document in documents(&[]) {
        if is_statement(&document.document_type, &document.bytes) {
            continue;
        }
        let error = Statement::read(&document.bytes);

        assert!(
            matches!(error, Err(FormError::NotThisForm { .. })),
            "{}",
            document.path
        );
    }
}

#[test]
fn every_footnote_that_a_row_names_is_there() {
    for (path, statement) in statements() {
        let tables = [&statement.non_derivative, &statement.derivative];
        let named = tables.into_iter().flat_map(|table| {
            let transactions = table.transactions.iter().map(|row| &row.footnotes);
            transactions.chain(table.holdings.iter().map(|row| &row.footnotes))
        });
        for id in named.flat_map(|notes| notes.values().flatten()) {
            assert!(statement.footnotes.contains_key(id), "{path} {id}");
        }
    }
}

#[test]
fn a_form_3_tells_what_two_owners_hold_together() {
    let Some(statement) = statement("form3.snow") else {
        return;
    };

    let holding = &statement.non_derivative.holdings[0];
    assert_eq!(
        (&*statement.document_type, statement.owners.len()),
        ("3", 2)
    );
    assert_eq!(statement.no_securities_owned, Some(false));
    assert!(
        statement
            .owners
            .iter()
            .all(|owner| owner.is_ten_percent_owner && !owner.is_officer)
    );
    assert_eq!(
        holding.security_title.as_deref(),
        Some("Class A Common Stock")
    );
    assert_eq!(
        holding.position.shares_owned.unwrap().to_string(),
        "6125376"
    );
    assert_eq!(holding.position.ownership, Some(Ownership::Indirect));
    assert_eq!(holding.footnotes["nature_of_ownership"], ["F1"]);
}

#[test]
fn a_grant_of_options_has_its_terms() {
    let Some(statement) = statement("374WaterForm4") else {
        return;
    };

    let grant = &statement.derivative.transactions[0];
    let terms = grant.terms.as_ref().unwrap();
    assert_eq!(
        statement.owners[0].officer_title.as_deref(),
        Some("Chief Technology Officer")
    );
    assert_eq!(statement.aff10b5_one, Some(false));
    assert_eq!(
        terms.conversion_or_exercise_price.unwrap().to_string(),
        "0.33"
    );
    assert_eq!(
        (terms.exercise_date, &*grant.footnotes["exercise_date"]),
        (None, &["F1".to_owned()][..])
    );
    assert_eq!(terms.expiration_date.unwrap().to_string(), "2035-04-29");
    assert_eq!(terms.underlying_title.as_deref(), Some("Common Stock"));
    assert_eq!(statement.non_derivative.transactions[0].terms, None);
}

#[test]
fn an_amendment_tells_what_it_amends() {
    let Some(statement) = statement("0000707549-25-000004") else {
        return;
    };

    let [given, taken] = &statement.non_derivative.transactions[..] else {
        panic!("{:?}", statement.non_derivative)
    };
    assert_eq!(statement.document_type, "4/A");
    assert_eq!(
        statement.original_filed_on.unwrap().to_string(),
        "2024-11-04"
    );
    assert_eq!(
        given.acquired_or_disposed,
        Some(AcquiredOrDisposed::Disposed)
    );
    assert_eq!(
        taken.acquired_or_disposed,
        Some(AcquiredOrDisposed::Acquired)
    );
    assert_eq!((given.row, taken.row), (1, 2));
    assert_eq!(
        taken.position.nature_of_ownership.as_deref(),
        Some("by trust")
    );
    assert!(given.price_per_share.unwrap().is_zero());
}

#[test]
fn recorded_statements_are_json_without_nulls() {
    for (path, statement) in statements() {
        let json = serde_json::to_value(&statement).unwrap();

        assert!(!json.to_string().contains(":null"), "{path}");
        if path.contains("374WaterForm4") {
            let grant = &json["derivative"]["transactions"][0];
            assert_eq!(grant["underlying_shares"], "757576");
            assert_eq!(grant["ownership"], "D");
            assert_eq!(grant["footnotes"]["shares"][0], "F1");
            assert_eq!(json["owners"][0]["is_officer"], true);
            assert_eq!(json["issuer"]["cik"], "933972");
            assert!(json.get("remarks").is_none());
        }
    }
}
