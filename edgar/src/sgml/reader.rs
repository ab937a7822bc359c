//! The push parser: bytes of a submission in any pieces, documents out.
//!
//! [`Reader`] follows the frame of a submission line by line: envelope, header, the
//! tags of each document, its content. Elsewhere: what a header says (`header`),
//! where content ends (`closing`), what it is (`body`).
//!
//! Invariant: one pass, and no more kept than the header, the tags of one document
//! and the line at hand, each with a limit.

use memchr::memchr2;

use super::{
    Sink,
    closing::{Closing, End, Frame},
    damage::Fault,
    documents::HeadLine,
    header::Header,
    telling::{OpenDocument, Out},
};

/// Longest header kept. The longest known is 250 KB, of 399 filers.
pub const MAX_HEADER: usize = 16 * 1024 * 1024;
/// Longest line kept outside document contents.
const MAX_LINE: usize = 1024 * 1024;
/// Most documents read. The largest known number is in the thousands.
pub const MAX_DOCUMENTS: u32 = 100_000;

/// What encloses a submission, told by its first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Envelope {
    /// `<SEC-DOCUMENT>`: public files since 1995.
    Sec,
    /// `<IMS-DOCUMENT>`: public files of 1994 and early 1995.
    Ims,
    /// `-----BEGIN PRIVACY-ENHANCED MESSAGE-----` around one of these, until 2011.
    Pem,
    /// `<SUBMISSION>`: dissemination files, `.nc`.
    Submission,
    /// `<SEC-HEADER>` alone.
    Header,
    /// Header lines without anything around them.
    HeaderLines,
    /// `<DOCUMENT>` without a header.
    Documents,
}

/// What a reader has seen, told at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// What encloses the submission.
    pub envelope: Envelope,
    /// Whether the tag came that closes it: without it the bytes are cut short, or
    /// EDGAR was still writing them. For bare documents, whether the last is whole.
    pub complete: bool,
    /// How many documents were read; none is right for a filing on paper.
    pub documents: u32,
    /// Faults found.
    pub damage: u32,
    /// Bytes pushed.
    pub bytes: u64,
}

/// The bytes are no submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotASubmission {
    /// No bytes but blanks.
    #[error("empty, not a submission")]
    Empty,
    /// A page: sec.gov refuses, or is out of order.
    #[error("an HTML page, not a submission")]
    Html,
    /// Neither.
    #[error("no submission: it begins with none of its tags")]
    Other,
}

/// Reads one submission from bytes pushed in pieces of any size.
///
/// ```
/// use edgar::sgml::{DocumentHead, Reader, Sink};
///
/// #[derive(Default)]
/// struct Names(Vec<String>);
/// impl Sink for Names {
///     fn document(&mut self, head: &DocumentHead) {
///         self.0.push(head.filename.clone());
///     }
/// }
///
/// let mut reader = Reader::new(Names::default());
/// reader.push(b"<DOCUMENT>\n<TYPE>8-K\n<FILENAME>quay.htm\n<TEXT>\n<html>");
/// reader.push(b"</html>\n</TEXT>\n</DOCUMENT>\n");
/// let (names, outcome) = reader.finish()?;
///
/// assert_eq!(names.0, ["quay.htm"]);
/// assert!(outcome.complete);
/// # Ok::<(), edgar::sgml::NotASubmission>(())
/// ```
#[derive(Debug)]
pub struct Reader<S> {
    out: Out<S>,
    state: State,
    envelope: Option<Envelope>,
    closed: bool,
    /// Bytes taken so far.
    offset: u64,
    /// The start of a line whose end has not come; unused in contents.
    line: Vec<u8>,
    line_offset: u64,
    line_cut: bool,
    /// The last line ended with CR: an LF that follows belongs to it.
    after_cr: bool,
    /// Header bytes, until they are parsed.
    header: Option<Vec<u8>>,
    /// Whether the last line between documents was a stray one.
    stray: bool,
    /// The document at hand; before the first one, none of number zero.
    document: OpenDocument,
    closing: Closing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first line that is not blank.
    Start,
    /// In the key material of a PEM envelope.
    Prologue,
    Header,
    /// Between `<DOCUMENT>` and `<TEXT>`.
    Head,
    Body,
    /// After `</DOCUMENT>`.
    Between,
    /// After too many documents.
    Done,
    Foreign(NotASubmission),
}

impl<S: Sink> Reader<S> {
    /// A reader that tells `sink` what it finds.
    pub fn new(sink: S) -> Self {
        Self {
            out: Out::new(sink),
            state: State::Start,
            envelope: None,
            closed: false,
            offset: 0,
            line: Vec::new(),
            line_offset: 0,
            line_cut: false,
            after_cr: false,
            header: Some(Vec::new()),
            stray: false,
            document: OpenDocument::default(),
            closing: Closing::new(true),
        }
    }

    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let left = match self.state {
                State::Foreign(_) | State::Done => &[],
                State::Body => self.push_content(rest),
                _ => self.push_line(rest),
            };
            self.offset += (rest.len() - left.len()) as u64;
            rest = left;
        }
    }

    /// The bytes are over: gives the sink back.
    ///
    /// # Errors
    /// [`NotASubmission`] when the first line is none of a submission's; the sink has
    /// been told nothing then.
    pub fn finish(mut self) -> Result<(S, Outcome), NotASubmission> {
        self.finish_line();
        self.line_offset = self.offset;
        if self.state == State::Body {
            // What ends the content may be the `<DOCUMENT>` of one more.
            self.finish_content();
        }
        match self.state {
            State::Foreign(why) => return Err(why),
            State::Start => return Err(NotASubmission::Empty),
            State::Head => self.end_without_text(Fault::Truncated),
            _ => {}
        }
        self.tell_header();
        let outcome = self.outcome();
        if self.envelope_is_open() {
            self.out.damage(self.offset, Fault::Truncated);
        }
        let damage = self.out.damage;
        Ok((self.out.sink, Outcome { damage, ..outcome }))
    }

    /// Whether a closing tag should have come and has not.
    fn envelope_is_open(&self) -> bool {
        let fragment = [Some(Envelope::HeaderLines), Some(Envelope::Documents)];
        !self.closed && !fragment.contains(&self.envelope) && self.state != State::Done
    }

    fn outcome(&self) -> Outcome {
        let envelope = self.envelope.unwrap_or(Envelope::HeaderLines);
        let complete = match envelope {
            _ if self.state == State::Done => false,
            Envelope::Documents => self.document.is_whole(),
            _ => self.closed,
        };
        Outcome {
            envelope,
            complete,
            documents: self.document.ordinal(),
            damage: self.out.damage,
            bytes: self.offset,
        }
    }

    /// Takes one line, or a piece of one.
    fn push_line<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        if std::mem::take(&mut self.after_cr) && bytes[0] == b'\n' {
            return &bytes[1..];
        }
        if self.line.is_empty() {
            self.line_offset = self.offset;
        }
        let end = memchr2(b'\n', b'\r', bytes);
        self.keep(&bytes[..end.unwrap_or(bytes.len())]);
        let Some(end) = end else { return &[] };
        self.after_cr = bytes[end] == b'\r';
        self.finish_line();
        &bytes[end + 1..]
    }

    fn keep(&mut self, piece: &[u8]) {
        let room = MAX_LINE - self.line.len();
        self.line_cut |= piece.len() > room;
        self.line.extend_from_slice(&piece[..piece.len().min(room)]);
    }

    fn finish_line(&mut self) {
        let mut line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.line_cut) {
            self.out.damage(self.line_offset, Fault::LineTooLong);
        }
        self.take_line(&line);
        line.clear();
        self.line = line;
    }

    fn take_line(&mut self, line: &[u8]) {
        match self.state {
            State::Start => self.take_first_line(line),
            State::Prologue => self.take_prologue_line(line),
            State::Header => self.take_header_line(line),
            State::Head => self.take_head_line(line),
            State::Between => self.take_line_between(line),
            State::Body | State::Done | State::Foreign(_) => {}
        }
    }

    fn take_first_line(&mut self, line: &[u8]) {
        let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
        if line.trim_ascii().is_empty() {
            return;
        }
        match first_line(line) {
            Ok(envelope) => {
                self.envelope = Some(envelope);
                self.state = match envelope {
                    Envelope::Pem => return self.state = State::Prologue,
                    _ => State::Header,
                };
                self.take_header_line(line);
            }
            Err(why) => self.state = State::Foreign(why),
        }
    }

    fn take_prologue_line(&mut self, line: &[u8]) {
        if line.starts_with(b"<") || Frame::of(line, false) == Frame::SubmissionEnd {
            self.state = State::Header;
            self.take_header_line(line);
        }
    }

    fn take_header_line(&mut self, line: &[u8]) {
        if matches!(
            Frame::of(line, false),
            Frame::Document | Frame::SubmissionEnd
        ) {
            self.tell_header();
            return self.take_line_between(line);
        }
        if closes_header(line) {
            self.closed |= self.envelope == Some(Envelope::Header);
            self.tell_header();
            self.state = State::Between;
            return;
        }
        let Some(header) = &mut self.header else {
            return;
        };
        if header.len() + line.len() < MAX_HEADER {
            header.extend_from_slice(line);
            header.push(b'\n');
        } else {
            self.out.damage(self.line_offset, Fault::HeaderTooLong);
            self.tell_header();
        }
    }

    /// Parses the header and tells it, once.
    fn tell_header(&mut self) {
        if let Some(header) = self.header.take() {
            self.out.sink.header(Header::parse(&header));
        }
    }

    fn take_line_between(&mut self, line: &[u8]) {
        self.state = State::Between;
        let stray = match Frame::of(line, false) {
            Frame::Document => {
                self.begin_document();
                false
            }
            Frame::SubmissionEnd => {
                self.closed = true;
                false
            }
            Frame::Blank => return,
            _ if self.repeats_header(line) => return self.state = State::Header,
            _ => true,
        };
        if stray && !self.stray {
            self.out.damage(self.line_offset, Fault::StrayLine);
        }
        self.stray = stray;
    }

    /// Whether a second header begins. Files made anew in 1995 have two, the first
    /// with the later date; the second is dropped.
    fn repeats_header(&self, line: &[u8]) -> bool {
        self.document.ordinal() == 0 && !self.closed && first_line(line).is_ok()
    }

    fn begin_document(&mut self) {
        if self.document.ordinal() == MAX_DOCUMENTS {
            self.out.damage(self.line_offset, Fault::TooManyDocuments);
            self.state = State::Done;
            return;
        }
        self.document = OpenDocument::new(self.document.ordinal() + 1);
        self.state = State::Head;
    }

    fn take_head_line(&mut self, line: &[u8]) {
        match Frame::of(line, false) {
            Frame::Document | Frame::SubmissionEnd => {
                self.end_without_text(Fault::MissingText);
                return self.take_line_between(line);
            }
            _ => {}
        }
        match self.document.take_head(line) {
            HeadLine::Taken => {}
            HeadLine::TooLong => self.out.damage(self.line_offset, Fault::HeadTooLong),
            HeadLine::End => self.end_without_text(Fault::MissingText),
            HeadLine::Text { rest, upper } => self.begin_content(rest, upper),
        }
    }

    fn begin_content(&mut self, rest: &[u8], upper: bool) {
        self.state = State::Body;
        self.closing = Closing::new(upper);
        if !rest.trim_ascii().is_empty() {
            self.document.push(rest, &mut self.out);
            self.document.push(b"\n", &mut self.out);
        }
    }

    fn push_content<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        if std::mem::take(&mut self.after_cr) && bytes[0] == b'\n' {
            return &bytes[1..];
        }
        let (document, out) = (&mut self.document, &mut self.out);
        let (rest, end) = self
            .closing
            .push(bytes, &mut |bytes| document.push(bytes, out));
        if let Some(end) = end {
            let taken = bytes.len() - rest.len();
            self.after_cr = bytes[taken - 1] == b'\r';
            self.line_offset = self.offset + taken as u64;
            self.end_content(end);
        }
        rest
    }

    fn finish_content(&mut self) {
        let (document, out) = (&mut self.document, &mut self.out);
        let end = self.closing.finish(&mut |bytes| document.push(bytes, out));
        self.end_content(end);
    }

    fn end_content(&mut self, end: End) {
        self.state = State::Between;
        self.document
            .finish(self.line_offset, end.fault, &mut self.out);
        if let Some(line) = end.outside {
            self.take_line_between(&line);
        }
    }

    fn end_without_text(&mut self, fault: Fault) {
        self.state = State::Between;
        self.document
            .finish(self.line_offset, Some(fault), &mut self.out);
    }
}

/// What a submission can begin with.
fn first_line(line: &[u8]) -> Result<Envelope, NotASubmission> {
    let upper = line[..line.len().min(48)].to_ascii_uppercase();
    let beginnings: [(&[u8], Envelope); 9] = [
        (b"<SEC-DOCUMENT>", Envelope::Sec),
        (b"<IMS-DOCUMENT>", Envelope::Ims),
        (b"-----BEGIN PRIVACY-ENHANCED MESSAGE-----", Envelope::Pem),
        (b"<SUBMISSION>", Envelope::Submission),
        (b"<SEC-HEADER>", Envelope::Header),
        (b"<IMS-HEADER>", Envelope::Header),
        (b"<ACCEPTANCE-DATETIME>", Envelope::HeaderLines),
        (b"ACCESSION NUMBER:", Envelope::HeaderLines),
        (b"<DOCUMENT>", Envelope::Documents),
    ];
    let found = beginnings.iter().find(|(tag, _)| upper.starts_with(tag));
    if let Some((_, envelope)) = found
        && (*envelope != Envelope::Documents || Frame::of(line, false) == Frame::Document)
    {
        return Ok(*envelope);
    }
    let page: [&[u8]; 3] = [b"<!DOCTYPE", b"<HTML", b"<HEAD"];
    let html = page
        .iter()
        .any(|tag| upper.trim_ascii_start().starts_with(tag));
    Err(if html {
        NotASubmission::Html
    } else {
        NotASubmission::Other
    })
}

fn closes_header(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    let tags: [&[u8]; 2] = [b"</SEC-HEADER>", b"</IMS-HEADER>"];
    tags.iter().any(|tag| line.eq_ignore_ascii_case(tag))
}
