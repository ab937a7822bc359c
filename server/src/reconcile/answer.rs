//! What is said to whoever asked for a day to be reconciled.
//!
//! Invariant: who can do something is told what, and when.

use protocol::time::{Date, Timestamp};

use super::{Sealing, schedule};
use crate::progress::Ended;

/// What came of `date`; `lacks_files` when the files of some sealed day are still to be written.
pub(super) fn ended(date: Date, sealing: Sealing, lacks_files: bool, now: Timestamp) -> Ended {
    let files = if lacks_files {
        "; its files are not written yet, the log says why"
    } else {
        ""
    };
    match sealing {
        Sealing::Sealed(day) => Ended::Done(format!(
            "{date} sealed: {} listed, {} seen live, {} recovered, {} not archived, sha256 {}{files}",
            day.listed,
            day.seen_live,
            day.recovered.len(),
            day.unarchived.len(),
            day.sha256
        )),
        Sealing::Already => Ended::Done(format!("{date} is sealed already: nothing to do{files}")),
        Sealing::NoIndex => Ended::Done(format!(
            "EDGAR lists no filing of {date} but some of later days: it was closed, there is nothing to reconcile"
        )),
        Sealing::NotOut => Ended::Failed(not_out(date, now)),
    }
}

/// What to do about a day without an index: wait for it while it can still come.
fn not_out(date: Date, now: Timestamp) -> String {
    let out = schedule::index_out(date);
    if now < out {
        return format!(
            "EDGAR has no index of {date} yet: it is out at about 22:07 Eastern, try again after {out}"
        );
    }
    format!(
        "EDGAR has no index of {date}, which was due at {out}: it is late, or there is none because EDGAR was \
         closed, as the index of a later day will show"
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn said(date: &str, now: &str) -> String {
        not_out(date.parse().unwrap(), now.parse().unwrap())
    }

    #[test]
    fn an_index_that_is_still_to_come_is_waited_for() {
        let said = said("2026-03-03", "2026-03-03T22:00:00Z");

        assert!(
            said.ends_with("try again after 2026-03-04T03:07:00Z"),
            "{said}"
        );
    }

    #[test]
    fn an_index_that_is_due_this_moment_is_told_to_be_late() {
        let said = said("2026-03-03", "2026-03-04T03:07:00Z");

        assert!(said.contains("which was due at"), "{said}");
    }

    #[test]
    fn an_index_that_was_due_long_ago_is_not_told_to_be_waited_for() {
        let said = said("2026-03-03", "2026-06-01T12:00:00Z");

        assert!(
            said.contains("which was due at 2026-03-04T03:07:00Z"),
            "{said}"
        );
        assert!(!said.contains("try again"), "{said}");
    }
}
