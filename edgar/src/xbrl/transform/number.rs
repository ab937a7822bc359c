//! Numbers as displayed: which character is the point and which separates thousands.
//!
//! Invariant: a value is digits with at most one point, unsigned.

/// How a number is displayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::xbrl) struct NumberFormat {
    point: Point,
    /// An apostrophe may separate thousands, as in Switzerland.
    apostrophes: bool,
    /// Zeros at either end are dropped, as registries from version 4 on say.
    canonical: bool,
}

/// What comes before the fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Point {
    Dot,
    Comma,
    /// A unit: `12 dollars 50 cents`.
    Unit,
}

const fn format(point: Point, apostrophes: bool, canonical: bool) -> NumberFormat {
    NumberFormat {
        point,
        apostrophes,
        canonical,
    }
}

/// A format of the first registry.
pub(super) fn of_first(name: &str) -> Option<NumberFormat> {
    Some(match name {
        "numcommadot" | "numspacedot" => format(Point::Dot, false, false),
        "numdotcomma" | "numspacecomma" | "numcomma" => format(Point::Comma, false, false),
        _ => return None,
    })
}

/// A format of the second or third registry.
pub(super) fn of_unhyphened(name: &str) -> Option<NumberFormat> {
    Some(match name {
        "numdotdecimal" | "numdotdecimalin" => format(Point::Dot, false, false),
        "numcommadecimal" => format(Point::Comma, false, false),
        "numunitdecimal" | "numunitdecimalin" => format(Point::Unit, false, false),
        _ => return None,
    })
}

/// A format of the fourth or fifth registry.
pub(super) fn of_hyphened(name: &str) -> Option<NumberFormat> {
    Some(match name {
        "num-dot-decimal" | "numdotdecimalin" => format(Point::Dot, false, true),
        "num-comma-decimal" => format(Point::Comma, false, true),
        "num-unit-decimal" => format(Point::Unit, false, true),
        "num-dot-decimal-apos" => format(Point::Dot, true, true),
        "num-comma-decimal-apos" => format(Point::Comma, true, true),
        "num-unit-decimal-apos" => format(Point::Unit, true, true),
        _ => return None,
    })
}

impl NumberFormat {
    pub(super) fn apply(self, text: &str) -> Option<String> {
        let number = match self.point {
            Point::Dot => self.with_point(text, '.', ',')?,
            Point::Comma => self.with_point(text, ',', '.')?,
            Point::Unit => self.with_unit(text)?,
        };
        Some(match self.canonical {
            true => canonical(&number),
            false => number,
        })
    }

    fn with_point(self, text: &str, point: char, separator: char) -> Option<String> {
        let mut number = String::with_capacity(text.len());
        let mut fraction = false;
        for character in text.chars() {
            match character {
                '0'..='9' => number.push(character),
                _ if character == point && !fraction => {
                    fraction = true;
                    number.push('.');
                }
                ' ' | '\u{a0}' => {}
                _ if character == separator && !fraction => {}
                _ if self.apostrophes && is_apostrophe(character) && !fraction => {}
                _ => return None,
            }
        }
        let whole = !number.is_empty() && !number.ends_with('.');
        whole.then_some(number)
    }

    /// Digits, something else, one or two digits, something else.
    fn with_unit(self, text: &str) -> Option<String> {
        let (mut whole, mut cents) = (String::new(), String::new());
        let mut between = false;
        for character in text.chars().map(narrow) {
            match character {
                '0'..='9' if between => cents.push(character),
                '0'..='9' => whole.push(character),
                '.' | ',' if !between => {}
                _ if self.apostrophes && is_apostrophe(character) && !between => {}
                _ if whole.is_empty() => return None,
                _ if !cents.is_empty() && character.is_numeric() => return None,
                _ => between = true,
            }
        }
        let fits = !whole.is_empty() && matches!(cents.len(), 1 | 2);
        fits.then(|| format!("{whole}.{cents:0>2}"))
    }
}

/// Without zeros before the number and after the fraction: `007.50` is `7.5`.
fn canonical(number: &str) -> String {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    match fraction.trim_end_matches('0') {
        "" => whole.to_owned(),
        fraction => format!("{whole}.{fraction}"),
    }
}

fn is_apostrophe(character: char) -> bool {
    matches!(
        character,
        '\'' | '`' | '\u{b4}' | '\u{2019}' | '\u{2032}' | '\u{ff07}'
    )
}

/// The plain character for a full-width digit, comma or point.
pub(super) fn narrow(character: char) -> char {
    match character {
        '\u{ff10}'..='\u{ff19}' => {
            char::from_u32(u32::from(character) - 0xfee0).unwrap_or(character)
        }
        '\u{ff0c}' => ',',
        '\u{ff0e}' => '.',
        _ => character,
    }
}
