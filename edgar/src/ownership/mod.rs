//! Forms 3, 4 and 5: what insiders own in their company, and how that changes.
//!
//! [`Statement::read`] takes the primary document, an `ownershipDocument` of any schema
//! from X0101 to X0609. Elsewhere: finding it in a submission (`sgml`), reading rows
//! (`rows`).
//!
//! Any field of a row may be a footnote alone: it is then absent, and
//! [`Transaction::footnotes`] says which footnote. Invariant: no bytes make it panic, and
//! numbers are exact.
//!
//! ```
//! use edgar::ownership::{AcquiredOrDisposed, Statement};
//!
//! let statement = Statement::read(br#"<ownershipDocument>
//!   <schemaVersion>X0508</schemaVersion>
//!   <documentType>4</documentType>
//!   <periodOfReport>2026-03-02</periodOfReport>
//!   <issuer>
//!     <issuerCik>0001999991</issuerCik>
//!     <issuerName>QUAYSIDE ROBOTICS (HOLDINGS) INC</issuerName>
//!     <issuerTradingSymbol>QUAY</issuerTradingSymbol>
//!   </issuer>
//!   <nonDerivativeTable><nonDerivativeTransaction>
//!     <securityTitle><value>Common Stock</value></securityTitle>
//!     <transactionDate><value>2026-03-02</value></transactionDate>
//!     <transactionCoding><transactionCode>S</transactionCode></transactionCoding>
//!     <transactionAmounts>
//!       <transactionShares><value>1500</value></transactionShares>
//!       <transactionPricePerShare><footnoteId id="F1"/></transactionPricePerShare>
//!       <transactionAcquiredDisposedCode><value>D</value></transactionAcquiredDisposedCode>
//!     </transactionAmounts>
//!   </nonDerivativeTransaction></nonDerivativeTable>
//!   <footnotes><footnote id="F1">A weighted average price.</footnote></footnotes>
//! </ownershipDocument>"#)?;
//!
//! let sale = &statement.non_derivative.transactions[0];
//! assert_eq!(statement.issuer.ticker.as_deref(), Some("QUAY"));
//! assert_eq!(sale.acquired_or_disposed, Some(AcquiredOrDisposed::Disposed));
//! assert_eq!(sale.shares.unwrap().to_string(), "1500");
//! assert_eq!(sale.price_per_share, None);
//! assert_eq!(sale.footnotes["price_per_share"], ["F1"]);
//! assert_eq!(statement.footnotes["F1"], "A weighted average price.");
//! # Ok::<(), edgar::ownership::FormError>(())
//! ```

mod read;
mod rows;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use protocol::{cik::Cik, time::Date};
use serde::Serialize;

pub use crate::xml::flaw::{Flaw, Flaws, FormError, Wrong};
use crate::{decimal::Decimal, xml::document};

/// A form 3 (first statement), 4 (changes) or 5 (once a year), or an amendment of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// The form: `3`, `4` or `5`, with `/A` for amendments.
    pub document_type: String,
    /// Version of the schema, such as `X0508`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema_version: Option<String>,
    /// Day of the event or of the first transaction, or last day of the fiscal year.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<Date>,
    /// When the amended form was filed; for amendments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original_filed_on: Option<Date>,
    /// Whether the owners need no longer report, the box on top of forms 4 and 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_subject_to_section16: Option<bool>,
    /// Whether nothing is owned; form 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_securities_owned: Option<bool>,
    /// Whether it also reports holdings that a form 3 left out; form 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form3_holdings_reported: Option<bool>,
    /// Whether it also reports transactions that a form 4 left out; form 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form4_transactions_reported: Option<bool>,
    /// Whether a transaction was made under a plan of rule 10b5-1; since April 2023.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aff10b5_one: Option<bool>,
    /// The company.
    pub issuer: Issuer,
    /// Who reports, the first one for the others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<Owner>,
    /// Table I: shares and the like.
    #[serde(skip_serializing_if = "SecurityTable::is_empty")]
    pub non_derivative: SecurityTable,
    /// Table II: options, warrants, convertible securities. Rows have [`Terms`].
    #[serde(skip_serializing_if = "SecurityTable::is_empty")]
    pub derivative: SecurityTable,
    /// Footnotes by their ids.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub footnotes: BTreeMap<String, String>,
    /// What else is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remarks: Option<String>,
    /// Who signs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub signatures: Vec<Signature>,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Flaws::is_empty")]
    pub flaws: Flaws,
}

/// The company whose securities are reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Issuer {
    /// Its number.
    pub cik: Cik,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its trading symbol as the owner writes it, such as `NONE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticker: Option<String>,
    /// Its symbol on a foreign exchange; since schema X0609.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub foreign_ticker: Option<String>,
}

/// A person or an entity who reports.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Owner {
    /// Its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cik: Option<Cik>,
    /// Its name, surname first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// A director of the issuer. Like the other three, `false` when nothing is said.
    pub is_director: bool,
    /// An officer.
    pub is_officer: bool,
    /// An owner of more than ten percent.
    pub is_ten_percent_owner: bool,
    /// Anything else.
    pub is_other: bool,
    /// What kind of officer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub officer_title: Option<String>,
    /// What else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_text: Option<String>,
}

/// A postal address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Address {
    /// First line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street1: Option<String>,
    /// Second line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street2: Option<String>,
    /// City.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// The SEC's code of a state or country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zip: Option<String>,
    /// The state or country in words, mostly for foreign addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_description: Option<String>,
}

/// The rows of table I or II.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SecurityTable {
    /// What was bought, sold, granted, exercised.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub transactions: Vec<Transaction>,
    /// What is owned without a transaction to report.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub holdings: Vec<Holding>,
}

/// A row about a transaction.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Transaction {
    /// Its line in the table, from 1, transactions and holdings together.
    pub row: u32,
    /// The security.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_title: Option<String>,
    /// Day of the trade.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction_date: Option<Date>,
    /// Day of the execution, where that counts instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deemed_execution_date: Option<Date>,
    /// The form on which it is due: `4`, or `5` when early.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form_type: Option<String>,
    /// What kind, one letter: `P` bought, `S` sold, `A` granted, `M` exercised, `G` given…
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Whether an equity swap is involved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equity_swap: Option<bool>,
    /// `E` early or `L` late; on time when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeliness: Option<String>,
    /// How many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shares: Option<Decimal>,
    /// The total in dollars, of derivatives that are not counted in shares.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_value: Option<Decimal>,
    /// Dollars for each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_per_share: Option<Decimal>,
    /// Which way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acquired_or_disposed: Option<AcquiredOrDisposed>,
    /// The derivative's terms; table II.
    #[serde(flatten)]
    pub terms: Option<Terms>,
    /// What is owned afterwards.
    #[serde(flatten)]
    pub position: Position,
    /// Ids of footnotes, by the names of the fields of this row that they are about.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub footnotes: FieldNotes,
}

/// A row about what is owned.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Holding {
    /// Its line in the table, from 1, transactions and holdings together.
    pub row: u32,
    /// The security.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_title: Option<String>,
    /// The form on which it was due: `3`; form 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form_type: Option<String>,
    /// The derivative's terms; table II.
    #[serde(flatten)]
    pub terms: Option<Terms>,
    /// What is owned.
    #[serde(flatten)]
    pub position: Position,
    /// Ids of footnotes, by the names of the fields of this row that they are about.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub footnotes: FieldNotes,
}

/// Ids of footnotes by the field they are about.
pub type FieldNotes = BTreeMap<&'static str, Vec<String>>;

/// The terms of a derivative.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Terms {
    /// Dollars at which it is converted or exercised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversion_or_exercise_price: Option<Decimal>,
    /// From when on it can be exercised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exercise_date: Option<Date>,
    /// When it expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration_date: Option<Date>,
    /// The security behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub underlying_title: Option<String>,
    /// How many of those.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub underlying_shares: Option<Decimal>,
    /// Their value in dollars, where they are not counted in shares.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub underlying_value: Option<Decimal>,
}

/// What is owned, after the transactions reported.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Position {
    /// How many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shares_owned: Option<Decimal>,
    /// Their value in dollars, where they are not counted in shares.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_owned: Option<Decimal>,
    /// How.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ownership: Option<Ownership>,
    /// Through whom, when indirect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nature_of_ownership: Option<String>,
}

/// Which way a transaction goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum AcquiredOrDisposed {
    /// More is owned.
    #[serde(rename = "A")]
    Acquired,
    /// Less is owned.
    #[serde(rename = "D")]
    Disposed,
}

/// How something is owned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum Ownership {
    /// By the owner.
    #[serde(rename = "D")]
    Direct,
    /// Through someone else.
    #[serde(rename = "I")]
    Indirect,
}

/// A signature.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Signature {
    /// The name, typed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<Date>,
}

impl SecurityTable {
    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.transactions.is_empty() && self.holdings.is_empty()
    }
}

/// Whether a document of this type that begins like this is a [`Statement`]. A few hundred
/// bytes of it are enough.
pub fn is_statement(document_type: &str, beginning: &[u8]) -> bool {
    matches!(document_type, "3" | "3/A" | "4" | "4/A" | "5" | "5/A")
        && document::has_root(beginning, read::ROOT, read::NAMESPACES)
}
