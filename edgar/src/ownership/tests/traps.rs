//! What real and damaged filings do to a reader.

use super::*;

fn transaction(fields: &str) -> Statement {
    read(&format!(
        "<nonDerivativeTable><nonDerivativeTransaction>{fields}</nonDerivativeTransaction></nonDerivativeTable>"
    ))
}

#[test]
fn a_field_may_be_a_footnote_alone_or_empty() {
    let statement = transaction(
        "<transactionTimeliness></transactionTimeliness><deemedExecutionDate><value></value>\
         </deemedExecutionDate><transactionDate><footnoteId id='F1'/><footnoteId id='F2'/></transactionDate>",
    );

    let row = &statement.non_derivative.transactions[0];
    assert!(statement.flaws.is_empty());
    assert_eq!(
        (
            row.transaction_date,
            row.deemed_execution_date,
            &row.timeliness
        ),
        (None, None, &None)
    );
    assert_eq!(row.footnotes["transaction_date"], ["F1", "F2"]);
    assert_eq!(row.footnotes.len(), 1);
}

#[test]
fn footnotes_of_the_coding_belong_to_the_code() {
    let statement = transaction(
        "<transactionCoding><transactionFormType>5</transactionFormType><transactionCode>J\
         </transactionCode><equitySwapInvolved>1</equitySwapInvolved><footnoteId id='F3'/></transactionCoding>",
    );

    let row = &statement.non_derivative.transactions[0];
    assert_eq!(
        (row.code.as_deref(), row.equity_swap),
        (Some("J"), Some(true))
    );
    assert_eq!(row.footnotes["code"], ["F3"]);
}

#[test]
fn transactions_and_holdings_share_their_line_numbers() {
    let statement = read(
        "<derivativeTable><derivativeHolding/><derivativeTransaction/><derivativeHolding>\
         <postTransactionAmounts><valueOwnedFollowingTransaction><value>1000.5</value>\
         </valueOwnedFollowingTransaction></postTransactionAmounts></derivativeHolding></derivativeTable>",
    );

    let table = statement.derivative;
    assert_eq!(table.transactions[0].row, 2);
    assert_eq!([table.holdings[0].row, table.holdings[1].row], [1, 3]);
    assert_eq!(
        table.holdings[1].position.value_owned.unwrap().to_string(),
        "1000.5"
    );
    assert_eq!(table.holdings[0].terms, Some(Terms::default()));
}

#[test]
fn what_is_no_number_or_date_is_absent_and_told() {
    let statement = transaction(
        "<transactionDate><value>soon</value></transactionDate><transactionAmounts>\
         <transactionShares><value>1,500</value></transactionShares></transactionAmounts>",
    );

    let row = &statement.non_derivative.transactions[0];
    assert_eq!((row.shares, row.transaction_date), (None, None));
    let told: Vec<_> = statement
        .flaws
        .first
        .iter()
        .map(|flaw| flaw.what.to_string())
        .collect();
    assert_eq!(
        told,
        [
            "transactionDate cannot be read",
            "transactionShares cannot be read"
        ]
    );
}

#[test]
fn dates_may_carry_a_zone() {
    let statement =
        transaction("<transactionDate><value>2009-01-05-05:00</value></transactionDate>");

    let row = &statement.non_derivative.transactions[0];
    assert_eq!(row.transaction_date.unwrap().to_string(), "2009-01-05");
}

#[test]
fn relations_are_flags_or_words_and_false_when_not_told() {
    let statement = read(
        "<reportingOwner><reportingOwnerRelationship><isDirector>1</isDirector><isOfficer>true\
         </isOfficer><isOther>0</isOther></reportingOwnerRelationship></reportingOwner>",
    );

    let owner = &statement.owners[0];
    assert!(owner.is_director && owner.is_officer);
    assert!(!owner.is_ten_percent_owner && !owner.is_other);
}

#[test]
fn a_foreign_symbol_is_told() {
    let document = form4("").replace(
        "</issuer>",
        "<issuerTradingSymbol>QUAY</issuerTradingSymbol><issuerForeignTradingSymbol>QUA\
         </issuerForeignTradingSymbol></issuer>",
    );
    let issuer = Statement::read(document.as_bytes()).unwrap().issuer;

    assert_eq!(
        (issuer.ticker.as_deref(), issuer.foreign_ticker.as_deref()),
        (Some("QUAY"), Some("QUA"))
    );
}

#[test]
fn a_namespace_or_a_prefix_changes_nothing() {
    let plain = form4("<remarks>None</remarks>");
    let spaced = plain.replace("<ownershipDocument", "<ownershipDocument xmlns='urn:any'");
    let prefixed = plain
        .replace("</", "</o:")
        .replace('<', "<o:")
        .replace("<o:/o:", "</o:");
    let prefixed = prefixed.replace(
        "<o:ownershipDocument",
        "<o:ownershipDocument xmlns:o='urn:any'",
    );

    let statement = Statement::read(plain.as_bytes()).unwrap();

    assert_eq!(Statement::read(spaced.as_bytes()), Ok(statement.clone()));
    assert_eq!(Statement::read(prefixed.as_bytes()), Ok(statement));
}

#[test]
fn tags_that_do_not_match_cost_a_field_and_are_told() {
    let statement = transaction(
        "<securityTitle><value>Common Stock</securityTitle><transactionCoding><transactionCode>S\
         </transactionCode></transactionCoding></remarks>",
    );

    let row = &statement.non_derivative.transactions[0];
    assert_eq!(row.code.as_deref(), Some("S"));
    assert_eq!(row.security_title.as_deref(), Some("Common Stock"));
    assert_eq!(statement.flaws.count, 2);
}

#[test]
fn a_statement_needs_a_form_and_an_issuer() {
    let missing = |document: &str| match Statement::read(document.as_bytes()) {
        Err(FormError::Malformed { missing, .. }) => missing,
        other => panic!("{other:?}"),
    };
    let whole = form4("");

    assert_eq!(
        missing(&whole.replace("documentType", "type")),
        "documentType"
    );
    assert_eq!(missing(&whole.replace("0001999991", "none")), "issuerCik");
    assert_eq!(missing("<ownershipDocument><documentType>4"), "issuer");
}

#[test]
fn a_form_of_before_2003_is_another_form() {
    let text = b"<TABLE>\n FORM 4  UNITED STATES SECURITIES AND EXCHANGE COMMISSION";

    assert!(!is_statement("4", text));
    assert!(matches!(
        Statement::read(text),
        Err(FormError::NotThisForm { .. })
    ));
}
