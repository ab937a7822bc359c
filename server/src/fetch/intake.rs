//! A submission as it comes in: hashed, read, compressed and staged in one pass.
//!
//! Invariant: memory does not grow with the size of the submission.

use std::{
    io::{self, Write},
    mem,
};

use archive::staging::{Draft, Staged, Staging};
use edgar::sgml::{DocumentEnd, DocumentHead, Header, Reader, Sink};
use protocol::filing::Document;
use sha2::{Digest, Sha256};
use zstd::stream::write::Encoder;

/// zstd's own default: three quarters of the best ratio at a multiple of its speed.
const LEVEL: i32 = 3;

/// A submission coming in.
pub(super) struct Intake {
    original: Sha256,
    bytes: u64,
    reader: Reader<Contents>,
    object: Encoder<'static, Draft>,
}

/// A submission that has come in whole.
#[derive(Debug)]
pub(super) struct Submission {
    /// Its bytes, compressed, ready to be put.
    pub(super) staged: Staged,
    /// Its length.
    pub(super) bytes: u64,
    /// SHA-256 of its bytes, 64 hexadecimal digits.
    pub(super) sha256: String,
    /// What it says; `None` when it is no submission at all.
    pub(super) contents: Option<Contents>,
    /// Whether it ends as a submission should.
    pub(super) complete: bool,
}

/// What a submission says.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) header: Header,
    pub(super) documents: Vec<Document>,
    open: Option<DocumentHead>,
}

impl Intake {
    /// Begins a submission.
    ///
    /// # Errors
    /// When the staging folder takes no file.
    pub(super) fn new(staging: &Staging) -> io::Result<Self> {
        let mut object = Encoder::new(staging.draft()?, LEVEL)?;
        object.include_checksum(true)?;
        Ok(Self {
            original: Sha256::new(),
            bytes: 0,
            reader: Reader::new(Contents::default()),
            object,
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
        self.object.write_all(bytes)
    }

    /// Ends the submission.
    ///
    /// # Errors
    /// When the disk does not take the rest.
    pub(super) fn finish(self) -> io::Result<Submission> {
        let staged = self.object.finish()?.finish()?;
        let (contents, complete) = match self.reader.finish() {
            Ok((contents, outcome)) => (Some(contents), outcome.complete),
            Err(_) => (None, false),
        };
        let sha256 = hex::encode(self.original.finalize());
        Ok(Submission {
            staged,
            bytes: self.bytes,
            sha256,
            contents,
            complete,
        })
    }
}

impl Sink for Contents {
    fn header(&mut self, header: &Header) {
        self.header = header.clone();
    }

    fn document(&mut self, head: &DocumentHead) {
        self.open = Some(head.clone());
    }

    fn end_document(&mut self, end: &DocumentEnd) {
        if let Some(head) = mem::take(&mut self.open) {
            self.documents.push(head.document(end.size_bytes));
        }
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

        let object = std::fs::read(submission.staged.path()).unwrap();
        let contents = submission.contents.unwrap();
        assert_eq!(zstd::decode_all(&object[..]).unwrap(), SUBMISSION);
        assert_eq!(submission.sha256, hex::encode(Sha256::digest(SUBMISSION)));
        assert!(submission.complete);
        assert_eq!(contents.header.form.unwrap().as_str(), "8-K");
        assert_eq!(contents.documents[0].filename, "a.htm");
    }

    #[test]
    fn a_cut_submission_and_a_web_page_are_told_apart() {
        let (_cut_dir, cut) = take(&SUBMISSION[..SUBMISSION.len() - 20], 64);
        let (_page_dir, page) = take(b"<!DOCTYPE html><html></html>", 64);

        assert!(cut.contents.is_some() && !cut.complete);
        assert!(page.contents.is_none());
    }
}
