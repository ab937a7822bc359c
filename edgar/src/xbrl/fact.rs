//! A fact, as it is told and as it stands in JSON.
//!
//! Elsewhere: where facts come from (`instance`, `inline`), rows of the simple table
//! (`simple`). Invariant: what is absent is omitted, and no value is ever a float.

use std::borrow::Cow;

use serde::{Serialize, Serializer, ser::SerializeMap};

/// One fact of a filing.
///
/// In JSON an object with the fields in this order, those that are absent left out:
///
/// ```json
/// {"taxonomy":"us-gaap","concept":"Assets","period":{"instant":"2025-03-29"},"unit":"USD","decimals":"-6","dimensions":{"us-gaap:StatementClassOfStockAxis":"us-gaap:CommonStockMember"},"value":"331233000000"}
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Fact<'a> {
    /// The prefix everybody uses for the taxonomy: `us-gaap`, `dei`, `srt`, `ecd`, `ifrs-full`;
    /// else the declared one, for a company's own taxonomy mostly its ticker. Empty where the
    /// concept has none.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub taxonomy: &'a str,
    /// The concept, without prefix: `Assets`.
    pub concept: &'a str,
    /// What time it is about; absent when its context is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<Period<'a>>,
    /// `USD`, `shares`, `pure`, `USD/shares`, `utr:MMBtu`: the measure without the prefix of
    /// currencies and of XBRL itself; factors joined by `*`. Absent for text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<&'a str>,
    /// How precise the value is: digits after the point, or `INF`. Never a multiplier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimals: Option<&'a str>,
    /// What it is about beside the filer.
    #[serde(skip_serializing_if = "Dimensions::is_empty")]
    pub dimensions: Dimensions<'a>,
    /// The value as text: of numbers every digit as reported, of text blocks the HTML.
    /// Absent when [`nil`](Self::nil); empty text is a value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<&'a str>,
    /// Reported as having no value.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub nil: bool,
    /// The name of its context within the filing. Not in JSON.
    #[serde(skip)]
    pub context: &'a str,
}

/// What time a fact is about. Dates are as written, normally `YYYY-MM-DD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period<'a> {
    /// The end of a day: `{"instant":"2025-03-29"}`.
    Instant(&'a str),
    /// From a first to a last day: `{"start":"2024-09-29","end":"2025-03-29"}`.
    Duration {
        /// The first day.
        start: &'a str,
        /// The last day.
        end: &'a str,
    },
    /// Always: `{"forever":true}`.
    Forever,
}

impl Serialize for Period<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::Instant(day) => map.serialize_entry("instant", day)?,
            Self::Duration { start, end } => {
                map.serialize_entry("start", start)?;
                map.serialize_entry("end", end)?;
            }
            Self::Forever => map.serialize_entry("forever", &true)?,
        }
        map.end()
    }
}

/// The axes of a fact and its member on each, of segment and scenario alike, sorted by axis,
/// as EDGAR sorts them in what it extracts. In JSON an object.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dimensions<'a>(pub(super) &'a [Dimension<'a>]);

/// An axis and a member, as names with their usual prefix, or the text of a typed member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dimension<'a> {
    pub(super) axis: Cow<'a, str>,
    pub(super) member: Cow<'a, str>,
}

impl<'a> Dimensions<'a> {
    /// Whether the fact is about the whole.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Axis and member of each.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&'a str, &'a str)> + use<'a> {
        let dimensions = self.0.iter();
        dimensions.map(|dimension| (&*dimension.axis, &*dimension.member))
    }
}

impl Serialize for Dimensions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const NIL: Fact<'_> = Fact {
        taxonomy: "dei",
        concept: "Name",
        period: None,
        unit: None,
        decimals: None,
        dimensions: Dimensions(&[]),
        value: None,
        nil: true,
        context: "c",
    };

    #[test]
    fn what_is_absent_is_omitted() {
        let json = serde_json::to_string(&NIL).unwrap();

        assert_eq!(json, r#"{"taxonomy":"dei","concept":"Name","nil":true}"#);
    }

    #[test]
    fn every_period_has_its_own_shape() {
        let json = |period| serde_json::to_string(&period).unwrap();

        assert_eq!(json(Period::Instant("a")), r#"{"instant":"a"}"#);
        let duration = Period::Duration {
            start: "a",
            end: "b",
        };
        assert_eq!(json(duration), r#"{"start":"a","end":"b"}"#);
        assert_eq!(json(Period::Forever), r#"{"forever":true}"#);
    }

    #[test]
    fn dimensions_are_an_object() {
        let axis = Dimension {
            axis: "a:B".into(),
            member: "c \"d\"".into(),
        };
        let dimensions = [axis];
        let fact = Fact {
            dimensions: Dimensions(&dimensions),
            value: Some(""),
            nil: false,
            ..NIL
        };

        let json = serde_json::to_string(&fact).unwrap();
        let expected =
            r#"{"taxonomy":"dei","concept":"Name","dimensions":{"a:B":"c \"d\""},"value":""}"#;
        assert_eq!(json, expected);
    }
}
