//! Form 13F: what institutional managers hold at the end of a quarter.
//!
//! A filing has a primary document, the [`Cover`], and since 2013 an information table in
//! XML, read row by row as a [`Table`]; [`Report::read`] takes both. Elsewhere: finding
//! them in a submission (`sgml`), what amendments make of a manager's holdings over time.
//!
//! Elements are known by the URI of their namespace, whatever its prefix, and also without
//! one. Invariant: no bytes make it panic, and a damaged row does not lose the others.
//!
//! ```
//! use edgar::form13f::{Report, ValueUnit};
//!
//! let cover = br#"<edgarSubmission xmlns="http://www.sec.gov/edgar/thirteenffiler">
//!   <headerData>
//!     <submissionType>13F-HR</submissionType>
//!     <filerInfo><periodOfReport>09-30-2022</periodOfReport></filerInfo>
//!   </headerData>
//!   <formData><coverPage>
//!     <filingManager><name>QUAYSIDE CAPITAL LLC</name></filingManager>
//!   </coverPage></formData>
//! </edgarSubmission>"#;
//! let table = br#"<n:informationTable
//!     xmlns:n="http://www.sec.gov/edgar/document/thirteenf/informationtable">
//!   <n:infoTable>
//!     <n:nameOfIssuer>APPLE INC</n:nameOfIssuer>
//!     <n:titleOfClass>COM</n:titleOfClass>
//!     <n:cusip>37833100</n:cusip>
//!     <n:value>1382</n:value>
//!     <n:shrsOrPrnAmt>
//!       <n:sshPrnamt>10000</n:sshPrnamt><n:sshPrnamtType>SH</n:sshPrnamtType>
//!     </n:shrsOrPrnAmt>
//!   </n:infoTable>
//! </n:informationTable>"#;
//! let filed_on = "2022-11-14".parse().ok();
//!
//! let report = Report::read(cover, Some(table), filed_on)?;
//!
//! assert_eq!(report.cover.manager, "QUAYSIDE CAPITAL LLC");
//! assert_eq!(report.valuation.unwrap().unit, ValueUnit::Thousands);
//! assert_eq!(report.holdings[0].cusip, "037833100");
//! assert_eq!(report.holdings[0].value.to_string(), "1382");
//! assert_eq!(report.holdings[0].value_usd.unwrap().to_string(), "1382000");
//! # Ok::<(), edgar::form13f::FormError>(())
//! ```

mod cover;
mod cusip;
mod holding;
mod table;
mod unit;

#[cfg(test)]
mod tests;

use protocol::time::Date;
use serde::Serialize;

pub use crate::xml::flaw::{Flaw, Flaws, FormError, Wrong};
use crate::{decimal::Decimal, xml::document};
pub use cover::{
    Address, Amendment, AmendmentKind, Cover, OtherManager, ReportType, Signature, Summary,
};
pub use holding::{AmountType, Discretion, Holding, PutCall, Voting};
pub use table::{MAX_ROWS, Rows, Table};
pub use unit::{Prices, UnitReason, Valuation, ValueUnit};

/// A form 13F: the cover, and the holdings of its table.
///
/// Holds all rows; read a [`Table`] by itself where they are too many.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The primary document.
    pub cover: Cover,
    /// The unit of the table's values; absent without a table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valuation: Option<Valuation>,
    /// What the rows add up to, to compare with [`Cover::summary`]; absent without a table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub totals: Option<Totals>,
    /// The rows of the table.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub holdings: Vec<Holding>,
    /// What is wrong with the table; the cover tells its own flaws.
    #[serde(skip_serializing_if = "Flaws::is_empty")]
    pub flaws: Flaws,
}

/// What the rows of a table add up to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// How many rows could be read.
    pub entries: u32,
    /// The sum of their values, as written.
    pub value: Decimal,
}

impl Report {
    /// Reads the primary document of a filing and its information table, if it has one.
    ///
    /// `filed_on` is the official filing date; it decides on the unit of values when the
    /// table does not contradict, see [`Valuation::decide`].
    ///
    /// # Errors
    /// Those of [`Cover::read`] and [`Table::new`].
    pub fn read(
        cover: &[u8],
        table: Option<&[u8]>,
        filed_on: Option<Date>,
    ) -> Result<Self, FormError> {
        let mut report = Self {
            cover: Cover::read(cover)?,
            valuation: None,
            totals: None,
            holdings: Vec::new(),
            flaws: Flaws::default(),
        };
        if let Some(table) = table {
            report.take(&Table::new(table)?, filed_on);
        }
        Ok(report)
    }

    fn take(&mut self, table: &Table<'_>, filed_on: Option<Date>) {
        let (mut prices, mut totals) = (Prices::default(), Totals::default());
        let mut rows = table.rows();
        for holding in &mut rows {
            prices.add(&holding);
            totals.add(&holding);
            self.holdings.push(holding);
        }
        let valuation = Valuation::decide(filed_on, Some(&self.cover), &prices);
        for holding in &mut self.holdings {
            holding.value_usd = valuation.unit.dollars(holding.value);
        }
        self.valuation = Some(valuation);
        self.totals = Some(totals);
        self.flaws = rows.flaws();
    }
}

impl Totals {
    /// Adds a row. A sum of more digits than fit stays as it is.
    pub fn add(&mut self, holding: &Holding) {
        self.entries += 1;
        self.value = self.value.checked_add(holding.value).unwrap_or(self.value);
    }
}

/// Whether a document of this type that begins like this has a [`Cover`]. A few hundred
/// bytes of it are enough.
pub fn is_cover(document_type: &str, beginning: &[u8]) -> bool {
    is_form(document_type) && document::has_root(beginning, cover::ROOT, cover::NAMESPACES)
}

/// Whether a document of this type that begins like this is a [`Table`].
pub fn is_table(document_type: &str, beginning: &[u8]) -> bool {
    document_type.eq_ignore_ascii_case("INFORMATION TABLE")
        && document::has_root(beginning, table::ROOT, table::NAMESPACES)
}

fn is_form(form: &str) -> bool {
    form.get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("13F-"))
}
