//! One document of an archived filing, out of its tar object and without the rest of it.
//!
//! The beginning of a tar object says where each document lies, so two ranges of the object
//! are read whatever its size. [`pieces`] unpacks a document as it is read, [`look`] finds
//! out what must be known before its first byte is sent.
//!
//! Elsewhere: the door (`http/documents`), the command (`cli/get`), what a tar object is
//! (`edgar::tar`). Invariant: whatever the object says, memory is bounded, and a name in it
//! is compared and never opened.

mod look;
mod pieces;

use std::{ops::Range, sync::Arc};

use archive::{bucket::Bucket, error::BucketError, key::Key};
use edgar::tar::{Contents, ContentsError, Entry};
use tokio::{
    io::AsyncReadExt,
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
};

pub(crate) use look::Look;
use look::Looks;
pub(crate) use pieces::Pieces;

/// Bytes of an object that tell its documents nearly always.
const BEGINNING: u64 = 128 * 1024;

/// One object at a time may need more, up to what `Contents` reads.
static LONG_BEGINNING: Semaphore = Semaphore::const_new(1);

/// Documents being unpacked at a time, each with some 3 MB.
const AT_A_TIME: usize = 32;

/// Which document of a filing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Which {
    /// By its place in the submission, from 1.
    Ordinal(u32),
    /// By its file name, as links inside the filing have it.
    Named(String),
}

/// A document that is in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// The tar object.
    pub(crate) key: Key,
    /// The document's place in the submission.
    pub(crate) ordinal: u32,
    /// The document's name.
    pub(crate) filename: String,
    /// Where its zstd frame lies in the object.
    pub(crate) stored: Range<u64>,
}

/// Why there is no document to be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Lacking {
    /// There is no tar object, or the bucket does not give it.
    #[error(transparent)]
    Object(#[from] BucketError),
    /// The filing has so many documents, and none is the one asked for.
    #[error("the filing has {0}; there is no such document")]
    Document(Count),
    /// The object does not hold what it says.
    #[error("the archived object `{key}` is damaged: {what}")]
    Damaged {
        /// The tar object.
        key: Key,
        /// What is wrong with it.
        what: String,
    },
}

/// How many documents, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) usize);

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let noun = if self.0 == 1 { "document" } else { "documents" };
        write!(f, "{} {noun}", self.0)
    }
}

/// What the doors remember of documents, and how many are read at a time.
#[derive(Debug)]
pub(crate) struct ReadingRoom {
    looks: Looks,
    reading: Arc<Semaphore>,
}

impl Default for ReadingRoom {
    fn default() -> Self {
        Self {
            looks: Looks::default(),
            reading: Arc::new(Semaphore::new(AT_A_TIME)),
        }
    }
}

impl ReadingRoom {
    /// Waits until one more document may be read.
    pub(crate) async fn permit(&self) -> OwnedSemaphorePermit {
        let reading = self.reading.clone();
        reading.acquire_owned().await.expect("it is never closed")
    }

    /// What a document is. It is read whole the first time.
    ///
    /// # Errors
    /// [`Lacking`] when it cannot be read to its end.
    pub(crate) async fn look(&self, bucket: &dyn Bucket, found: &Found) -> Result<Look, Lacking> {
        if let Some(look) = self.looks.get(found) {
            return Ok(look);
        }
        let look = Look::at(bucket, found).await?;
        self.looks.keep(found, look.clone());
        Ok(look)
    }
}

/// Finds a document in the tar object of this key.
///
/// # Errors
/// [`Lacking`].
pub(crate) async fn find(bucket: &dyn Bucket, key: Key, which: &Which) -> Result<Found, Lacking> {
    let documents = contents(bucket, &key).await?.documents;
    let place = match which {
        Which::Ordinal(ordinal) => (*ordinal as usize).checked_sub(1),
        Which::Named(name) => documents.iter().position(|entry| entry.filename == *name),
    };
    let entry = place.and_then(|place| Some((place, documents.get(place)?)));
    let Some((
        place,
        Entry {
            filename,
            start,
            end,
            ..
        },
    )) = entry
    else {
        return Err(Lacking::Document(Count(documents.len())));
    };
    Ok(Found {
        key,
        ordinal: u32::try_from(place + 1).unwrap_or(u32::MAX),
        filename: filename.clone(),
        stored: *start..*end,
    })
}

async fn contents(bucket: &dyn Bucket, key: &Key) -> Result<Contents, Lacking> {
    let beginning = beginning(bucket, key, BEGINNING).await?;
    let needed = match Contents::parse(&beginning) {
        Ok(contents) => return Ok(contents),
        Err(ContentsError::NeedMore(needed)) if needed > BEGINNING => needed,
        Err(error) => return Err(damaged(key, error)),
    };
    let _alone = LONG_BEGINNING.acquire().await.expect("it is never closed");
    let beginning = self::beginning(bucket, key, needed).await?;
    let parsed = spawn_blocking(move || Contents::parse(&beginning)).await;
    parsed
        .map_err(|error| damaged(key, error))?
        .map_err(|error| damaged(key, error))
}

async fn beginning(bucket: &dyn Bucket, key: &Key, bytes: u64) -> Result<Vec<u8>, Lacking> {
    let object = bucket.open_range(key, 0..bytes).await?;
    let mut beginning = Vec::new();
    let read = object.body.take(bytes).read_to_end(&mut beginning).await;
    read.map_err(|error| unreadable(key, error))?;
    Ok(beginning)
}

fn damaged(key: &Key, what: impl std::fmt::Display) -> Lacking {
    Lacking::Damaged {
        key: key.clone(),
        what: what.to_string(),
    }
}

fn unreadable(key: &Key, source: std::io::Error) -> Lacking {
    Lacking::Object(BucketError::Unavailable {
        key: key.clone(),
        source,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
pub(crate) mod tests {
    use archive::{memory::MemoryBucket, staging::Staging};
    use edgar::sgml::{DocumentEnd, DocumentHead, Sink};

    use super::*;
    use crate::objects::Spool;

    pub(crate) const KEY: &str = "tar-archive/000199999926000042.tar";

    /// The tar object of documents with these names and contents, whatever the names.
    pub(crate) fn tar_object(documents: &[(&str, &[u8])]) -> Vec<u8> {
        const ANY: &[u8] = b"<DOCUMENT>\n<TYPE>EX-99\n<FILENAME>a\n<TEXT>\n</TEXT>\n</DOCUMENT>\n";
        let any = &edgar::sgml::read(ANY).unwrap().documents[0];
        let dir = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(dir.path()).unwrap();
        for (ordinal, (name, content)) in (1..).zip(documents) {
            spool.document(&DocumentHead {
                ordinal,
                filename: (*name).to_owned(),
                ..any.head.clone()
            });
            spool.body(content);
            spool.end_document(&DocumentEnd {
                ordinal,
                size_bytes: content.len() as u64,
            });
        }
        let mut tar = Vec::new();
        spool.finish().unwrap().write_tar(&mut tar).unwrap();
        tar
    }

    /// Puts an object into a bucket.
    pub(crate) async fn put(bucket: &dyn Bucket, key: &str, bytes: &[u8]) {
        let dir = tempfile::tempdir().unwrap();
        let mut draft = Staging::open(dir.path()).unwrap().draft().unwrap();
        std::io::Write::write_all(&mut draft, bytes).unwrap();
        let staged = draft.finish().unwrap();
        bucket
            .put(&Key::parse(key).unwrap(), &staged)
            .await
            .unwrap();
    }

    /// A bucket with this object.
    pub(super) async fn bucket_with(tar: &[u8]) -> MemoryBucket {
        let bucket = MemoryBucket::default();
        put(&bucket, KEY, tar).await;
        bucket
    }

    pub(super) async fn found(bucket: &MemoryBucket, which: Which) -> Result<Found, Lacking> {
        find(bucket, Key::parse(KEY).unwrap(), &which).await
    }

    pub(super) async fn read(bucket: &MemoryBucket, found: &Found) -> std::io::Result<Vec<u8>> {
        let mut pieces = Pieces::open(bucket, found).await.unwrap();
        let mut bytes = Vec::new();
        while let Some(piece) = pieces.next().await? {
            bytes.extend(piece);
        }
        Ok(bytes)
    }

    #[tokio::test]
    async fn a_document_is_found_by_place_and_by_name_and_unpacks_to_itself() {
        let long: Vec<u8> = (0..700_000_u64).map(|n| (n * n / 7) as u8 | 1).collect();
        let text = [&b"a"[..], &long[..], b"z"].concat();
        let bucket = bucket_with(&tar_object(&[("a.htm", b"<html>"), ("b.txt", &text)])).await;

        let second = found(&bucket, Which::Ordinal(2)).await.unwrap();
        let named = found(&bucket, Which::Named("b.txt".to_owned()))
            .await
            .unwrap();

        assert_eq!(second, named);
        assert!(read(&bucket, &second).await.unwrap() == text);
    }

    #[tokio::test]
    async fn what_is_not_there_is_told_with_the_number_of_documents() {
        let bucket = bucket_with(&tar_object(&[("a.htm", b"<html>")])).await;
        let absent = [
            Which::Ordinal(0),
            Which::Ordinal(2),
            Which::Named("../a.htm".to_owned()),
            Which::Named("/etc/passwd".to_owned()),
            Which::Named("metadata.json".to_owned()),
        ];
        for which in absent {
            let lacking = found(&bucket, which.clone()).await.unwrap_err();
            assert!(matches!(lacking, Lacking::Document(Count(1))), "{which:?}");
        }
        let key = Key::parse("tar-archive/other.tar").unwrap();
        let lacking = find(&bucket, key, &Which::Ordinal(1)).await.unwrap_err();
        assert!(matches!(lacking, Lacking::Object(BucketError::NotFound(_))));
    }

    #[tokio::test]
    async fn a_list_of_documents_longer_than_the_usual_is_read_whole() {
        let names: Vec<String> = (0..2_000)
            .map(|n| format!("document-{n:060}.txt"))
            .collect();
        let documents: Vec<(&str, &[u8])> = names.iter().map(|n| (&**n, &b"x"[..])).collect();
        let tar = tar_object(&documents);
        assert!(matches!(
            Contents::parse(&tar[..BEGINNING as usize]),
            Err(ContentsError::NeedMore(_))
        ));
        let bucket = bucket_with(&tar).await;

        let last = found(&bucket, Which::Ordinal(2_000)).await.unwrap();

        assert_eq!(last.filename, names[1_999]);
    }

    #[tokio::test]
    async fn an_object_that_is_none_of_ours_is_damaged_and_nothing_worse() {
        let tar = tar_object(&[("a.htm", b"<html>")]);
        for object in [&b""[..], b"tar", &[0; 4096], &tar[..520], &tar[..512]] {
            let lacking = found(&bucket_with(object).await, Which::Ordinal(1)).await;
            assert!(
                matches!(lacking, Err(Lacking::Damaged { .. })),
                "{lacking:?}"
            );
        }
    }
}
