//! Patterns of names, such as forms and document types: a name, or its beginning and `*`.
//!
//! Invariant: a pattern is in upper case and compared with names in upper case, so that
//! matching costs no conversion; and a set of patterns is looked up, however large it is.

use std::{
    collections::BTreeSet,
    fmt,
    ops::Bound::{Included, Unbounded},
    str::FromStr,
};

use crate::error::ParseError;

/// One value of a filter on names: exact, or everything that begins with it.
///
/// `8-K` does not include `8-K/A`; `8-K*` does.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// This name and no other.
    Exact(String),
    /// Every name that begins with this text; empty for all names.
    Prefix(String),
}

/// Longest pattern accepted, in bytes: as long as a form may be.
const MAX_BYTES: usize = 40;

impl Pattern {
    /// Whether `name`, in upper case, is meant.
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == name,
            Self::Prefix(prefix) => name.starts_with(prefix.as_str()),
        }
    }
}

/// Patterns of which any may match.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Patterns {
    names: BTreeSet<String>,
    prefixes: BTreeSet<String>,
}

impl Patterns {
    /// Whether `name`, in upper case, is meant by any of them.
    pub fn match_name(&self, name: &str) -> bool {
        self.names.contains(name) || self.have_beginning_of(name)
    }

    /// The names among them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// The beginnings among them, without their `*`.
    pub fn prefixes(&self) -> impl Iterator<Item = &str> {
        self.prefixes.iter().map(String::as_str)
    }

    /// The names they mean, if there is no pattern among them that means others.
    pub fn names_only(&self) -> Option<&BTreeSet<String>> {
        self.prefixes.is_empty().then_some(&self.names)
    }

    /// All of them as they are written, names first.
    pub fn texts(&self) -> Vec<String> {
        let prefixes = self.prefixes.iter().map(|prefix| format!("{prefix}*"));
        self.names.iter().cloned().chain(prefixes).collect()
    }

    /// The greatest prefix that is not after `name` is a beginning of it, or shares with it
    /// every beginning that could still be found: so the search goes on in what they share.
    fn have_beginning_of(&self, name: &str) -> bool {
        let up_to = |end| (Unbounded, Included(end));
        let mut rest = name;
        while let Some(nearest) = self.prefixes.range::<str, _>(up_to(rest)).next_back() {
            let bytes = nearest.bytes().zip(rest.bytes());
            let shared = bytes.take_while(|(a, b)| a == b).count();
            if shared == nearest.len() {
                return true;
            }
            rest = &rest[..shared];
        }
        false
    }
}

impl Extend<Pattern> for Patterns {
    fn extend<I: IntoIterator<Item = Pattern>>(&mut self, patterns: I) {
        for pattern in patterns {
            match pattern {
                Pattern::Exact(name) => self.names.insert(name),
                Pattern::Prefix(prefix) => self.prefixes.insert(prefix),
            };
        }
    }
}

impl FromStr for Pattern {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let trimmed = text.trim();
        let prefix = trimmed.strip_suffix('*');
        let name = prefix.unwrap_or(trimmed);
        let printable = name
            .bytes()
            .all(|byte| (b' '..=b'~').contains(&byte) && byte != b'*');
        if trimmed.is_empty() || name.len() > MAX_BYTES || !printable || name.ends_with(' ') {
            let shown = text.chars().take(MAX_BYTES).collect();
            return Err(ParseError::Pattern(shown));
        }
        let name = name.to_ascii_uppercase();
        Ok(match prefix {
            Some(_) => Self::Prefix(name),
            None => Self::Exact(name),
        })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => f.write_str(name),
            Self::Prefix(prefix) => write!(f, "{prefix}*"),
        }
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        pattern.parse::<Pattern>().unwrap().matches(name)
    }

    #[test]
    fn an_exact_form_leaves_out_its_amendment_and_a_prefix_takes_it() {
        assert!(matches("8-k", "8-K"));
        assert!(!matches("8-K", "8-K/A"));
        assert!(matches("8-K*", "8-K/A"));
        assert!(matches("424b*", "424B5"));
        assert!(!matches("424B*", "425"));
        assert!(matches("*", "10-Q"));
    }

    #[test]
    fn a_star_stands_at_the_end_only() {
        for text in ["8*K", "**", "D *", "*8"] {
            assert!(text.parse::<Pattern>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["", "  ", "8\u{7}K", "10–K", &"X".repeat(41)] {
            assert!(text.parse::<Pattern>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_set_matches_what_any_of_its_patterns_matches(
            texts in prop::collection::vec("[AB]{0,4}[AB*]", 0..12),
            name in "[ABé]{0,6}",
        ) {
            let patterns: Vec<Pattern> = texts.iter().map(|text| text.parse().unwrap()).collect();
            let mut set = Patterns::default();
            set.extend(patterns.clone());

            let any = patterns.iter().any(|pattern| pattern.matches(&name));

            prop_assert_eq!(set.match_name(&name), any);
        }
    }
}
