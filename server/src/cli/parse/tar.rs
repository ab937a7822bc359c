//! Where the tar objects go that a user asks for.

use std::{
    env,
    fs::{self, File},
    io::{Read, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use edgar::tar::METADATA;
use protocol::accession::Accession;

use crate::{cli::whole_file, objects::Documents};

/// Where tar objects go.
#[derive(Debug)]
pub(super) enum Place {
    /// That of the one submission.
    File(PathBuf),
    /// Each under its eighteen digits.
    Folder(PathBuf),
}

impl Place {
    /// What the user named, for this many submissions.
    ///
    /// # Errors
    /// What to do instead: when one file is named for several, when its folder is not there,
    /// or when it is a file that is no tar object, such as a submission.
    pub(super) fn of(named: &Path, submissions: usize) -> Result<Self, String> {
        let shown = named.display();
        if named.is_dir() {
            return Ok(Self::Folder(named.to_owned()));
        }
        if submissions != 1 {
            return Err(format!(
                "--tar {shown} is one file for {submissions} submissions; name a folder that exists"
            ));
        }
        if !whole_file::folder_of(named).is_dir() {
            return Err(format!(
                "--tar {shown}: its folder does not exist; make it first"
            ));
        }
        if is_another_file(named) {
            return Err(format!(
                "--tar {shown} exists and is no tar object; name another file, or remove it"
            ));
        }
        Ok(Self::File(named.to_owned()))
    }

    /// Where there is room for scratch files.
    pub(super) fn scratch(&self) -> PathBuf {
        match self {
            // A device or a pipe is no file, and its folder no place for files.
            Self::File(file) if fs::metadata(file).is_ok_and(|there| !there.is_file()) => {
                env::temp_dir()
            }
            Self::File(file) => whole_file::folder_of(file).to_owned(),
            Self::Folder(folder) => folder.clone(),
        }
    }

    /// Writes the tar object of these documents.
    ///
    /// # Errors
    /// When the disk does not take it, or a folder has one of this number already.
    pub(super) fn write(
        &self,
        accession: Option<Accession>,
        documents: &mut Documents,
    ) -> anyhow::Result<()> {
        let mut tar = |mut out: &mut dyn Write| Ok(documents.write_tar(&mut out)?);
        match self {
            Self::File(file) => whole_file::write(file, tar),
            Self::Folder(folder) => {
                let accession =
                    accession.context("it has no accession number to name its tar object")?;
                let file = folder.join(format!("{}.tar", accession.compact()));
                whole_file::create(&file, &mut tar)
            }
        }
    }
}

/// Whether there is a file that has something else in it than a tar object.
fn is_another_file(named: &Path) -> bool {
    let mut beginning = Vec::new();
    let read = File::open(named).and_then(|file| {
        let is_file = file.metadata()?.is_file();
        file.take(if is_file { 512 } else { 0 })
            .read_to_end(&mut beginning)
    });
    read.is_ok() && !beginning.is_empty() && !beginning.starts_with(METADATA.as_bytes())
}
