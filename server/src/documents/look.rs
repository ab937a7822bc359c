//! What must be known of a document before its first byte is sent.
//!
//! It is found out by reading the document once. Objects never change, so it is remembered.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use archive::{bucket::Bucket, key::Key};
use edgar::media;
use sha2::{Digest, Sha256};

use super::{Found, Lacking, Pieces, damaged};

/// Most documents remembered, less than a megabyte.
const MOST: usize = 4096;

/// What a document is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Look {
    /// Its length, decoded.
    pub(crate) bytes: u64,
    /// SHA-256 of the decoded bytes, 64 hexadecimal digits.
    pub(crate) sha256: String,
    /// What it is, by its content.
    pub(crate) media: &'static str,
    /// Whether all of it is UTF-8.
    pub(crate) is_utf8: bool,
}

impl Look {
    /// Reads a document once.
    ///
    /// # Errors
    /// [`Lacking`] when it cannot be read to its end.
    pub(super) async fn at(bucket: &dyn Bucket, found: &Found) -> Result<Self, Lacking> {
        let mut pieces = Pieces::open(bucket, found).await?;
        let mut beginning = Vec::with_capacity(media::LOOKED_AT);
        let (mut sha256, mut utf8) = (Sha256::new(), Utf8::default());
        while let Some(piece) = next(&mut pieces, &found.key).await? {
            let room = media::LOOKED_AT - beginning.len();
            beginning.extend(&piece[..piece.len().min(room)]);
            sha256.update(&piece);
            utf8.push(&piece);
        }
        Ok(Self {
            bytes: pieces.bytes(),
            sha256: hex::encode(sha256.finalize()),
            media: media::of(&beginning),
            is_utf8: utf8.is_whole(),
        })
    }
}

async fn next(pieces: &mut Pieces, key: &Key) -> Result<Option<bytes::Bytes>, Lacking> {
    pieces.next().await.map_err(|error| damaged(key, error))
}

/// Whether bytes that come in pieces are UTF-8.
#[derive(Default)]
struct Utf8 {
    is_broken: bool,
    /// A character that the next piece completes.
    begun: Vec<u8>,
}

impl Utf8 {
    fn push(&mut self, bytes: &[u8]) {
        if self.is_broken {
            return;
        }
        let mut joined = std::mem::take(&mut self.begun);
        let bytes = if joined.is_empty() {
            bytes
        } else {
            joined.extend(bytes);
            &joined
        };
        if let Err(error) = std::str::from_utf8(bytes) {
            self.is_broken = error.error_len().is_some();
            self.begun = bytes[error.valid_up_to()..].to_vec();
        }
    }

    fn is_whole(&self) -> bool {
        !self.is_broken && self.begun.is_empty()
    }
}

/// A document: its object and its place there.
type Name = (Key, u32);

/// The looks that are remembered.
#[derive(Debug, Default)]
pub(super) struct Looks(Mutex<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    looks: HashMap<Name, Look>,
    /// Oldest first.
    order: VecDeque<Name>,
}

impl Looks {
    pub(super) fn get(&self, found: &Found) -> Option<Look> {
        let remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.looks.get(&name(found)).cloned()
    }

    pub(super) fn keep(&self, found: &Found, look: Look) {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.looks.insert(name(found), look).is_some() {
            return;
        }
        remembered.order.push_back(name(found));
        if remembered.order.len() > MOST
            && let Some(oldest) = remembered.order.pop_front()
        {
            remembered.looks.remove(&oldest);
        }
    }
}

fn name(found: &Found) -> Name {
    (found.key.clone(), found.ordinal)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{
        super::{
            Which,
            tests::{bucket_with, found, tar_object},
        },
        *,
    };

    #[tokio::test]
    async fn a_look_tells_length_checksum_media_type_and_encoding() {
        let documents: [(&str, &[u8]); 3] = [
            ("a.htm", b"<html>\xc3\xa9</html>"),
            ("b.txt", b"caf\xe9"),
            ("c.pdf", b"%PDF-1.4 \xff"),
        ];
        let bucket = bucket_with(&tar_object(&documents)).await;
        let expected = [
            ("text/html", true),
            ("text/plain", false),
            ("application/pdf", false),
        ];
        for (ordinal, ((_, text), (media, is_utf8))) in (1..).zip(documents.iter().zip(expected)) {
            let found = found(&bucket, Which::Ordinal(ordinal)).await.unwrap();
            let look = Look::at(&bucket, &found).await.unwrap();
            let sha256 = hex::encode(Sha256::digest(text));
            let bytes = text.len() as u64;
            assert_eq!(
                look,
                Look {
                    bytes,
                    sha256,
                    media,
                    is_utf8
                }
            );
        }
    }

    #[test]
    fn utf8_is_told_in_whatever_pieces_it_comes() {
        for (bytes, expected) in [
            ("a\u{e9}\u{20ac}\u{1f600}".as_bytes(), true),
            (b"caf\xe9", false),
            (b"\xe9caf", false),
            (b"", true),
        ] {
            for length in 1..6 {
                let mut utf8 = Utf8::default();
                bytes.chunks(length).for_each(|piece| utf8.push(piece));
                assert_eq!(utf8.is_whole(), expected, "{bytes:?} by {length}");
            }
        }
    }

    #[test]
    fn no_more_looks_are_remembered_than_there_is_room_for() {
        let looks = Looks::default();
        let look = Look {
            bytes: 1,
            sha256: String::new(),
            media: "text/plain",
            is_utf8: true,
        };
        let found = |ordinal| Found {
            key: Key::parse("a/b.tar").unwrap(),
            ordinal,
            filename: String::new(),
            stored: 0..1,
        };
        for ordinal in 0..=MOST as u32 {
            looks.keep(&found(ordinal), look.clone());
            looks.keep(&found(ordinal), look.clone());
        }

        assert_eq!(looks.0.lock().unwrap().order.len(), MOST);
        assert_eq!(looks.get(&found(0)), None);
        assert_eq!(looks.get(&found(1)), Some(look));
    }
}
