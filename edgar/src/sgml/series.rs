//! The series and classes of funds that a filing is about, out of a header.
//!
//! A fund company (a trust, say) has *series*, each a fund of its own, and a series
//! has *classes* (or contracts, with insurers), each with a ticker. A filing names the
//! ones it is about, those that it creates and those that are merged.
//!
//! Elsewhere: the company itself is a party (`party`). Invariant: whatever the header
//! names is here, in its order; an identifier of another shape is absent.

use protocol::cik::Cik;
use serde::Serialize;

use super::tree::Node;

/// What `<SERIES-AND-CLASSES-CONTRACTS-DATA>` says; empty for most filings.
///
/// ```
/// let header = edgar::sgml::Header::parse(b"<SERIES-AND-CLASSES-CONTRACTS-DATA>
/// <EXISTING-SERIES-AND-CLASSES-CONTRACTS>
/// <SERIES>
/// <OWNER-CIK>0001999991
/// <SERIES-ID>S000099901
/// <SERIES-NAME>Quayside Harbor Fund
/// <CLASS-CONTRACT>
/// <CLASS-CONTRACT-ID>C000999901
/// <CLASS-CONTRACT-NAME>Class A
/// <CLASS-CONTRACT-TICKER-SYMBOL>QUAYX
/// </CLASS-CONTRACT>
/// </SERIES>
/// </EXISTING-SERIES-AND-CLASSES-CONTRACTS>
/// </SERIES-AND-CLASSES-CONTRACTS-DATA>
/// ");
///
/// let fund = &header.series.existing[0];
/// assert_eq!(fund.id.as_deref(), Some("S000099901"));
/// assert_eq!(fund.classes[0].ticker.as_deref(), Some("QUAYX"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SeriesAndClasses {
    /// The series that the filing is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub existing: Vec<Series>,
    /// Series that the filing creates, with their classes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub new: Vec<Series>,
    /// Series that get new classes: only the new ones are listed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub new_classes: Vec<Series>,
    /// Series that are merged into others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mergers: Vec<Merger>,
}

/// A series: one fund of a company.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Series {
    /// The company whose series it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_cik: Option<Cik>,
    /// `S` and nine digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its name; empty when missing.
    pub name: String,
    /// Its classes or contracts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<Class>,
}

/// A class of a series, or a contract.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Class {
    /// `C` and nine digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its name; empty when missing.
    pub name: String,
    /// Its ticker; many classes have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticker: Option<String>,
}

/// A merger of series.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Merger {
    /// Who takes over; one in practice.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub acquiring: Vec<MergerSide>,
    /// Who is taken over.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<MergerSide>,
}

/// A company in a merger, with its series.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct MergerSide {
    /// The company.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cik: Option<Cik>,
    /// Its series in the merger; none for a company without any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub series: Vec<Series>,
}

impl SeriesAndClasses {
    /// What the header of this `root` says.
    pub(super) fn of(root: &Node) -> Self {
        let mut found = Self::default();
        for data in root.all("series-and-classes-contracts-data") {
            found.take(data);
        }
        found
    }

    /// Whether the filing is about no series.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn take(&mut self, data: &Node) {
        for section in &data.children {
            match section.key.as_str() {
                "existing-series-and-classes-contracts" => {
                    self.existing.extend(all_series(section, "series", None));
                }
                "new-series-and-classes-contracts" => self.take_new(section),
                "new-classes-contracts" => self.new_classes.push(Series::of(section, None)),
                "merger-series-and-classes-contracts" => {
                    self.mergers.extend(section.all("merger").map(Merger::of));
                }
                _ => {}
            }
        }
    }

    /// Takes what is new; the owner is told once for all of it.
    fn take_new(&mut self, section: &Node) {
        let owner = cik(section, "owner-cik");
        self.new.extend(all_series(section, "new-series", owner));
        self.new_classes
            .extend(all_series(section, "new-classes-contracts", owner));
    }
}

impl Series {
    fn of(node: &Node, owner: Option<Cik>) -> Self {
        Self {
            owner_cik: cik(node, "owner-cik").or(owner),
            id: id(node, "series-id", 'S'),
            name: node.text("series-name").unwrap_or_default().to_owned(),
            classes: node.all("class-contract").map(Class::of).collect(),
        }
    }
}

impl Class {
    fn of(node: &Node) -> Self {
        let ticker = node.text("class-contract-ticker-symbol");
        Self {
            id: id(node, "class-contract-id", 'C'),
            name: node
                .text("class-contract-name")
                .unwrap_or_default()
                .to_owned(),
            ticker: ticker.map(str::to_owned),
        }
    }
}

impl Merger {
    fn of(node: &Node) -> Self {
        Self {
            acquiring: node.all("acquiring-data").map(MergerSide::of).collect(),
            targets: node.all("target-data").map(MergerSide::of).collect(),
        }
    }
}

impl MergerSide {
    fn of(node: &Node) -> Self {
        let cik = cik(node, "cik");
        Self {
            cik,
            series: all_series(node, "series", cik).collect(),
        }
    }
}

fn all_series<'a>(
    node: &'a Node,
    key: &'a str,
    owner: Option<Cik>,
) -> impl Iterator<Item = Series> + 'a {
    node.all(key).map(move |node| Series::of(node, owner))
}

fn cik(node: &Node, key: &str) -> Option<Cik> {
    node.text(key).and_then(|cik| cik.parse().ok())
}

/// An identifier of nine digits after this letter.
fn id(node: &Node, key: &str, letter: char) -> Option<String> {
    let id = node.text(key)?;
    let digits = id.strip_prefix(letter)?;
    let whole = digits.len() == 9 && digits.bytes().all(|byte| byte.is_ascii_digit());
    whole.then(|| id.to_owned())
}
