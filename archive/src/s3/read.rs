//! Finding, reading, listing and signing for objects.

use std::{io, ops::Range, time::Duration};

use aws_sdk_s3::{
    operation::get_object::{GetObjectOutput, builders::GetObjectFluentBuilder},
    presigning::PresigningConfig,
    types,
};

use super::{
    S3Bucket,
    probe::{PROBE, probe_key},
    put::{PUT_ID, SHA256},
    roles::{role, status},
};
use crate::{
    bucket::{Head, Listing, Object},
    error::BucketError,
    key::Key,
};

/// What the server says of an object.
pub(super) struct Stored {
    pub(super) head: Head,
    /// Which put it came by.
    pub(super) put_id: Option<String>,
}

impl S3Bucket {
    pub(super) async fn stored(&self, key: &Key) -> Result<Stored, BucketError> {
        let head = self.client.head_object().bucket(&self.name);
        let found = head.key(key.as_str()).send().await;
        let found = found.map_err(|error| self.role(key, error))?;
        let mut kept = found.metadata.unwrap_or_default();
        let head = Head {
            bytes: length(found.content_length),
            sha256: kept.remove(SHA256),
        };
        Ok(Stored {
            head,
            put_id: kept.remove(PUT_ID),
        })
    }

    pub(super) async fn read_whole(&self, key: &Key) -> Result<Object, BucketError> {
        let opened = self.get(key).send().await;
        opened
            .map(into_object)
            .map_err(|error| self.role(key, error))
    }

    pub(super) async fn read_range(
        &self,
        key: &Key,
        range: Range<u64>,
    ) -> Result<Object, BucketError> {
        if range.is_empty() {
            return self.stored(key).await.map(|_| empty());
        }
        let asked = match range.end {
            u64::MAX => format!("bytes={}-", range.start),
            end => format!("bytes={}-{}", range.start, end - 1),
        };
        match self.get(key).range(asked).send().await {
            Ok(found) if found.content_range.is_none() => Err(BucketError::Unavailable {
                key: key.clone(),
                source: io::Error::other("the server gives no ranges of objects"),
            }),
            Ok(found) => Ok(into_object(found)),
            Err(error) if status(&error) == Some(416) => Ok(empty()),
            Err(error) => Err(self.role(key, error)),
        }
    }

    pub(super) fn list_pages(&self, prefix: &str) -> Listing {
        let list = self.client.list_objects_v2().bucket(&self.name);
        let mut pages = list
            .prefix(prefix)
            .max_keys(self.page_keys.into())
            .into_paginator()
            .send();
        let (batches, listing) = Listing::new();
        let name = self.name.clone();
        tokio::spawn(async move {
            while let Some(page) = pages.next().await {
                let batch = page.map(|page| keys(page.contents()));
                let batch = batch.map_err(|error| role(&name, &probe_key(), error));
                if batches.send(batch).await.is_err() {
                    return;
                }
            }
        });
        listing
    }

    pub(super) async fn signed_url(
        &self,
        key: &Key,
        life: Duration,
    ) -> Result<String, BucketError> {
        let life = PresigningConfig::expires_in(life).map_err(|error| BucketError::Denied {
            key: key.clone(),
            remedy: "a URL may live for a week".to_owned(),
            source: io::Error::other(error),
        })?;
        let signed = self.get(key).presigned(life).await;
        let signed = signed.map_err(|error| self.role(key, error))?;
        Ok(signed.uri().to_owned())
    }

    fn get(&self, key: &Key) -> GetObjectFluentBuilder {
        let get = self.client.get_object().bucket(&self.name);
        get.key(key.as_str())
    }
}

fn into_object(found: GetObjectOutput) -> Object {
    Object {
        bytes: length(found.content_length),
        body: Box::pin(found.body.into_async_read()),
    }
}

fn empty() -> Object {
    Object {
        bytes: 0,
        body: Box::pin(tokio::io::empty()),
    }
}

/// Other programs may have put what has no name of ours.
fn keys(listed: &[types::Object]) -> Vec<Key> {
    let names = listed.iter().filter_map(types::Object::key);
    let names = names.filter(|name| *name != PROBE);
    names.filter_map(|name| Key::parse(name).ok()).collect()
}

fn length(told: Option<i64>) -> u64 {
    told.and_then(|bytes| bytes.try_into().ok()).unwrap_or(0)
}
