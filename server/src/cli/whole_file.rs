//! Files that appear whole or not at all.

use std::{
    fs::{self, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use anyhow::Context;
use tempfile::NamedTempFile;

/// Lets `write` fill a file that gets its name when it is whole, in place of one that is
/// there. What is there and no file, such as `/dev/null` or a pipe, is written to and stays
/// what it is, and so does a link.
///
/// # Errors
/// Those of `write`, and when the file cannot be made.
pub(super) fn write(
    file: &Path,
    write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let linked = fs::canonicalize(file);
    let file = linked.as_deref().unwrap_or(file);
    let cannot = || format!("cannot write {}", file.display());
    if fs::metadata(file).is_ok_and(|there| !there.is_file()) {
        let mut opened = fs::OpenOptions::new()
            .write(true)
            .open(file)
            .with_context(cannot)?;
        return write(&mut opened);
    }
    filled(file, write)?.persist(file).with_context(cannot)?;
    Ok(())
}

/// As [`write`], where nothing may be yet.
///
/// # Errors
/// Also when there is something.
pub(super) fn create(
    file: &Path,
    write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let named = filled(file, write)?.persist_noclobber(file);
    match named {
        Ok(_) => Ok(()),
        Err(taken) if taken.error.kind() == io::ErrorKind::AlreadyExists => {
            anyhow::bail!(
                "{} exists already; remove it or choose another folder",
                file.display()
            )
        }
        Err(error) => Err(error).with_context(|| format!("cannot write {}", file.display())),
    }
}

/// What is to be `file`, whole and on the disk, without its name.
fn filled(
    file: &Path,
    write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>,
) -> anyhow::Result<NamedTempFile> {
    let cannot = || format!("cannot write {}", file.display());
    let mut draft = draft(folder_of(file)).with_context(cannot)?;
    let mut out = io::BufWriter::new(draft.as_file_mut());
    write(&mut out)?;
    out.flush().with_context(cannot)?;
    drop(out);
    draft.as_file().sync_all().with_context(cannot)?;
    Ok(draft)
}

/// The folder in which `file` lies.
pub(super) fn folder_of(file: &Path) -> &Path {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// A file that is not there yet. Its name means nothing to the user and is in no error.
fn draft(folder: &Path) -> io::Result<NamedTempFile> {
    fs::metadata(folder)?;
    // As a plain open: the user's umask decides who may read it.
    tempfile::Builder::new()
        .prefix(".filingwire-")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)
        .map_err(|error| error.kind().into())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_link_stays_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let [file, link] = ["file", "link"].map(|name| dir.path().join(name));
        fs::write(&file, "before").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();

        write(&link, |out| Ok(out.write_all(b"after")?)).unwrap();

        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"after");
    }

    #[test]
    fn a_file_that_cannot_be_made_is_told_by_its_own_name_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("absent/file");

        let error = format!("{:#}", write(&file, |_| Ok(())).unwrap_err());

        let named = format!("cannot write {}: ", file.display());
        assert!(error.starts_with(&named), "{error}");
        assert!(!error.contains(".filingwire-"), "{error}");
    }

    #[test]
    fn what_is_no_file_is_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();

        write(&socket, |_| Ok(())).unwrap_err();
        write(dir.path(), |_| Ok(())).unwrap_err();

        assert!(!fs::metadata(&socket).unwrap().is_file() && dir.path().is_dir());
    }
}
