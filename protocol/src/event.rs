//! Events: the entries of the log, and the frames that carry them.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeMap};

use crate::{
    day::Day,
    filing::Filing,
    named::named,
    outage::Outage,
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
    /// EDGAR's indexes no longer list it; what we have of it stays.
    FilingWithdrawn(Filing),
    /// Everything that EDGAR's daily index lists is in the log.
    DaySealed(Day),
    /// A part of ours does not do its work.
    SourceDown(Outage),
    /// It does again.
    SourceUp(Outage),
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
        /// A part of ours does not do its work.
        SourceDown = "source.down",
        /// It does again.
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
            Self::FilingWithdrawn(_) => EventType::FilingWithdrawn,
            Self::DaySealed(_) => EventType::DaySealed,
            Self::SourceDown(_) => EventType::SourceDown,
            Self::SourceUp(_) => EventType::SourceUp,
        }
    }

    /// The filing it is about; `None` of an event that is about none.
    pub const fn filing(&self) -> Option<&Filing> {
        match self {
            Self::FilingSeen(filing)
            | Self::FilingArchived(filing)
            | Self::FilingWithdrawn(filing) => Some(filing),
            Self::DaySealed(_) | Self::SourceDown(_) | Self::SourceUp(_) => None,
        }
    }

    /// The filing it is about, to be changed before it is encoded.
    pub const fn filing_mut(&mut self) -> Option<&mut Filing> {
        match self {
            Self::FilingSeen(filing)
            | Self::FilingArchived(filing)
            | Self::FilingWithdrawn(filing) => Some(filing),
            Self::DaySealed(_) | Self::SourceDown(_) | Self::SourceUp(_) => None,
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
            Body::FilingSeen(filing)
            | Body::FilingArchived(filing)
            | Body::FilingWithdrawn(filing) => map.serialize_entry("filing", filing)?,
            Body::DaySealed(day) => map.serialize_entry("day", day)?,
            Body::SourceDown(outage) | Body::SourceUp(outage) => {
                map.serialize_entry("outage", outage)?;
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
    day: Option<Day>,
    outage: Option<Outage>,
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = Wire::deserialize(deserializer)?;
        let body = match wire.event_type {
            EventType::FilingSeen => Body::FilingSeen(told("filing", wire.filing)?),
            EventType::FilingArchived => Body::FilingArchived(told("filing", wire.filing)?),
            EventType::FilingWithdrawn => Body::FilingWithdrawn(told("filing", wire.filing)?),
            EventType::DaySealed => Body::DaySealed(told("day", wire.day)?),
            EventType::SourceDown => Body::SourceDown(told("outage", wire.outage)?),
            EventType::SourceUp => Body::SourceUp(told("outage", wire.outage)?),
        };
        Ok(Self {
            cursor: wire.cursor,
            at: wire.at,
            body,
        })
    }
}

/// What an event of its type must have.
fn told<T, E: de::Error>(field: &'static str, value: Option<T>) -> Result<T, E> {
    value.ok_or_else(|| E::missing_field(field))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::{filing::Source, outage::Part};

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
    fn every_type_of_event_reads_back_and_lacks_nothing_it_must_have() {
        let Body::FilingSeen(filing) = seen().body else {
            unreachable!()
        };
        let outage = Outage {
            part: Part::Atom,
            since: "2026-03-03T19:00:00Z".parse().unwrap(),
            until: None,
            error: Some("HTTP 503".to_owned()),
        };
        let until = Some("2026-03-03T19:04:00Z".parse().unwrap());
        let day = Day {
            date: "2026-03-03".parse().unwrap(),
            listed: 2,
            seen_live: 1,
            recovered: vec![filing.accession],
            unarchived: Vec::new(),
            sha256: "00".repeat(32),
        };
        let bodies = [
            Body::FilingSeen(filing.clone()),
            Body::FilingArchived(filing.clone()),
            Body::FilingWithdrawn(filing),
            Body::DaySealed(day),
            Body::SourceDown(outage.clone()),
            Body::SourceUp(Outage { until, ..outage }),
        ];
        for (body, event_type) in bodies.into_iter().zip(EventType::ALL) {
            let event = Event { body, ..seen() };

            let frame = event.to_frame();

            assert_eq!(event.body.event_type(), *event_type);
            assert_eq!(Event::from_frame(&frame).unwrap(), event);
            let without = format!(
                r#"{{"type":"{event_type}","cursor":"k7q2-7","at":"2026-03-03T21:04:58Z"}}"#
            );
            let error = Event::from_frame(without.as_bytes()).unwrap_err();
            assert!(error.to_string().contains("missing field"), "{error}");
        }
    }

    #[test]
    fn a_frame_with_unknown_fields_still_reads() {
        let frame = String::from_utf8(seen().to_frame()).unwrap();
        let newer = frame.replacen('{', r#"{"mood":"calm","#, 1);

        assert_eq!(Event::from_frame(newer.as_bytes()).unwrap(), seen());
    }
}
