//! The peers: a Python process that reads the same bytes when it is asked to.
//!
//! Elsewhere: how they read (`bench/formats/peers.py`). Invariant: when a turn begins,
//! the process runs, everything is imported and all inputs are in its memory.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, ensure};

use crate::{
    effort::Effort,
    inputs::{Group, Inputs},
};

/// A running process of `peers.py`.
pub(crate) struct Peers {
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// Where the inputs lie for it.
    _folder: tempfile::TempDir,
}

/// Groups that peers read, and the folder of each.
const FOLDERS: [(Group, &str); 2] = [
    (Group::Submissions, "submissions"),
    (Group::Instances, "instances"),
];

impl Peers {
    /// Starts `python` and waits until it has read all inputs.
    ///
    /// # Errors
    /// When it does not start, or lacks a package.
    pub(crate) fn start(python: &Path, inputs: &Inputs) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        for (group, name) in FOLDERS {
            lay_out(inputs.of(group), &folder.path().join(name))?;
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("formats/peers.py");
        let mut process = Command::new(python)
            .arg(script)
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| python.display().to_string())?;
        let questions = process.stdin.take().context("its stdin is ours")?;
        let answers = process.stdout.take().context("its stdout is ours")?;
        let mut peers = Self {
            process,
            questions,
            answers: BufReader::new(answers),
            _folder: folder,
        };
        ensure!(peers.answer()? == "ready", "the peers are not ready");
        Ok(peers)
    }

    /// Lets `name` read a group `passes` times.
    ///
    /// # Errors
    /// When it dies, or does not read every input.
    pub(crate) fn turn(&mut self, name: &str, on: Group, passes: usize) -> anyhow::Result<Effort> {
        let folder = FOLDERS.iter().find(|(group, _)| *group == on);
        let (_, folder) = folder.context("no peer reads this group")?;
        writeln!(self.questions, "{name} {folder} {passes}")?;
        let answer = self.answer()?;
        let figures: Vec<f64> = answer.split(' ').flat_map(str::parse).collect();
        let [wall, cpu] = figures[..] else {
            anyhow::bail!("{answer}");
        };
        Ok(Effort {
            wall: Duration::try_from_secs_f64(wall)?,
            cpu: Duration::try_from_secs_f64(cpu)?,
        })
    }

    fn answer(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        let bytes = self.answers.read_line(&mut line)?;
        ensure!(bytes > 0, "the peers are gone");
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        // It may be gone already, which is what is wanted.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn lay_out(inputs: &[Vec<u8>], folder: &Path) -> anyhow::Result<()> {
    fs::create_dir(folder)?;
    for (place, bytes) in inputs.iter().enumerate() {
        fs::write(folder.join(format!("{place:04}")), bytes)?;
    }
    Ok(())
}
