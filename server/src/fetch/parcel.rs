//! A submission with all that is made of it, on our disk until the archive has it.
//!
//! A parcel is a folder: the objects and a label. It is packed under another name and gets
//! its own in one rename, so that a kill leaves a whole one or none. It survives a power cut
//! once it is made durable, which is done when the archive does not take it at once; what a
//! power cut left of one that was not is told by its lengths and checksums.
//!
//! Elsewhere: which parcels there are (`parking`), putting one (`store`).
//! Invariant: what reads back as a parcel is what was packed.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use archive::staging::Staged;
use protocol::{
    accession::Accession,
    filing::{Filing, StoredObject},
    seq::Cursor,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The name of a parcel's folder: the accession, and for a version fetched again the
/// beginning of its checksum.
pub(super) type Name = Arc<str>;

/// How the folder of a parcel that is being packed begins.
const UNFINISHED: &str = "unfinished-";
/// The label's file.
const LABEL: &str = "filing.json";

/// What is known of the submission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Label {
    /// The event it is waiting for, `filing.archived`, comes after this one: the filing's
    /// `filing.seen`, or the tip when it was fetched again.
    pub(super) after: Cursor,
    /// Whether it is another version of a filing that is archived.
    pub(super) again: bool,
    /// SHA-256 of the submission.
    pub(super) original_sha256: String,
    /// The filing as its header tells it, with the objects that are made.
    pub(super) filing: Filing,
}

/// One submission, ready to be put.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) label: Label,
    /// Its exact bytes, compressed.
    pub(super) sgml: Staged,
    pub(super) tar: Option<Staged>,
    pub(super) xbrl: Option<Staged>,
}

impl Label {
    pub(super) fn name(&self) -> Name {
        name_of(
            self.filing.accession,
            self.again.then_some(&*self.original_sha256),
        )
    }
}

/// What a parcel is called: of a version fetched again its checksum is part.
pub(super) fn name_of(accession: Accession, again: Option<&str>) -> Name {
    match again {
        None => accession.to_string().into(),
        Some(sha256) => format!("{accession}.{:.12}", sha256).into(),
    }
}

impl Parcel {
    /// Puts it into the parking place, as a whole or not at all.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub(super) fn park(self, parking: &Path) -> io::Result<Label> {
        let name = self.label.name();
        let (unfinished, folder) = (
            parking.join(format!("{UNFINISHED}{name}")),
            parking.join(&*name),
        );
        remove(&unfinished)?;
        fs::create_dir(&unfinished)?;
        self.sgml.keep(unfinished.join("sgml"))?;
        for (object, file) in [(self.tar, "tar"), (self.xbrl, "xbrl")] {
            if let Some(object) = object {
                object.keep(unfinished.join(file))?;
            }
        }
        fs::write(unfinished.join(LABEL), serde_json::to_vec(&self.label)?)?;
        crashpoint::pass("parking.labelled");
        remove(&folder)?;
        fs::rename(&unfinished, &folder)?;
        crashpoint::pass("parking.parked");
        Ok(self.label)
    }

    /// Reads it back.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] when it is not whole; whatever the disk says.
    pub(super) fn open(parking: &Path, name: &str) -> io::Result<Self> {
        let folder = parking.join(name);
        let label = match fs::read(folder.join(LABEL)) {
            Ok(label) => label,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(damaged("no label"));
            }
            Err(error) => return Err(error),
        };
        let label: Label = serde_json::from_slice(&label).map_err(damaged)?;
        let objects = &label.filing.objects;
        let kept = |object: &Option<StoredObject>, file| {
            object
                .as_ref()
                .map(|object| kept(folder.join(file), object))
                .transpose()
        };
        let sgml = kept(&objects.sgml, "sgml")?.ok_or_else(|| damaged("no submission"))?;
        let (tar, xbrl) = (kept(&objects.tar, "tar")?, kept(&objects.xbrl, "xbrl")?);
        Ok(Self {
            label,
            sgml,
            tar,
            xbrl,
        })
    }

    /// Looks at every byte.
    ///
    /// # Errors
    /// As [`Parcel::open`].
    pub(super) fn check(&self) -> io::Result<()> {
        for object in self.objects() {
            if sha256(object.path())? != object.sha256() {
                return Err(damaged(format!(
                    "{} is not what was written",
                    object.path().display()
                )));
            }
        }
        Ok(())
    }

    fn objects(&self) -> impl Iterator<Item = &Staged> {
        [Some(&self.sgml), self.tar.as_ref(), self.xbrl.as_ref()]
            .into_iter()
            .flatten()
    }
}

impl Label {
    /// Bytes it takes on the disk.
    pub(super) fn bytes(&self) -> u64 {
        let objects = &self.filing.objects;
        let objects = [&objects.sgml, &objects.tar, &objects.xbrl];
        objects
            .into_iter()
            .flatten()
            .map(|object| object.bytes)
            .sum()
    }
}

/// Makes the parcel survive a power cut; its objects do since they were made.
///
/// # Errors
/// Whatever the disk says.
pub(super) fn make_durable(parking: &Path, name: &str) -> io::Result<()> {
    let folder = parking.join(name);
    for path in [&*folder.join(LABEL), &folder, parking] {
        File::open(path)?.sync_all()?;
    }
    Ok(())
}

/// Makes the parcel survive a power cut; where the disk does not let it, there is none.
///
/// # Errors
/// Whatever the disk says.
pub(super) fn make_durable_or_remove(parking: &Path, name: &str) -> io::Result<()> {
    let durable = make_durable(parking, name);
    if durable.is_err() {
        remove(&parking.join(name))?;
    }
    durable
}

/// Removes a parcel, its label first: what is left of it then is none.
///
/// # Errors
/// Whatever the disk says, but for what is not there.
pub(super) fn remove(folder: &Path) -> io::Result<()> {
    let unless_absent = |result: io::Result<()>| match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    unless_absent(fs::remove_file(folder.join(LABEL)))?;
    crashpoint::pass("parking.unlabelled");
    unless_absent(fs::remove_dir_all(folder))
}

/// The names of the parcels in a parking place; what is left of others is removed.
///
/// # Errors
/// Whatever the disk says.
pub(super) fn names(parking: &Path) -> io::Result<Vec<String>> {
    fs::create_dir_all(parking)?;
    let mut names = Vec::new();
    for entry in fs::read_dir(parking)? {
        let entry = entry?;
        let name = entry.file_name().into_string();
        match name {
            _ if !entry.file_type()?.is_dir() => {}
            Ok(name) if !name.starts_with(UNFINISHED) => names.push(name),
            _ => remove(&entry.path())?,
        }
    }
    Ok(names)
}

fn kept(path: PathBuf, object: &StoredObject) -> io::Result<Staged> {
    let length = fs::metadata(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => damaged(format!("{} is missing", path.display())),
        _ => error,
    })?;
    if length.len() != object.bytes {
        return Err(damaged(format!(
            "{} has {} bytes, not {}",
            path.display(),
            length.len(),
            object.bytes
        )));
    }
    Ok(Staged::kept(path, object.bytes, &*object.sha256))
}

fn sha256(path: &Path) -> io::Result<String> {
    let (mut file, mut hash) = (File::open(path)?, Sha256::new());
    let mut piece = vec![0; 128 * 1024];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hex::encode(hash.finalize())),
            length => hash.update(&piece[..length]),
        }
    }
}

fn damaged(what: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
pub(super) mod tests {
    use std::io::Write;

    use archive::staging::Staging;
    use protocol::{filing::Source, seq::Seq};

    use super::*;
    use crate::fetch::store::Store;

    /// A parcel of two objects; that of a filing with this serial, seen at that seq.
    pub(in crate::fetch) fn parcel(staging: &Staging, serial: u32, again: bool) -> Parcel {
        let staged = |bytes: &[u8]| {
            let mut draft = staging.draft().unwrap();
            draft.write_all(bytes).unwrap();
            draft.finish().unwrap()
        };
        let accession = format!("0001999999-26-{serial:06}").parse().unwrap();
        let seen_at = "2026-03-03T21:00:00Z".parse().unwrap();
        let mut filing = Filing::new(accession, "8-K".parse().unwrap(), Source::Atom, seen_at);
        let (sgml, tar) = (staged(b"submission"), staged(b"documents"));
        let original_sha256 = "ab".repeat(32);
        let store = Store::in_memory();
        filing.objects =
            store.planned(accession, &original_sha256, [Some(&sgml), Some(&tar), None]);
        let label = Label {
            after: "k7q2"
                .parse::<protocol::seq::Epoch>()
                .unwrap()
                .at(Seq::new(serial.into())),
            again,
            original_sha256,
            filing,
        };
        Parcel {
            label,
            sgml,
            tar: Some(tar),
            xbrl: None,
        }
    }

    fn parked() -> (tempfile::TempDir, PathBuf, Label) {
        let dir = tempfile::tempdir().unwrap();
        let staging = Staging::open(dir.path().join("staging")).unwrap();
        let parking = dir.path().join("parked");
        fs::create_dir(&parking).unwrap();
        let label = parcel(&staging, 42, false).park(&parking).unwrap();
        (dir, parking, label)
    }

    fn is_damaged(result: io::Result<impl Sized>) -> bool {
        result.is_err_and(|error| error.kind() == io::ErrorKind::InvalidData)
    }

    #[test]
    fn a_parcel_reads_back_as_it_was_packed() {
        let (dir, parking, label) = parked();
        make_durable(&parking, &label.name()).unwrap();

        let parcel = Parcel::open(&parking, &label.name()).unwrap();

        parcel.check().unwrap();
        assert_eq!(parcel.label, label);
        assert_eq!(fs::read(parcel.tar.unwrap().path()).unwrap(), b"documents");
        assert!(parcel.xbrl.is_none());
        assert_eq!(label.bytes(), 19);
        assert_eq!(fs::read_dir(dir.path().join("staging")).unwrap().count(), 0);
    }

    #[test]
    fn what_a_power_cut_leaves_of_a_parcel_is_told() {
        type Damage = (&'static str, fn(&Path));
        let damages: [Damage; 4] = [
            ("no label", |folder| {
                fs::remove_file(folder.join(LABEL)).unwrap()
            }),
            ("empty label", |folder| {
                fs::write(folder.join(LABEL), "").unwrap()
            }),
            ("no object", |folder| {
                fs::remove_file(folder.join("tar")).unwrap()
            }),
            ("short object", |folder| {
                fs::write(folder.join("sgml"), "sub").unwrap()
            }),
        ];
        for (what, damage) in damages {
            let (_dir, parking, label) = parked();

            damage(&parking.join(&*label.name()));

            assert!(is_damaged(Parcel::open(&parking, &label.name())), "{what}");
        }
    }

    #[test]
    fn other_bytes_of_the_same_length_are_found() {
        let (_dir, parking, label) = parked();
        fs::write(parking.join(&*label.name()).join("sgml"), "subMission").unwrap();

        let parcel = Parcel::open(&parking, &label.name()).unwrap();

        assert!(is_damaged(parcel.check()));
    }

    #[test]
    fn what_the_disk_does_not_give_is_its_failure_and_no_damage() {
        let (_dir, parking, label) = parked();
        let folder = parking.join(&*label.name());
        fs::remove_file(folder.join(LABEL)).unwrap();
        fs::create_dir(folder.join(LABEL)).unwrap();

        let opened = Parcel::open(&parking, &label.name());

        assert!(opened.is_err_and(|error| error.kind() != io::ErrorKind::InvalidData));
        assert!(remove(&folder).is_err() && folder.exists());
        assert!(make_durable(&parking, "nothing").is_err());
        remove(&parking.join("nothing")).unwrap();
    }

    #[test]
    fn a_parcel_that_cannot_be_made_durable_is_not_left() {
        let (_dir, parking, label) = parked();
        let folder = parking.join(&*label.name());
        make_durable_or_remove(&parking, &label.name()).unwrap();
        assert!(folder.exists());
        fs::remove_file(folder.join(LABEL)).unwrap();

        make_durable_or_remove(&parking, &label.name()).unwrap_err();

        assert!(!folder.exists());
    }

    #[test]
    fn what_was_being_packed_at_a_kill_is_no_parcel() {
        let (_dir, parking, label) = parked();
        let unfinished = parking.join(format!("{UNFINISHED}0001999999-26-000043"));
        fs::rename(parking.join(&*label.name()), &unfinished).unwrap();
        fs::write(parking.join("note"), "not ours").unwrap();

        assert_eq!(names(&parking).unwrap(), [""; 0]);

        assert!(!unfinished.exists() && parking.join("note").exists());
    }

    #[test]
    fn a_version_fetched_again_has_a_name_of_its_own() {
        let (first, again) = (
            parked().2,
            Label {
                again: true,
                ..parked().2
            },
        );

        assert_eq!(&*first.name(), "0001999999-26-000042");
        assert_eq!(&*again.name(), "0001999999-26-000042.abababababab");
    }
}
