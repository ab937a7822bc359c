//! Where the tar objects go that a user asks for.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
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
    /// What to do instead, when one file is named for several.
    pub(super) fn of(named: &Path, submissions: usize) -> Result<Self, String> {
        if named.is_dir() {
            Ok(Self::Folder(named.to_owned()))
        } else if submissions == 1 {
            Ok(Self::File(named.to_owned()))
        } else {
            Err(format!(
                "--tar {} is one file for {submissions} submissions; name a folder that exists",
                named.display()
            ))
        }
    }

    /// The folder of tar objects.
    pub(super) fn folder(&self) -> &Path {
        match self {
            Self::File(file) => whole_file::folder_of(file),
            Self::Folder(folder) => folder,
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
        let file = match self {
            Self::File(file) => file.clone(),
            Self::Folder(folder) => {
                let accession =
                    accession.context("it has no accession number to name its tar object")?;
                let file = folder.join(format!("{}.tar", accession.compact()));
                if fs::symlink_metadata(&file).is_ok() {
                    anyhow::bail!(
                        "{} exists already; remove it or choose another folder",
                        file.display()
                    );
                }
                file
            }
        };
        whole_file::write(&file, |mut out| {
            documents
                .write_tar(&mut out)
                .with_context(|| format!("cannot write {}", file.display()))
        })
    }
}
