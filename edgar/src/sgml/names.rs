//! File names of documents: unique, and safe in a tar object and a directory.
//!
//! Invariant: a name has 1 to 100 bytes of printable ASCII, no path separator, is no
//! `.` or `..`, and no two names of a submission are equal even without regard to case.

use std::collections::{HashMap, HashSet};

/// What a name field of a tar header holds.
const MAX_BYTES: usize = 100;

/// The names given in one submission.
#[derive(Debug)]
pub(super) struct Names {
    /// In lower case.
    taken: HashSet<String>,
    /// The last suffix tried, by the name as the longest suffix would cut it: long names
    /// that differ at their end alone share a suffix, and none is tried twice.
    suffixes: HashMap<String, u32>,
}

impl Default for Names {
    fn default() -> Self {
        // The tar object has a member of this name before the documents.
        Self {
            taken: HashSet::from(["metadata.json".to_owned()]),
            suffixes: HashMap::new(),
        }
    }
}

impl Names {
    /// The name of a document that calls itself `wanted`.
    pub(super) fn give(&mut self, wanted: &str) -> String {
        let name = safe(wanted);
        if self.taken.insert(name.to_ascii_lowercase()) {
            return name;
        }
        let family = with_suffix(&name, u32::MAX).to_ascii_lowercase();
        let suffix = self.suffixes.entry(family).or_insert(1);
        loop {
            *suffix += 1;
            let name = with_suffix(&name, *suffix);
            if self.taken.insert(name.to_ascii_lowercase()) {
                return name;
            }
        }
    }
}

fn safe(wanted: &str) -> String {
    let allowed = |c: char| (' '..='~').contains(&c) && !"/\\:*?\"<>|".contains(c);
    let name: String = wanted
        .trim()
        .chars()
        .map(|c| if allowed(c) { c } else { '_' })
        .collect();
    // Windows drops blanks and dots at the end; a dot alone, or two, is a directory.
    let name = name.trim_end_matches([' ', '.']);
    let name = match name.strip_prefix("..") {
        Some(rest) => format!("__{rest}"),
        None => name.to_owned(),
    };
    if name.is_empty() {
        return "_".to_owned();
    }
    fitted(&name, "")
}

fn with_suffix(name: &str, suffix: u32) -> String {
    fitted(name, &format!("-{suffix}"))
}

/// `name` with `suffix` before its extension, its stem cut to fit.
fn fitted(name: &str, suffix: &str) -> String {
    let (stem, extension) = match name.rfind('.') {
        Some(dot) if dot > 0 && name.len() - dot <= 16 => name.split_at(dot),
        _ => (name, ""),
    };
    let room = MAX_BYTES - suffix.len() - extension.len();
    format!("{}{suffix}{extension}", &stem[..stem.len().min(room)])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn give(wanted: &[&str]) -> Vec<String> {
        let mut names = Names::default();
        wanted.iter().map(|name| names.give(name)).collect()
    }

    #[test]
    fn a_plain_name_stays() {
        assert_eq!(give(&["quay-20260303.htm"]), ["quay-20260303.htm"]);
    }

    #[test]
    fn repeated_names_get_a_number_before_the_extension() {
        assert_eq!(
            give(&["a.htm", "a.htm", "A.htm", "a-2.htm", "b", "b"]),
            ["a.htm", "a-2.htm", "A-3.htm", "a-2-2.htm", "b", "b-2"]
        );
    }

    #[test]
    fn the_name_of_the_tar_objects_own_member_is_not_given() {
        assert_eq!(give(&["metadata.json"]), ["metadata-2.json"]);
    }

    #[test]
    fn no_name_leaves_its_directory() {
        assert_eq!(
            give(&["../../etc/passwd", "..", "C:\\x", "a\0b", "/", " . "]),
            ["___.._etc_passwd", "_", "C__x", "a_b", "_-2", "_-3"]
        );
    }

    #[test]
    fn a_long_name_keeps_its_extension() {
        let long = format!("{}.xml", "x".repeat(300));

        let names = give(&[&long, &long]);

        assert_eq!(names[0].len(), 100);
        assert!(names[0].ends_with("x.xml"));
        assert!(names[1].ends_with("x-2.xml"));
    }

    proptest! {
        #[test]
        fn every_name_is_safe_and_unique(wanted in proptest::collection::vec("(?s).{0,120}", 0..20)) {
            let mut names = Names::default();
            let mut seen = std::collections::HashSet::new();
            for wanted in &wanted {
                let name = names.give(wanted);
                prop_assert!((1..=100).contains(&name.len()));
                prop_assert!(name.bytes().all(|b| (b' '..=b'~').contains(&b) && b != b'/' && b != b'\\'));
                prop_assert!(name != "." && !name.starts_with(".."));
                prop_assert!(seen.insert(name.to_ascii_lowercase()));
            }
        }
    }
}
