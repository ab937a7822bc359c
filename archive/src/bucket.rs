//! What every bucket offers.

use std::{ops::Range, pin::Pin, time::Duration};

use async_trait::async_trait;
use tokio::{io::AsyncRead, sync::mpsc};

use crate::{error::BucketError, key::Key, staging::Staged};

/// A store of immutable objects under keys.
#[async_trait]
pub trait Bucket: Send + Sync + std::fmt::Debug {
    /// Finds out whether objects can be put here, so that a mistake in the configuration
    /// shows before the first put.
    ///
    /// # Errors
    /// [`BucketError::Denied`] when somebody must act; [`BucketError::Unavailable`] when it
    /// cannot be found out for now.
    async fn check(&self) -> Result<(), BucketError> {
        Ok(())
    }

    /// Puts an object where none is, durably, in one step.
    ///
    /// # Errors
    /// [`BucketError::AlreadyExists`] when there is one; it is left as it is, whatever its
    /// bytes. Otherwise by role.
    async fn put(&self, key: &Key, object: &Staged) -> Result<(), BucketError>;

    /// Puts an object whether there is one or not, durably, in one step: a reader finds
    /// the bytes of before or these. Only for inventories; what is archived never changes.
    ///
    /// # Errors
    /// By role.
    async fn replace(&self, key: &Key, object: &Staged) -> Result<(), BucketError>;

    /// What is known of an object without reading it.
    ///
    /// # Errors
    /// [`BucketError::NotFound`] when there is none. Otherwise by role.
    async fn head(&self, key: &Key) -> Result<Head, BucketError>;

    /// Opens an object for reading.
    ///
    /// # Errors
    /// [`BucketError::NotFound`] when there is none. Otherwise by role.
    async fn open(&self, key: &Key) -> Result<Object, BucketError>;

    /// Opens the bytes of an object that lie in `range`, cut at the object's end.
    ///
    /// # Errors
    /// As [`Bucket::open`].
    async fn open_range(&self, key: &Key, range: Range<u64>) -> Result<Object, BucketError>;

    /// The keys that begin with `prefix`, in any order.
    ///
    /// # Errors
    /// By role; also each batch of the [`Listing`] can fail.
    async fn list(&self, prefix: &str) -> Result<Listing, BucketError>;

    /// A URL from which anybody can read the object for as long as `life`, whether there
    /// is one or not; `None` where the bucket has no such URLs.
    ///
    /// # Errors
    /// By role.
    async fn presign(&self, _key: &Key, _life: Duration) -> Result<Option<String>, BucketError> {
        Ok(None)
    }
}

/// What is known of an object without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256 as it was put, 64 hexadecimal digits; only buckets that keep it tell it.
    pub sha256: Option<String>,
}

/// An object, or a range of one, being read.
pub struct Object {
    /// How many bytes will come.
    pub bytes: u64,
    /// The bytes.
    pub body: Pin<Box<dyn AsyncRead + Send>>,
}

impl std::fmt::Debug for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Object")
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

/// A list of keys as it comes in, batch by batch: a bucket may have twenty million.
#[derive(Debug)]
pub struct Listing(mpsc::Receiver<Batch>);

/// Some of the keys, or why there are no more.
pub(crate) type Batch = Result<Vec<Key>, BucketError>;

/// Batches that wait for their reader; whoever lists goes no further.
const BATCHES: usize = 2;

impl Listing {
    /// A list, and where its batches go in. Whoever sends finds out that nobody reads any
    /// more by the closed channel.
    pub(crate) fn new() -> (mpsc::Sender<Batch>, Self) {
        let (batches, listed) = mpsc::channel(BATCHES);
        (batches, Self(listed))
    }

    /// The next batch; `None` after the last. A batch may be empty.
    ///
    /// # Errors
    /// By role; nothing comes after an error.
    pub async fn next(&mut self) -> Result<Option<Vec<Key>>, BucketError> {
        self.0.recv().await.transpose()
    }

    /// All keys, sorted: for small lists.
    ///
    /// # Errors
    /// As [`Listing::next`].
    pub async fn all(mut self) -> Result<Vec<Key>, BucketError> {
        let mut keys = Vec::new();
        while let Some(batch) = self.next().await? {
            keys.extend(batch);
        }
        keys.sort();
        Ok(keys)
    }
}
