//! Decoded documents on their way into a folder.
//!
//! Documents are written to a hidden folder that gets its name when the whole submission
//! is there. Invariant: a folder named by an accession has the documents of one file, all
//! of them; nothing is written outside the folder that the user names.

use std::{
    fs::{self, File, Permissions},
    io::{self, BufWriter, Write},
    os::unix::fs::PermissionsExt,
    path::{Component, Path, PathBuf},
};

use anyhow::Context;
use edgar::sgml::{DocumentEnd, DocumentHead, Sink};
use protocol::accession::Accession;
use tempfile::TempDir;

/// Where the user wants the documents.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

/// The documents of one submission, being written.
pub(super) struct Extraction {
    root: PathBuf,
    folder: Option<TempDir>,
    open: Option<BufWriter<File>>,
    /// The first failure; nothing is written after it.
    failure: Option<io::Error>,
}

/// The documents of one submission, written but not in place.
pub(super) struct Extracted {
    folder: TempDir,
    place: PathBuf,
}

impl Folder {
    /// Makes the folder when it is missing.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn open(root: &Path) -> anyhow::Result<Self> {
        let cannot = || format!("cannot make the folder {}", root.display());
        fs::create_dir_all(root).with_context(cannot)?;
        Ok(Self(root.to_owned()))
    }

    /// Begins a submission.
    pub(super) fn begin(&self) -> Extraction {
        // As a plain mkdir: the user's umask decides who may read it.
        let open_to_umask = Permissions::from_mode(0o777);
        let made = tempfile::Builder::new()
            .prefix(".filingwire-")
            .permissions(open_to_umask)
            .tempdir_in(&self.0);
        let (folder, failure) = match made {
            Ok(folder) => (Some(folder), None),
            Err(error) => (None, Some(error)),
        };
        Extraction {
            root: self.0.clone(),
            folder,
            open: None,
            failure,
        }
    }
}

impl Extraction {
    fn attempt(&mut self, step: impl FnOnce(&mut Self) -> io::Result<()>) {
        if self.failure.is_none() {
            self.failure = step(self).err();
        }
    }

    /// Ends the submission, whose number names its folder.
    ///
    /// # Errors
    /// The first failure, or the lack of a number.
    pub(super) fn finish(self, accession: Option<Accession>) -> anyhow::Result<Extracted> {
        let accession = accession.context("it has no accession number to name its folder")?;
        let place = self.root.join(accession.compact());
        let cannot = || format!("cannot write to {}", place.display());
        match (self.failure, self.folder) {
            (None, Some(folder)) => Ok(Extracted { folder, place }),
            (Some(error), _) => Err(error).with_context(cannot),
            (None, None) => unreachable!("a folder that was not made is a failure"),
        }
    }
}

impl Sink for Extraction {
    fn document(&mut self, head: &DocumentHead) {
        self.attempt(|extraction| {
            let Some(folder) = &extraction.folder else {
                return Ok(());
            };
            let name = plain_name(&head.filename)?;
            let file = File::create_new(folder.path().join(name))?;
            extraction.open = Some(BufWriter::new(file));
            Ok(())
        });
    }

    fn body(&mut self, bytes: &[u8]) {
        self.attempt(|extraction| match &mut extraction.open {
            Some(file) => file.write_all(bytes),
            None => Ok(()),
        });
    }

    fn end_document(&mut self, _end: &DocumentEnd) {
        self.attempt(|extraction| match extraction.open.take() {
            Some(mut file) => file.flush(),
            None => Ok(()),
        });
    }
}

impl Extracted {
    /// Puts the documents in place, where nothing may be yet.
    ///
    /// # Errors
    /// When there is something, or the disk does not take it.
    pub(super) fn publish(self) -> anyhow::Result<()> {
        let place = self.place.display().to_string();
        let taken = || format!("{place} exists already; remove it or choose another folder");
        // A rename replaces an empty folder silently, so ask first.
        if fs::symlink_metadata(&self.place).is_ok() {
            anyhow::bail!(taken());
        }
        fs::rename(self.folder.path(), &self.place)
            .with_context(|| format!("cannot make {place}"))?;
        // Moved away: there is nothing left to remove.
        let _ = self.folder.keep();
        Ok(())
    }
}

/// `filename` if it is a plain name: no folder, no way out of one.
fn plain_name(filename: &str) -> io::Result<&Path> {
    let path = Path::new(filename);
    let mut parts = path.components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(name)), None) if name == filename => Ok(path),
        _ => Err(io::Error::other(format!(
            "`{filename}` is no name for a file"
        ))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn accession() -> Option<Accession> {
        Some("0001999999-26-000042".parse().unwrap())
    }

    fn head(name: &str) -> DocumentHead {
        DocumentHead {
            ordinal: 1,
            sequence: None,
            document_type: String::new(),
            filename: name.to_owned(),
            filename_as_written: None,
            description: None,
            flawed: false,
            wrapper: None,
            uuencoded: false,
        }
    }

    fn extract(root: &Path, names: &[&str]) -> anyhow::Result<()> {
        let mut extraction = Folder::open(root)?.begin();
        for name in names {
            extraction.document(&head(name));
            extraction.body(name.as_bytes());
            extraction.end_document(&DocumentEnd {
                ordinal: 1,
                size_bytes: name.len() as u64,
            });
        }
        extraction.finish(accession())?.publish()
    }

    fn entries(root: &Path) -> Vec<String> {
        let names = fs::read_dir(root)
            .unwrap()
            .map(|entry| entry.unwrap().file_name());
        names.map(|name| name.into_string().unwrap()).collect()
    }

    #[test]
    fn documents_lie_in_the_folder_of_their_accession() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("new");

        extract(&root, &["a.htm", "b.xml"]).unwrap();

        assert_eq!(entries(&root), ["000199999926000042"]);
        assert_eq!(
            fs::read(root.join("000199999926000042/b.xml")).unwrap(),
            b"b.xml"
        );
    }

    #[test]
    fn files_of_the_same_accession_do_not_mix() {
        let dir = tempfile::tempdir().unwrap();
        extract(dir.path(), &["a.htm"]).unwrap();

        let again = extract(dir.path(), &["b.htm"]).unwrap_err();

        assert!(again.to_string().contains("exists already"), "{again}");
        assert_eq!(entries(&dir.path().join("000199999926000042")), ["a.htm"]);
        assert_eq!(entries(dir.path()).len(), 1);
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        for name in ["../a", "/tmp/a", "a/b", "..", ".", "", "a/", "./a"] {
            assert!(extract(&root, &[name]).is_err(), "{name}");
        }
        assert_eq!(entries(dir.path()), ["root"]);
        assert!(entries(&root).is_empty());
    }

    #[test]
    fn a_submission_without_a_number_has_no_folder() {
        let dir = tempfile::tempdir().unwrap();
        let extraction = Folder::open(dir.path()).unwrap().begin();

        assert!(extraction.finish(None).is_err());
        assert!(entries(dir.path()).is_empty());
    }
}
