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

/// Fast: a catalog that is made anew waits for this. Level 3 saves a tenth and takes twice as long.
const LEVEL: i32 = 1;

/// What frames have in common, the most usual last. A change of it is a change of the
/// schema's version.
const DICTIONARY: &[u8] = br#""late":true,"former_names":[{"name":"INC","until":"2019-05-01"}],"role":"underwriter""role":"serial-company""role":"issuing-entity""role":"securitizer""role":"depositor""role":"filed-for""source":"backfill""source":"daily_index""source":"efts","items":["5.02","7.01","8.01","1.01","2.02","9.01"],"form":"SCHEDULE 13G/A","amendment":true,"form":"424B2","form":"10-K","form":"10-Q","form":"6-K","form":"13F-HR","form":"144","form":"S-1","form":"DEF 14A","form":"NPORT-P","form":"497K","form":"D","form":"3","form":"4","amendment":false,"filers":[{"cik":"","name":"LLC","role":"filed-by","tickers":[" CORP","role":"subject-company"," /DE/","role":"reporting-owner","state":"NY"},{"cik":"","name":" INC","role":"issuer","sic":"2834","state":"CA","state_of_incorporation":"DE","fiscal_year_end":"1231"}],{"ordinal":5,"sequence":"5","type":"GRAPHIC","filename":"img.jpg","size_bytes":12},{"ordinal":3,"sequence":"3","type":"EX-101.SCH","filename":".xsd","description":"XBRL TAXONOMY EXTENSION SCHEMA DOCUMENT","size_bytes":1},{"ordinal":4,"sequence":"4","type":"EX-101.LAB","filename":"_lab.xml","description":"XBRL TAXONOMY EXTENSION LABEL LINKBASE DOCUMENT","size_bytes":1},{"ordinal":2,"sequence":"2","type":"EX-99.1","filename":"ex99.htm","description":"EX-99.1","size_bytes":4}{"type":"filing.seen","cursor":"a-1","seq":1,"at":"2026-03-03T21:04:58.168Z","filing":{"accession":"0000950170-26-0000","form":"8-K","amendment":false,"filed_on":"2026-03-03","accepted_at":"2026-03-03T21:04:41Z","source":"atom","seen_at":"2026-03-03T21:04:58.151Z","size_bytes":690,"items":["2.02"],"filers":[{"cik":"1","name":"","role":"filer","tickers":["A"]}],"urls":{"index":"http"}}}{"type":"filing.archived","cursor":"a-2","seq":2,"at":"2026-03-03T21:05:02.001Z","filing":{"accession":"0001193125-26-0000","form":"8-K","amendment":false,"filed_on":"2026-03-03","accepted_at":"2026-03-03T21:04:41Z","period":"2026-03-03","source":"atom","seen_at":"2026-03-03T21:04:58.151Z","size_bytes":690,"items":["2.02","9.01"],"filers":[{"cik":"1","name":"","role":"filer","tickers":["A"],"sic":"7372","state":"CA","state_of_incorporation":"DE","fiscal_year_end":"1231"}],"urls":{"index":"https://www.sec.gov/Archives/edgar/data/1/000119312526000001/0001193125-26-000001-index.htm","submission":"https://www.sec.gov/Archives/edgar/data/1/0001193125-26-000001.txt"},"documents":[{"ordinal":1,"sequence":"1","type":"8-K","filename":"primary_doc.xml","description":"FORM 8-K","size_bytes":3}],"objects":{"sgml":{"key":"sgml-archive/000119312526000001.sgml","bytes":8,"sha256":"","original_sha256":""},"tar":{"key":"tar-archive/000119312526000001.tar","bytes":8,"sha256":""},"xbrl":{"key":"sec/filings/xbrl/000119312526000001.json.zst","bytes":8,"sha256":""}}}}"#;

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
