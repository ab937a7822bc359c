//! A bucket in a folder.
//!
//! A put links the staged file to its name, which fails when the name is taken, then
//! fsyncs the folder. So a name always stands for a whole object, also after a power cut.
//! The staging folder lies in the bucket's folder, because links do not cross file systems.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
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
    /// Folders whose own names are known to survive a power cut.
    durable: Arc<Mutex<BTreeSet<PathBuf>>>,
}

impl LocalBucket {
    /// Opens the folder, making it when it is missing.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(root: impl Into<PathBuf>) -> io::Result<Self> {
        let root = root.into();
        fs::create_dir_all(&root)?;
        if let Some(parent) = root.canonicalize()?.parent() {
            File::open(parent)?.sync_all()?;
        }
        Ok(Self {
            root,
            durable: Arc::default(),
        })
    }

    /// Where objects of this bucket are to be staged; no key leads there.
    pub fn staging_folder(&self) -> PathBuf {
        self.root.join(".staging")
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.root.join(key.as_str())
    }

    fn link(&self, staged: &Path, path: &Path) -> io::Result<()> {
        let folder = path.parent().unwrap_or(&self.root);
        self.make_durable(folder)?;
        let linked = fs::hard_link(staged, path);
        // Also for a name that was taken: whoever took it may not have come this far.
        File::open(folder)?.sync_all()?;
        linked
    }

    fn make_durable(&self, folder: &Path) -> io::Result<()> {
        let mut durable = self.durable.lock().unwrap_or_else(PoisonError::into_inner);
        if durable.contains(folder) {
            return Ok(());
        }
        fs::create_dir_all(folder)?;
        for made in folder
            .ancestors()
            .take_while(|made| made.starts_with(&self.root))
        {
            File::open(made)?.sync_all()?;
        }
        durable.insert(folder.to_owned());
        Ok(())
    }
}

#[async_trait]
impl Bucket for LocalBucket {
    async fn put(&self, key: &Key, object: &Staged) -> Result<(), BucketError> {
        let (this, path) = (self.clone(), self.path(key));
        let staged = object.path().to_owned();
        blocking(key, move || this.link(&staged, &path)).await
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
    use super::*;
    use crate::{conformance, staging::Staging};

    #[tokio::test]
    async fn a_folder_keeps_the_promises_of_a_bucket() {
        let dir = tempfile::tempdir().unwrap();
        let bucket = LocalBucket::open(dir.path().join("bucket")).unwrap();

        let staging = Staging::open(bucket.staging_folder()).unwrap();

        conformance::check(Arc::new(bucket), &staging).await;
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
