//! `filingwire get`: an archived filing, out of the bucket of the archive.
//!
//! Objects are immutable and appear whole, so no running server is needed or disturbed.

use std::{
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow};
use archive::{bucket::Object, error::BucketError, key::Key};
use clap::{Args, ValueEnum};
use edgar::sgml::{DocumentHead, Sink};
use protocol::accession::Accession;
use tokio::{io::AsyncReadExt, runtime::Handle, task::spawn_blocking};

use super::{Failure, Global, parse, whole_file};
use crate::{
    buckets::open_to_read,
    config::{Archive, Place},
    documents::{self, Count, Lacking, Pieces, Which},
};

/// Print an archived filing, or one of its documents
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  filingwire get 0001999999-26-000042 > submission.txt
  filingwire get 000199999926000042 --as json | jq .documents
  filingwire get 199999926000042 --document 2 -o exhibit.pdf
  filingwire get 0001999999-26-000042 --as xbrl | jq -r 'select(.concept == \"Assets\") | .value'

Reads the bucket of the archive (key `archive.bucket`; by default a folder below --data-dir),
beside a running server or without one.")]
pub(super) struct Get {
    /// Accession number: dashed, 18 digits, or without leading zeros
    #[arg(value_name = "ACCESSION")]
    accession: Accession,
    /// What to print
    #[arg(long = "as", value_name = "WHAT", value_enum, default_value = "sgml")]
    shape: Shape,
    /// One document, decoded; counted from 1
    #[arg(long, value_name = "N", conflicts_with = "shape", value_parser = clap::value_parser!(u32).range(1..))]
    document: Option<u32>,
    /// Write to this file instead of stdout; it appears whole or not at all
    #[arg(short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shape {
    /// The exact bytes of the submission
    Sgml,
    /// The tar object: metadata.json, then the documents, each compressed with zstd
    Tar,
    /// The XBRL facts, one JSON object a line
    Xbrl,
    /// Header and documents, as `parse --json` prints them
    Json,
}

impl Get {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        // Reading needs no contact, so the tree is used unchecked.
        let raw = global.raw(Vec::new())?;
        let archive = Archive::check(&raw.archive, Path::new(&raw.data_dir))?;
        if let Some(ordinal) = self.document
            && let Some(pieces) = find_document(&archive, self.accession, ordinal).await?
        {
            return self.unpack(pieces).await;
        }
        // A filing without a tar object has its documents in the submission alone.
        let (key, object) = open(&archive, self.accession, self.shape).await?;
        let runtime = Handle::current();
        let work = move || self.deliver(key.as_str(), Stored { runtime, object });
        spawn_blocking(work).await.context(INTERRUPTED)??;
        Ok(())
    }

    async fn unpack(self, mut pieces: Pieces) -> Result<(), Failure> {
        let runtime = Handle::current();
        let work = move || {
            self.to_output(|out| {
                while let Some(piece) = runtime.block_on(pieces.next()).context(DAMAGED)? {
                    out.write_all(&piece)?;
                }
                Ok(out.flush()?)
            })
        };
        spawn_blocking(work).await.context(INTERRUPTED)??;
        Ok(())
    }

    fn deliver(self, name: &str, stored: Stored) -> anyhow::Result<()> {
        let object: Box<dyn Read> = match self.shape {
            Shape::Tar => Box::new(stored),
            _ => Box::new(zstd::stream::read::Decoder::new(stored)?),
        };
        self.to_output(|out| self.write(name, object, out))
    }

    fn to_output(
        &self,
        write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        match &self.output {
            Some(file) => whole_file::write(file, |out| write(out)),
            None => match write(&mut io::stdout().lock()) {
                // A reader that has enough, such as `head`, is no failure.
                Err(error) if is_broken_pipe(&error) => Ok(()),
                done => done,
            },
        }
    }

    fn write(&self, name: &str, mut object: impl Read, out: &mut dyn Write) -> anyhow::Result<()> {
        match (self.document, self.shape) {
            (Some(ordinal), _) => write_document(object, ordinal, out)?,
            (None, Shape::Sgml | Shape::Tar | Shape::Xbrl) => {
                io::copy(&mut object, out)?;
            }
            (None, Shape::Json) => {
                let outcome = parse::read(name, object, ());
                unless_cut(outcome.unreadable)?;
                let (report, ()) = outcome.told?;
                writeln!(out, "{}", report.to_json())?;
            }
        }
        Ok(out.flush()?)
    }
}

/// The document, ready to be read; `None` when the filing has no tar object, or nothing is
/// there at all.
async fn find_document(
    archive: &Archive,
    accession: Accession,
    ordinal: u32,
) -> Result<Option<Pieces>, Failure> {
    let Some(bucket) = open_to_read(&archive.bucket).await? else {
        return Ok(None);
    };
    let key = archive.layout.tar(accession).context(BAD_FOLDER)?;
    let pieces = match documents::find(&*bucket, key, &Which::Ordinal(ordinal)).await {
        Ok(found) => Pieces::open(&*bucket, &found).await,
        Err(error) => Err(error),
    };
    match pieces {
        Ok(pieces) => Ok(Some(pieces)),
        Err(Lacking::Object(BucketError::NotFound(_))) => Ok(None),
        Err(Lacking::Document(count)) => Err(no_document(ordinal, count).into()),
        Err(Lacking::Object(error)) => Err(unusable(error, &archive.bucket)),
        Err(error) => Err(anyhow::Error::from(error).into()),
    }
}

fn no_document(ordinal: u32, count: Count) -> anyhow::Error {
    anyhow!("the filing has {count}; there is no document {ordinal}")
}

async fn open(
    archive: &Archive,
    accession: Accession,
    shape: Shape,
) -> Result<(Key, Object), Failure> {
    let absent = |why: &str| Failure::Failed(anyhow!("{accession} is not in the archive; {why}"));
    let Some(bucket) = open_to_read(&archive.bucket).await? else {
        return Err(absent(&nowhere(&archive.bucket)));
    };
    let layout = &archive.layout;
    let submission = layout.sgml(accession).context(BAD_FOLDER)?;
    let key = match shape {
        Shape::Sgml | Shape::Json => submission.clone(),
        Shape::Tar => layout.tar(accession).context(BAD_FOLDER)?,
        Shape::Xbrl => layout.xbrl(accession).context(BAD_FOLDER)?,
    };
    match bucket.open(&key).await {
        Ok(object) => Ok((key, object)),
        Err(BucketError::NotFound(_)) if key == submission => Err(absent(NOT_YET)),
        Err(BucketError::NotFound(_)) => match bucket.head(&submission).await {
            Ok(_) => Err(lacking(accession, shape)),
            Err(_) => Err(absent(NOT_YET)),
        },
        Err(error) => Err(unusable(error, &archive.bucket)),
    }
}

/// The bucket's error, with the server that does not answer and the key that names it.
fn unusable(error: BucketError, place: &Place) -> Failure {
    let is_away = matches!(error, BucketError::Unavailable { .. });
    let error = anyhow::Error::from(error);
    Failure::Failed(match place {
        Place::S3(config) if is_away => {
            let server = config.endpoint.as_deref().unwrap_or("AWS");
            let said = format!(
                "no answer from {server} for bucket {}; is it up, and is `archive.s3.endpoint` right?",
                config.bucket
            );
            error.context(said)
        }
        _ => error,
    })
}

fn nowhere(place: &Place) -> String {
    match place {
        Place::Folder(folder) => {
            format!("there is no folder {}: check --data-dir", folder.display())
        }
        Place::S3(config) => format!("there is no bucket {}", config.bucket),
    }
}

/// Configured folders are checked before anything is put there.
const BAD_FOLDER: &str = "the folder of objects has no good name";
const DAMAGED: &str = "the archived object is damaged";
const INTERRUPTED: &str = "reading was interrupted";
const NOT_YET: &str = "it may not be fetched yet";

/// The submission is in the archive, this object of it is not.
fn lacking(accession: Accession, shape: Shape) -> Failure {
    Failure::Failed(match shape {
        Shape::Xbrl => anyhow!("{accession} has no XBRL facts in the archive"),
        _ => anyhow!(
            "{accession} has no tar object in the archive; make one with \
             `filingwire get {accession} | filingwire parse --tar {}.tar -`",
            accession.compact()
        ),
    })
}

/// An object as it is stored.
struct Stored {
    runtime: Handle,
    object: Object,
}

impl Read for Stored {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.runtime.block_on(self.object.body.read(buffer))
    }
}

fn unless_cut(unreadable: Option<io::Error>) -> anyhow::Result<()> {
    unreadable.map_or(Ok(()), |error| Err(error).context(DAMAGED))
}

fn write_document(submission: impl Read, ordinal: u32, out: &mut dyn Write) -> anyhow::Result<()> {
    let wanted = Wanted {
        ordinal,
        documents: 0,
        out,
        failure: None,
    };
    let (wanted, unreadable) = parse::push(submission, wanted);
    let Wanted {
        documents, failure, ..
    } = wanted?;
    if let Some(error) = failure {
        return Err(error.into());
    }
    unless_cut(unreadable)?;
    if ordinal > documents {
        return Err(no_document(ordinal, Count(documents as usize)));
    }
    Ok(())
}

/// Writes one document and counts all.
struct Wanted<'a> {
    ordinal: u32,
    documents: u32,
    out: &'a mut dyn Write,
    failure: Option<io::Error>,
}

impl Sink for Wanted<'_> {
    fn document(&mut self, head: &DocumentHead) {
        self.documents = head.ordinal;
    }

    fn body(&mut self, bytes: &[u8]) {
        if self.documents == self.ordinal && self.failure.is_none() {
            self.failure = self.out.write_all(bytes).err();
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<io::Error>();
    cause.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs;

    use super::*;
    use crate::{config::raw, documents::tests::tar_object};

    const ACCESSION: &str = "0001999999-26-000042";
    const TEXT: &[u8] = b"<SEC-DOCUMENT>0001999999-26-000042.txt : 20260303\n\
        <SEC-HEADER>0001999999-26-000042.hdr.sgml : 20260303\nACCESSION NUMBER:\t\t0001999999-26-000042\n\
        CONFORMED SUBMISSION TYPE:\t8-K\n</SEC-HEADER>\n<DOCUMENT>\n<TYPE>8-K\n<SEQUENCE>1\n\
        <FILENAME>a.htm\n<TEXT>\n<html>\n</TEXT>\n</DOCUMENT>\n<DOCUMENT>\n<TYPE>EX-99\n<SEQUENCE>4\n\
        <FILENAME>b.txt\n<TEXT>\nsecond\n\n</TEXT>\n</DOCUMENT>\n</SEC-DOCUMENT>\n";

    /// A data directory whose archive has one object, these bytes.
    fn archive(object: &[u8]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("archive/sgml-archive");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("000199999926000042.sgml"), object).unwrap();
        dir
    }

    fn global(dir: &Path) -> Global {
        Global {
            config: None,
            data_dir: Some(dir.to_owned()),
            log: crate::telemetry::LogFormat::Text,
            verbose: 0,
            quiet: 0,
        }
    }

    async fn get(dir: &Path, flags: &[&str]) -> Result<Vec<u8>, String> {
        let file = dir.join("out");
        let command = Get::augment_args(clap::Command::new("get"));
        let words = [&["get", "-o", file.to_str().unwrap()], flags].concat();
        let matches = command
            .try_get_matches_from(words)
            .map_err(|error| error.to_string())?;
        let get = <Get as clap::FromArgMatches>::from_arg_matches(&matches).unwrap();
        match get.run(&global(dir)).await {
            Ok(()) => Ok(fs::read(file).unwrap()),
            Err(Failure::Failed(error)) => Err(format!("{error:#}")),
            Err(Failure::Usage(message)) => panic!("{message}"),
        }
    }

    #[tokio::test]
    async fn a_submission_comes_out_byte_for_byte_by_any_spelling_of_its_number() {
        let dir = archive(&zstd::encode_all(TEXT, 3).unwrap());
        for spelling in [ACCESSION, "000199999926000042", "199999926000042"] {
            assert_eq!(
                get(dir.path(), &[spelling]).await.unwrap(),
                TEXT,
                "{spelling}"
            );
        }
    }

    #[tokio::test]
    async fn a_document_comes_out_decoded_by_its_ordinal() {
        let dir = archive(&zstd::encode_all(TEXT, 3).unwrap());

        let second = get(dir.path(), &[ACCESSION, "--document", "2"])
            .await
            .unwrap();
        let third = get(dir.path(), &[ACCESSION, "--document", "3"])
            .await
            .unwrap_err();

        assert_eq!(second, b"second\n");
        assert_eq!(third, "the filing has 2 documents; there is no document 3");
    }

    #[tokio::test]
    async fn a_document_comes_out_of_the_tar_object_where_there_is_one() {
        // A submission that cannot be read: it is not asked.
        let dir = archive(b"");
        let tar = tar_object(&[("a.htm", b"<html>"), ("b.txt", b"second")]);
        let folder = dir.path().join("archive/tar-archive");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("000199999926000042.tar"), tar).unwrap();

        let second = get(dir.path(), &[ACCESSION, "--document", "2"])
            .await
            .unwrap();
        let third = get(dir.path(), &[ACCESSION, "--document", "3"])
            .await
            .unwrap_err();

        assert_eq!(second, b"second");
        assert_eq!(third, "the filing has 2 documents; there is no document 3");
    }

    #[tokio::test]
    async fn json_is_what_parse_prints() {
        let dir = archive(&zstd::encode_all(TEXT, 3).unwrap());

        let json = get(dir.path(), &[ACCESSION, "--as", "json"]).await.unwrap();

        let expected = parse::read("sgml-archive/000199999926000042.sgml", TEXT, ());
        let (report, ()) = expected.told.unwrap();
        assert_eq!(json, (report.to_json() + "\n").into_bytes());
    }

    #[tokio::test]
    async fn tar_comes_out_as_stored_and_facts_unpacked() {
        let dir = archive(&zstd::encode_all(TEXT, 3).unwrap());
        let put = |folder: &str, file: &str, bytes: &[u8]| {
            let folder = dir.path().join("archive").join(folder);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(file), bytes).unwrap();
        };
        let facts = zstd::encode_all(&b"{}\n"[..], 3).unwrap();
        put("tar-archive", "000199999926000042.tar", b"tar");
        put("sec/filings/xbrl", "000199999926000042.json.zst", &facts);

        let tar = get(dir.path(), &[ACCESSION, "--as", "tar"]).await.unwrap();
        let xbrl = get(dir.path(), &[ACCESSION, "--as", "xbrl"]).await.unwrap();

        assert_eq!((&tar[..], &xbrl[..]), (&b"tar"[..], &b"{}\n"[..]));
    }

    #[tokio::test]
    async fn an_object_that_is_lacking_is_told_from_a_filing_that_is() {
        let dir = archive(&zstd::encode_all(TEXT, 3).unwrap());
        let refused = async |flags: &[&str]| get(dir.path(), flags).await.unwrap_err();

        let tar = refused(&[ACCESSION, "--as", "tar"]).await;
        let xbrl = refused(&[ACCESSION, "--as", "xbrl"]).await;
        let unknown = refused(&["0001999999-26-000043", "--as", "tar"]).await;

        assert!(tar.contains("filingwire parse --tar"), "{tar}");
        assert_eq!(
            xbrl,
            format!("{ACCESSION} has no XBRL facts in the archive")
        );
        assert!(unknown.contains("may not be fetched yet"), "{unknown}");
    }

    #[tokio::test]
    async fn what_is_not_there_is_said_and_leaves_nothing_behind() {
        let dir = archive(b"");
        let empty = tempfile::tempdir().unwrap();

        let unknown = get(dir.path(), &["0001999999-26-000043"])
            .await
            .unwrap_err();
        let nowhere = get(empty.path(), &[ACCESSION]).await.unwrap_err();

        assert_eq!(
            unknown,
            "0001999999-26-000043 is not in the archive; it may not be fetched yet"
        );
        assert!(nowhere.contains("check --data-dir"), "{nowhere}");
        assert_eq!(fs::read_dir(empty.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_bucket_that_cannot_be_reached_is_told_with_its_server_and_the_key_that_names_it() {
        let mut raw = raw::Archive {
            bucket: "s3:filings".to_owned(),
            ..raw::Archive::default()
        };
        raw.s3.endpoint = "http://10.0.0.7:9000".to_owned();
        let place = Archive::check(&raw, Path::new(".")).unwrap().bucket;
        let (key, source) = (Key::parse("a").unwrap(), io::ErrorKind::TimedOut.into());

        let failure = unusable(BucketError::Unavailable { key, source }, &place);

        let Failure::Failed(error) = failure else {
            panic!("{failure:?}");
        };
        for part in ["http://10.0.0.7:9000", "filings", "`archive.s3.endpoint`"] {
            assert!(error.to_string().contains(part), "{error}");
        }
    }

    #[tokio::test]
    async fn a_damaged_object_leaves_no_file() {
        let object = zstd::encode_all(TEXT, 3).unwrap();
        let dir = archive(&object[..object.len() - 4]);
        for flags in [
            &[ACCESSION][..],
            &[ACCESSION, "--as", "json"],
            &[ACCESSION, "--document", "1"],
        ] {
            get(dir.path(), flags).await.unwrap_err();
        }

        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn a_text_that_is_no_accession_is_answered_with_the_three_spellings() {
        let error = get(Path::new("."), &["8-K"]).await.unwrap_err();

        for spelling in [ACCESSION, "000199999926000042", "199999926000042"] {
            assert!(error.contains(spelling), "{error}");
        }
    }
}
