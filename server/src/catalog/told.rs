//! The frame that says most of a filing, in few bytes: its `filing.archived` where there is
//! one, else its `filing.seen`, compressed with a dictionary of what all frames have in common.
//!
//! Invariant: what is unpacked is the frame of the log, byte for byte.

use std::{io, sync::LazyLock};

use eventlog::segment::FRAME_MAX_BYTES;
use zstd::{
    bulk::{Compressor, Decompressor},
    dict::{DecoderDictionary, EncoderDictionary},
    zstd_safe::get_frame_content_size,
};

/// Fast: a catalog that is made anew waits for this, and level 3 saves only 3 % more.
const LEVEL: i32 = 1;

/// What frames have in common, with the tables for the rest, so that a short frame carries none
/// of its own. Made by `zstd --train -1 --maxdict=16384` of the frames that `tests/oracle`
/// leaves behind. A change of it is a change of the schema's version.
const DICTIONARY: &[u8] = include_bytes!("told.dict");

static ENCODER: LazyLock<EncoderDictionary<'static>> =
    LazyLock::new(|| EncoderDictionary::copy(DICTIONARY, LEVEL));
static DECODER: LazyLock<DecoderDictionary<'static>> =
    LazyLock::new(|| DecoderDictionary::copy(DICTIONARY));

/// Packs frames.
pub(super) struct Packer(Compressor<'static>);

impl Packer {
    pub(super) fn new() -> io::Result<Self> {
        let mut packer = Compressor::with_prepared_dictionary(&ENCODER)?;
        // The page's checksum, the table and the reader of JSON notice what is wrong.
        packer.include_checksum(false)?;
        packer.include_dictid(false)?;
        Ok(Self(packer))
    }

    pub(super) fn pack(&mut self, frame: &[u8]) -> io::Result<Vec<u8>> {
        self.0.compress(frame)
    }
}

/// Unpacks them.
pub(super) struct Unpacker(Decompressor<'static>);

impl Unpacker {
    pub(super) fn new() -> io::Result<Self> {
        Decompressor::with_prepared_dictionary(&DECODER).map(Self)
    }

    /// # Errors
    /// When `told` is not what a packer made.
    pub(super) fn unpack(&mut self, told: &[u8]) -> io::Result<Vec<u8>> {
        let wrong = || io::Error::from(io::ErrorKind::InvalidData);
        let bytes = get_frame_content_size(told).ok().flatten();
        let bytes = bytes.and_then(|bytes| usize::try_from(bytes).ok());
        let bytes = bytes.filter(|bytes| *bytes <= FRAME_MAX_BYTES);
        self.0.decompress(told, bytes.ok_or_else(wrong)?)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_unpacked_as_it_was() {
        let (mut packer, mut unpacker) = (Packer::new().unwrap(), Unpacker::new().unwrap());
        for frame in [&b""[..], b"{}", &DICTIONARY[..900], &[0xff; 70_000]] {
            let told = packer.pack(frame).unwrap();

            assert_eq!(unpacker.unpack(&told).unwrap(), frame);
        }
    }

    #[test]
    fn what_was_never_packed_is_an_error() {
        let mut unpacker = Unpacker::new().unwrap();
        let mut told = Packer::new().unwrap().pack(&DICTIONARY[..900]).unwrap();
        told.truncate(told.len() - 1);

        for wrong in [&b""[..], b"nonsense", &told] {
            assert!(unpacker.unpack(wrong).is_err());
        }
    }
}
