//! API keys: made, listed, revoked, checked.
//!
//! The keys lie in one file, `keys.json`, replaced as a whole under a lock, so that
//! `filingwire keys` works beside a running server. The server reads the file again when
//! it has changed and tells its sessions.
//!
//! Invariant: the file holds no secret, only SHA-256 of each. The secrets have 190 bits of
//! chance, so a fast hash is enough.

use std::{
    collections::BTreeSet,
    fmt,
    fs::{self, OpenOptions},
    io,
    path::{Path, PathBuf},
    str::FromStr,
};

use anyhow::{Context, bail};
use jiff::SignedDuration;
use protocol::time::Timestamp;
use rand::{Rng, distr::Alphanumeric};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::durable;

const ID_CHARS: usize = 8;
const SECRET_CHARS: usize = 32;

/// What an API key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Subscribe to the stream.
    Stream,
    /// Query filings.
    Read,
    /// Download what is archived.
    Archive,
    /// Read metrics from elsewhere than this machine.
    Metrics,
    /// Make and revoke API keys.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 5] = [
        Self::Stream,
        Self::Read,
        Self::Archive,
        Self::Metrics,
        Self::Admin,
    ];

    /// What a key gets when nothing is said.
    pub const DEFAULT: [Self; 3] = [Self::Stream, Self::Read, Self::Archive];

    /// As written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Read => "read",
            Self::Archive => "archive",
            Self::Metrics => "metrics",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.as_str() == text.trim())
            .ok_or_else(|| {
                format!("`{text}` is no scope; choose from stream, read, archive, metrics, admin")
            })
    }
}

/// One API key as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Names it; not secret.
    pub id: String,
    /// Whose it is.
    pub name: String,
    /// What it may do.
    pub scopes: BTreeSet<Scope>,
    /// SHA-256 of the secret, 64 hexadecimal digits.
    secret_sha256: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
    /// Most connections at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_connections: Option<u32>,
}

impl ApiKey {
    /// Whether it may be used at `now`.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }

    /// `active`, `expired` or `revoked`.
    pub fn state(&self, now: Timestamp) -> &'static str {
        match (self.revoked_at, self.is_valid(now)) {
            (Some(_), _) => "revoked",
            (None, true) => "active",
            (None, false) => "expired",
        }
    }
}

/// What a new key shall be.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// Whose it is.
    pub name: String,
    /// What it may do.
    pub scopes: BTreeSet<Scope>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// Most connections at a time.
    pub max_connections: Option<u32>,
}

impl NewKey {
    /// A key of the default scopes without limits.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            scopes: Scope::DEFAULT.into(),
            expires_at: None,
            max_connections: None,
        }
    }
}

/// Reads the name of a key.
///
/// # Errors
/// What a name is.
pub fn parse_name(text: &str) -> Result<String, String> {
    let count = text.chars().count();
    if text.trim().is_empty() || count > 64 || text.chars().any(char::is_control) {
        return Err("a name has 1 to 64 characters, none of them a control character".to_owned());
    }
    Ok(text.to_owned())
}

/// Reads how long a key lives, such as `90d`.
///
/// # Errors
/// How to write it.
pub fn parse_span(text: &str) -> Result<SignedDuration, String> {
    let bad = || format!("`{text}` is no time; write 90d, 12h or 30m");
    let unit = text.chars().next_back().ok_or_else(bad)?;
    let seconds = match unit {
        'd' => 24 * 60 * 60,
        'h' => 60 * 60,
        'm' => 60,
        's' => 1,
        _ => return Err(bad()),
    };
    let count: u32 = text[..text.len() - 1].parse().map_err(|_| bad())?;
    if count == 0 || u64::from(count) * seconds > 100 * 365 * 24 * 60 * 60 {
        return Err(bad());
    }
    Ok(SignedDuration::from_secs(i64::from(count) * seconds as i64))
}

/// All API keys at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRing {
    keys: Vec<ApiKey>,
}

impl KeyRing {
    /// The valid API key that `text`, `fw_<id>_<secret>`, is. Constant time in the secret.
    pub fn authenticate(&self, text: &str, now: Timestamp) -> Option<&ApiKey> {
        let (id, secret) = text.strip_prefix("fw_")?.split_once('_')?;
        let key = self.find(id)?;
        let same = digest(secret)
            .as_bytes()
            .ct_eq(key.secret_sha256.as_bytes());
        (bool::from(same) && key.is_valid(now)).then_some(key)
    }

    /// The key of this id, valid or not.
    pub fn find(&self, id: &str) -> Option<&ApiKey> {
        self.keys.iter().find(|key| key.id == id)
    }

    /// Whether a key's time ran out after `then` and not after `now`.
    pub fn any_expired_between(&self, then: Timestamp, now: Timestamp) -> bool {
        self.keys
            .iter()
            .any(|key| key.expires_at.is_some_and(|end| then < end && end <= now))
    }

    /// All keys, oldest first.
    pub fn all(&self) -> &[ApiKey] {
        &self.keys
    }
}

/// The API key in the value of an `Authorization` header.
pub fn in_bearer(header: &str) -> Option<&str> {
    let (scheme, key) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

/// Something that differs whenever the file was replaced: time and inode.
pub type KeyFileVersion = (std::time::SystemTime, u64);

/// The file of the API keys.
#[derive(Debug, Clone)]
pub struct KeyFile {
    path: PathBuf,
}

impl KeyFile {
    /// The file at `path`, which need not exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Reads all keys; none when there is no file.
    ///
    /// # Errors
    /// When the file cannot be read or is not what we wrote.
    pub fn read(&self) -> anyhow::Result<KeyRing> {
        let shown = self.path.display();
        match fs::read(&self.path) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| {
                format!("`{shown}` is damaged; restore it from a backup, or delete it and make new API keys")
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(KeyRing::default()),
            Err(error) => Err(error).with_context(|| format!("cannot read `{shown}`")),
        }
    }

    /// What tells this file from one that replaces it; `None` without a file.
    pub fn version(&self) -> Option<KeyFileVersion> {
        let meta = fs::metadata(&self.path).ok()?;
        Some((
            meta.modified().ok()?,
            std::os::unix::fs::MetadataExt::ino(&meta),
        ))
    }

    /// Makes a key and gives its text, which cannot be had again.
    ///
    /// # Errors
    /// When the file cannot be replaced.
    pub fn create(&self, new: NewKey, now: Timestamp) -> anyhow::Result<String> {
        let (id, secret) = (chance(ID_CHARS), chance(SECRET_CHARS));
        let key = ApiKey {
            id: id.clone(),
            name: new.name,
            scopes: new.scopes,
            secret_sha256: digest(&secret),
            created_at: now,
            expires_at: new.expires_at,
            revoked_at: None,
            max_connections: new.max_connections,
        };
        self.change(|ring| {
            ring.keys.push(key);
            Ok(())
        })?;
        Ok(format!("fw_{id}_{secret}"))
    }

    /// Revokes the key of this id. Revoking again changes nothing.
    ///
    /// # Errors
    /// When there is no such key, or the file cannot be replaced.
    pub fn revoke(&self, id: &str, now: Timestamp) -> anyhow::Result<()> {
        self.change(|ring| match ring.keys.iter_mut().find(|key| key.id == id) {
            Some(key) => {
                key.revoked_at.get_or_insert(now);
                Ok(())
            }
            None => bail!("there is no API key `{id}`; `filingwire keys list` shows all ids"),
        })
    }

    fn change(&self, edit: impl FnOnce(&mut KeyRing) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the data directory `{}`", folder.display()))?;
        let shown = self.path.display();
        let lock = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path.with_extension("lock"));
        let lock = lock.with_context(|| {
            format!("cannot lock `{shown}`; check the permissions of its folder")
        })?;
        lock.lock()
            .with_context(|| format!("cannot lock `{shown}`"))?;
        let mut ring = self.read()?;
        edit(&mut ring)?;
        self.replace(&ring)
            .with_context(|| format!("cannot write `{shown}`"))
    }

    fn replace(&self, ring: &KeyRing) -> io::Result<()> {
        durable::replace_private(&self.path, &serde_json::to_vec_pretty(ring)?)
    }
}

fn chance(chars: usize) -> String {
    rand::rng()
        .sample_iter(Alphanumeric)
        .take(chars)
        .map(char::from)
        .collect()
}

fn digest(secret: &str) -> String {
    hex::encode(Sha256::digest(secret))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-03-03T12:00:00Z".parse().unwrap()
    }

    fn new_key() -> NewKey {
        NewKey::named("desk")
    }

    fn file() -> (tempfile::TempDir, KeyFile) {
        let dir = tempfile::tempdir().unwrap();
        let file = KeyFile::new(dir.path().join("data/keys.json"));
        (dir, file)
    }

    #[test]
    fn a_key_opens_and_its_secret_is_not_in_the_file() {
        let (_dir, file) = file();

        let text = file.create(new_key(), now()).unwrap();

        let secret = text.rsplit('_').next().unwrap();
        let stored = fs::read_to_string(&file.path).unwrap();
        assert_eq!(
            file.read()
                .unwrap()
                .authenticate(&text, now())
                .unwrap()
                .name,
            "desk"
        );
        assert_eq!((text.len(), secret.len()), (3 + 8 + 1 + 32, 32));
        assert!(!stored.contains(secret));
    }

    #[test]
    fn wrong_expired_and_revoked_keys_are_refused() {
        let (_dir, file) = file();
        let day = jiff::SignedDuration::from_hours(24);
        let good = file.create(new_key(), now()).unwrap();
        let short = file
            .create(
                NewKey {
                    expires_at: Some(now() + day),
                    ..new_key()
                },
                now(),
            )
            .unwrap();
        let id = good.split('_').nth(1).unwrap();
        let wrong = format!("fw_{id}_{}", "x".repeat(32));

        assert!(file.read().unwrap().authenticate(&wrong, now()).is_none());
        assert!(
            file.read()
                .unwrap()
                .authenticate("fw_nobody_x", now())
                .is_none()
        );
        assert!(file.read().unwrap().authenticate("", now()).is_none());
        assert!(file.read().unwrap().authenticate(&short, now()).is_some());
        assert!(
            file.read()
                .unwrap()
                .authenticate(&short, now() + day)
                .is_none()
        );
        file.revoke(id, now()).unwrap();
        assert!(file.read().unwrap().authenticate(&good, now()).is_none());
    }

    #[test]
    fn an_unknown_id_cannot_be_revoked() {
        let (_dir, file) = file();

        let error = file.revoke("nobody", now()).unwrap_err();

        assert!(error.to_string().contains("keys list"), "{error}");
    }

    #[test]
    fn every_change_is_seen_as_a_new_version() {
        let (_dir, file) = file();
        let none = file.version();
        file.create(new_key(), now()).unwrap();
        let first = file.version();
        file.create(new_key(), now()).unwrap();

        assert_ne!(none, first);
        assert_ne!(first, file.version());
    }

    #[test]
    fn spans_have_a_number_and_a_unit() {
        assert_eq!(
            parse_span("90d").unwrap(),
            SignedDuration::from_hours(90 * 24)
        );
        assert_eq!(parse_span("30m").unwrap(), SignedDuration::from_mins(30));
        for text in ["", "d", "90", "0d", "-1d", "90y", "9999999999d", "1é"] {
            assert!(parse_span(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_damaged_file_is_an_error_never_an_empty_ring() {
        let (_dir, file) = file();
        file.create(new_key(), now()).unwrap();
        fs::write(&file.path, "{").unwrap();

        assert!(file.read().is_err());
        assert!(file.create(new_key(), now()).is_err());
    }
}
