//! Recorded submissions cut at every byte: what was read before the cut stands, and
//! the cut is told.

use super::{super::*, read_in_pieces};
use crate::recorded::recorded;

/// Small files of every envelope and line end.
const FILES: [&str; 11] = [
    "full-submission/13F-HR/0001172661-23-003414.txt",
    "full-submission/ATS-N-W/0000019617-24-000664.txt",
    "full-submission/8-K/0001000685-98-000002.txt",
    "full-submission/8-K/0000109446-94-000008.txt",
    "full-submission/D/0000002473-11-000003.txt",
    "pds-nc/0000002488-24-000005.nc",
    "pds-nc/0001562180-25-000280.nc",
    "header-only/0001172661-23-003414.hdr.txt",
    "header-only/MultipleFilersHeader.txt",
    "document-only/0000899681-95-000096.txt",
    "full-submission/UPLOAD/0000000000-24-005673.txt",
];

/// Where every occurrence of `tag` ends.
fn ends(bytes: &[u8], tag: &str) -> Vec<usize> {
    memchr::memmem::find_iter(bytes, tag)
        .map(|at| at + tag.len())
        .collect()
}

/// What a reading of a whole file says, and from where on it can be known.
struct Whole {
    bytes: Vec<u8>,
    submission: Submission<'static>,
    /// Where the first line ends that says what it is.
    known_from: usize,
    /// Where the header is over.
    header_until: usize,
    /// Where each document ends.
    documents: Vec<usize>,
    /// From here on nothing is missing.
    complete_from: Vec<usize>,
}

impl Whole {
    fn of(bytes: Vec<u8>) -> Self {
        let submission = read_in_pieces(&bytes, &[bytes.len()]).unwrap();
        let documents = ends(&bytes, "</DOCUMENT>");
        assert_eq!(documents.len(), submission.documents.len());
        let closing: &[&str] = match submission.outcome.envelope {
            Envelope::Header => &["</SEC-HEADER>"],
            _ => &["</SEC-DOCUMENT>", "</IMS-DOCUMENT>", "</SUBMISSION>"],
        };
        let closed = closing.iter().flat_map(|tag| ends(&bytes, tag)).max();
        let first_document = ends(&bytes, "<DOCUMENT>").first().copied();
        Self {
            known_from: match submission.outcome.envelope {
                Envelope::Pem => ends(&bytes, "MESSAGE-----")[0],
                _ => ends(&bytes, ">")[0],
            },
            header_until: first_document.or(closed).unwrap_or(bytes.len()),
            complete_from: match submission.outcome.envelope {
                Envelope::Documents => documents.clone(),
                Envelope::HeaderLines => Vec::new(),
                _ => closed.into_iter().collect(),
            },
            documents,
            submission,
            bytes,
        }
    }

    /// Whether a cut at `end` goes unnoticed, because nothing is missing: the bytes
    /// reach the closing tag, and what follows is blank or the whole last line of a
    /// PEM envelope. Documents without an envelope have no such tag: they may end
    /// after each of them, until something of the next one is visible. Header lines
    /// without an envelope are never known to be complete.
    fn may_be_complete(&self, end: usize) -> bool {
        let Some(&from) = self.complete_from.iter().rfind(|&&from| from <= end) else {
            return false;
        };
        let rest = self.bytes[from..end].trim_ascii();
        rest.is_empty() || rest == b"-----END PRIVACY-ENHANCED MESSAGE-----"
    }

    fn check_cut(&self, end: usize) {
        let Ok(cut) = read(&self.bytes[..end]) else {
            assert!(end < self.known_from, "no submission at {end}");
            return;
        };
        let whole = cut.outcome.complete && cut.damage.is_empty();
        assert_eq!(whole, self.may_be_complete(end), "{end}");
        if end >= self.header_until {
            assert_eq!(cut.header, self.submission.header, "{end}");
        }
        let before = self.documents.iter().filter(|&&until| until <= end).count();
        let (read, original) = (&cut.documents, &self.submission.documents);
        assert!(read.len() <= before + 1, "{end}");
        assert!(read[..before] == original[..before], "{end}");
    }
}

#[test]
fn a_cut_at_any_byte_is_told_and_loses_nothing_before_it() {
    let files: Vec<_> = recorded(&["full-submission", "pds-nc", "header-only", "document-only"])
        .into_iter()
        .filter(|file| FILES.contains(&file.path.as_str()))
        .collect();
    assert!(files.is_empty() || files.len() == FILES.len());

    std::thread::scope(|threads| {
        for file in files {
            threads.spawn(move || {
                let whole = Whole::of(file.bytes);
                for end in 0..whole.bytes.len() {
                    whole.check_cut(end);
                }
            });
        }
    });
}
