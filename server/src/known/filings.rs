//! Every filing of the log, sorted, in memory.
//!
//! Blocks of some hundred filings each, sorted among themselves: finding one halves the
//! blocks, then reads through one. A change makes one block anew, so a clone, which shares all
//! blocks, stays as it was.
//!
//! Elsewhere: how a block packs filings (`block`).

use protocol::accession::Accession;

use super::block::{Block, Entry, MOST, Malformed};

/// Filings by accession.
#[derive(Debug, Clone, Default)]
pub(super) struct Filings {
    blocks: Vec<Block>,
    count: usize,
}

impl Filings {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// What is kept of a filing.
    pub(super) fn get(&self, accession: Accession) -> Option<Entry> {
        let block = self.blocks.get(self.place(accession))?;
        let mut entries = block.entries();
        let found = entries.find(|entry| entry.accession >= accession)?;
        (found.accession == accession).then_some(found)
    }

    /// Keeps this of a filing, in place of what was kept of it.
    pub(super) fn put(&mut self, entry: Entry) {
        let place = self.place(entry.accession);
        let mut entries = Vec::with_capacity(MOST + 1);
        entries.extend(
            self.blocks
                .get(place)
                .iter()
                .flat_map(|block| block.entries()),
        );
        match entries.binary_search_by_key(&entry.accession, |entry| entry.accession) {
            Ok(at) => entries[at] = entry,
            Err(at) => {
                entries.insert(at, entry);
                self.count += 1;
            }
        }
        self.replace(place, &entries);
    }

    /// All of them in order, as they are now.
    pub(super) fn walk(&self) -> impl Iterator<Item = Entry> + Send + use<> {
        let entries = |block: Block| block.entries().collect::<Vec<_>>();
        self.blocks.clone().into_iter().flat_map(entries)
    }

    /// The blocks they lie in.
    pub(super) fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// Takes the next block, as it lay in a file.
    ///
    /// # Errors
    /// [`Malformed`] when it is none, or does not follow those before.
    pub(super) fn push_block(&mut self, first: u64, bytes: Vec<u8>) -> Result<(), Malformed> {
        let last = self.blocks.last().and_then(|block| block.entries().last());
        if last.is_some_and(|last| last.accession.get() >= first) {
            return Err(Malformed);
        }
        let (block, count) = Block::check(first, bytes)?;
        self.blocks.push(block);
        self.count += count;
        Ok(())
    }

    /// The block a filing lies in or belongs into.
    fn place(&self, accession: Accession) -> usize {
        let after = |block: &Block| block.first() <= accession.get();
        self.blocks.partition_point(after).saturating_sub(1)
    }

    fn replace(&mut self, place: usize, entries: &[Entry]) {
        let (low, high) = match entries.len() > MOST {
            true => entries.split_at(entries.len() / 2),
            false => (entries, &[][..]),
        };
        match self.blocks.get_mut(place) {
            Some(block) => *block = Block::of(low),
            None => self.blocks.push(Block::of(low)),
        }
        if !high.is_empty() {
            self.blocks.insert(place + 1, Block::of(high));
        }
    }
}
