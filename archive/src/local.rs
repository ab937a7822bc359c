//! A bucket in a folder.
//!
//! A put links the staged file to its name, which fails when the name is taken, then
//! fsyncs the folder. So a name always stands for a whole object, also after a power cut.
//! A replacement gets a second name first, which is then renamed to the key.
//! The staging folder lies in the bucket's folder, because links do not cross file systems.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Seek, SeekFrom},
    mem,
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use tokio::{io::AsyncReadExt, sync::mpsc};

use crate::{
    bucket::{Batch, Bucket, Head, Listing, Object},
    error::BucketError,
    key::Key,
    staging::Staged,
};

/// Keys in a batch of a list.
const BATCH: usize = 1_000;

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

    /// Where staged objects can be kept until they are put; no key leads there.
    pub fn parking_folder(&self) -> PathBuf {
        self.root.join(".parked")
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.root.join(key.as_str())
    }

    fn link(&self, staged: &Path, path: &Path) -> io::Result<()> {
        let folder = path.parent().unwrap_or(&self.root);
        self.make_durable(folder)?;
        let linked = fs::hard_link(staged, path);
        crashpoint::pass("bucket.linked");
        // Also for a name that was taken: whoever took it may not have come this far.
        File::open(folder)?.sync_all()?;
        crashpoint::pass("bucket.put");
        linked
    }

    fn rename(&self, staged: &Path, path: &Path) -> io::Result<()> {
        let folder = path.parent().unwrap_or(&self.root);
        self.make_durable(folder)?;
        let second = staged.with_extension("second");
        fs::hard_link(staged, &second)?;
        let renamed = fs::rename(&second, path);
        // It is still there when the key has this very file already, or nothing was renamed.
        let _ = fs::remove_file(&second);
        crashpoint::pass("bucket.replaced");
        renamed.and_then(|()| File::open(folder)?.sync_all())
    }

    fn make_durable(&self, folder: &Path) -> io::Result<()> {
        let mut durable = self.durable.lock().unwrap_or_else(PoisonError::into_inner);
        if durable.contains(folder) {
            return Ok(());
        }
        fs::create_dir_all(folder)?;
        crashpoint::pass("bucket.folder_made");
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

    async fn replace(&self, key: &Key, object: &Staged) -> Result<(), BucketError> {
        let (this, path) = (self.clone(), self.path(key));
        let staged = object.path().to_owned();
        blocking(key, move || this.rename(&staged, &path)).await
    }

    async fn head(&self, key: &Key) -> Result<Head, BucketError> {
        let path = self.path(key);
        let (bytes, _) = blocking(key, move || open(&path)).await?;
        Ok(Head {
            bytes,
            sha256: None,
        })
    }

    async fn open(&self, key: &Key) -> Result<Object, BucketError> {
        self.open_range(key, 0..u64::MAX).await
    }

    async fn open_range(&self, key: &Key, range: Range<u64>) -> Result<Object, BucketError> {
        let path = self.path(key);
        let open = move || {
            let (bytes, mut file) = open(&path)?;
            let start = range.start.min(bytes);
            file.seek(SeekFrom::Start(start))?;
            Ok((range.end.min(bytes).saturating_sub(start), file))
        };
        let (bytes, file) = blocking(key, open).await?;
        Ok(Object {
            bytes,
            body: Box::pin(tokio::fs::File::from_std(file).take(bytes)),
        })
    }

    async fn list(&self, prefix: &str) -> Result<Listing, BucketError> {
        let (root, prefix) = (self.root.clone(), prefix.to_owned());
        let (batches, listing) = Listing::new();
        tokio::task::spawn_blocking(move || {
            let walk = Walk {
                prefix,
                batch: Vec::new(),
                batches,
            };
            walk.run(&root);
        });
        Ok(listing)
    }
}

/// A file and its length; a folder is no object.
fn open(path: &Path) -> io::Result<(u64, File)> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok((metadata.len(), file))
}

async fn blocking<T: Send + 'static>(
    key: &Key,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, BucketError> {
    let done = tokio::task::spawn_blocking(work).await;
    let result = done.unwrap_or_else(|panic| Err(io::Error::other(panic)));
    result.map_err(|error| BucketError::from_io(key, error))
}

/// A list being made.
struct Walk {
    prefix: String,
    batch: Vec<Key>,
    batches: mpsc::Sender<Batch>,
}

impl Walk {
    /// Lists the bucket to its end, or until nobody reads the list any more.
    fn run(mut self, root: &Path) {
        let walked = self.folder(root, "").and_then(|()| self.send());
        if let Err(error) = walked {
            let nowhere = Key::parse("list").expect("letters are a key");
            // Nobody hears it when the channel is what failed.
            let _ = self
                .batches
                .blocking_send(Err(BucketError::from_io(&nowhere, error)));
        }
    }

    /// Lists a folder, whose keys begin with `name`.
    fn folder(&mut self, path: &Path, name: &str) -> io::Result<()> {
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let name = format!("{name}{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                let name = name + "/";
                if name.starts_with(&self.prefix) || self.prefix.starts_with(&name) {
                    self.folder(&entry.path(), &name)?;
                }
            } else if name.starts_with(&self.prefix) {
                self.file(&name)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, name: &str) -> io::Result<()> {
        // What is staged has no name that is a key.
        self.batch.extend(Key::parse(name));
        if self.batch.len() < BATCH {
            return Ok(());
        }
        self.send()
    }

    fn send(&mut self) -> io::Result<()> {
        let batch = mem::take(&mut self.batch);
        let sent = self.batches.blocking_send(Ok(batch));
        sent.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
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
    async fn a_replacement_leaves_nothing_in_the_staging_folder() {
        let dir = tempfile::tempdir().unwrap();
        let bucket = LocalBucket::open(dir.path()).unwrap();
        let staging = Staging::open(bucket.staging_folder()).unwrap();
        let (key, object) = (
            Key::parse("replaced").unwrap(),
            staging.draft().unwrap().finish().unwrap(),
        );

        bucket.replace(&key, &object).await.unwrap();
        bucket.replace(&key, &object).await.unwrap();
        drop(object);

        assert_eq!(fs::read_dir(staging.folder()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_folder_is_no_object_and_a_file_in_its_place_tells_of_none() {
        let dir = tempfile::tempdir().unwrap();
        let bucket = LocalBucket::open(dir.path()).unwrap();
        fs::create_dir(dir.path().join("folder")).unwrap();
        fs::write(dir.path().join("file"), b"x").unwrap();

        let folder = bucket.head(&Key::parse("folder").unwrap()).await;
        let below = bucket.head(&Key::parse("file/below").unwrap()).await;

        assert!(
            matches!(folder, Err(BucketError::NotFound(_))),
            "{folder:?}"
        );
        assert!(
            matches!(below, Err(BucketError::Unavailable { .. })),
            "{below:?}"
        );
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
