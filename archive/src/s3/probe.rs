//! Whether the server does what we rely on.

use aws_sdk_s3::error::ProvideErrorMetadata;
use bytes::Bytes;

use super::{
    S3Bucket,
    put::{Body, Over},
    roles::status,
};
use crate::{error::BucketError, key::Key};

/// The object that is put to find out. It stays, and no list shows it.
pub(super) const PROBE: &str = "filingwire-probe";

impl S3Bucket {
    /// Reads nothing of importance, so that mistakes in the configuration show.
    pub(super) async fn look_in(&self) -> Result<(), BucketError> {
        let list = self.client.list_objects_v2().bucket(&self.name);
        let listed = list.prefix(PROBE).max_keys(1).send().await;
        listed
            .map(drop)
            .map_err(|error| self.role(&probe_key(), error))
    }

    /// Whether the server refuses a conditional put of a taken key.
    pub(super) async fn refuses_taken(&self) -> Result<bool, BucketError> {
        let probed = self.refuses_taken.get_or_try_init(|| self.probe());
        probed.await.copied()
    }

    async fn probe(&self) -> Result<bool, BucketError> {
        // The first put takes the key, unless an earlier start of the program did.
        for _ in 0..2 {
            if self.is_refused().await? {
                return Ok(true);
            }
        }
        tracing::warn!(
            bucket = self.name,
            "the S3 server overwrites taken keys despite If-None-Match; each key is looked up before it \
             is put, and no other program must put into the bucket"
        );
        Ok(false)
    }

    async fn is_refused(&self) -> Result<bool, BucketError> {
        let key = probe_key();
        let body = Body {
            id: self.put_id(),
            sha256: "",
            bytes: Bytes::from_static(b"probe\n"),
        };
        match self.send(&key, body, Over::Nothing).await {
            Ok(()) => Ok(false),
            Err(error) if status(&error) == Some(412) => Ok(true),
            Err(error) if error.code() == Some("NotImplemented") => Ok(false),
            Err(error) => Err(self.role(&key, error)),
        }
    }
}

/// Stands for the bucket where something is about no key.
pub(super) fn probe_key() -> Key {
    Key::parse(PROBE).expect("letters and a dash are a key")
}
