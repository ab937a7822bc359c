//! One filing: its accession number, parties, items and documents, without its bytes.
//!
//! Elsewhere: drawing the parties (`cast`), writing the text (`submission`).

use std::sync::Arc;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use rand::Rng;

use super::filer::Filer;
use super::forms::{D_ITEMS, EIGHT_K_ITEMS, FormRule, Item, Primary};
use crate::random::pick;

/// What a party is in a filing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    /// The filing is its own.
    Filer,
    /// The company the filing is about.
    Subject,
    /// Who filed about the subject.
    FiledBy,
    /// An insider.
    Reporting,
    /// The company whose shares the insider holds.
    Issuer,
}

impl Role {
    /// As the Atom feed and the index page spell it.
    pub(crate) fn atom(self) -> &'static str {
        match self {
            Self::Filer => "Filer",
            Self::Subject => "Subject",
            Self::FiledBy => "Filed by",
            Self::Reporting => "Reporting",
            Self::Issuer => "Issuer",
        }
    }

    /// As the streaming protocol spells it.
    pub(crate) fn protocol(self) -> &'static str {
        match self {
            Self::Filer => "filer",
            Self::Subject => "subject-company",
            Self::FiledBy => "filed-by",
            Self::Reporting => "reporting-owner",
            Self::Issuer => "issuer",
        }
    }

    /// The line that opens the role's block in a submission header.
    pub(crate) fn header(self) -> &'static str {
        match self {
            Self::Filer => "FILER:",
            Self::Subject => "SUBJECT COMPANY:\t",
            Self::FiledBy => "FILED BY:\t\t",
            Self::Reporting => "REPORTING-OWNER:\t",
            Self::Issuer => "ISSUER:\t\t",
        }
    }
}

/// One filer in one role of one filing.
#[derive(Debug, Clone)]
pub(crate) struct Party {
    pub(crate) filer: Arc<Filer>,
    pub(crate) role: Role,
    /// `001-12345`; empty for issuers and for who files for another.
    pub(crate) file_number: String,
    /// Without the two digits of the year.
    pub(crate) film_number: u64,
}

/// How the content of a document is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// What the form's rule says.
    Primary,
    /// HTML text of an exhibit.
    Exhibit,
    /// The holdings of a 13F.
    InformationTable,
    /// A short XBRL file in `<XBRL>`.
    Schema,
    /// The instance EDGAR extracts, in `<XML>`.
    Instance,
    /// A uuencoded picture of that many bytes.
    Graphic(u32),
}

/// One file inside a submission.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    /// From 1, rising, with gaps now and then.
    pub(crate) sequence: u32,
    /// `EX-99.1`.
    pub(crate) kind: String,
    pub(crate) filename: String,
    pub(crate) description: Option<String>,
    pub(crate) content: Content,
}

/// Everything under one accession number.
#[derive(Debug, Clone)]
pub(crate) struct Filing {
    pub(crate) seed: u64,
    /// Dashed.
    pub(crate) accession: String,
    pub(crate) rule: &'static FormRule,
    pub(crate) parties: Vec<Party>,
    pub(crate) items: Vec<&'static Item>,
    /// A whole second.
    pub(crate) accepted_at: Timestamp,
    pub(crate) filed_on: Date,
    /// Later than the filing date in what is disseminated again.
    pub(crate) changed_on: Date,
    pub(crate) period: Option<Date>,
    pub(crate) documents: Vec<Document>,
    /// Bytes of the submission: what is aimed at until it has been measured.
    pub(crate) submission_bytes: u64,
}

impl Filing {
    /// The accession number as 18 digits.
    pub(crate) fn digits(&self) -> String {
        self.accession.replace('-', "")
    }

    /// The parties without repeated filers of the same role.
    pub(crate) fn distinct_parties(&self) -> Vec<&Party> {
        let mut distinct: Vec<&Party> = Vec::new();
        for party in &self.parties {
            if !distinct
                .iter()
                .any(|other| other.filer.cik == party.filer.cik && other.role == party.role)
            {
                distinct.push(party);
            }
        }
        distinct
    }
}

/// Draws the items of an 8-K or a D; other forms have none.
pub(crate) fn items(rng: &mut impl Rng, rule: &FormRule) -> Vec<&'static Item> {
    match rule.root() {
        "8-K" => eight_k_items(rng),
        "D" if rng.random_bool(0.63) => {
            vec![&D_ITEMS[0], &D_ITEMS[rng.random_range(1..D_ITEMS.len())]]
        }
        _ => Vec::new(),
    }
}

fn eight_k_items(rng: &mut impl Rng) -> Vec<&'static Item> {
    let last = EIGHT_K_ITEMS.len() - 1;
    let mut items: Vec<&Item> = (0..rng.random_range(1..=2))
        .map(|_| &EIGHT_K_ITEMS[rng.random_range(0..last).min(rng.random_range(0..last))])
        .collect();
    if rng.random_bool(0.75) {
        items.push(&EIGHT_K_ITEMS[last]);
    }
    items.sort_by_key(|item| item.code);
    items.dedup();
    items
}

/// The period a filing is about; prospectuses and schedules have none.
pub(crate) fn period(rng: &mut impl Rng, rule: &FormRule, filed_on: Date) -> Option<Date> {
    let days_before = match rule.root() {
        "8-K" | "6-K" | "4" | "3" => rng.random_range(0..4),
        "10-Q" | "10-K" | "NPORT-P" | "13F-HR" | "N-PX" | "10-D" | "N-CEN" | "DEF 14A" => {
            rng.random_range(20..75)
        }
        _ => return None,
    };
    Some(filed_on.saturating_sub(days_before.days()))
}

/// Plans the documents of `filing`: names and kinds, not their bytes.
pub(crate) fn documents(rng: &mut impl Rng, filing: &Filing) -> Vec<Document> {
    let stem = stem(filing);
    let mut documents = vec![primary(rng, filing, &stem)];
    documents.extend(exhibits(filing, &stem));
    if graphics_wanted(rng, filing) {
        let picture = Content::Graphic(rng.random_range(1_200..9_000));
        documents.push(document(
            "GRAPHIC",
            format!("{stem}logo.jpg"),
            None,
            picture,
        ));
    }
    if filing.rule.primary == Primary::Inline {
        documents.extend(xbrl(&stem));
    }
    for (document, sequence) in documents.iter_mut().zip(1..) {
        document.sequence = sequence;
    }
    withhold(rng, &mut documents);
    documents
}

fn document(kind: &str, filename: String, description: Option<&str>, content: Content) -> Document {
    let description = description.map(str::to_owned);
    Document {
        sequence: 0,
        kind: kind.to_owned(),
        filename,
        description,
        content,
    }
}

fn primary(rng: &mut impl Rng, filing: &Filing, stem: &str) -> Document {
    let (form, root) = (filing.rule.form, filing.rule.root());
    let long = format!("FORM {form}");
    let (filename, description) = match filing.rule.primary {
        Primary::Xml { .. } if matches!(root, "3" | "4") => {
            let stamp = rng.random_range(1_700_000_000u32..1_790_000_000);
            (format!("wk-form{root}_{stamp}.xml"), Some(long.as_str()))
        }
        Primary::Xml { .. } => ("primary_doc.xml".to_owned(), None),
        Primary::Paper => (
            format!("{}.paper", filing.accession),
            Some("AUTO-GENERATED PAPER DOCUMENT"),
        ),
        Primary::Html | Primary::Inline => (format!("{stem}.htm"), Some(pick(rng, &[form, &long]))),
    };
    document(form, filename, description, Content::Primary)
}

fn exhibits(filing: &Filing, stem: &str) -> Vec<Document> {
    let exhibit = |kind: &str| {
        let suffix = kind.to_lowercase().replace(['-', '.'], "");
        document(
            kind,
            format!("{stem}{suffix}.htm"),
            Some(kind),
            Content::Exhibit,
        )
    };
    match filing.rule.root() {
        "13F-HR" => {
            let filename = "infotable.xml".to_owned();
            vec![document(
                "INFORMATION TABLE",
                filename,
                None,
                Content::InformationTable,
            )]
        }
        "8-K" if filing.items.iter().any(|item| item.code == "9.01") => vec![exhibit("EX-99.1")],
        "10-Q" | "10-K" => ["EX-31.1", "EX-31.2", "EX-32.1"].map(exhibit).into(),
        _ => Vec::new(),
    }
}

/// The schema the filer sends and the instance EDGAR extracts.
fn xbrl(stem: &str) -> [Document; 2] {
    let schema = Some("XBRL TAXONOMY EXTENSION SCHEMA DOCUMENT");
    [
        document("EX-101.SCH", format!("{stem}.xsd"), schema, Content::Schema),
        document(
            "XML",
            format!("{stem}_htm.xml"),
            Some("IDEA: XBRL DOCUMENT"),
            Content::Instance,
        ),
    ]
}

/// `quay-20260303`: the first letters of the filer and the date.
fn stem(filing: &Filing) -> String {
    let name = &filing.parties[0].filer.name;
    let letters: String = name
        .chars()
        .filter(char::is_ascii_alphabetic)
        .take(4)
        .collect();
    format!(
        "{}-{}",
        letters.to_lowercase(),
        filing.filed_on.strftime("%Y%m%d")
    )
}

/// Pictures come with a part of the long documents; small submissions have no room.
fn graphics_wanted(rng: &mut impl Rng, filing: &Filing) -> bool {
    let long = matches!(filing.rule.primary, Primary::Html | Primary::Inline);
    rng.random_bool(0.3) && long && filing.submission_bytes > 30_000
}

/// EDGAR withholds cover letters: the sequence then has a gap.
fn withhold(rng: &mut impl Rng, documents: &mut [Document]) {
    if documents.len() < 2 || !rng.random_bool(0.1) {
        return;
    }
    for document in &mut documents[1..] {
        document.sequence += 1;
    }
}
