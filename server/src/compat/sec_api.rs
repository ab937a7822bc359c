//! What clients of sec-api.io's Stream API speak: a websocket on `/?apiKey=…`, each frame an
//! array of filings, sent when the filing is archived and its documents are known.
//!
//! Left out is what our events do not carry: series and classes, and the holdings of a 13F.
//!
//! Source: sec-api.io, "Stream API", and the README of its clients.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::Response,
};
use edgar::paths;
use protocol::{
    cik::Cik,
    event::EventType,
    filing::{Document, Filer, FilerRole, Filing},
    time::{Timestamp, to_eastern},
};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{Dialect, session};
use crate::{
    http::{Peer, Problem, Query},
    keys::Scope,
    stream::Shared,
};

const DIALECT: Dialect = Dialect {
    credential: "apiKey",
    event_type: EventType::FilingArchived,
    frame,
};

/// Where the addresses in frames lead.
const WWW: &str = "https://www.sec.gov";

/// What the most frequent forms are called. Source: sec.gov, "Forms Index".
const TITLES: [(&str, &str); 24] = [
    (
        "3",
        "Initial statement of beneficial ownership of securities",
    ),
    (
        "4",
        "Statement of changes in beneficial ownership of securities",
    ),
    (
        "5",
        "Annual statement of changes in beneficial ownership of securities",
    ),
    ("6-K", "Report of foreign issuer [Rules 13a-16 and 15d-16]"),
    ("8-K", "Current report"),
    ("10-D", "Asset-Backed Issuer Distribution Report"),
    (
        "10-K",
        "Annual report [Section 13 and 15(d), not S-K Item 405]",
    ),
    ("10-Q", "Quarterly report [Sections 13 or 15(d)]"),
    (
        "13F-HR",
        "Quarterly report filed by institutional managers, Holdings",
    ),
    (
        "13F-NT",
        "Quarterly report filed by institutional managers, Notice",
    ),
    ("144", "Report of proposed sale of securities"),
    (
        "20-F",
        "Annual and transition report of foreign private issuers",
    ),
    ("424B2", "Prospectus [Rule 424(b)(2)]"),
    ("424B3", "Prospectus [Rule 424(b)(3)]"),
    ("424B5", "Prospectus [Rule 424(b)(5)]"),
    (
        "497K",
        "Summary Prospectus for certain open-end management investment companies",
    ),
    ("D", "Notice of Exempt Offering of Securities"),
    ("DEF 14A", "Other definitive proxy statements"),
    (
        "FWP",
        "Filing under Securities Act Rules 163/433 of free writing prospectuses",
    ),
    (
        "N-PX",
        "Annual Report of proxy voting record of registered management investment companies",
    ),
    (
        "NPORT-P",
        "Monthly Portfolio Investments Report on Form N-PORT",
    ),
    (
        "S-1",
        "General form for registration of securities under the Securities Act of 1933",
    ),
    (
        "SCHEDULE 13D",
        "General statement of acquisition of beneficial ownership",
    ),
    (
        "SCHEDULE 13G",
        "Statement of acquisition of beneficial ownership by certain investors",
    ),
];

/// The socket.
pub(crate) async fn connect(
    State(shared): State<Arc<Shared>>,
    peer: Peer,
    request: Request,
) -> Result<Response, Problem> {
    let query = request.uri().query().unwrap_or_default();
    let query = Query::split(query, &[DIALECT.credential])?;
    let key = match query.get(DIALECT.credential) {
        Some(key) if shared.auth_required => {
            Some(shared.check_key(peer.0.ip(), key, Scope::Stream)?)
        }
        _ => shared.authorize_stream(peer.0.ip(), request.headers(), None)?,
    };
    session::connect(DIALECT, shared, key, request).await
}

fn frame(filings: &[Filing]) -> Value {
    filings.iter().map(shape).collect()
}

fn shape(filing: &Filing) -> Value {
    let main = main_filer(&filing.filers);
    let cik = main.map_or(filing.accession.submitter(), |filer| filer.cik);
    let links = paths::urls(cik, filing.accession);
    let (data, formatted): (Vec<&Document>, Vec<&Document>) = filing
        .documents
        .iter()
        .partition(|document| is_data(document));
    let mut shape = json!({
        "id": id(filing),
        "accessionNo": filing.accession.to_string(),
        "cik": cik.to_string(),
        "ticker": main.and_then(|filer| filer.tickers.first()).cloned().unwrap_or_default(),
        "companyName": main.map_or("", |filer| &filer.name),
        "companyNameLong": main.map_or(String::new(), long_name),
        "formType": filing.form.as_str(),
        "description": description(filing),
        "filedAt": filing.accepted_at.map_or_else(|| filed_on(filing), eastern),
        "linkToTxt": links.submission,
        "linkToHtml": links.index,
        "linkToXbrl": "",
        "linkToFilingDetails": filing.documents.first().map_or_else(
            || links.index.clone().unwrap_or_default(),
            |document| address(cik, filing, document),
        ),
        "entities": filing.filers.iter().map(|filer| entity(filer, filing)).collect::<Vec<_>>(),
        "documentFormatFiles": files(&formatted, cik, filing, true),
        "dataFiles": files(&data, cik, filing, false),
        "seriesAndClassesContractsInformation": [],
    });
    add(
        &mut shape,
        "periodOfReport",
        filing.period.map(|day| day.to_string()),
    );
    if !filing.items.is_empty() {
        shape["items"] = filing
            .items
            .iter()
            .map(|item| format!("Item {item}"))
            .collect();
    }
    shape
}

/// The issuer, the subject, or whoever comes first.
fn main_filer(filers: &[Filer]) -> Option<&Filer> {
    let of = |role| filers.iter().find(move |filer| filer.role == Some(role));
    of(FilerRole::Issuer)
        .or_else(|| of(FilerRole::SubjectCompany))
        .or_else(|| filers.first())
}

/// 32 hexadecimal digits, the same for the same filing.
fn id(filing: &Filing) -> String {
    let mut hash = hex::encode(Sha256::digest(filing.accession.to_string()));
    hash.truncate(32);
    hash
}

fn long_name(filer: &Filer) -> String {
    let role = match filer.role {
        Some(FilerRole::Issuer) => "Issuer",
        Some(FilerRole::SubjectCompany) => "Subject",
        Some(FilerRole::ReportingOwner) => "Reporting",
        Some(FilerRole::FiledBy) => "Filed by",
        _ => "Filer",
    };
    format!("{} ({role})", filer.name)
}

/// `Form 8-K - Current report - Item 2.02 Item 9.01`.
fn description(filing: &Filing) -> String {
    let form = filing.form.as_str();
    let title = TITLES.iter().find(|(name, _)| *name == filing.form.root());
    let amended = if filing.amendment { ": [Amend]" } else { "" };
    let mut text = match title {
        Some((_, title)) => format!("Form {form} - {title}{amended}"),
        None => format!("Form {form}"),
    };
    for (place, item) in filing.items.iter().enumerate() {
        let before = if place == 0 { " - " } else { " " };
        text.push_str(&format!("{before}Item {item}"));
    }
    text
}

/// `2026-03-03T16:04:41-05:00`.
fn eastern(time: Timestamp) -> String {
    to_eastern(time)
        .strftime("%Y-%m-%dT%H:%M:%S%:z")
        .to_string()
}

fn filed_on(filing: &Filing) -> String {
    filing
        .filed_on
        .map(|day| day.to_string())
        .unwrap_or_default()
}

fn entity(filer: &Filer, filing: &Filing) -> Value {
    let mut entity = json!({
        "companyName": long_name(filer),
        "cik": filer.cik.to_string(),
        "type": filing.form.as_str(),
    });
    for (name, value) in [
        ("irsNo", &filer.ein),
        ("stateOfIncorporation", &filer.state_of_incorporation),
        ("fiscalYearEnd", &filer.fiscal_year_end),
        ("act", &filer.act),
        ("fileNo", &filer.file_number),
        ("filmNo", &filer.film_number),
        ("sic", &filer.sic),
    ] {
        add(&mut entity, name, value.clone());
    }
    entity
}

fn add(object: &mut Value, name: &str, value: Option<String>) {
    if let Some(value) = value {
        object[name] = value.into();
    }
}

/// Whether a file belongs to the XBRL report and is not for people.
fn is_data(document: &Document) -> bool {
    document.document_type.starts_with("EX-101") || document.filename.ends_with("_htm.xml")
}

fn files(documents: &[&Document], cik: Cik, filing: &Filing, with_whole: bool) -> Vec<Value> {
    let file = |document: &&Document| {
        Map::from_iter([
            (
                "sequence".to_owned(),
                document.sequence.clone().unwrap_or_default().into(),
            ),
            (
                "description".to_owned(),
                document.description.clone().unwrap_or_default().into(),
            ),
            (
                "documentUrl".to_owned(),
                address(cik, filing, document).into(),
            ),
            ("type".to_owned(), document.document_type.clone().into()),
            ("size".to_owned(), document.size_bytes.to_string().into()),
        ])
    };
    let mut files: Vec<Value> = documents.iter().map(|d| file(d).into()).collect();
    if with_whole {
        files.push(json!({
            "sequence": " ",
            "description": "Complete submission text file",
            "documentUrl": paths::url(WWW, &paths::submission(cik, filing.accession)),
            "type": " ",
            "size": filing.size_bytes.unwrap_or(0).to_string(),
        }));
    }
    files
}

fn address(cik: Cik, filing: &Filing, document: &Document) -> String {
    let folder = paths::folder(cik, filing.accession);
    paths::url(WWW, &format!("{folder}{}", document.filename))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use protocol::filing::Source;

    use super::*;

    fn filing() -> Filing {
        let seen_at = "2026-03-03T21:04:58.168Z".parse().unwrap();
        let accession = "0001999999-26-000042".parse().unwrap();
        let mut filing = Filing::new(accession, "8-K".parse().unwrap(), Source::Atom, seen_at);
        let cik = "1999991".parse().unwrap();
        let name = "QUAYSIDE ROBOTICS (HOLDINGS) INC";
        let mut filer = Filer::new(cik, name, Some(FilerRole::Filer));
        filer.tickers = vec!["QUAY".to_owned()];
        filer.sic = Some("3569".to_owned());
        filer.state_of_incorporation = Some("DE".to_owned());
        filer.fiscal_year_end = Some("1231".to_owned());
        filer.ein = Some("990000001".to_owned());
        filer.act = Some("34".to_owned());
        filer.file_number = Some("001-99999".to_owned());
        filer.film_number = Some("26700001".to_owned());
        filing.filers = vec![filer];
        filing.accepted_at = Some("2026-03-03T21:04:41Z".parse().unwrap());
        filing.period = Some("2026-03-03".parse().unwrap());
        filing.items = vec!["2.02".to_owned(), "9.01".to_owned()];
        filing.size_bytes = Some(690_114);
        let document = |ordinal: u32, document_type: &str, filename: &str| Document {
            ordinal,
            sequence: Some(ordinal.to_string()),
            document_type: document_type.to_owned(),
            filename: filename.to_owned(),
            description: None,
            size_bytes: 38_211,
        };
        filing.documents = vec![
            document(1, "8-K", "quay-20260303.htm"),
            document(2, "EX-101.SCH", "quay-20260303.xsd"),
        ];
        filing
    }

    #[test]
    fn a_filing_has_the_documented_fields() {
        let shape = shape(&filing());

        let folder = "https://www.sec.gov/Archives/edgar/data/1999991/000199999926000042";
        let expected = json!({
            "id": id(&filing()),
            "accessionNo": "0001999999-26-000042",
            "cik": "1999991",
            "ticker": "QUAY",
            "companyName": "QUAYSIDE ROBOTICS (HOLDINGS) INC",
            "companyNameLong": "QUAYSIDE ROBOTICS (HOLDINGS) INC (Filer)",
            "formType": "8-K",
            "description": "Form 8-K - Current report - Item 2.02 Item 9.01",
            "filedAt": "2026-03-03T16:04:41-05:00",
            "periodOfReport": "2026-03-03",
            "items": ["Item 2.02", "Item 9.01"],
            "linkToTxt": format!("{folder}/0001999999-26-000042.txt"),
            "linkToHtml": format!("{folder}/0001999999-26-000042-index.htm"),
            "linkToXbrl": "",
            "linkToFilingDetails": format!("{folder}/quay-20260303.htm"),
            "entities": [{"companyName": "QUAYSIDE ROBOTICS (HOLDINGS) INC (Filer)", "cik": "1999991",
                "type": "8-K", "stateOfIncorporation": "DE", "fiscalYearEnd": "1231", "sic": "3569",
                "irsNo": "990000001", "act": "34", "fileNo": "001-99999", "filmNo": "26700001"}],
            "documentFormatFiles": [
                {"sequence": "1", "description": "", "type": "8-K", "size": "38211",
                    "documentUrl": format!("{folder}/quay-20260303.htm")},
                {"sequence": " ", "description": "Complete submission text file", "type": " ",
                    "size": "690114", "documentUrl": format!("{folder}/0001999999-26-000042.txt")},
            ],
            "dataFiles": [{"sequence": "2", "description": "", "type": "EX-101.SCH", "size": "38211",
                "documentUrl": format!("{folder}/quay-20260303.xsd")}],
            "seriesAndClassesContractsInformation": [],
        });
        assert_eq!(shape, expected);
        assert_eq!(id(&filing()).len(), 32);
    }

    #[test]
    fn the_issuer_comes_before_the_subject_and_both_before_the_first() {
        let filer = |cik, role| Filer::new(Cik::new(cik), "", Some(role));
        let owner = filer(1, FilerRole::ReportingOwner);
        let subject = filer(2, FilerRole::SubjectCompany);
        let issuer = filer(3, FilerRole::Issuer);

        for (filers, cik) in [
            (vec![owner.clone(), subject.clone(), issuer], 3),
            (vec![owner.clone(), subject], 2),
            (vec![owner], 1),
        ] {
            assert_eq!(main_filer(&filers).unwrap().cik, Cik::new(cik));
        }
        assert!(main_filer(&[]).is_none());
    }

    #[test]
    fn an_amendment_is_called_by_its_form() {
        let mut filing = filing();
        filing.form = "10-K/A".parse().unwrap();
        filing.amendment = true;
        filing.items.clear();

        let said = "Form 10-K/A - Annual report [Section 13 and 15(d), not S-K Item 405]: [Amend]";
        assert_eq!(description(&filing), said);
    }
}
