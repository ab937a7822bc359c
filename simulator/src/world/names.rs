//! Invented names: companies, funds, managers, persons, streets and towns.
//!
//! They look like EDGAR's conformed names, with their oddities: ` - `, parentheses,
//! `/DE/`, `&`, and now and then a letter beyond ASCII. All characters are in ISO-8859-1.

use rand::Rng;

use crate::random::pick;

/// Where a filer lives.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    /// House number and street, upper case.
    pub(crate) street: String,
    /// Upper case.
    pub(crate) city: &'static str,
    /// Two letters: a US state, or EDGAR's code of a foreign country.
    pub(crate) state: &'static str,
    /// US ZIP or foreign postal code.
    pub(crate) zip: String,
    /// Business phone in one of the spellings filers use.
    pub(crate) phone: String,
}

const FIRST: &[&str] = &[
    "Quayside",
    "Harrow",
    "Brightwater",
    "Copperline",
    "Northgate",
    "Silverpine",
    "Tidewell",
    "Ashgrove",
    "Blue Heron",
    "Cinder Peak",
    "Larkfield",
    "Meridian Vale",
    "Oakhollow",
    "Pinnace",
    "Redstart",
    "Saltmarsh",
    "Thornbury",
    "Umberline",
    "Vantor",
    "Westering",
    "Yarrow",
    "Zephyrine",
    "Arclight",
    "Bellwether Cove",
    "Cascadian",
    "Dunmore",
    "Eastlake",
    "Fernhill",
    "Granite Bay",
    "Hollin",
    "Ironbark",
    "Juniper Creek",
    "Kestrelton",
    "Lodestone",
    "Mossbank",
    "Nimbus Point",
    "Orchard Park",
    "Palisade",
    "Quillon",
    "Rookwood",
    "Sundial",
    "Trellis",
    "Underhill",
    "Verdance",
    "Wrenfield",
    "Alderbrook",
    "Brambleton",
    "Corvane",
    "Driftwood",
    "Emberly",
    "Foxglove",
    "Gladewater",
];
const SECOND: &[&str] = &[
    "Robotics",
    "Therapeutics",
    "Energy Partners",
    "Bancorp",
    "Semiconductor",
    "Foods",
    "Logistics",
    "Biosciences",
    "Mining",
    "Networks",
    "Properties",
    "Insurance Group",
    "Software",
    "Medical",
    "Aerospace",
    "Materials",
    "Water Utilities",
    "Retail",
    "Media",
    "Shipping",
    "Pharma",
    "Motors",
    "Paper",
    "Textiles",
    "Diagnostics",
    "Acquisition",
    "Gaming",
    "Solar",
    "Chemicals",
    "Instruments",
];
const SUFFIX: &[&str] = &[
    "Inc",
    "Inc.",
    "Corp",
    "Corp.",
    "Ltd.",
    "Co",
    "Holdings, Inc.",
    "Group Inc.",
    "LLC",
    "plc",
    "L.P.",
];
const ODD: &[&str] = &[
    "QUAYSIDE ROBOTICS (HOLDINGS) INC",
    "Société Brévannes S.A.",
    "Grupo Peñasco, S.A.B. de C.V.",
    "KÄRCHFELD MINING AG",
    "HARROW BANCORP INC /DE/",
    "ALDER - BIRCH PARTNERS LP",
    "O'Dell & Sons Holdings",
    "A/S Nordhøy Shipping",
    "TRELLIS ENERGY CORP /TX/",
    // What a page must show as the text it is.
    "M&L <IMG SRC=X ONERROR=ALERT(1)> INC (Old)",
    "São Bento Foods Ltda.",
];
const SURNAME: &[&str] = &[
    "Abernathy",
    "Bexley",
    "Calloway",
    "Drummond",
    "Ellery",
    "Fairbanks",
    "Garrick",
    "Hawthorne",
    "Ingersoll",
    "Jessup",
    "Kincaid",
    "Lockridge",
    "Merriweather",
    "Norcross",
    "Oakes",
    "Pemberton",
    "Quigley",
    "Ravensworth",
    "Stallworth",
    "Tillinghast",
    "Upchurch",
    "Van der Veer",
    "Whitcombe",
    "Yardley",
    "Zeller",
    "Müller-Haas",
    "Núñez",
    "O'Rourke",
    "St. Clair",
    "McAllister",
];
const GIVEN: &[&str] = &[
    "Adele",
    "Bernard",
    "Clara",
    "Desmond",
    "Eleanor",
    "Franklin",
    "Greta",
    "Howard",
    "Imogen",
    "Julian",
    "Katherine",
    "Leonard",
    "Miriam",
    "Nathaniel",
    "Odette",
    "Philip",
    "Rosalind",
    "Stuart",
    "Theodora",
    "Victor",
    "Renée",
    "José",
];
const STREET: &[&str] = &[
    "PIER WAY",
    "HARBOR STREET",
    "MILL ROAD",
    "COMMERCE DRIVE",
    "LAKESHORE BLVD",
    "OLD POST ROAD",
    "TECHNOLOGY PARKWAY",
    "NORTH MAIN STREET",
    "SECOND AVENUE",
    "CANAL PLACE",
];
const TOWN: &[(&str, &str, &str, &str)] = &[
    ("SEATTLE", "WA", "981", "206"),
    ("NEW YORK", "NY", "100", "212"),
    ("BOSTON", "MA", "021", "617"),
    ("AUSTIN", "TX", "787", "512"),
    ("HOUSTON", "TX", "770", "713"),
    ("CHICAGO", "IL", "606", "312"),
    ("SAN FRANCISCO", "CA", "941", "415"),
    ("SAN DIEGO", "CA", "921", "858"),
    ("DENVER", "CO", "802", "303"),
    ("MIAMI", "FL", "331", "305"),
    ("ATLANTA", "GA", "303", "404"),
    ("MINNEAPOLIS", "MN", "554", "612"),
    ("WILMINGTON", "DE", "198", "302"),
    ("PHILADELPHIA", "PA", "191", "215"),
    ("CHARLOTTE", "NC", "282", "704"),
    ("MT PLEASANT", "MI", "488", "989"),
];
const ABROAD: &[(&str, &str, &str)] = &[
    ("LONDON", "X0", "EC2V 7HN"),
    ("TORONTO", "A6", "M5J 2T3"),
    ("PARIS", "I0", "75008"),
    ("MEXICO CITY", "O5", "11000"),
    ("TEL AVIV", "L3", "6713701"),
    ("SHANGHAI", "F4", "200120"),
    ("OSLO", "Q8", "0250"),
    ("SAO PAULO", "D5", "04538"),
];

/// A company's conformed name, in mixed or upper case as filers please.
pub(crate) fn company(rng: &mut impl Rng) -> String {
    if rng.random_bool(0.08) {
        return pick(rng, ODD).to_owned();
    }
    let name = format!(
        "{} {} {}",
        pick(rng, FIRST),
        pick(rng, SECOND),
        pick(rng, SUFFIX)
    );
    if rng.random_bool(0.45) {
        name.to_uppercase()
    } else {
        name
    }
}

/// An investment company or a bank's note programme.
pub(crate) fn fund(rng: &mut impl Rng) -> String {
    let kind = pick(
        rng,
        &[
            "Funds Trust",
            "Municipal Income Fund",
            "ETF Trust",
            "Variable Series",
            "Growth Portfolio",
            "Investment Series Inc",
        ],
    );
    format!("{} {kind}", pick(rng, FIRST))
}

/// A bank that sells structured notes.
pub(crate) fn bank(rng: &mut impl Rng) -> String {
    let kind = pick(
        rng,
        &[
            "Finance LLC",
            "BANK & TRUST CO",
            "GLOBAL MARKETS HOLDINGS INC.",
            "Financial Corp",
            "BANCSHARES INC /MD/",
        ],
    );
    format!("{} {kind}", pick(rng, FIRST))
}

/// An institutional manager.
pub(crate) fn manager(rng: &mut impl Rng) -> String {
    let kind = pick(
        rng,
        &[
            "CAPITAL MANAGEMENT LLC",
            "Advisors, L.P.",
            "Asset Management Inc",
            "WEALTH PARTNERS, LLC",
            "Investors (UK) Ltd",
        ],
    );
    format!("{} {kind}", pick(rng, FIRST))
}

/// A private issuer, as on Form D.
pub(crate) fn venture(rng: &mut impl Rng) -> String {
    let first = pick(rng, FIRST);
    match rng.random_range(0..4) {
        0 => format!(
            "{first} Opportunity Fund {}, LP",
            pick(rng, &["I", "II", "III", "IV"])
        ),
        1 => format!(
            "{first} Co-Invest, a series of {} SPV Master, LLC",
            pick(rng, FIRST)
        ),
        2 => format!("{first} Apartments DST"),
        _ => format!("{first} Labs, Inc."),
    }
}

/// A person: surname first, as EDGAR conforms it.
pub(crate) fn person(rng: &mut impl Rng) -> String {
    let initial = char::from(b'A' + rng.random_range(0..26u8));
    let name = match rng.random_range(0..3) {
        0 => format!("{} {}", pick(rng, SURNAME), pick(rng, GIVEN)),
        1 => format!("{} {} {initial}", pick(rng, SURNAME), pick(rng, GIVEN)),
        _ => format!("{} {} {initial}.", pick(rng, SURNAME), pick(rng, GIVEN)),
    };
    if rng.random_bool(0.3) {
        name.to_uppercase()
    } else {
        name
    }
}

/// A domestic or foreign address.
pub(crate) fn address(rng: &mut impl Rng, abroad: bool) -> Address {
    let street = format!("{} {}", rng.random_range(1..4800), pick(rng, STREET));
    if abroad {
        let (city, state, zip) = pick(rng, ABROAD);
        let phone = format!("44{}", rng.random_range(1_000_000_000u64..2_000_000_000));
        return Address {
            street,
            city,
            state,
            zip: zip.to_owned(),
            phone,
        };
    }
    let (city, state, zip, area) = pick(rng, TOWN);
    let line = rng.random_range(0..9999);
    let phone = match rng.random_range(0..3) {
        0 => format!("{area}-555-{line:04}"),
        1 => format!("{area}555{line:04}"),
        _ => format!("({area}) 555-{line:04}"),
    };
    Address {
        street,
        city,
        state,
        zip: format!("{zip}{:02}", rng.random_range(1..60)),
        phone,
    }
}

/// A ticker made of the letters of `name`, at most four.
pub(crate) fn ticker(rng: &mut impl Rng, name: &str) -> String {
    let letters: Vec<char> = name.chars().filter(char::is_ascii_alphabetic).collect();
    let length = rng.random_range(3..=4).min(letters.len());
    letters[..length]
        .iter()
        .map(char::to_ascii_uppercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::stream;

    #[test]
    fn every_name_fits_into_iso_8859_1() {
        let mut rng = stream(1, "names", 0);

        for _ in 0..500 {
            for name in [
                company(&mut rng),
                fund(&mut rng),
                person(&mut rng),
                venture(&mut rng),
                bank(&mut rng),
                manager(&mut rng),
            ] {
                assert!(name.chars().all(|letter| u32::from(letter) < 256), "{name}");
            }
        }
    }

    #[test]
    fn tickers_are_upper_case_ascii() {
        let mut rng = stream(1, "names", 1);

        let ticker = ticker(&mut rng, "Société Brévannes S.A.");

        assert!(ticker == "SOC" || ticker == "SOCI", "{ticker}");
    }
}
