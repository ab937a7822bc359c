//! A bucket of inventories, for tests.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{io::Write as _, sync::Arc};

use archive::{
    key::{Key, Layout},
    memory::MemoryBucket,
    staging::Staging,
};
use protocol::accession::Accession;
use tokio::io::AsyncReadExt as _;

use crate::store::Store;

/// A store in memory, staged in a folder of its own.
pub(crate) struct Place {
    pub(crate) store: Store,
    _folder: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store {
            bucket: Arc::new(MemoryBucket::default()),
            staging: Staging::open(folder.path()).unwrap(),
            layout: Layout::default(),
        };
        Self {
            store,
            _folder: folder,
        }
    }

    /// The text of a compressed object.
    pub(crate) async fn text(&self, key: &str) -> String {
        let key = Key::parse(key).unwrap();
        let mut object = self.store.bucket.open(&key).await.unwrap();
        let mut bytes = Vec::new();
        object.body.read_to_end(&mut bytes).await.unwrap();
        String::from_utf8(zstd::decode_all(&*bytes).unwrap()).unwrap()
    }

    /// Puts what somebody else would have put.
    pub(crate) async fn put_inventory(&self, name: &str, numbers: &[u64]) {
        let lines: String = numbers.iter().map(|n| format!("{n:018}\n")).collect();
        self.put_text(name, &lines).await;
    }

    pub(crate) async fn put_text(&self, name: &str, text: &str) {
        let mut draft = self.store.staging.draft().unwrap();
        let bytes = zstd::encode_all(text.as_bytes(), 1).unwrap();
        draft.write_all(&bytes).unwrap();
        let key = self.store.layout.inventory(name).unwrap();
        let staged = draft.finish().unwrap();
        self.store.bucket.replace(&key, &staged).await.unwrap();
    }
}

/// The accessions of these numbers.
pub(crate) fn accessions(numbers: &[u64]) -> impl Iterator<Item = Accession> + use<> {
    let named = |number| Accession::from_number(number).unwrap();
    let numbers = numbers.to_vec();
    numbers.into_iter().map(named)
}
