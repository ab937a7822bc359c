//! A bucket in memory, for tests of what uses a bucket.

use std::{
    collections::BTreeMap,
    io,
    ops::Range,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    bucket::{Bucket, Head, Listing, Object},
    error::BucketError,
    key::Key,
    staging::Staged,
};

/// Keys in a batch of a list.
const BATCH: usize = 1_000;

/// A bucket in memory, which can be switched off.
#[derive(Debug, Default)]
pub struct MemoryBucket {
    objects: Mutex<BTreeMap<Key, Bytes>>,
    is_off: AtomicBool,
    refuses: AtomicBool,
}

impl MemoryBucket {
    /// From now on it takes and gives objects, or does not.
    pub fn switch(&self, on: bool) {
        self.is_off.store(!on, Ordering::SeqCst);
    }

    /// From now on it refuses what is put, and gives what it has, or takes it again.
    pub fn refuse_puts(&self, refuses: bool) {
        self.refuses.store(refuses, Ordering::SeqCst);
    }

    fn answer(&self, key: &Key) -> Result<(), BucketError> {
        unless(&self.is_off, "switched off", key)
    }

    fn take(&self, key: &Key) -> Result<(), BucketError> {
        self.answer(key)?;
        unless(&self.refuses, "nothing is taken", key)
    }

    fn objects(&self) -> MutexGuard<'_, BTreeMap<Key, Bytes>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, key: &Key) -> Result<Bytes, BucketError> {
        self.answer(key)?;
        let found = self.objects().get(key).cloned();
        found.ok_or_else(|| BucketError::NotFound(key.clone()))
    }
}

#[async_trait]
impl Bucket for MemoryBucket {
    async fn check(&self) -> Result<(), BucketError> {
        self.answer(&Key::parse("check").expect("a key"))
    }

    async fn put(&self, key: &Key, object: &Staged) -> Result<(), BucketError> {
        self.take(key)?;
        let bytes = read(key, object)?;
        let mut objects = self.objects();
        if objects.contains_key(key) {
            return Err(BucketError::AlreadyExists(key.clone()));
        }
        objects.insert(key.clone(), bytes);
        Ok(())
    }

    async fn replace(&self, key: &Key, object: &Staged) -> Result<(), BucketError> {
        self.take(key)?;
        let bytes = read(key, object)?;
        self.objects().insert(key.clone(), bytes);
        Ok(())
    }

    async fn head(&self, key: &Key) -> Result<Head, BucketError> {
        let bytes = self.find(key)?.len() as u64;
        Ok(Head {
            bytes,
            sha256: None,
        })
    }

    async fn open(&self, key: &Key) -> Result<Object, BucketError> {
        self.find(key).map(object)
    }

    async fn open_range(&self, key: &Key, range: Range<u64>) -> Result<Object, BucketError> {
        let bytes = self.find(key)?;
        let within =
            |place: u64| usize::try_from(place).map_or(bytes.len(), |p| p.min(bytes.len()));
        let end = within(range.end);
        Ok(object(bytes.slice(within(range.start).min(end)..end)))
    }

    async fn list(&self, prefix: &str) -> Result<Listing, BucketError> {
        let keys: Vec<Key> = self.objects().keys().cloned().collect();
        let prefix = prefix.to_owned();
        let (batches, listing) = Listing::new();
        tokio::spawn(async move {
            let keys: Vec<Key> = keys
                .into_iter()
                .filter(|k| k.as_str().starts_with(&prefix))
                .collect();
            for batch in keys.chunks(BATCH) {
                if batches.send(Ok(batch.to_vec())).await.is_err() {
                    return;
                }
            }
        });
        Ok(listing)
    }
}

fn unless(switch: &AtomicBool, why: &str, key: &Key) -> Result<(), BucketError> {
    if !switch.load(Ordering::SeqCst) {
        return Ok(());
    }
    let (key, source) = (key.clone(), io::Error::other(why));
    Err(BucketError::Unavailable { key, source })
}

fn read(key: &Key, object: &Staged) -> Result<Bytes, BucketError> {
    let bytes = std::fs::read(object.path()).map_err(|e| BucketError::from_io(key, e))?;
    Ok(bytes.into())
}

fn object(bytes: Bytes) -> Object {
    Object {
        bytes: bytes.len() as u64,
        body: Box::pin(io::Cursor::new(bytes)),
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
