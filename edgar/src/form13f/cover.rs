//! The primary document of a form 13F: cover, signature and summary.

use protocol::{cik::Cik, time::Date};
use serde::Serialize;

use crate::{
    decimal::Decimal,
    xml::{
        document::Document,
        element::Element,
        flaw::{Flaws, FormError},
        values::{date, flag, parse},
    },
};

pub(super) const ROOT: &str = "edgarSubmission";
pub(super) const NAMESPACES: &[&str] = &[
    "http://www.sec.gov/edgar/thirteenffiler",
    "http://www.sec.gov/edgar/common",
];

/// What a manager says about its report and itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cover {
    /// The form: `13F-HR`, `13F-NT` or `13F-CTR`, with `/A` for amendments.
    pub submission_type: String,
    /// Version of the schema, such as `X0202`; absent before 2023.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema_version: Option<String>,
    /// Who files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filer: Option<Cik>,
    /// Last day of the quarter it is about.
    pub period: Date,
    /// Set for amendments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amendment: Option<Amendment>,
    /// What the report holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report_type: Option<ReportType>,
    /// The manager's name.
    pub manager: String,
    /// The manager's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// The file number under which it files this form, `028-04575`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form13f_file_number: Option<String>,
    /// Its number in FINRA's Central Registration Depository, nine digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crd_number: Option<String>,
    /// Its file number as an adviser, `801-62557`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sec_file_number: Option<String>,
    /// The managers who report for it, in notices and combination reports.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reporting_managers: Vec<OtherManager>,
    /// Whether it gives information under instruction 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instruction5: Option<bool>,
    /// What else it says, as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additional_information: Option<String>,
    /// Who signs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
    /// What the information table adds up to; absent in notices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Flaws::is_empty")]
    pub flaws: Flaws,
}

/// What an amendment does to the report before it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Amendment {
    /// Its number among the amendments of the report, as the filer counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
    /// Whether it replaces or adds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<AmendmentKind>,
    /// Whether it shows holdings that were confidential and are no longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidentiality_ended: Option<bool>,
    /// When confidential treatment was denied or expired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidentiality_ended_on: Option<Date>,
    /// When those holdings were reported confidentially.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reported_on: Option<Date>,
    /// Why they are no longer: `Denied` or `Confidential Treatment Expired`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Whether an amendment replaces or adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AmendmentKind {
    /// It replaces the whole report.
    Restatement,
    /// It adds holdings to it.
    NewHoldings,
}

/// What a report holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportType {
    /// All holdings of the manager.
    Holdings,
    /// None: others report them.
    Notice,
    /// Some; others report the rest.
    Combination,
}

/// A postal address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Address {
    /// First line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street1: Option<String>,
    /// Second line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street2: Option<String>,
    /// City.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// The SEC's code of a state or country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_or_country: Option<String>,
    /// Postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zip: Option<String>,
}

/// Another manager: one that reports for this one, or one that this one reports for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct OtherManager {
    /// The number by which rows of the table refer to it; only of included managers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u32>,
    /// Its number at the SEC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cik: Option<Cik>,
    /// Its file number for this form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form13f_file_number: Option<String>,
    /// Its number in the Central Registration Depository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crd_number: Option<String>,
    /// Its file number as an adviser.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sec_file_number: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Who signs a report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Signature {
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Position.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Telephone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The signature, typed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// City.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// The SEC's code of a state or country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_or_country: Option<String>,
    /// Day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<Date>,
}

/// What the filer says that the information table adds up to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// How many other managers' holdings are included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub included_managers_count: Option<u32>,
    /// Rows of the table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table_entries: Option<u32>,
    /// Sum of the table's values, in the unit of the table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table_value: Option<Decimal>,
    /// Whether confidential holdings are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidential_omitted: Option<bool>,
    /// The managers whose holdings are included.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub included_managers: Vec<OtherManager>,
}

impl Cover {
    /// Reads the primary document of a form 13F.
    ///
    /// # Errors
    /// [`FormError::NotThisForm`] when it is anything else, such as the primary document
    /// of another form; [`FormError::Malformed`] when form, quarter or manager are missing.
    pub fn read(bytes: &[u8]) -> Result<Self, FormError> {
        let document = Document::new(bytes);
        let Some((root, mut flaws)) = Element::read(&document, ROOT, NAMESPACES) else {
            return Err(document.not_this_form());
        };
        // Other forms have a root of this name too, and some have no namespace either.
        let header = root.child("headerData");
        let is_another = match header.and_then(|header| header.text("submissionType")) {
            Some(form) => !super::is_form(&form),
            None => flaws.is_empty(),
        };
        if is_another {
            return Err(document.not_this_form());
        }
        match Self::of(&root, &mut flaws) {
            Ok(cover) => Ok(Self {
                flaws: flaws.located(&document),
                ..cover
            }),
            Err(missing) => Err(document.malformed(&flaws, missing)),
        }
    }

    /// The cover in a tree, or the element that is missing.
    fn of(root: &Element, flaws: &mut Flaws) -> Result<Self, &'static str> {
        let none = Element::default();
        let header = root.child("headerData").unwrap_or(&none);
        let filer = header.child("filerInfo").unwrap_or(&none);
        let credentials = filer
            .child("filer")
            .and_then(|filer| filer.child("credentials"));
        let form = root.child("formData").unwrap_or(&none);
        let cover = form.child("coverPage").unwrap_or(&none);
        let manager = cover.child("filingManager").unwrap_or(&none);

        let quarter = cover.parsed("reportCalendarOrQuarter", flaws, date);
        let period = filer.parsed("periodOfReport", flaws, date).or(quarter);
        Ok(Self {
            submission_type: header.text("submissionType").ok_or("submissionType")?,
            schema_version: root.text("schemaVersion"),
            filer: credentials.and_then(|who| who.parsed("cik", flaws, parse)),
            period: period.ok_or("periodOfReport")?,
            amendment: Amendment::of(cover, flaws),
            report_type: cover.parsed("reportType", flaws, ReportType::of),
            manager: manager.text("name").ok_or("filingManager")?,
            address: manager.child("address").map(Address::of),
            form13f_file_number: cover.text("form13FFileNumber"),
            crd_number: cover.text("crdNumber"),
            sec_file_number: cover.text("secFileNumber"),
            reporting_managers: reporting_managers(cover, flaws),
            instruction5: cover.parsed("provideInfoForInstruction5", flaws, flag),
            additional_information: cover.text("additionalInformation"),
            signature: form
                .child("signatureBlock")
                .map(|block| Signature::of(block, flaws)),
            summary: form
                .child("summaryPage")
                .map(|page| Summary::of(page, flaws))
                // Notices have the page, empty.
                .filter(|summary| *summary != Summary::default()),
            flaws: Flaws::default(),
        })
    }
}

impl Amendment {
    /// The amendment of a cover page that says that it is one, or how.
    fn of(cover: &Element, flaws: &mut Flaws) -> Option<Self> {
        let is_amendment = cover.parsed("isAmendment", flaws, flag);
        let how = cover.child("amendmentInfo");
        if !is_amendment.unwrap_or(how.is_some()) {
            return None;
        }
        let none = Element::default();
        let how = how.unwrap_or(&none);
        Some(Self {
            number: cover.parsed("amendmentNo", flaws, parse),
            kind: how.parsed("amendmentType", flaws, AmendmentKind::of),
            confidentiality_ended: how.parsed("confDeniedExpired", flaws, flag),
            confidentiality_ended_on: how.parsed("dateDeniedExpired", flaws, date),
            reported_on: how.parsed("dateReported", flaws, date),
            reason: how.text("reasonForNonConfidentiality"),
        })
    }
}

impl AmendmentKind {
    fn of(text: &str) -> Option<Self> {
        match text.to_ascii_uppercase().as_str() {
            "RESTATEMENT" => Some(Self::Restatement),
            "NEW HOLDINGS" => Some(Self::NewHoldings),
            _ => None,
        }
    }
}

impl ReportType {
    fn of(text: &str) -> Option<Self> {
        match text.to_ascii_uppercase().as_str() {
            "13F HOLDINGS REPORT" => Some(Self::Holdings),
            "13F NOTICE" => Some(Self::Notice),
            "13F COMBINATION REPORT" => Some(Self::Combination),
            _ => None,
        }
    }
}

impl Address {
    fn of(address: &Element) -> Self {
        Self {
            street1: address.text("street1"),
            street2: address.text("street2"),
            city: address.text("city"),
            state_or_country: address.text("stateOrCountry"),
            zip: address.text("zipCode"),
        }
    }
}

impl OtherManager {
    fn of(manager: &Element, flaws: &mut Flaws) -> Self {
        Self {
            sequence: None,
            cik: manager.parsed("cik", flaws, parse),
            form13f_file_number: manager.text("form13FFileNumber"),
            crd_number: manager.text("crdNumber"),
            sec_file_number: manager.text("secFileNumber"),
            name: manager.text("name"),
        }
    }

    /// One with the number by which rows refer to it.
    fn numbered(entry: &Element, flaws: &mut Flaws) -> Self {
        let sequence = entry.parsed("sequenceNumber", flaws, parse);
        let manager = Self::of(entry.child("otherManager").unwrap_or(entry), flaws);
        Self {
            sequence,
            ..manager
        }
    }
}

impl Signature {
    fn of(block: &Element, flaws: &mut Flaws) -> Self {
        Self {
            name: block.text("name"),
            title: block.text("title"),
            phone: block.text("phone"),
            signature: block.text("signature"),
            city: block.text("city"),
            state_or_country: block.text("stateOrCountry"),
            date: block.parsed("signatureDate", flaws, date),
        }
    }
}

impl Summary {
    fn of(page: &Element, flaws: &mut Flaws) -> Self {
        let included = page.all("otherManagers2Info");
        let included = included.flat_map(|list| list.all("otherManager2"));
        Self {
            included_managers: included
                .map(|entry| OtherManager::numbered(entry, flaws))
                .collect(),
            included_managers_count: page.parsed("otherIncludedManagersCount", flaws, parse),
            table_entries: page.parsed("tableEntryTotal", flaws, parse),
            table_value: page.parsed("tableValueTotal", flaws, parse),
            confidential_omitted: page.parsed("isConfidentialOmitted", flaws, flag),
        }
    }
}

fn reporting_managers(cover: &Element, flaws: &mut Flaws) -> Vec<OtherManager> {
    let managers = cover
        .all("otherManagersInfo")
        .flat_map(|list| list.all("otherManager"));
    managers
        .map(|manager| OtherManager::of(manager, flaws))
        .collect()
}
