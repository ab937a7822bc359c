//! The parcels that are not in the archive yet, and which goes next.
//!
//! The folder is the truth: at the start it is read back, so nothing that was downloaded is
//! downloaded again. What the log tells to be archived is removed.
//!
//! Elsewhere: a parcel and its folder (`parcel`), whether the archive takes any (`condition`).
//! Invariant: a parcel stays until the log tells that its submission is archived.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
    time::Instant,
};

use protocol::{
    accession::Accession,
    filing::Filing,
    seq::{Epoch, Seq},
};
use sec_client::retry::transient_delay;

use super::parcel::{self, Label, Name, Parcel, name_of};

/// All parcels that wait.
#[derive(Debug)]
pub(super) struct Parking {
    folder: PathBuf,
    parcels: BTreeMap<Name, Parked>,
    /// Those that nobody puts: fewest failures first, then the oldest.
    waiting: BTreeSet<(u32, Seq, Name)>,
    /// Those of versions fetched again.
    again: BTreeSet<(Seq, Name)>,
    bytes: u64,
}

/// One parcel.
#[derive(Debug)]
struct Parked {
    accession: Accession,
    after: Seq,
    /// Whether it is a version fetched again.
    again: bool,
    bytes: u64,
    /// How often it could not be put in this outage.
    failures: u32,
    failed_at: Option<Instant>,
    /// When the archive, which takes others, is offered it again.
    refused_until: Option<Instant>,
    /// Whether it is of an earlier process: a power cut may have damaged it.
    is_found: bool,
}

/// A parcel whose turn it is.
#[derive(Debug, Clone)]
pub(super) struct Turn {
    pub(super) name: Name,
    pub(super) is_found: bool,
}

impl Parking {
    /// Reads back what an earlier process has left, as far as it is whole and of this log.
    ///
    /// # Errors
    /// When the folder cannot be made or read.
    pub(super) fn open(folder: impl Into<PathBuf>, epoch: &Epoch) -> io::Result<Self> {
        let mut parking = Self {
            folder: folder.into(),
            parcels: BTreeMap::new(),
            waiting: BTreeSet::new(),
            again: BTreeSet::new(),
            bytes: 0,
        };
        for name in parcel::names(&parking.folder)? {
            match Parcel::open(&parking.folder, &name) {
                Ok(Parcel { label, .. })
                    if *label.name() == *name && label.after.epoch == *epoch =>
                {
                    parking.insert(&label, true);
                }
                Ok(_) => parcel::remove(&parking.folder.join(name))?,
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    tracing::debug!(parcel = name, %error, "not whole, removed");
                    parcel::remove(&parking.folder.join(name))?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(parking)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A parcel was parked.
    pub(super) fn add(&mut self, label: &Label) {
        self.insert(label, false);
    }

    fn insert(&mut self, label: &Label, is_found: bool) {
        let (name, after, bytes) = (label.name(), label.after.seq, label.bytes());
        self.waiting.insert((0, after, name.clone()));
        if label.again {
            self.again.insert((after, name.clone()));
        }
        self.bytes += bytes;
        let parked = Parked {
            accession: label.filing.accession,
            after,
            again: label.again,
            bytes,
            failures: 0,
            failed_at: None,
            refused_until: None,
            is_found,
        };
        self.parcels.insert(name, parked);
    }

    /// Whether the submission of the filing that was seen at `seq` is here.
    pub(super) fn holds(&self, accession: Accession, seq: Seq) -> bool {
        let parked = self.parcels.get(&*name_of(accession, None));
        parked.is_some_and(|parked| parked.after == seq)
    }

    /// Takes the parcel that goes next. While the archive is `up`, one that it refused has
    /// to wait for its time; else any may be the one that it takes again.
    pub(super) fn take(&mut self, is_up: bool, now: Instant) -> Option<Turn> {
        let is_due = |name: &Name| {
            self.parcels[name]
                .refused_until
                .is_none_or(|until| until <= now)
        };
        let next = self
            .waiting
            .iter()
            .find(|(_, _, name)| !is_up || is_due(name))
            .cloned()?;
        self.waiting.remove(&next);
        let name = next.2;
        let is_found = self.parcels[&name].is_found;
        Some(Turn { name, is_found })
    }

    /// The archive did not take it. Tells whether that is its own fault: it failed before,
    /// and the archive has taken another since, at `worked`.
    pub(super) fn failed(&mut self, name: &Name, worked: Option<Instant>, now: Instant) -> bool {
        let failed_at = self.parcels.get(name).and_then(|parked| parked.failed_at);
        let is_refused =
            failed_at.is_some_and(|failed| worked.is_some_and(|worked| worked > failed));
        if is_refused {
            self.put_off(name, now);
        } else {
            self.wait(name, None, now);
        }
        is_refused
    }

    /// Whether the archive, which takes others, did not take this one when it was last tried.
    pub(super) fn is_refused(&self, name: &Name) -> bool {
        let parked = self.parcels.get(name);
        parked.is_some_and(|parked| parked.refused_until.is_some())
    }

    /// It could not be put, through no fault of the archive.
    pub(super) fn put_off(&mut self, name: &Name, now: Instant) {
        let Some(parked) = self.parcels.get(name) else {
            return;
        };
        let until = now + transient_delay(parked.failures, parked.after.get());
        self.wait(name, Some(until), now);
    }

    fn wait(&mut self, name: &Name, refused_until: Option<Instant>, now: Instant) {
        let Some(parked) = self.parcels.get_mut(name) else {
            return;
        };
        parked.failures += 1;
        parked.failed_at = Some(now);
        parked.refused_until = refused_until;
        self.waiting
            .insert((parked.failures, parked.after, name.clone()));
    }

    /// The archive takes parcels again: the oldest first, whichever were tried.
    pub(super) fn forgive(&mut self) {
        for (name, parked) in &mut self.parcels {
            let place = (parked.failures, parked.after, name.clone());
            if parked.refused_until.is_none() && self.waiting.remove(&place) {
                parked.failures = 0;
                self.waiting.insert((0, place.1, place.2));
            }
        }
    }

    /// The log tells that this filing is archived: its parcels are not needed any more.
    ///
    /// # Errors
    /// Whatever the disk says.
    pub(super) fn archived(&mut self, filing: &Filing) -> io::Result<()> {
        self.remove(&name_of(filing.accession, None))?;
        let sgml = filing.objects.sgml.as_ref();
        match sgml.and_then(|sgml| sgml.original_sha256.as_deref()) {
            Some(sha256) if !self.again.is_empty() => {
                self.remove(&name_of(filing.accession, Some(sha256)))
            }
            _ => Ok(()),
        }
    }

    /// Removes a parcel; what is not there is fine.
    ///
    /// # Errors
    /// Whatever the disk says.
    pub(super) fn remove(&mut self, name: &Name) -> io::Result<()> {
        let Some(parked) = self.parcels.remove(name) else {
            return Ok(());
        };
        self.waiting
            .remove(&(parked.failures, parked.after, name.clone()));
        self.again.remove(&(parked.after, name.clone()));
        self.bytes -= parked.bytes;
        parcel::remove(&self.folder.join(&**name))
    }

    /// Removes what the log does not wait for: those of versions fetched again that an event
    /// up to `watermark` told, and of the others all but those that are `wanted`.
    ///
    /// # Errors
    /// Whatever the disk says.
    pub(super) fn sort_out(
        &mut self,
        watermark: Seq,
        wanted: impl Fn(Accession, Seq) -> bool,
    ) -> io::Result<()> {
        let is_over = |(_, parked): &(&Name, &Parked)| match parked.again {
            true => parked.after < watermark,
            false => !wanted(parked.accession, parked.after),
        };
        let over: Vec<Name> = self
            .parcels
            .iter()
            .filter(is_over)
            .map(|(name, _)| name.clone())
            .collect();
        over.iter().try_for_each(|name| self.remove(name))
    }

    /// Where the log has to be read from again, so that the event of every version fetched
    /// again is met.
    pub(super) fn holds_back(&self) -> Option<Seq> {
        self.again.first().map(|(after, _)| *after)
    }

    /// The seq of its `filing.seen`; `None` of a version fetched again.
    pub(super) fn seen(&self, name: &Name) -> Option<Seq> {
        let parked = self.parcels.get(name)?;
        (!parked.again).then_some(parked.after)
    }

    /// Whether there is one that nobody puts.
    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// When a refused parcel is to be offered again.
    pub(super) fn wakes_at(&self) -> Option<Instant> {
        let failed = self
            .waiting
            .iter()
            .rev()
            .take_while(|(failures, _, _)| *failures > 0);
        failed
            .filter_map(|(_, _, name)| self.parcels[name].refused_until)
            .min()
    }

    /// How many parcels there are.
    pub(super) fn len(&self) -> usize {
        self.parcels.len()
    }

    /// Bytes of all parcels.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::time::Duration;

    use archive::staging::Staging;

    use super::*;
    use crate::fetch::parcel::tests::parcel;

    struct Yard {
        dir: tempfile::TempDir,
        staging: Staging,
        parking: Parking,
    }

    fn epoch() -> Epoch {
        "k7q2".parse().unwrap()
    }

    fn open(dir: &Path) -> Parking {
        Parking::open(dir.join("parked"), &epoch()).unwrap()
    }

    /// A parking place with a parcel for each serial.
    fn yard(serials: &[u32]) -> Yard {
        let dir = tempfile::tempdir().unwrap();
        let staging = Staging::open(dir.path().join("staging")).unwrap();
        let parking = open(dir.path());
        let mut yard = Yard {
            dir,
            staging,
            parking,
        };
        for serial in serials {
            yard.park(*serial, false);
        }
        yard
    }

    impl Yard {
        fn park(&mut self, serial: u32, again: bool) -> Label {
            let label = parcel(&self.staging, serial, again)
                .park(self.parking.folder())
                .unwrap();
            self.parking.add(&label);
            label
        }

        fn folders(&self) -> usize {
            std::fs::read_dir(self.parking.folder()).unwrap().count()
        }
    }

    /// The serials of all that wait, in their order.
    fn order(parking: &mut Parking, now: Instant) -> Vec<u64> {
        let next = |parking: &mut Parking| parking.take(true, now).map(|turn| turn.name);
        std::iter::from_fn(|| next(parking).map(|name| parking.parcels[&name].after.get()))
            .collect()
    }

    #[test]
    fn the_oldest_goes_first_and_what_is_not_put_stays() {
        let mut yard = yard(&[7, 3, 5]);

        assert_eq!(order(&mut yard.parking, Instant::now()), [3, 5, 7]);

        assert_eq!(
            (yard.parking.len(), yard.parking.bytes(), yard.folders()),
            (3, 57, 3)
        );
    }

    #[test]
    fn after_a_restart_all_parcels_are_there_and_none_of_another_log() {
        let yard = yard(&[7, 3]);
        let damaged = yard.parking.folder().join("0001999999-26-000007/sgml");
        std::fs::write(damaged, "").unwrap();

        let parking = open(yard.dir.path());
        assert!(parking.holds("0001999999-26-000003".parse().unwrap(), Seq::new(3)));
        assert!(!parking.holds("0001999999-26-000003".parse().unwrap(), Seq::new(4)));
        assert_eq!((parking.len(), parking.bytes(), yard.folders()), (1, 19, 1));

        let other = Parking::open(yard.parking.folder(), &"zzzz".parse().unwrap()).unwrap();
        assert_eq!((other.len(), yard.folders()), (0, 0));
    }

    #[test]
    fn what_the_log_tells_to_be_archived_is_removed_and_another_version_is_not() {
        let mut yard = yard(&[3]);
        let first = yard.park(4, false);
        let again = yard.park(4, true);
        let mut other = again.filing.clone();
        other.objects.sgml.as_mut().unwrap().original_sha256 = Some("cd".repeat(32));

        yard.parking.archived(&other).unwrap();
        assert!(!yard.parking.parcels.contains_key(&first.name()));
        assert_eq!(yard.parking.holds_back(), Some(Seq::new(4)));

        yard.parking.archived(&again.filing).unwrap();
        assert_eq!(
            (
                yard.parking.holds_back(),
                yard.parking.len(),
                yard.folders()
            ),
            (None, 1, 1)
        );
    }

    #[test]
    fn what_the_log_does_not_wait_for_is_sorted_out() {
        let mut yard = yard(&[3, 4]);
        yard.park(5, true);
        yard.park(6, true);

        yard.parking
            .sort_out(Seq::new(6), |_, seq| seq == Seq::new(4))
            .unwrap();

        assert_eq!(order(&mut yard.parking, Instant::now()), [4, 6]);
        assert_eq!(yard.folders(), 2);
    }

    #[test]
    fn in_an_outage_another_is_tried_each_time_and_then_the_oldest_goes_first() {
        let now = Instant::now();
        let mut yard = yard(&[1, 2, 3]);
        let mut tried = Vec::new();

        for _ in 0..4 {
            let turn = yard.parking.take(false, now).unwrap();
            assert!(!yard.parking.failed(&turn.name, None, now));
            tried.push(yard.parking.parcels[&turn.name].after.get());
        }
        yard.parking.forgive();

        assert_eq!(tried, [1, 2, 3, 1]);
        assert_eq!(order(&mut yard.parking, now), [1, 2, 3]);
    }

    #[test]
    fn what_waits_and_what_was_seen_is_told_of_each() {
        let now = Instant::now();
        let mut yard = yard(&[3]);
        let again = yard.park(4, true).name();
        let first = yard.parking.take(true, now).unwrap();
        assert!(!first.is_found, "it is of this life");
        assert_eq!(yard.parking.seen(&first.name), Some(Seq::new(3)));
        assert_eq!(yard.parking.seen(&again), None);
        assert!(yard.parking.has_waiting());

        yard.parking.take(true, now).unwrap();
        assert!(!yard.parking.has_waiting());
        assert_eq!(yard.parking.wakes_at(), None);
        yard.parking.put_off(&first.name, now);

        assert!(yard.parking.is_refused(&first.name) && !yard.parking.is_refused(&again));
        assert!(yard.parking.wakes_at().unwrap() > now);
        assert!(open(yard.dir.path()).take(true, now).unwrap().is_found);
    }

    #[test]
    fn the_soonest_of_those_refused_is_offered_first() {
        let now = Instant::now();
        let mut yard = yard(&[1, 2]);
        let [one, two] = [1, 2].map(|_| yard.parking.take(true, now).unwrap().name);
        yard.parking.put_off(&one, now);
        let first = yard.parking.wakes_at();
        yard.parking.put_off(&two, now + Duration::from_secs(60));

        assert_eq!(yard.parking.wakes_at(), first);
    }

    #[test]
    fn a_parcel_that_the_disk_does_not_give_stays_and_is_an_error() {
        let yard = yard(&[3]);
        let object = yard.parking.folder().join("0001999999-26-000003/sgml");
        std::fs::remove_file(&object).unwrap();
        std::os::unix::fs::symlink(&object, &object).unwrap();

        assert!(Parking::open(yard.parking.folder(), &epoch()).is_err());

        assert_eq!(yard.folders(), 1);
    }

    #[test]
    fn what_the_archive_took_at_the_moment_of_a_failure_is_no_proof_against_a_parcel() {
        let now = Instant::now();
        let mut yard = yard(&[1]);
        let name = yard.parking.take(true, now).unwrap().name;
        yard.parking.failed(&name, None, now);

        assert!(!yard.parking.failed(&name, Some(now), now));
    }

    #[test]
    fn the_room_of_a_parcel_that_is_removed_is_free() {
        let mut yard = yard(&[3, 4]);
        let name = name_of("0001999999-26-000003".parse().unwrap(), None);

        yard.parking.remove(&name).unwrap();
        yard.parking.remove(&name).unwrap();

        assert_eq!((yard.parking.len(), yard.parking.bytes()), (1, 19));
    }

    #[test]
    fn each_refusal_makes_the_wait_longer() {
        let now = Instant::now();
        let mut yard = yard(&[1]);
        let mut waits = Vec::new();

        for _ in 0..8 {
            let name = yard.parking.take(false, now).unwrap().name;
            yard.parking.put_off(&name, now);
            waits.push(yard.parking.wakes_at().unwrap() - now);
        }

        assert!(waits[7] > 10 * waits[0], "{waits:?}");
    }

    #[test]
    fn a_parcel_that_alone_is_not_taken_waits_and_stops_no_other() {
        let now = Instant::now();
        let mut yard = yard(&[1, 2]);
        let first = yard.parking.take(true, now).unwrap().name;
        assert!(!yard.parking.failed(&first, None, now));
        let worked = now + Duration::from_secs(1);
        yard.parking.forgive();

        let first = yard.parking.take(true, worked).unwrap().name;
        assert!(yard.parking.failed(&first, Some(worked), worked));
        yard.parking.forgive();

        let until = yard.parking.wakes_at().unwrap();
        assert!(until > worked);
        assert_eq!(order(&mut yard.parking, worked), [2]);
        assert_eq!(order(&mut yard.parking, until), [1]);
    }
}
