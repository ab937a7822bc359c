//! Why a bucket did not do what was asked, by what the caller can do about it.

use std::io;

use crate::key::Key;

/// A bucket's refusal.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    /// There is no such object.
    #[error("the archive has no `{0}`")]
    NotFound(Key),
    /// There is such an object already; it stays as it is.
    #[error("the archive already has `{0}`")]
    AlreadyExists(Key),
    /// The bucket does not let us, and will not until somebody acts.
    #[error("the archive refuses access to `{key}`: {remedy}")]
    Denied {
        /// What was asked for.
        key: Key,
        /// What is to be done.
        remedy: String,
        /// The refusal.
        #[source]
        source: io::Error,
    },
    /// The bucket cannot, for now; trying again later can succeed.
    #[error("the archive cannot be reached for `{key}`")]
    Unavailable {
        /// What was asked for.
        key: Key,
        /// What failed.
        #[source]
        source: io::Error,
    },
}

impl BucketError {
    /// Sorts a file system's error into its role. A file where a folder is to be tells nothing
    /// of what is in the archive.
    pub(crate) fn from_io(key: &Key, source: io::Error) -> Self {
        let key = key.clone();
        match source.kind() {
            io::ErrorKind::NotFound => Self::NotFound(key),
            io::ErrorKind::AlreadyExists => Self::AlreadyExists(key),
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                let remedy = "check the permissions of its folder".to_owned();
                Self::Denied {
                    key,
                    remedy,
                    source,
                }
            }
            _ => Self::Unavailable { key, source },
        }
    }
}
