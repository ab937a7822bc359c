//! The header of a submission: what the filing is and whose.
//!
//! The header is first read into a tree (`tree`), the same for all header styles;
//! the typed fields are looked up there. Elsewhere: parties (`party`), item codes
//! (`items`), the header as JSON (`standard`).
//!
//! Invariant: a field that is absent or unreadable is `None`, never a guess.

use std::collections::HashMap;

use protocol::{
    accession::Accession,
    cik::Cik,
    filing::{Filer, FilerRole},
    form::Form,
    time::{self, Date, Timestamp},
};

use super::{
    items,
    party::Party,
    series::SeriesAndClasses,
    tree::{self, Node},
};

/// Most different items read; the largest known number is under 20.
const MAX_ITEMS: usize = 200;
/// Most former names joined for one filer.
const MAX_FORMER_NAMES: usize = 200;

/// A header, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Header {
    /// The filing's name.
    pub accession: Option<Accession>,
    /// The filing's form.
    pub form: Option<Form>,
    /// The form as written, also where it is no form of ours.
    pub form_as_written: Option<String>,
    /// What EDGAR counts as public documents; often not what the submission holds.
    pub public_document_count: Option<u32>,
    /// The date the filing is about.
    pub period: Option<Date>,
    /// The official filing date.
    pub filed_on: Option<Date>,
    /// The day the filing date was last changed.
    pub changed_on: Option<Date>,
    /// The day it became effective.
    pub effective_on: Option<Date>,
    /// When EDGAR accepted it; absent in filings before 2003 and in `.nc` files.
    pub accepted_at: Option<Timestamp>,
    /// The day this text was made: months later than `filed_on` for a correspondence,
    /// years for a file made anew.
    pub disseminated_on: Option<Date>,
    /// Item codes, such as `2.02`, in order; titles that have no code are left out.
    pub items: Vec<String>,
    /// Items as written: codes in `.nc` files, titles elsewhere.
    pub items_as_written: Vec<String>,
    /// Who files together with the parties.
    pub group_members: Vec<String>,
    /// Whether the filing was confidential when it was filed.
    pub private_to_public: bool,
    /// One for each role block, in order.
    pub parties: Vec<Party>,
    /// The series and classes of funds that it is about.
    pub series: SeriesAndClasses,
    /// Other filings made together with this one.
    pub multi_accessions: Vec<Accession>,
    /// Everything, in standard spelling, under a nameless root. Rare keys are here
    /// alone. As JSON it is the standardised tree.
    pub tree: Node,
}

impl Header {
    /// Reads the bytes before the first `<DOCUMENT>`, or a header by itself.
    pub fn parse(bytes: &[u8]) -> Self {
        let tree = tree::build(bytes);
        let envelope = Envelope::of(&tree);
        let form = tree.text("type").map(str::to_owned);
        let filed_on = tree.text("filing-date").and_then(date);
        let written = items_as_written(&tree);
        let code = |item: &String| items::code(item, form.as_deref().unwrap_or(""), filed_on);
        Self {
            accession: accession(&tree).or(envelope.accession),
            form: form.as_ref().and_then(|form| form.parse().ok()),
            public_document_count: tree.text("public-document-count").and_then(number),
            period: tree.text("period").and_then(date),
            filed_on,
            changed_on: tree.text("date-of-filing-date-change").and_then(date),
            effective_on: tree.text("effectiveness-date").and_then(date),
            accepted_at: tree.text("acceptance-datetime").and_then(accepted_at),
            disseminated_on: envelope.disseminated_on,
            items: written.iter().filter_map(code).collect(),
            items_as_written: written,
            group_members: tree.texts("group-members").map(str::to_owned).collect(),
            private_to_public: tree.child("private-to-public").is_some(),
            parties: tree.children.iter().filter_map(Party::of).collect(),
            series: SeriesAndClasses::of(&tree),
            multi_accessions: multi_accessions(&tree),
            form_as_written: form,
            tree,
        }
    }

    /// The parties as events show them, one for each CIK and role.
    ///
    /// Funds and joint statements repeat an entity once per file number.
    pub fn filers(&self) -> Vec<Filer> {
        let mut filers: Vec<Filer> = Vec::new();
        let mut places: HashMap<(Cik, Option<FilerRole>), usize> = HashMap::new();
        for filer in self.parties.iter().filter_map(Party::filer) {
            match places.get(&(filer.cik, filer.role)) {
                Some(&place) => complete(&mut filers[place], filer),
                None => {
                    places.insert((filer.cik, filer.role), filers.len());
                    filers.push(filer);
                }
            }
        }
        filers
    }
}

/// What `<SEC-DOCUMENT>` says: `0001999999-26-000042.txt : 20260303`.
#[derive(Default)]
struct Envelope {
    accession: Option<Accession>,
    disseminated_on: Option<Date>,
}

impl Envelope {
    fn of(tree: &Node) -> Self {
        let keys = ["sec-document", "ims-document", "sec-header", "ims-header"];
        let Some(line) = keys.iter().find_map(|key| tree.text(key)) else {
            return Self::default();
        };
        let (name, day) = line.split_once(" : ").unwrap_or((line, ""));
        // Files made anew in September 2000 have a path here.
        let name = name.rsplit('/').next().unwrap_or(name);
        let accession = name.split('.').next().and_then(|name| name.parse().ok());
        Self {
            accession,
            disseminated_on: date(day),
        }
    }
}

/// A date of eight digits, `20260303`.
pub(super) fn date(text: &str) -> Option<Date> {
    let text = text.trim();
    let digits = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits {
        return None;
    }
    let part = |range: std::ops::Range<usize>| text[range].parse::<i16>().ok();
    let (month, day) = (part(4..6)?, part(6..8)?);
    Date::new(
        part(0..4)?,
        i8::try_from(month).ok()?,
        i8::try_from(day).ok()?,
    )
    .ok()
}

/// An Eastern wall clock of fourteen digits, `20260303160441`.
///
/// Source: EDGAR's acceptance times are Eastern, without saying so.
fn accepted_at(text: &str) -> Option<Timestamp> {
    let (day, clock) = text.trim().split_at_checked(8)?;
    let digits = clock.len() == 6 && clock.bytes().all(|byte| byte.is_ascii_digit());
    if !digits {
        return None;
    }
    let part = |at: usize| clock[at..at + 2].parse::<i8>().ok();
    let wall = date(day)?.at(0, 0, 0, 0);
    let wall = wall
        .with()
        .hour(part(0)?)
        .minute(part(2)?)
        .second(part(4)?)
        .build()
        .ok()?;
    time::from_eastern(wall)
}

fn accession(tree: &Node) -> Option<Accession> {
    tree.text("accession-number")
        .and_then(|text| text.parse().ok())
}

fn multi_accessions(tree: &Node) -> Vec<Accession> {
    let groups = tree.all("multi-accession-numbers");
    let numbers = groups.flat_map(|group| group.texts("accession-number"));
    numbers.filter_map(|text| text.parse().ok()).collect()
}

fn number(text: &str) -> Option<u32> {
    text.parse().ok()
}

/// `ITEM INFORMATION:` of the indented style and `<ITEMS>`, in order, without doubles.
fn items_as_written(tree: &Node) -> Vec<String> {
    let mut items: Vec<String> = Vec::new();
    for node in &tree.children {
        let item = matches!(node.key.as_str(), "item-information" | "items");
        if item && !node.value.is_empty() && !items.contains(&node.value) && items.len() < MAX_ITEMS
        {
            items.push(node.value.clone());
        }
    }
    items
}

/// Fills what the first block of an entity lacks from a later one.
fn complete(filer: &mut Filer, later: Filer) {
    filer.sic = filer.sic.take().or(later.sic);
    filer.state = filer.state.take().or(later.state);
    filer.state_of_incorporation = filer
        .state_of_incorporation
        .take()
        .or(later.state_of_incorporation);
    filer.fiscal_year_end = filer.fiscal_year_end.take().or(later.fiscal_year_end);
    filer.ein = filer.ein.take().or(later.ein);
    if filer.file_number.is_none() {
        // The three belong together.
        filer.act = later.act.or(filer.act.take());
        filer.file_number = later.file_number;
        filer.film_number = later.film_number;
    }
    for former in later.former_names {
        let known = &filer.former_names;
        if known.len() < MAX_FORMER_NAMES && !known.contains(&former) {
            filer.former_names.push(former);
        }
    }
}
