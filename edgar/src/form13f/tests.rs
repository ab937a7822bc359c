//! Forms 13F read as a whole: recorded ones, hand-written traps, hostile bytes.

#![allow(clippy::unwrap_used, reason = "tests")]

mod hostile;
mod recorded;
mod traps;
mod units;

use super::*;

const NAMESPACE: &str = "http://www.sec.gov/edgar/document/thirteenf/informationtable";

/// A row with this issuer and value, of a hundred shares.
fn row(issuer: &str, value: &str) -> String {
    format!(
        "<infoTable><nameOfIssuer>{issuer}</nameOfIssuer><titleOfClass>COM</titleOfClass>\
         <cusip>037833100</cusip><value>{value}</value><shrsOrPrnAmt><sshPrnamt>100</sshPrnamt>\
         <sshPrnamtType>SH</sshPrnamtType></shrsOrPrnAmt></infoTable>"
    )
}

/// A table of these rows, without namespace.
fn table(rows: &[String]) -> String {
    format!("<informationTable>{}</informationTable>", rows.concat())
}

/// The rows of a table and what is wrong with it.
fn read(table: &[u8]) -> (Vec<Holding>, Flaws) {
    let table = Table::new(table).unwrap();
    let mut rows = table.rows();
    let holdings = rows.by_ref().collect();
    (holdings, rows.flaws())
}

/// Who is named in the rows of a table.
fn issuers(table: &str) -> Vec<String> {
    let (holdings, _) = read(table.as_bytes());
    holdings.into_iter().map(|row| row.issuer).collect()
}
