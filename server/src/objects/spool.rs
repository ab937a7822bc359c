//! The documents of one submission, compressed, between reading it and writing its objects.

use std::{
    io::{self, BufReader, Read, Seek, SeekFrom, Write},
    path::Path,
};

use edgar::{
    sgml::{DocumentEnd, DocumentHead, Header, Sink},
    tar::{Layout, Member},
    xbrl::{HEAD_BYTES, is_inline},
};

use protocol::filing::Document;
use tempfile::SpooledTempFile;

use super::compressor::{self, Compressor, LENGTH, STREAM_HEADER};

/// Bytes read at a time.
const BUFFER: usize = 128 * 1024;
/// Compressed bytes that are kept in memory; nine filings in ten have fewer, and need no
/// scratch file.
const IN_MEMORY: usize = 1024 * 1024;

/// Takes the documents of a submission as they come.
pub struct Spool {
    scratch: SpooledTempFile,
    written: u64,
    compressor: Compressor,
    documents: Vec<Spooled>,
    /// How the document at hand begins.
    beginning: Vec<u8>,
    header: Header,
    /// The first failure; nothing is written after it.
    failure: Option<io::Error>,
}

/// A document in the scratch file.
#[derive(Debug, Clone)]
pub struct Spooled {
    /// What it is.
    pub head: DocumentHead,
    /// Its length, decoded.
    pub size_bytes: u64,
    /// Whether it begins as a page of inline XBRL.
    pub(super) inline: bool,
    /// Where its frame begins among the spooled bytes.
    start: u64,
    /// The length of the frame there.
    spooled_bytes: u64,
}

/// All documents of a submission.
#[derive(Debug)]
pub struct Documents {
    /// The submission's header.
    pub header: Header,
    /// In the order of the submission.
    pub documents: Vec<Spooled>,
    scratch: SpooledTempFile,
}

impl Spool {
    /// Begins a submission. If it is a large one, `folder` gets a scratch file without a
    /// name, which is gone when it is closed.
    ///
    /// # Errors
    /// When memory is short.
    pub fn new(folder: &Path) -> io::Result<Self> {
        Ok(Self {
            scratch: tempfile::spooled_tempfile_in(IN_MEMORY, folder),
            written: 0,
            compressor: Compressor::new()?,
            documents: Vec::new(),
            beginning: Vec::with_capacity(HEAD_BYTES),
            header: Header::default(),
            failure: None,
        })
    }

    /// The submission is over.
    ///
    /// # Errors
    /// The first failure of the scratch file.
    pub fn finish(self) -> io::Result<Documents> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        Ok(Documents {
            header: self.header,
            documents: self.documents,
            scratch: self.scratch,
        })
    }

    fn attempt(&mut self, step: impl FnOnce(&mut Self) -> io::Result<u64>) {
        if self.failure.is_none() {
            match step(self) {
                Ok(written) => self.written += written,
                Err(failure) => self.failure = Some(failure),
            }
        }
    }
}

impl Sink for Spool {
    fn header(&mut self, header: Header) {
        self.header = header;
    }

    fn document(&mut self, head: &DocumentHead) {
        self.documents.push(Spooled {
            head: head.clone(),
            size_bytes: 0,
            inline: false,
            start: self.written,
            spooled_bytes: 0,
        });
    }

    fn body(&mut self, bytes: &[u8]) {
        let room = HEAD_BYTES - self.beginning.len();
        self.beginning.extend(&bytes[..bytes.len().min(room)]);
        self.attempt(|spool| spool.compressor.push(bytes, &mut spool.scratch));
    }

    fn end_document(&mut self, end: &DocumentEnd) {
        self.attempt(|spool| spool.compressor.finish(&mut spool.scratch));
        if let Some(document) = self.documents.last_mut() {
            document.size_bytes = end.size_bytes;
            document.inline = is_inline(&self.beginning);
            document.spooled_bytes = self.written - document.start;
        }
        self.beginning.clear();
    }
}

impl Documents {
    /// The documents as events show them.
    pub fn list(&self) -> Vec<Document> {
        let document = |spooled: &Spooled| spooled.head.document(spooled.size_bytes);
        self.documents.iter().map(document).collect()
    }

    /// Writes the tar object.
    ///
    /// # Errors
    /// Those of `out` and of the scratch file; [`io::ErrorKind::InvalidInput`] when the
    /// documents are larger than a tar object can say.
    pub fn write_tar(&mut self, out: &mut impl Write) -> io::Result<()> {
        let members: Vec<Member> = self.documents.iter().map(Spooled::member).collect();
        let layout = Layout::new(&self.header, &members)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        self.scratch.rewind()?;
        let mut spooled = BufReader::with_capacity(BUFFER, &mut self.scratch);
        out.write_all(&layout.beginning())?;
        for (place, document) in self.documents.iter().enumerate() {
            out.write_all(&layout.before(place))?;
            document.copy(&mut spooled, out)?;
            out.write_all(layout.after(place))?;
        }
        out.write_all(layout.end())
    }

    /// The decoded bytes of the document of this place, counted from 0.
    ///
    /// # Errors
    /// Those of the scratch file.
    ///
    /// # Panics
    /// When there is no such document.
    pub fn read(&mut self, place: usize) -> io::Result<impl Read> {
        let document = &self.documents[place];
        self.scratch.seek(SeekFrom::Start(document.start))?;
        let frame = Read::by_ref(&mut self.scratch).take(document.spooled_bytes);
        zstd::stream::read::Decoder::new(frame)
    }
}

impl Spooled {
    fn member(&self) -> Member {
        Member {
            head: self.head.clone(),
            stored_bytes: self.spooled_bytes + LENGTH,
        }
    }

    /// Copies the frame, which comes next, with its length put in.
    fn copy(&self, spooled: &mut impl Read, out: &mut impl Write) -> io::Result<()> {
        let mut header = [0; STREAM_HEADER];
        spooled.read_exact(&mut header)?;
        out.write_all(&compressor::with_length(header, self.size_bytes)?)?;
        let rest = self.spooled_bytes - STREAM_HEADER as u64;
        let copied = io::copy(&mut spooled.take(rest), out)?;
        if copied == rest {
            Ok(())
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }
}
