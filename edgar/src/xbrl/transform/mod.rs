//! Formats: from a value as displayed to the value as reported.
//!
//! The registries of XBRL International, versions 1 to 5, and the SEC's own. Numbers are
//! in `number`, dates in `date`, words and durations in `words`, names of places and
//! exchanges in `names`. Elsewhere: scale and sign ([`super::number`]).
//!
//! Invariant: a text that does not fit gives nothing, never a guess. Where registries
//! differ in how strictly they read, the laxer reading is taken: what EDGAR accepted was
//! read strictly already. Indian and Devanagari dates and Greek month names are unknown
//! here; EDGAR takes reports in English.
//!
//! Source: XBRL International, "Transformation Rules Registry" 1 to 5; SEC, EDGAR Filer
//! Manual, volume II, "Inline XBRL transformations".

mod date;
mod months;
mod names;
mod number;
mod places;
mod words;

use std::borrow::Cow;

use date::DateFormat;
use names::Names;
use number::NumberFormat;
use words::Unit;

/// Longest text in bytes that is taken for a number, a date or a name.
const MAX_TEXT: usize = 4_096;

/// Whose formats, and which version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Registry {
    One,
    Two,
    Three,
    Four,
    Five,
    Sec,
}

impl Registry {
    /// The registry of a namespace.
    pub(super) fn of(uri: &str) -> Option<Self> {
        let version = match uri.strip_prefix("http://www.xbrl.org/inlineXBRL/transformation/") {
            Some(version) => version,
            None if uri == "http://www.xbrl.org/2008/inlineXBRL/transformation" => "2010-04-20",
            None => {
                let sec = uri.strip_prefix("http://www.sec.gov/inlineXBRL/transformation/");
                return sec.map(|_| Self::Sec);
            }
        };
        Some(match version {
            "2010-04-20" => Self::One,
            "2011-07-31" => Self::Two,
            "2015-02-26" => Self::Three,
            "2020-02-12" => Self::Four,
            "2022-02-16" => Self::Five,
            _ => return None,
        })
    }
}

/// A format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// The same value whatever is displayed.
    Fixed(&'static str),
    /// A dash for zero.
    ZeroDash,
    /// Digits.
    Number(NumberFormat),
    /// Parts of a date.
    Date(DateFormat),
    /// The last day of a quarter.
    QuarterEnd,
    /// A number in English words.
    NumberWords,
    /// A duration in English words.
    DurationWords,
    /// A number of these units.
    Duration(Unit),
    /// An empty box and a ticked one.
    BallotBox(&'static str, &'static str),
    /// A name for which there is a code.
    Name(Names),
}

impl Format {
    /// The format of this name.
    pub(super) fn of(registry: Registry, name: &str) -> Option<Self> {
        match registry {
            Registry::Sec => Self::of_sec(name),
            Registry::One => number::of_first(name)
                .map(Self::Number)
                .or_else(|| date::of_first(name).map(Self::Date))
                .or_else(|| (name == "numdash").then_some(Self::ZeroDash)),
            Registry::Two | Registry::Three => Self::of_unhyphened(name),
            Registry::Four | Registry::Five => Self::of_hyphened(name),
        }
    }

    fn of_unhyphened(name: &str) -> Option<Self> {
        Some(match name {
            "booleanfalse" => Self::Fixed("false"),
            "booleantrue" => Self::Fixed("true"),
            "nocontent" => Self::Fixed(""),
            "zerodash" => Self::ZeroDash,
            _ => {
                let number = number::of_unhyphened(name).map(Self::Number);
                return number.or_else(|| date::of_unhyphened(name).map(Self::Date));
            }
        })
    }

    fn of_hyphened(name: &str) -> Option<Self> {
        Some(match name {
            "fixed-false" => Self::Fixed("false"),
            "fixed-true" => Self::Fixed("true"),
            "fixed-empty" => Self::Fixed(""),
            "fixed-zero" => Self::Fixed("0"),
            _ => {
                let number = number::of_hyphened(name).map(Self::Number);
                return number.or_else(|| date::of_hyphened(name).map(Self::Date));
            }
        })
    }

    fn of_sec(name: &str) -> Option<Self> {
        Some(match name {
            "duryear" => Self::Duration(Unit::Years),
            "durmonth" => Self::Duration(Unit::Months),
            "durweek" => Self::Duration(Unit::Weeks),
            "durday" => Self::Duration(Unit::Days),
            "durhour" => Self::Duration(Unit::Hours),
            "durwordsen" => Self::DurationWords,
            "numwordsen" => Self::NumberWords,
            "datequarterend" => Self::QuarterEnd,
            "numinf" => Self::Fixed("INF"),
            "numneginf" => Self::Fixed("-INF"),
            "numnan" => Self::Fixed("NaN"),
            "boolballotbox" => Self::BallotBox("false", "true"),
            "yesnoballotbox" => Self::BallotBox("No", "Yes"),
            "countrynameen" => Self::Name(Names::Countries),
            "stateprovnameen" => Self::Name(Names::States),
            "edgarprovcountryen" => Self::Name(Names::EdgarPlaces),
            "exchnameen" => Self::Name(Names::Exchanges),
            "entityfilercategoryen" => Self::Name(Names::FilerCategories),
            _ => return None,
        })
    }

    /// The value that the displayed text stands for; `None` when it does not fit.
    ///
    /// Runs of blanks in `text` are one space already.
    pub(super) fn apply(self, text: &str) -> Option<Cow<'static, str>> {
        if let Self::Fixed(value) = self {
            return Some(Cow::Borrowed(value));
        }
        if text.len() > MAX_TEXT {
            return None;
        }
        Some(Cow::Owned(match self {
            Self::Fixed(_) => return None,
            Self::ZeroDash => return is_dash(text.trim()).then_some(Cow::Borrowed("0")),
            Self::BallotBox(empty, ticked) => {
                return match text.trim() {
                    "\u{2610}" => Some(Cow::Borrowed(empty)),
                    "\u{2611}" | "\u{2612}" => Some(Cow::Borrowed(ticked)),
                    _ => None,
                };
            }
            Self::Name(names) => return names.code(text).map(Cow::Borrowed),
            Self::Number(format) => format.apply(text)?,
            Self::Date(format) => format.apply(text)?,
            Self::QuarterEnd => date::quarter_end(text)?,
            Self::NumberWords => words::number(text)?,
            Self::DurationWords => words::duration(text)?,
            Self::Duration(unit) => unit.duration(text)?,
        }))
    }
}

fn is_dash(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(is_dash_character) && characters.next().is_none()
}

/// Every dash there is, from hyphen to full-width.
fn is_dash_character(character: char) -> bool {
    matches!(
        character,
        '-' | '\u{58a}' | '\u{5be}' | '\u{2010}'
            ..='\u{2015}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}'
    )
}

#[cfg(test)]
mod tests;
