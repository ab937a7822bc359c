//! The index page of a filing, `{accession}-index.htm`, in the shape of EDGAR's.

use crate::clock::eastern;
use crate::text::{escape, latin1};
use crate::world::{Document, Filing, Party};

/// The page of `filing`.
pub(crate) fn render(filing: &Filing) -> Vec<u8> {
    let mut page = head(filing);
    grouping(&mut page, filing);
    documents(&mut page, filing);
    for party in &filing.parties {
        filer(&mut page, filing, party);
    }
    page.push_str("</div>\n</body>\n</html>\n");
    latin1(&page)
}

fn head(filing: &Filing) -> String {
    let accession = &filing.accession;
    format!(
        "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01 Transitional//EN\" \"http://www.w3.org/TR/html4/loose.dtd\">\n<html xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n\
         <meta http-equiv=\"Last-Modified\" content=\"{}\" />\n<title>EDGAR Filing Documents for {accession}</title>\n</head>\n<body style=\"margin: 0; font-size: 16px; \">\n\
         <div id=\"contentDiv\">\n<!-- START FILING DIV -->\n<div class=\"formDiv\">\n   <div id=\"formHeader\">\n      <div id=\"formName\">\n         <strong>Form {}</strong>\n      </div>\n\
         \x20     <div id=\"secNum\">\n         <strong><acronym title=\"Securities and Exchange Commission\">SEC</acronym> Accession <acronym title=\"Number\">No.</acronym></strong> {accession}\n      </div>\n   </div>\n",
        crate::clock::http_date(filing.accepted_at),
        filing.rule.form,
    )
}

fn grouping(page: &mut String, filing: &Filing) {
    let accepted = eastern(filing.accepted_at)
        .strftime("%Y-%m-%d %H:%M:%S")
        .to_string();
    page.push_str("   <div class=\"formContent\">\n");
    let mut pair = |head: &str, info: &str| {
        page.push_str(&format!("         <div class=\"infoHead\">{head}</div>\n         <div class=\"info\">{info}</div>\n"));
    };
    pair("Filing Date", &filing.filed_on.to_string());
    pair("Accepted", &accepted);
    pair("Documents", &filing.documents.len().to_string());
    if let Some(period) = filing.period {
        pair("Period of Report", &period.to_string());
    }
    if !filing.items.is_empty() {
        let line = |item: &&crate::world::Item| {
            format!("Item {}: {}<br />", item.code, escape(item.title))
        };
        pair("Items", &filing.items.iter().map(line).collect::<String>());
    }
    page.push_str("   </div>\n</div>\n");
}

fn documents(page: &mut String, filing: &Filing) {
    page.push_str("<div class=\"formDiv\">\n      <p>Document Format Files</p>\n      <table class=\"tableFile\" summary=\"Document Format Files\">\n");
    let folder = format!(
        "/Archives/edgar/data/{}/{}",
        filing.parties[0].filer.cik,
        filing.digits()
    );
    let mut row = |sequence: &str, description: &str, filename: &str, kind: &str, size: &str| {
        page.push_str(&format!(
            "         <tr>\n            <td scope=\"row\">{sequence}</td>\n            <td scope=\"row\">{description}</td>\n            <td scope=\"row\"><a href=\"{folder}/{filename}\">{filename}</a></td>\n            <td scope=\"row\">{kind}</td>\n            <td scope=\"row\">{size}</td>\n         </tr>\n"
        ));
    };
    for Document {
        sequence,
        description,
        filename,
        kind,
        ..
    } in &filing.documents
    {
        row(
            &sequence.to_string(),
            description.as_deref().unwrap_or_default(),
            filename,
            kind,
            "1000",
        );
    }
    let submission = format!("{}.txt", filing.accession);
    row(
        "&nbsp;",
        "Complete submission text file",
        &submission,
        "&nbsp;",
        &filing.submission_bytes.to_string(),
    );
    page.push_str("      </table>\n</div>\n");
}

fn filer(page: &mut String, filing: &Filing, party: &Party) {
    let (filer, address) = (&party.filer, &party.filer.address);
    page.push_str(&format!(
        "<div class=\"filerDiv\">\n   <div class=\"mailer\">Business Address\n      <span class=\"mailerAddress\">{}</span>\n      <span class=\"mailerAddress\">\n{} {} {}      </span>\n   </div>\n\
         <div class=\"companyInfo\">\n  <span class=\"companyName\">{} ({})\n <acronym title=\"Central Index Key\">CIK</acronym>: <a href=\"/cgi-bin/browse-edgar?CIK={cik:010}&amp;action=getcompany\">{cik:010} (see all company filings)</a></span>\n\
         <p class=\"identInfo\">State of Incorp.: <strong>{}</strong> | Fiscal Year End: <strong>{}</strong><br />Type: <strong>{}</strong> | Act: <strong>{}</strong> | File No.: <strong>{}</strong> | Film No.: <strong>{:02}{}</strong></p>\n</div>\n</div>\n",
        address.street, address.city, address.state, address.zip, escape(&filer.name), party.role.atom(),
        filer.state_of_incorporation, filer.fiscal_year_end, filing.rule.form, filing.rule.act, party.file_number,
        filing.filed_on.year() % 100, party.film_number,
        cik = filer.cik,
    ));
}
