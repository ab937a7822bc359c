//! Recorded files in memory, in groups that are read for one purpose each.
//!
//! Elsewhere: what is done with them (`ours`, `peers`).
//! Invariant: what a file is decides its content, never its name or form.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use edgar::sgml;
use memchr::memmem;

/// Inputs for one purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    /// All recorded submissions.
    Submissions,
    /// Those without uuencoded documents.
    Text,
    /// Uuencoded documents by themselves.
    Payloads,
    /// What the archive compresses of all submissions: each document, and each whole.
    Members,
    /// XBRL instances.
    Instances,
}

/// The groups.
#[derive(Debug)]
pub(crate) struct Inputs {
    submissions: Vec<Vec<u8>>,
    text: Vec<Vec<u8>>,
    payloads: Vec<Vec<u8>>,
    members: Vec<Vec<u8>>,
    instances: Vec<Vec<u8>>,
}

impl Inputs {
    /// Reads and sorts what is recorded in `folder`.
    ///
    /// # Errors
    /// When it is not there, or lacks what must be measured.
    pub(crate) fn load(folder: &Path) -> anyhow::Result<Self> {
        if !folder.is_dir() {
            bail!(
                "there are no recorded files in {}: say where with --recorded",
                folder.display()
            );
        }
        let mut submissions = files(&folder.join("full-submission"))?;
        submissions.extend(files(&folder.join("pds-nc"))?);
        let mut inputs = Self {
            submissions,
            text: Vec::new(),
            payloads: Vec::new(),
            members: Vec::new(),
            instances: files(&folder.join("xbrl-instance"))?,
        };
        for bytes in &inputs.submissions {
            let read = sgml::read(bytes).context("a recorded submission")?;
            match read
                .documents
                .iter()
                .any(|document| document.head.uuencoded)
            {
                true => inputs.payloads.extend(payloads(bytes)),
                false => inputs.text.push(bytes.clone()),
            }
            let documents = read.documents.into_iter();
            let documents = documents.map(|document| document.bytes.into_owned());
            inputs.members.extend(documents);
            inputs.members.push(bytes.clone());
        }
        let groups = [&inputs.text, &inputs.payloads, &inputs.instances];
        if groups.iter().any(|group| group.is_empty()) {
            bail!("{} lacks what is to be measured", folder.display());
        }
        Ok(inputs)
    }

    /// The inputs of a group.
    pub(crate) fn of(&self, group: Group) -> &[Vec<u8>] {
        match group {
            Group::Submissions => &self.submissions,
            Group::Text => &self.text,
            Group::Payloads => &self.payloads,
            Group::Members => &self.members,
            Group::Instances => &self.instances,
        }
    }

    /// Bytes of a group.
    pub(crate) fn bytes(&self, group: Group) -> usize {
        self.of(group).iter().map(Vec::len).sum()
    }

    /// How often a group is read until `megabytes` are reached.
    pub(crate) fn passes(&self, group: Group, megabytes: usize) -> usize {
        (megabytes * 1_000_000).div_ceil(self.bytes(group).max(1))
    }
}

/// The files below `folder`, decompressed, in the order of their names.
fn files(folder: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut paths = Vec::new();
    collect(folder, &mut paths).with_context(|| folder.display().to_string())?;
    paths.sort();
    let files = paths.iter().map(|path| {
        let bytes = fs::read(path)?;
        match path.extension().is_some_and(|extension| extension == "zst") {
            true => Ok(zstd::decode_all(&*bytes)?),
            false => Ok(bytes),
        }
    });
    files.collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => collect(&path, paths)?,
            false => paths.push(path),
        }
    }
    Ok(())
}

/// The uuencoded documents of a submission, from `begin` to `end`, each with just the tags
/// that make it a document.
fn payloads(submission: &[u8]) -> Vec<Vec<u8>> {
    const END: &[u8] = b"\nend\n";
    let begins = memmem::find_iter(submission, b"\nbegin 644 ");
    let whole = begins.filter_map(|begin| {
        let rest = &submission[begin..];
        let end = memmem::find(rest, END)? + END.len();
        let head: &[u8] = b"<DOCUMENT>\n<TYPE>GRAPHIC\n<TEXT>";
        Some([head, &rest[..end], b"</TEXT>\n</DOCUMENT>\n"].concat())
    });
    whole.collect()
}
