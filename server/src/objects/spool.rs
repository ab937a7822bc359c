//! The documents of one submission, compressed, between reading it and writing its objects.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
};

use edgar::{
    sgml::{DocumentEnd, DocumentHead, Header, Sink},
    tar::{Layout, Member},
    xbrl::{HEAD_BYTES, is_inline},
};

use protocol::filing::Document;

use super::member::{self, Compressor, LENGTH, STREAM_HEADER};

/// Bytes written or read at a time.
const BUFFER: usize = 128 * 1024;

/// Takes the documents of a submission as they come.
pub struct Spool {
    file: BufWriter<File>,
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
    /// Where its frame begins in the scratch file.
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
    file: File,
}

impl Spool {
    /// Begins a submission; `scratch` is an empty file.
    ///
    /// # Errors
    /// When memory is short.
    pub fn new(scratch: File) -> io::Result<Self> {
        Ok(Self {
            file: BufWriter::with_capacity(BUFFER, scratch),
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
            file: self
                .file
                .into_inner()
                .map_err(io::IntoInnerError::into_error)?,
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
    fn header(&mut self, header: &Header) {
        self.header = header.clone();
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
        self.attempt(|spool| spool.compressor.push(bytes, &mut spool.file));
    }

    fn end_document(&mut self, end: &DocumentEnd) {
        self.attempt(|spool| spool.compressor.finish(&mut spool.file));
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
    pub fn write_tar(&self, out: &mut impl Write) -> io::Result<()> {
        let members: Vec<Member> = self.documents.iter().map(Spooled::member).collect();
        let layout = Layout::new(&self.header, &members)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let mut file = BufReader::with_capacity(BUFFER, &self.file);
        file.rewind()?;
        out.write_all(&layout.beginning())?;
        for (place, document) in self.documents.iter().enumerate() {
            out.write_all(&layout.before(place))?;
            document.copy(&mut file, out)?;
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
    pub fn read(&self, place: usize) -> io::Result<impl Read> {
        let document = &self.documents[place];
        let mut file = &self.file;
        file.seek(SeekFrom::Start(document.start))?;
        zstd::stream::read::Decoder::new(file.take(document.spooled_bytes))
    }
}

impl Spooled {
    fn member(&self) -> Member {
        Member {
            head: self.head.clone(),
            stored_bytes: self.spooled_bytes + LENGTH,
        }
    }

    /// Copies the frame, which comes next in `file`, with its length put in.
    fn copy(&self, file: &mut impl Read, out: &mut impl Write) -> io::Result<()> {
        let mut header = [0; STREAM_HEADER];
        file.read_exact(&mut header)?;
        out.write_all(&member::with_length(header, self.size_bytes)?)?;
        let rest = self.spooled_bytes - STREAM_HEADER as u64;
        let copied = io::copy(&mut file.take(rest), out)?;
        if copied == rest {
            Ok(())
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }
}
