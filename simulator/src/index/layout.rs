//! How an index file is laid out: its head, its columns, its order.
//!
//! Source: recorded files of sec.gov.

use jiff::civil::Date;

use super::{Name, Period, Row};

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

impl Layout {
    /// Reads the first part of a file's name.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "master" => Some(Self::Master),
            "form" => Some(Self::Form),
            "company" => Some(Self::Company),
            _ => None,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Master => "",
            Self::Form => " by Form Type",
            Self::Company => " by Company Name",
        }
    }

    fn columns(self, file: &str) -> String {
        match self {
            Self::Master => {
                format!(
                    "CIK|Company Name|Form Type|Date Filed|{file}\n{}",
                    "-".repeat(80)
                )
            }
            Self::Form => format!(
                "{:<12}{:<62}{:<12}{:<12}File Name\n{}",
                "Form Type",
                "Company Name",
                "CIK",
                "Date Filed",
                "-".repeat(141)
            ),
            Self::Company => format!(
                "{:<62}{:<12}CIK\n      Date Filed  File Name\n{}",
                "Company Name",
                "Form Type",
                "-".repeat(147)
            ),
        }
    }
}

/// Brings rows into the order of `layout`. CIKs are compared as text.
pub(super) fn sort(rows: &mut [Row<'_>], layout: Layout) {
    rows.sort_by_cached_key(|row| {
        let cik = row.cik.to_string();
        let (name, form) = (row.name.to_owned(), row.form.to_owned());
        let file = row.accession.to_owned();
        match layout {
            Layout::Master => (cik, form, row.filed_on.to_string(), file),
            Layout::Form => (form, name, cik, file),
            Layout::Company => (name, form, cik, file),
        }
    });
}

/// Everything above the rows; `through` is the last day they cover.
pub(super) fn head(name: &Name, through: Date) -> String {
    let by = name.layout.title();
    match name.period {
        Period::Day(_) => format!(
            "Description:           Daily Index of EDGAR Dissemination Feed{by}\nLast Data Received:    {}\nComments:              webmaster@sec.gov\n\
             Anonymous FTP:         ftp://ftp.sec.gov/edgar/\n \n \n \n \n{}\n",
            through.strftime("%b %e, %Y"),
            name.layout.columns("File Name"),
        ),
        Period::Quarter(_) | Period::CurrentQuarter => format!(
            "Description:           Master Index of EDGAR Dissemination Feed{by}\nLast Data Received:    {}\nComments:              webmaster@sec.gov\n\
             Anonymous FTP:         ftp://ftp.sec.gov/edgar/\nCloud HTTP:            https://www.sec.gov/Archives/\n\n \n \n \n{}\n",
            through.strftime("%B %e, %Y"),
            name.layout.columns("Filename"),
        ),
    }
}

/// The line of a row.
pub(super) fn line(name: &Name, row: &Row<'_>) -> String {
    let Row {
        cik,
        accession,
        name: company,
        form,
        filed_on,
    } = row;
    let day = match name.period {
        Period::Day(_) => filed_on.strftime("%Y%m%d").to_string(),
        Period::Quarter(_) | Period::CurrentQuarter => filed_on.to_string(),
    };
    let file = format!("edgar/data/{cik}/{accession}.txt");
    match name.layout {
        Layout::Master => format!("{cik}|{company}|{form}|{day}|{file}\n"),
        Layout::Form => format!("{form:<12}{company:<62}{cik:<12}{day:<12}{file:<52}\n"),
        Layout::Company => format!("{company:<62}{form:<12}{cik:<12}{day:<12}{file:<52}\n"),
    }
}
