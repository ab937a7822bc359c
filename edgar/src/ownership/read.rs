//! An ownership document: what stands around its tables.
//!
//! Elsewhere: the rows (`rows`).

use std::collections::BTreeMap;

use super::{Address, FormError, Issuer, Owner, SecurityTable, Signature, Statement, rows};
use crate::xml::{
    document::Document,
    element::Element,
    flaw::Flaws,
    values::{date, flag, parse},
};

pub(super) const ROOT: &str = "ownershipDocument";
/// The schema has none; what a filer declares is not asked.
pub(super) const NAMESPACES: &[&str] = &[];

impl Statement {
    /// Reads the primary document of a form 3, 4 or 5.
    ///
    /// # Errors
    /// [`FormError::NotThisForm`] when its root is not an `ownershipDocument`, as in the
    /// forms before 2003; [`FormError::Malformed`] when form or issuer are missing.
    pub fn read(bytes: &[u8]) -> Result<Self, FormError> {
        let document = Document::new(bytes);
        let Some((root, mut flaws)) = Element::read(&document, ROOT, NAMESPACES) else {
            return Err(document.not_this_form());
        };
        match Self::of(&root, &mut flaws) {
            Ok(statement) => Ok(Self {
                flaws: flaws.located(&document),
                ..statement
            }),
            Err(missing) => Err(document.malformed(&flaws, missing)),
        }
    }

    /// The statement in a tree, or the element that is missing.
    fn of(root: &Element, flaws: &mut Flaws) -> Result<Self, &'static str> {
        let issuer = root.child("issuer").ok_or("issuer")?;
        Ok(Self {
            document_type: root.text("documentType").ok_or("documentType")?,
            schema_version: root.text("schemaVersion"),
            period: root.parsed("periodOfReport", flaws, date),
            original_filed_on: root.parsed("dateOfOriginalSubmission", flaws, date),
            not_subject_to_section16: root.parsed("notSubjectToSection16", flaws, flag),
            no_securities_owned: root.parsed("noSecuritiesOwned", flaws, flag),
            form3_holdings_reported: root.parsed("form3HoldingsReported", flaws, flag),
            form4_transactions_reported: root.parsed("form4TransactionsReported", flaws, flag),
            aff10b5_one: root.parsed("aff10b5One", flaws, flag),
            issuer: Issuer::of(issuer, flaws)?,
            owners: root
                .all("reportingOwner")
                .map(|owner| Owner::of(owner, flaws))
                .collect(),
            non_derivative: SecurityTable::of(root, &rows::NON_DERIVATIVE, flaws),
            derivative: SecurityTable::of(root, &rows::DERIVATIVE, flaws),
            footnotes: footnotes(root),
            remarks: root.text("remarks"),
            signatures: root
                .all("ownerSignature")
                .map(|each| Signature::of(each, flaws))
                .collect(),
            flaws: Flaws::default(),
        })
    }
}

impl Issuer {
    fn of(issuer: &Element, flaws: &mut Flaws) -> Result<Self, &'static str> {
        Ok(Self {
            cik: issuer
                .parsed("issuerCik", flaws, parse)
                .ok_or("issuerCik")?,
            name: issuer.text("issuerName"),
            ticker: issuer.text("issuerTradingSymbol"),
            foreign_ticker: issuer.text("issuerForeignTradingSymbol"),
        })
    }
}

impl Owner {
    fn of(owner: &Element, flaws: &mut Flaws) -> Self {
        let none = Element::default();
        let id = owner.child("reportingOwnerId").unwrap_or(&none);
        let relation = owner.child("reportingOwnerRelationship").unwrap_or(&none);
        let mut is = |name| relation.parsed(name, flaws, flag).unwrap_or_default();
        let (is_director, is_officer) = (is("isDirector"), is("isOfficer"));
        let (is_ten_percent_owner, is_other) = (is("isTenPercentOwner"), is("isOther"));
        Self {
            cik: id.parsed("rptOwnerCik", flaws, parse),
            name: id.text("rptOwnerName"),
            address: owner.child("reportingOwnerAddress").map(Address::of),
            is_director,
            is_officer,
            is_ten_percent_owner,
            is_other,
            officer_title: relation.text("officerTitle"),
            other_text: relation.text("otherText"),
        }
    }
}

impl Address {
    fn of(address: &Element) -> Self {
        Self {
            street1: address.text("rptOwnerStreet1"),
            street2: address.text("rptOwnerStreet2"),
            city: address.text("rptOwnerCity"),
            state: address.text("rptOwnerState"),
            zip: address.text("rptOwnerZipCode"),
            state_description: address.text("rptOwnerStateDescription"),
        }
    }
}

impl Signature {
    fn of(signature: &Element, flaws: &mut Flaws) -> Self {
        Self {
            name: signature.text("signatureName"),
            date: signature.parsed("signatureDate", flaws, date),
        }
    }
}

/// Footnotes by their ids; of several with one id the first counts.
fn footnotes(root: &Element) -> BTreeMap<String, String> {
    let notes = root
        .all("footnotes")
        .flat_map(|notes| notes.all("footnote"));
    let mut footnotes = BTreeMap::new();
    for note in notes {
        if let Some(id) = &note.id {
            let text = note.own_text().unwrap_or_default();
            footnotes
                .entry(id.clone())
                .or_insert_with(|| text.to_owned());
        }
    }
    footnotes
}
