//! A filing, its filers and its documents: what the events are about.

use serde::{Deserialize, Serialize};

use crate::{
    accession::Accession,
    cik::Cik,
    form::Form,
    named::named,
    time::{Date, Timestamp},
};

/// Everything known of one filing. Absent values are omitted on the wire, never null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filing {
    /// Its name.
    pub accession: Accession,
    /// Its form type.
    pub form: Form,
    /// Whether the form ends in `/A`.
    pub amendment: bool,
    /// The official filing date: not the day it became public, which can be months later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filed_on: Option<Date>,
    /// When EDGAR accepted it; absent when only a date is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<Timestamp>,
    /// The date it is about, such as the end of the quarter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<Date>,
    /// Where a monitor first saw it.
    pub source: Source,
    /// When a monitor first saw it.
    pub seen_at: Timestamp,
    /// Whether it was found only after the day on which EDGAR published it. Omitted when not.
    #[serde(default, skip_serializing_if = "is_false")]
    pub late: bool,
    /// Bytes of the submission: what the feed says in `filing.seen`, exact in `filing.archived`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// Item codes, such as `2.02` of an 8-K or `06b` of a D.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<String>,
    /// Whose filing it is.
    pub filers: Vec<Filer>,
    /// Where EDGAR shows it.
    pub urls: Urls,
    /// The files inside its submission; known once it is archived.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<Document>,
    /// What the archive holds of it.
    #[serde(default, skip_serializing_if = "Objects::is_empty")]
    pub objects: Objects,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde asks for")]
fn is_false(value: &bool) -> bool {
    !value
}

/// One party of a filing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filer {
    /// Its number.
    pub cik: Cik,
    /// Its name as EDGAR writes it.
    pub name: String,
    /// Its part in the filing; EFTS does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<FilerRole>,
    /// Ticker symbols, where the source tells.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tickers: Vec<String>,
    /// Standard industrial classification, four digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sic: Option<String>,
    /// State or country code of the business address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// State or country code of incorporation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_of_incorporation: Option<String>,
    /// Last day of the fiscal year, `MMDD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fiscal_year_end: Option<String>,
    /// Employer identification number; the SEC also calls it IRS number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ein: Option<String>,
    /// The act under which it files, two digits of its year (`34`) or a short name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<String>,
    /// The SEC's file number, such as `001-36743`; the first where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_number: Option<String>,
    /// The number of the filing's place on film, beside that file number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub film_number: Option<String>,
    /// Earlier names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_names: Vec<FormerName>,
}

impl Filer {
    /// A party of which no more is known than number, name and role.
    pub fn new(cik: Cik, name: impl Into<String>, role: Option<FilerRole>) -> Self {
        Self {
            cik,
            name: name.into(),
            role,
            tickers: Vec::new(),
            sic: None,
            state: None,
            state_of_incorporation: None,
            fiscal_year_end: None,
            ein: None,
            act: None,
            file_number: None,
            film_number: None,
            former_names: Vec::new(),
        }
    }
}

/// A name a filer no longer has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerName {
    /// The name.
    pub name: String,
    /// The day it was given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
}

/// One file inside a submission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Its place in the submission, from 1, without gaps.
    pub ordinal: u32,
    /// `<SEQUENCE>` as written; may have gaps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<String>,
    /// Its document type, such as `EX-99.1`.
    #[serde(rename = "type")]
    pub document_type: String,
    /// Its file name, unique in the filing; invented where the submission has none.
    pub filename: String,
    /// What the filer calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Bytes after decoding.
    pub size_bytes: u64,
}

/// EDGAR's pages of a filing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Urls {
    /// The index page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
    /// The submission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submission: Option<String>,
}

/// What the archive holds of a filing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objects {
    /// The exact submission, compressed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sgml: Option<StoredObject>,
    /// The documents, decoded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tar: Option<StoredObject>,
    /// The XBRL facts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xbrl: Option<StoredObject>,
}

impl Objects {
    /// Whether nothing is stored.
    pub fn is_empty(&self) -> bool {
        self.sgml.is_none() && self.tar.is_none() && self.xbrl.is_none()
    }
}

/// One object of the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredObject {
    /// Its name in the bucket.
    pub key: String,
    /// Bytes as stored.
    pub bytes: u64,
    /// SHA-256 as stored, 64 hexadecimal digits.
    pub sha256: String,
    /// SHA-256 of the submission it was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_sha256: Option<String>,
}

named! {
    /// The part a filer has in a filing.
    FilerRole {
        /// The registrant.
        Filer = "filer",
        /// Whom a filing by others is about.
        SubjectCompany = "subject-company",
        /// Who files about a subject company.
        FiledBy = "filed-by",
        /// On whose behalf it is filed.
        FiledFor = "filed-for",
        /// The insider of forms 3, 4, 5 and 144.
        ReportingOwner = "reporting-owner",
        /// The company whose securities an insider reports.
        Issuer = "issuer",
        /// Depositor of an asset-backed issue.
        Depositor = "depositor",
        /// Securitizer of an asset-backed issue.
        Securitizer = "securitizer",
        /// Issuing entity of an asset-backed issue.
        IssuingEntity = "issuing-entity",
        /// One of a family of registrants.
        SerialCompany = "serial-company",
        /// Underwriter.
        Underwriter = "underwriter",
    }
}

named! {
    /// Where a monitor finds filings.
    Source {
        /// The Atom feed of latest filings.
        Atom = "atom",
        /// The full-text search index.
        Efts = "efts",
        /// The daily index, read in the night.
        DailyIndex = "daily_index",
        /// Index files of the past, on request.
        Backfill = "backfill",
    }
}

impl Filing {
    /// A filing of which no more is known than its name and form.
    pub fn new(accession: Accession, form: Form, source: Source, seen_at: Timestamp) -> Self {
        Self {
            accession,
            amendment: form.is_amendment(),
            form,
            filed_on: None,
            accepted_at: None,
            period: None,
            source,
            seen_at,
            late: false,
            size_bytes: None,
            items: Vec::new(),
            filers: Vec::new(),
            urls: Urls::default(),
            documents: Vec::new(),
            objects: Objects::default(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn absent_values_are_omitted_never_null() {
        let filing = Filing::new(
            "0001999999-26-000042".parse().unwrap(),
            "8-K/A".parse().unwrap(),
            Source::Atom,
            "2026-03-03T21:04:58.151Z".parse().unwrap(),
        );

        let text = serde_json::to_string(&filing).unwrap();

        assert_eq!(
            text,
            r#"{"accession":"0001999999-26-000042","form":"8-K/A","amendment":true,"source":"atom","seen_at":"2026-03-03T21:04:58.151Z","filers":[],"urls":{}}"#
        );
        assert_eq!(serde_json::from_str::<Filing>(&text).unwrap(), filing);
    }

    #[test]
    fn roles_are_spelled_as_on_the_wire() {
        for role in FilerRole::ALL {
            assert_eq!(role.as_str().parse::<FilerRole>().unwrap(), *role);
            assert_eq!(serde_json::to_string(role).unwrap(), format!("\"{role}\""));
        }
    }
}
