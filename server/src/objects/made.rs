//! The objects of a submission, staged for the archive.

use std::io::{self, Write};

use archive::staging::{Staged, Staging};
use zstd::stream::write::Encoder;

use super::{Documents, LEVEL};

/// What is made of a submission, ready to be put.
#[derive(Debug)]
pub struct Made {
    /// The tar object.
    pub tar: Staged,
    /// The facts as lines of JSON, compressed; `None` when there is none.
    pub xbrl: Option<Staged>,
}

impl Documents {
    /// Makes the objects.
    ///
    /// # Errors
    /// When the disk does not take them.
    pub fn make(&self, staging: &Staging) -> io::Result<Made> {
        let mut tar = staging.draft()?;
        self.write_tar(&mut tar)?;
        Ok(Made {
            tar: tar.finish()?,
            xbrl: self.make_facts(staging)?,
        })
    }

    fn make_facts(&self, staging: &Staging) -> io::Result<Option<Staged>> {
        if !self.have_facts() {
            return Ok(None);
        }
        let mut object = Encoder::new(staging.draft()?, LEVEL)?;
        object.include_checksum(true)?;
        let mut told: u64 = 0;
        let unread = self.facts(|fact| {
            told += 1;
            serde_json::to_writer(&mut object, fact)?;
            object.write_all(b"\n")
        })?;
        for report in unread {
            // The documents are archived all the same; nothing but these facts is lacking.
            let accession = self.header.accession.map(tracing::field::display);
            tracing::warn!(accession, "{report}");
        }
        let staged = object.finish()?.finish()?;
        Ok((told > 0).then_some(staged))
    }
}
