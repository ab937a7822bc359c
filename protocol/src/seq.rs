//! Positions in the log: `Seq`, `Epoch`, `Cursor`, and where to start and end reading.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize, Serializer};

use crate::{error::ParseError, time::Timestamp};

/// The number of an event in its log: from 1, without gaps. Zero is before the first.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(u64);

impl Seq {
    /// Before the first event.
    pub const ZERO: Self = Self(0);

    /// The position with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number itself.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The position after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The position before this one; zero stays zero.
    #[must_use]
    pub const fn prev(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// How many events lie after `self` up to and with `tip`.
    pub const fn behind(self, tip: Self) -> u64 {
        tip.0.saturating_sub(self.0)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Seq {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let bad = || ParseError::Cursor(text.chars().take(40).collect());
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(bad());
        }
        text.parse().map(Self).map_err(|_| bad())
    }
}

/// The life of one log. Numbers of different epochs have nothing to do with each other.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Epoch(String);

impl Epoch {
    /// An epoch of four letters and digits from 20 bits of chance.
    pub fn from_chance(chance: u64) -> Self {
        const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
        let letter = |place: u64| char::from(ALPHABET[(chance >> (5 * place) & 31) as usize]);
        Self((0..4).map(letter).collect())
    }

    /// The epoch's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// # Errors
    /// [`ParseError::Epoch`] unless `text` is 1 to 16 lower-case letters or digits.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let shaped = (1..=16).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if shaped {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseError::Epoch(text.chars().take(40).collect()))
        }
    }

    /// The cursor of `seq` in this epoch.
    pub fn at(&self, seq: Seq) -> Cursor {
        Cursor {
            epoch: self.clone(),
            seq,
        }
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Epoch {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Epoch {
    type Error = ParseError;

    fn try_from(text: String) -> Result<Self, ParseError> {
        Self::parse(&text)
    }
}

impl From<Epoch> for String {
    fn from(epoch: Epoch) -> Self {
        epoch.0
    }
}

/// The last event a reader has handled, `<epoch>-<seq>`. Reading goes on after it.
#[derive(Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Cursor {
    /// The life of the log it belongs to.
    pub epoch: Epoch,
    /// The last event handled.
    pub seq: Seq,
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.seq)
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Cursor {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let bad = || ParseError::Cursor(text.chars().take(40).collect());
        let (epoch, seq) = text.split_once('-').ok_or_else(bad)?;
        let epoch = Epoch::parse(epoch).map_err(|_| bad())?;
        let seq = seq.parse().map_err(|_| bad())?;
        Ok(Self { epoch, seq })
    }
}

impl TryFrom<String> for Cursor {
    type Error = ParseError;

    fn try_from(text: String) -> Result<Self, ParseError> {
        text.parse()
    }
}

impl From<Cursor> for String {
    fn from(cursor: Cursor) -> Self {
        cursor.to_string()
    }
}

/// Where a subscription begins. Exclusive: the first event sent is the next one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum After {
    /// Only what comes from now on.
    #[default]
    Live,
    /// Everything the log still holds.
    Oldest,
    /// After this event.
    Cursor(Cursor),
    /// Every event with `at` not before this time.
    Time(Timestamp),
}

impl FromStr for After {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let bad = || ParseError::After(text.chars().take(60).collect());
        match text {
            "live" => Ok(Self::Live),
            "oldest" => Ok(Self::Oldest),
            _ => match text.strip_prefix("time:") {
                Some(time) => time.parse().map(Self::Time).map_err(|_| bad()),
                None => text.parse().map(Self::Cursor).map_err(|_| bad()),
            },
        }
    }
}

/// Where a subscription ends. Inclusive; beyond the head it waits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Until {
    /// With this event.
    Cursor(Cursor),
    /// With the last event whose `at` is not after this time.
    Time(Timestamp),
}

impl Until {
    /// Whether nothing can lie after `after` and up to here. `false` where only the log
    /// can tell: a cursor and a time, or cursors of different logs.
    pub fn is_before(&self, after: &After) -> bool {
        match (self, after) {
            (Self::Cursor(end), After::Cursor(start)) => {
                end.epoch == start.epoch && end.seq < start.seq
            }
            (Self::Time(end), After::Time(start)) => end < start,
            _ => false,
        }
    }
}

impl FromStr for Until {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        match text.parse() {
            Ok(After::Cursor(cursor)) => Ok(Self::Cursor(cursor)),
            Ok(After::Time(time)) => Ok(Self::Time(time)),
            _ => Err(ParseError::Until(text.chars().take(60).collect())),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back() {
        let cursor: Cursor = "k7q2-18442231".parse().unwrap();

        assert_eq!(cursor.epoch, Epoch::parse("k7q2").unwrap());
        assert_eq!(cursor.seq, Seq::new(18_442_231));
        assert_eq!(cursor.to_string(), "k7q2-18442231");
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        for text in [
            "",
            "k7q2",
            "k7q2-",
            "-5",
            "K7Q2-5",
            "k7q2--5",
            "k7q2-+5",
            "k7q2-99999999999999999999",
        ] {
            assert!(text.parse::<Cursor>().is_err(), "{text}");
        }
    }

    #[test]
    fn every_place_to_start_has_its_word() {
        assert_eq!("live".parse::<After>().unwrap(), After::Live);
        assert_eq!("oldest".parse::<After>().unwrap(), After::Oldest);
        assert!(matches!(
            "k7q2-5".parse::<After>().unwrap(),
            After::Cursor(_)
        ));
        assert!(matches!(
            "time:2026-03-03T21:04:58Z".parse::<After>().unwrap(),
            After::Time(_)
        ));
        assert!("yesterday".parse::<After>().is_err());
        assert!("time:noon".parse::<After>().is_err());
    }

    #[test]
    fn an_end_lies_before_a_start_only_where_both_can_be_compared() {
        let is_before = |until: &str, after: &str| {
            let until: Until = until.parse().unwrap();
            until.is_before(&after.parse().unwrap())
        };
        assert!(is_before("k7q2-4", "k7q2-5"));
        assert!(is_before(
            "time:2026-03-03T00:00:00Z",
            "time:2026-03-04T00:00:00Z"
        ));
        for (until, after) in [
            ("k7q2-5", "k7q2-5"),
            ("k7q2-4", "other-5"),
            ("k7q2-4", "live"),
            ("time:2026-03-03T00:00:00Z", "time:2026-03-03T00:00:00Z"),
            ("k7q2-4", "time:2026-03-03T00:00:00Z"),
        ] {
            assert!(!is_before(until, after), "{until} {after}");
        }
    }

    #[test]
    fn what_is_no_end_is_refused() {
        for text in ["", "live", "oldest", "noon", "time:noon"] {
            assert!(text.parse::<Until>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_epoch_from_chance_is_an_epoch() {
        for chance in [0, 1, 0xdead_beef, u64::MAX] {
            let epoch = Epoch::from_chance(chance);
            assert_eq!(Epoch::parse(epoch.as_str()).unwrap(), epoch);
        }
    }
}
