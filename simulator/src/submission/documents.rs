//! The documents of a submission: wrappers, titles, structured forms, pictures.
//!
//! What is written here is short; the place where the long body goes is left open
//! with [`Draft::leave_room`].

use rand::Rng;

use super::{Draft, Style, uuencode};
use crate::random::{digest, stream};
use crate::text::ascii_xml;
use crate::world::{Content, Document, Filing, Party, Primary, Role};

/// Appends one `<DOCUMENT>` block.
pub(super) fn write(draft: &mut Draft, filing: &Filing, document: &Document) {
    let Document {
        sequence,
        kind,
        filename,
        description,
        content,
    } = document;
    draft.text.push_str(&format!(
        "<DOCUMENT>\n<TYPE>{kind}\n<SEQUENCE>{sequence}\n<FILENAME>{filename}\n"
    ));
    if let Some(description) = description {
        draft
            .text
            .push_str(&format!("<DESCRIPTION>{description}\n"));
    }
    draft.text.push_str("<TEXT>\n");
    let wrapper = wrapper(filing, *content);
    draft
        .text
        .push_str(&wrapper.map(|tag| format!("<{tag}>\n")).unwrap_or_default());
    body(draft, filing, document);
    draft
        .text
        .push_str(&wrapper.map(|tag| format!("</{tag}>\n")).unwrap_or_default());
    draft.text.push_str("</TEXT>\n</DOCUMENT>\n");
}

fn wrapper(filing: &Filing, content: Content) -> Option<&'static str> {
    match content {
        Content::Primary => match filing.rule.primary {
            Primary::Inline => Some("XBRL"),
            Primary::Xml { .. } => Some("XML"),
            Primary::Html | Primary::Paper => None,
        },
        Content::Schema => Some("XBRL"),
        Content::InformationTable | Content::Instance => Some("XML"),
        Content::Exhibit | Content::Graphic(_) => None,
    }
}

fn body(draft: &mut Draft, filing: &Filing, document: &Document) {
    match document.content {
        Content::Primary => primary(draft, filing),
        Content::Exhibit => exhibit(draft, filing, &document.kind),
        Content::InformationTable => information_table(draft),
        Content::Schema => draft.text.push_str(SCHEMA),
        Content::Instance => instance(draft, filing),
        Content::Graphic(bytes) => {
            uuencode::write(&mut draft.text, &document.filename, &picture(filing, bytes));
        }
    }
}

fn primary(draft: &mut Draft, filing: &Filing) {
    match (filing.rule.primary, filing.rule.root()) {
        (Primary::Paper, _) => paper(draft, filing),
        (Primary::Html, _) => html(draft, filing),
        (Primary::Inline, _) => {
            draft
                .text
                .push_str("<?xml version='1.0' encoding='ASCII'?>\n");
            html(draft, filing);
        }
        (Primary::Xml { .. }, "3" | "4") => ownership(draft, filing),
        (Primary::Xml { .. }, root) => structured(draft, filing, root),
    }
}

fn html(draft: &mut Draft, filing: &Filing) {
    let party = &filing.parties[0];
    let name = ascii_xml(&party.filer.name);
    let form = filing.rule.form;
    draft.text.push_str(&format!(
        "<html xmlns=\"http://www.w3.org/1999/xhtml\" xmlns:ix=\"http://www.xbrl.org/2013/inlineXBRL\">\n<head><title>{form}</title></head>\n<body>\n\
         <p style=\"text-align: center\"><b>UNITED STATES<br/>SECURITIES AND EXCHANGE COMMISSION</b><br/>Washington, D.C. 20549</p>\n\
         <p style=\"text-align: center\"><b>FORM {form}</b></p>\n<p style=\"text-align: center\"><b>{name}</b><br/>(Exact name of registrant as specified in its charter)</p>\n"
    ));
    for item in &filing.items {
        draft.text.push_str(&format!(
            "<p><b>Item {}. {}.</b></p>\n",
            item.code,
            ascii_xml(item.title)
        ));
    }
    draft.leave_room(Style::Html);
    draft
        .text
        .push_str("<p><b>SIGNATURES</b></p>\n</body>\n</html>\n");
}

fn exhibit(draft: &mut Draft, filing: &Filing, kind: &str) {
    let name = ascii_xml(&filing.parties[0].filer.name);
    draft.text.push_str(&format!(
        "<html>\n<head><title>{kind}</title></head>\n<body>\n<p style=\"text-align: right\"><b>Exhibit {}</b></p>\n<p><b>{name}</b></p>\n\
         <p>Forward-looking statements in this exhibit involve risks and uncertainties.</p>\n</body>\n</html>\n",
        kind.trim_start_matches("EX-")
    ));
}

fn paper(draft: &mut Draft, filing: &Filing) {
    draft.text.push_str(&format!(
        "This document was generated as part of a paper submission.\nPlease reference the Document Control Number {} for access to the original document.\n",
        filing.parties[0].film_number
    ));
}

fn ownership(draft: &mut Draft, filing: &Filing) {
    let form = filing.rule.form;
    let period = filing.period.unwrap_or(filing.filed_on);
    draft.text.push_str(&format!(
        "<?xml version=\"1.0\"?>\n<ownershipDocument>\n\n    <schemaVersion>X0508</schemaVersion>\n\n    <documentType>{form}</documentType>\n\n    <periodOfReport>{period}</periodOfReport>\n\n"
    ));
    for party in filing
        .parties
        .iter()
        .filter(|party| party.role == Role::Issuer)
    {
        draft.text.push_str(&issuer(party));
    }
    for party in filing
        .parties
        .iter()
        .filter(|party| party.role == Role::Reporting)
    {
        draft.text.push_str(&owner(party));
    }
    draft.text.push_str(TRANSACTION);
    draft.text.push_str("    <remarks>");
    draft.leave_room(Style::Text);
    draft.text.push_str("</remarks>\n</ownershipDocument>\n");
}

fn issuer(party: &Party) -> String {
    let filer = &party.filer;
    let ticker = filer.tickers.first().map_or("NONE", String::as_str);
    format!(
        "    <issuer>\n        <issuerCik>{:010}</issuerCik>\n        <issuerName>{}</issuerName>\n        <issuerTradingSymbol>{ticker}</issuerTradingSymbol>\n    </issuer>\n\n",
        filer.cik,
        ascii_xml(&filer.name)
    )
}

fn owner(party: &Party) -> String {
    format!(
        "    <reportingOwner>\n        <reportingOwnerId>\n            <rptOwnerCik>{:010}</rptOwnerCik>\n            <rptOwnerName>{}</rptOwnerName>\n        </reportingOwnerId>\n        <reportingOwnerRelationship>\n            <isDirector>1</isDirector>\n        </reportingOwnerRelationship>\n    </reportingOwner>\n\n",
        party.filer.cik,
        ascii_xml(&party.filer.name)
    )
}

fn structured(draft: &mut Draft, filing: &Filing, root: &str) {
    let party = &filing.parties[0];
    let name = ascii_xml(&party.filer.name);
    let namespace = root.to_lowercase().replace([' ', '-'], "");
    draft.text.push_str(&format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><edgarSubmission xmlns=\"http://www.sec.gov/edgar/{namespace}\">\n  <headerData>\n    <submissionType>{}</submissionType>\n    <filerInfo>\n      <liveTestFlag>LIVE</liveTestFlag>\n      <filer>\n        <filerCredentials>\n          <cik>{:010}</cik>\n          <ccc>XXXXXXXX</ccc>\n        </filerCredentials>\n      </filer>\n    </filerInfo>\n  </headerData>\n  <formData>\n    <name>{name}</name>\n",
        filing.rule.form, party.filer.cik
    ));
    match root {
        "13F-HR" => {} // Its body is the information table.
        "NPORT-P" => {
            draft.text.push_str("    <invstOrSecs>\n");
            draft.leave_room(Style::Investments);
            draft.text.push_str("    </invstOrSecs>\n");
        }
        _ => {
            draft.text.push_str("    <explanatoryNote>");
            draft.leave_room(Style::Text);
            draft.text.push_str("</explanatoryNote>\n");
        }
    }
    draft.text.push_str("  </formData>\n</edgarSubmission>\n");
}

fn information_table(draft: &mut Draft) {
    draft.text.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<informationTable xmlns=\"http://www.sec.gov/edgar/document/thirteenf/informationtable\">\n");
    draft.leave_room(Style::Holdings);
    draft.text.push_str("</informationTable>\n");
}

fn instance(draft: &mut Draft, filing: &Filing) {
    let cik = filing.parties[0].filer.cik;
    draft.text.push_str(&format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<xbrl xmlns=\"http://www.xbrl.org/2003/instance\" xmlns:dei=\"http://xbrl.sec.gov/dei/2025\">\n  <context id=\"c-1\">\n    <entity>\n      <identifier scheme=\"http://www.sec.gov/CIK\">{cik:010}</identifier>\n    </entity>\n    <period>\n      <instant>{}</instant>\n    </period>\n  </context>\n  <dei:DocumentType contextRef=\"c-1\">{}</dei:DocumentType>\n  <dei:EntityCentralIndexKey contextRef=\"c-1\">{cik:010}</dei:EntityCentralIndexKey>\n</xbrl>\n",
        filing.period.unwrap_or(filing.filed_on),
        filing.rule.form
    ));
}

/// A picture: JPEG marks around noise with long runs of zeros.
fn picture(filing: &Filing, bytes: u32) -> Vec<u8> {
    let mut rng = stream(filing.seed, "picture", digest(&filing.accession));
    let mut picture = vec![0xff, 0xd8, 0xff, 0xe0, 0x00, 0x10];
    picture.extend_from_slice(b"JFIF\0");
    while picture.len() < bytes as usize {
        let run = rng.random_range(4..80);
        let quiet = rng.random_bool(0.3);
        picture.extend((0..run).map(|_| if quiet { 0 } else { rng.random::<u8>() }));
    }
    picture.extend_from_slice(&[0xff, 0xd9]);
    picture
}

const SCHEMA: &str = "<?xml version='1.0' encoding='ASCII'?>\n<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" attributeFormDefault=\"unqualified\" elementFormDefault=\"qualified\">\n  <xs:import namespace=\"http://xbrl.sec.gov/dei/2025\"/>\n</xs:schema>\n";

const TRANSACTION: &str = "    <nonDerivativeTable>\n        <nonDerivativeTransaction>\n            <securityTitle>\n                <value>Common Stock</value>\n            </securityTitle>\n            <transactionCoding>\n                <transactionFormType>4</transactionFormType>\n                <transactionCode>A</transactionCode>\n            </transactionCoding>\n            <transactionAmounts>\n                <transactionShares>\n                    <value>1200</value>\n                </transactionShares>\n            </transactionAmounts>\n        </nonDerivativeTransaction>\n    </nonDerivativeTable>\n";
