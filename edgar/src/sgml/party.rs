//! The parties of a filing, out of the role blocks of a header.

use protocol::{
    cik::Cik,
    filing::{Filer, FilerRole, FormerName},
    time::Date,
};

use super::{header, standard, tree::Node};

/// One role block of a header: who, in which part, with which file numbers.
///
/// The same entity may have several blocks of the same role, one for each file number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// Its part in the filing.
    pub role: FilerRole,
    /// Its number; missing only in damaged headers.
    pub cik: Option<Cik>,
    /// Its name as EDGAR writes it.
    pub name: String,
    /// Standard industrial classification, four digits.
    pub sic: Option<String>,
    /// The SEC office that reviews it, such as `06 Technology`.
    pub organization: Option<String>,
    /// Employer identification number, called IRS number before 2025.
    pub ein: Option<String>,
    /// State or country code of incorporation.
    pub state_of_incorporation: Option<String>,
    /// Last day of the fiscal year, `MMDD`.
    pub fiscal_year_end: Option<String>,
    /// What an insider is to the issuer, in headers before 2003.
    pub relationship: Option<String>,
    /// Under which file numbers it files.
    pub filing_values: Vec<FilingValues>,
    /// Where it does business.
    pub business_address: Option<Address>,
    /// Where it gets mail.
    pub mail_address: Option<Address>,
    /// Earlier names.
    pub former_names: Vec<FormerName>,
}

/// Under what a party files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilingValues {
    /// The form for this party, which may differ from the submission's.
    pub form: Option<String>,
    /// The act, two digits of its year (`34`) or a short name.
    pub act: Option<String>,
    /// The SEC's file number, such as `001-36743`.
    pub file_number: Option<String>,
    /// The number of the filing's place on film.
    pub film_number: Option<String>,
}

/// An address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Address {
    /// First line.
    pub street1: Option<String>,
    /// Second line.
    pub street2: Option<String>,
    /// City.
    pub city: Option<String>,
    /// The SEC's code of a state or country.
    pub state: Option<String>,
    /// Postal code.
    pub zip: Option<String>,
    /// Telephone.
    pub phone: Option<String>,
}

impl Party {
    /// The party in a role block; `None` for any other section.
    pub(super) fn of(node: &Node) -> Option<Self> {
        let role = role(&node.key)?;
        let who = ["company-data", "owner-data"]
            .iter()
            .find_map(|key| node.child(key))
            .unwrap_or(node);
        Some(Self {
            role,
            cik: who.text("cik").and_then(|cik| cik.parse().ok()),
            name: who.text("conformed-name").unwrap_or_default().to_owned(),
            sic: who
                .text("assigned-sic")
                .and_then(standard::sic)
                .map(str::to_owned),
            organization: owned(who, "organization-name"),
            ein: owned(who, "ein").or_else(|| owned(who, "irs-number")),
            state_of_incorporation: owned(who, "state-of-incorporation"),
            fiscal_year_end: owned(who, "fiscal-year-end").filter(|day| is_month_and_day(day)),
            relationship: owned(node, "relationship").or_else(|| owned(who, "relationship")),
            filing_values: node.all("filing-values").map(FilingValues::of).collect(),
            business_address: node.child("business-address").and_then(Address::of),
            mail_address: node.child("mail-address").and_then(Address::of),
            former_names: former_names(node),
        })
    }

    /// The party as events show it; `None` without a CIK.
    pub fn filer(&self) -> Option<Filer> {
        let mut filer = Filer::new(self.cik?, &self.name, Some(self.role));
        filer.sic.clone_from(&self.sic);
        filer.state = self
            .business_address
            .as_ref()
            .and_then(|address| address.state.clone());
        filer
            .state_of_incorporation
            .clone_from(&self.state_of_incorporation);
        filer.fiscal_year_end.clone_from(&self.fiscal_year_end);
        filer.ein.clone_from(&self.ein);
        if let Some(values) = self.filing_values.first() {
            filer.act.clone_from(&values.act);
            filer.file_number.clone_from(&values.file_number);
            filer.film_number.clone_from(&values.film_number);
        }
        filer.former_names.clone_from(&self.former_names);
        Some(filer)
    }
}

impl FilingValues {
    fn of(node: &Node) -> Self {
        Self {
            form: owned(node, "form-type"),
            act: node.text("act").map(|act| standard::act(act).to_owned()),
            file_number: owned(node, "file-number"),
            film_number: owned(node, "film-number"),
        }
    }
}

impl Address {
    fn of(node: &Node) -> Option<Self> {
        let address = Self {
            street1: owned(node, "street1"),
            street2: owned(node, "street2"),
            city: owned(node, "city"),
            state: owned(node, "state"),
            zip: owned(node, "zip"),
            phone: owned(node, "phone"),
        };
        (address != Self::default()).then_some(address)
    }
}

fn is_month_and_day(text: &str) -> bool {
    text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The role of this key; the tag of issuing entities is `<ISSUING_ENTITY>`.
fn role(key: &str) -> Option<FilerRole> {
    let hyphened = || key.bytes().map(|b| if b == b'_' { b'-' } else { b });
    FilerRole::ALL
        .iter()
        .copied()
        .find(|role| role.as_str().bytes().eq(hyphened()))
}

/// Former names: of companies in `FORMER COMPANY`, of persons in `FORMER NAME`.
fn former_names(node: &Node) -> Vec<FormerName> {
    let former = |node: &&Node| matches!(node.key.as_str(), "former-company" | "former-name");
    let name = |node: &Node| {
        let written = node.text("former-conformed-name").unwrap_or(&node.value);
        let until: Option<Date> = node.text("date-changed").and_then(header::date);
        (!written.is_empty()).then(|| FormerName {
            name: written.to_owned(),
            until,
        })
    };
    node.children
        .iter()
        .filter(former)
        .filter_map(name)
        .collect()
}

fn owned(node: &Node, key: &str) -> Option<String> {
    node.text(key).map(str::to_owned)
}
