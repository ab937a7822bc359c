//! What every bucket offers.

use std::pin::Pin;

use async_trait::async_trait;
use tokio::io::AsyncRead;

use crate::{error::BucketError, key::Key, staging::Staged};

/// A store of immutable objects under keys.
#[async_trait]
pub trait Bucket: Send + Sync + std::fmt::Debug {
    /// Puts an object where none is, durably, in one step.
    ///
    /// # Errors
    /// [`BucketError::AlreadyExists`] when there is one; it is left as it is, whatever its
    /// bytes. Otherwise by role.
    async fn put(&self, key: &Key, object: &Staged) -> Result<(), BucketError>;

    /// Opens an object for reading.
    ///
    /// # Errors
    /// [`BucketError::NotFound`] when there is none. Otherwise by role.
    async fn open(&self, key: &Key) -> Result<Object, BucketError>;

    /// The keys that begin with `prefix`, sorted.
    ///
    /// # Errors
    /// By role.
    async fn list(&self, prefix: &str) -> Result<Vec<Key>, BucketError>;
}

/// An object being read.
pub struct Object {
    /// Its length.
    pub bytes: u64,
    /// Its bytes.
    pub body: Pin<Box<dyn AsyncRead + Send>>,
}

impl std::fmt::Debug for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Object")
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}
