//! The XBRL facts of a submission in its report.

use std::io;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::objects::{Documents, Unread};

/// Facts as JSON.
#[derive(Debug)]
pub(super) struct Facts {
    /// One object for each.
    lines: Vec<Box<RawValue>>,
}

impl Facts {
    /// The facts of these documents, and what could not be read.
    ///
    /// # Errors
    /// Those of the scratch file.
    pub(super) fn of(documents: &mut Documents) -> io::Result<(Self, Vec<Unread>)> {
        let mut lines = Vec::new();
        let unread = documents.facts(|fact| {
            lines.push(serde_json::value::to_raw_value(fact)?);
            Ok(())
        })?;
        Ok((Self { lines }, unread))
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.lines.len()
    }
}

impl Serialize for Facts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.lines)
    }
}
