//! A document, unpacked as it is read.
//!
//! Invariant: no more comes than the frame says it holds, however small it is in the
//! archive; memory is two buffers and the frame's window, which may have 8 MiB at most.

use std::{io, pin::Pin};

use archive::bucket::Bucket;
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt};
use zstd::{
    stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer},
    zstd_safe::get_frame_content_size,
};

use super::{Found, Lacking, damaged, unreadable};

/// Stored bytes read at a time, and bytes of a piece at most.
const BUFFER: usize = 128 * 1024;

/// Log2 of the largest window: what RFC 9659 allows on the web. Ours have 2 MiB.
const WINDOW_LOG: u32 = 23;

/// Longest header of a frame. Source: RFC 8878, section 3.1.1.1.
const FRAME_HEADER: usize = 18;

/// A document being unpacked.
pub(crate) struct Pieces {
    body: Pin<Box<dyn AsyncRead + Send>>,
    decoder: Decoder<'static>,
    /// Stored bytes that were read, and how many of them are used.
    stored: Vec<u8>,
    used: usize,
    /// Whether the decoder may have more to give without more stored bytes.
    is_full: bool,
    is_over: bool,
    bytes: u64,
    /// Bytes that are still to come.
    left: u64,
}

impl Pieces {
    /// Opens a document.
    ///
    /// # Errors
    /// [`Lacking`] when the bucket does not give it, or no frame of ours begins there.
    pub(crate) async fn open(bucket: &dyn Bucket, found: &Found) -> Result<Self, Lacking> {
        let key = &found.key;
        let object = bucket.open_range(key, found.stored.clone()).await?;
        let stored_bytes = found.stored.end - found.stored.start;
        let mut decoder = Decoder::new().map_err(|error| unreadable(key, error))?;
        let largest = DParameter::WindowLogMax(WINDOW_LOG);
        let set = decoder.set_parameter(largest);
        set.map_err(|error| unreadable(key, error))?;
        let mut pieces = Self {
            body: Box::pin(object.body.take(stored_bytes)),
            decoder,
            stored: Vec::with_capacity(BUFFER),
            used: 0,
            is_full: false,
            is_over: false,
            bytes: 0,
            left: 0,
        };
        while pieces.stored.len() < FRAME_HEADER {
            if !pieces
                .fill()
                .await
                .map_err(|error| unreadable(key, error))?
            {
                break;
            }
        }
        let told = get_frame_content_size(&pieces.stored).ok().flatten();
        pieces.bytes = told.ok_or_else(|| damaged(key, "a document does not tell its length"))?;
        pieces.left = pieces.bytes;
        Ok(pieces)
    }

    /// How many bytes come in all.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next bytes; `None` after the last.
    ///
    /// # Errors
    /// When the object cannot be read, or is not what it says.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Bytes>> {
        while !self.is_over {
            if !self.is_full && self.used == self.stored.len() {
                self.stored.clear();
                self.used = 0;
                if !self.fill().await? {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            let piece = self.unpack()?;
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
        match self.left {
            0 => Ok(None),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    async fn fill(&mut self) -> io::Result<bool> {
        Ok(self.body.read_buf(&mut self.stored).await? > 0)
    }

    fn unpack(&mut self) -> io::Result<Bytes> {
        let mut piece = Vec::with_capacity(BUFFER);
        let mut out = OutBuffer::around(&mut piece);
        let mut stored = InBuffer::around(&self.stored[self.used..]);
        let hint = self.decoder.run(&mut stored, &mut out)?;
        self.used += stored.pos();
        self.is_full = out.pos() == out.capacity();
        self.is_over = hint == 0;
        self.left = (self.left.checked_sub(piece.len() as u64)).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "longer than its frame says")
        })?;
        Ok(piece.into())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{
        super::{
            Which,
            tests::{bucket_with, found, read, tar_object},
        },
        *,
    };

    /// A tar object whose document says that it has this length.
    async fn told(tar: &[u8], length: u64) -> (archive::memory::MemoryBucket, Found) {
        let bucket = bucket_with(tar).await;
        let found_there = found(&bucket, Which::Ordinal(1)).await.unwrap();
        let at = found_there.stored.start as usize + 6;
        let mut tar = tar.to_vec();
        tar[at..at + 8].copy_from_slice(&length.to_le_bytes());
        (bucket_with(&tar).await, found_there)
    }

    #[tokio::test]
    async fn an_empty_document_has_no_bytes() {
        let bucket = bucket_with(&tar_object(&[("a.htm", b"")])).await;
        let found = found(&bucket, Which::Ordinal(1)).await.unwrap();

        assert_eq!(read(&bucket, &found).await.unwrap(), b"");
    }

    #[tokio::test]
    async fn a_bomb_gives_no_byte_more_than_it_says() {
        let zeros = vec![b'0'; 50_000_000];
        let tar = tar_object(&[("bomb.txt", &zeros)]);
        assert!(tar.len() < 20_000, "{}", tar.len());
        let (bucket, found) = told(&tar, 1_000_000).await;

        let mut pieces = Pieces::open(&bucket, &found).await.unwrap();
        let (mut came, mut failed) = (0, false);
        loop {
            match pieces.next().await {
                Ok(Some(piece)) => came += piece.len(),
                Ok(None) => break,
                Err(_) => {
                    failed = true;
                    break;
                }
            }
        }

        assert!(failed && came <= 1_000_000, "{came}");
    }

    #[tokio::test]
    async fn a_document_shorter_than_it_says_is_an_error_not_a_short_document() {
        let (bucket, found) = told(&tar_object(&[("a.txt", b"short")]), 6).await;

        assert!(read(&bucket, &found).await.is_err());
    }

    #[tokio::test]
    async fn a_frame_that_is_cut_or_damaged_is_an_error() {
        let text: Vec<u8> = (0..90_000_u64).map(|n| (n * 7 % 251) as u8 | 1).collect();
        let tar = tar_object(&[("a.txt", &text)]);
        let bucket = bucket_with(&tar).await;
        let whole = found(&bucket, Which::Ordinal(1)).await.unwrap();
        let mut cut = whole.clone();
        cut.stored.end -= 5;
        let mut damaged = tar.clone();
        damaged[whole.stored.end as usize - 1] ^= 1;

        assert!(read(&bucket, &cut).await.is_err());
        assert!(read(&bucket_with(&damaged).await, &whole).await.is_err());
    }

    #[tokio::test]
    async fn what_is_no_frame_is_no_document() {
        let bucket = bucket_with(&tar_object(&[("a.txt", b"text")])).await;
        let mut elsewhere = found(&bucket, Which::Ordinal(1)).await.unwrap();
        elsewhere.stored.start += 1;

        assert!(matches!(
            Pieces::open(&bucket, &elsewhere).await,
            Err(Lacking::Damaged { .. })
        ));
    }
}
