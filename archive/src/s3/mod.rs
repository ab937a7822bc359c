//! A bucket of an S3-compatible server: AWS, R2, Ceph, MinIO, Garage.
//!
//! `client` builds what speaks to the server, `put` and `multipart` store, `read`
//! finds, reads, lists and signs, `roles` sorts the server's answers by what can be done.
//!
//! Every body is in memory while it is sent, at most `MEMORY` of all together, so that
//! its SHA-256 is part of the signature: a server takes no byte that is not as it was
//! staged, whatever checksums it knows besides.
//!
//! Invariant: a key that is taken keeps its object. The server refuses to overwrite it
//! (`If-None-Match: *`); of servers that do not (`probe`) it is asked before each put,
//! which is enough as long as one process puts.

mod client;
mod multipart;
mod probe;
mod put;
mod read;
mod roles;
#[cfg(test)]
mod tests;

use std::{
    hash::{BuildHasher, RandomState},
    ops::Range,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use aws_sdk_s3::Client;
use tokio::sync::{Mutex, MutexGuard, OnceCell, Semaphore};

pub use client::{Config, KeyPair, Patience};

use crate::{
    bucket::{Bucket, Head, Listing, Object},
    error::BucketError,
    key::Key,
    staging::Staged,
};

/// Bytes of bodies that are in memory at a time.
const MEMORY: usize = 32 << 20;

/// The unit in which memory is given out: what a small object takes.
const MEMORY_UNIT: usize = 64 << 10;

/// Keys that can be decided upon at a time, more or less.
const TURNS: usize = 64;

/// A bucket of an S3-compatible server.
#[derive(Debug)]
pub struct S3Bucket {
    client: Client,
    name: String,
    page_keys: u16,
    memory: Semaphore,
    turns: [Mutex<()>; TURNS],
    hasher: RandomState,
    puts: AtomicU64,
    /// Whether the server refuses a conditional put of a taken key; found out once.
    refuses_taken: OnceCell<bool>,
}

impl S3Bucket {
    /// Gets ready to speak to the server; it is asked nothing yet.
    pub async fn open(config: &Config) -> Self {
        Self {
            client: client::build(config).await,
            name: config.bucket.clone(),
            page_keys: config.page_keys,
            memory: Semaphore::new(MEMORY / MEMORY_UNIT),
            turns: [const { Mutex::const_new(()) }; TURNS],
            hasher: RandomState::new(),
            puts: AtomicU64::new(0),
            refuses_taken: OnceCell::new(),
        }
    }

    /// Until it is dropped nobody else of this process decides whether this key is taken.
    async fn turn(&self, key: &Key) -> MutexGuard<'_, ()> {
        let place = self.hasher.hash_one(key) % TURNS as u64;
        self.turns[place as usize].lock().await
    }

    /// A name for one put, by which we know an object to be ours when the answer got lost.
    fn put_id(&self) -> String {
        let number = self.puts.fetch_add(1, Ordering::Relaxed);
        format!("{:016x}", self.hasher.hash_one(number))
    }
}

#[async_trait]
impl Bucket for S3Bucket {
    async fn check(&self) -> Result<(), BucketError> {
        self.look_in().await?;
        self.refuses_taken().await.map(drop)
    }

    async fn put(&self, key: &Key, object: &Staged) -> Result<(), BucketError> {
        self.put_absent(key, object).await
    }

    async fn replace(&self, key: &Key, object: &Staged) -> Result<(), BucketError> {
        self.put_over(key, object).await
    }

    async fn head(&self, key: &Key) -> Result<Head, BucketError> {
        self.stored(key).await.map(|stored| stored.head)
    }

    async fn open(&self, key: &Key) -> Result<Object, BucketError> {
        self.read_whole(key).await
    }

    async fn open_range(&self, key: &Key, range: Range<u64>) -> Result<Object, BucketError> {
        self.read_range(key, range).await
    }

    async fn list(&self, prefix: &str) -> Result<Listing, BucketError> {
        Ok(self.list_pages(prefix))
    }

    async fn presign(&self, key: &Key, life: Duration) -> Result<Option<String>, BucketError> {
        self.signed_url(key, life).await.map(Some)
    }
}
