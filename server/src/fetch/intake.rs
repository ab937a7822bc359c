//! A submission as it comes in: hashed, read and compressed in one pass.
//!
//! Elsewhere: the objects made of it (`objects`), putting them (`store`).
//! Invariant: memory does not grow with the size of the submission, and a reader that fails
//! costs nothing but what it would have read.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
};

use crate::objects::{Compressor, Documents, Spool};
use archive::staging::{Draft, Staged, Staging};
use edgar::sgml::Reader;
use protocol::accession::Accession;
use sha2::{Digest, Sha256};

/// A submission coming in.
pub(super) struct Intake {
    original: Sha256,
    bytes: u64,
    /// `None` once it has failed.
    reader: Option<Reader<Spool>>,
    read: fn(&mut Reader<Spool>, &[u8]),
    compressor: Compressor,
    sgml: Draft,
}

/// A submission that has come in whole.
#[derive(Debug)]
pub(super) struct Submission {
    /// Its bytes, compressed, ready to be put.
    pub(super) sgml: Staged,
    /// Its length.
    pub(super) bytes: u64,
    /// SHA-256 of its bytes, 64 hexadecimal digits.
    pub(super) sha256: String,
    /// What it says; `None` when it is no submission at all, or when the reader failed.
    pub(super) documents: Option<Documents>,
    /// Whether the reader failed: then it is not known what this is.
    unread: bool,
    /// Whether it ends as a submission should.
    pub(super) complete: bool,
}

impl Submission {
    /// Whether it is a submission at all, as far as is known.
    pub(super) fn is_one(&self) -> bool {
        self.unread || self.documents.is_some()
    }

    /// Whose submission it says to be.
    pub(super) fn accession(&self) -> Option<Accession> {
        self.documents.as_ref()?.header.accession
    }
}

/// What a reader of the SEC's bytes gives; `None` when it panics, of which the panic's
/// message tells. It must hold nothing that others use.
pub(super) fn contained<T>(read: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(read)).ok()
}

impl Intake {
    /// Begins a submission.
    ///
    /// # Errors
    /// When the staging folder takes no file.
    pub(super) fn new(staging: &Staging) -> io::Result<Self> {
        Ok(Self {
            original: Sha256::new(),
            bytes: 0,
            reader: Some(Reader::new(Spool::new(staging.folder())?)),
            read: Reader::push,
            compressor: Compressor::new()?,
            sgml: staging.draft()?,
        })
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// When the disk does not take them.
    pub(super) fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.original.update(bytes);
        self.bytes += bytes.len() as u64;
        if let Some(reader) = &mut self.reader
            && contained(|| (self.read)(reader, bytes)).is_none()
        {
            self.reader = None;
        }
        self.compressor.push(bytes, &mut self.sgml)?;
        Ok(())
    }

    /// Ends the submission.
    ///
    /// # Errors
    /// When the disk does not take the rest.
    pub(super) fn finish(mut self) -> io::Result<Submission> {
        self.compressor.finish(&mut self.sgml)?;
        let sgml = self.sgml.finish()?;
        let ended = self.reader.and_then(|reader| contained(|| reader.finish()));
        let unread = ended.is_none();
        let (documents, complete) = match ended {
            Some(Ok((spool, outcome))) => (Some(spool.finish()?), outcome.complete),
            Some(Err(_)) | None => (None, false),
        };
        Ok(Submission {
            sgml,
            bytes: self.bytes,
            sha256: hex::encode(self.original.finalize()),
            documents,
            unread,
            complete,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
pub(super) mod tests {
    use super::*;

    const SUBMISSION: &[u8] = b"<SEC-DOCUMENT>0001999999-26-000042.txt : 20260303\n\
        <SEC-HEADER>0001999999-26-000042.hdr.sgml : 20260303\nACCESSION NUMBER:\t\t0001999999-26-000042\n\
        CONFORMED SUBMISSION TYPE:\t8-K\n</SEC-HEADER>\n<DOCUMENT>\n<TYPE>8-K\n<SEQUENCE>1\n\
        <FILENAME>a.htm\n<TEXT>\nhello\n</TEXT>\n</DOCUMENT>\n</SEC-DOCUMENT>\n";

    /// What comes of bytes that arrive in such pieces.
    pub(in crate::fetch) fn take(bytes: &[u8], piece: usize) -> (tempfile::TempDir, Submission) {
        let dir = tempfile::tempdir().unwrap();
        let mut intake = Intake::new(&Staging::open(dir.path()).unwrap()).unwrap();
        for piece in bytes.chunks(piece) {
            intake.push(piece).unwrap();
        }
        (dir, intake.finish().unwrap())
    }

    #[test]
    fn the_object_unpacks_to_the_exact_bytes() {
        let (_dir, submission) = take(SUBMISSION, 7);

        let object = std::fs::read(submission.sgml.path()).unwrap();
        let accession = "0001999999-26-000042".parse().unwrap();
        assert_eq!(submission.accession(), Some(accession));
        assert_eq!(submission.bytes, SUBMISSION.len() as u64);
        let documents = submission.documents.unwrap();
        assert_eq!(zstd::decode_all(&object[..]).unwrap(), SUBMISSION);
        assert_eq!(submission.sha256, hex::encode(Sha256::digest(SUBMISSION)));
        assert!(submission.complete);
        assert_eq!(documents.header.form.as_ref().unwrap().as_str(), "8-K");
        assert_eq!(documents.list()[0].filename, "a.htm");
    }

    #[test]
    fn a_reader_that_panics_costs_none_of_the_exact_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let mut intake = Intake::new(&Staging::open(dir.path()).unwrap()).unwrap();
        intake.read = |_, _| panic!("planted");

        for piece in SUBMISSION.chunks(64) {
            intake.push(piece).unwrap();
        }
        let submission = intake.finish().unwrap();

        let object = std::fs::read(submission.sgml.path()).unwrap();
        assert_eq!(zstd::decode_all(&object[..]).unwrap(), SUBMISSION);
        assert!(submission.is_one() && submission.documents.is_none() && !submission.complete);
    }

    #[test]
    fn a_cut_submission_and_a_web_page_are_told_apart() {
        let (_cut_dir, cut) = take(&SUBMISSION[..SUBMISSION.len() - 20], 64);
        let (_page_dir, page) = take(b"<!DOCTYPE html><html></html>", 64);

        assert!(cut.documents.is_some() && !cut.complete);
        assert!(page.documents.is_none() && !page.is_one());
    }
}
