//! A bucket in memory, for tests of what uses a bucket.

use std::{
    collections::BTreeMap,
    io,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    bucket::{Bucket, Object},
    error::BucketError,
    key::Key,
    staging::Staged,
};

/// A bucket in memory.
#[derive(Debug, Default)]
pub struct MemoryBucket {
    objects: Mutex<BTreeMap<Key, Bytes>>,
}

#[async_trait]
impl Bucket for MemoryBucket {
    async fn put(&self, key: &Key, object: &Staged) -> Result<(), BucketError> {
        let bytes = std::fs::read(object.path()).map_err(|e| BucketError::from_io(key, e))?;
        let mut objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        if objects.contains_key(key) {
            return Err(BucketError::AlreadyExists(key.clone()));
        }
        objects.insert(key.clone(), bytes.into());
        Ok(())
    }

    async fn open(&self, key: &Key) -> Result<Object, BucketError> {
        let objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = objects
            .get(key)
            .ok_or_else(|| BucketError::NotFound(key.clone()))?
            .clone();
        Ok(Object {
            bytes: bytes.len() as u64,
            body: Box::pin(io::Cursor::new(bytes)),
        })
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Key>, BucketError> {
        let objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(objects
            .keys()
            .filter(|key| key.as_str().starts_with(prefix))
            .cloned()
            .collect())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{conformance, staging::Staging};

    #[tokio::test]
    async fn memory_keeps_the_promises_of_a_bucket() {
        let dir = tempfile::tempdir().unwrap();
        let staging = Staging::open(dir.path()).unwrap();

        let bucket = MemoryBucket::default();

        conformance::check(Arc::new(bucket), &staging).await;
    }
}
