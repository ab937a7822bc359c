//! The submission: the SGML text file that carries a filing, made anew each time.
//!
//! [`Submission::of`] lays out header and documents; long bodies are only a seed and a
//! length until [`Submission::chunks`] writes them, so a submission of any size costs
//! a few kilobytes of memory. Elsewhere: which documents there are (`world`).
//!
//! Invariant: the same filing gives the same bytes, and exactly `bytes()` of them.

mod documents;
mod filler;
mod header;
mod uuencode;

use std::collections::VecDeque;

use bytes::Bytes;
use sha2::{Digest, Sha256};

pub(crate) use filler::Style;

use crate::text::latin1;
use crate::world::Filing;

/// The most bytes of one chunk.
pub(crate) const CHUNK_BYTES: usize = 64 * 1024;

/// A submission, laid out but not written.
#[derive(Debug)]
pub(crate) struct Submission {
    parts: VecDeque<Part>,
    bytes: u64,
}

#[derive(Debug)]
enum Part {
    Text(Bytes),
    Filler(Box<filler::Filler>),
}

/// A submission being laid out: text so far, and where the long body goes.
#[derive(Debug, Default)]
struct Draft {
    text: String,
    slot: Option<(usize, Style)>,
}

impl Submission {
    /// Lays out the submission of `filing`.
    pub(crate) fn of(filing: &Filing) -> Self {
        let mut draft = Draft::default();
        header::write(&mut draft.text, filing);
        for document in &filing.documents {
            documents::write(&mut draft, filing, document);
        }
        draft.text.push_str("</SEC-DOCUMENT>\n");
        draft.finish(filing)
    }

    /// Its exact length.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Writes it, at most [`CHUNK_BYTES`] at a time.
    pub(crate) fn chunks(self) -> Chunks {
        Chunks { parts: self.parts }
    }

    /// The SHA-256 of all bytes, in hexadecimal.
    pub(crate) fn sha256(self) -> String {
        let mut hash = Sha256::new();
        for chunk in self.chunks() {
            hash.update(&chunk);
        }
        hex::encode(hash.finalize())
    }
}

impl Draft {
    /// Marks here as the place of the body that fills the submission to its size.
    fn leave_room(&mut self, style: Style) {
        if self.slot.is_none() {
            self.slot = Some((self.text.len(), style));
        }
    }

    fn finish(self, filing: &Filing) -> Submission {
        let (at, style) = self.slot.unwrap_or((self.text.len(), Style::Text));
        let (before, after) = (latin1(&self.text[..at]), latin1(&self.text[at..]));
        let fixed = (before.len() + after.len()) as u64;
        let room = filing.submission_bytes.saturating_sub(fixed);
        let filler = filler::Filler::new(style, filing.seed, &filing.accession, room);
        let parts = [
            Part::Text(before.into()),
            Part::Filler(Box::new(filler)),
            Part::Text(after.into()),
        ];
        Submission {
            parts: parts.into(),
            bytes: fixed + room,
        }
    }
}

/// The bytes of a submission, chunk by chunk.
#[derive(Debug)]
pub(crate) struct Chunks {
    parts: VecDeque<Part>,
}

impl Iterator for Chunks {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        loop {
            match self.parts.front_mut()? {
                Part::Text(text) if !text.is_empty() => {
                    let length = text.len().min(CHUNK_BYTES);
                    return Some(text.split_to(length));
                }
                Part::Filler(filler) if filler.remaining() > 0 => return Some(filler.chunk()),
                _ => self.parts.pop_front(),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::world::{Order, Scale, World, rule};

    fn world() -> World {
        World::new(
            11,
            Scale {
                factor: 0.1,
                max_bytes: 200_000,
            },
        )
    }

    fn filing(world: &mut World, order: &Order) -> Filing {
        let at = "2026-03-03T21:04:41Z".parse().expect("a literal timestamp");
        let mut filing = world.file(order, |_| (at, date(2026, 3, 3)));
        filing.submission_bytes = Submission::of(&filing).bytes();
        filing
    }

    fn text(filing: &Filing) -> Vec<u8> {
        Submission::of(filing)
            .chunks()
            .flat_map(|chunk| chunk.to_vec())
            .collect()
    }

    #[test]
    fn every_submission_is_a_whole_sgml_file_of_the_announced_length() {
        let mut world = world();

        for _ in 0..300 {
            let filing = filing(&mut world, &Order::default());
            let bytes = text(&filing);

            assert_eq!(
                bytes.len() as u64,
                filing.submission_bytes,
                "{}",
                filing.rule.form
            );
            assert!(bytes.starts_with(
                format!("<SEC-DOCUMENT>{}.txt : 20260303\n", filing.accession).as_bytes()
            ));
            assert!(bytes.ends_with(b"</DOCUMENT>\n</SEC-DOCUMENT>\n"));
        }
    }

    #[test]
    fn a_demanded_size_is_met_to_the_byte() {
        let order = Order {
            rule: rule("10-Q"),
            submission_bytes: Some(3_000_001),
        };

        let filing = filing(&mut world(), &order);

        assert_eq!(text(&filing).len(), 3_000_001);
    }

    #[test]
    fn no_chunk_is_over_64_kilobytes() {
        let order = Order {
            rule: rule("NPORT-P"),
            submission_bytes: Some(1_000_000),
        };

        let filing = filing(&mut world(), &order);

        assert!(
            Submission::of(&filing)
                .chunks()
                .all(|chunk| chunk.len() <= CHUNK_BYTES)
        );
    }

    #[test]
    fn the_same_filing_has_the_same_hash_each_time() {
        let filing = filing(&mut world(), &Order::default());

        assert_eq!(
            Submission::of(&filing).sha256(),
            Submission::of(&filing).sha256()
        );
    }

    #[test]
    fn the_header_names_every_party_with_its_role() {
        let order = Order {
            rule: rule("4"),
            ..Order::default()
        };
        let filing = filing(&mut world(), &order);

        let text = String::from_utf8_lossy(&text(&filing)).into_owned();

        assert!(text.contains("\nREPORTING-OWNER:\t\n\n\tOWNER DATA:\t\n"));
        assert!(text.contains("\nISSUER:\t\t\n\n\tCOMPANY DATA:\t\n"));
        for party in &filing.parties {
            assert!(text.contains(&format!(
                "\t\tCENTRAL INDEX KEY:\t\t\t{:010}\n",
                party.filer.cik
            )));
        }
    }
}
