//! Where inventories lie, and putting them there.
//!
//! Elsewhere: what stands in them (`instant`, `missing`). Invariant: an inventory is replaced
//! in one step and only by other bytes, so its time tells when something changed.

use std::{
    fmt,
    io::{self, BufRead as _, BufReader, Read},
    pin::Pin,
    sync::Arc,
};

use archive::{
    bucket::Bucket,
    error::BucketError,
    key::{Key, Layout},
    staging::{Draft, Staged, Staging},
};
use tokio::{io::AsyncRead, runtime::Handle, task::spawn_blocking};
use tokio_util::io::SyncIoBridge;

use crate::error::InventoryError;

/// The kinds of objects, each with inventories of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Submissions.
    Sgml,
    /// Tar objects.
    Tar,
    /// XBRL facts.
    Xbrl,
}

/// The inventories of one bucket. Clones are the same store.
#[derive(Debug, Clone)]
pub struct Store {
    /// Where they lie.
    pub bucket: Arc<dyn Bucket>,
    /// Where they are written before they are put.
    pub staging: Staging,
    /// Their folders, which are checked at the start.
    pub layout: Layout,
}

/// What became of an inventory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its name.
    pub key: Key,
    /// Filings in it.
    pub count: u64,
    /// Whether its bytes are other ones than before.
    pub changed: bool,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sgml, Self::Tar, Self::Xbrl];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sgml => "sgml",
            Self::Tar => "tar",
            Self::Xbrl => "xbrl",
        })
    }
}

const CHECKED: &str = "the configured folders are checked at the start";

/// An object of the bucket, for who may block.
pub(crate) type Body = SyncIoBridge<Pin<Box<dyn AsyncRead + Send>>>;

impl Store {
    /// The key of `inventory_*`, `daily_*` or `instant_*`:
    /// `sec/filings/inventory/instant_sgml_archive.txt.zst`.
    pub fn inventory(&self, run: &str, kind: Kind) -> Key {
        let name = format!("{run}_{kind}_archive");
        self.layout.inventory(&name).expect(CHECKED)
    }

    /// The key of what is missing: `sec/filings/missing/missing_sgml_archive.json.zst`.
    pub fn missing(&self, kind: Kind) -> Key {
        let name = format!("missing_{kind}_archive");
        self.layout.missing(&name).expect(CHECKED)
    }

    /// An object when there is one.
    pub(crate) async fn find(&self, key: &Key) -> Result<Option<Body>, InventoryError> {
        match self.bucket.open(key).await {
            Ok(object) => {
                let runtime = Handle::current();
                Ok(Some(SyncIoBridge::new_with_handle(object.body, runtime)))
            }
            Err(BucketError::NotFound(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Stages an object on a thread that may block, then puts it unless the bucket has the
    /// same bytes. `write` gives how many filings are in it.
    pub(crate) async fn replace<F>(&self, key: Key, write: F) -> Result<Written, InventoryError>
    where
        F: FnOnce(&mut Draft) -> Result<u64, InventoryError> + Send + 'static,
    {
        let (staging, staged_key) = (self.staging.clone(), key.clone());
        let stage = move || {
            let failed = |source| staging_failed(&staged_key, source);
            let mut draft = staging.draft().map_err(failed)?;
            let count = write(&mut draft)?;
            Ok::<_, InventoryError>((draft.finish().map_err(failed)?, count))
        };
        let (staged, count) = blocking(stage).await?;
        let (staged, changed) = self.differs(&key, staged).await?;
        if changed {
            self.bucket.replace(&key, &staged).await?;
        }
        Ok(Written {
            key,
            count,
            changed,
        })
    }

    /// Whether the bucket has other bytes, or none.
    async fn differs(&self, key: &Key, staged: Staged) -> Result<(Staged, bool), InventoryError> {
        let object = match self.bucket.open(key).await {
            Ok(object) if object.bytes == staged.bytes() => object,
            Ok(_) | Err(BucketError::NotFound(_)) => return Ok((staged, true)),
            Err(error) => return Err(error.into()),
        };
        let body = SyncIoBridge::new_with_handle(object.body, Handle::current());
        let unreadable = |source| BucketError::Unavailable {
            key: key.clone(),
            source,
        };
        let compare = move || {
            let ours = std::fs::File::open(staged.path())?;
            let same = is_same(BufReader::new(ours), BufReader::new(body))?;
            Ok((staged, !same))
        };
        blocking(compare)
            .await
            .map_err(|e: io::Error| unreadable(e).into())
    }
}

pub(crate) fn staging_failed(key: &Key, source: io::Error) -> InventoryError {
    let key = key.clone();
    InventoryError::Staging { key, source }
}

/// Runs on a thread that may block; a panic there is one here.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

fn is_same(mut one: BufReader<impl Read>, mut other: BufReader<impl Read>) -> io::Result<bool> {
    loop {
        let (left, right) = (one.fill_buf()?, other.fill_buf()?);
        let both = left.len().min(right.len());
        if left[..both] != right[..both] {
            return Ok(false);
        }
        if both == 0 {
            return Ok(left.len() == right.len());
        }
        one.consume(both);
        other.consume(both);
    }
}
