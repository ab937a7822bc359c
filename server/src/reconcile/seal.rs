//! What a seal vouches for: the filings that an index lists, as `days/D.txt` in the data
//! directory has them.
//!
//! The file holds exactly the bytes whose SHA-256 the seal tells: the sorted dashed
//! accession numbers, each with a newline. It is written as a draft before the seal is
//! appended and gets its name after, so the file of a sealed day exists however the
//! program ends: [`Days::settle`] finishes at the next start what was begun.
//!
//! Invariant: a file without the extension `draft` is that of a sealed day.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use protocol::{accession::Accession, filing::Filing, time::Date};
use sha2::{Digest, Sha256};

use crate::durable;

/// The filings of a day, each once, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Roll(BTreeSet<Accession>);

impl Roll {
    /// The exact bytes that are hashed.
    pub(crate) fn text(&self) -> String {
        // All have ten digits in front, so their order as numbers is that of their texts.
        self.0
            .iter()
            .map(|accession| format!("{accession}\n"))
            .collect()
    }

    /// SHA-256 of [`Roll::text`], 64 hexadecimal digits.
    pub(crate) fn sha256(&self) -> String {
        hex::encode(Sha256::digest(self.text()))
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The filings in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Accession> {
        self.0.iter().copied()
    }

    /// Whether a filing is among them.
    pub(crate) fn contains(&self, accession: Accession) -> bool {
        self.0.contains(&accession)
    }
}

impl FromIterator<Accession> for Roll {
    fn from_iter<I: IntoIterator<Item = Accession>>(accessions: I) -> Self {
        Self(accessions.into_iter().collect())
    }
}

/// The folder of the sealed days' files.
#[derive(Debug, Clone)]
pub(crate) struct Days {
    folder: PathBuf,
}

impl Days {
    /// Opens the folder below the data directory, making it when it is missing.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn open(data_dir: &Path) -> io::Result<Self> {
        let folder = data_dir.join("days");
        fs::create_dir_all(&folder)?;
        fs::File::open(data_dir)?.sync_all()?;
        Ok(Self { folder })
    }

    /// Finishes what an earlier process began: the draft of a sealed day is its file, any
    /// other is nothing.
    ///
    /// # Errors
    /// When the disk fails.
    pub(crate) fn settle(&self, sealed: &BTreeSet<Date>) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let Some(draft) = path.to_str().and_then(|path| path.strip_suffix(".draft")) else {
                continue;
            };
            let begun = |day: &Date| sealed.contains(day) && !self.path(*day).exists();
            match day_of(Path::new(draft)).filter(begun) {
                Some(day) => self.publish(day)?,
                None => fs::remove_file(&path)?,
            }
        }
        Ok(())
    }

    /// Keeps the roll of a day that is about to be sealed.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub(crate) fn draft(&self, day: Date, roll: &Roll) -> io::Result<()> {
        durable::replace(&self.path_of_draft(day), roll.text().as_bytes())
    }

    /// Gives the draft of a day that is sealed its name.
    ///
    /// # Errors
    /// When the disk fails.
    pub(crate) fn publish(&self, day: Date) -> io::Result<()> {
        durable::rename(&self.path_of_draft(day), &self.path(day))
    }

    /// Forgets the draft of a day that turned out to be sealed.
    ///
    /// # Errors
    /// When the disk fails.
    pub(crate) fn discard(&self, day: Date) -> io::Result<()> {
        fs::remove_file(self.path_of_draft(day))
    }

    /// The roll of a sealed day; `None` when its file is missing.
    ///
    /// # Errors
    /// When it does not read or is not a roll.
    pub(crate) fn read(&self, day: Date) -> io::Result<Option<Roll>> {
        read(&self.path(day))
    }

    /// Keeps what the index of a sealed day lists besides its roll.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub(crate) fn keep_late(&self, day: Date, late: &Roll) -> io::Result<()> {
        durable::replace(&self.path_of_late(day), late.text().as_bytes())
    }

    /// All that the index of a sealed day lists, as far as it was read.
    ///
    /// # Errors
    /// As [`Days::read`].
    pub(crate) fn listed(&self, day: Date) -> io::Result<Roll> {
        let mut listed = self.read(day)?.unwrap_or_default();
        let late = read(&self.path_of_late(day))?.unwrap_or_default();
        listed.0.extend(late.0);
        Ok(listed)
    }

    /// Those of `filings` that a sealed day before `day` lists.
    ///
    /// # Errors
    /// As [`Days::read`].
    pub(crate) fn listed_before(&self, day: Date, filings: &[Filing]) -> io::Result<Roll> {
        let mut found = Roll::default();
        // No index lists a filing before it was filed.
        let since = filings
            .iter()
            .filter_map(|f| f.filed_on)
            .min()
            .unwrap_or(day);
        for entry in fs::read_dir(&self.folder)? {
            let earlier = day_of(&entry?.path()).filter(|on| (since..day).contains(on));
            let roll = earlier.map(|earlier| self.read(earlier)).transpose()?;
            let roll = roll.flatten().unwrap_or_default();
            let listed = filings.iter().map(|filing| filing.accession);
            found
                .0
                .extend(listed.filter(|accession| roll.contains(*accession)));
        }
        Ok(found)
    }

    fn path(&self, day: Date) -> PathBuf {
        self.folder.join(format!("{day}.txt"))
    }

    fn path_of_late(&self, day: Date) -> PathBuf {
        self.folder.join(format!("{day}.late"))
    }

    fn path_of_draft(&self, day: Date) -> PathBuf {
        self.folder.join(format!("{day}.txt.draft"))
    }
}

fn read(path: &Path) -> io::Result<Option<Roll>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let accessions: Result<Roll, _> = text.lines().map(str::parse::<Accession>).collect();
    accessions.map(Some).map_err(|error| {
        let message = format!("{}: {error}", path.display());
        io::Error::new(ErrorKind::InvalidData, message)
    })
}

fn day_of(path: &Path) -> Option<Date> {
    path.file_name()?
        .to_str()?
        .strip_suffix(".txt")?
        .parse()
        .ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use jiff::civil::date;
    use rand::{Rng, SeedableRng, rngs::StdRng};

    use super::*;

    fn roll(accessions: &[&str]) -> Roll {
        accessions
            .iter()
            .map(|text| text.parse().unwrap())
            .collect()
    }

    #[test]
    fn a_roll_is_hashed_as_its_file_reads() {
        let roll = roll(&[
            "0002000000-26-000001",
            "0001999999-26-000042",
            "0002000000-26-000001",
        ]);

        assert_eq!(roll.text(), "0001999999-26-000042\n0002000000-26-000001\n");
        // printf '0001999999-26-000042\n0002000000-26-000001\n' | sha256sum
        assert_eq!(
            roll.sha256(),
            "6b067fcae2ffa8e96dcfcc7dd375b7d2eb76aed0ff19ef0021bd68a8df654e2e"
        );
    }

    #[test]
    fn a_draft_becomes_the_file_of_a_sealed_day_at_the_next_start_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let days = Days::open(dir.path()).unwrap();
        let (sealed, open) = (date(2026, 3, 3), date(2026, 3, 4));
        let roll = roll(&["0001999999-26-000042"]);
        days.draft(sealed, &roll).unwrap();
        days.draft(open, &roll).unwrap();
        assert_eq!(days.read(sealed).unwrap(), None);

        days.settle(&[sealed].into()).unwrap();

        assert_eq!(days.read(sealed).unwrap(), Some(roll));
        let names = fs::read_dir(dir.path().join("days")).unwrap();
        let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["2026-03-03.txt"]);
    }

    #[test]
    fn a_draft_that_is_discarded_is_nobodys_file() {
        let dir = tempfile::tempdir().unwrap();
        let days = Days::open(dir.path()).unwrap();
        let day = date(2026, 3, 3);
        days.draft(day, &roll(&["0001999999-26-000042"])).unwrap();

        days.discard(day).unwrap();
        days.settle(&[day].into()).unwrap();

        assert_eq!(days.read(day).unwrap(), None);
        assert!(days.discard(day).is_err(), "there is none any more");
    }

    #[test]
    fn what_earlier_days_list_is_found_from_the_day_of_filing_on() {
        let dir = tempfile::tempdir().unwrap();
        let days = Days::open(dir.path()).unwrap();
        let [one, two, three, four] =
            [1, 2, 3, 4].map(|serial| format!("0001999999-26-{serial:06}"));
        for (day, listed) in [(2, &one), (3, &two), (4, &three)] {
            let day = date(2026, 3, day);
            days.draft(day, &roll(&[listed])).unwrap();
            days.publish(day).unwrap();
        }
        let asked = |accession: &String, filed: i8| {
            let seen_at = "2026-03-04T21:00:00Z".parse().unwrap();
            let form = "8-K".parse().unwrap();
            let source = protocol::filing::Source::DailyIndex;
            let mut filing = Filing::new(accession.parse().unwrap(), form, source, seen_at);
            filing.filed_on = Some(date(2026, 3, filed));
            filing
        };

        let all = [
            asked(&one, 3),
            asked(&two, 3),
            asked(&three, 3),
            asked(&four, 3),
        ];
        let found = days.listed_before(date(2026, 3, 4), &all).unwrap();

        assert_eq!(
            found,
            roll(&[&two]),
            "neither before it was filed nor on the day itself"
        );
        assert!(found.contains(two.parse().unwrap()) && !found.contains(one.parse().unwrap()));
        let earlier = days.listed_before(date(2026, 3, 5), &[asked(&one, 2), asked(&three, 4)]);
        assert_eq!(earlier.unwrap().iter().count(), 2);
    }

    #[test]
    fn a_day_lists_its_roll_and_what_surfaced_later() {
        let dir = tempfile::tempdir().unwrap();
        let days = Days::open(dir.path()).unwrap();
        let (day, both) = (
            date(2026, 3, 3),
            ["0001999999-26-000001", "0001999999-26-000002"],
        );
        days.draft(day, &roll(&both[..1])).unwrap();
        days.publish(day).unwrap();
        assert_eq!(days.listed(day).unwrap(), roll(&both[..1]));

        days.keep_late(day, &roll(&both[1..])).unwrap();

        assert_eq!(days.listed(day).unwrap(), roll(&both));
        assert_eq!(days.read(day).unwrap(), Some(roll(&both[..1])));
    }

    #[test]
    fn a_file_that_is_no_roll_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let days = Days::open(dir.path()).unwrap();
        fs::write(dir.path().join("days/2026-03-03.txt"), "nonsense\n").unwrap();

        let error = days.read(date(2026, 3, 3)).unwrap_err();

        assert!(error.to_string().contains("2026-03-03.txt"), "{error}");
        fs::create_dir(dir.path().join("days/2026-03-04.txt")).unwrap();
        assert!(days.read(date(2026, 3, 4)).is_err(), "it is there");
    }

    #[test]
    fn the_order_of_a_roll_is_that_of_sorted_texts() {
        let mut chance = StdRng::seed_from_u64(1);
        let numbers: Vec<u64> = (0..1000)
            .map(|_| chance.random_range(10_u64.pow(9)..10_u64.pow(18)))
            .collect();
        let accessions = numbers.iter().map(|n| n.to_string().parse().unwrap());
        let accessions: Vec<Accession> = accessions.collect();
        let roll: Roll = accessions.iter().copied().collect();

        let mut texts: Vec<String> = accessions.iter().map(|a| format!("{a}\n")).collect();
        texts.sort();
        texts.dedup();

        assert_eq!(roll.text(), texts.concat());
    }
}
