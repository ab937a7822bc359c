//! Ownership documents read as a whole: recorded ones, hand-written traps, hostile bytes.

#![allow(clippy::unwrap_used, reason = "tests")]

mod hostile;
mod recorded;
mod traps;

use super::*;

/// A form 4 with this in it.
fn form4(inside: &str) -> String {
    format!(
        "<ownershipDocument><documentType>4</documentType><issuer><issuerCik>0001999991</issuerCik>\
         </issuer>{inside}</ownershipDocument>"
    )
}

fn read(inside: &str) -> Statement {
    Statement::read(form4(inside).as_bytes()).unwrap()
}
