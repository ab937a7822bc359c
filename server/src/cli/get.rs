//! `filingwire get`: an archived filing, out of the folder of the archive.
//!
//! Objects are immutable and appear whole, so no running server is needed or disturbed.

use std::{
    fs::{self, Permissions},
    io::{self, Read, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow};
use archive::{
    bucket::{Bucket, Object},
    error::BucketError,
    key::Layout,
    local::LocalBucket,
};
use clap::{Args, ValueEnum};
use edgar::sgml::{DocumentHead, Sink};
use protocol::accession::Accession;
use tokio::{io::AsyncReadExt, runtime::Handle, task::spawn_blocking};

use super::{Failure, Global, parse};
use crate::config::archive_dir;

/// Print an archived filing, or one of its documents
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  filingwire get 0001999999-26-000042 > submission.txt
  filingwire get 000199999926000042 --as json | jq .documents
  filingwire get 199999926000042 --document 2 -o exhibit.pdf

Reads the archive below the data directory (--data-dir, or key `archive.bucket`), beside a
running server or without one.")]
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
    /// Header and documents, as `parse --json` prints them
    Json,
}

impl Get {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        // Reading needs no contact, so the tree is used unchecked.
        let raw = global.raw(Vec::new())?;
        let folder = archive_dir(&raw.archive.bucket, Path::new(&raw.data_dir))?;
        let (name, object) = open(&folder, self.accession).await?;
        let runtime = Handle::current();
        let work = move || self.deliver(&name, Submission::new(runtime, object)?);
        spawn_blocking(work)
            .await
            .context("reading was interrupted")??;
        Ok(())
    }

    fn deliver(self, name: &str, submission: impl Read) -> anyhow::Result<()> {
        match &self.output {
            Some(file) => write_whole(file, |out| self.write(name, submission, out)),
            None => match self.write(name, submission, &mut io::stdout().lock()) {
                // A reader that has enough, such as `head`, is no failure.
                Err(error) if is_broken_pipe(&error) => Ok(()),
                done => done,
            },
        }
    }

    fn write(
        &self,
        name: &str,
        mut submission: impl Read,
        out: &mut dyn Write,
    ) -> anyhow::Result<()> {
        match (self.document, self.shape) {
            (Some(ordinal), _) => write_document(submission, ordinal, out)?,
            (None, Shape::Sgml) => {
                io::copy(&mut submission, out)?;
            }
            (None, Shape::Json) => {
                let outcome = parse::read(name, submission, None);
                unless_cut(outcome.unreadable)?;
                writeln!(out, "{}", outcome.report?.to_json())?;
            }
        }
        Ok(out.flush()?)
    }
}

async fn open(folder: &Path, accession: Accession) -> Result<(String, Object), Failure> {
    let absent = |why: String| Failure::Failed(anyhow!("{accession} is not in the archive; {why}"));
    // Opening a bucket makes its folder, and a question must not leave one behind.
    if !folder.is_dir() {
        return Err(absent(format!(
            "there is no folder {}: check --data-dir",
            folder.display()
        )));
    }
    let bucket = LocalBucket::open(folder).context("cannot open the archive")?;
    let key = Layout::default()
        .sgml(accession)
        .context("the folder of submissions has no good name")?;
    match bucket.open(&key).await {
        Ok(object) => Ok((key.to_string(), object)),
        Err(BucketError::NotFound(_)) => Err(absent("it may not be fetched yet".to_owned())),
        Err(error) => Err(anyhow::Error::from(error).into()),
    }
}

/// The bytes of a submission out of its object.
struct Submission(zstd::stream::read::Decoder<'static, io::BufReader<Stored>>);

/// An object as it is stored.
struct Stored {
    runtime: Handle,
    object: Object,
}

impl Submission {
    fn new(runtime: Handle, object: Object) -> io::Result<Self> {
        zstd::stream::read::Decoder::new(Stored { runtime, object }).map(Self)
    }
}

impl Read for Submission {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Read for Stored {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.runtime.block_on(self.object.body.read(buffer))
    }
}

fn unless_cut(unreadable: Option<io::Error>) -> anyhow::Result<()> {
    unreadable.map_or(Ok(()), |error| {
        Err(error).context("the archived object is damaged")
    })
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
        let noun = if documents == 1 {
            "document"
        } else {
            "documents"
        };
        anyhow::bail!("the filing has {documents} {noun}; there is no document {ordinal}");
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

/// Lets `write` fill a file that gets its name when it is whole. What is there and no
/// file, such as `/dev/null` or a pipe, is written to and stays what it is.
fn write_whole(
    file: &Path,
    write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let cannot = || format!("cannot write {}", file.display());
    if fs::metadata(file).is_ok_and(|there| !there.is_file()) {
        let mut opened = fs::OpenOptions::new()
            .write(true)
            .open(file)
            .with_context(cannot)?;
        return write(&mut opened);
    }
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    // As a plain open: the user's umask decides who may read it.
    let mut draft = tempfile::Builder::new()
        .prefix(".filingwire-")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder.unwrap_or(Path::new(".")))
        .with_context(cannot)?;
    let mut out = io::BufWriter::new(draft.as_file_mut());
    write(&mut out)?;
    drop(out);
    draft.as_file().sync_all().with_context(cannot)?;
    draft.persist(file).with_context(cannot)?;
    Ok(())
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<io::Error>();
    cause.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

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
    async fn json_is_what_parse_prints() {
        let dir = archive(&zstd::encode_all(TEXT, 3).unwrap());

        let json = get(dir.path(), &[ACCESSION, "--as", "json"]).await.unwrap();

        let expected = parse::read("sgml-archive/000199999926000042.sgml", TEXT, None);
        assert_eq!(
            json,
            (expected.report.unwrap().to_json() + "\n").into_bytes()
        );
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

    #[test]
    fn what_is_no_file_is_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();

        write_whole(&socket, |_| Ok(())).unwrap_err();
        write_whole(dir.path(), |_| Ok(())).unwrap_err();

        assert!(!fs::metadata(&socket).unwrap().is_file() && dir.path().is_dir());
    }

    #[tokio::test]
    async fn a_text_that_is_no_accession_is_answered_with_the_three_spellings() {
        let error = get(Path::new("."), &["8-K"]).await.unwrap_err();

        for spelling in [ACCESSION, "000199999926000042", "199999926000042"] {
            assert!(error.contains(spelling), "{error}");
        }
    }
}
