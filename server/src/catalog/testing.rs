//! Frames and files for the tests of the catalog.

use bytes::Bytes;
use protocol::{
    accession::Accession,
    event::{Body, Event},
    filing::{Document, Filer, Filing, Source},
    seq::{Epoch, Seq},
};
use rusqlite::Connection;

use super::schema;

pub(super) fn epoch() -> Epoch {
    Epoch::parse("test").unwrap()
}

/// The tables, in memory.
pub(super) fn in_memory() -> Connection {
    schema::open_to_write(std::path::Path::new(":memory:"), &epoch(), Seq::ZERO)
        .unwrap()
        .0
}

pub(super) fn accession(serial: u32) -> Accession {
    Accession::new(protocol::cik::Cik::new(7), 26, serial).unwrap()
}

/// What a source tells of a filing.
pub(super) fn filing(serial: u32, form: &str) -> Filing {
    let at = "2026-03-03T21:04:58.151Z".parse().unwrap();
    let mut filing = Filing::new(accession(serial), form.parse().unwrap(), Source::Atom, at);
    filing.filed_on = Some("2026-03-03".parse().unwrap());
    filing.filers = vec![Filer::new(
        protocol::cik::Cik::new(u64::from(serial % 5)),
        "A",
        None,
    )];
    filing
}

/// What its header tells.
pub(super) fn header(serial: u32, form: &str) -> Filing {
    let mut filing = filing(serial, form);
    filing.filers[0].sic = Some("7372".to_owned());
    filing.documents = vec![Document {
        ordinal: 1,
        sequence: None,
        document_type: form.to_owned(),
        filename: "a.htm".to_owned(),
        description: None,
        size_bytes: 1,
    }];
    filing
}

pub(super) fn event(seq: u64, body: Body) -> Event {
    let at = "2026-03-03T21:05:00Z".parse().unwrap();
    Event::new(&epoch(), Seq::new(seq), at, body)
}

pub(super) fn seen(seq: u64, serial: u32, form: &str) -> Event {
    event(seq, Body::FilingSeen(filing(serial, form)))
}

pub(super) fn archived(seq: u64, serial: u32, form: &str) -> Event {
    event(seq, Body::FilingArchived(header(serial, form)))
}

pub(super) fn withdrawn(seq: u64, serial: u32) -> Event {
    event(seq, Body::FilingWithdrawn(filing(serial, "8-K")))
}

pub(super) fn frame(event: Event) -> (Seq, Bytes) {
    (event.seq(), event.to_frame().into())
}
