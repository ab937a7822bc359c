//! The objects of a submission, staged for the archive.

use std::{
    io,
    sync::{Mutex, PoisonError},
};

use archive::staging::{Draft, Staged, Staging};
use edgar::xbrl::Fact;

use super::{Compressor, Documents};

/// One report at a time: it is in memory while its facts are read.
static READING: Mutex<()> = Mutex::new(());

/// What is made of a submission, ready to be put.
#[derive(Debug, Default)]
pub struct Made {
    /// The tar object; `None` when the documents are too long for one.
    pub tar: Option<Staged>,
    /// The facts as lines of JSON, compressed; `None` when there is none.
    pub xbrl: Option<Staged>,
}

impl Documents {
    /// Makes the objects.
    ///
    /// # Errors
    /// When the disk does not take them.
    pub fn make(&mut self, staging: &Staging) -> io::Result<Made> {
        Ok(Made {
            tar: self.make_tar(staging)?,
            xbrl: self.make_facts(staging)?,
        })
    }

    fn make_tar(&mut self, staging: &Staging) -> io::Result<Option<Staged>> {
        let mut tar = staging.draft()?;
        match self.write_tar(&mut tar) {
            Ok(()) => tar.finish().map(Some),
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                // The exact bytes are archived all the same.
                let accession = self.header.accession.map(tracing::field::display);
                tracing::warn!(accession, "no tar object: {error}");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn make_facts(&mut self, staging: &Staging) -> io::Result<Option<Staged>> {
        if !self.have_facts() {
            return Ok(None);
        }
        let mut lines = Lines {
            compressor: Compressor::new()?,
            object: staging.draft()?,
            line: Vec::new(),
            count: 0,
        };
        let one_at_a_time = READING.lock().unwrap_or_else(PoisonError::into_inner);
        let unread = self.facts(|fact| lines.push(fact))?;
        drop(one_at_a_time);
        let accession = self.header.accession.map(tracing::field::display);
        for report in unread {
            // The documents are archived all the same; nothing but these facts is lacking.
            match report.is_lacking() {
                true => tracing::warn!(accession, "{report}"),
                false => tracing::debug!(accession, "{report}"),
            }
        }
        lines.finish()
    }
}

/// Facts as lines of JSON on their way into an object.
struct Lines {
    compressor: Compressor,
    object: Draft,
    line: Vec<u8>,
    count: u64,
}

impl Lines {
    fn push(&mut self, fact: &Fact<'_>) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, fact)?;
        self.line.push(b'\n');
        self.count += 1;
        self.compressor.push(&self.line, &mut self.object)?;
        Ok(())
    }

    /// The object; `None` when there is no line in it.
    fn finish(mut self) -> io::Result<Option<Staged>> {
        self.compressor.finish(&mut self.object)?;
        let staged = self.object.finish()?;
        Ok((self.count > 0).then_some(staged))
    }
}
