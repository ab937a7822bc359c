//! What went wrong, by name, and how often: a fault that did not fire proves nothing.

use std::{collections::BTreeMap, fmt};

/// Faults that have happened.
#[derive(Debug, Clone, Default)]
pub struct Fired(BTreeMap<String, usize>);

impl Fired {
    /// It has happened once more.
    pub fn note(&mut self, fault: &str) {
        self.times(fault, 1);
    }

    /// It has happened so many times more, perhaps never.
    pub fn times(&mut self, fault: &str, times: usize) {
        *self.0.entry(fault.to_owned()).or_default() += times;
    }

    pub fn add(&mut self, other: &Self) {
        for (fault, times) in &other.0 {
            self.times(fault, *times);
        }
    }

    /// Each of these has happened.
    pub fn check<S: AsRef<str>>(&self, due: &[S]) {
        for fault in due.iter().map(AsRef::as_ref) {
            let times = self.0.get(fault).copied().unwrap_or(0);
            assert!(times > 0, "{fault} never fired:\n{self}");
        }
    }
}

/// The ledger of faults, a few to a line.
impl fmt::Display for Fired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told: Vec<String> = self
            .0
            .iter()
            .map(|(fault, times)| format!("{fault} {times}"))
            .collect();
        for line in told.chunks(8) {
            writeln!(f, "  {}", line.join(", "))?;
        }
        Ok(())
    }
}
