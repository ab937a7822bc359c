//! The content of one document: its wrapper is stripped, its uuencode decoded.
//!
//! Elsewhere: where content ends (`closing`), the decoding itself (`uuencode`).
//! Invariant: whatever the size of the content, only its first lines and its last
//! [`KEEP`] bytes are kept.

use super::{
    damage::Fault,
    documents::Wrapper,
    uuencode::{self, Decoder},
};

/// First lines kept until it is known what the content is; more is text.
const MAX_OPENING: usize = 16 * 1024;
/// Bytes at the end that may turn out to be a wrapper's closing tag and newlines.
const KEEP: usize = 64;
/// Encoded bytes decoded in one go. A hostile line of two gives 63, so the output of
/// one go stays under 512 KiB.
const DECODE_STEP: usize = 16 * 1024;

/// What the first lines say about the content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) wrapper: Option<Wrapper>,
    /// The name in the `begin` line, when the content is uuencoded.
    pub(super) begin_name: Option<Vec<u8>>,
}

/// Takes the content of a document.
pub(super) trait Decoded {
    /// Called once, before any bytes.
    fn open(&mut self, kind: Kind);
    /// Decoded bytes.
    fn bytes(&mut self, bytes: &[u8]);
}

/// The content of one document on its way.
#[derive(Debug, Default)]
pub(super) struct Body {
    wrapper: Option<Wrapper>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The first lines, not yet known for what they are.
    Opening(Vec<u8>),
    Text(Tail),
    Uuencode {
        decoder: Decoder,
        out: Vec<u8>,
    },
}

impl Default for State {
    fn default() -> Self {
        Self::Opening(Vec::new())
    }
}

impl Body {
    /// Takes the next bytes between `<TEXT>` and `</TEXT>`.
    pub(super) fn push(&mut self, bytes: &[u8], content: &mut impl Decoded) {
        match &mut self.state {
            State::Opening(lines) if lines.is_empty() => self.open(bytes, false, content),
            State::Opening(lines) => {
                lines.extend_from_slice(bytes);
                let lines = std::mem::take(lines);
                self.open(&lines, false, content);
            }
            State::Text(tail) => tail.push(bytes, content),
            State::Uuencode { decoder, out } => {
                for step in bytes.chunks(DECODE_STEP) {
                    decoder.push(step, out);
                    content.bytes(out);
                    out.clear();
                }
            }
        }
    }

    /// The content is over.
    pub(super) fn finish(mut self, content: &mut impl Decoded) -> Option<Fault> {
        if let State::Opening(lines) = &mut self.state {
            let lines = std::mem::take(lines);
            self.open(&lines, true, content);
        }
        match self.state {
            State::Opening(_) => None,
            State::Text(tail) => tail.finish(self.wrapper, content),
            State::Uuencode { decoder, mut out } => {
                let fault = decoder.finish(&mut out);
                content.bytes(&out);
                fault
            }
        }
    }

    /// Leaves the opening once its lines tell enough, or at once when `last`; until then keeps
    /// all that has come.
    fn open(&mut self, bytes: &[u8], last: bool, content: &mut impl Decoded) {
        let (lines, more) = bytes.split_at(bytes.len().min(MAX_OPENING));
        let Ok(opening) = Opening::of(lines, last || lines.len() == MAX_OPENING) else {
            self.state = State::Opening(bytes.to_vec());
            return;
        };
        self.wrapper = opening.kind.wrapper;
        self.state = match opening.kind.begin_name {
            Some(_) => State::Uuencode {
                decoder: Decoder::default(),
                out: Vec::new(),
            },
            None => State::Text(Tail::default()),
        };
        content.open(opening.kind);
        for part in [opening.blanks, opening.rest, more] {
            self.push(part, content);
        }
    }
}

/// The first lines, understood.
struct Opening<'a> {
    kind: Kind,
    /// Blank lines before a wrapper, which are content.
    blanks: &'a [u8],
    /// What is content after that.
    rest: &'a [u8],
}

/// More bytes may change the answer.
struct NotYet;

impl<'a> Opening<'a> {
    /// Understands the first lines; `last` says that no more will be seen.
    fn of(lines: &'a [u8], last: bool) -> Result<Self, NotYet> {
        let (mut blanks, mut rest) = (&[][..], lines);
        let mut kind = Kind::default();
        let start = first_line(lines, last)?;
        if let Some((wrapper, end)) = wrapper_tag(&lines[start..], last)? {
            kind.wrapper = Some(wrapper);
            (blanks, rest) = (&lines[..start], &lines[start + end..]);
        }
        let start = first_line(rest, last)?;
        if let Some((name, end)) = begin_line(&rest[start..], last)? {
            kind.begin_name = Some(name);
            (blanks, rest) = (&[], &rest[start + end..]);
        }
        Ok(Self { kind, blanks, rest })
    }
}

/// Where the first line that is not blank begins; the end when there is none.
fn first_line(lines: &[u8], last: bool) -> Result<usize, NotYet> {
    let visible = lines.iter().position(|byte| !byte.is_ascii_whitespace());
    let Some(visible) = visible else {
        return if last { Ok(lines.len()) } else { Err(NotYet) };
    };
    let newline = |byte: &u8| matches!(byte, b'\n' | b'\r');
    let before = lines[..visible].iter().rposition(newline);
    Ok(before.map_or(0, |at| at + 1))
}

/// The wrapper whose tag begins `line`, and where tag and newline end.
fn wrapper_tag(line: &[u8], last: bool) -> Result<Option<(Wrapper, usize)>, NotYet> {
    for wrapper in Wrapper::ALL {
        let tag = wrapper.opening();
        if line.len() < tag.len() && tag.starts_with(line) && !last {
            return Err(NotYet);
        }
        if let Some(after) = line.strip_prefix(tag) {
            let end = tag.len() + line_end(after, last)?;
            return Ok(Some((wrapper, end)));
        }
    }
    Ok(None)
}

/// The blanks and the newline `after` a tag; none if more is on the line.
fn line_end(after: &[u8], last: bool) -> Result<usize, NotYet> {
    let blanks = after.iter().take_while(|byte| matches!(byte, b' ' | b'\t'));
    let blanks = blanks.count();
    match after[blanks..] {
        [] | [b'\r'] if !last => Err(NotYet),
        [b'\r', b'\n', ..] => Ok(blanks + 2),
        [b'\r' | b'\n', ..] => Ok(blanks + 1),
        [] => Ok(blanks),
        _ => Ok(0),
    }
}

/// The name in a `begin` line, and where the line ends.
fn begin_line(line: &[u8], last: bool) -> Result<Option<(Vec<u8>, usize)>, NotYet> {
    const WORD: &[u8] = b"begin ";
    if !line.starts_with(&WORD[..line.len().min(WORD.len())]) {
        return Ok(None);
    }
    let newline = memchr::memchr2(b'\n', b'\r', line);
    let end = match newline {
        Some(at) => at,
        None if last => line.len(),
        None => return Err(NotYet),
    };
    let name = uuencode::begin_name(&line[..end]);
    Ok(name.map(|name| (name.to_vec(), end)))
}

/// Text with its last bytes held back: at the end they lose the newline before
/// `</TEXT>`, and the wrapper's closing tag with the newline before it.
#[derive(Debug, Default)]
struct Tail {
    kept: Vec<u8>,
}

impl Tail {
    fn push(&mut self, bytes: &[u8], content: &mut impl Decoded) {
        if bytes.len() >= KEEP {
            content.bytes(&self.kept);
            let (ready, kept) = bytes.split_at(bytes.len() - KEEP);
            content.bytes(ready);
            self.kept.clear();
            self.kept.extend_from_slice(kept);
            return;
        }
        self.kept.extend_from_slice(bytes);
        if self.kept.len() >= 8 * KEEP {
            let ready = self.kept.len() - KEEP;
            content.bytes(&self.kept[..ready]);
            self.kept.drain(..ready);
        }
    }

    fn finish(self, wrapper: Option<Wrapper>, content: &mut impl Decoded) -> Option<Fault> {
        // What is kept beyond that depends on the pieces the bytes came in.
        let (ready, kept) = self.kept.split_at(self.kept.len().saturating_sub(KEEP));
        content.bytes(ready);
        let text = without_newline(kept);
        let Some(wrapper) = wrapper else {
            content.bytes(text);
            return None;
        };
        match text.trim_ascii_end().strip_suffix(wrapper.closing()) {
            Some(inner) => {
                content.bytes(without_newline(inner));
                None
            }
            None => {
                content.bytes(text);
                Some(Fault::WrapperUnclosed)
            }
        }
    }
}

fn without_newline(text: &[u8]) -> &[u8] {
    match text {
        [text @ .., b'\r', b'\n'] | [text @ .., b'\n' | b'\r'] => text,
        text => text,
    }
}
