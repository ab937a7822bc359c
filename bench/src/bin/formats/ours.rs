//! Our readings, as they are measured.
//!
//! Each takes one input and returns a number that depends on all of its work.
//! Elsewhere: what is read (`inputs`), how long it takes (`effort`).

use std::{
    cell::RefCell,
    env,
    io::{self, Write},
};

use edgar::{
    sgml::{self, DocumentEnd, Reader, Sink},
    xbrl,
};
use filingwire::objects::{Compressor, Spool};
use sha2::{Digest, Sha256};

/// Bytes of a download that come at a time.
const PIECE: usize = 64 * 1024;

/// Counts bytes and keeps none.
#[derive(Default)]
struct Counted(u64);

impl Sink for Counted {
    fn end_document(&mut self, end: &DocumentEnd) {
        self.0 += end.size_bytes;
    }
}

const IT_WAS_READ: &str = "a recorded submission can be read";

/// Header and documents told, and none kept.
pub(crate) fn split(submission: &[u8]) -> usize {
    let mut reader = Reader::new(Counted::default());
    reader.push(submission);
    let (counted, _) = reader.finish().expect(IT_WAS_READ);
    counted.0 as usize
}

/// Header and decoded documents, kept: what the peers give too.
pub(crate) fn read(submission: &[u8]) -> usize {
    sgml::read(submission).expect(IT_WAS_READ).documents.len()
}

/// Everything between a download and the bucket but the disk's fsync: read, compress, write
/// the tar object, take checksums.
pub(crate) fn archive(submission: &[u8]) -> usize {
    archived(submission).expect("a scratch file can be written and read")
}

fn archived(submission: &[u8]) -> io::Result<usize> {
    let mut original = Sha256::new();
    let (mut compressor, mut sgml) = (Compressor::new()?, Hashed::default());
    let mut reader = Reader::new(Spool::new(&env::temp_dir())?);
    for piece in submission.chunks(PIECE) {
        original.update(piece);
        reader.push(piece);
        compressor.push(piece, &mut sgml)?;
    }
    let (spool, _) = reader.finish().map_err(io::Error::other)?;
    let mut tar = Hashed::default();
    spool.finish()?.write_tar(&mut tar)?;
    compressor.finish(&mut sgml)?;
    Ok(sgml.finish() ^ tar.finish() ^ usize::from(original.finalize()[0]))
}

/// What of [`archive()`] is zstd's own work, for one document or one submission.
pub(crate) fn compress(member: &[u8]) -> usize {
    COMPRESSOR.with_borrow_mut(|compressor| {
        compressed(member, compressor).expect("nowhere takes everything")
    })
}

thread_local! {
    /// One for all, as in the archive: what an encoder needs is not made anew each time.
    static COMPRESSOR: RefCell<Compressor> =
        RefCell::new(Compressor::new().expect("memory suffices"));
}

fn compressed(member: &[u8], compressor: &mut Compressor) -> io::Result<usize> {
    let mut length = 0;
    for piece in member.chunks(PIECE) {
        length += compressor.push(piece, &mut io::sink())?;
    }
    length += compressor.finish(&mut io::sink())?;
    Ok(length as usize)
}

/// The facts of an XBRL instance, kept as lines of JSON.
pub(crate) fn facts(instance: &[u8]) -> usize {
    let mut lines = Vec::new();
    let told = xbrl::read_instance(instance, |fact| {
        serde_json::to_writer(&mut lines, fact).expect("a fact can be written to memory");
        lines.push(b'\n');
    });
    told.expect("a recorded instance can be read");
    lines.len()
}

/// Keeps nothing of what is written but its hash.
#[derive(Default)]
struct Hashed(Sha256);

impl Hashed {
    fn finish(self) -> usize {
        usize::from(self.0.finalize()[0])
    }
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
