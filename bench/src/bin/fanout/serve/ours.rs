//! filingwire itself: the whole server, fed through the door the monitors use.
//!
//! Each line becomes a sighting of a new filing; the server dedupes, appends, syncs and
//! sends it like any other. The name of the filer makes up the size of the frame.
//!
//! Invariant: the events of the generator are those of the log, in its order, after what
//! the log held at the start, because nobody else appends.
#![allow(clippy::print_stdout, reason = "the line says where it listens")]

use std::{collections::HashMap, io::BufRead};

use anyhow::Context;
use filingwire::{
    app::App,
    config::{Config, raw::Raw},
    keys::{KeyFile, NewKey},
};
use monitors::{
    clock::Clock,
    sighting::{Report, Sighting},
};
use protocol::{
    accession::Accession,
    cik::Cik,
    event::{Body, Event},
    filing::{Filer, FilerRole, Filing, Source},
    form::Form,
    seq::{Cursor, Epoch, Seq},
    time::{Timestamp, to_millis},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::{mpsc, oneshot},
};

use super::Place;
use crate::wire::EVENT_BYTES;

/// Most sockets: below the usual hard limit of 20,000 open files.
const CONNECTIONS_MAX: u32 = 19_500;

/// Submitter of the first million filings: an agent's number that nobody has.
const SUBMITTER: u64 = 1_999_999;

/// Serves until stdin ends.
///
/// # Errors
/// When it does not start.
pub(super) fn run(place: Place) -> anyhow::Result<()> {
    // A warning is part of the result; what is told as a matter of course is not.
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    // Never dropped: ten thousand goodbyes are not what is measured.
    std::mem::ManuallyDrop::new(tokio::runtime::Runtime::new()?).block_on(serve(place))
}

async fn serve(place: Place) -> anyhow::Result<()> {
    let temporary = tempfile::tempdir()?;
    let folder = place.folder.as_deref().unwrap_or(temporary.path());
    let mut raw = Raw::for_edgar(
        "http://127.0.0.1:1",
        "bench@filingwire.example",
        "127.0.0.1:0",
        folder,
    );
    raw.catalog.enabled = !place.no_catalog;
    raw.stream.max_connections = CONNECTIONS_MAX;
    let config = Config::check(&raw)?;
    let api_key =
        KeyFile::new(config.keys_file()).create(NewKey::named("bench"), Timestamp::now())?;
    let (app, reports) = App::start_without_inflow(config, Clock::system()).await?;
    let addr = app.addr();
    let running = tokio::spawn(app.run_until(std::future::pending()));
    let head = head(&addr.to_string()).await?;
    let (epoch, before) = (head.epoch, head.seq.get());
    let ready = serde_json::json!({
        "port": addr.port(), "path": "/v1/stream?view=full", "api_key": api_key,
        "greetings": 2, "filters": true, "on_disk": true, "after": format!("{epoch}-"),
    });
    println!("{ready}");
    let (over, is_over) = oneshot::channel::<()>();
    std::thread::spawn(move || {
        report(&epoch, before, &reports);
        drop(over);
    });
    tokio::select! {
        ended = running => ended?,
        _ = is_over => Ok(()),
    }
}

/// The newest event of the log, as the server tells it.
async fn head(addr: &str) -> anyhow::Result<Cursor> {
    let mut socket = TcpStream::connect(addr).await?;
    let request = format!("GET /v1/status HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await?;
    let (_, rest) = answer
        .split_once("\"head\":\"")
        .context("the status has no head")?;
    let (head, _) = rest.split_once('"').context("the head has no end")?;
    Ok(head.parse()?)
}

fn report(epoch: &Epoch, before: u64, reports: &mpsc::Sender<Report>) {
    let lines = std::io::stdin().lock().lines().map_while(Result::ok);
    let mut names = Names::default();
    for (number, line) in (before + 1..).zip(lines) {
        let cik = line.parse().expect("the generator writes numbers");
        let filing = filing(epoch, number, cik, &mut names);
        if reports
            .blocking_send(Report::Sighted(Sighting { filing }))
            .is_err()
        {
            return;
        }
    }
}

/// The name that makes up the size of an event, by the digits of its number and of its
/// filer's. Found once for each: what it takes to invent an event is not the server's.
type Names = HashMap<(u32, u32), String>;

/// A filing whose event is as large as everybody's.
fn filing(epoch: &Epoch, number: u64, cik: u64, names: &mut Names) -> Filing {
    let digits = (number.ilog10(), cik.checked_ilog10().unwrap_or(0));
    let name = names.entry(digits).or_insert_with(|| {
        // A time with all its digits: no event is longer than what is measured.
        let at = Timestamp::from_millisecond(1_772_000_000_111).expect("a time");
        let body = Body::FilingSeen(nameless(number, cik, at));
        let frame = Event::new(epoch, Seq::new(number), at, body).to_frame();
        "X".repeat(EVENT_BYTES.saturating_sub(frame.len()))
    });
    let mut filing = nameless(number, cik, to_millis(Timestamp::now()));
    filing.filers[0].name.clone_from(name);
    filing
}

fn nameless(number: u64, cik: u64, at: Timestamp) -> Filing {
    // A year has a million numbers for each submitter.
    let (submitter, serial) = (SUBMITTER + number / 1_000_000, number % 1_000_000);
    let accession =
        Accession::new(Cik::new(submitter), 26, serial as u32).expect("a serial of six digits");
    let form: Form = "8-K".parse().expect("a form");
    let mut filing = Filing::new(accession, form, Source::Atom, at);
    let role = Some(FilerRole::Filer);
    filing.filers = vec![Filer::new(Cik::new(cik), "", role)];
    filing
}
