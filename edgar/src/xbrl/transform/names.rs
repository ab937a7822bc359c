//! Names for which there is a code: places, exchanges, kinds of filers.
//!
//! The registry lists the spellings it takes; here the parts that may vary (case,
//! accents, punctuation, `The` and `Republic of` before, `, LLC` after) are taken off before
//! looking it up. Elsewhere: the places themselves (`places`).
//!
//! Source: SEC, inline XBRL transformations.

use super::places::{COUNTRIES, PROVINCES, STATES};

/// A list of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::xbrl) enum Names {
    /// ISO codes of countries.
    Countries,
    /// Postal codes of states and provinces.
    States,
    /// EDGAR's codes of provinces and countries.
    EdgarPlaces,
    /// Codes of exchanges.
    Exchanges,
    /// The kinds of filers, spelled in one way.
    FilerCategories,
}

/// What may stand before the name of a country.
const STATEHOOD: [&str; 12] = [
    "republic of the ",
    "republic of ",
    "federative republic of ",
    "peoples republic of ",
    "islamic republic of ",
    "united republic of ",
    "kingdom of ",
    "state of ",
    "grand duchy of ",
    "duchy of ",
    "federated states of ",
    "commonwealth of the ",
];

/// Exchanges without `the` before and the kind of company after.
const EXCHANGES: [(&str, &str); 26] = [
    ("box exchange", "BOX"),
    ("cboe byx exchange", "CboeBYX"),
    ("cboe bzx exchange", "CboeBZX"),
    ("cboe c2 exchange", "C2"),
    ("cboe edga exchange", "CboeEDGA"),
    ("cboe edgx exchange", "CboeEDGX"),
    ("cboe exchange", "CBOE"),
    ("chicago stock exchange", "CHX"),
    ("investors exchange", "IEX"),
    ("miami international securities exchange", "MIAX"),
    ("miax pearl", "PEARL"),
    ("nasdaq", "NASDAQ"),
    ("nasdaq bx", "BX"),
    ("nasdaq gemx", "GEMX"),
    ("nasdaq global market", "NASDAQ"),
    ("nasdaq global select market", "NASDAQ"),
    ("nasdaq ise", "ISE"),
    ("nasdaq mrx", "MRX"),
    ("nasdaq phlx", "Phlx"),
    ("nasdaq stock market", "NASDAQ"),
    ("new york stock exchange", "NYSE"),
    ("nyse", "NYSE"),
    ("nyse american", "NYSEAMER"),
    ("nyse arca", "NYSEArca"),
    ("nyse chicago", "CHX"),
    ("nyse national", "NYSENAT"),
];

impl Names {
    /// The code of a name.
    pub(super) fn code(self, text: &str) -> Option<&'static str> {
        let name = comparable(text);
        match self {
            Self::Countries => country(&name).map(|(_, iso, _)| *iso),
            Self::States => state(&name),
            Self::EdgarPlaces => edgar_place(&name),
            Self::Exchanges => exchange(&name),
            Self::FilerCategories => match name.as_str() {
                "large accelerated filer" => Some("Large Accelerated Filer"),
                "accelerated filer" => Some("Accelerated Filer"),
                "non accelerated filer" => Some("Non-accelerated Filer"),
                _ => None,
            },
        }
        .filter(|code| !code.is_empty())
    }
}

fn country(name: &str) -> Option<&'static (&'static str, &'static str, &'static str)> {
    let find = |name: &str| {
        let at = COUNTRIES
            .binary_search_by_key(&name, |(known, ..)| *known)
            .ok();
        at.map(|at| &COUNTRIES[at])
    };
    let name = name.strip_prefix("the ").unwrap_or(name);
    find(name).or_else(|| {
        let mut shorter = STATEHOOD
            .iter()
            .filter_map(|before| name.strip_prefix(before));
        shorter.find_map(find)
    })
}

fn province(name: &str) -> Option<&'static (&'static str, &'static str, &'static str)> {
    let name = name.strip_suffix(" canada").unwrap_or(name);
    PROVINCES.iter().find(|(known, ..)| *known == name)
}

fn state(name: &str) -> Option<&'static str> {
    let known = STATES.iter().find(|(known, _)| *known == name);
    let code = known.map(|(_, code)| *code);
    code.or_else(|| province(name).map(|(_, code, _)| *code))
}

fn edgar_place(name: &str) -> Option<&'static str> {
    let place = province(name).filter(|(.., code)| !code.is_empty());
    place.or_else(|| country(name)).map(|(.., code)| *code)
}

fn exchange(name: &str) -> Option<&'static str> {
    let name = name.strip_prefix("the ").unwrap_or(name);
    let kinds = [" llc", " inc"];
    let name = kinds
        .iter()
        .find_map(|kind| name.strip_suffix(kind))
        .unwrap_or(name);
    let known = EXCHANGES.iter().find(|(known, _)| *known == name);
    known.map(|(_, code)| *code)
}

/// In lower case, without accents and punctuation; hyphens and commas part words.
fn comparable(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for character in text.chars().flat_map(char::to_lowercase) {
        let letter = match character {
            'å' => 'a',
            'é' => 'e',
            'ô' => 'o',
            'ç' => 'c',
            'ñ' => 'n',
            'ü' => 'u',
            '.' | '\'' | '\u{2019}' => continue,
            _ if character.is_alphanumeric() => character,
            _ => ' ',
        };
        if letter != ' ' || !(name.is_empty() || name.ends_with(' ')) {
            name.push(letter);
        }
    }
    name.truncate(name.trim_end().len());
    name
}
