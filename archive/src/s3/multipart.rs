//! Large objects, sent in parts and put together by the server in one step.
//!
//! What a crash leaves of an upload is in no object and in no list; a life-cycle rule of the
//! bucket removes it.

use std::io;

use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;

use super::{
    S3Bucket,
    put::{Over, Pieces, metadata, unreadable},
};
use crate::{error::BucketError, key::Key, staging::Staged};

/// Bytes of a part, and of the largest object that is sent whole. Ten thousand parts are
/// the most there may be: 80 GiB.
pub(super) const PART: u64 = 8 << 20;

/// An upload that is not put together yet.
struct Upload<'a> {
    bucket: &'a S3Bucket,
    key: &'a Key,
    put_id: String,
    upload_id: String,
}

impl S3Bucket {
    pub(super) async fn put_in_parts(
        &self,
        key: &Key,
        object: &Staged,
        over: Over,
    ) -> Result<(), BucketError> {
        let upload = self.begin(key, object).await?;
        let done = match upload.send(object).await {
            Ok(parts) => upload.complete(parts, over).await,
            Err(error) => Err(error),
        };
        if done.is_err() {
            upload.abort().await;
            return done;
        }
        self.ensure_length(key, object).await
    }

    async fn begin<'a>(&'a self, key: &'a Key, object: &Staged) -> Result<Upload<'a>, BucketError> {
        let put_id = self.put_id();
        let create = self.client.create_multipart_upload().bucket(&self.name);
        let created = create
            .key(key.as_str())
            .content_type(key.media_type())
            .set_metadata(Some(metadata(&put_id, object.sha256())))
            .send()
            .await
            .map_err(|error| self.role(key, error))?;
        Ok(Upload {
            bucket: self,
            key,
            put_id,
            upload_id: created.upload_id.unwrap_or_default(),
        })
    }

    /// Each part was signed; this is about what was made of them.
    async fn ensure_length(&self, key: &Key, object: &Staged) -> Result<(), BucketError> {
        let (sent, stored) = (object.bytes(), self.stored(key).await?.head.bytes);
        if sent == stored {
            return Ok(());
        }
        let told = format!("the server made an object of {stored} bytes of {sent} bytes");
        Err(unreadable(key)(io::Error::other(told)))
    }
}

impl Upload<'_> {
    async fn send(&self, object: &Staged) -> Result<Vec<CompletedPart>, BucketError> {
        let unreadable = unreadable(self.key);
        let mut pieces = Pieces::open(object).await.map_err(&unreadable)?;
        let mut parts = Vec::new();
        for number in 1.. {
            let _memory = self.bucket.memory_for(PART).await;
            let piece = pieces.next().await.map_err(&unreadable)?;
            if piece.is_empty() {
                break;
            }
            parts.push(self.send_part(number, piece).await?);
        }
        pieces.check(object).map_err(&unreadable)?;
        Ok(parts)
    }

    async fn send_part(&self, number: i32, piece: Bytes) -> Result<CompletedPart, BucketError> {
        let bucket = self.bucket;
        let part = bucket.client.upload_part().bucket(&bucket.name);
        let sent = part
            .key(self.key.as_str())
            .upload_id(&self.upload_id)
            .part_number(number)
            .body(piece.into())
            .send()
            .await
            .map_err(|error| bucket.role(self.key, error))?;
        Ok(CompletedPart::builder()
            .part_number(number)
            .set_e_tag(sent.e_tag)
            .build())
    }

    /// Not every server that knows conditional puts knows them here, so the key is looked
    /// up in any case.
    async fn complete(&self, parts: Vec<CompletedPart>, over: Over) -> Result<(), BucketError> {
        let (bucket, key) = (self.bucket, self.key);
        let _turn = bucket.turn(key).await;
        if over == Over::Nothing {
            bucket.ensure_absent(key).await?;
        }
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts));
        let complete = bucket.client.complete_multipart_upload();
        let completed = complete
            .bucket(&bucket.name)
            .key(key.as_str())
            .upload_id(&self.upload_id)
            .multipart_upload(parts.build())
            .set_if_none_match(over.condition())
            .send()
            .await;
        match completed {
            Ok(_) => Ok(()),
            // Put together by an attempt whose answer got lost.
            Err(_) if matches!(bucket.is_ours(key, &self.put_id).await, Ok(true)) => Ok(()),
            Err(error) => Err(bucket.role(key, error)),
        }
    }

    async fn abort(&self) {
        let abort = self.bucket.client.abort_multipart_upload();
        let aborted = abort
            .bucket(&self.bucket.name)
            .key(self.key.as_str())
            .upload_id(&self.upload_id)
            .send()
            .await;
        if let Err(error) = aborted {
            let error = self.bucket.role(self.key, error);
            tracing::debug!(key = %self.key, %error, "an upload stays unfinished");
        }
    }
}
