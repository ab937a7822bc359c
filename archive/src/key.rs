//! Names of objects.

use std::fmt;

use protocol::{accession::Accession, time::Date};

/// The name of an object: folders and a file, joined by `/`.
///
/// Invariant: every part is non-empty, does not begin with a dot, and has only letters,
/// digits, `-`, `_` and `.`, so a key is safe as a path and in a URL.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

/// A text that is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a key; use folders and a file of letters, digits, `-`, `_` and `.`")]
pub struct BadKey(String);

/// Where objects lie: those of a filing in the bucket of the archive, the others in the
/// bucket of the inventories, which may be the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Folder of the submissions. Default `sgml-archive`.
    pub sgml_folder: String,
    /// Folder of the tar objects. Default `tar-archive`.
    pub tar_folder: String,
    /// Folder of the XBRL facts. Default `sec/filings/xbrl`.
    pub xbrl_folder: String,
    /// Folder of the inventories. Default `sec/filings/inventory`.
    pub inventory_folder: String,
    /// Folder of what is missing. Default `sec/filings/missing`.
    pub missing_folder: String,
    /// Folder of each day's events. Default `events`.
    pub events_folder: String,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            sgml_folder: "sgml-archive".to_owned(),
            tar_folder: "tar-archive".to_owned(),
            xbrl_folder: "sec/filings/xbrl".to_owned(),
            inventory_folder: "sec/filings/inventory".to_owned(),
            missing_folder: "sec/filings/missing".to_owned(),
            events_folder: "events".to_owned(),
        }
    }
}

impl Layout {
    /// The key of a filing's submission: `sgml-archive/000199999926000042.sgml`.
    ///
    /// # Errors
    /// [`BadKey`] when the configured folder is no folder of a key.
    pub fn sgml(&self, accession: Accession) -> Result<Key, BadKey> {
        object(&self.sgml_folder, accession, "sgml")
    }

    /// The key of a filing's documents: `tar-archive/000199999926000042.tar`.
    ///
    /// # Errors
    /// As [`Layout::sgml`].
    pub fn tar(&self, accession: Accession) -> Result<Key, BadKey> {
        object(&self.tar_folder, accession, "tar")
    }

    /// The key of a filing's facts: `sec/filings/xbrl/000199999926000042.json.zst`.
    ///
    /// # Errors
    /// As [`Layout::sgml`].
    pub fn xbrl(&self, accession: Accession) -> Result<Key, BadKey> {
        object(&self.xbrl_folder, accession, "json.zst")
    }

    /// The key of an inventory, such as `instant_sgml_archive`.
    ///
    /// # Errors
    /// As [`Layout::sgml`], or when `name` is no file of a key.
    pub fn inventory(&self, name: &str) -> Result<Key, BadKey> {
        Key::parse(&format!("{}/{name}.txt.zst", self.inventory_folder))
    }

    /// The key of a list of what is missing, such as `missing_sgml_archive`.
    ///
    /// # Errors
    /// As [`Layout::inventory`].
    pub fn missing(&self, name: &str) -> Result<Key, BadKey> {
        Key::parse(&format!("{}/{name}.json.zst", self.missing_folder))
    }

    /// The key of a day's events: `events/2026-03-03.ndjson.zst`.
    ///
    /// # Errors
    /// As [`Layout::sgml`].
    pub fn events(&self, date: Date) -> Result<Key, BadKey> {
        Key::parse(&format!("{}/{date}.ndjson.zst", self.events_folder))
    }

    /// The key of the checksum beside a day's events.
    ///
    /// # Errors
    /// As [`Layout::sgml`].
    pub fn events_checksum(&self, date: Date) -> Result<Key, BadKey> {
        Key::parse(&format!("{}.sha256", self.events(date)?))
    }
}

fn object(folder: &str, accession: Accession, extension: &str) -> Result<Key, BadKey> {
    Key::parse(&format!("{folder}/{}.{extension}", accession.compact()))
}

impl Key {
    /// # Errors
    /// [`BadKey`] unless `text` keeps the invariant.
    pub fn parse(text: &str) -> Result<Self, BadKey> {
        let good = |part: &str| {
            let mut bytes = part.bytes();
            !part.is_empty()
                && !part.starts_with('.')
                && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        };
        if text.len() <= 512 && text.split('/').all(good) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadKey(text.chars().take(80).collect()))
        }
    }

    /// The key's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The media type of the object. What has members of zstd counts as zstd: the readers
    /// of tar objects look for it.
    pub fn media_type(&self) -> &'static str {
        match self.0.rsplit('.').next() {
            Some("sgml" | "tar" | "zst") => "application/zstd",
            Some("sha256") => "text/plain",
            _ => "application/octet-stream",
        }
    }

    /// The key of another version of the same object, kept beside the first: the mark is
    /// put before the file's extensions.
    ///
    /// # Errors
    /// [`BadKey`] when `mark` has other characters than a key may have.
    pub fn beside(&self, mark: &str) -> Result<Self, BadKey> {
        let file = self.0.rfind('/').map_or(0, |slash| slash + 1);
        let (stem, extension) = match self.0[file..].find('.') {
            Some(dot) => (&self.0[..file + dot], &self.0[file + dot + 1..]),
            None => (&*self.0, "object"),
        };
        Self::parse(&format!("{stem}.{mark}.{extension}"))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_submission_lies_under_its_eighteen_digits() {
        let key = Layout::default()
            .sgml("0001999999-26-000042".parse().unwrap())
            .unwrap();

        assert_eq!(key.as_str(), "sgml-archive/000199999926000042.sgml");
        assert_eq!(
            key.beside("1a2b").unwrap().as_str(),
            "sgml-archive/000199999926000042.1a2b.sgml"
        );
    }

    #[test]
    fn tar_and_facts_lie_in_folders_of_their_own() {
        let (layout, accession) = (Layout::default(), "0001999999-26-000042".parse().unwrap());

        let tar = layout.tar(accession).unwrap();
        let xbrl = layout.xbrl(accession).unwrap();

        assert_eq!(tar.as_str(), "tar-archive/000199999926000042.tar");
        assert_eq!(
            xbrl.beside("1a2b").unwrap().as_str(),
            "sec/filings/xbrl/000199999926000042.1a2b.json.zst"
        );
    }

    #[test]
    fn inventories_and_the_events_of_a_day_lie_where_they_are_looked_for() {
        let (layout, date) = (Layout::default(), "2026-03-03".parse().unwrap());

        let keys = [
            layout.inventory("instant_sgml_archive").unwrap(),
            layout.missing("missing_tar_archive").unwrap(),
            layout.events(date).unwrap(),
            layout.events_checksum(date).unwrap(),
        ];

        assert_eq!(
            keys.map(|key| key.to_string()),
            [
                "sec/filings/inventory/instant_sgml_archive.txt.zst",
                "sec/filings/missing/missing_tar_archive.json.zst",
                "events/2026-03-03.ndjson.zst",
                "events/2026-03-03.ndjson.zst.sha256",
            ]
        );
    }

    #[test]
    fn no_key_leads_out_of_its_bucket() {
        for text in [
            "",
            "/etc/passwd",
            "a/../b",
            "a//b",
            "a/",
            ".hidden",
            "a/.b",
            "a b",
            "a\\b",
        ] {
            assert!(Key::parse(text).is_err(), "{text}");
        }
    }
}
