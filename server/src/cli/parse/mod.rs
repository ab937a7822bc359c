//! `filingwire parse`: submission files without a server.
//!
//! [`input`] opens what a user names, [`report`] reads one submission, [`media`] tells
//! what a document is, [`extract`] writes documents, [`summary`] shows a report to people.
//!
//! Invariant: a file is read in pieces, and reports come out in the order of the files.

mod extract;
mod input;
mod media;
mod order;
mod report;
mod summary;

#[cfg(test)]
mod tests;

use std::{
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
    input::Input,
};
use super::Failure;

/// Parse submission files: header and documents
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  filingwire parse 0001999999-26-000042.txt
  filingwire parse --json *.txt.gz | jq -r '.documents[] | [.type, .filename, .sha256] | @tsv'
  filingwire parse --extract out submission.nc
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
        let folder = self.extract.as_deref().map(Folder::open).transpose()?;
        let bar = progress(self.files.len() as u64);
        let mut bad = 0;
        let work = |file: &PathBuf| parse_file(file, self.json, folder.as_ref());
        let done = order::in_order(&self.files, work, |parsed| {
            let is_bad = parsed.deliver(&bar, &mut io::stdout().lock())?;
            bad += usize::from(is_bad);
            bar.inc(1);
            Ok(())
        });
        bar.finish_and_clear();
        match done {
            // A reader that has enough, such as `head`, is no failure.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
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

fn parse_file(file: &Path, json: bool, folder: Option<&Folder>) -> Parsed {
    let mut parsed = Parsed::new(file);
    let input = match Input::open(file) {
        Ok(input) => input,
        Err(error) => {
            parsed.complain(&error);
            return parsed;
        }
    };
    let mut extraction = folder.map(Folder::begin);
    let outcome = report::read(&parsed.name, input, extraction.as_mut());
    if let Some(error) = &outcome.unreadable {
        parsed.complain(error);
    }
    match outcome.report {
        Ok(report) => {
            parsed.damaged = !report.damage.is_empty();
            parsed.text = Some(if json {
                report.to_json()
            } else {
                summary::of(&report)
            });
            let finished = extraction.map(|extraction| extraction.finish(report.accession));
            match finished.transpose() {
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

    fn complain(&mut self, what: &dyn std::fmt::Display) {
        self.complaints.push(format!("{}: {what}", self.name));
    }

    /// Prints it and puts its documents in place; whether anything was wrong.
    fn deliver(mut self, bar: &ProgressBar, out: &mut dyn Write) -> io::Result<bool> {
        if let Some(extracted) = self.extracted.take()
            && let Err(error) = extracted.publish()
        {
            self.complain(&format!("not extracted: {error:#}"));
        }
        bar.suspend(|| {
            for complaint in &self.complaints {
                eprintln!("filingwire: {complaint}");
            }
            self.text
                .as_ref()
                .map_or(Ok(()), |text| writeln!(out, "{text}"))
        })?;
        Ok(self.damaged || !self.complaints.is_empty())
    }
}
