//! EDGAR's formats: bytes in, values out.
//!
//! What sec.gov serves is read here and turned into the nouns of `protocol`: the
//! feed of latest filings ([`atom`]), the full-text search ([`efts`]), the index files
//! ([`index`]), the list of ticker symbols ([`tickers`]) and the submissions ([`sgml`]). Out of their documents come financial facts
//! ([`xbrl`]), the holdings of managers ([`form13f`]) and of insiders ([`ownership`]), and all
//! documents make one [`tar`] object. [`media`] tells what a document is, [`paths`] where
//! sec.gov keeps things and [`calendar`] when it works.
//!
//! Elsewhere: fetching (`sec-client`), when to fetch and what is new (`monitors`,
//! `server`). Invariant: nothing here opens a socket or a file or reads a clock, and
//! no input makes it panic.
//!
//! ```
//! use edgar::{atom, paths};
//! use protocol::filing::Source;
//!
//! let page = r#"<?xml version="1.0" encoding="ISO-8859-1" ?>
//! <feed xmlns="http://www.w3.org/2005/Atom">
//! <title>Latest Filings - Tue, 03 Mar 2026 16:05:12 EST</title>
//! <id>https://www.sec.gov/cgi-bin/browse-edgar?action=getcurrent</id>
//! <updated>2026-03-03T16:05:12-05:00</updated>
//! <entry>
//! <title>8-K - QUAYSIDE ROBOTICS (HOLDINGS) INC (0001999991) (Filer)</title>
//! <summary type="html"> &lt;b&gt;Filed:&lt;/b&gt; 2026-03-03 &lt;b&gt;Size:&lt;/b&gt; 674 KB
//! &lt;br&gt;Item 2.02: Results of Operations and Financial Condition
//! </summary>
//! <updated>2026-03-03T16:04:41-05:00</updated>
//! <category scheme="https://www.sec.gov/" label="form type" term="8-K"/>
//! <id>urn:tag:sec.gov,2008:accession-number=0001999999-26-000042</id>
//! </entry>
//! </feed>"#;
//!
//! let page = atom::parse(page.as_bytes())?;
//! let seen_at = "2026-03-03T21:04:58Z".parse().unwrap();
//! let filings = atom::join(page.entries, seen_at, Source::Atom);
//!
//! assert_eq!(filings[0].form.as_str(), "8-K");
//! assert_eq!(filings[0].items, ["2.02"]);
//! assert_eq!(filings[0].filers[0].name, "QUAYSIDE ROBOTICS (HOLDINGS) INC");
//! assert_eq!(
//!     paths::submission(filings[0].filers[0].cik, filings[0].accession),
//!     "/Archives/edgar/data/1999991/000199999926000042/0001999999-26-000042.txt"
//! );
//! # Ok::<(), edgar::error::AtomError>(())
//! ```

pub mod atom;
pub mod calendar;
pub mod decimal;
pub mod efts;
pub mod error;
pub mod form13f;
pub mod index;
mod join;
pub mod media;
pub mod ownership;
pub mod paths;
#[cfg(test)]
mod recorded;
pub mod sgml;
pub mod tar;
mod text;
pub mod tickers;
pub mod xbrl;
mod xml;
