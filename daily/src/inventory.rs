//! The text form of an inventory: an accession of 18 digits a line, sorted, unique, each with
//! a newline, compressed as one zstd frame.
//!
//! Elsewhere: which accessions (`instant`). Invariant: what is written is in order, and what
//! is read is in order or an error that names the line.

use std::io::{self, BufRead, BufReader, Read, Write};

use archive::key::Key;
use protocol::accession::Accession;
use zstd::stream::{read::Decoder, write::Encoder};

use crate::error::InventoryError;

/// How hard is compressed. Fixed, for the same lines must give the same bytes.
const LEVEL: i32 = 3;

/// Bytes of a line with its newline.
const LINE: usize = 19;

/// Bytes handed on at a time, whole lines.
const PIECE: usize = 4096 * LINE;

/// Writes an inventory.
pub struct Writer<W: Write> {
    encoder: Encoder<'static, W>,
    lines: Vec<u8>,
    last: Option<Accession>,
    count: u64,
}

impl<W: Write> Writer<W> {
    /// Begins an inventory.
    ///
    /// # Errors
    /// When memory is short.
    pub fn new(out: W) -> io::Result<Self> {
        Ok(Self {
            encoder: encoder(out)?,
            lines: Vec::with_capacity(PIECE),
            last: None,
            count: 0,
        })
    }

    /// Takes the next accession.
    ///
    /// # Errors
    /// When `out` does not take it.
    ///
    /// # Panics
    /// When it is not greater than the one before.
    pub fn push(&mut self, accession: Accession) -> io::Result<()> {
        assert!(
            self.last < Some(accession),
            "accessions of an inventory come in order"
        );
        self.last = Some(accession);
        self.count += 1;
        self.lines.extend_from_slice(&line(accession));
        if self.lines.len() < PIECE {
            return Ok(());
        }
        self.hand_on()
    }

    /// Ends the inventory; gives what it was written to, and how many lines it has.
    ///
    /// # Errors
    /// When `out` does not take the rest.
    pub fn finish(mut self) -> io::Result<(W, u64)> {
        self.hand_on()?;
        Ok((self.encoder.finish()?, self.count))
    }

    fn hand_on(&mut self) -> io::Result<()> {
        self.encoder.write_all(&self.lines)?;
        self.lines.clear();
        Ok(())
    }
}

/// What compresses inventories of both forms.
pub(crate) fn encoder<W: Write>(out: W) -> io::Result<Encoder<'static, W>> {
    let mut encoder = Encoder::new(out, LEVEL)?;
    encoder.include_checksum(true)?;
    Ok(encoder)
}

fn line(accession: Accession) -> [u8; LINE] {
    let mut line = [b'\n'; LINE];
    let mut rest = accession.get();
    for digit in line[..LINE - 1].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    line
}

/// Reads an inventory: an iterator that ends after the first error.
pub struct Reader<R: Read> {
    key: Key,
    lines: BufReader<Decoder<'static, BufReader<R>>>,
    last: Option<Accession>,
    line: u64,
    failed: bool,
}

impl<R: Read> Reader<R> {
    /// Reads `object`, which lies under `key`.
    ///
    /// # Errors
    /// When it has no bytes, or they cannot be read.
    pub fn new(key: &Key, object: R) -> Result<Self, InventoryError> {
        let mut object = BufReader::new(object);
        let begun = object.fill_buf().map(|begin| !begin.is_empty());
        let decoder = begun.and_then(|begun| Ok((begun, Decoder::with_buffer(object)?)));
        let (begun, decoder) = decoder.map_err(|source| InventoryError::Unreadable {
            key: key.clone(),
            line: 1,
            source,
        })?;
        let reader = Self {
            key: key.clone(),
            lines: BufReader::with_capacity(PIECE, decoder),
            last: None,
            line: 0,
            failed: false,
        };
        match begun {
            true => Ok(reader),
            // Without lines it would still have the head of a frame.
            false => Err(reader.damaged("it has no bytes")),
        }
    }

    fn step(&mut self) -> Result<Option<Accession>, InventoryError> {
        self.line += 1;
        let ended = self.lines.fill_buf().map(<[u8]>::is_empty);
        if ended.map_err(|e| self.unreadable(e))? {
            return Ok(None);
        }
        let mut line = [0; LINE];
        match self.lines.read_exact(&mut line) {
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(self.damaged("the last line is cut"));
            }
            read => read.map_err(|e| self.unreadable(e))?,
        }
        let accession = parse(&line).ok_or_else(|| self.damaged("it is not 18 digits"))?;
        if self.last >= Some(accession) {
            return Err(self.damaged("it is not greater than the line before"));
        }
        self.last = Some(accession);
        Ok(Some(accession))
    }

    fn damaged(&self, what: &'static str) -> InventoryError {
        InventoryError::Damaged {
            key: self.key.clone(),
            line: self.line,
            what,
        }
    }

    fn unreadable(&self, source: io::Error) -> InventoryError {
        InventoryError::Unreadable {
            key: self.key.clone(),
            line: self.line,
            source,
        }
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Accession, InventoryError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let step = self.step();
        self.failed = step.is_err();
        step.transpose()
    }
}

fn parse(line: &[u8; LINE]) -> Option<Accession> {
    let (digits, end) = line.split_at(LINE - 1);
    if end != b"\n" || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = digits.iter().fold(0, |n, d| n * 10 + u64::from(d - b'0'));
    Accession::from_number(number)
}

/// `accessions` without those that any of `others` has; all are sorted.
pub(crate) struct Without<I, R: Read> {
    accessions: I,
    others: Vec<std::iter::Peekable<Reader<R>>>,
}

impl<I: Iterator<Item = Accession>, R: Read> Without<I, R> {
    pub(crate) fn new(accessions: I, others: Vec<Reader<R>>) -> Self {
        Self {
            accessions,
            others: others.into_iter().map(Iterator::peekable).collect(),
        }
    }

    fn is_in_others(&mut self, accession: Accession) -> Result<bool, InventoryError> {
        let mut found = false;
        for other in &mut self.others {
            let before = |next: &Result<Accession, _>| next.as_ref().is_ok_and(|a| *a < accession);
            while other.next_if(before).is_some() {}
            // Equal, or an error.
            let here = |next: &Result<Accession, _>| next.as_ref().is_ok_and(|a| *a == accession);
            if let Some(next) = other.next_if(|next| next.is_err() || here(next)) {
                found |= next? == accession;
            }
        }
        Ok(found)
    }
}

impl<I: Iterator<Item = Accession>, R: Read> Iterator for Without<I, R> {
    type Item = Result<Accession, InventoryError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let accession = self.accessions.next()?;
            match self.is_in_others(accession) {
                Ok(true) => {}
                Ok(false) => return Some(Ok(accession)),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn key() -> Key {
        Key::parse("sec/filings/inventory/x.txt.zst").unwrap()
    }

    fn accession(number: u64) -> Accession {
        Accession::from_number(number).unwrap()
    }

    fn written(numbers: &BTreeSet<u64>) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new()).unwrap();
        for number in numbers {
            writer.push(accession(*number)).unwrap();
        }
        let (bytes, count) = writer.finish().unwrap();
        assert_eq!(count, numbers.len() as u64);
        bytes
    }

    fn read(object: &[u8]) -> Result<Vec<u64>, InventoryError> {
        let reader = Reader::new(&key(), object)?;
        reader.map(|next| next.map(Accession::get)).collect()
    }

    fn read_text(text: &str) -> Result<Vec<u64>, InventoryError> {
        read(&zstd::encode_all(text.as_bytes(), 1).unwrap())
    }

    fn numbers() -> impl Strategy<Value = BTreeSet<u64>> {
        prop::collection::btree_set(prop_oneof![0..50_u64, 0..10_u64.pow(18)], 0..100)
    }

    #[test]
    fn a_line_is_eighteen_digits_and_a_newline() {
        let text = zstd::decode_all(&*written(&[42, 1_999_999_260_000_042].into())).unwrap();

        assert_eq!(text, b"000000000000000042\n001999999260000042\n");
        assert_eq!(read(&written(&BTreeSet::new())).unwrap(), [0; 0]);
    }

    #[test]
    fn a_bad_line_is_named_with_its_inventory() {
        let good = "000000000000000042\n";
        for (bad, line) in [
            ("00000000000000041\n\n", 2),
            ("000000000000000042\n", 2),
            ("000000000000000041\n", 2),
            ("00000000000000004x\n", 2),
            ("000000000000000043\r\n", 2),
            ("000000000000000043", 2),
            ("\n", 2),
            ("000000000000000043\n\n", 3),
        ] {
            let error = read_text(&format!("{good}{bad}")).unwrap_err();

            assert!(
                error
                    .to_string()
                    .contains(&format!("x.txt.zst` is damaged at line {line}")),
                "{bad:?}: {error}"
            );
        }
    }

    #[test]
    fn an_inventory_that_is_cut_or_spoiled_is_no_shorter_inventory() {
        let whole = written(&(0..10_000).collect());

        for end in (0..whole.len()).step_by(97) {
            assert!(read(&whole[..end]).is_err(), "cut at {end}");
        }
        for place in (0..whole.len()).step_by(53) {
            let mut spoiled = whole.clone();
            spoiled[place] ^= 1;
            assert!(read(&spoiled).is_err(), "spoiled at {place}");
        }
    }

    proptest! {
        #[test]
        fn an_inventory_reads_back(numbers in numbers()) {
            let expected: Vec<u64> = numbers.iter().copied().collect();

            prop_assert_eq!(read(&written(&numbers)).unwrap(), expected);
        }

        #[test]
        fn what_others_have_is_left_out(all in numbers(), one in numbers(), two in numbers()) {
            let objects = [written(&one), written(&two)];
            let others = objects.iter().map(|object| Reader::new(&key(), &object[..]).unwrap());

            let accessions = all.iter().copied().map(accession);
            let left: Result<Vec<_>, _> = Without::new(accessions, others.collect()).collect();

            let others: BTreeSet<u64> = one.union(&two).copied().collect();
            let expected: Vec<_> = all.difference(&others).copied().map(accession).collect();
            prop_assert_eq!(left.unwrap(), expected);
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
            let _ = read(&bytes);
        }
    }
}
