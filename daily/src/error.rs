//! Why there is no inventory.

use std::{error::Error, io};

use archive::{error::BucketError, key::Key};

/// Why an inventory was not read or not written.
#[derive(Debug, thiserror::Error)]
pub enum InventoryError {
    /// What lies in the bucket is no inventory: nothing is written that would rest on it.
    #[error("the inventory `{key}` is damaged at line {line}: {what}; restore or remove it")]
    Damaged {
        /// Its name.
        key: Key,
        /// The first bad line, from 1.
        line: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// It does not decompress, or its bytes stopped coming.
    #[error("the inventory `{key}` cannot be read at line {line}")]
    Unreadable {
        /// Its name.
        key: Key,
        /// How far it was read, from 1.
        line: u64,
        /// What failed.
        #[source]
        source: io::Error,
    },
    /// The bucket refuses, or cannot be reached.
    #[error(transparent)]
    Bucket(#[from] BucketError),
    /// The disk does not take what is to be put.
    #[error("cannot stage the inventory `{key}`; check the disk")]
    Staging {
        /// Its name.
        key: Key,
        /// What failed.
        #[source]
        source: io::Error,
    },
    /// Whoever was to tell what is in it could not.
    #[error("what belongs into the inventory is not known")]
    Told(#[source] Box<dyn Error + Send + Sync>),
}

impl InventoryError {
    /// Whether trying again later can succeed by itself.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Bucket(BucketError::Unavailable { .. }) | Self::Staging { .. }
        )
    }
}
