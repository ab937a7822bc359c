//! What the values of an information table are counted in.
//!
//! Until 2023 the form asked for thousands of dollars, since then for dollars, and filers
//! err in both directions every quarter. So the date says what to expect, and the prices
//! that the table itself implies may overrule it.
//!
//! Invariant: the value as written is never lost; a unit is told with its reason.

use protocol::time::Date;
use serde::Serialize;

use super::{AmountType, Cover, Holding};
use crate::decimal::Decimal;

/// What a value is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueUnit {
    /// Dollars.
    Dollars,
    /// Thousands of dollars.
    Thousands,
}

/// Why a unit was decided on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitReason {
    /// The prices that the table implies; they contradict what was to be expected, or
    /// there was nothing else to go by.
    ByPrices,
    /// The day on which it was filed.
    ByFilingDate,
    /// The version of the cover's schema.
    BySchema,
    /// The quarter it is about, or the day on which it was signed.
    ByPeriod,
    /// Nothing is known: what is asked for today.
    Assumed,
}

/// The unit of a filing's values, and why.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Valuation {
    /// The unit.
    pub unit: ValueUnit,
    /// What decided it.
    pub reason: UnitReason,
    /// The median of value by share, as written; absent when no row tells a price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub median_price: Option<f64>,
    /// How many rows tell a price.
    pub prices: usize,
}

/// The day from which values are asked for in dollars.
///
/// It counts the day of filing, not the quarter: amendments of older reports too.
///
/// Source: Form 13F, special instructions to the information table, column 4, as amended
/// with effect from 3 January 2023.
const DOLLARS_FROM: Date = Date::constant(2023, 1, 3);
/// The first quarter that was due after that day.
const DOLLARS_QUARTER: Date = Date::constant(2022, 12, 31);
/// The schema that came with it.
const DOLLARS_SCHEMA: &str = "X0202";

/// A price of one means a share of one dollar, or one of a thousand dollars.
const BORDER: f64 = 1.0;
/// Rows from which on the median is that of a portfolio rather than of a few securities.
const MANY: usize = 10;
/// How far beyond the border the median of many rows must lie to overrule the expectation:
/// under 50 cents in dollars, over $2,000 in thousands.
const MARGIN_OF_MANY: f64 = 2.0;
/// The same for few rows: under 20 cents, over $5,000. A single cheap share is more likely
/// than a mistaken filer above that.
const MARGIN_OF_FEW: f64 = 5.0;

impl ValueUnit {
    /// A value of this unit in dollars; `None` when it has too many digits.
    pub fn dollars(self, value: Decimal) -> Option<Decimal> {
        match self {
            Self::Dollars => Some(value),
            Self::Thousands => value.checked_mul(1000),
        }
    }
}

/// The prices that the rows of a table imply, eight bytes each.
#[derive(Debug, Clone, Default)]
pub struct Prices(Vec<f64>);

impl Prices {
    /// Takes the price of a row, if it tells one.
    ///
    /// Options and principal have none; warrants and rights cost cents and would pass for
    /// thousands; and some filers repeat the value where the shares belong.
    pub fn add(&mut self, holding: &Holding) {
        let is_shares = holding.amount_type == AmountType::Shares;
        let tells = is_shares
            && holding.put_call.is_none()
            && holding.value > Decimal::ZERO
            && holding.amount > Decimal::ZERO
            && holding.value != holding.amount
            && !is_warrant(&holding.class);
        if tells {
            self.0
                .push(holding.value.to_f64() / holding.amount.to_f64());
        }
    }

    /// The median; between two prices their geometric mean.
    fn median(&self) -> Option<f64> {
        let mut prices = self.0.clone();
        let middle = prices.len() / 2;
        if prices.is_empty() {
            return None;
        }
        let (below, upper, _) = prices.select_nth_unstable_by(middle, f64::total_cmp);
        let upper = *upper;
        match below.iter().copied().max_by(f64::total_cmp) {
            Some(lower) if self.0.len().is_multiple_of(2) => Some((lower * upper).sqrt()),
            _ => Some(upper),
        }
    }
}

impl Valuation {
    /// Decides on the unit of a filing.
    ///
    /// Expected is what the form asked for on the day of filing; without it, what the
    /// cover's schema or quarter tells. The median price then overrules if it is absurd in
    /// the expected unit and not in the other. It must be clearly so, the more the fewer
    /// rows there are: half of two rows below a dollar, one of them a warrant, is no sign
    /// of thousands (accession 0000904454-26-000248).
    pub fn decide(filed_on: Option<Date>, cover: Option<&Cover>, prices: &Prices) -> Self {
        let expected = expected(filed_on, cover);
        let median = prices.median();
        let prices = prices.0.len();
        let margin = match prices {
            _ if expected.is_none() => 1.0,
            MANY.. => MARGIN_OF_MANY,
            _ => MARGIN_OF_FEW,
        };
        let told = median.and_then(|price| match price {
            _ if price < BORDER / margin => Some(ValueUnit::Thousands),
            _ if price >= BORDER * margin => Some(ValueUnit::Dollars),
            _ => None,
        });
        let (unit, reason) = match (told, expected) {
            (Some(told), Some((unit, _))) if told != unit => (told, UnitReason::ByPrices),
            (_, Some(expected)) => expected,
            (Some(told), None) => (told, UnitReason::ByPrices),
            (None, None) => (ValueUnit::Dollars, UnitReason::Assumed),
        };
        Self {
            unit,
            reason,
            median_price: median,
            prices,
        }
    }
}

/// What the form asked for when the filing was made.
fn expected(filed_on: Option<Date>, cover: Option<&Cover>) -> Option<(ValueUnit, UnitReason)> {
    let since = |is_dollars: bool| match is_dollars {
        true => ValueUnit::Dollars,
        false => ValueUnit::Thousands,
    };
    if let Some(day) = filed_on {
        return Some((since(day >= DOLLARS_FROM), UnitReason::ByFilingDate));
    }
    let cover = cover?;
    if let Some(version) = &cover.schema_version {
        let is_dollars = version.as_str() >= DOLLARS_SCHEMA;
        return Some((since(is_dollars), UnitReason::BySchema));
    }
    let signed_on = cover
        .signature
        .as_ref()
        .and_then(|signature| signature.date);
    let is_dollars = match signed_on {
        Some(day) => day >= DOLLARS_FROM,
        None => cover.period >= DOLLARS_QUARTER,
    };
    Some((since(is_dollars), UnitReason::ByPeriod))
}

/// Whether a class is one of warrants or rights, such as `*W EXP 01/19/202`.
fn is_warrant(class: &str) -> bool {
    const WORDS: [&str; 9] = [
        "W", "WT", "WTS", "WARRANT", "WARRANTS", "RT", "RTS", "RIGHT", "RIGHTS",
    ];
    let words = class.split(|c: char| !c.is_ascii_alphanumeric());
    words
        .into_iter()
        .any(|word| WORDS.iter().any(|known| word.eq_ignore_ascii_case(known)))
}
