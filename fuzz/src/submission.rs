//! What holds of every submission, whatever its bytes.

use std::{borrow::Cow, collections::HashSet};

use edgar::sgml::{
    Content, Damage, DocumentEnd, DocumentHead, Envelope, Header, NotASubmission, Outcome, Reader,
    Sink, Submission,
};

/// Most faults told, as [`Sink::damage`] promises.
const MAX_TOLD: usize = 1_000;
/// A hostile line of two bytes of uuencode gives 63.
const MAX_GROWTH: usize = 32;

/// Reads `bytes` whole and in pieces, checks everything that must hold of both, and
/// returns what was read.
///
/// # Errors
/// As [`edgar::sgml::read`].
pub fn checked(bytes: &[u8]) -> Result<Submission<'_>, NotASubmission> {
    let whole = edgar::sgml::read(bytes);
    assert_eq!(in_pieces(bytes), whole);
    if let Ok(submission) = &whole {
        check_outcome(submission, bytes);
        check_documents(&submission.documents, bytes.len());
    }
    whole
}

/// Reads `bytes` in pieces of 1 to 16 bytes, each as long as its first byte says.
fn in_pieces(bytes: &[u8]) -> Result<Submission<'static>, NotASubmission> {
    let mut reader = Reader::new(Told::default());
    let mut rest = bytes;
    while let Some(&first) = rest.first() {
        let size = rest.len().min(usize::from(first % 16) + 1);
        reader.push(&rest[..size]);
        rest = &rest[size..];
    }
    let (told, outcome) = reader.finish()?;
    Ok(told.submission(outcome))
}

fn check_outcome(submission: &Submission<'_>, bytes: &[u8]) {
    let Submission {
        documents,
        damage,
        outcome,
        ..
    } = submission;
    assert_eq!(outcome.bytes, bytes.len() as u64);
    assert_eq!(outcome.documents as usize, documents.len());
    assert_eq!(damage.len(), MAX_TOLD.min(outcome.damage as usize));
    for Damage { offset, what } in damage {
        assert!(*offset <= outcome.bytes, "{what} beyond the end");
    }
    // Header lines alone have no closing tag that could be missing.
    let may_be_open = outcome.envelope == Envelope::HeaderLines;
    assert!(
        outcome.complete || outcome.damage > 0 || may_be_open,
        "cut short and not told"
    );
}

fn check_documents(documents: &[Content<'_>], available: usize) {
    let mut names = HashSet::new();
    for (place, Content { head, .. }) in documents.iter().enumerate() {
        assert_eq!(head.ordinal as usize, place + 1);
        check_name(&head.filename);
        let new = names.insert(head.filename.to_ascii_lowercase());
        assert!(new, "`{}` is given twice", head.filename);
    }
    let size = |uuencoded: bool| -> usize {
        let of_kind = documents.iter().filter(|d| d.head.uuencoded == uuencoded);
        of_kind.map(|document| document.bytes.len()).sum()
    };
    assert!(size(false) <= available, "text appeared from nowhere");
    assert!(size(true) <= available * MAX_GROWTH);
}

fn check_name(name: &str) {
    assert!((1..=100).contains(&name.len()), "`{name}` is too long");
    let plain = |byte: u8| (b' '..=b'~').contains(&byte) && !b"/\\:".contains(&byte);
    assert!(name.bytes().all(plain), "`{name}` is not plain");
    assert!(
        name != "." && !name.starts_with(".."),
        "`{name}` is a folder"
    );
}

/// Keeps what it is told, and insists on the order that [`Sink`] promises.
#[derive(Debug, Default)]
struct Told {
    header: Option<Header>,
    documents: Vec<Content<'static>>,
    damage: Vec<Damage>,
    /// Whether a document has begun and not ended.
    open: bool,
}

impl Sink for Told {
    fn header(&mut self, header: Header) {
        assert!(self.documents.is_empty(), "the header comes first");
        let earlier = self.header.replace(header);
        assert!(earlier.is_none(), "the header comes once");
    }

    fn document(&mut self, head: &DocumentHead) {
        assert!(!self.open, "a document inside another");
        assert!(self.header.is_some(), "the header comes first");
        self.open = true;
        self.documents.push(Content {
            head: head.clone(),
            bytes: Cow::default(),
        });
    }

    fn body(&mut self, bytes: &[u8]) {
        assert!(self.open && !bytes.is_empty());
        let document = self.documents.last_mut().expect("one is open");
        document.bytes.to_mut().extend_from_slice(bytes);
    }

    fn end_document(&mut self, end: &DocumentEnd) {
        assert!(std::mem::take(&mut self.open), "ended before it began");
        let document = self.documents.last().expect("one was open");
        assert_eq!(end.ordinal, document.head.ordinal);
        assert_eq!(end.size_bytes, document.bytes.len() as u64);
    }

    fn damage(&mut self, damage: Damage) {
        self.damage.push(damage);
    }
}

impl Told {
    fn submission(self, outcome: Outcome) -> Submission<'static> {
        assert!(!self.open, "the last document has no end");
        Submission {
            header: self.header.expect("the header is told, empty or not"),
            documents: self.documents,
            damage: self.damage,
            outcome,
        }
    }
}
