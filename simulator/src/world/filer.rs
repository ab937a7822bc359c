//! The filers of the invented world: who they are and where they live.
//!
//! Elsewhere: their names (`names`), what they file (`forms`, `filing`).
//!
//! Invariant: CIKs and tickers are unique, and a filer never changes once made.

use std::collections::HashSet;
use std::sync::Arc;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::names::{self, Address};
use crate::random::{pick, stream};

/// What a filer is; decides which forms it files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FilerKind {
    /// A listed domestic company.
    Company,
    /// A listed foreign company: 6-K and 20-F.
    Foreign,
    /// An investment company, registered under the 1933 and the 1940 Act.
    Fund,
    /// A bank with a structured-note programme: 424B2 and FWP.
    Bank,
    /// An institutional manager: 13F, 13G.
    Manager,
    /// A private issuer: Form D.
    Venture,
    /// An insider or a large holder.
    Person,
}

/// A standard industrial classification as headers print it.
#[derive(Debug)]
pub(crate) struct Industry {
    /// Four digits.
    pub(crate) code: &'static str,
    /// Upper case.
    pub(crate) name: &'static str,
    /// The office of Corporation Finance, `06 Technology`.
    pub(crate) office: &'static str,
}

/// A name the filer had before.
#[derive(Debug, Clone)]
pub(crate) struct FormerName {
    /// The old conformed name.
    pub(crate) name: String,
    /// The last day of that name, `YYYYMMDD`.
    pub(crate) until: String,
}

/// One company, fund or person.
#[derive(Debug, Clone)]
pub(crate) struct Filer {
    /// Central index key.
    pub(crate) cik: u64,
    /// Conformed name; all characters are in ISO-8859-1.
    pub(crate) name: String,
    /// What it is.
    pub(crate) kind: FilerKind,
    /// Symbols, none for most that are not listed.
    pub(crate) tickers: Vec<String>,
    /// Classification; persons and private issuers have none.
    pub(crate) industry: Option<&'static Industry>,
    /// Tax number, nine digits.
    pub(crate) ein: String,
    /// Business and mail address.
    pub(crate) address: Address,
    /// Two letters; empty for persons.
    pub(crate) state_of_incorporation: &'static str,
    /// `MMDD`.
    pub(crate) fiscal_year_end: &'static str,
    /// Oldest last.
    pub(crate) former_names: Vec<FormerName>,
    /// The number part of SEC file numbers of this filer.
    pub(crate) file_serial: u32,
}

const INDUSTRIES: &[Industry] = &[
    Industry {
        code: "3569",
        name: "GENERAL INDUSTRIAL MACHINERY & EQUIPMENT, NEC",
        office: "06 Technology",
    },
    Industry {
        code: "2834",
        name: "PHARMACEUTICAL PREPARATIONS",
        office: "03 Life Sciences",
    },
    Industry {
        code: "7372",
        name: "SERVICES-PREPACKAGED SOFTWARE",
        office: "06 Technology",
    },
    Industry {
        code: "1311",
        name: "CRUDE PETROLEUM & NATURAL GAS",
        office: "01 Energy & Transportation",
    },
    Industry {
        code: "6798",
        name: "REAL ESTATE INVESTMENT TRUSTS",
        office: "05 Real Estate & Construction",
    },
    Industry {
        code: "6770",
        name: "BLANK CHECKS",
        office: "05 Real Estate & Construction",
    },
    Industry {
        code: "3674",
        name: "SEMICONDUCTORS & RELATED DEVICES",
        office: "04 Manufacturing",
    },
    Industry {
        code: "5411",
        name: "RETAIL-GROCERY STORES",
        office: "07 Trade & Services",
    },
    Industry {
        code: "1040",
        name: "GOLD & SILVER ORES",
        office: "09 Crypto Assets",
    },
    Industry {
        code: "4911",
        name: "ELECTRIC SERVICES",
        office: "01 Energy & Transportation",
    },
];
const BANKING: Industry = Industry {
    code: "6021",
    name: "NATIONAL COMMERCIAL BANKS",
    office: "02 Finance",
};
const BROKERS: Industry = Industry {
    code: "6211",
    name: "SECURITY BROKERS, DEALERS & FLOTATION COMPANIES",
    office: "02 Finance",
};

/// How many filers of each kind the world has.
const CENSUS: &[(FilerKind, usize)] = &[
    (FilerKind::Company, 150),
    (FilerKind::Foreign, 30),
    (FilerKind::Fund, 50),
    (FilerKind::Bank, 16),
    (FilerKind::Manager, 40),
    (FilerKind::Venture, 40),
    (FilerKind::Person, 110),
];

/// Makes all filers of the world of `seed`, by rising CIK.
pub(crate) fn census(seed: u64) -> Vec<Arc<Filer>> {
    let mut order: Vec<FilerKind> = CENSUS
        .iter()
        .flat_map(|(kind, count)| vec![*kind; *count])
        .collect();
    let mut rng = stream(seed, "census", 0);
    shuffle(&mut rng, &mut order);
    let mut cik = 1_990_000;
    let mut filers = Vec::with_capacity(order.len());
    let mut taken = HashSet::new();
    for kind in order {
        cik += rng.random_range(1..190);
        let filer = with_own_tickers(filer(seed, cik, kind), &mut taken);
        filers.push(Arc::new(filer));
    }
    filers
}

/// The filer with a number after each ticker that somebody before has.
fn with_own_tickers(mut filer: Filer, taken: &mut HashSet<String>) -> Filer {
    for ticker in &mut filer.tickers {
        let first = ticker.clone();
        let mut number = 1;
        while !taken.insert(ticker.clone()) {
            number += 1;
            *ticker = format!("{first}{number}");
        }
    }
    filer
}

fn filer(seed: u64, cik: u64, kind: FilerKind) -> Filer {
    let mut rng = stream(seed, "filer", cik);
    let name = name(&mut rng, kind);
    let listed = matches!(kind, FilerKind::Company | FilerKind::Foreign) && rng.random_bool(0.9);
    Filer {
        cik,
        tickers: if listed {
            tickers(&mut rng, &name)
        } else {
            Vec::new()
        },
        industry: industry(&mut rng, kind),
        ein: format!("99{:07}", rng.random_range(0..9_999_999)),
        address: names::address(&mut rng, kind == FilerKind::Foreign),
        state_of_incorporation: incorporation(&mut rng, kind),
        fiscal_year_end: pick(&mut rng, &["1231", "1231", "1231", "0630", "0930", "0331"]),
        former_names: former_names(&mut rng, kind),
        file_serial: rng.random_range(10_000..99_999),
        name,
        kind,
    }
}

fn name(rng: &mut ChaCha8Rng, kind: FilerKind) -> String {
    match kind {
        FilerKind::Company | FilerKind::Foreign => names::company(rng),
        FilerKind::Fund => names::fund(rng),
        FilerKind::Bank => names::bank(rng),
        FilerKind::Manager => names::manager(rng),
        FilerKind::Venture => names::venture(rng),
        FilerKind::Person => names::person(rng),
    }
}

fn tickers(rng: &mut ChaCha8Rng, name: &str) -> Vec<String> {
    let first = names::ticker(rng, name);
    let mut tickers = vec![first.clone()];
    if rng.random_bool(0.15) {
        tickers.push(format!("{first}W"));
    }
    tickers
}

fn industry(rng: &mut ChaCha8Rng, kind: FilerKind) -> Option<&'static Industry> {
    match kind {
        FilerKind::Company | FilerKind::Foreign => {
            Some(&INDUSTRIES[rng.random_range(0..INDUSTRIES.len())])
        }
        FilerKind::Bank => Some(&BANKING),
        FilerKind::Manager if rng.random_bool(0.3) => Some(&BROKERS),
        _ => None,
    }
}

fn incorporation(rng: &mut ChaCha8Rng, kind: FilerKind) -> &'static str {
    match kind {
        FilerKind::Person => "",
        FilerKind::Foreign => pick(rng, &["X0", "E9", "D5", "I0"]),
        _ => pick(rng, &["DE", "DE", "DE", "NV", "MD", "NY", "MA", "TX"]),
    }
}

fn former_names(rng: &mut ChaCha8Rng, kind: FilerKind) -> Vec<FormerName> {
    if matches!(kind, FilerKind::Person | FilerKind::Venture) || !rng.random_bool(0.25) {
        return Vec::new();
    }
    let mut year = 2024;
    let mut former = Vec::new();
    for _ in 0..rng.random_range(1..=2) {
        year -= rng.random_range(1..9);
        let until = format!(
            "{year}{:02}{:02}",
            rng.random_range(1..=12),
            rng.random_range(1..=28)
        );
        former.push(FormerName {
            name: name(rng, kind).to_uppercase(),
            until,
        });
    }
    former
}

fn shuffle(rng: &mut ChaCha8Rng, kinds: &mut [FilerKind]) {
    for index in (1..kinds.len()).rev() {
        kinds.swap(index, rng.random_range(0..=index));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_filers() {
        let first = census(42);
        let again = census(42);

        assert!(
            first
                .iter()
                .zip(&again)
                .all(|(a, b)| a.cik == b.cik && a.name == b.name)
        );
        assert!(census(43).iter().zip(&first).any(|(a, b)| a.name != b.name));
    }

    #[test]
    fn ciks_rise_and_begin_at_1990000() {
        let ciks: Vec<u64> = census(1).iter().map(|filer| filer.cik).collect();

        assert!(ciks.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(ciks[0] > 1_990_000 && ciks[ciks.len() - 1] < 2_100_000);
        assert!(ciks.len() > 300);
    }

    #[test]
    fn every_ticker_has_one_owner() {
        for seed in 0..20 {
            let filers = census(seed);
            let tickers: Vec<&String> = filers.iter().flat_map(|filer| &filer.tickers).collect();

            let distinct: HashSet<&String> = tickers.iter().copied().collect();

            assert_eq!(distinct.len(), tickers.len(), "seed {seed}");
        }
    }

    #[test]
    fn some_names_are_beyond_ascii() {
        assert!(census(42).iter().any(|filer| !filer.name.is_ascii()));
    }
}
