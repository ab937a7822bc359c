//! Where objects lie: which buckets, of which server, in which folders.

use std::path::{Path, PathBuf};

use archive::{
    key::{Key, Layout},
    s3::{self, KeyPair},
};

use super::{ConfigError, base_url, raw};

/// Where objects lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// What is archived of filings.
    pub bucket: Place,
    /// Inventories and the events of each day; the same place unless configured.
    pub inventory_bucket: Place,
    /// The folders there.
    pub layout: Layout,
}

/// Where a bucket is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A bucket of an S3-compatible server.
    S3(Box<s3::Config>),
}

impl Place {
    /// The folder of this machine, if it is one; objects for other places are made in the
    /// data directory.
    pub(crate) fn folder(&self) -> Option<&PathBuf> {
        match self {
            Self::Folder(folder) => Some(folder),
            Self::S3(_) => None,
        }
    }
}

impl Archive {
    /// Checks every value; relative folders are below `data_dir`.
    ///
    /// # Errors
    /// The first [`ConfigError`] met.
    pub(crate) fn check(raw: &raw::Archive, data_dir: &Path) -> Result<Self, ConfigError> {
        let server = check_server(&raw.s3)?;
        let place = |key, text: &str| check_place(key, text, &server, data_dir);
        let bucket = place("archive.bucket", &raw.bucket)?;
        let inventory_bucket = match &*raw.inventory_bucket {
            "" => bucket.clone(),
            other => place("archive.inventory_bucket", other)?,
        };
        Ok(Self {
            bucket,
            inventory_bucket,
            layout: check_layout(raw)?,
        })
    }
}

fn check_place(
    key: &str,
    text: &str,
    server: &s3::Config,
    data_dir: &Path,
) -> Result<Place, ConfigError> {
    match text.split_once(':') {
        Some(("file", "")) => Ok(Place::Folder(data_dir.join("archive"))),
        Some(("file", dir)) => Ok(Place::Folder(data_dir.join(dir))),
        Some(("s3", name)) if is_bucket_name(name) => Ok(Place::S3(Box::new(s3::Config {
            bucket: name.to_owned(),
            ..server.clone()
        }))),
        _ => {
            let message = format!(
                "`{text}` is no bucket; write file:, file:DIR or s3:BUCKET, for example s3:filings"
            );
            Err(ConfigError::new(key, message))
        }
    }
}

/// Not stricter than the least strict of servers; nothing that would change a URL.
fn is_bucket_name(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (3..=63).contains(&name.len()) && name.bytes().all(good) && !name.starts_with('.')
}

fn check_server(raw: &raw::S3) -> Result<s3::Config, ConfigError> {
    let set = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let endpoint = match &*raw.endpoint {
        "" => None,
        url => Some(base_url("archive.s3.endpoint", url)?),
    };
    Ok(s3::Config {
        endpoint,
        region: set(&raw.region),
        keys: check_keys(raw)?,
        path_style: raw.path_style,
        ..s3::Config::new("")
    })
}

fn check_keys(raw: &raw::S3) -> Result<Option<KeyPair>, ConfigError> {
    let (id, secret) = (&raw.access_key_id, &raw.secret_access_key.0);
    match (&**id, &**secret) {
        ("", "") => Ok(None),
        (_, "") => Err(ConfigError::new(
            "archive.s3.secret_access_key",
            "is missing, and archive.s3.access_key_id is set; set both or none",
        )),
        ("", _) => Err(ConfigError::new(
            "archive.s3.access_key_id",
            "is missing, and archive.s3.secret_access_key is set; set both or none",
        )),
        _ => Ok(Some(KeyPair {
            access_key_id: id.clone(),
            secret_access_key: secret.clone(),
        })),
    }
}

fn check_layout(raw: &raw::Archive) -> Result<Layout, ConfigError> {
    let folder = |key: &str, text: &str| match Key::parse(text) {
        Ok(folder) => Ok(folder.to_string()),
        Err(error) => Err(ConfigError::new(
            key,
            format!("is no folder of a bucket: {error}"),
        )),
    };
    let layout = Layout {
        sgml_folder: folder("archive.sgml_folder", &raw.sgml_folder)?,
        tar_folder: folder("archive.tar_folder", &raw.tar_folder)?,
        xbrl_folder: folder("archive.xbrl_folder", &raw.xbrl_folder)?,
        inventory_folder: folder("archive.inventory_folder", &raw.inventory_folder)?,
        missing_folder: folder("archive.missing_folder", &raw.missing_folder)?,
        events_folder: folder("archive.events_folder", &raw.events_folder)?,
    };
    Ok(layout)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn check(change: impl FnOnce(&mut raw::Archive)) -> Result<Archive, ConfigError> {
        let mut raw = raw::Archive::default();
        change(&mut raw);
        Archive::check(&raw, Path::new("data"))
    }

    fn with_keys(raw: &mut raw::Archive, id: &str, secret: &str) {
        raw.s3.access_key_id = id.into();
        raw.s3.secret_access_key.0 = secret.into();
    }

    #[test]
    fn relative_buckets_are_below_the_data_dir_and_absolute_ones_are_not() {
        let default = check(|_| {}).unwrap();
        let relative = check(|raw| raw.bucket = "file:store".into()).unwrap();
        let absolute = check(|raw| raw.bucket = "file:/srv/store".into()).unwrap();

        assert_eq!(default.bucket, Place::Folder("data/archive".into()));
        assert_eq!(relative.bucket, Place::Folder("data/store".into()));
        assert_eq!(absolute.bucket, Place::Folder("/srv/store".into()));
        assert_eq!(absolute.inventory_bucket, absolute.bucket);
    }

    #[test]
    fn two_buckets_of_one_server_differ_by_their_names() {
        let archive = check(|raw| {
            raw.bucket = "s3:filings".into();
            raw.inventory_bucket = "s3:inventories".into();
            raw.s3.endpoint = "http://127.0.0.1:9000/".into();
            with_keys(raw, "id", "secret");
        });

        let archive = archive.unwrap();
        let (Place::S3(filings), Place::S3(inventories)) =
            (archive.bucket, archive.inventory_bucket)
        else {
            panic!("both are of S3");
        };
        assert_eq!(filings.bucket, "filings");
        assert_eq!(filings.endpoint.unwrap(), "http://127.0.0.1:9000");
        assert_eq!(inventories.bucket, "inventories");
        assert_eq!(inventories.keys, filings.keys);
    }

    #[test]
    fn every_wrong_value_names_its_key() {
        type Mistake = (&'static str, fn(&mut raw::Archive));
        let cases: [Mistake; 8] = [
            ("archive.bucket", |raw| raw.bucket = "ftp:x".into()),
            ("archive.bucket", |raw| raw.bucket = "s3:a/b".into()),
            ("archive.bucket", |raw| raw.bucket = "s3:".into()),
            ("archive.inventory_bucket", |raw| {
                raw.inventory_bucket = "filings".into()
            }),
            ("archive.s3.endpoint", |raw| {
                raw.s3.endpoint = "minio:9000".into()
            }),
            ("archive.s3.access_key_id", |raw| with_keys(raw, "", "s")),
            ("archive.s3.secret_access_key", |raw| {
                with_keys(raw, "id", "")
            }),
            ("archive.sgml_folder", |raw| raw.sgml_folder = "/a".into()),
        ];
        for (key, change) in cases {
            assert_eq!(check(change).unwrap_err().key, key);
        }
    }

    #[test]
    fn a_secret_is_shown_nowhere() {
        let mut raw = raw::Archive::default();
        with_keys(&mut raw, "id", "hush");

        let checked = Archive::check(&raw, Path::new("data")).unwrap();

        assert!(!format!("{raw:?} {checked:?}").contains("hush"));
    }
}
