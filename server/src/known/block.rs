//! A run of filings in a few bytes each.
//!
//! Entries are sorted. Each is its distance from the one before, doubled, and one more when its
//! standing is another than that of the one before; then the standing follows as a byte. While
//! the archive lacks something of a filing, the seq of its `filing.seen` follows too: there
//! its filers are found. Numbers are written seven bits a byte, lowest first.
//!
//! Elsewhere: many blocks in order (`filings`), what a standing means (`known`).
//! Invariant: a block that is made or checked here reads back without a flaw.

use std::sync::Arc;

use protocol::{accession::Accession, seq::Seq};

use super::Standing;

/// Most filings of one block: a block is read through to find one, and made anew to change one.
pub(super) const MOST: usize = 512;

/// More bytes than any block takes: two numbers and a standing for each filing.
pub(super) const MOST_BYTES: usize = MOST * 21;

/// What is kept of one filing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) accession: Accession,
    pub(super) standing: Standing,
    /// Its `filing.seen` while the archive lacks something of it, else zero.
    pub(super) seen: Seq,
}

/// A run of filings. Clones share their bytes.
#[derive(Debug, Clone)]
pub(super) struct Block {
    first: u64,
    bytes: Arc<[u8]>,
}

/// Bytes that are no block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

impl Block {
    /// A block of these, which are sorted and at least one.
    pub(super) fn of(entries: &[Entry]) -> Self {
        let first = entries.first().map_or(0, |entry| entry.accession.get());
        let mut bytes = Vec::with_capacity(entries.len() * 3);
        let (mut before, mut standing) = (first, Standing::default());
        for entry in entries {
            let changed = entry.standing != standing;
            push_number(
                &mut bytes,
                (entry.accession.get() - before) << 1 | u64::from(changed),
            );
            if changed {
                bytes.push(entry.standing.to_bits());
            }
            if entry.standing.lacks_something() {
                push_number(&mut bytes, entry.seen.get());
            }
            (before, standing) = (entry.accession.get(), entry.standing);
        }
        Self {
            first,
            bytes: bytes.into(),
        }
    }

    /// A block as it lay in a file, and how many filings are in it.
    ///
    /// # Errors
    /// [`Malformed`] unless it is what [`Self::of`] makes.
    pub(super) fn check(first: u64, bytes: Vec<u8>) -> Result<(Self, usize), Malformed> {
        let block = Self {
            first,
            bytes: bytes.into(),
        };
        let mut entries = block.entries();
        let mut count = 0;
        while entries.step()?.is_some() {
            count += 1;
        }
        if (1..=MOST).contains(&count) {
            Ok((block, count))
        } else {
            Err(Malformed)
        }
    }

    /// The number of its first accession.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// As they lie in a file.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its filings in order.
    pub(super) fn entries(&self) -> Entries<'_> {
        Entries {
            bytes: &self.bytes,
            accession: self.first,
            standing: Standing::default(),
            begun: false,
        }
    }
}

/// The filings of a block in order.
#[derive(Debug, Clone)]
pub(super) struct Entries<'a> {
    bytes: &'a [u8],
    accession: u64,
    standing: Standing,
    begun: bool,
}

impl Entries<'_> {
    fn step(&mut self) -> Result<Option<Entry>, Malformed> {
        if self.bytes.is_empty() {
            return Ok(None);
        }
        let step = take_number(&mut self.bytes).ok_or(Malformed)?;
        let distance = step >> 1;
        // Only the first is where the block begins.
        if (distance == 0) == self.begun {
            return Err(Malformed);
        }
        self.begun = true;
        self.accession = self.accession.checked_add(distance).ok_or(Malformed)?;
        if step & 1 == 1 {
            let (&bits, rest) = self.bytes.split_first().ok_or(Malformed)?;
            self.bytes = rest;
            self.standing = Standing::from_bits(bits).ok_or(Malformed)?;
        }
        let seen = match self.standing.lacks_something() {
            true => take_number(&mut self.bytes).ok_or(Malformed)?,
            false => 0,
        };
        Ok(Some(Entry {
            accession: Accession::from_number(self.accession).ok_or(Malformed)?,
            standing: self.standing,
            seen: Seq::new(seen),
        }))
    }
}

impl Iterator for Entries<'_> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        self.step()
            .expect("a block was made here or checked when it was read")
    }
}

/// Appends a number, seven bits a byte, lowest first.
pub(super) fn push_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Takes such a number from the front; `None` when there is none.
pub(super) fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for (place, &byte) in bytes.iter().enumerate().take(10) {
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte < 0x80 {
            *bytes = &bytes[place + 1..];
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(in super::super) fn entry() -> impl Strategy<Value = Entry> {
        let accession = prop_oneof![0..1_000_u64, 0..10_u64.pow(18)];
        (accession, 0..64_u8, any::<u64>()).prop_filter_map("a standing", |(number, bits, seen)| {
            let standing = Standing::from_bits(bits)?;
            let seen = if standing.lacks_something() { seen } else { 0 };
            Some(Entry {
                accession: Accession::from_number(number)?,
                standing,
                seen: Seq::new(seen),
            })
        })
    }

    fn entries() -> impl Strategy<Value = Vec<Entry>> {
        prop::collection::vec(entry(), 1..MOST).prop_map(|mut entries| {
            entries.sort_by_key(|entry| entry.accession);
            entries.dedup_by_key(|entry| entry.accession);
            entries
        })
    }

    proptest! {
        #[test]
        fn a_block_reads_back(entries in entries()) {
            let block = Block::of(&entries);
            let (again, count) = Block::check(block.first(), block.bytes().to_vec()).unwrap();

            prop_assert!(block.bytes().len() <= MOST_BYTES);
            prop_assert_eq!(count, entries.len());
            prop_assert_eq!(again.entries().collect::<Vec<_>>(), entries);
        }

        #[test]
        fn no_bytes_make_the_check_panic(first: u64, bytes: Vec<u8>) {
            let _ = Block::check(first, bytes);
        }
    }

    #[test]
    fn neighbours_alike_take_a_byte_each() {
        let alike = |number| Entry {
            accession: Accession::from_number(number).unwrap(),
            standing: Standing::from_bits(3).unwrap(),
            seen: Seq::ZERO,
        };
        let entries: Vec<Entry> = (0..100)
            .map(|n| alike(1_999_999_260_000_000 + 40 * n))
            .collect();

        assert_eq!(Block::of(&entries).bytes().len(), 101);
    }
}
