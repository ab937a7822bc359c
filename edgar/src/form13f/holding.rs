//! One row of an information table.
//!
//! Elsewhere: finding rows (`table`), what `value` is counted in (`unit`).

use serde::{Serialize, Serializer};

use super::cusip;
use crate::{decimal::Decimal, xml::flaw::Wrong};

/// A holding of one security, as one line of the table reports it.
///
/// The same security may have several lines, one for each combination of managers and
/// discretion: add them up over CUSIP, kind of amount and option.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Holding {
    /// The name of the issuer, as the SEC's list of 13(f) securities abbreviates it.
    pub issuer: String,
    /// The class of the security, such as `COM` or `CL A`.
    pub class: String,
    /// The CUSIP: upper case, nine characters where the filer gives enough of them.
    pub cusip: String,
    /// The CUSIP as written, when it is written otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cusip_as_written: Option<String>,
    /// Financial Instrument Global Identifier; since 2023, seldom given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub figi: Option<String>,
    /// The market value as written: dollars or thousands of them.
    pub value: Decimal,
    /// The market value in dollars, once the unit is decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_usd: Option<Decimal>,
    /// How much is held, in shares or dollars of principal.
    pub amount: Decimal,
    /// What `amount` counts.
    pub amount_type: AmountType,
    /// Set for options; amount and value are then those of the underlying security.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub put_call: Option<PutCall>,
    /// Who decides on the investment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discretion: Option<Discretion>,
    /// The other managers who share in it: sequence numbers of the cover's
    /// [`included_managers`](super::Summary::included_managers).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_managers: Vec<u32>,
    /// Over how much the manager may vote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voting: Option<Voting>,
}

/// What an amount counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum AmountType {
    /// Shares, or for options shares of the underlying security.
    #[serde(rename = "SH")]
    Shares,
    /// Dollars of principal.
    #[serde(rename = "PRN")]
    Principal,
}

/// The kind of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum PutCall {
    /// An option to sell.
    Put,
    /// An option to buy.
    Call,
}

/// Who decides on an investment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Discretion {
    /// `SOLE`: the manager alone.
    Sole,
    /// `DFND`, shared-defined: together with those who control it, or whom it controls.
    Defined,
    /// `OTR`, shared-other: together with anyone else.
    Other,
}

/// Over how many shares a manager may vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Voting {
    /// Alone.
    pub sole: Decimal,
    /// Together with others.
    pub shared: Decimal,
    /// Not at all.
    pub none: Decimal,
}

impl Serialize for Discretion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Sole => "SOLE",
            Self::Defined => "DFND",
            Self::Other => "OTR",
        })
    }
}

/// The elements of a row that have a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Issuer,
    Class,
    Cusip,
    Figi,
    Value,
    Amount,
    AmountType,
    PutCall,
    Discretion,
    OtherManagers,
    Sole,
    Shared,
    None,
}

impl Field {
    /// The field in an element of this name.
    pub(super) fn named(element: &str) -> Option<Self> {
        Some(match element {
            "nameOfIssuer" => Self::Issuer,
            "titleOfClass" => Self::Class,
            "cusip" => Self::Cusip,
            "figi" => Self::Figi,
            "value" => Self::Value,
            "sshPrnamt" => Self::Amount,
            "sshPrnamtType" => Self::AmountType,
            "putCall" => Self::PutCall,
            "investmentDiscretion" => Self::Discretion,
            "otherManager" => Self::OtherManagers,
            "Sole" => Self::Sole,
            "Shared" => Self::Shared,
            "None" => Self::None,
            _ => return None,
        })
    }

    /// The name of its element.
    pub(super) fn element(self) -> &'static str {
        match self {
            Self::Issuer => "nameOfIssuer",
            Self::Class => "titleOfClass",
            Self::Cusip => "cusip",
            Self::Figi => "figi",
            Self::Value => "value",
            Self::Amount => "sshPrnamt",
            Self::AmountType => "sshPrnamtType",
            Self::PutCall => "putCall",
            Self::Discretion => "investmentDiscretion",
            Self::OtherManagers => "otherManager",
            Self::Sole => "Sole",
            Self::Shared => "Shared",
            Self::None => "None",
        }
    }
}

/// A row while it is read.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// Where the row begins in the text.
    pub(super) position: usize,
    issuer: Option<String>,
    class: Option<String>,
    cusip: Option<String>,
    figi: Option<String>,
    value: Option<Decimal>,
    amount: Option<Decimal>,
    amount_type: Option<AmountType>,
    put_call: Option<PutCall>,
    discretion: Option<Discretion>,
    other_managers: Vec<u32>,
    sole: Option<Decimal>,
    shared: Option<Decimal>,
    none: Option<Decimal>,
}

impl Draft {
    /// A row that begins here.
    pub(super) fn at(position: usize) -> Self {
        Self {
            position,
            ..Self::default()
        }
    }

    /// Takes the text of a field; `false` when it makes no sense. An empty one is absent.
    pub(super) fn set(&mut self, field: Field, text: &str) -> bool {
        let text = text.trim();
        if text.is_empty() {
            return true;
        }
        match field {
            Field::Issuer => put(&mut self.issuer, Some(text.to_owned())),
            Field::Class => put(&mut self.class, Some(text.to_owned())),
            Field::Cusip => put(&mut self.cusip, Some(text.to_owned())),
            Field::Figi => put(&mut self.figi, Some(text.to_ascii_uppercase())),
            Field::Value => put(&mut self.value, text.parse().ok()),
            Field::Amount => put(&mut self.amount, text.parse().ok()),
            Field::AmountType => put(&mut self.amount_type, amount_type(text)),
            Field::PutCall => put(&mut self.put_call, put_call(text)),
            Field::Discretion => put(&mut self.discretion, discretion(text)),
            Field::OtherManagers => self.set_other_managers(text),
            Field::Sole => put(&mut self.sole, text.parse().ok()),
            Field::Shared => put(&mut self.shared, text.parse().ok()),
            Field::None => put(&mut self.none, text.parse().ok()),
        }
    }

    /// The row, or what it lacks to be one.
    pub(super) fn finish(self) -> Result<Holding, Wrong> {
        let missing = |field: Field| Wrong::Missing(field.element());
        let written = self.cusip.ok_or(missing(Field::Cusip))?;
        let cusip = cusip::normal(&written);
        let voting = [self.sole, self.shared, self.none];
        Ok(Holding {
            issuer: self.issuer.unwrap_or_default(),
            class: self.class.unwrap_or_default(),
            cusip_as_written: (cusip != written).then_some(written),
            cusip,
            figi: self.figi,
            value: self.value.ok_or(missing(Field::Value))?,
            value_usd: None,
            amount: self.amount.ok_or(missing(Field::Amount))?,
            amount_type: self.amount_type.ok_or(missing(Field::AmountType))?,
            put_call: self.put_call,
            discretion: self.discretion,
            other_managers: self.other_managers,
            voting: voting.iter().any(Option::is_some).then(|| Voting {
                sole: self.sole.unwrap_or_default(),
                shared: self.shared.unwrap_or_default(),
                none: self.none.unwrap_or_default(),
            }),
        })
    }

    /// Numbers joined by commas, blanks or semicolons.
    fn set_other_managers(&mut self, text: &str) -> bool {
        let mut all = true;
        let numbers = text.split([',', ';', ' ']).map(str::trim);
        for number in numbers.filter(|number| !number.is_empty()) {
            match number.parse() {
                Ok(number) => self.other_managers.push(number),
                Err(_) => all = false,
            }
        }
        all
    }
}

/// Fills a place once: of an element that comes twice the first counts.
fn put<T>(place: &mut Option<T>, value: Option<T>) -> bool {
    let readable = value.is_some();
    if place.is_none() {
        *place = value;
    }
    readable
}

fn amount_type(text: &str) -> Option<AmountType> {
    match text {
        _ if text.eq_ignore_ascii_case("SH") => Some(AmountType::Shares),
        _ if text.eq_ignore_ascii_case("PRN") => Some(AmountType::Principal),
        _ => None,
    }
}

fn put_call(text: &str) -> Option<PutCall> {
    match text {
        _ if text.eq_ignore_ascii_case("PUT") => Some(PutCall::Put),
        _ if text.eq_ignore_ascii_case("CALL") => Some(PutCall::Call),
        _ => None,
    }
}

/// The codes of the schema, or the words of the form's instructions.
fn discretion(text: &str) -> Option<Discretion> {
    Some(match text.to_ascii_uppercase().as_str() {
        "SOLE" => Discretion::Sole,
        "DFND" | "DEFINED" | "SHARED-DEFINED" => Discretion::Defined,
        "OTR" | "OTHER" | "SHARED-OTHER" => Discretion::Other,
        _ => return None,
    })
}
