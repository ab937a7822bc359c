//! Form types, such as `8-K` or `SCHEDULE 13D/A`. Patterns of them are in `pattern`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::error::ParseError;

/// The type of a filing as EDGAR writes it. Compared without regard to case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Form(String);

/// Longest form accepted, in bytes. The longest known has 17; the list is not closed.
const MAX_BYTES: usize = 40;

impl Form {
    /// As EDGAR writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the filing amends an earlier one: its form ends in `/A`.
    pub fn is_amendment(&self) -> bool {
        self.0.ends_with("/A")
    }

    /// The form it amends, or itself: `8-K` for `8-K/A`.
    pub fn root(&self) -> &str {
        self.0.strip_suffix("/A").unwrap_or(&self.0)
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Form {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let trimmed = text.trim();
        let printable = trimmed.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if trimmed.is_empty() || trimmed.len() > MAX_BYTES || !printable {
            return Err(ParseError::Form(text.chars().take(MAX_BYTES).collect()));
        }
        Ok(Self(trimmed.to_ascii_uppercase()))
    }
}

impl TryFrom<String> for Form {
    type Error = ParseError;

    fn try_from(text: String) -> Result<Self, ParseError> {
        text.parse()
    }
}

impl From<Form> for String {
    fn from(form: Form) -> Self {
        form.0
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn an_amendment_knows_its_root() {
        let form: Form = "SCHEDULE 13D/A".parse().unwrap();

        assert!(form.is_amendment());
        assert_eq!(form.root(), "SCHEDULE 13D");
    }

    #[test]
    fn what_is_no_form_is_refused() {
        for text in ["", "  ", "8\u{7}K", "10–K", &"X".repeat(41)] {
            assert!(text.parse::<Form>().is_err(), "{text}");
        }
    }
}
