//! Compressing: what is archived, one zstd frame after the other.
//!
//! A document's frame tells the length of its content. The length is known only when the document is over, and readers want it in the frame's
//! header. So the frame is spooled with the short header of a stream, and gets the long one
//! when it is copied to its place. Source: RFC 8878, section 3.1.1.1.
//!
//! Invariant: the same content gives the same frame, in whatever pieces it comes.

use std::{
    io::{self, Write},
    sync::{Mutex, PoisonError},
};

use zstd::stream::raw::{CParameter, Encoder, InBuffer, Operation, OutBuffer};

/// The header of a stream of ours: magic number, descriptor, window.
pub(super) const STREAM_HEADER: usize = 6;
/// By how much the header with a length is longer.
pub(super) const LENGTH: u64 = 8;
/// The descriptor of a stream of ours: a checksum, no length, no dictionary.
const DESCRIPTOR: u8 = 0b0000_0100;
/// Says that eight bytes of length follow the window.
const WITH_LENGTH: u8 = 0b1100_0000;

/// Encoders at rest, of which making one takes as long as compressing a small filing. They
/// have some 4 MB each.
static AT_REST: Mutex<Vec<Kept>> = Mutex::new(Vec::new());
/// Most encoders at rest: those of two downloads.
const MOST_AT_REST: usize = 4;
/// Bytes that come out at a time.
const OUT: usize = 128 * 1024;

/// Compresses into one frame after the other.
pub struct Compressor {
    /// `None` once it is given back.
    kept: Option<Kept>,
}

/// What is kept for the next.
struct Kept {
    encoder: Encoder<'static>,
    out: Vec<u8>,
}

impl Compressor {
    /// Takes an encoder that is at rest, or makes one.
    ///
    /// # Errors
    /// When memory is short.
    pub fn new() -> io::Result<Self> {
        let at_rest = AT_REST.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let kept = at_rest.map_or_else(Kept::new, Ok)?;
        Ok(Self { kept: Some(kept) })
    }

    /// Takes the next bytes of the frame; tells how many were written.
    ///
    /// # Errors
    /// Those of `file`.
    pub fn push(&mut self, bytes: &[u8], file: &mut impl Write) -> io::Result<u64> {
        let Kept { encoder, out } = self.kept.as_mut().expect(NOT_GIVEN_BACK);
        let mut input = InBuffer::around(bytes);
        let mut written = 0;
        loop {
            let mut out = OutBuffer::around(&mut out[..]);
            encoder.run(&mut input, &mut out)?;
            file.write_all(out.as_slice())?;
            written += out.as_slice().len() as u64;
            if input.pos() == bytes.len() {
                return Ok(written);
            }
        }
    }

    /// Ends the frame; tells how many bytes were written.
    ///
    /// # Errors
    /// Those of `file`.
    pub fn finish(&mut self, file: &mut impl Write) -> io::Result<u64> {
        // Ended before it is begun, an empty frame would tell its length by itself.
        let mut written = self.push(&[], file)?;
        let Kept { encoder, out } = self.kept.as_mut().expect(NOT_GIVEN_BACK);
        loop {
            let mut out = OutBuffer::around(&mut out[..]);
            let left = encoder.finish(&mut out, false)?;
            file.write_all(out.as_slice())?;
            written += out.as_slice().len() as u64;
            if left == 0 {
                break;
            }
        }
        encoder.reinit()?;
        Ok(written)
    }
}

impl Kept {
    fn new() -> io::Result<Self> {
        let mut encoder = Encoder::new(super::LEVEL)?;
        encoder.set_parameter(CParameter::ChecksumFlag(true))?;
        Ok(Self {
            encoder,
            out: vec![0; OUT],
        })
    }
}

const NOT_GIVEN_BACK: &str = "an encoder is given back at the end alone";

impl Drop for Compressor {
    fn drop(&mut self) {
        let Some(mut kept) = self.kept.take() else {
            return;
        };
        // A frame may have been begun and not ended.
        if kept.encoder.reinit().is_ok() {
            let mut at_rest = AT_REST.lock().unwrap_or_else(PoisonError::into_inner);
            if at_rest.len() < MOST_AT_REST {
                at_rest.push(kept);
            }
        }
    }
}

/// The header of a spooled frame with the length of its content in it.
///
/// # Errors
/// When the spooled bytes are not ours any more.
pub(super) fn with_length(
    stream: [u8; STREAM_HEADER],
    length: u64,
) -> io::Result<[u8; STREAM_HEADER + 8]> {
    let [m0, m1, m2, m3, descriptor, window] = stream;
    if descriptor != DESCRIPTOR {
        return Err(io::Error::other(
            "a spooled document does not begin as it was written",
        ));
    }
    let [l0, l1, l2, l3, l4, l5, l6, l7] = length.to_le_bytes();
    let descriptor = descriptor | WITH_LENGTH;
    Ok([
        m0, m1, m2, m3, descriptor, window, l0, l1, l2, l3, l4, l5, l6, l7,
    ])
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn frame(compressor: &mut Compressor, content: &[u8], piece: usize) -> Vec<u8> {
        let mut file = Vec::new();
        let mut told = 0;
        for bytes in content.chunks(piece) {
            told += compressor.push(bytes, &mut file).unwrap();
        }
        told += compressor.finish(&mut file).unwrap();
        assert_eq!(told, file.len() as u64);
        let (header, rest) = file.split_first_chunk().unwrap();
        [
            &with_length(*header, content.len() as u64).unwrap()[..],
            rest,
        ]
        .concat()
    }

    #[test]
    fn a_frame_tells_the_length_of_its_content_and_unpacks_to_it() {
        let mut compressor = Compressor::new().unwrap();
        for length in [0, 1, 70_000, 3_000_000] {
            let content: Vec<u8> = (0..length).map(|n: usize| (n * n / 7) as u8).collect();

            let frame = frame(&mut compressor, &content, 60_000);

            let told = zstd::zstd_safe::get_frame_content_size(&frame).unwrap();
            assert_eq!(told, Some(length as u64));
            assert_eq!(zstd::decode_all(&frame[..]).unwrap(), content);
        }
    }

    #[test]
    fn the_same_content_gives_the_same_frame_in_whatever_pieces_and_place() {
        let content: Vec<u8> = (0..400_000).map(|n: usize| (n / 3 * n) as u8).collect();
        let whole = frame(&mut Compressor::new().unwrap(), &content, usize::MAX);
        let mut used = Compressor::new().unwrap();
        for piece in [1, 61, 4096, 131_072, 131_073] {
            assert!(frame(&mut used, &content, piece) == whole, "{piece}");
        }
    }
}
