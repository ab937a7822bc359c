//! The buckets as configured: opened, looked into once, each with the folder in which its
//! objects are made.
//!
//! Invariant: a mistake in the configuration ends the start with its remedy; a server that
//! cannot be reached does not, for the stream needs no bucket.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use archive::{
    bucket::Bucket, error::BucketError, key::Layout, local::LocalBucket, s3::S3Bucket,
    staging::Staging,
};
use tokio::time::timeout;

use crate::config::{self, Place};

/// How long the start waits for a bucket to be looked into.
const LOOK_PATIENCE: Duration = Duration::from_secs(5);

/// The buckets.
#[derive(Debug, Clone)]
pub(crate) struct Buckets {
    /// What is archived of filings.
    pub(crate) archive: Store,
    /// Inventories and the events of each day; the same store unless configured.
    pub(crate) inventory: Store,
    /// The folders in both.
    pub(crate) layout: Layout,
}

/// A bucket, and where its objects are made.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    /// The bucket.
    pub(crate) bucket: Arc<dyn Bucket>,
    /// Where its objects are made.
    pub(crate) staging: Staging,
    /// Where objects wait for it, on the disk of the staging folder.
    pub(crate) parking: PathBuf,
    /// Why it could not be reached at the start.
    pub(crate) unreached: Option<String>,
}

impl Buckets {
    /// Opens both. Objects for a bucket of S3 are made in `data_dir`.
    ///
    /// # Errors
    /// When a folder cannot be used or a server refuses, with what to do about it.
    pub(crate) async fn open(config: &config::Archive, data_dir: &Path) -> anyhow::Result<Self> {
        let mut archive = Store::open(&config.bucket, data_dir).await?;
        archive.unreached = look_in("archive.bucket", &*archive.bucket).await?;
        let inventory = if config.inventory_bucket == config.bucket {
            archive.clone()
        } else {
            // Two buckets of S3 share the folder, which is emptied when it is opened.
            let mut inventory = Store::open(&config.inventory_bucket, data_dir).await?;
            if inventory.staging.folder() == archive.staging.folder() {
                inventory.staging = archive.staging.clone();
            }
            inventory.unreached = look_in("archive.inventory_bucket", &*inventory.bucket).await?;
            inventory
        };
        Ok(Self {
            archive,
            inventory,
            layout: config.layout.clone(),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
impl Buckets {
    /// One bucket for everything, its objects made in `staging`.
    pub(crate) fn of(bucket: Arc<dyn Bucket>, staging: &Path) -> Self {
        let store = Store {
            bucket,
            staging: Staging::open(staging).unwrap(),
            parking: staging.with_extension("parked"),
            unreached: None,
        };
        Self {
            archive: store.clone(),
            inventory: store,
            layout: Layout::default(),
        }
    }
}

impl Store {
    async fn open(place: &Place, data_dir: &Path) -> anyhow::Result<Self> {
        let (bucket, staging, parking): (Arc<dyn Bucket>, _, _) = match place {
            Place::Folder(folder) => {
                let cannot = || cannot_use(folder);
                let bucket = LocalBucket::open(folder).with_context(cannot)?;
                let (staging, parking) = (bucket.staging_folder(), bucket.parking_folder());
                (Arc::new(bucket), staging, parking)
            }
            Place::S3(config) => (
                Arc::new(S3Bucket::open(config).await),
                data_dir.join("staging"),
                data_dir.join("parked"),
            ),
        };
        let cannot = || cannot_use(&staging);
        Ok(Self {
            bucket,
            staging: Staging::open(&staging).with_context(cannot)?,
            parking,
            unreached: None,
        })
    }
}

/// The bucket of this place, to be read beside a running program; `None` when it is a
/// folder that is not there.
///
/// # Errors
/// When the folder cannot be used.
pub(crate) async fn open_to_read(place: &Place) -> anyhow::Result<Option<Arc<dyn Bucket>>> {
    match place {
        // Opening it would make it, and a question must not leave a folder behind.
        Place::Folder(folder) if !fs::exists(folder).unwrap_or(true) => Ok(None),
        Place::Folder(folder) => {
            let bucket = LocalBucket::open(folder).with_context(|| cannot_use(folder))?;
            Ok(Some(Arc::new(bucket)))
        }
        Place::S3(config) => Ok(Some(Arc::new(S3Bucket::open(config).await))),
    }
}

/// Why the bucket cannot be reached, if so.
async fn look_in(key: &str, bucket: &dyn Bucket) -> anyhow::Result<Option<String>> {
    let error = match timeout(LOOK_PATIENCE, bucket.check()).await {
        Ok(Ok(())) => return Ok(None),
        Ok(Err(error @ BucketError::Unavailable { .. })) => {
            format!("{:#}", anyhow::Error::from(error))
        }
        Ok(Err(error)) => {
            return Err(error).with_context(|| format!("the bucket of `{key}` cannot be used"));
        }
        Err(_) => format!("no answer within {LOOK_PATIENCE:?}"),
    };
    tracing::warn!(
        key,
        error,
        "the bucket cannot be reached; the stream goes on, and submissions wait"
    );
    Ok(Some(error))
}

fn cannot_use(folder: &Path) -> String {
    let shown = folder.display();
    format!("cannot use the folder `{shown}`; check its permissions")
}
