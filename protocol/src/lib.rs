//! The vocabulary of filingwire: nouns, events, frames and filters.
//!
//! Everything a client and the server must agree on lives here, and nothing that
//! touches the network, a disk or a clock. The words are those of `ARCHITECTURE.md`.
//!
//! ```
//! use protocol::{accession::Accession, cik::Cik};
//!
//! let accession: Accession = "0001999999-26-000042".parse()?;
//! assert_eq!(accession.compact(), "000199999926000042");
//! assert_eq!(accession.submitter(), Cik::new(1_999_999));
//! # Ok::<(), protocol::error::ParseError>(())
//! ```

pub mod accession;
pub mod cik;
pub mod close;
pub mod day;
pub mod error;
pub mod event;
pub mod filing;
pub mod filter;
pub mod form;
pub mod frame;
pub mod lite;
mod named;
pub mod outage;
pub mod pattern;
mod refusal;
pub mod seq;
pub mod ticker;
pub mod time;
