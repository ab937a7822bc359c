//! The long body of a submission: paragraphs in an order that depends on the filing.
//!
//! Invariant: a filler writes exactly the bytes it was made for.

use std::sync::LazyLock;

use bytes::{Bytes, BytesMut};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::CHUNK_BYTES;
use crate::random::{digest, pick, stream};

/// What the paragraphs of a body look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// `<p>` paragraphs and small tables.
    Html,
    /// Sentences without markup.
    Text,
    /// `<infoTable>` rows of a 13F.
    Holdings,
    /// `<invstOrSec>` rows of an NPORT-P.
    Investments,
}

/// A body of a given length.
#[derive(Debug)]
pub(super) struct Filler {
    style: Style,
    rng: ChaCha8Rng,
    remaining: u64,
}

impl Filler {
    pub(super) fn new(style: Style, seed: u64, accession: &str, bytes: u64) -> Self {
        Self {
            style,
            rng: stream(seed, "body", digest(accession)),
            remaining: bytes,
        }
    }

    pub(super) fn remaining(&self) -> u64 {
        self.remaining
    }

    /// The next bytes, at most [`CHUNK_BYTES`]; some remain or the body is complete.
    pub(super) fn chunk(&mut self) -> Bytes {
        let mut chunk = BytesMut::with_capacity(CHUNK_BYTES);
        let pool = &POOLS[self.style as usize];
        while self.remaining > 0 {
            let paragraph = &pool[self.rng.random_range(0..pool.len())];
            let fits = paragraph.len() as u64 <= self.remaining;
            let length = if fits {
                paragraph.len()
            } else {
                self.remaining as usize
            };
            if chunk.len() + length > CHUNK_BYTES {
                break;
            }
            if fits {
                chunk.extend_from_slice(paragraph);
            } else {
                chunk.extend_from_slice(&padding(self.style, length));
            }
            self.remaining -= length as u64;
        }
        chunk.freeze()
    }
}

/// `length` bytes that mean nothing in a body of `style`.
fn padding(style: Style, length: usize) -> Vec<u8> {
    const MARKUP: usize = "<!---->\n".len();
    if style == Style::Text || length < MARKUP {
        return vec![b'\n'; length];
    }
    format!("<!--{}-->\n", "=".repeat(length - MARKUP)).into_bytes()
}

/// Ready paragraphs by [`Style`]; the world's seed only decides their order.
static POOLS: LazyLock<[Vec<Vec<u8>>; 4]> = LazyLock::new(|| {
    [
        pool(Style::Html),
        pool(Style::Text),
        pool(Style::Holdings),
        pool(Style::Investments),
    ]
});

fn pool(style: Style) -> Vec<Vec<u8>> {
    let mut rng = stream(0, "paragraphs", style as u64);
    (0..96)
        .map(|_| paragraph(&mut rng, style).into_bytes())
        .collect()
}

fn paragraph(rng: &mut ChaCha8Rng, style: Style) -> String {
    match style {
        Style::Html if rng.random_bool(0.3) => row(rng),
        Style::Html => format!(
            "<p style=\"font: 10pt Times New Roman, Times, Serif; margin: 0pt 0\">{}</p>\n",
            sentences(rng)
        ),
        Style::Text => format!("{}\n", sentences(rng)),
        Style::Holdings => holding(rng),
        Style::Investments => investment(rng),
    }
}

fn row(rng: &mut ChaCha8Rng) -> String {
    let label = pick(
        rng,
        &[
            "Net sales",
            "Cost of goods sold",
            "Total assets",
            "Interest expense",
            "Income taxes",
            "Notes payable",
        ],
    );
    let [this, last] = [
        rng.random_range(1_000..9_999_999),
        rng.random_range(1_000..9_999_999),
    ];
    format!(
        "<table><tr style=\"vertical-align: bottom\"><td>{label}</td><td style=\"text-align: right\">{this}</td><td style=\"text-align: right\">{last}</td></tr></table>\n"
    )
}

fn sentences(rng: &mut ChaCha8Rng) -> String {
    const SUBJECT: &[&str] = &[
        "The Company",
        "The Registrant",
        "Our subsidiary",
        "The Board of Directors",
        "Management",
        "The Trust",
    ];
    const VERB: &[&str] = &[
        "entered into",
        "amended",
        "completed",
        "announced",
        "evaluated",
        "refinanced",
        "disclosed",
        "approved",
    ];
    const OBJECT: &[&str] = &[
        "a credit agreement with its lenders",
        "an underwritten public offering of common stock",
        "the results of the quarter",
        "a lease for its principal office",
        "certain related party transactions",
        "the disclosure controls and procedures",
        "the merger agreement described in Note 7",
        "an equity incentive plan for its employees",
    ];
    const TAIL: &[&str] = &[
        "subject to customary closing conditions.",
        "as described in the Annual Report.",
        "in the ordinary course of business.",
        "which may differ materially from actual results.",
        "effective as of the date first written above.",
    ];
    let sentence = |rng: &mut ChaCha8Rng| {
        format!(
            "{} {} {}, {}",
            pick(rng, SUBJECT),
            pick(rng, VERB),
            pick(rng, OBJECT),
            pick(rng, TAIL)
        )
    };
    (0..rng.random_range(2..7))
        .map(|_| sentence(rng))
        .collect::<Vec<_>>()
        .join(" ")
}

fn holding(rng: &mut ChaCha8Rng) -> String {
    let issuer = pick(
        rng,
        &[
            "COPPERLINE FOODS INC",
            "NORTHGATE BANCORP",
            "TIDEWELL SOFTWARE CORP",
            "LARKFIELD PHARMA PLC",
            "VANTOR MOTORS INC",
        ],
    );
    let shares = rng.random_range(100..2_000_000u64);
    let value = shares * rng.random_range(3..400);
    format!(
        "  <infoTable>\n    <nameOfIssuer>{issuer}</nameOfIssuer>\n    <titleOfClass>COM</titleOfClass>\n    <cusip>{:09}</cusip>\n    <value>{value}</value>\n    <shrsOrPrnAmt>\n      <sshPrnamt>{shares}</sshPrnamt>\n      <sshPrnamtType>SH</sshPrnamtType>\n    </shrsOrPrnAmt>\n    <investmentDiscretion>SOLE</investmentDiscretion>\n    <votingAuthority>\n      <Sole>{shares}</Sole>\n      <Shared>0</Shared>\n      <None>0</None>\n    </votingAuthority>\n  </infoTable>\n",
        rng.random_range(10_000_000..999_999_999u64)
    )
}

fn investment(rng: &mut ChaCha8Rng) -> String {
    let balance = rng.random_range(100..900_000u64);
    format!(
        "      <invstOrSec>\n        <name>ISSUER {:04}</name>\n        <lei>N/A</lei>\n        <cusip>{:09}</cusip>\n        <balance>{balance}.00</balance>\n        <units>NS</units>\n        <curCd>USD</curCd>\n        <valUSD>{}.50</valUSD>\n        <payoffProfile>Long</payoffProfile>\n        <assetCat>EC</assetCat>\n        <invCountry>US</invCountry>\n        <fairValLevel>1</fairValLevel>\n      </invstOrSec>\n",
        rng.random_range(1..9999),
        rng.random_range(10_000_000..999_999_999u64),
        balance * rng.random_range(3..300)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(style: Style, bytes: u64) -> Vec<u8> {
        let mut filler = Filler::new(style, 1, "0001999999-26-000042", bytes);
        let mut all = Vec::new();
        while filler.remaining() > 0 {
            all.extend_from_slice(&filler.chunk());
        }
        all
    }

    #[test]
    fn a_filler_is_exactly_as_long_as_asked() {
        for style in [
            Style::Html,
            Style::Text,
            Style::Holdings,
            Style::Investments,
        ] {
            for bytes in [0, 1, 7, 8, 9, 5_000, 65_536, 200_001] {
                assert_eq!(written(style, bytes).len() as u64, bytes, "{style:?}");
            }
        }
    }

    #[test]
    fn every_chunk_makes_progress() {
        let mut filler = Filler::new(Style::Html, 1, "0001999999-26-000042", 1_000_000);

        while filler.remaining() > 0 {
            assert!(!filler.chunk().is_empty());
        }
    }
}
