//! `instant_{sgml,tar,xbrl}_archive.txt.zst`: what we archived and no daily run has taken over.
//!
//! Whoever lists the whole archive writes `inventory_*`, whoever runs daily writes `daily_*`;
//! both beside ours, in the same form. What they have is left out; without them all is listed.

use archive::staging::Draft;
use protocol::accession::Accession;

use crate::{
    error::InventoryError,
    inventory::{Reader, Without, Writer},
    store::{Body, Kind, Store, Written, staging_failed},
};

/// Whose inventories take filings over from ours.
const OTHERS: [&str; 2] = ["inventory", "daily"];

impl Store {
    /// Writes the instant inventory of a kind: `archived` without what others have. They come
    /// in the order of accessions, each once, and are taken on a thread that may block.
    ///
    /// # Errors
    /// [`InventoryError::Damaged`] when an inventory of others is no inventory: ours stays as
    /// it is then. Otherwise by role.
    ///
    /// # Panics
    /// When `archived` is not in order.
    pub async fn write_instant(
        &self,
        kind: Kind,
        archived: impl Iterator<Item = Accession> + Send + 'static,
    ) -> Result<Written, InventoryError> {
        let mut others = Vec::new();
        for run in OTHERS {
            let key = self.inventory(run, kind);
            if let Some(object) = self.find(&key).await? {
                others.push((key, object));
            }
        }
        let key = self.inventory("instant", kind);
        let ours = key.clone();
        let write = move |draft: &mut Draft| {
            let others = others
                .into_iter()
                .map(|(key, object)| Reader::<Body>::new(&key, object));
            let left = Without::new(archived, others.collect::<Result<_, _>>()?);
            write(draft, left, |e| staging_failed(&ours, e))
        };
        self.replace(key, write).await
    }
}

fn write(
    draft: &mut Draft,
    accessions: impl Iterator<Item = Result<Accession, InventoryError>>,
    failed: impl Fn(std::io::Error) -> InventoryError,
) -> Result<u64, InventoryError> {
    let mut inventory = Writer::new(draft).map_err(&failed)?;
    for accession in accessions {
        inventory.push(accession?).map_err(&failed)?;
    }
    let (_, count) = inventory.finish().map_err(&failed)?;
    Ok(count)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::testing::{Place, accessions};

    #[tokio::test]
    async fn without_other_inventories_all_is_listed() {
        let place = Place::new();

        let written = place
            .store
            .write_instant(Kind::Tar, accessions(&[1, 5, 9]))
            .await
            .unwrap();

        assert_eq!((written.count, written.changed), (3, true));
        let key = "sec/filings/inventory/instant_tar_archive.txt.zst";
        assert_eq!(written.key.as_str(), key);
        assert_eq!(
            place.text(key).await,
            "000000000000000001\n000000000000000005\n000000000000000009\n"
        );
    }

    #[tokio::test]
    async fn what_others_took_over_is_left_out() {
        let place = Place::new();
        place
            .put_inventory("inventory_sgml_archive", &[1, 2, 3])
            .await;
        place.put_inventory("daily_sgml_archive", &[5]).await;
        // Of another kind.
        place.put_inventory("daily_tar_archive", &[9]).await;

        let written = place
            .store
            .write_instant(Kind::Sgml, accessions(&[1, 5, 9]))
            .await
            .unwrap();

        assert_eq!(
            place.text(written.key.as_str()).await,
            "000000000000000009\n"
        );
    }

    #[tokio::test]
    async fn the_same_filings_leave_the_object_as_it_is() {
        let place = Place::new();
        let all = [1, 5, 9];
        place
            .store
            .write_instant(Kind::Xbrl, accessions(&all))
            .await
            .unwrap();

        let again = place
            .store
            .write_instant(Kind::Xbrl, accessions(&all))
            .await
            .unwrap();
        let fewer = place
            .store
            .write_instant(Kind::Xbrl, accessions(&all[1..]))
            .await
            .unwrap();

        assert_eq!((again.changed, fewer.changed), (false, true));
        assert_eq!(
            place.text(fewer.key.as_str()).await,
            "000000000000000005\n000000000000000009\n"
        );
    }

    #[tokio::test]
    async fn a_damaged_inventory_of_others_leaves_ours_as_it_is() {
        let place = Place::new();
        let before = place
            .store
            .write_instant(Kind::Sgml, accessions(&[1, 5]))
            .await
            .unwrap();
        place
            .put_text("daily_sgml_archive", "000000000000000001\n5\n")
            .await;

        let error = place
            .store
            .write_instant(Kind::Sgml, accessions(&[1, 5, 9]))
            .await
            .unwrap_err();

        assert!(
            matches!(error, InventoryError::Damaged { line: 2, .. }),
            "{error}"
        );
        assert_eq!(
            place.text(before.key.as_str()).await,
            "000000000000000001\n000000000000000005\n"
        );
    }
}
