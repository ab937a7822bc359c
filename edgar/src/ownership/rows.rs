//! The rows of tables I and II.
//!
//! A field is an element with a `value`, with ids of footnotes, with both, or empty.

use std::str::FromStr;

use protocol::time::Date;

use super::{
    AcquiredOrDisposed, FieldNotes, Holding, Ownership, Position, SecurityTable, Terms, Transaction,
};
use crate::xml::{
    element::Element,
    flaw::{Flaws, Wrong},
    values::{date, flag, parse},
};

/// How the elements of a table are called.
pub(super) struct Names {
    table: &'static str,
    transaction: &'static str,
    holding: &'static str,
    has_terms: bool,
}

pub(super) const NON_DERIVATIVE: Names = Names {
    table: "nonDerivativeTable",
    transaction: "nonDerivativeTransaction",
    holding: "nonDerivativeHolding",
    has_terms: false,
};

pub(super) const DERIVATIVE: Names = Names {
    table: "derivativeTable",
    transaction: "derivativeTransaction",
    holding: "derivativeHolding",
    has_terms: true,
};

impl SecurityTable {
    /// The table of this kind in a document.
    pub(super) fn of(root: &Element, names: &Names, flaws: &mut Flaws) -> Self {
        let mut table = Self::default();
        let rows = root.all(names.table).flat_map(|table| &table.children);
        let is_row = |row: &&Element| row.name == names.transaction || row.name == names.holding;
        for (line, row) in (1..).zip(rows.filter(is_row)) {
            let fields = Fields {
                row,
                notes: FieldNotes::new(),
                flaws,
            };
            match row.name == names.transaction {
                true => table
                    .transactions
                    .push(fields.transaction(line, names.has_terms)),
                false => table.holdings.push(fields.holding(line, names.has_terms)),
            }
        }
        table
    }
}

/// The fields of a row, and the footnotes met in reading them.
struct Fields<'a> {
    row: &'a Element,
    notes: FieldNotes,
    flaws: &'a mut Flaws,
}

impl<'a> Fields<'a> {
    fn transaction(mut self, row: u32, has_terms: bool) -> Transaction {
        let amounts = self.row.child("transactionAmounts");
        let coding = self.row.child("transactionCoding");
        self.note("code", coding);
        Transaction {
            row,
            security_title: self.text("security_title", Some(self.row), "securityTitle"),
            transaction_date: self.date("transaction_date", "transactionDate"),
            deemed_execution_date: self.date("deemed_execution_date", "deemedExecutionDate"),
            form_type: coding.and_then(|coding| coding.text("transactionFormType")),
            code: coding.and_then(|coding| coding.text("transactionCode")),
            equity_swap: coding
                .and_then(|coding| coding.parsed("equitySwapInvolved", self.flaws, flag)),
            timeliness: self.text("timeliness", Some(self.row), "transactionTimeliness"),
            shares: self.number("shares", amounts, "transactionShares"),
            total_value: self.number("total_value", amounts, "transactionTotalValue"),
            price_per_share: self.number("price_per_share", amounts, "transactionPricePerShare"),
            acquired_or_disposed: self.field(
                "acquired_or_disposed",
                amounts,
                "transactionAcquiredDisposedCode",
                AcquiredOrDisposed::of,
            ),
            terms: has_terms.then(|| self.terms()),
            position: self.position(),
            footnotes: self.notes,
        }
    }

    fn holding(mut self, row: u32, has_terms: bool) -> Holding {
        let coding = self.row.child("transactionCoding");
        self.note("form_type", coding);
        Holding {
            row,
            security_title: self.text("security_title", Some(self.row), "securityTitle"),
            form_type: coding.and_then(|coding| coding.text("transactionFormType")),
            terms: has_terms.then(|| self.terms()),
            position: self.position(),
            footnotes: self.notes,
        }
    }

    fn terms(&mut self) -> Terms {
        let underlying = self.row.child("underlyingSecurity");
        Terms {
            conversion_or_exercise_price: self.number(
                "conversion_or_exercise_price",
                Some(self.row),
                "conversionOrExercisePrice",
            ),
            exercise_date: self.date("exercise_date", "exerciseDate"),
            expiration_date: self.date("expiration_date", "expirationDate"),
            underlying_title: self.text("underlying_title", underlying, "underlyingSecurityTitle"),
            underlying_shares: self.number(
                "underlying_shares",
                underlying,
                "underlyingSecurityShares",
            ),
            underlying_value: self.number(
                "underlying_value",
                underlying,
                "underlyingSecurityValue",
            ),
        }
    }

    fn position(&mut self) -> Position {
        let amounts = self.row.child("postTransactionAmounts");
        let nature = self.row.child("ownershipNature");
        Position {
            shares_owned: self.number("shares_owned", amounts, "sharesOwnedFollowingTransaction"),
            value_owned: self.number("value_owned", amounts, "valueOwnedFollowingTransaction"),
            ownership: self.field(
                "ownership",
                nature,
                "directOrIndirectOwnership",
                Ownership::of,
            ),
            nature_of_ownership: self.text("nature_of_ownership", nature, "natureOfOwnership"),
        }
    }

    fn text(
        &mut self,
        key: &'static str,
        of: Option<&Element>,
        name: &'static str,
    ) -> Option<String> {
        self.field(key, of, name, |text| Some(text.to_owned()))
    }

    fn number<T: FromStr>(
        &mut self,
        key: &'static str,
        of: Option<&Element>,
        name: &'static str,
    ) -> Option<T> {
        self.field(key, of, name, parse)
    }

    fn date(&mut self, key: &'static str, name: &'static str) -> Option<Date> {
        self.field(key, Some(self.row), name, date)
    }

    /// The value of the field `name` inside `of`; its footnotes are noted under `key`.
    fn field<T>(
        &mut self,
        key: &'static str,
        of: Option<&Element>,
        name: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let field = of?.child(name)?;
        self.note(key, Some(field));
        let written = field.child("value").unwrap_or(field).own_text()?;
        let value = read(written);
        if value.is_none() {
            self.flaws.add(field.position, Wrong::Unreadable(name));
        }
        value
    }

    /// Notes the footnotes of an element.
    fn note(&mut self, key: &'static str, of: Option<&Element>) {
        let notes = of.into_iter().flat_map(|element| element.all("footnoteId"));
        let ids: Vec<String> = notes.filter_map(|note| note.id.clone()).collect();
        if !ids.is_empty() {
            self.notes.entry(key).or_default().extend(ids);
        }
    }
}

impl AcquiredOrDisposed {
    fn of(text: &str) -> Option<Self> {
        match text {
            "A" | "a" => Some(Self::Acquired),
            "D" | "d" => Some(Self::Disposed),
            _ => None,
        }
    }
}

impl Ownership {
    fn of(text: &str) -> Option<Self> {
        match text {
            "D" | "d" => Some(Self::Direct),
            "I" | "i" => Some(Self::Indirect),
            _ => None,
        }
    }
}
