//! Putting one parcel into the archive.
//!
//! Elsewhere: making its objects (`intake`, `objects`), trying again (`putting`). Invariant:
//! nothing is overwritten; a submission that differs from an earlier one lies beside it with
//! its own tar object and facts.

use std::{
    io::{self, Write},
    sync::Arc,
};

use archive::{
    bucket::{Bucket, Head},
    error::BucketError,
    key::{Key, Layout},
    staging::Staged,
};
use protocol::{
    accession::Accession,
    filing::{Filing, Objects, StoredObject},
};
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;

use super::parcel::Parcel;

/// Bytes of an object read at a time.
const PIECE: usize = 64 * 1024;

/// The folders of a layout are checked before there is a fetcher.
const CHECKED: &str = "the configured folders are checked at the start";

/// Where submissions go.
#[derive(Debug, Clone)]
pub(super) struct Store {
    pub(super) bucket: Arc<dyn Bucket>,
    pub(super) layout: Layout,
}

impl Store {
    /// Puts a parcel's objects where nothing is; doing it twice is harmless. Gives the
    /// filing with the objects that the archive has of it.
    ///
    /// # Errors
    /// Those of the bucket.
    pub(super) async fn put(&self, parcel: &Parcel) -> Result<Filing, BucketError> {
        let accession = parcel.label.filing.accession;
        let put = Put {
            bucket: &*self.bucket,
            original_sha256: &parcel.label.original_sha256,
        };
        let (version, sgml) = put.sgml(self.sgml_key(accession), &parcel.sgml).await?;
        crashpoint::pass("fetch.sgml_put");
        let tar_key = version.of(self.layout.tar(accession).expect(CHECKED));
        let xbrl_key = version.of(self.layout.xbrl(accession).expect(CHECKED));
        let tar = put.maybe(tar_key, parcel.tar.as_ref()).await?;
        crashpoint::pass("fetch.tar_put");
        let xbrl = put.maybe(xbrl_key, parcel.xbrl.as_ref()).await?;
        crashpoint::pass("fetch.all_put");
        let objects = Objects {
            sgml: Some(sgml),
            tar,
            xbrl,
        };
        Ok(Filing {
            objects,
            ..parcel.label.filing.clone()
        })
    }

    /// Whether the archive has a submission of these bytes, as the first or beside it.
    ///
    /// # Errors
    /// Those of the bucket.
    pub(super) async fn has(
        &self,
        accession: Accession,
        original_sha256: &str,
    ) -> Result<bool, BucketError> {
        let first = self.sgml_key(accession);
        match self::original_sha256(&*self.bucket, &first).await {
            Ok(original) if original.as_deref() == Some(original_sha256) => return Ok(true),
            Ok(_) => {}
            Err(BucketError::NotFound(_)) => return Ok(false),
            Err(error) => return Err(error),
        }
        let beside = Version::beside(original_sha256).of(first);
        match self.bucket.head(&beside).await {
            Ok(_) => Ok(true),
            Err(BucketError::NotFound(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The objects that are made, as they are in the archive if nothing is there before.
    pub(super) fn planned(
        &self,
        accession: Accession,
        original_sha256: &str,
        [sgml, tar, xbrl]: [Option<&Staged>; 3],
    ) -> Objects {
        let planned = |key: Key, staged: &Staged| stored(&key, staged, original_sha256);
        let layout = &self.layout;
        Objects {
            sgml: sgml.map(|staged| planned(layout.sgml(accession).expect(CHECKED), staged)),
            tar: tar.map(|staged| planned(layout.tar(accession).expect(CHECKED), staged)),
            xbrl: xbrl.map(|staged| planned(layout.xbrl(accession).expect(CHECKED), staged)),
        }
    }

    fn sgml_key(&self, accession: Accession) -> Key {
        self.layout.sgml(accession).expect(CHECKED)
    }
}

#[cfg(test)]
impl Store {
    /// An empty bucket in memory.
    pub(super) fn in_memory() -> Self {
        Self {
            bucket: Arc::new(archive::memory::MemoryBucket::default()),
            layout: Layout::default(),
        }
    }
}

/// Which version of its submission this is.
enum Version {
    First,
    /// Another was there already; this one has a mark of its own.
    Beside(String),
}

impl Version {
    fn beside(original_sha256: &str) -> Self {
        Self::Beside(original_sha256.chars().take(12).collect())
    }

    fn of(&self, key: Key) -> Key {
        match self {
            Self::First => key,
            Self::Beside(mark) => key.beside(mark).expect("hexadecimal digits are a key"),
        }
    }
}

struct Put<'a> {
    bucket: &'a dyn Bucket,
    original_sha256: &'a str,
}

impl Put<'_> {
    async fn sgml(&self, key: Key, sgml: &Staged) -> Result<(Version, StoredObject), BucketError> {
        match self.bucket.put(&key, sgml).await {
            Ok(()) => return Ok((Version::First, stored(&key, sgml, self.original_sha256))),
            Err(BucketError::AlreadyExists(_)) => {}
            Err(error) => return Err(error),
        }
        // Put by an earlier attempt whose event did not reach the log, or another version.
        let original = original_sha256(self.bucket, &key).await?;
        if original.as_deref() == Some(self.original_sha256) {
            return Ok((Version::First, self.existing(&key).await?));
        }
        let version = Version::beside(self.original_sha256);
        let sgml = self.made(version.of(key), sgml).await?;
        Ok((version, sgml))
    }

    async fn maybe(
        &self,
        key: Key,
        object: Option<&Staged>,
    ) -> Result<Option<StoredObject>, BucketError> {
        match object {
            Some(object) => self.made(key, object).await.map(Some),
            None => Ok(None),
        }
    }

    /// Puts what is made of the submission; what an earlier attempt made of the same bytes
    /// stays as it is.
    async fn made(&self, key: Key, object: &Staged) -> Result<StoredObject, BucketError> {
        match self.bucket.put(&key, object).await {
            Ok(()) => Ok(stored(&key, object, self.original_sha256)),
            Err(BucketError::AlreadyExists(_)) => self.existing(&key).await,
            Err(error) => Err(error),
        }
    }

    async fn existing(&self, key: &Key) -> Result<StoredObject, BucketError> {
        let Head { bytes, sha256 } = self.bucket.head(key).await?;
        let sha256 = match sha256 {
            Some(sha256) => sha256,
            None => {
                let mut stored = Hashed::default();
                read_to(self.bucket, key, &mut stored).await?;
                stored.sha256()
            }
        };
        Ok(StoredObject {
            key: key.to_string(),
            bytes,
            sha256,
            original_sha256: Some(self.original_sha256.to_owned()),
        })
    }
}

fn stored(key: &Key, staged: &Staged, original_sha256: &str) -> StoredObject {
    StoredObject {
        key: key.to_string(),
        bytes: staged.bytes(),
        sha256: staged.sha256().to_owned(),
        original_sha256: Some(original_sha256.to_owned()),
    }
}

/// The SHA-256 of what is compressed in an object; `None` of one that is none of ours.
async fn original_sha256(bucket: &dyn Bucket, key: &Key) -> Result<Option<String>, BucketError> {
    let mut unpacked = Unpacked(zstd::stream::write::Decoder::new(Hashed::default()).ok());
    read_to(bucket, key, &mut unpacked).await?;
    Ok(unpacked.sha256())
}

/// Reads an object into `out`.
async fn read_to(
    bucket: &dyn Bucket,
    key: &Key,
    out: &mut (impl Write + Send),
) -> Result<(), BucketError> {
    let unreadable = |source| BucketError::Unavailable {
        key: key.clone(),
        source,
    };
    let mut object = bucket.open(key).await?;
    let mut piece = vec![0; PIECE];
    loop {
        let length = object.body.read(&mut piece).await.map_err(unreadable)?;
        if length == 0 {
            return Ok(());
        }
        out.write_all(&piece[..length]).map_err(unreadable)?;
    }
}

/// Unpacks what is written, and hashes that; what cannot be unpacked is passed over.
struct Unpacked(Option<zstd::stream::write::Decoder<'static, Hashed>>);

impl Unpacked {
    fn sha256(self) -> Option<String> {
        let mut decoder = self.0?;
        decoder.flush().ok()?;
        Some(decoder.into_inner().sha256())
    }
}

impl Write for Unpacked {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(decoder) = &mut self.0
            && decoder.write_all(bytes).is_err()
        {
            self.0 = None;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps nothing of what is written but its hash.
#[derive(Default)]
struct Hashed(Sha256);

impl Hashed {
    fn sha256(self) -> String {
        hex::encode(self.0.finalize())
    }
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use archive::staging::Staging;

    use super::*;
    use crate::fetch::parcel::tests::parcel;

    /// A parcel whose submission is this text, and the checksum of that.
    fn of_text(staging: &Staging, text: &[u8]) -> (Parcel, String) {
        let mut draft = staging.draft().unwrap();
        draft
            .write_all(&zstd::encode_all(text, 1).unwrap())
            .unwrap();
        let sha256 = hex::encode(Sha256::digest(text));
        let mut parcel = parcel(staging, 42, false);
        parcel.sgml = draft.finish().unwrap();
        parcel.label.original_sha256.clone_from(&sha256);
        (parcel, sha256)
    }

    #[tokio::test]
    async fn a_submission_put_twice_is_told_as_it_lies_there() {
        let dir = tempfile::tempdir().unwrap();
        let staging = Staging::open(dir.path()).unwrap();
        let store = Store::in_memory();
        let (parcel, sha256) = of_text(&staging, &b"the same ".repeat(20_000));

        let first = store.put(&parcel).await.unwrap();
        let again = store.put(&parcel).await.unwrap();

        assert_eq!(first.objects, again.objects);
        let sgml = first.objects.sgml.unwrap();
        assert_eq!(sgml.sha256, parcel.sgml.sha256());
        assert_eq!(sgml.original_sha256, Some(sha256));
        assert!(first.objects.tar.is_some() && first.objects.xbrl.is_none());
    }

    #[tokio::test]
    async fn another_version_lies_beside_the_first_and_both_are_had() {
        let dir = tempfile::tempdir().unwrap();
        let staging = Staging::open(dir.path()).unwrap();
        let store = Store::in_memory();
        let (one, first) = of_text(&staging, b"one");
        let (two, second) = of_text(&staging, b"two");
        let accession = one.label.filing.accession;
        assert!(!store.has(accession, &first).await.unwrap());

        let kept = store.put(&one).await.unwrap().objects;
        let beside = store.put(&two).await.unwrap().objects;

        let mark = format!(".{:.12}.", second);
        for (kept, beside) in [(kept.sgml, beside.sgml), (kept.tar, beside.tar)] {
            assert!(!kept.unwrap().key.contains(&mark));
            assert!(beside.unwrap().key.contains(&mark));
        }
        for (sha256, has) in [(&first, true), (&second, true), (&"00".repeat(32), false)] {
            assert_eq!(store.has(accession, sha256).await.unwrap(), has, "{sha256}");
        }
    }

    #[tokio::test]
    async fn what_is_no_submission_of_ours_under_its_key_stays_and_ours_lies_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let staging = Staging::open(dir.path()).unwrap();
        let store = Store::in_memory();
        store.put(&parcel(&staging, 42, false)).await.unwrap();
        let (ours, sha256) = of_text(&staging, b"ours");

        let told = store.put(&ours).await.unwrap().objects.sgml.unwrap();

        assert!(told.key.contains(&sha256[..12]), "{}", told.key);
    }
}
