//! The Atom envelope of the feed, read by `feed-rs` behind a gate.
//!
//! The gate lets through only what has the shape of EDGAR's page, as UTF-8 without
//! declaration. `feed-rs` also reads RSS, JSON and media extensions, some of which panic
//! on odd numbers; the XML reader below it panics on a second declaration, and
//! attributes or name spaces without end make it slow.
//!
//! One broken entry would fail the whole page and blind us for as long as it is listed:
//! then each entry is read by itself.

use feed_rs::{
    model::{self, Feed, FeedType},
    parser::{self, ParseErrorKind, ParseFeedError},
};
use protocol::time::Timestamp;

use crate::{
    error::AtomError,
    text::{excerpt, excerpt_of_bytes, latin1},
};

/// The feed before its texts are understood.
pub(super) struct Envelope {
    pub(super) updated: Option<Timestamp>,
    pub(super) entries: Vec<model::Entry>,
    /// How entries begin that are not XML.
    pub(super) malformed: Vec<String>,
}

/// More than any page has: a hundred entries are about 56 kB.
const MAX_BYTES: usize = 4 << 20;
/// More than the largest page asked for has. Beyond it a broken page stays broken.
const MAX_ENTRIES_ONE_BY_ONE: usize = 500;
/// More than lies before the first entry, about 600 bytes.
const MAX_HEAD: usize = 16 << 10;
/// More than any tag with the text behind it has, about 1 kB: the XML reader compares
/// each attribute of a tag with each other.
const MAX_TAG: usize = 8 << 10;
/// EDGAR's page declares one.
const MAX_NAME_SPACES: usize = 16;

const ENTRY_START: &str = "<entry";
const ENTRY_END: &str = "</entry>";
const FEED_END: &str = "</feed>";
const DECLARATION: &str = "<?xml";

/// Reads a page, entry by entry when it does not go as a whole.
pub(super) fn read(bytes: &[u8]) -> Result<Envelope, AtomError> {
    if bytes.len() > MAX_BYTES {
        let bytes = bytes.len();
        return Err(AtomError::TooLarge { bytes });
    }
    let Some(page) = decoded(bytes).filter(|page| is_feed(page)) else {
        let begins = excerpt_of_bytes(bytes);
        return Err(AtomError::NotAFeed { begins });
    };
    let page = page.trim_ascii();
    match read_feed(page) {
        Ok(feed) => Ok(Envelope {
            updated: feed.updated.and_then(|t| timestamp(t.timestamp())),
            entries: feed.entries,
            malformed: Vec::new(),
        }),
        Err(error) if page.ends_with(FEED_END) => {
            read_one_by_one(page).ok_or(AtomError::Damaged(error))
        }
        Err(error) => Err(AtomError::Damaged(error)),
    }
}

/// Seconds since 1970 as a time, `None` beyond the calendar.
pub(super) fn timestamp(seconds: i64) -> Option<Timestamp> {
    Timestamp::from_second(seconds).ok()
}

/// The page behind its XML declaration, in the encoding that this names.
fn decoded(bytes: &[u8]) -> Option<String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let bytes = bytes.trim_ascii_start();
    if !bytes.starts_with(DECLARATION.as_bytes()) {
        return Some(String::from_utf8_lossy(bytes).into_owned());
    }
    let end = memchr::memmem::find(bytes, b"?>")?;
    let (declaration, rest) = (latin1(&bytes[..end]), &bytes[end + 2..]);
    match encoding(&declaration).as_str() {
        "ISO-8859-1" | "WINDOWS-1252" => Some(latin1(rest)),
        "UTF-8" | "US-ASCII" | "" => Some(String::from_utf8_lossy(rest).into_owned()),
        _ => None,
    }
}

fn encoding(declaration: &str) -> String {
    let (_, label) = declaration.split_once("encoding").unwrap_or_default();
    let label = label.split(['"', '\'']).nth(1).unwrap_or_default();
    label.to_ascii_uppercase()
}

/// Whether the first element is `<feed>`, behind nothing but comments.
fn is_feed(page: &str) -> bool {
    let mut rest = page.trim_ascii_start();
    while let Some(comment) = rest.strip_prefix("<!--") {
        let (_, behind) = comment.split_once("-->").unwrap_or_default();
        rest = behind.trim_ascii_start();
    }
    rest.strip_prefix("<feed")
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_whitespace() || c == '>'))
}

fn read_feed(page: &str) -> Result<Feed, ParseFeedError> {
    let refused = || ParseFeedError::ParseError(ParseErrorKind::NoFeedRoot);
    let has_tame_tags = page.split('<').all(|tag| tag.len() <= MAX_TAG);
    if page.contains(DECLARATION) || !has_tame_tags || !has_tame_name_spaces(page) {
        return Err(refused());
    }
    let feed = parser::parse(page.as_bytes())?;
    match feed.feed_type {
        FeedType::Atom => Ok(feed),
        _ => Err(refused()),
    }
}

/// Few, and not that of media extensions, nor spelled so that it could be.
fn has_tame_name_spaces(page: &str) -> bool {
    let is_tame = |(at, _)| {
        let (tag, _) = page[at..].split_once('>').unwrap_or((&page[at..], ""));
        !tag.contains("mrss") && !tag.contains('&')
    };
    let declared = || page.match_indices("xmlns").take(MAX_NAME_SPACES + 1);
    declared().count() <= MAX_NAME_SPACES && declared().all(is_tame)
}

/// Reads what lies before the entries, then each entry in that frame.
///
/// `None` if not one can be read, or the frame cannot.
fn read_one_by_one(page: &str) -> Option<Envelope> {
    let (head, body) = page.split_at(page.find(ENTRY_START)?);
    if head.len() > MAX_HEAD {
        return None;
    }
    let frame = read_feed(&[head, FEED_END].concat()).ok()?;
    let mut envelope = Envelope {
        updated: frame.updated.and_then(|t| timestamp(t.timestamp())),
        entries: Vec::new(),
        malformed: Vec::new(),
    };
    for piece in pieces(body)? {
        match read_feed(&[head, piece, FEED_END].concat()) {
            Ok(feed) => envelope.entries.extend(feed.entries),
            Err(_) => envelope.malformed.push(excerpt(piece)),
        }
    }
    (!envelope.entries.is_empty()).then_some(envelope)
}

/// The entries in `body`, each cut before the next one's start; `None` if too many.
fn pieces(body: &str) -> Option<Vec<&str>> {
    let mut starts: Vec<usize> = body.match_indices(ENTRY_START).map(|(at, _)| at).collect();
    if starts.len() > MAX_ENTRIES_ONE_BY_ONE {
        return None;
    }
    starts.push(body.len());
    let piece = |ends: &[usize]| whole_entry(&body[ends[0]..ends[1]]);
    let pieces = starts.windows(2).map(piece);
    Some(pieces.collect())
}

fn whole_entry(piece: &str) -> &str {
    let end = piece.rfind(ENTRY_END).map(|end| end + ENTRY_END.len());
    &piece[..end.unwrap_or(piece.len())]
}
