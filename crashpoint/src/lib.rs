//! Named moments at which a test may kill the program.
//!
//! Durable work is a row of steps, and a program can die between any two of them. Each
//! gap has a name: [`pass`] marks it in the code, and says that the step of that name has
//! just been done and the one after it has not begun. With `FILINGWIRE_CRASH_AT=name:nth`
//! in its environment the program says so on stderr and gets SIGKILL at the nth pass.
//!
//! Elsewhere: who kills and what must still hold (`tests/promises/crash.rs`).
//!
//! Invariant: [`NAMES`] has every name that the code passes, and a release build has no
//! trace of any of this.

/// The variable that plans a death: the name of a point, a colon, which pass of it (from 1).
pub const VARIABLE: &str = "FILINGWIRE_CRASH_AT";

/// Every point there is, along the road of a filing.
pub const NAMES: &[&str] = &[
    // The log: a group of records, a new segment, an old one.
    "log.written",
    "log.synced",
    "log.segment_created",
    "log.segment_written",
    "log.segment_durable",
    "log.rotated",
    "log.segment_removed",
    // The watermark of a reader.
    "watermark.written",
    "watermark.synced",
    "watermark.renamed",
    // The archive: an object on its way into a bucket in a folder.
    "staging.written",
    "staging.synced",
    "bucket.folder_made",
    "bucket.linked",
    "bucket.put",
    "bucket.replaced",
    // The fetcher: a submission and what is made of it.
    "fetch.downloaded",
    "fetch.made",
    "fetch.sgml_put",
    "fetch.tar_put",
    "fetch.all_put",
    // What waits on the disk for a bucket that is away.
    "parking.labelled",
    "parking.parked",
    "parking.unlabelled",
    // A small file of ours.
    "durable.written",
    "durable.synced",
    "durable.renamed",
    // A day on its way to its seal, its events, the inventories.
    "day.taken",
    "day.archived",
    "day.drafted",
    "day.sealed",
    "day.published",
    "events.put",
    "events.summed",
    "inventory.written",
];

/// The step called `name` has just been done.
///
/// # Panics
/// In a debug build, when [`NAMES`] has no such name.
#[inline]
pub fn pass(name: &'static str) {
    #[cfg(debug_assertions)]
    armed::pass(name);
    #[cfg(not(debug_assertions))]
    let _ = name;
}

#[cfg(debug_assertions)]
mod armed {
    use std::{
        io::Write as _,
        sync::{
            OnceLock,
            atomic::{AtomicU64, Ordering},
        },
    };

    use rustix::process::{Signal, getpid, kill_process};

    use crate::{NAMES, VARIABLE};

    /// Where the program dies.
    #[derive(Debug, PartialEq, Eq)]
    struct Plan {
        name: String,
        nth: u64,
    }

    static PLAN: OnceLock<Option<Plan>> = OnceLock::new();
    static PASSED: AtomicU64 = AtomicU64::new(0);

    pub(super) fn pass(name: &'static str) {
        assert!(
            NAMES.contains(&name),
            "`{name}` is not in crashpoint::NAMES"
        );
        let Some(plan) = PLAN.get_or_init(planned) else {
            return;
        };
        if plan.name == name && PASSED.fetch_add(1, Ordering::Relaxed) + 1 == plan.nth {
            die(name);
        }
    }

    fn planned() -> Option<Plan> {
        let text = std::env::var(VARIABLE).ok()?;
        Some(read(&text).unwrap_or_else(|| panic!("{VARIABLE}={text} names no point")))
    }

    fn read(text: &str) -> Option<Plan> {
        let (name, nth) = text.split_once(':')?;
        let nth = nth.parse().ok().filter(|nth| *nth > 0)?;
        let name = NAMES.contains(&name).then(|| name.to_owned())?;
        Some(Plan { name, nth })
    }

    fn die(name: &str) -> ! {
        // The only proof that it was this point. Nothing is lost if nobody reads it.
        let _ = writeln!(std::io::stderr(), "crashpoint {name}");
        let _ = kill_process(getpid(), Signal::KILL);
        std::process::abort();
    }

    #[cfg(test)]
    #[allow(clippy::unwrap_used, reason = "tests")]
    mod tests {
        use super::*;

        #[test]
        fn a_plan_names_a_point_and_a_pass() {
            let plan = read("log.synced:3").unwrap();

            assert_eq!((plan.name.as_str(), plan.nth), ("log.synced", 3));
            for wrong in [
                "log.synced",
                "log.synced:0",
                "log.synced:x",
                "log.sinced:1",
                "",
            ] {
                assert_eq!(read(wrong), None, "{wrong}");
            }
        }

        #[test]
        fn without_a_plan_every_point_is_passed_alive() {
            for name in NAMES {
                crate::pass(name);
            }
        }

        #[test]
        fn names_are_told_apart() {
            let mut names = NAMES.to_vec();
            names.sort_unstable();
            names.dedup();

            assert_eq!(names.len(), NAMES.len());
        }
    }
}
