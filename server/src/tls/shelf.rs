//! The folder in which an ACME account and its certificates are kept.
//!
//! Invariant: its files are the owner's alone, and each is replaced as a whole. What was
//! once read or given is given again while the program runs, whatever becomes of the disk.

use std::{
    collections::HashMap,
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use rustls_acme::{AccountCache, CertCache};
use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;

use super::expires;
use crate::durable;

/// Where it lies in the data directory.
const FOLDER: &str = "acme";

/// The folder.
#[derive(Debug, Clone)]
pub(super) struct Shelf {
    folder: PathBuf,
    /// What lies there, or would if the disk had taken it.
    known: Arc<Mutex<HashMap<PathBuf, Vec<u8>>>>,
    /// When the certificate that was last read or written expires.
    expires: Arc<AtomicU64>,
}

impl Shelf {
    pub(super) fn new(data_dir: &Path) -> Self {
        Self {
            folder: data_dir.join(FOLDER),
            known: Arc::default(),
            expires: Arc::default(),
        }
    }

    /// When the certificate expires, in seconds since 1970; 0 if there is none.
    pub(super) fn expires(&self) -> u64 {
        self.expires.load(Ordering::Relaxed)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<PathBuf, Vec<u8>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, pem: &[u8]) {
        let leaf = CertificateDer::pem_slice_iter(pem).next();
        let end = leaf.and_then(Result::ok).map_or(0, |leaf| expires(&leaf));
        self.expires.store(end, Ordering::Relaxed);
    }

    /// One file for each authority and who or what it is asked for.
    fn path(&self, kind: &str, whose: &[String], directory_url: &str) -> PathBuf {
        let mut hash = Sha256::new();
        for part in whose.iter().map(String::as_str).chain([directory_url]) {
            hash.update(part);
            hash.update([0]);
        }
        let name = hex::encode(&hash.finalize()[..8]);
        self.folder.join(format!("{kind}-{name}"))
    }

    async fn get(&self, path: PathBuf) -> io::Result<Option<Vec<u8>>> {
        if let Some(bytes) = self.known().get(&path) {
            return Ok(Some(bytes.clone()));
        }
        let wanted = path.clone();
        let read = spawn_blocking(move || match fs::read(wanted) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => read.map(Some),
        });
        let read = read.await??;
        if let Some(bytes) = &read {
            self.known().insert(path, bytes.clone());
        }
        Ok(read)
    }

    async fn put(&self, path: PathBuf, bytes: &[u8]) -> io::Result<()> {
        self.known().insert(path.clone(), bytes.to_vec());
        let (folder, bytes) = (self.folder.clone(), bytes.to_vec());
        spawn_blocking(move || {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&folder)?;
            // What is there already may have other modes.
            fs::set_permissions(&folder, Permissions::from_mode(0o700))?;
            durable::replace_private(&path, &bytes)
        })
        .await?
    }
}

#[async_trait]
impl CertCache for Shelf {
    type EC = io::Error;

    async fn load_cert(&self, domains: &[String], url: &str) -> io::Result<Option<Vec<u8>>> {
        let kept = self.get(self.path("certificate", domains, url)).await?;
        kept.iter().for_each(|pem| self.note(pem));
        Ok(kept)
    }

    async fn store_cert(&self, domains: &[String], url: &str, pem: &[u8]) -> io::Result<()> {
        self.note(pem);
        self.put(self.path("certificate", domains, url), pem).await
    }
}

#[async_trait]
impl AccountCache for Shelf {
    type EA = io::Error;

    async fn load_account(&self, contact: &[String], url: &str) -> io::Result<Option<Vec<u8>>> {
        self.get(self.path("account", contact, url)).await
    }

    async fn store_account(&self, contact: &[String], url: &str, key: &[u8]) -> io::Result<()> {
        self.put(self.path("account", contact, url), key).await
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_kept_is_the_owners_alone_and_found_by_whose_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(dir.path());
        let (ours, other) = (["e.com".to_owned()], ["f.com".to_owned()]);

        let path = shelf.path("certificate", &ours, "https://a");
        fs::create_dir(dir.path().join(FOLDER)).unwrap();
        fs::write(path.with_extension("draft"), "everybody's").unwrap();

        shelf.store_cert(&ours, "https://a", b"old").await.unwrap();
        shelf.store_cert(&ours, "https://a", b"new").await.unwrap();
        let found = shelf.load_cert(&ours, "https://a").await.unwrap();
        let others = shelf.load_cert(&other, "https://a").await.unwrap();
        let elsewhere = shelf.load_cert(&ours, "https://b").await.unwrap();

        assert_eq!(found.as_deref(), Some(&b"new"[..]));
        assert_eq!((others, elsewhere), (None, None));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&dir.path().join(FOLDER)), 0o700);
        let files: Vec<_> = fs::read_dir(dir.path().join(FOLDER)).unwrap().collect();
        assert_eq!(files.len(), 1);
        assert_eq!(mode(&files[0].as_ref().unwrap().path()), 0o600);
    }

    #[tokio::test]
    async fn what_was_once_there_is_given_whatever_becomes_of_the_disk() {
        let dir = tempfile::tempdir().unwrap();
        let ours = ["e.com".to_owned()];
        let store = Shelf::new(dir.path())
            .store_account(&ours, "https://a", b"old")
            .await;
        store.unwrap();
        let shelf = Shelf::new(dir.path());
        let first = shelf.load_account(&ours, "https://a").await.unwrap();

        fs::remove_dir_all(dir.path().join(FOLDER)).unwrap();
        let gone = shelf.load_account(&ours, "https://a").await.unwrap();
        fs::write(dir.path().join(FOLDER), "no folder").unwrap();
        let refused = shelf.store_account(&ours, "https://a", b"new").await;
        let unkept = shelf.load_account(&ours, "https://a").await.unwrap();

        assert_eq!(first.as_deref(), Some(&b"old"[..]));
        assert_eq!(gone, first);
        assert!(refused.is_err(), "the disk took it");
        assert_eq!(unkept.as_deref(), Some(&b"new"[..]));
    }
}
