//! Small files of ours that are replaced as a whole and survive a power cut.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Makes `bytes` the content of `path`, durably: whoever looks finds the old or the new.
/// Only one task writes a path at a time.
///
/// # Errors
/// When the disk does not take it; the file is then the old or the new one.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = draft_of(path);
    fill(File::create(&draft)?, bytes)?;
    rename(&draft, path)
}

/// The same for what only its owner may read.
///
/// # Errors
/// As [`replace`].
pub(crate) fn replace_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = draft_of(path);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let file = options.open(&draft)?;
    // One that was left there may have another mode.
    file.set_permissions(Permissions::from_mode(0o600))?;
    fill(file, bytes)?;
    rename(&draft, path)
}

fn draft_of(path: &Path) -> PathBuf {
    path.with_added_extension("draft")
}

fn fill(mut file: File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    crashpoint::pass("durable.written");
    file.sync_all()?;
    crashpoint::pass("durable.synced");
    Ok(())
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

    #[test]
    fn what_is_private_stays_so_whatever_draft_was_left_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.json");
        fs::write(draft_of(&path), "left over").unwrap();

        replace_private(&path, b"secret").unwrap();

        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(
            (mode & 0o777, fs::read(&path).unwrap()),
            (0o600, b"secret".to_vec())
        );
    }
}
