//! Events: the entries of the log, and the frames that carry them.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeMap};

use crate::{
    filing::Filing,
    named::named,
    seq::{Cursor, Epoch, Seq},
    time::Timestamp,
};

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Epoch and number together.
    pub cursor: Cursor,
    /// When it entered the log.
    pub at: Timestamp,
    /// What happened.
    pub body: Body,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// A monitor saw a filing for the first time: once per accession.
    FilingSeen(Filing),
    /// A version of its submission is in the archive.
    FilingArchived(Filing),
}

named! {
    /// The types of events, as in the field `type` and the filter `types`.
    EventType {
        /// A filing was seen.
        FilingSeen = "filing.seen",
        /// Its submission is in the archive.
        FilingArchived = "filing.archived",
        /// The SEC took it away.
        FilingWithdrawn = "filing.withdrawn",
        /// A day is proven complete.
        DaySealed = "day.sealed",
        /// A source does not answer.
        SourceDown = "source.down",
        /// A source answers again.
        SourceUp = "source.up",
    }
}

impl EventType {
    /// What a subscriber gets who does not name `types`.
    pub const DEFAULT: [Self; 2] = [Self::FilingSeen, Self::FilingArchived];
}

impl Body {
    /// The type of the event.
    pub const fn event_type(&self) -> EventType {
        match self {
            Self::FilingSeen(_) => EventType::FilingSeen,
            Self::FilingArchived(_) => EventType::FilingArchived,
        }
    }

    /// The filing it is about.
    pub const fn filing(&self) -> Option<&Filing> {
        match self {
            Self::FilingSeen(filing) | Self::FilingArchived(filing) => Some(filing),
        }
    }

    /// The filing it is about, to be changed before it is encoded.
    pub const fn filing_mut(&mut self) -> &mut Filing {
        match self {
            Self::FilingSeen(filing) | Self::FilingArchived(filing) => filing,
        }
    }
}

impl Event {
    /// The event number `seq` of a log.
    pub fn new(epoch: &Epoch, seq: Seq, at: Timestamp, body: Body) -> Self {
        Self {
            cursor: epoch.at(seq),
            at,
            body,
        }
    }

    /// Its number.
    pub const fn seq(&self) -> Seq {
        self.cursor.seq
    }

    /// The bytes of its frame: one line of JSON, the same for every subscriber.
    pub fn to_frame(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("an event has string keys and no failing field")
    }

    /// # Errors
    /// When `frame` is not the frame of an event of a known type.
    pub fn from_frame(frame: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(frame)
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &self.body.event_type())?;
        map.serialize_entry("cursor", &self.cursor)?;
        map.serialize_entry("seq", &self.seq())?;
        map.serialize_entry("at", &self.at)?;
        match &self.body {
            Body::FilingSeen(filing) | Body::FilingArchived(filing) => {
                map.serialize_entry("filing", filing)?;
            }
        }
        map.end()
    }
}

/// An event as it stands on the wire, before its type decides what must be there.
#[derive(Deserialize)]
struct Wire {
    #[serde(rename = "type")]
    event_type: EventType,
    cursor: Cursor,
    at: Timestamp,
    filing: Option<Filing>,
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = Wire::deserialize(deserializer)?;
        let filing = || {
            wire.filing
                .ok_or_else(|| de::Error::missing_field("filing"))
        };
        let body = match wire.event_type {
            EventType::FilingSeen => Body::FilingSeen(filing()?),
            EventType::FilingArchived => Body::FilingArchived(filing()?),
            other => return Err(de::Error::custom(format!("no body is known for `{other}`"))),
        };
        Ok(Self {
            cursor: wire.cursor,
            at: wire.at,
            body,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::filing::Source;

    fn seen() -> Event {
        let filing = Filing::new(
            "0001999999-26-000042".parse().unwrap(),
            "8-K".parse().unwrap(),
            Source::Atom,
            "2026-03-03T21:04:58.151Z".parse().unwrap(),
        );
        let at = "2026-03-03T21:04:58.168Z".parse().unwrap();
        Event::new(
            &Epoch::parse("k7q2").unwrap(),
            Seq::new(7),
            at,
            Body::FilingSeen(filing),
        )
    }

    #[test]
    fn a_frame_begins_with_type_and_position() {
        let frame = String::from_utf8(seen().to_frame()).unwrap();

        assert!(frame.starts_with(
            r#"{"type":"filing.seen","cursor":"k7q2-7","seq":7,"at":"2026-03-03T21:04:58.168Z","filing":{"#
        ));
        assert!(!frame.contains('\n'));
    }

    #[test]
    fn a_frame_reads_back() {
        assert_eq!(Event::from_frame(&seen().to_frame()).unwrap(), seen());
    }

    #[test]
    fn a_frame_with_unknown_fields_still_reads() {
        let frame = String::from_utf8(seen().to_frame()).unwrap();
        let newer = frame.replacen('{', r#"{"mood":"calm","#, 1);

        assert_eq!(Event::from_frame(newer.as_bytes()).unwrap(), seen());
    }
}
