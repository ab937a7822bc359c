//! The tar object of a submission: its header as JSON, then its documents.
//!
//! The first member is `metadata.json`: the standardised header and, for each document, where
//! its bytes lie in the object. So one short read of the beginning and one range give any
//! document without the rest ([`Contents`]). The others are the decoded documents in order,
//! each compressed by itself; [`Layout`] says what stands between them.
//!
//! Elsewhere: compressing and writing (`filingwire::objects`), the header (`sgml`), the JSON
//! (`metadata`). Invariant: the same documents give the same bytes; no clock, user or order of
//! arrival is in them.
//!
//! ```
//! use edgar::{sgml, tar::{Contents, Layout, Member}};
//!
//! let submission = sgml::read(b"<DOCUMENT>\n<TYPE>8-K\n<SEQUENCE>1\n<FILENAME>quay.htm\n<TEXT>\n\
//! <html></html>\n</TEXT>\n</DOCUMENT>\n").unwrap();
//! let document = &submission.documents[0];
//! let stored = &*document.bytes; // As it is here; compressed in the archive.
//! let member = Member { head: document.head.clone(), stored_bytes: stored.len() as u64 };
//! let layout = Layout::new(&submission.header, &[member])?;
//!
//! let mut object = layout.beginning();
//! object.extend(layout.before(0));
//! object.extend(stored);
//! object.extend(layout.after(0));
//! object.extend(layout.end());
//!
//! let contents = Contents::parse(&object[..1024]).unwrap();
//! let entry = &contents.documents[0];
//! assert_eq!(entry.filename, "quay.htm");
//! assert_eq!(&object[entry.start as usize..entry.end as usize], b"<html></html>");
//! # Ok::<(), edgar::tar::TooLarge>(())
//! ```
//!
//! Source: datamule's tar archive, second version (POSIX ustar, mode 0644, no owner, no time);
//! its client computes the ranges anew from `metadata.json`, which therefore is written as
//! Python's `json.dumps` would.

mod contents;
mod metadata;

#[cfg(test)]
mod tests;

pub use contents::{Contents, ContentsError, Entry};

use self::{contents::MAX_METADATA, metadata::Row};
use crate::sgml::{DocumentHead, Header};

/// What members begin at multiples of.
const BLOCK: usize = 512;
/// Two empty blocks.
const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];
/// The longest name that a tar header has room for.
const MAX_NAME: usize = 100;
/// The largest length that a tar header can say in eleven octal digits.
const MAX_MEMBER: u64 = 0o777_7777_7777;
/// The largest offset that the ten digits of a range can say.
const MAX_OBJECT: u64 = 9_999_999_999;

/// The first member's name; no document has it.
pub const METADATA: &str = "metadata.json";

/// One document of a tar object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// What it is.
    pub head: DocumentHead,
    /// Its length as stored, compressed or not.
    pub stored_bytes: u64,
}

/// More bytes than the format can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the documents, or the name of one, are too long for a tar object")]
pub struct TooLarge;

/// What stands before, between and after the documents of a tar object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    metadata: Vec<u8>,
    places: Vec<Place>,
    bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    name: String,
    start: u64,
    end: u64,
}

impl Layout {
    /// The layout of these documents, in this order.
    ///
    /// # Errors
    /// [`TooLarge`] beyond 8 GiB for one document, 10 GB for all, 64 MiB for what is said of
    /// them or 100 bytes for a name.
    pub fn new(header: &Header, members: &[Member]) -> Result<Self, TooLarge> {
        let mut rows: Vec<Row> = members.iter().map(Row::of).collect();
        // The ranges have a fixed width: the length is the same before they are known.
        let length = metadata::json(header, &rows).len();
        if length as u64 > MAX_METADATA {
            return Err(TooLarge);
        }
        let mut at = after_member(BLOCK as u64, length as u64);
        let mut places = Vec::with_capacity(members.len());
        for (row, member) in rows.iter_mut().zip(members) {
            let start = at + BLOCK as u64;
            let end = start + member.stored_bytes;
            let name = member.head.filename.clone();
            if member.stored_bytes > MAX_MEMBER || end > MAX_OBJECT || name.len() > MAX_NAME {
                return Err(TooLarge);
            }
            row.place(start, end);
            places.push(Place { name, start, end });
            at = after_member(start, member.stored_bytes);
        }
        Ok(Self {
            metadata: metadata::json(header, &rows),
            places,
            bytes: at + END.len() as u64,
        })
    }

    /// What comes first: `metadata.json`.
    pub fn beginning(&self) -> Vec<u8> {
        let length = self.metadata.len();
        let mut bytes = Vec::with_capacity(2 * BLOCK + length);
        bytes.extend(member_header(METADATA, length as u64));
        bytes.extend(&self.metadata);
        bytes.extend(padding(length as u64));
        bytes
    }

    /// What comes before the document of this place, counted from 0.
    ///
    /// # Panics
    /// When there is no such document.
    pub fn before(&self, place: usize) -> [u8; BLOCK] {
        let Place { name, start, end } = &self.places[place];
        member_header(name, end - start)
    }

    /// What comes after the document of this place, counted from 0.
    ///
    /// # Panics
    /// When there is no such document.
    pub fn after(&self, place: usize) -> &'static [u8] {
        let Place { start, end, .. } = &self.places[place];
        padding(end - start)
    }

    /// What comes last.
    pub fn end(&self) -> &'static [u8] {
        &END
    }

    /// The length of the whole object.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// Where the next header begins.
fn after_member(start: u64, length: u64) -> u64 {
    (start + length).next_multiple_of(BLOCK as u64)
}

fn padding(length: u64) -> &'static [u8] {
    let beyond = (length % BLOCK as u64) as usize;
    &END[..(BLOCK - beyond) % BLOCK]
}

/// A header as POSIX.1-1988 (ustar) has it.
fn member_header(name: &str, length: u64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mut set = |at: usize, text: &[u8]| block[at..at + text.len()].copy_from_slice(text);
    set(0, name.as_bytes());
    set(100, b"0000644\0");
    set(108, b"0000000\0");
    set(116, b"0000000\0");
    set(124, format!("{length:011o}\0").as_bytes());
    set(136, b"00000000000\0");
    set(148, b"        ");
    set(156, b"0");
    set(257, b"ustar\x0000");
    set(329, b"0000000\0");
    set(337, b"0000000\0");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}
