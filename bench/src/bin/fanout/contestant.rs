//! A server under load: a process of its own on a core of its own.
//!
//! Every server obeys one protocol, ours and the peers alike. It prints one line of JSON
//! when it listens ([`Ready`]), then reads lines from its stdin: the CIK of one event
//! each, the events numbered from 1. It ends when its stdin does.
//!
//! Invariant: what a server has spent is what the kernel counts for its processes, user
//! and system; what feeds it is not among them.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    process::{Child, ChildStdin, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::Context;
use rustix::param::clock_ticks_per_second;
use serde::Deserialize;

use crate::{crowd::Doorway, wire::Dialect};

/// How long a server may take to end by itself, so that it can tidy up.
const END_PATIENCE: Duration = Duration::from_secs(10);

/// Who is compared.
#[derive(Debug, Clone)]
pub(crate) struct Contestant {
    pub(crate) name: String,
    /// Program and arguments.
    pub(crate) command: Vec<String>,
    /// Whether it is a program of others.
    pub(crate) is_peer: bool,
}

/// What a server says when it listens.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Ready {
    /// Where, on 127.0.0.1.
    pub(crate) port: u16,
    /// Path of the upgrade.
    #[serde(default = "root")]
    pub(crate) path: String,
    /// For the bearer header.
    #[serde(default)]
    pub(crate) api_key: Option<String>,
    /// Its processes, where it is not the one that was started.
    #[serde(default)]
    pub(crate) pids: Vec<u32>,
    /// Whether it speaks NATS.
    #[serde(default)]
    pub(crate) nats: bool,
    /// Frames that each subscriber gets before any event.
    #[serde(default)]
    pub(crate) greetings: u32,
    /// What stands before the number of an event in `after=`, where it can replay.
    #[serde(default)]
    pub(crate) after: Option<String>,
    /// Whether what is replayed lies on disk, but for the newest.
    #[serde(default)]
    pub(crate) on_disk: bool,
    /// Whether it knows `ciks=`.
    #[serde(default)]
    pub(crate) filters: bool,
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    /// Gone when the server is to end.
    inlet: Option<ChildStdin>,
    ready: Ready,
}

fn root() -> String {
    "/".to_owned()
}

impl Contestant {
    /// A program of others, as `NAME=COMMAND`.
    pub(crate) fn peer(described: &str) -> Option<Self> {
        let (name, command) = described.split_once('=')?;
        Some(Self {
            name: name.to_owned(),
            command: command.split_whitespace().map(str::to_owned).collect(),
            is_peer: true,
        })
    }

    /// Starts it on the first core, where there are two, and waits until it listens.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) fn start(&self, is_pinned: bool) -> anyhow::Result<Server> {
        self.start_logging(is_pinned, Stdio::inherit())
    }

    /// Starts it with its stderr, where it warns, going to `log`.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) fn start_logging(&self, is_pinned: bool, log: Stdio) -> anyhow::Result<Server> {
        let pinning: &[&str] = if is_pinned {
            &["taskset", "-c", "0"]
        } else {
            &[]
        };
        let mut words = pinning
            .iter()
            .copied()
            .chain(self.command.iter().map(String::as_str));
        let program = words.next().context("a server needs a command")?;
        let mut process = Command::new(program)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .with_context(|| format!("{} does not start", self.name))?;
        let inlet = process.stdin.take();
        let stdout = process.stdout.take().context("its stdout is ours")?;
        let mut server = Server {
            ready: Ready::nowhere(),
            process,
            inlet,
        };
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        server.ready = serde_json::from_str(&line).with_context(|| {
            format!("{} says `{}`, not where it listens", self.name, line.trim())
        })?;
        if server.ready.pids.is_empty() {
            server.ready.pids.push(server.process.id());
        }
        Ok(server)
    }
}

impl Ready {
    fn nowhere() -> Self {
        Self {
            port: 0,
            path: root(),
            api_key: None,
            pids: Vec::new(),
            nats: false,
            greetings: 0,
            after: None,
            on_disk: false,
            filters: false,
        }
    }

    /// The path of a subscriber of everything, with more to its query.
    pub(crate) fn path_with(&self, query: &str) -> String {
        let joint = if self.path.contains('?') { '&' } else { '?' };
        format!("{}{joint}{query}", self.path)
    }
}

impl Server {
    /// What it said when it listened.
    pub(crate) fn ready(&self) -> &Ready {
        &self.ready
    }

    /// How subscribers get in.
    pub(crate) fn doorway(&self) -> Doorway {
        let nats = self.ready.nats;
        Doorway {
            addr: SocketAddr::from(([127, 0, 0, 1], self.ready.port)),
            api_key: self.ready.api_key.clone(),
            dialect: if nats { Dialect::Nats } else { Dialect::Frames },
            opening: if nats { nats_opening() } else { Vec::new() },
            greetings: self.ready.greetings,
        }
    }

    /// Publishes `count` events of the filer `cik`.
    ///
    /// # Errors
    /// When the server is gone.
    pub(crate) fn publish(&mut self, cik: u64, count: usize) -> anyhow::Result<()> {
        let inlet = self.inlet.as_mut().context("the server is to end")?;
        inlet
            .write_all(format!("{cik}\n").repeat(count).as_bytes())
            .context("the server is gone")
    }

    /// User and system time so far, in steps of the kernel's clock: 10 ms.
    ///
    /// # Errors
    /// When a process of it is gone.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        let mut ticks = 0;
        for pid in &self.ready.pids {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
            // The name before it may hold spaces; user and system time are fields 14 and 15.
            let (_, fields) = stat.rsplit_once(')').context("stat has no name")?;
            let spent = fields.split_whitespace().skip(11).take(2);
            ticks += spent.flat_map(str::parse::<u64>).sum::<u64>();
        }
        Ok(Duration::from_secs(ticks) / clock_ticks_per_second() as u32)
    }

    /// Resident memory, in bytes.
    ///
    /// # Errors
    /// When a process of it is gone.
    pub(crate) fn resident(&self) -> anyhow::Result<u64> {
        let mut kilobytes = 0;
        for pid in &self.ready.pids {
            let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
            let figure = line.and_then(|line| line.split_whitespace().next());
            kilobytes += figure.context("status has no VmRSS")?.parse::<u64>()?;
        }
        Ok(kilobytes * 1024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.inlet = None;
        let deadline = Instant::now() + END_PATIENCE;
        while matches!(self.process.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
        // It may be gone already, which is what is wanted.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What a subscriber tells NATS: who it is, what it wants, and to answer when it has both.
fn nats_opening() -> Vec<u8> {
    let said = b"CONNECT {\"verbose\":false,\"pedantic\":false}\r\nSUB e 1\r\nPING\r\n";
    let length = u8::try_from(said.len()).expect("the opening is short");
    // Masked with zeros, as a client must.
    let mut frame = vec![0x82, 0x80 | length, 0, 0, 0, 0];
    frame.extend(said);
    frame
}
