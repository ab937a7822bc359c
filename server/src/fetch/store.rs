//! Putting the objects of one submission into the archive.
//!
//! Elsewhere: making them (`intake`, `objects`), trying again (`attempt`). Invariant: nothing
//! is overwritten; a submission that differs from an earlier one lies beside it with its own
//! tar object and facts.

use std::io::{self, Write};

use archive::{bucket::Bucket, error::BucketError, key::Key, staging::Staged};
use protocol::{
    accession::Accession,
    filing::{Objects, StoredObject},
};
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;

use super::{attempt::Road, intake::Submission};
use crate::objects::Made;

/// Bytes of an object read at a time.
const PIECE: usize = 64 * 1024;

/// Puts them where nothing is; doing it twice is harmless.
///
/// # Errors
/// Those of the bucket.
pub(super) async fn store(
    road: &Road,
    accession: Accession,
    submission: &Submission,
    made: &Made,
) -> Result<Objects, BucketError> {
    let checked = "the configured folders are checked at the start";
    let sgml_key = road.layout.sgml(accession).expect(checked);
    let tar_key = road.layout.tar(accession).expect(checked);
    let xbrl_key = road.layout.xbrl(accession).expect(checked);
    let put = Put {
        bucket: &*road.bucket,
        submission,
    };

    let (version, sgml) = put.sgml(sgml_key).await?;
    crashpoint::pass("fetch.sgml_put");
    let tar = put.maybe(version.of(tar_key), made.tar.as_ref()).await?;
    crashpoint::pass("fetch.tar_put");
    let xbrl = put.maybe(version.of(xbrl_key), made.xbrl.as_ref()).await?;
    crashpoint::pass("fetch.all_put");
    Ok(Objects {
        sgml: Some(sgml),
        tar,
        xbrl,
    })
}

/// Which version of its submission this is.
enum Version {
    First,
    /// Another was there already; this one has a mark of its own.
    Beside(String),
}

impl Version {
    fn of(&self, key: Key) -> Key {
        match self {
            Self::First => key,
            Self::Beside(mark) => key.beside(mark).expect("hexadecimal digits are a key"),
        }
    }
}

struct Put<'a> {
    bucket: &'a dyn Bucket,
    submission: &'a Submission,
}

impl Put<'_> {
    async fn sgml(&self, key: Key) -> Result<(Version, StoredObject), BucketError> {
        let sgml = &self.submission.sgml;
        match self.bucket.put(&key, sgml).await {
            Ok(()) => return Ok((Version::First, self.stored(&key, sgml))),
            Err(BucketError::AlreadyExists(_)) => {}
            Err(error) => return Err(error),
        }
        // Put by an earlier attempt whose event did not reach the log, or another version.
        let original = original_sha256(self.bucket, &key).await?;
        if original == self.submission.sha256 {
            return Ok((Version::First, self.existing(&key).await?));
        }
        let version = Version::Beside(self.submission.sha256[..12].to_owned());
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
            Ok(()) => Ok(self.stored(&key, object)),
            Err(BucketError::AlreadyExists(_)) => self.existing(&key).await,
            Err(error) => Err(error),
        }
    }

    fn stored(&self, key: &Key, staged: &Staged) -> StoredObject {
        StoredObject {
            key: key.to_string(),
            bytes: staged.bytes(),
            sha256: staged.sha256().to_owned(),
            original_sha256: Some(self.submission.sha256.clone()),
        }
    }

    async fn existing(&self, key: &Key) -> Result<StoredObject, BucketError> {
        let mut stored = Hashed::default();
        let bytes = read_to(self.bucket, key, &mut stored).await?;
        Ok(StoredObject {
            key: key.to_string(),
            bytes,
            sha256: stored.sha256(),
            original_sha256: Some(self.submission.sha256.clone()),
        })
    }
}

/// The SHA-256 of what is compressed in an object.
async fn original_sha256(bucket: &dyn Bucket, key: &Key) -> Result<String, BucketError> {
    let unreadable = |source| BucketError::Unavailable {
        key: key.clone(),
        source,
    };
    let mut original = zstd::stream::write::Decoder::new(Hashed::default()).map_err(unreadable)?;
    read_to(bucket, key, &mut original).await?;
    original.flush().map_err(unreadable)?;
    Ok(original.into_inner().sha256())
}

/// Reads an object into `out`; tells its length.
async fn read_to(
    bucket: &dyn Bucket,
    key: &Key,
    out: &mut (impl Write + Send),
) -> Result<u64, BucketError> {
    let unreadable = |source| BucketError::Unavailable {
        key: key.clone(),
        source,
    };
    let mut object = bucket.open(key).await?;
    let mut piece = vec![0; PIECE];
    loop {
        let length = object.body.read(&mut piece).await.map_err(unreadable)?;
        if length == 0 {
            return Ok(object.bytes);
        }
        out.write_all(&piece[..length]).map_err(unreadable)?;
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
