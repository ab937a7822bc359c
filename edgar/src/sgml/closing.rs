//! Where the content of a document ends.
//!
//! Exhibits quote tags, so a tag alone ends nothing. Content ends at a line that is
//! exactly `</TEXT>` and is followed, blank lines aside, by `</DOCUMENT>`. In damaged
//! files it ends at one of the two when what follows can only stand outside a
//! document. Everything else is content.
//!
//! Invariant: every byte pushed is passed on as content, in order, or belongs to the
//! tags that end it; no more than [`MAX_HELD`] bytes are ever kept.

use std::sync::LazyLock;

use memchr::{
    arch::all::packedpair::HeuristicFrequencyRank,
    memchr, memchr2,
    memmem::{Finder, FinderBuilder},
};

use super::damage::Fault;

/// The tags that may end content.
const CLOSING_TAGS: [&[u8]; 2] = [b"</TEXT>", b"</DOCUMENT>"];
/// Longest line that can be one of the tags, blanks at its end included.
const MAX_TAG_LINE: usize = 128;
/// Bytes looked at together: few enough to be near when they are copied, and because what
/// follows a line that is no tag after all is looked at again.
const WINDOW: usize = 8 * 1024;
/// Bytes of a tag and blank lines after it that are held until it is decided.
const MAX_HELD: usize = 64 * 1024;

/// A line by its part in the frame of a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frame {
    /// Nothing but blanks.
    Blank,
    /// `<DOCUMENT>`.
    Document,
    /// `</TEXT>`.
    TextEnd,
    /// `</DOCUMENT>`.
    DocumentEnd,
    /// The tag that closes an envelope.
    SubmissionEnd,
    /// Anything else.
    Other,
}

impl Frame {
    /// What `line` is; `upper` wants the tags in upper case, as EDGAR writes them.
    pub(super) fn of(line: &[u8], upper: bool) -> Self {
        const TAGS: [(&[u8], Frame); 7] = [
            (b"<DOCUMENT>", Frame::Document),
            (b"</TEXT>", Frame::TextEnd),
            (b"</DOCUMENT>", Frame::DocumentEnd),
            (b"</SEC-DOCUMENT>", Frame::SubmissionEnd),
            (b"</IMS-DOCUMENT>", Frame::SubmissionEnd),
            (b"</SUBMISSION>", Frame::SubmissionEnd),
            (PEM_END, Frame::SubmissionEnd),
        ];
        let line = line.trim_ascii_end();
        if line.is_empty() {
            return Self::Blank;
        }
        let same = |tag: &[u8]| line == tag || (!upper && line.eq_ignore_ascii_case(tag));
        TAGS.iter()
            .find(|(tag, _)| same(tag))
            .map_or(Self::Other, |(_, frame)| *frame)
    }

    fn is_outside(self) -> bool {
        matches!(self, Self::Document | Self::SubmissionEnd)
    }
}

/// The last line of a PEM envelope.
const PEM_END: &[u8] = b"-----END PRIVACY-ENHANCED MESSAGE-----";

/// How content ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct End {
    /// What was wrong with it.
    pub(super) fault: Option<Fault>,
    /// A line that was read to decide and stands outside the document.
    pub(super) outside: Option<Vec<u8>>,
}

/// Looks for the end of one document's content.
#[derive(Debug)]
pub(super) struct Closing {
    upper: bool,
    at_line_start: bool,
    /// A line that may be a tag, as far as it has come.
    line: Vec<u8>,
    /// Whether `line` is being collected.
    collecting: bool,
    /// A tag that may end the content, and the blank lines after it.
    held: Vec<u8>,
    candidate: Option<Frame>,
}

impl Closing {
    /// Content begins, at the start of a line. `upper`: its tags are in upper case.
    pub(super) fn new(upper: bool) -> Self {
        Self {
            upper,
            at_line_start: true,
            line: Vec::new(),
            collecting: false,
            held: Vec::new(),
            candidate: None,
        }
    }

    /// Takes from `bytes`, gives content to `pass`, and returns what it has not taken.
    pub(super) fn push<'a>(
        &mut self,
        bytes: &'a [u8],
        pass: &mut impl FnMut(&[u8]),
    ) -> (&'a [u8], Option<End>) {
        if self.collecting {
            self.collect(bytes, pass)
        } else {
            (self.pass_lines(bytes, pass), None)
        }
    }

    /// The bytes of the submission are over.
    pub(super) fn finish(&mut self, pass: &mut impl FnMut(&[u8])) -> End {
        if let Some(end) = self.collecting.then(|| self.end_of_line(pass)).flatten() {
            return end;
        }
        pass(&std::mem::take(&mut self.line));
        let fault = match self.candidate {
            Some(Frame::TextEnd) => Fault::MissingDocumentEnd,
            Some(_) => Fault::MissingTextEnd,
            None => Fault::Truncated,
        };
        End {
            fault: Some(fault),
            outside: None,
        }
    }

    /// Passes whole slices of content up to a line that may be a tag.
    fn pass_lines<'a>(&mut self, bytes: &'a [u8], pass: &mut impl FnMut(&[u8])) -> &'a [u8] {
        if bytes.is_empty() {
            return bytes;
        }
        let window = &bytes[..bytes.len().min(WINDOW)];
        let at = match self.at_line_start && may_close(window) {
            true => 0,
            false => closing_line(window),
        };
        pass(&bytes[..at]);
        self.collecting = at < window.len();
        self.at_line_start = self.collecting || matches!(bytes[at - 1], b'\n' | b'\r');
        &bytes[at..]
    }

    /// Collects one line and decides on it once it is whole.
    fn collect<'a>(
        &mut self,
        bytes: &'a [u8],
        pass: &mut impl FnMut(&[u8]),
    ) -> (&'a [u8], Option<End>) {
        let end = memchr2(b'\n', b'\r', bytes);
        let taken = end.map_or(bytes.len(), |end| end + 1);
        let room = MAX_TAG_LINE.saturating_sub(self.line.len());
        if taken > room {
            self.give_up(pass);
            return (bytes, None);
        }
        self.line.extend_from_slice(&bytes[..taken]);
        let decided = end.and_then(|_| self.end_of_line(pass));
        (&bytes[taken..], decided)
    }

    /// The collected line is longer than any tag: it and what is held is content.
    fn give_up(&mut self, pass: &mut impl FnMut(&[u8])) {
        self.release(pass);
        pass(&self.line);
        self.at_line_start = false;
        self.line.clear();
        self.collecting = false;
    }

    fn end_of_line(&mut self, pass: &mut impl FnMut(&[u8])) -> Option<End> {
        let frame = Frame::of(&self.line, self.upper);
        let end = |fault, outside| Some(End { fault, outside });
        match (self.candidate, frame) {
            (Some(Frame::TextEnd), Frame::DocumentEnd) => return end(None, None),
            (Some(candidate), frame) if frame.is_outside() => {
                let fault = match candidate {
                    Frame::TextEnd => Fault::MissingDocumentEnd,
                    _ => Fault::MissingTextEnd,
                };
                return end(Some(fault), Some(std::mem::take(&mut self.line)));
            }
            (Some(_), Frame::Blank) if self.held.len() < MAX_HELD => self.hold(),
            (_, Frame::TextEnd | Frame::DocumentEnd) => {
                self.release(pass);
                self.candidate = Some(frame);
                self.hold();
            }
            _ => {
                self.release(pass);
                pass(&self.line);
                self.line.clear();
                self.at_line_start = true;
                self.collecting = false;
            }
        }
        None
    }

    fn hold(&mut self) {
        self.held.append(&mut self.line);
        self.collecting = true;
    }

    fn release(&mut self, pass: &mut impl FnMut(&[u8])) {
        pass(&self.held);
        self.held.clear();
        self.candidate = None;
    }
}

/// Finds the closing tags that begin a line. Newlines stand before few of the closing tags of a
/// page, so a newline and the slash are looked for, not the bracket before it.
static CLOSING_TAG: LazyLock<[Finder<'static>; 2]> = LazyLock::new(|| {
    let finder = |needle| FinderBuilder::new().build_forward_with_ranker(BracketsAreMany, needle);
    [b"\n</", b"\r</"].map(finder)
});

/// How often bytes occur where a closing tag is looked for.
struct BracketsAreMany;

impl HeuristicFrequencyRank for BracketsAreMany {
    fn rank(&self, byte: u8) -> u8 {
        if byte == b'<' { u8::MAX } else { 0 }
    }
}

/// Where a line begins, other than the first, that may be `</TEXT>` or `</DOCUMENT>`; the
/// end of `bytes` when there is none.
///
/// Few lines begin with a closing tag: looking for those is much faster than going from
/// line to line.
fn closing_line(bytes: &[u8]) -> usize {
    let [after_lf, after_cr] = &*CLOSING_TAG;
    let after = |newline: &Finder<'_>, bytes: &[u8]| {
        let mut lines = newline.find_iter(bytes).map(|at| at + 1);
        lines.find(|at| may_close(&bytes[*at..]))
    };
    // The tag may be cut after its first byte.
    let cut = match bytes {
        [.., b'\n' | b'\r', b'<'] => bytes.len() - 1,
        _ => bytes.len(),
    };
    let found = after(after_lf, bytes).unwrap_or(cut);
    // A tag that is found may be what comes after the other newline.
    let before = &bytes[..bytes.len().min(found + 3)];
    match memchr(b'\r', before) {
        Some(_) => after(after_cr, before).unwrap_or(found),
        None => found,
    }
}

/// Whether a line that begins so may be `</TEXT>` or `</DOCUMENT>`.
fn may_close(line: &[u8]) -> bool {
    CLOSING_TAGS.iter().any(|tag| {
        let known = line.len().min(tag.len());
        tag[..known].eq_ignore_ascii_case(&line[..known])
    })
}
