//! `missing_{sgml,tar,xbrl}_archive.json.zst`: what was seen and is not archived.
//!
//! One JSON object, a line for each filing, in the order of accessions:
//! `"000199999926000042": ["1999991"]`, with the CIKs of its filers. Facts are missing only where documents are known to have some;
//! what EDGAR took away is missing nowhere. Whoever calls decides by that.

use std::{error::Error, io::Write};

use archive::staging::Draft;
use protocol::{accession::Accession, cik::Cik};

use crate::{
    error::InventoryError,
    inventory::encoder,
    store::{Kind, Store, Written, staging_failed},
};

/// A filing that is missing, or why it is not known.
pub type Missing = Result<(Accession, Vec<Cik>), Box<dyn Error + Send + Sync>>;

impl Store {
    /// Writes what is missing of a kind. Filings come in the order of accessions, each once,
    /// and are taken on a thread that may block.
    ///
    /// # Errors
    /// [`InventoryError::Told`] with the first error of `missing`; the object stays as it is
    /// then. Otherwise by role.
    ///
    /// # Panics
    /// When `missing` is not in order.
    pub async fn write_missing(
        &self,
        kind: Kind,
        missing: impl Iterator<Item = Missing> + Send + 'static,
    ) -> Result<Written, InventoryError> {
        let key = self.missing(kind);
        let ours = key.clone();
        let write = move |draft: &mut Draft| write(draft, missing, |e| staging_failed(&ours, e));
        self.replace(key, write).await
    }
}

fn write(
    draft: &mut Draft,
    missing: impl Iterator<Item = Missing>,
    failed: impl Fn(std::io::Error) -> InventoryError,
) -> Result<u64, InventoryError> {
    let mut out = std::io::BufWriter::with_capacity(64 << 10, encoder(draft).map_err(&failed)?);
    let (mut count, mut last) = (0, None);
    out.write_all(b"{").map_err(&failed)?;
    for told in missing {
        let (accession, ciks) = told.map_err(InventoryError::Told)?;
        assert!(
            last < Some(accession),
            "filings that are missing come in order"
        );
        let before = if count == 0 { "\n" } else { ",\n" };
        let ciks: Vec<String> = ciks.iter().map(|cik| format!("\"{cik}\"")).collect();
        let (name, ciks) = (accession.compact(), ciks.join(", "));
        write!(out, "{before}\"{name}\": [{ciks}]").map_err(&failed)?;
        (count, last) = (count + 1, Some(accession));
    }
    out.write_all(b"\n}\n").map_err(&failed)?;
    let encoder = out.into_inner().map_err(|e| failed(e.into_error()))?;
    encoder.finish().map_err(&failed)?;
    Ok(count)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::testing::Place;

    fn missing(numbers: &[u64]) -> impl Iterator<Item = Missing> + use<> {
        let told = |number: u64| {
            let ciks = (0..number % 3).map(|n| Cik::new(1_999_991 + n)).collect();
            Ok((Accession::from_number(number).unwrap(), ciks))
        };
        let numbers = numbers.to_vec();
        numbers.into_iter().map(told)
    }

    #[tokio::test]
    async fn what_is_missing_is_an_object_of_accessions_with_their_filers() {
        let place = Place::new();

        let written = place
            .store
            .write_missing(Kind::Sgml, missing(&[3, 4, 8]))
            .await
            .unwrap();

        assert_eq!((written.count, written.changed), (3, true));
        let key = "sec/filings/missing/missing_sgml_archive.json.zst";
        assert_eq!(written.key.as_str(), key);
        let expected = serde_json::json!({
            "000000000000000003": [],
            "000000000000000004": ["1999991"],
            "000000000000000008": ["1999991", "1999992"],
        });
        let text = place.text(key).await;
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).unwrap(),
            expected
        );
    }

    #[tokio::test]
    async fn nothing_missing_is_an_empty_object() {
        let place = Place::new();

        let first = place
            .store
            .write_missing(Kind::Xbrl, missing(&[]))
            .await
            .unwrap();
        let again = place
            .store
            .write_missing(Kind::Xbrl, missing(&[]))
            .await
            .unwrap();

        let text = place.text(first.key.as_str()).await;
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).unwrap(),
            serde_json::json!({})
        );
        assert_eq!((first.changed, again.changed), (true, false));
    }

    #[tokio::test]
    async fn who_cannot_tell_what_is_missing_leaves_the_object_as_it_is() {
        let place = Place::new();
        let before = place
            .store
            .write_missing(Kind::Tar, missing(&[3]))
            .await
            .unwrap();
        let text = place.text(before.key.as_str()).await;

        let told = missing(&[3]).chain([Err("the log cannot be read".into())]);
        let error = place
            .store
            .write_missing(Kind::Tar, told)
            .await
            .unwrap_err();

        assert!(matches!(error, InventoryError::Told(_)), "{error}");
        assert_eq!(place.text(before.key.as_str()).await, text);
    }
}
