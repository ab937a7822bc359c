//! The tab-indented header of a submission, with a block for every party.

use std::fmt::Write;

use crate::world::{Filer, FilerKind, Filing, Party, Primary, Role};

/// Appends the envelope and the header of `filing`.
pub(super) fn write(text: &mut String, filing: &Filing) {
    top(text, filing);
    for party in &filing.parties {
        block(text, filing, party);
    }
    text.push_str("</SEC-HEADER>\n");
}

fn top(text: &mut String, filing: &Filing) {
    let accession = &filing.accession;
    let filed = filing.filed_on.strftime("%Y%m%d");
    let accepted = crate::clock::eastern(filing.accepted_at);
    line(
        text,
        format_args!("<SEC-DOCUMENT>{accession}.txt : {filed}"),
    );
    line(
        text,
        format_args!("<SEC-HEADER>{accession}.hdr.sgml : {filed}"),
    );
    line(
        text,
        format_args!("<ACCEPTANCE-DATETIME>{}", accepted.strftime("%Y%m%d%H%M%S")),
    );
    line(text, format_args!("ACCESSION NUMBER:\t\t{accession}"));
    line(
        text,
        format_args!("CONFORMED SUBMISSION TYPE:\t{}", filing.rule.form),
    );
    line(
        text,
        format_args!("PUBLIC DOCUMENT COUNT:\t\t{}", filing.documents.len()),
    );
    if let Some(period) = filing.period {
        line(
            text,
            format_args!("CONFORMED PERIOD OF REPORT:\t{}", period.strftime("%Y%m%d")),
        );
    }
    if filing.rule.root() == "D" {
        text.push_str("ITEM INFORMATION:\t\t<ITEMS>06b\n");
    }
    for item in &filing.items {
        line(text, format_args!("ITEM INFORMATION:\t\t{}", item.title));
    }
    line(text, format_args!("FILED AS OF DATE:\t\t{filed}"));
    let changed = filing.changed_on.strftime("%Y%m%d");
    line(text, format_args!("DATE AS OF CHANGE:\t\t{changed}"));
    if filing.rule.root() == "D" || filing.rule.form == "EFFECT" {
        line(text, format_args!("EFFECTIVENESS DATE:\t\t{filed}"));
    }
    if filing.rule.primary == Primary::Paper {
        text.push_str("PAPER:\n");
    }
}

fn block(text: &mut String, filing: &Filing, party: &Party) {
    let filer = &party.filer;
    line(text, format_args!("\n{}\n", party.role.header()));
    identity(text, filer);
    values(text, filing, party);
    address(text, filer);
    for former in &filer.former_names {
        text.push_str("\n\tFORMER COMPANY:\t\n");
        line(
            text,
            format_args!("\t\tFORMER CONFORMED NAME:\t{}", former.name),
        );
        line(
            text,
            format_args!("\t\tDATE OF NAME CHANGE:\t{}", former.until),
        );
    }
}

fn identity(text: &mut String, filer: &Filer) {
    let person = filer.kind == FilerKind::Person;
    text.push_str(if person {
        "\tOWNER DATA:\t\n"
    } else {
        "\tCOMPANY DATA:\t\n"
    });
    line(
        text,
        format_args!("\t\tCOMPANY CONFORMED NAME:\t\t\t{}", filer.name),
    );
    line(
        text,
        format_args!("\t\tCENTRAL INDEX KEY:\t\t\t{:010}", filer.cik),
    );
    if let Some(industry) = filer.industry {
        line(
            text,
            format_args!(
                "\t\tSTANDARD INDUSTRIAL CLASSIFICATION:\t{} [{}]",
                industry.name, industry.code
            ),
        );
    }
    let office = filer.industry.map_or("", |industry| industry.office);
    line(
        text,
        format_args!("\t\tORGANIZATION NAME:           \t{office}"),
    );
    if !person {
        line(text, format_args!("\t\tEIN:\t\t\t\t{}", filer.ein));
        line(
            text,
            format_args!(
                "\t\tSTATE OF INCORPORATION:\t\t\t{}",
                filer.state_of_incorporation
            ),
        );
        line(
            text,
            format_args!("\t\tFISCAL YEAR END:\t\t\t{}", filer.fiscal_year_end),
        );
    }
}

/// Issuers have no filing values; who files for another has only the form.
fn values(text: &mut String, filing: &Filing, party: &Party) {
    if party.role == Role::Issuer {
        return;
    }
    line(
        text,
        format_args!("\n\tFILING VALUES:\n\t\tFORM TYPE:\t\t{}", filing.rule.form),
    );
    if party.role == Role::FiledBy {
        return;
    }
    let act = if party.file_number.starts_with("333") {
        "33"
    } else {
        filing.rule.act
    };
    line(text, format_args!("\t\tSEC ACT:\t\t19{act} Act"));
    line(
        text,
        format_args!("\t\tSEC FILE NUMBER:\t{}", party.file_number),
    );
    line(
        text,
        format_args!(
            "\t\tFILM NUMBER:\t\t{:02}{}",
            filing.filed_on.year() % 100,
            party.film_number
        ),
    );
}

fn address(text: &mut String, filer: &Filer) {
    let address = &filer.address;
    let lines = format!(
        "\t\tSTREET 1:\t\t{}\n\t\tCITY:\t\t\t{}\n\t\tSTATE:\t\t\t{}\n\t\tZIP:\t\t\t{}\n",
        address.street, address.city, address.state, address.zip
    );
    if filer.kind != FilerKind::Person {
        line(
            text,
            format_args!(
                "\n\tBUSINESS ADDRESS:\t\n{lines}\t\tBUSINESS PHONE:\t\t{}",
                address.phone
            ),
        );
    }
    text.push_str("\n\tMAIL ADDRESS:\t\n");
    text.push_str(&lines);
}

fn line(text: &mut String, content: std::fmt::Arguments<'_>) {
    let _ = writeln!(text, "{content}"); // Writing to a String cannot fail.
}
