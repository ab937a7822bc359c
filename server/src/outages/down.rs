//! The outages that are not over, as the log tells them.
//!
//! Invariant: of each part at most one.

use std::collections::BTreeMap;

use protocol::{
    event::EventType,
    outage::{Outage, Part},
};

/// The outages that are not over, each as its `source.down` tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Down(BTreeMap<Part, Outage>);

impl Down {
    /// Takes what an event tells; whether it is new: a part that is down does not go down,
    /// and one that is up does not come up.
    pub(crate) fn take(&mut self, event_type: EventType, outage: &Outage) -> bool {
        let is_down = self.0.contains_key(&outage.part);
        match event_type {
            EventType::SourceDown if !is_down => {
                self.0.insert(outage.part, outage.clone());
                true
            }
            EventType::SourceUp => self.0.remove(&outage.part).is_some(),
            _ => false,
        }
    }

    /// The outage of a part, if it is down.
    pub(crate) fn of(&self, part: Part) -> Option<&Outage> {
        self.0.get(&part)
    }

    /// All of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Outage> {
        self.0.values()
    }
}
