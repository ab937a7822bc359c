//! What a tar object holds and where, told by its beginning.
//!
//! Invariant: whatever the bytes, no more memory than a small multiple of them.

use serde::Deserialize;

use super::{BLOCK, METADATA};

/// Longest `metadata.json` read; that of 100,000 documents has some 20 MB.
pub(super) const MAX_METADATA: u64 = 64 * 1024 * 1024;

/// The documents of a tar object.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Contents {
    /// In the order of the submission.
    pub documents: Vec<Entry>,
}

/// A document of a tar object, and where its stored bytes are.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Raw")]
pub struct Entry {
    /// Its name, which is the member's.
    pub filename: String,
    /// Its document type.
    pub document_type: String,
    /// What the filer calls it.
    pub description: Option<String>,
    /// The first byte, counted from the beginning of the object.
    pub start: u64,
    /// The byte after the last.
    pub end: u64,
}

/// Why the beginning of an object does not tell its documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContentsError {
    /// Ask again with this many bytes of the beginning.
    #[error("the first {0} bytes are needed")]
    NeedMore(u64),
    /// The object is no tar object of ours.
    #[error("not a tar object: it does not begin with metadata.json and its byte ranges")]
    NotATarObject,
}

impl Contents {
    /// Reads the beginning of an object; 128 KiB are enough for nearly all.
    ///
    /// # Errors
    /// [`ContentsError`].
    pub fn parse(beginning: &[u8]) -> Result<Self, ContentsError> {
        let Some((header, rest)) = beginning.split_at_checked(BLOCK) else {
            return Err(ContentsError::NeedMore(BLOCK as u64));
        };
        let length = metadata_length(header).ok_or(ContentsError::NotATarObject)?;
        let metadata = rest
            .get(..length as usize)
            .ok_or(ContentsError::NeedMore(BLOCK as u64 + length))?;
        serde_json::from_slice(metadata).map_err(|_| ContentsError::NotATarObject)
    }
}

fn metadata_length(header: &[u8]) -> Option<u64> {
    let name = header[..100].split(|byte| *byte == 0).next()?;
    let digits = header[124..136]
        .split(|byte| *byte == 0 || *byte == b' ')
        .next()?;
    let length = u64::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok()?;
    (name == METADATA.as_bytes() && length <= MAX_METADATA).then_some(length)
}

/// A document as written.
#[derive(Deserialize)]
struct Raw {
    #[serde(rename = "type", default)]
    document_type: String,
    filename: String,
    description: Option<String>,
    secsgml_start_byte: String,
    secsgml_end_byte: String,
}

impl TryFrom<Raw> for Entry {
    type Error = &'static str;

    fn try_from(raw: Raw) -> Result<Self, Self::Error> {
        let offset = |digits: &str| digits.parse::<u64>().map_err(|_| "an offset is no number");
        let (start, end) = (
            offset(&raw.secsgml_start_byte)?,
            offset(&raw.secsgml_end_byte)?,
        );
        if start > end {
            return Err("a range ends before it begins");
        }
        Ok(Self {
            filename: raw.filename,
            document_type: raw.document_type,
            description: raw.description,
            start,
            end,
        })
    }
}
