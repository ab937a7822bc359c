//! An event log whose disk is not to be trusted, and what must hold of it all the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use eventlog::{
    Config, Reader, Watermark, Writer,
    disk::Disk,
    segment::{self, Header, Line},
    testing::ForgetfulDisk,
};
use protocol::seq::{Epoch, Seq};

const DIR: &str = "/data/log";
const WATERMARK: &str = "/data/fetch.watermark";

/// Most steps of a program: what is found after fifty is found before.
const MAX_STEPS: usize = 50;

/// The log, its disk, and every line that was ever written with a good checksum.
pub struct Hostile<'a> {
    input: Input<'a>,
    disk: ForgetfulDisk,
    log: Option<(Writer<()>, Reader<()>)>,
    segment_bytes: u64,
    /// Frames by number. A forged line is as good as one of ours: who can write checksums
    /// can write anything.
    written: BTreeMap<u64, BTreeSet<Vec<u8>>>,
    appended: Vec<(u64, Vec<u8>)>,
}

impl<'a> Hostile<'a> {
    /// Runs the program in `input` and checks what must hold.
    pub fn run(input: &'a [u8]) {
        let mut input = Input(input);
        let segment_bytes = 64 + u64::from(input.byte()) * 4;
        let mut this = Self {
            input,
            disk: ForgetfulDisk::default(),
            log: None,
            segment_bytes,
            written: BTreeMap::new(),
            appended: Vec::new(),
        };
        for _ in 0..MAX_STEPS {
            if this.input.0.is_empty() {
                break;
            }
            this.step();
        }
        this.close();
        this.check();
        this.check_watermark();
    }

    fn step(&mut self) {
        match self.input.byte() % 12 {
            0..=2 => self.append(),
            3 | 4 => self.commit(),
            5 => {
                self.close();
                let chance = self.input.number();
                self.disk.crash_torn(chance);
            }
            damage => {
                self.close();
                self.damage(damage);
            }
        }
    }

    fn open(&mut self) -> Option<&mut (Writer<()>, Reader<()>)> {
        if self.log.is_none() {
            let config = Config {
                segment_bytes: self.segment_bytes,
                ring_bytes: 256,
                ..Config::new(DIR, epoch("k7q2"))
            };
            match Writer::open(config, Arc::new(self.disk.clone())) {
                Ok(log) => self.log = Some(log),
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
        self.log.as_mut()
    }

    fn close(&mut self) {
        self.log = None;
        self.appended.clear();
    }

    fn append(&mut self) {
        let length = usize::from(self.input.byte()) % 64;
        let text = String::from_utf8_lossy(self.input.bytes(length)).replace('\n', " ");
        let Some((writer, _)) = self.open() else {
            return;
        };
        // The last number there is has no next one.
        if writer.next_seq() == Seq::new(u64::MAX) {
            return;
        }
        let frame = text.into_bytes();
        if let Ok(seq) = writer.append(Bytes::from(frame.clone())) {
            self.written
                .entry(seq.get())
                .or_default()
                .insert(frame.clone());
            self.appended.push((seq.get(), frame));
        }
    }

    fn commit(&mut self) {
        let appended = std::mem::take(&mut self.appended);
        let Some((writer, reader)) = self.open() else {
            return;
        };
        let tip = writer.commit().expect("the disk does not fail");
        assert_eq!(reader.tip(), tip);
        if let Some((last, _)) = appended.last() {
            assert_eq!(tip.get(), *last);
        }
    }

    fn damage(&mut self, kind: u8) {
        let Some(path) = self.any_file() else {
            return self.forge_file();
        };
        let mut bytes = self.disk.bytes(&path);
        let place = self.input.below(bytes.len() + 1);
        match kind {
            6 => match bytes.get_mut(place) {
                Some(byte) => *byte ^= 1 << (self.input.byte() % 8),
                None => bytes.truncate(self.input.below(bytes.len() + 1)),
            },
            7 => bytes.truncate(place),
            8 => {
                let length = usize::from(self.input.byte());
                let more = self.input.bytes(length).to_vec();
                bytes.splice(place..place, more);
            }
            9 => self.copy_lines(&mut bytes),
            10 => bytes.extend(self.forged_line()),
            _ => return self.move_file(&path),
        }
        self.disk.set_bytes(&path, bytes);
    }

    /// Whole lines of one file, somewhere in another.
    fn copy_lines(&mut self, bytes: &mut Vec<u8>) {
        let Some(path) = self.any_file() else { return };
        let from = self.disk.bytes(path);
        let lines: Vec<&[u8]> = from.split_inclusive(|byte| *byte == b'\n').collect();
        let first = self.input.below(lines.len());
        let count = self.input.below(lines.len() - first + 1);
        let starts: Vec<usize> = bytes
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'\n')
            .map(|(place, _)| place + 1)
            .collect();
        let place = match starts.len() {
            0 => bytes.len(),
            many => starts[self.input.below(many)],
        };
        let copied = lines[first..first + count].concat();
        bytes.splice(place..place, copied);
    }

    fn forged_line(&mut self) -> Vec<u8> {
        let seq = self.input.seq();
        let back = u64::from(self.input.byte() % 4);
        let length = usize::from(self.input.byte() % 16);
        let text = String::from_utf8_lossy(self.input.bytes(length)).replace('\n', " ");
        let frame = text.into_bytes();
        let mut line = Vec::new();
        Line {
            seq: Seq::new(seq),
            back,
            frame: &frame,
        }
        .encode(&mut line);
        self.written.entry(seq).or_default().insert(frame);
        line
    }

    /// A segment that nobody wrote, with a good header.
    fn forge_file(&mut self) {
        let named = Seq::new(self.input.seq());
        let claimed = match self.input.byte() % 4 {
            0 => Seq::new(self.input.seq()),
            _ => named,
        };
        let epoch = epoch(if self.input.byte().is_multiple_of(4) {
            "zzzz"
        } else {
            "k7q2"
        });
        let header = Header {
            epoch,
            first: claimed,
        };
        let path = Path::new(DIR).join(segment::file_name(named));
        self.disk.set_bytes(path, header.encode());
    }

    fn move_file(&mut self, path: &Path) {
        match self.input.byte() % 4 {
            0 => self.disk.remove(path).expect("it is there"),
            1 => self.forge_file(),
            _ => {
                let name = segment::file_name(Seq::new(self.input.seq()));
                let to = Path::new(DIR).join(name);
                self.disk.rename(path, &to).expect("it is there");
            }
        }
        self.disk
            .sync_dir(Path::new(DIR))
            .expect("it does not fail");
    }

    fn any_file(&mut self) -> Option<PathBuf> {
        let mut paths = self.disk.paths();
        paths.retain(|path| path.extension().is_some_and(|ending| ending == "log"));
        match paths.len() {
            0 => None,
            many => Some(paths.swap_remove(self.input.below(many))),
        }
    }

    /// Opens what is left, reads all of it twice, goes on writing, and opens it again.
    fn check(&mut self) {
        let Some((_, reader)) = self.open() else {
            return;
        };
        let (found, whole) = told(reader);
        assert_eq!((&found, whole), (&told(reader).0, whole));
        for (seq, frame) in &found {
            let known = self
                .written
                .get(seq)
                .is_some_and(|frames| frames.contains(frame));
            assert!(known, "record {seq} was never written like that");
        }
        self.append();
        self.commit();
        self.close();
        let tip_before = found.last().map(|(seq, _)| *seq);
        let (_, reader) = self.open().expect("what was opened once is opened again");
        let (again, _) = told(reader);
        assert!(again.starts_with(&found) || reader.oldest().get() > tip_before.unwrap_or(0));
    }

    fn check_watermark(&mut self) {
        let disk: Arc<dyn Disk> = Arc::new(self.disk.clone());
        self.disk.set_bytes(WATERMARK, self.input.0.to_vec());
        if let Ok(mut watermark) = Watermark::open(WATERMARK, &epoch("k7q2"), Arc::clone(&disk)) {
            let at = watermark.get();
            watermark.store(at).expect("the disk does not fail");
            assert_eq!(
                self.disk.bytes(WATERMARK),
                self.input.0,
                "one spelling only"
            );
        }
    }
}

/// Every record that can be read from the oldest on, and whether that is all.
fn told(reader: &Reader<()>) -> (Vec<(u64, Vec<u8>)>, bool) {
    let mut found = Vec::new();
    let mut next = reader.oldest();
    for record in reader.replay(next.prev()) {
        let Ok(record) = record else {
            return (found, false);
        };
        assert_eq!(record.seq, next, "a gap");
        next = record.seq.next();
        found.push((record.seq.get(), record.frame.to_vec()));
    }
    assert_eq!(next, reader.tip().next(), "it ends early without an error");
    (found, true)
}

fn epoch(text: &str) -> Epoch {
    Epoch::parse(text).expect("letters are an epoch")
}

/// Choices, taken from bytes; zeros at the end.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> u8 {
        self.bytes(1).first().copied().unwrap_or(0)
    }

    fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    fn number(&mut self) -> u64 {
        let bytes = self.bytes(8);
        bytes
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    fn below(&mut self, bound: usize) -> usize {
        let chance = usize::from(self.byte()) << 8 | usize::from(self.byte());
        chance.checked_rem(bound).unwrap_or(0)
    }

    /// Mostly a small one, sometimes any.
    fn seq(&mut self) -> u64 {
        match self.byte() {
            0 => self.number(),
            255 => u64::MAX,
            small => u64::from(small % 32),
        }
    }
}
