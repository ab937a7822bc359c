//! A bucket in a folder.
//!
//! A put links the staged file to its name, which fails when the name is taken, then
//! fsyncs the folder. So a name always stands for a whole object, also after a power cut.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use async_trait::async_trait;

use crate::{
    bucket::{Bucket, Object},
    error::BucketError,
    key::Key,
    staging::Staged,
};

/// A bucket in a folder.
#[derive(Debug, Clone)]
pub struct LocalBucket {
    root: PathBuf,
}

impl LocalBucket {
    /// Opens the folder, making it when it is missing.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(root: impl Into<PathBuf>) -> io::Result<Self> {
        let root = root.into();
        fs::create_dir_all(&root)?;
        Ok(Self { root })
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.root.join(key.as_str())
    }
}

#[async_trait]
impl Bucket for LocalBucket {
    async fn put(&self, key: &Key, object: &Staged) -> Result<(), BucketError> {
        let (root, path) = (self.root.clone(), self.path(key));
        let staged = object.path().to_owned();
        blocking(key, move || link(&root, &staged, &path)).await
    }

    async fn open(&self, key: &Key) -> Result<Object, BucketError> {
        let path = self.path(key);
        let open = move || File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (bytes, file) = blocking(key, open).await?;
        Ok(Object {
            bytes,
            body: Box::pin(tokio::fs::File::from_std(file)),
        })
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Key>, BucketError> {
        let (root, wanted) = (self.root.clone(), prefix.to_owned());
        let nowhere = Key::parse("list").expect("letters are a key");
        blocking(&nowhere, move || {
            let mut keys = Vec::new();
            collect(&root, "", &mut keys)?;
            keys.retain(|key| key.as_str().starts_with(&wanted));
            keys.sort();
            Ok(keys)
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(
    key: &Key,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, BucketError> {
    let done = tokio::task::spawn_blocking(work).await;
    let result = done.unwrap_or_else(|panic| Err(io::Error::other(panic)));
    result.map_err(|error| BucketError::from_io(key, error))
}

fn link(root: &Path, staged: &Path, path: &Path) -> io::Result<()> {
    let folder = path.parent().unwrap_or(root);
    if !folder.exists() {
        make_folder(root, folder)?;
    }
    match fs::hard_link(staged, path) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => copy(staged, path, folder)?,
        linked => linked?,
    }
    File::open(folder)?.sync_all()
}

fn make_folder(root: &Path, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for made in folder.ancestors().take_while(|made| made.starts_with(root)) {
        File::open(made)?.sync_all()?;
    }
    Ok(())
}

/// The staged file lies on another file system: copy it beside its name, then link.
fn copy(staged: &Path, path: &Path, folder: &Path) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = folder.join(format!(".{name}.draft"));
    fs::copy(staged, &beside)?;
    File::open(&beside)?.sync_all()?;
    let linked = fs::hard_link(&beside, path);
    fs::remove_file(&beside)?;
    linked
}

fn collect(folder: &Path, prefix: &str, keys: &mut Vec<Key>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{name}/"), keys)?;
        } else if let Ok(key) = Key::parse(&name) {
            keys.push(key);
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{conformance, staging::Staging};

    #[tokio::test]
    async fn a_folder_keeps_the_promises_of_a_bucket() {
        let dir = tempfile::tempdir().unwrap();
        let staging = Staging::open(dir.path().join("staging")).unwrap();

        let bucket = LocalBucket::open(dir.path().join("bucket")).unwrap();

        conformance::check(Arc::new(bucket), &staging).await;
    }

    #[tokio::test]
    async fn a_staged_file_of_another_file_system_is_copied() {
        let dir = tempfile::tempdir().unwrap();
        let staged = dir.path().join("staged");
        fs::write(&staged, "bytes").unwrap();
        let path = dir.path().join("name");

        copy(&staged, &path, dir.path()).unwrap();
        let again = copy(&staged, &path, dir.path()).unwrap_err();

        assert_eq!(fs::read(&path).unwrap(), b"bytes");
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[tokio::test]
    async fn a_folder_without_permission_is_denied_or_absent() {
        let dir = tempfile::tempdir().unwrap();
        let bucket = LocalBucket::open(dir.path()).unwrap();
        let key = Key::parse("taken").unwrap();
        fs::create_dir(dir.path().join("taken")).unwrap();

        let nested = bucket
            .open(&Key::parse("no/such/object").unwrap())
            .await
            .unwrap_err();
        let staging = Staging::open(dir.path().join("staging")).unwrap();
        let put = bucket
            .put(&key, &staging.draft().unwrap().finish().unwrap())
            .await
            .unwrap_err();

        assert!(matches!(nested, BucketError::NotFound(_)));
        assert!(matches!(put, BucketError::AlreadyExists(_)));
    }
}
