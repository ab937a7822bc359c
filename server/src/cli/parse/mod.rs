//! `filingwire parse`: submission files without a server.
//!
//! [`input`] opens what a user names, [`report`] reads one submission, [`forms`] the forms in
//! it and [`facts`] its facts; [`extract`] writes its documents, [`tar`] its tar object, and
//! [`summary`] shows a report to people.
//!
//! Invariant: a file is read in pieces, and reports come out in the order of the files.

mod extract;
mod facts;
mod forms;
mod input;
mod order;
mod report;
mod summary;
mod tar;

#[cfg(test)]
mod tests;

use std::{
    env,
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::anyhow;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

pub(super) use self::report::{push, read};
use self::{
    extract::{Extracted, Folder},
    facts::Facts,
    input::Input,
    report::Report,
    tar::Place,
};
use super::Failure;
use crate::objects::Spool;

/// Parse submission files: header and documents
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  filingwire parse 0001999999-26-000042.txt
  filingwire parse --json *.txt.gz | jq -r '.documents[] | [.type, .filename, .sha256] | @tsv'
  filingwire parse --extract out submission.nc
  filingwire parse --tar 000199999926000042.tar 0001999999-26-000042.txt
  filingwire parse --json --xbrl 10-q.txt | jq -r '.facts[] | [.concept, .value] | @tsv'
  curl -sA you@example.com https://www.sec.gov/Archives/… | filingwire parse --json -

Reads .txt and .nc files, with or without PEM, plain or compressed with gzip or zstd.
Exit code 1 when a file is damaged or cannot be read; the others are printed all the same.")]
pub(super) struct Parse {
    /// Submission files; - is stdin
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// One JSON object a line for each submission
    #[arg(long)]
    json: bool,
    /// Write the decoded documents to DIR/<18-digit accession>/<filename>
    #[arg(long, value_name = "DIR")]
    extract: Option<PathBuf>,
    /// Write the tar object: metadata.json with byte ranges, then the documents, each
    /// compressed with zstd. For several submissions a folder: DIR/<18-digit accession>.tar
    #[arg(long, value_name = "FILE")]
    tar: Option<PathBuf>,
    /// Read the XBRL facts: `facts` with --json, otherwise how many there are
    #[arg(long)]
    xbrl: bool,
}

/// What is wanted of each file.
#[derive(Debug, Default)]
struct Wanted {
    json: bool,
    folder: Option<Folder>,
    tar: Option<Place>,
    xbrl: bool,
}

/// What became of one file.
struct Parsed {
    name: String,
    /// What is printed; `None` when the file is no submission.
    text: Option<String>,
    damaged: bool,
    /// Why something was not done, for stderr.
    complaints: Vec<String>,
    extracted: Option<Extracted>,
}

impl Parse {
    pub(super) fn run(self) -> Result<(), Failure> {
        let stdin = self
            .files
            .iter()
            .filter(|file| input::is_stdin(file))
            .count();
        if stdin > 1 {
            return Err(Failure::Usage(
                "stdin (`-`) can be read only once".to_owned(),
            ));
        }
        let wanted = self.wanted()?;
        let bar = progress(self.files.len() as u64);
        let mut bad = 0;
        let work = |file: &PathBuf| parse_file(file, &wanted);
        let writes_files = wanted.tar.is_some() || wanted.folder.is_some();
        let done = order::in_order(&self.files, work, |mut parsed| {
            parsed.publish();
            bad += usize::from(parsed.is_bad());
            bar.inc(1);
            match parsed.print(&bar, &mut io::stdout().lock()) {
                // Who reads no more still wants the files.
                Err(error) if writes_files && is_closed(&error) => Ok(()),
                printed => printed,
            }
        });
        bar.finish_and_clear();
        match done {
            // A reader that has enough, such as `head`, is no failure.
            Err(error) if is_closed(&error) => {}
            done => {
                done.map_err(|error| anyhow::Error::from(error).context("cannot write to stdout"))?
            }
        }
        match (bad, self.files.len()) {
            (0, _) => Ok(()),
            (bad, all) => {
                Err(anyhow!("{bad} of {all} files damaged, unreadable or not extracted").into())
            }
        }
    }

    fn wanted(&self) -> Result<Wanted, Failure> {
        let tar = self.tar.as_deref();
        let tar = tar.map(|named| Place::of(named, self.files.len()));
        Ok(Wanted {
            json: self.json,
            folder: self.extract.as_deref().map(Folder::open).transpose()?,
            tar: tar.transpose().map_err(Failure::Usage)?,
            xbrl: self.xbrl,
        })
    }
}

/// A bar on a terminal, nothing elsewhere.
fn progress(files: u64) -> ProgressBar {
    if files < 2 {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(files);
    let style = "{bar:40} {pos}/{len} files, {per_sec}, {eta} left";
    bar.set_style(ProgressStyle::with_template(style).expect("the template is right"));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn parse_file(file: &Path, wanted: &Wanted) -> Parsed {
    let mut parsed = Parsed::new(file);
    let opened = Input::open(file).and_then(|input| Ok((input, wanted.spool()?)));
    let (input, spool) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            parsed.complain(&error);
            return parsed;
        }
    };
    let extraction = wanted.folder.as_ref().map(Folder::begin);
    let outcome = report::read(&parsed.name, input, (extraction, spool));
    if let Some(error) = &outcome.unreadable {
        parsed.complain(error);
    }
    match outcome.told {
        Ok((mut report, (extraction, spool))) => {
            if let Some(spool) = spool {
                wanted.make(&mut report, spool, &mut parsed);
            }
            parsed.tell(&report, wanted);
            let extracted = extraction.map(|extraction| extraction.finish(report.accession));
            match extracted.transpose() {
                Ok(extracted) => parsed.extracted = extracted,
                Err(error) => parsed.complain(&format!("not extracted: {error:#}")),
            }
        }
        // What could not be read to its end is told already.
        Err(_) if outcome.unreadable.is_some() => {}
        Err(error) => parsed.complain(&error),
    }
    parsed
}

impl Wanted {
    /// Where documents are kept, when objects are to be made of them.
    fn spool(&self) -> io::Result<Option<Spool>> {
        match &self.tar {
            Some(place) => Spool::new(&place.scratch()).map(Some),
            None if self.xbrl => Spool::new(&env::temp_dir()).map(Some),
            None => Ok(None),
        }
    }

    /// Makes what is wanted of the documents.
    fn make(&self, report: &mut Report, spool: Spool, parsed: &mut Parsed) {
        let mut documents = match spool.finish() {
            Ok(documents) => documents,
            Err(error) => return parsed.complain(&format!("no tar object, no facts: {error}")),
        };
        if let Some(place) = &self.tar
            && let Err(error) = place.write(report.accession, &mut documents)
        {
            parsed.complain(&format!("no tar object: {error:#}"));
        }
        if self.xbrl {
            match Facts::of(&mut documents) {
                Ok((facts, unread)) => {
                    report.facts = Some(facts);
                    unread.iter().for_each(|report| parsed.complain(report));
                }
                Err(error) => parsed.complain(&format!("no facts: {error}")),
            }
        }
    }
}

impl Parsed {
    fn new(file: &Path) -> Self {
        let name = file.display().to_string();
        Self {
            name,
            text: None,
            damaged: false,
            complaints: Vec::new(),
            extracted: None,
        }
    }

    fn tell(&mut self, report: &Report, wanted: &Wanted) {
        self.damaged = !report.damage.is_empty();
        self.text = Some(if wanted.json {
            report.to_json()
        } else {
            summary::of(report)
        });
        for complaint in &report.forms.complaints {
            self.complain(complaint);
        }
        if let Some(first) = report.damage.first() {
            let salvaged = report.documents.len();
            self.complain(&format!(
                "damaged at byte {}: {}; {salvaged} documents were read",
                first.offset, first.what
            ));
        }
    }

    fn complain(&mut self, what: &dyn std::fmt::Display) {
        self.complaints.push(format!("{}: {what}", self.name));
    }

    /// Puts its documents in place.
    fn publish(&mut self) {
        if let Some(extracted) = self.extracted.take()
            && let Err(error) = extracted.publish()
        {
            self.complain(&format!("not extracted: {error:#}"));
        }
    }

    /// Whether anything was wrong.
    fn is_bad(&self) -> bool {
        self.damaged || !self.complaints.is_empty()
    }

    fn print(&self, bar: &ProgressBar, out: &mut dyn Write) -> io::Result<()> {
        bar.suspend(|| {
            for complaint in &self.complaints {
                crate::cli::tell(complaint);
            }
            self.text
                .as_ref()
                .map_or(Ok(()), |text| writeln!(out, "{text}"))
        })
    }
}

/// Whether nobody reads any more.
fn is_closed(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}
