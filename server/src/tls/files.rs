//! A certificate and its key from two files, which are read again when they change.
//!
//! Whoever renews the certificate replaces the files, one after the other. They are read
//! once both have rested for a moment; a pair that cannot be used is told loudly, the one
//! in use stays, and it is tried again: nothing tells when a disk fails no more. Elsewhere:
//! certificates of ACME (`acme`), what is served with them (`tls`).
//!
//! Invariant: what is served was once read as a whole and fits together.

use std::{
    fs, io, mem,
    os::unix::fs::MetadataExt,
    path::Path,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use rustls::{
    Error, InconsistentKeys,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::{
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::expires;
use crate::{
    config::{CertFiles, ConfigError},
    metrics::Metrics,
};

/// How often the files are looked at, and how long they must have rested to be read.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// How long a pair that could not be used rests until it is tried again.
const AGAIN: Duration = Duration::from_secs(60);

/// Longest file read: a chain has a few kilobytes.
const MOST_BYTES: u64 = 1 << 20;

/// The certificate in use.
#[derive(Debug)]
pub(super) struct InUse(RwLock<Arc<CertifiedKey>>);

/// The two files, and what of them was read.
#[derive(Debug)]
pub(super) struct Files {
    paths: CertFiles,
    in_use: Arc<InUse>,
    seen: Version,
    tried: Version,
    /// When they are tried again, if they could not be used.
    again_at: Option<Instant>,
}

/// Which two files there are: it changes when one is replaced, written to, or given to
/// somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Version([Option<(u64, u64, i64, i64)>; 2]);

impl ResolvesServerCert for InUse {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let in_use = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Some(in_use.clone())
    }
}

impl InUse {
    fn expires(&self) -> u64 {
        let in_use = self.0.read().unwrap_or_else(PoisonError::into_inner);
        in_use.cert.first().map_or(0, |leaf| expires(leaf))
    }

    fn replace(&self, certificate: CertifiedKey) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(certificate);
    }
}

impl Files {
    /// Reads the files for the first time.
    ///
    /// # Errors
    /// A [`ConfigError`] that names the file's key when one cannot be read or used.
    pub(super) fn open(paths: CertFiles) -> Result<Self, ConfigError> {
        let version = Version::of(&paths);
        let in_use = InUse(RwLock::new(Arc::new(read(&paths)?)));
        Ok(Self {
            paths,
            in_use: Arc::new(in_use),
            seen: version,
            tried: version,
            again_at: None,
        })
    }

    /// What new connections are shown.
    pub(super) fn in_use(&self) -> Arc<InUse> {
        self.in_use.clone()
    }

    /// Reads the files again whenever they were replaced.
    pub(super) async fn watch(
        mut self,
        metrics: Arc<Metrics>,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        let watching = stop.run_until_cancelled(self.keep_up(&metrics));
        watching.await.unwrap_or(Ok(()))
    }

    async fn keep_up(&mut self, metrics: &Metrics) -> anyhow::Result<()> {
        let expires = &metrics.tls.certificate_expires;
        expires.set(self.in_use.expires());
        let mut ticks = interval(LOOK_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if self.look().await? {
                expires.set(self.in_use.expires());
            }
        }
    }

    /// Whether others are in use than before.
    async fn look(&mut self) -> anyhow::Result<bool> {
        let paths = self.paths.clone();
        let now = spawn_blocking(move || Version::of(&paths)).await?;
        let rested = now == mem::replace(&mut self.seen, now);
        let is_due = self.again_at.is_some_and(|at| at <= Instant::now());
        if !rested || (now == self.tried && !is_due) {
            return Ok(false);
        }
        let paths = self.paths.clone();
        let read = spawn_blocking(move || read(&paths)).await?;
        Ok(self.take(now, read))
    }

    /// Uses what was read, if it can be.
    fn take(&mut self, version: Version, read: Result<CertifiedKey, ConfigError>) -> bool {
        let is_news = version != mem::replace(&mut self.tried, version);
        match read {
            Ok(certificate) => {
                self.again_at = None;
                self.in_use.replace(certificate);
                tracing::info!("new connections are shown the renewed certificate");
                true
            }
            Err(error) => {
                self.again_at = Some(Instant::now() + AGAIN);
                if is_news {
                    tracing::error!(%error, "the certificate stays as it was; the new files cannot be used");
                }
                false
            }
        }
    }
}

impl Version {
    fn of(paths: &CertFiles) -> Self {
        Self([&paths.cert, &paths.key].map(|path| {
            let is = fs::metadata(path).ok()?;
            // The time of any change, of owner and mode too.
            Some((is.ino(), is.len(), is.ctime(), is.ctime_nsec()))
        }))
    }
}

/// Reads a certificate with its chain, and its key.
///
/// # Errors
/// A [`ConfigError`] that names the file's key when one cannot be read or used.
fn read(files: &CertFiles) -> Result<CertifiedKey, ConfigError> {
    let CertFiles { cert, key } = files;
    let wrong_cert = |what: &str| {
        let message = format!(
            "`{}` {what}; give the PEM file of the certificate and its chain",
            cert.display()
        );
        ConfigError::new("tls.cert_file", message)
    };
    let wrong_key = |what: &str| {
        let message = format!(
            "`{}` {what}; give the PEM file of the certificate's key, without a passphrase",
            key.display()
        );
        ConfigError::new("tls.key_file", message)
    };
    let pem = read_bounded(cert).map_err(|error| wrong_cert(&unreadable(&error)))?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let chain = chain.map_err(|_| wrong_cert("is no PEM"))?;
    if chain.is_empty() {
        return Err(wrong_cert("holds no certificate"));
    }
    let pem = read_bounded(key).map_err(|error| wrong_key(&unreadable(&error)))?;
    let private = PrivateKeyDer::from_pem_slice(&pem);
    let private = private.map_err(|_| wrong_key("holds no private key"))?;
    CertifiedKey::from_der(chain, private, &ring::default_provider()).map_err(|error| match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            wrong_key("belongs to another certificate")
        }
        Error::InvalidCertificate(_) => wrong_cert("holds a damaged certificate"),
        _ => wrong_key("holds a key that cannot be used (ECDSA, Ed25519 and RSA can)"),
    })
}

fn unreadable(error: &io::Error) -> String {
    format!("cannot be read ({error})")
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::Read::read_to_end(
        &mut io::Read::take(fs::File::open(path)?, MOST_BYTES),
        &mut bytes,
    )?;
    Ok(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::tls::testing::Issued;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn with(issued: &Issued) -> Self {
            let folder = Self(tempfile::tempdir().unwrap());
            folder.put("cert.pem", &issued.chain);
            folder.put("key.pem", &issued.key);
            folder
        }

        fn put(&self, name: &str, text: &str) {
            let draft = self.0.path().join("draft");
            fs::write(&draft, text).unwrap();
            fs::rename(draft, self.0.path().join(name)).unwrap();
        }

        fn files(&self) -> CertFiles {
            CertFiles {
                cert: self.0.path().join("cert.pem"),
                key: self.0.path().join("key.pem"),
            }
        }
    }

    fn shown(files: &Files) -> Vec<u8> {
        files.in_use.0.read().unwrap().cert[0].to_vec()
    }

    #[tokio::test]
    async fn a_pair_is_taken_when_it_has_rested_and_a_bad_one_never() {
        let (old, new) = (Issued::by_itself(), Issued::by_itself());
        let folder = Folder::with(&old);
        let mut files = Files::open(folder.files()).unwrap();

        folder.put("cert.pem", &new.chain);
        let of_torn = [files.look().await.unwrap(), files.look().await.unwrap()];
        let torn = shown(&files);
        folder.put("key.pem", &new.key);
        let of_whole = [files.look().await.unwrap(), files.look().await.unwrap()];
        let whole = shown(&files);

        assert_eq!((of_torn, torn), ([false, false], old.der));
        assert_eq!((of_whole, whole), ([false, true], new.der));
        // What `rcgen` gives when it is not told: the year 4096.
        assert_eq!(files.in_use.expires(), 67_090_118_400);
    }

    #[tokio::test]
    async fn a_pair_that_could_not_be_read_is_tried_again_though_nobody_touches_it() {
        let (old, new) = (Issued::by_itself(), Issued::by_itself());
        let folder = Folder::with(&old);
        let mut files = Files::open(folder.files()).unwrap();
        folder.put("cert.pem", &new.chain);
        folder.put("key.pem", &new.key);
        files.look().await.unwrap();

        let passing = ConfigError::new("tls.key_file", "the disk failed");
        files.take(Version::of(&folder.files()), Err(passing));
        let soon = files.look().await.unwrap();
        files.again_at = files.again_at.map(|at| at - AGAIN);
        let later = files.look().await.unwrap();
        let afterwards = files.look().await.unwrap();

        assert_eq!((soon, later, afterwards), (false, true, false));
        assert_eq!(shown(&files), new.der);
    }

    #[test]
    fn who_may_read_a_file_is_part_of_its_version() {
        let folder = Folder::with(&Issued::by_itself());
        let key = folder.files().key;
        let before = Version::of(&folder.files());
        let since = Instant::now();

        // As often as it takes the kernel's clock to move on.
        while Version::of(&folder.files()) == before {
            fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
            assert!(since.elapsed() < AGAIN, "nobody sees it");
        }
    }

    #[test]
    fn what_is_wrong_with_a_pair_names_its_key_and_the_remedy() {
        let (ours, other) = (Issued::by_itself(), Issued::by_itself());
        let folder = Folder::with(&ours);
        let wrong = || Files::open(folder.files()).unwrap_err();

        folder.put("key.pem", &other.key);
        let mismatch = wrong();
        folder.put("key.pem", "nonsense");
        let no_key = wrong();
        folder.put("cert.pem", &ours.key);
        let no_cert = wrong();
        fs::remove_file(folder.files().cert).unwrap();
        let absent = wrong();

        assert_eq!(mismatch.key, "tls.key_file");
        assert!(
            mismatch.message.contains("another certificate"),
            "{mismatch}"
        );
        assert_eq!(no_key.key, "tls.key_file");
        assert!(no_key.message.contains("no private key"), "{no_key}");
        assert_eq!(no_cert.key, "tls.cert_file");
        assert!(no_cert.message.contains("no certificate"), "{no_cert}");
        assert_eq!(absent.key, "tls.cert_file");
        assert!(absent.message.contains("No such file"), "{absent}");
    }
}
