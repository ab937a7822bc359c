//! The daily index: every filing of a day, one row per filer.
//!
//! Invariant: a (CIK, accession number) pair has one row, whatever the Atom feed showed.
//! Source: recorded files of sec.gov.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::shelf::Published;
use crate::text::latin1;

/// How an index is sorted and laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// By CIK, fields between bars.
    Master,
    /// By form, fixed width.
    Form,
    /// By company, fixed width.
    Company,
}

/// The name of an index file: `2026/QTR1/master.20260303.idx`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) layout: Layout,
    pub(crate) day: Date,
}

impl Name {
    /// Reads the path below `daily-index/`; year and quarter must fit the day.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let mut parts = path.split('/');
        let (year, quarter, file) = (parts.next()?, parts.next()?, parts.next()?);
        let (layout, day) = file.strip_suffix(".idx")?.split_once('.')?;
        let layout = match layout {
            "master" => Layout::Master,
            "form" => Layout::Form,
            "company" => Layout::Company,
            _ => return None,
        };
        let day = Date::strptime("%Y%m%d", day).ok()?;
        let folder = [
            format!("{:04}", day.year()),
            format!("QTR{}", (day.month() - 1) / 3 + 1),
        ];
        (folder == [year, quarter] && parts.next().is_none()).then_some(Self { layout, day })
    }
}

/// One row.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row<'a> {
    cik: u64,
    accession: &'a str,
    name: &'a str,
    form: &'static str,
}

/// The index `name` of the filings accepted until `cutoff`; nothing on a day without filings.
pub(crate) fn render(
    name: &Name,
    filings: &[std::sync::Arc<Published>],
    cutoff: Timestamp,
) -> Option<Vec<u8>> {
    let mut rows = rows(name.day, filings, cutoff);
    if rows.is_empty() {
        return None;
    }
    match name.layout {
        Layout::Master => {}
        Layout::Form => rows.sort_by_key(|row| (row.form, row.name, row.cik)),
        Layout::Company => rows.sort_by_key(|row| (row.name, row.form, row.cik)),
    }
    let mut text = head(name);
    for row in rows {
        text.push_str(&line(name, &row));
    }
    Some(latin1(&text))
}

fn rows<'a>(
    day: Date,
    filings: &'a [std::sync::Arc<Published>],
    cutoff: Timestamp,
) -> Vec<Row<'a>> {
    let of_day = filings.iter().map(|published| &published.filing);
    let of_day = of_day.filter(|filing| filing.filed_on == day && filing.accepted_at <= cutoff);
    let mut rows: Vec<Row> = of_day
        .flat_map(|filing| {
            filing.parties.iter().map(|party| Row {
                cik: party.filer.cik,
                accession: &filing.accession,
                name: &party.filer.name,
                form: filing.rule.form,
            })
        })
        .collect();
    rows.sort();
    rows.dedup();
    rows
}

fn head(name: &Name) -> String {
    let by = match name.layout {
        Layout::Master => "",
        Layout::Form => " by Form Type",
        Layout::Company => " by Company Name",
    };
    let columns = match name.layout {
        Layout::Master => {
            "CIK|Company Name|Form Type|Date Filed|File Name\n".to_owned() + &"-".repeat(80)
        }
        Layout::Form => format!(
            "{:<12}{:<62}{:<12}{:<12}File Name\n{}",
            "Form Type",
            "Company Name",
            "CIK",
            "Date Filed",
            "-".repeat(141)
        ),
        Layout::Company => format!(
            "{:<62}{:<12}CIK\n      Date Filed  File Name\n{}",
            "Company Name",
            "Form Type",
            "-".repeat(147)
        ),
    };
    format!(
        "Description:           Daily Index of EDGAR Dissemination Feed{by}\nLast Data Received:    {}\nComments:              webmaster@sec.gov\n\
         Anonymous FTP:         ftp://ftp.sec.gov/edgar/\n \n \n \n \n{columns}\n",
        name.day.strftime("%b %e, %Y")
    )
}

fn line(name: &Name, row: &Row<'_>) -> String {
    let Row {
        cik,
        accession,
        name: company,
        form,
    } = row;
    let day = name.day.strftime("%Y%m%d");
    let file = format!("edgar/data/{cik}/{accession}.txt");
    match name.layout {
        Layout::Master => format!("{cik}|{company}|{form}|{day}|{file}\n"),
        Layout::Form => format!(
            "{form:<12}{company:<62}{cik:<12}{:<12}{file:<52}\n",
            day.to_string()
        ),
        Layout::Company => format!(
            "{company:<62}{form:<12}{cik:<12}{:<12}{file:<52}\n",
            day.to_string()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_must_lie_in_the_quarter_of_its_day() {
        let day = jiff::civil::date(2026, 3, 3);

        assert_eq!(
            Name::parse("2026/QTR1/master.20260303.idx"),
            Some(Name {
                layout: Layout::Master,
                day
            })
        );
        assert_eq!(Name::parse("2026/QTR2/master.20260303.idx"), None);
        assert_eq!(Name::parse("2026/QTR1/crawler.20260303.idx"), None);
        assert_eq!(Name::parse("2026/QTR1/master.20260230.idx"), None);
    }
}
