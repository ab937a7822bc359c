//! The rebuild: subscribers of a server that makes its catalog anew from a long log.
//!
//! In every round the server is started on that log twice, without a catalog and with one that
//! has to be made, and serves as long each time. Nothing is pinned: the catalog may have
//! both cores.
//!
//! Elsewhere: what the log holds (`bench::events`), what it costs to make a catalog
//! (`--bin catalog`).
//!
//! Invariant: a part in which the catalog was made before the end is an error.
#![allow(clippy::print_stdout, reason = "the figures are the result")]

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use bench::{events::World, figures::Figures};
use clap::Args;
use eventlog::RealDisk;
use protocol::seq::Epoch;

use crate::{
    contestant::{Contestant, Server},
    crowd::Crowd,
    measures::{Pace, enter, publish},
};

/// Serve subscribers while the catalog is made anew from a long log, and without one
#[derive(Debug, Args)]
pub(crate) struct Rebuild {
    /// Data directory of the server; its log is made where there is none
    #[arg(long)]
    folder: PathBuf,
    /// Filings of a log that is made, 2 KB each
    #[arg(long, default_value_t = 3_000_000)]
    filings: u64,
    /// Rounds of both parts
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Seconds of each part
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Events a second
    #[arg(long, default_value_t = 50)]
    rate: usize,
    /// Subscribers
    #[arg(long, default_value_t = 200)]
    subscribers: usize,
}

/// Frames that become durable together while the log is made.
const GROUP: usize = 4096;

/// Filings whose frames are made at a time.
const PIECE: u64 = 50_000;

impl Rebuild {
    /// # Errors
    /// When an event does not reach everybody once, or the catalog is made too soon.
    pub(crate) fn run(&self, ours: &Contestant) -> anyhow::Result<()> {
        if !self.folder.join("log").exists() {
            self.make_log().context("the log cannot be made")?;
        }
        println!(
            "{} events/s to {} subscribers, {} s each: until the last has it, count p50 p99 most ms",
            self.rate, self.subscribers, self.seconds
        );
        for round in 1..=self.rounds {
            for has_catalog in [false, true] {
                remove_catalog(&self.folder)?;
                self.part(round, ours, has_catalog)?;
            }
        }
        Ok(())
    }

    fn make_log(&self) -> anyhow::Result<()> {
        let epoch = Epoch::parse("bench")?;
        let config = eventlog::Config::new(self.folder.join("log"), epoch.clone());
        fs::create_dir_all(&self.folder)?;
        let (mut log, _) = eventlog::Writer::<()>::open(config, Arc::new(RealDisk))?;
        let mut world = World::new(&epoch, self.filings);
        for done in (0..self.filings).step_by(PIECE as usize) {
            let frames = world.events(PIECE.min(self.filings - done));
            for group in frames.chunks(GROUP) {
                for (_, frame) in group {
                    log.append(frame.clone())?;
                }
                log.commit()?;
            }
        }
        Ok(())
    }

    fn part(&self, round: usize, ours: &Contestant, has_catalog: bool) -> anyhow::Result<()> {
        let mut server = self.start(ours, has_catalog)?;
        let mut crowd = Crowd::new()?;
        enter(&server, &mut crowd, self.subscribers)?;
        let (began, cpu, before) = (Instant::now(), server.cpu()?, through(&server)?);
        let mut to_last = Figures::default();
        for second in 1..=self.seconds {
            let pace = Pace::PerSecond(self.rate as f64);
            to_last.append(&mut publish(&mut server, &mut crowd, pace, self.rate)?.to_last);
            let due = Duration::from_secs(second);
            while began.elapsed() < due {
                crowd.turn(due.saturating_sub(began.elapsed()))?;
            }
        }
        let taken = through(&server)?.saturating_sub(before);
        ensure!(
            !has_catalog || through(&server)? < head(&server)?,
            "the catalog was made before the end; the log is too short"
        );
        println!(
            "round {round}, {}: {}; CPU {:.1} s, {:.0} events a second into the catalog",
            if has_catalog {
                "catalog being made"
            } else {
                "no catalog        "
            },
            to_last.summary(),
            server.cpu()?.saturating_sub(cpu).as_secs_f64(),
            taken as f64 / began.elapsed().as_secs_f64(),
        );
        Ok(())
    }

    fn start(&self, ours: &Contestant, has_catalog: bool) -> anyhow::Result<Server> {
        let mut ours = ours.clone();
        let folder = self
            .folder
            .to_str()
            .context("the folder's name is no text")?;
        ours.command.extend(["--folder", folder].map(str::to_owned));
        if !has_catalog {
            ours.command.push("--no-catalog".to_owned());
        }
        ours.start(false)
    }
}

fn remove_catalog(folder: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if name.is_some_and(|name| name.starts_with("catalog.db")) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// How far the catalog has read; 0 where there is none.
fn through(server: &Server) -> anyhow::Result<u64> {
    metric(server, "filingwire_catalog_through_seq ")
}

fn head(server: &Server) -> anyhow::Result<u64> {
    metric(server, "filingwire_log_tip_seq ")
}

fn metric(server: &Server, name: &str) -> anyhow::Result<u64> {
    let port = server.ready().port;
    let mut socket = TcpStream::connect(("127.0.0.1", port))?;
    write!(
        socket,
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    let figure = answer.lines().find_map(|line| line.strip_prefix(name));
    Ok(figure.map_or(Ok(0), |figure| figure.trim().parse())?)
}
