//! A submission as it comes in: hashed, read and compressed in one pass.
//!
//! Elsewhere: the objects made of it (`objects`), putting them (`store`).
//! Invariant: memory does not grow with the size of the submission.

use std::io;

use crate::objects::{Compressor, Documents, Spool};
use archive::staging::{Draft, Staged, Staging};
use edgar::sgml::Reader;
use sha2::{Digest, Sha256};

/// A submission coming in.
pub(super) struct Intake {
    original: Sha256,
    bytes: u64,
    reader: Reader<Spool>,
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
    /// What it says; `None` when it is no submission at all.
    pub(super) documents: Option<Documents>,
    /// Whether it ends as a submission should.
    pub(super) complete: bool,
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
            reader: Reader::new(Spool::new(staging.folder())?),
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
        self.reader.push(bytes);
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
        let (documents, complete) = match self.reader.finish() {
            Ok((spool, outcome)) => (Some(spool.finish()?), outcome.complete),
            Err(_) => (None, false),
        };
        Ok(Submission {
            sgml,
            bytes: self.bytes,
            sha256: hex::encode(self.original.finalize()),
            documents,
            complete,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const SUBMISSION: &[u8] = b"<SEC-DOCUMENT>0001999999-26-000042.txt : 20260303\n\
        <SEC-HEADER>0001999999-26-000042.hdr.sgml : 20260303\nACCESSION NUMBER:\t\t0001999999-26-000042\n\
        CONFORMED SUBMISSION TYPE:\t8-K\n</SEC-HEADER>\n<DOCUMENT>\n<TYPE>8-K\n<SEQUENCE>1\n\
        <FILENAME>a.htm\n<TEXT>\nhello\n</TEXT>\n</DOCUMENT>\n</SEC-DOCUMENT>\n";

    fn take(bytes: &[u8], piece: usize) -> (tempfile::TempDir, Submission) {
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
        let documents = submission.documents.unwrap();
        assert_eq!(zstd::decode_all(&object[..]).unwrap(), SUBMISSION);
        assert_eq!(submission.sha256, hex::encode(Sha256::digest(SUBMISSION)));
        assert!(submission.complete);
        assert_eq!(documents.header.form.as_ref().unwrap().as_str(), "8-K");
        assert_eq!(documents.list()[0].filename, "a.htm");
    }

    #[test]
    fn a_cut_submission_and_a_web_page_are_told_apart() {
        let (_cut_dir, cut) = take(&SUBMISSION[..SUBMISSION.len() - 20], 64);
        let (_page_dir, page) = take(b"<!DOCTYPE html><html></html>", 64);

        assert!(cut.documents.is_some() && !cut.complete);
        assert!(page.documents.is_none());
    }
}
