//! Storing objects: small ones in one request, large ones in parts.

use std::{collections::HashMap, io};

use aws_sdk_s3::{error::SdkError, operation::put_object::PutObjectError, primitives::ByteStream};
use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::{fs::File, io::AsyncReadExt, sync::SemaphorePermit};

use super::{MEMORY_UNIT, S3Bucket, multipart};
use crate::{error::BucketError, key::Key, staging::Staged};

/// Names of what is kept with an object.
pub(super) const SHA256: &str = "sha256";
pub(super) const PUT_ID: &str = "put-id";

/// What a put may find under its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    Nothing,
    Anything,
}

impl Over {
    /// The value of `If-None-Match`.
    pub(super) fn condition(self) -> Option<String> {
        (self == Self::Nothing).then(|| "*".to_owned())
    }
}

/// A whole object on its way.
pub(super) struct Body<'a> {
    pub(super) id: String,
    pub(super) sha256: &'a str,
    pub(super) bytes: Bytes,
}

impl S3Bucket {
    /// Puts an object where none is.
    pub(super) async fn put_absent(&self, key: &Key, object: &Staged) -> Result<(), BucketError> {
        let refuses_taken = self.refuses_taken().await?;
        if object.bytes() > multipart::PART {
            self.ensure_absent(key).await?;
            return self.put_in_parts(key, object, Over::Nothing).await;
        }
        let memory = self.memory_for(object.bytes()).await;
        let body = self.whole(key, object).await?;
        let _turn = self.turn(key).await;
        if !refuses_taken {
            self.ensure_absent(key).await?;
        }
        let id = body.id.clone();
        let sent = self.send(key, body, Over::Nothing).await;
        drop(memory);
        match sent.map_err(|error| self.role(key, error)) {
            // The answer to a second attempt, when that to the first got lost.
            Err(BucketError::AlreadyExists(_)) if self.is_ours(key, &id).await? => Ok(()),
            done => done,
        }
    }

    /// Puts an object whether there is one or not.
    pub(super) async fn put_over(&self, key: &Key, object: &Staged) -> Result<(), BucketError> {
        if object.bytes() > multipart::PART {
            return self.put_in_parts(key, object, Over::Anything).await;
        }
        let _memory = self.memory_for(object.bytes()).await;
        let body = self.whole(key, object).await?;
        let sent = self.send(key, body, Over::Anything).await;
        sent.map_err(|error| self.role(key, error))
    }

    /// # Errors
    /// [`BucketError::AlreadyExists`] when the key is taken.
    pub(super) async fn ensure_absent(&self, key: &Key) -> Result<(), BucketError> {
        match self.stored(key).await {
            Ok(_) => Err(BucketError::AlreadyExists(key.clone())),
            Err(BucketError::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Whether the object under the key came by the put of this name.
    pub(super) async fn is_ours(&self, key: &Key, id: &str) -> Result<bool, BucketError> {
        let stored = self.stored(key).await?;
        Ok(stored.put_id.as_deref() == Some(id))
    }

    /// One request that puts a whole object.
    pub(super) async fn send(
        &self,
        key: &Key,
        body: Body<'_>,
        over: Over,
    ) -> Result<(), SdkError<PutObjectError>> {
        let put = self.client.put_object().bucket(&self.name);
        let put = put
            .key(key.as_str())
            .content_type(key.media_type())
            .set_metadata(Some(metadata(&body.id, body.sha256)))
            .body(ByteStream::from(body.bytes));
        put.set_if_none_match(over.condition())
            .send()
            .await
            .map(drop)
    }

    /// Waits until so many bytes may be in memory.
    pub(super) async fn memory_for(&self, bytes: u64) -> SemaphorePermit<'_> {
        let units = bytes
            .min(multipart::PART)
            .div_ceil(MEMORY_UNIT as u64)
            .max(1);
        let permit = self.memory.acquire_many(units as u32).await;
        permit.expect("nobody closes the semaphore")
    }

    async fn whole<'a>(&self, key: &Key, object: &'a Staged) -> Result<Body<'a>, BucketError> {
        let mut pieces = Pieces::open(object).await.map_err(unreadable(key))?;
        let bytes = pieces.next().await.map_err(unreadable(key))?;
        pieces.check(object).map_err(unreadable(key))?;
        Ok(Body {
            id: self.put_id(),
            sha256: object.sha256(),
            bytes,
        })
    }
}

/// What is kept with an object.
pub(super) fn metadata(id: &str, sha256: &str) -> HashMap<String, String> {
    let kept = [(SHA256, sha256), (PUT_ID, id)];
    let kept = kept.into_iter().filter(|(_, value)| !value.is_empty());
    kept.map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

pub(super) fn unreadable(key: &Key) -> impl Fn(io::Error) -> BucketError {
    |source| BucketError::Unavailable {
        key: key.clone(),
        source,
    }
}

/// A staged object, read piece by piece; in the end it must have been what was staged.
pub(super) struct Pieces {
    file: File,
    hash: Sha256,
}

impl Pieces {
    pub(super) async fn open(object: &Staged) -> io::Result<Self> {
        Ok(Self {
            file: File::open(object.path()).await?,
            hash: Sha256::new(),
        })
    }

    /// The next [`multipart::PART`] bytes; fewer at the end, none after it.
    pub(super) async fn next(&mut self) -> io::Result<Bytes> {
        let left = self.file.metadata().await?.len();
        let mut piece = Vec::with_capacity(left.min(multipart::PART) as usize);
        let mut file = (&mut self.file).take(multipart::PART);
        file.read_to_end(&mut piece).await?;
        self.hash.update(&piece);
        Ok(piece.into())
    }

    pub(super) fn check(self, object: &Staged) -> io::Result<()> {
        if hex::encode(self.hash.finalize()) == object.sha256() {
            return Ok(());
        }
        let shown = object.path().display();
        Err(io::Error::other(format!(
            "`{shown}` is not what was written there; check the disk"
        )))
    }
}
