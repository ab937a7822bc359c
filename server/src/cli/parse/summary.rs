//! A report for people.

use std::fmt::Write;

use protocol::filing::Filer;

use super::report::{DocumentReport, Report};

/// Filers shown; a filing may have hundreds.
const FILERS: usize = 10;

/// Several lines and a blank one after them.
pub(super) fn of(report: &Report) -> String {
    let mut text = clean(&report.file) + "\n";
    let mut line = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            writeln!(text, "  {name:15}  {}", clean(&value)).expect("a String takes everything");
        }
    };
    line(
        "accession",
        report.accession.map(|accession| accession.to_string()),
    );
    line("form", report.form.clone());
    line("filed", report.filed_on.map(|day| day.to_string()));
    line("accepted", report.accepted_at.map(|time| time.to_string()));
    line("period", report.period.map(|day| day.to_string()));
    for filer in report.filers.iter().take(FILERS) {
        line(
            filer.role.map_or("filer", |role| role.as_str()),
            Some(who(filer)),
        );
    }
    let more = report.filers.len().saturating_sub(FILERS);
    line("", (more > 0).then(|| format!("and {more} more")));
    line("documents", Some(report.documents.len().to_string()));
    for row in table(&report.documents) {
        writeln!(text, "    {row}").expect("a String takes everything");
    }
    for (name, count) in contents(report) {
        writeln!(text, "  {name:15}  {count}").expect("a String takes everything");
    }
    for damage in &report.damage {
        writeln!(
            text,
            "  {:15}  {} at byte {}",
            "damage", damage.what, damage.offset
        )
        .expect("a String takes everything");
    }
    text
}

/// How much there is of what only JSON shows.
fn contents(report: &Report) -> Vec<(&'static str, usize)> {
    let forms = &report.forms;
    let holdings = (forms.form13f.as_ref()).map(|form| ("holdings", form.holdings.len()));
    let transactions = forms.ownership.as_ref().map(|statement| {
        let tables = [&statement.non_derivative, &statement.derivative];
        let count = tables.map(|table| table.transactions.len()).iter().sum();
        ("transactions", count)
    });
    let facts = (report.facts.as_ref()).map(|facts| ("facts", facts.count()));
    [holdings, transactions, facts]
        .into_iter()
        .flatten()
        .collect()
}

fn who(filer: &Filer) -> String {
    format!("{}, CIK {}", filer.name, filer.cik)
}

fn table(documents: &[DocumentReport]) -> Vec<String> {
    let widest = |text: fn(&DocumentReport) -> &str, most: usize| {
        let widths = documents
            .iter()
            .map(|document| text(document).chars().count());
        widths.max().unwrap_or(0).min(most)
    };
    let kind = widest(|document| &document.document_type, 20);
    let name = widest(|document| &document.filename, 40);
    let row = |document: &DocumentReport| {
        let DocumentReport {
            ordinal,
            document_type,
            filename,
            bytes,
            media_type,
            ..
        } = document;
        let description = document.description.as_deref().unwrap_or_default();
        let short = media_type.rsplit(['.', '/']).next().unwrap_or(media_type);
        let row = format!(
            "{ordinal:>3}  {document_type:kind$}  {filename:name$}  {bytes:>11}  {short:12}  {description}"
        );
        clean(row.trim_end())
    };
    documents.iter().map(row).collect()
}

/// `text` without characters that steer a terminal.
fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}
