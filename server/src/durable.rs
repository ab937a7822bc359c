//! Small files of ours that are replaced as a whole and survive a power cut.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

/// Makes `bytes` the content of `path`, durably: whoever looks finds the old or the new.
/// Only one task writes a path at a time.
///
/// # Errors
/// When the disk does not take it; the file is then the old or the new one.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = path.with_added_extension("draft");
    let mut file = File::create(&draft)?;
    file.write_all(bytes)?;
    crashpoint::pass("durable.written");
    file.sync_all()?;
    crashpoint::pass("durable.synced");
    rename(&draft, path)
}

/// Gives a file that is whole another name, durably.
///
/// # Errors
/// When the disk fails; the file then has the old or the new name.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    crashpoint::pass("durable.renamed");
    File::open(to.parent().unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_leaves_no_draft() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.json");

        replace(&path, b"old").unwrap();
        replace(&path, b"new").unwrap();

        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
