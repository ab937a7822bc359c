//! A log like EDGAR's: thirty years of filings, their frames written by hand because that is
//! cheaper than by what the program writes them with.
//!
//! Few forms are most filings, few agents send most, a few filers file much and very many
//! little. A filing is archived some filings after it was seen.

use std::{
    collections::{HashMap, VecDeque},
    fmt::Write as _,
};

use bytes::Bytes;
use protocol::{
    seq::{Epoch, Seq},
    time::Date,
};

/// A frame of the log.
pub type Frame = (Seq, Bytes);

/// Forms with their share in a thousand, items and document types.
const FORMS: [(&str, u64, &[&str], &[&str]); 14] = [
    ("4", 370, &[], &["4"]),
    (
        "8-K",
        120,
        &["2.02", "9.01"],
        &[
            "8-K",
            "EX-99.1",
            "EX-101.SCH",
            "EX-101.LAB",
            "EX-101.PRE",
            "GRAPHIC",
            "XML",
        ],
    ),
    ("424B2", 110, &[], &["424B2", "EX-FILING FEES", "GRAPHIC"]),
    ("SCHEDULE 13G/A", 70, &[], &["SCHEDULE 13G/A"]),
    (
        "10-Q",
        60,
        &[],
        &[
            "10-Q",
            "EX-31.1",
            "EX-31.2",
            "EX-32.1",
            "EX-101.SCH",
            "EX-101.CAL",
            "EX-101.DEF",
            "EX-101.LAB",
            "EX-101.PRE",
            "XML",
        ],
    ),
    ("D", 60, &["06b", "3C"], &["D"]),
    ("3", 50, &[], &["3", "EX-24"]),
    ("6-K", 50, &[], &["6-K", "EX-99.1"]),
    ("NPORT-P", 40, &[], &["NPORT-P"]),
    ("13F-HR", 30, &[], &["13F-HR", "INFORMATION TABLE"]),
    (
        "10-K",
        20,
        &[],
        &[
            "10-K",
            "EX-21",
            "EX-23",
            "EX-31.1",
            "EX-31.2",
            "EX-32.1",
            "EX-101.SCH",
            "EX-101.LAB",
            "GRAPHIC",
            "XML",
        ],
    ),
    ("8-K/A", 15, &["5.02"], &["8-K/A"]),
    ("S-1", 4, &[], &["S-1", "EX-5.1", "EX-23.1"]),
    ("10-KT", 1, &[], &["10-KT"]),
];

const SICS: [u16; 12] = [
    2834, 7372, 6022, 6770, 3674, 1311, 4911, 6798, 2836, 5812, 3845, 100,
];
const STATES: [&str; 10] = ["NY", "CA", "TX", "MA", "DE", "IL", "F4", "X0", "WA", "GU"];

/// Agents are numbers from 1 on.
const AGENTS: u64 = 30_000;
/// And so are filers.
pub const FILERS: u64 = 800_000;

/// A filing is archived when so many more were seen.
const LATER: usize = 40;

/// The log as it grows.
#[derive(Debug)]
pub struct World {
    epoch: String,
    filings: u64,
    made: u64,
    seq: u64,
    first_serial: u32,
    serials: HashMap<(u64, i16), u32>,
    waiting: VecDeque<Filing>,
    chance: Chance,
}

#[derive(Debug)]
struct Filing {
    accession: String,
    compact: String,
    form: usize,
    filed_on: Date,
    filers: Vec<u64>,
}

/// Numbers that look like chance and are the same each time.
#[derive(Debug)]
pub struct Chance(pub u64);

impl Chance {
    /// One of the numbers below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)) % limit
    }

    /// Small numbers much more often than large ones: a tenth of them are most of the draws.
    pub fn skewed(&mut self, limit: u64) -> u64 {
        let part = self.below(1 << 20) as f64 / f64::from(1 << 20);
        ((limit as f64).powf(part) as u64).clamp(1, limit)
    }
}

impl World {
    /// A log that will have so many filings.
    pub fn new(epoch: &Epoch, filings: u64) -> Self {
        Self {
            epoch: epoch.to_string(),
            filings,
            made: 0,
            seq: 0,
            first_serial: 1,
            serials: HashMap::new(),
            waiting: VecDeque::new(),
            chance: Chance(7),
        }
    }

    /// As many filings again behind a log that ends at `through`, in the years that its last ones
    /// are of. Their numbers are others.
    pub fn behind(epoch: &Epoch, through: Seq, filings: u64) -> Self {
        let (seq, made) = (through.get(), through.get() / 2);
        Self {
            seq,
            made,
            first_serial: 500_000,
            ..Self::new(epoch, made + filings)
        }
    }

    /// The events of so many more filings.
    pub fn events(&mut self, filings: u64) -> Vec<Frame> {
        let mut frames = Vec::with_capacity(filings as usize * 2 + LATER);
        for _ in 0..filings {
            let filing = self.filing();
            frames.push(self.frame("filing.seen", &filing));
            self.waiting.push_back(filing);
            if self.waiting.len() > LATER || self.made == self.filings {
                self.archive(&mut frames);
            }
        }
        while self.made == self.filings && !self.waiting.is_empty() {
            self.archive(&mut frames);
        }
        frames
    }

    fn archive(&mut self, frames: &mut Vec<Frame>) {
        if let Some(filing) = self.waiting.pop_front() {
            frames.push(self.frame("filing.archived", &filing));
        }
    }

    fn filing(&mut self) -> Filing {
        let filed_on = day_of(self.made, self.filings);
        self.made += 1;
        let agent = self.chance.skewed(AGENTS);
        let next = self.serials.entry((agent, filed_on.year()));
        let next = next.or_insert(self.first_serial);
        let (year, serial) = (filed_on.year() % 100, *next);
        *next += 1;
        let mut share = self.chance.below(1_000);
        let mut form = 0;
        while share >= FORMS[form].1 {
            share -= FORMS[form].1;
            form += 1;
        }
        let parties = if form == 0 || form == 3 { 2 } else { 1 };
        Filing {
            accession: format!("{agent:010}-{year:02}-{serial:06}"),
            compact: format!("{agent:010}{year:02}{serial:06}"),
            form,
            filed_on,
            filers: (0..parties).map(|_| self.chance.skewed(FILERS)).collect(),
        }
    }

    fn frame(&mut self, event_type: &str, filing: &Filing) -> Frame {
        self.seq += 1;
        let (form, _, items, documents) = FORMS[filing.form];
        let is_archived = event_type == "filing.archived";
        let (epoch, seq, day) = (&self.epoch, self.seq, filing.filed_on);
        let mut text = String::with_capacity(if is_archived { 2_400 } else { 900 });
        write!(
            text,
            r#"{{"type":"{event_type}","cursor":"{epoch}-{seq}","seq":{seq},"at":"{day}T21:04:58.168Z","filing":{{"accession":"{}","form":"{form}","amendment":{},"filed_on":"{day}","accepted_at":"{day}T21:04:41Z","source":"atom","seen_at":"{day}T21:04:58.151Z","size_bytes":{},"#,
            filing.accession,
            form.ends_with("/A"),
            seq % 900_000,
        )
        .expect(ROOM);
        if !items.is_empty() {
            write!(text, r#""items":["{}"],"#, items.join("\",\"")).expect(ROOM);
        }
        write_filers(&mut text, &filing.filers, is_archived);
        let (cik, accession, compact) = (filing.filers[0], &filing.accession, &filing.compact);
        write!(
            text,
            r#","urls":{{"index":"https://www.sec.gov/Archives/edgar/data/{cik}/{compact}/{accession}-index.htm","submission":"https://www.sec.gov/Archives/edgar/data/{cik}/{accession}.txt"}}"#
        )
        .expect(ROOM);
        if is_archived {
            write_documents(&mut text, documents, cik);
            self.write_objects(&mut text, compact);
        }
        text.push_str("}}");
        (Seq::new(seq), text.into())
    }

    fn write_objects(&mut self, text: &mut String, compact: &str) {
        let mut hash = || {
            let mut hash = String::with_capacity(64);
            for _ in 0..4 {
                write!(hash, "{:016x}", self.chance.below(u64::MAX)).expect(ROOM);
            }
            hash
        };
        write!(
            text,
            r#","objects":{{"sgml":{{"key":"sgml-archive/{compact}.sgml","bytes":81234,"sha256":"{}","original_sha256":"{}"}},"tar":{{"key":"tar-archive/{compact}.tar","bytes":91234,"sha256":"{}"}}}}"#,
            hash(),
            hash(),
            hash(),
        )
        .expect(ROOM);
    }
}

const ROOM: &str = "a String takes every write";

fn write_filers(text: &mut String, filers: &[u64], is_archived: bool) {
    text.push_str(r#""filers":["#);
    for (place, cik) in filers.iter().enumerate() {
        let comma = if place > 0 { "," } else { "" };
        let role = if place > 0 { "issuer" } else { "filer" };
        write!(
            text,
            r#"{comma}{{"cik":"{cik}","name":"QUAYSIDE {cik:x} HOLDINGS INC","role":"{role}""#
        )
        .expect(ROOM);
        if is_archived {
            let sic = SICS[(cik % SICS.len() as u64) as usize];
            let state = STATES[(cik % STATES.len() as u64) as usize];
            write!(
                text,
                r#","sic":"{sic:04}","state":"{state}","state_of_incorporation":"DE","fiscal_year_end":"1231""#
            )
            .expect(ROOM);
        }
        text.push('}');
    }
    text.push(']');
}

fn write_documents(text: &mut String, documents: &[&str], cik: u64) {
    text.push_str(r#","documents":["#);
    for (place, document_type) in documents.iter().enumerate() {
        let comma = if place > 0 { "," } else { "" };
        let ordinal = place + 1;
        write!(
            text,
            r#"{comma}{{"ordinal":{ordinal},"sequence":"{ordinal}","type":"{document_type}","filename":"q{cik}_{ordinal}.htm","description":"{document_type}","size_bytes":{}}}"#,
            cik * 7 % 90_000
        )
        .expect(ROOM);
    }
    text.push(']');
}

/// Thirty years, the same number of filings on each day.
pub fn day_of(filing: u64, filings: u64) -> Date {
    const DAYS: u64 = 30 * 365;
    let day = filing * DAYS / filings.max(1);
    let (year, rest) = (1996 + day / 365, day % 365);
    Date::new(
        year as i16,
        (rest / 31 + 1) as i8,
        (rest % 31 % 28 + 1) as i8,
    )
    .expect("twelve months of 28 days at most")
}
