//! The fields of a filter one by one, for whoever looks filings up by an index instead of
//! asking [`Filter::wants`] about each. What an index finds is still to be asked about.

use std::collections::BTreeSet;

use super::{Agent, Amendments, Filter, Item, Sic, State};
use crate::{event::EventType, pattern::Patterns};

impl Filter {
    /// The types of events, where they are named.
    pub fn types(&self) -> Option<&BTreeSet<EventType>> {
        self.types.as_ref()
    }

    /// The forms, of which any may match.
    pub fn forms(&self) -> Option<&Patterns> {
        self.forms.as_ref()
    }

    /// What is to be done with amendments.
    pub fn amendments(&self) -> Option<Amendments> {
        self.amendments
    }

    /// The items, of which any may match.
    pub fn items(&self) -> Option<&BTreeSet<Item>> {
        self.items.as_ref()
    }

    /// The document types, of which any may match.
    pub fn document_types(&self) -> Option<&Patterns> {
        self.document_types.as_ref()
    }

    /// The classifications, of which any may match.
    pub fn sics(&self) -> Option<&BTreeSet<Sic>> {
        self.sics.as_ref()
    }

    /// The states and countries, of which any may match.
    pub fn states(&self) -> Option<&BTreeSet<State>> {
        self.states.as_ref()
    }

    /// The beginnings of accession numbers, of which any may match.
    pub fn agents(&self) -> Option<&BTreeSet<Agent>> {
        self.agents.as_ref()
    }
}
