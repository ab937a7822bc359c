//! XBRL: the facts of financial reports.
//!
//! [`choose`] says which documents of a submission are to be read and how,
//! [`read_instance`] reads those that are plain XBRL, [`read_inline`] those within HTML.
//! Both tell one [`Fact`] after the other and give a [`Summary`] of what was wrong.
//! [`SimpleRows`] makes rows of the datamule project's simple table of them.
//!
//! Elsewhere: the documents themselves ([`crate::sgml`]). Invariant: whatever the bytes, no
//! panic; work and memory grow no faster than the documents, within the limits here.

mod choose;
mod contexts;
mod element;
mod fact;
mod flaw;
mod inline;
mod instance;
mod namespaces;
mod number;
mod scan;
mod simple;
mod source;
mod transform;

pub use choose::{Candidate, HEAD_BYTES, Report, choose, is_inline};
pub use contexts::{MAX_CONTEXTS, MAX_DIMENSIONS, MAX_UNITS};
pub use fact::{Dimensions, Fact, Period};
pub use flaw::{Flaw, Flaws, Met, Summary, XbrlError};
pub use inline::{MAX_INLINE_FACTS, MAX_NESTED_FACTS, read_inline};
pub use instance::read_instance;
pub use simple::{SimpleRow, SimpleRows};

#[cfg(test)]
mod tests;
