//! The configuration, checked once before anything starts.
//!
//! [`load`] reads the file, the environment and the flags into a [`raw::Raw`] tree of
//! plain values (`source` finds unknown keys and wrong types), and [`Config::check`]
//! turns it into the types the program works with. Every mistake names its key.

mod archive;
pub mod raw;
mod source;
mod tls;

use std::{net::SocketAddr, ops::RangeInclusive, path::PathBuf, time::Duration};

pub use archive::{Archive, Place};
pub use source::{Overrides, load};
pub use tls::{AcmeAsked, CertFiles, CertSource, Tls};

use jiff::civil::Time;
use monitors::{atom::AtomConfig, efts::EftsConfig};
use raw::Raw;

use crate::disk::FLOOR_BYTES;

/// The least that `archive.backlog_max_bytes` may be: one submission that is not long.
const BACKLOG_LEAST: u64 = 1 << 20;

/// A mistake in the configuration: the key, what is wrong, what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("configuration, `{key}`: {message}")]
pub struct ConfigError {
    /// The key's path, such as `edgar.contact`; the file's name when it is no key's fault.
    pub key: String,
    /// What is wrong and the remedy.
    pub message: String,
}

impl ConfigError {
    pub(crate) fn new(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            message: message.into(),
        }
    }
}

/// The checked configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where HTTP and the websocket listen.
    pub listen: SocketAddr,
    /// TLS there; `None` for plain connections.
    pub tls: Option<Tls>,
    /// Everything the program writes is below.
    pub data_dir: PathBuf,
    /// How EDGAR is reached.
    pub edgar: Edgar,
    /// The Atom monitor.
    pub atom: AtomConfig,
    /// The EFTS monitor.
    pub efts: EftsConfig,
    /// Where objects lie.
    pub archive: Archive,
    /// Bytes of submissions that may wait for the archive.
    pub backlog_max_bytes: u64,
    /// Bytes of the disk that are kept for the log.
    pub disk_reserve_bytes: u64,
    /// Whether the catalog is kept.
    pub catalog_enabled: bool,
    /// When days are proven complete.
    pub reconcile: Reconcile,
    /// Whether the stream asks for an API key.
    pub auth_required: bool,
    /// Requests without an API key per second and address; `None` for any number.
    pub anonymous_per_second: Option<u32>,
    /// How the stream behaves.
    pub stream: Stream,
    /// How long events are kept; `None` for ever.
    pub log_retention: Option<Duration>,
    /// Bytes of events in one file of the log.
    pub log_segment_bytes: u64,
}

/// How EDGAR is reached.
#[derive(Debug, Clone)]
pub struct Edgar {
    /// Scheme and host of the site.
    pub www_url: String,
    /// Scheme and host of the search index.
    pub efts_url: String,
    /// Scheme and host of the data service.
    pub data_url: String,
    /// The one door's settings.
    pub client: sec_client::Config,
}

/// When days are proven complete.
#[derive(Debug, Clone)]
pub struct Reconcile {
    /// Whether it is done by schedule.
    pub enabled: bool,
    /// The time of day in New York.
    pub at: Time,
    /// How long a day waits for one more submission.
    pub archive_wait: Duration,
}

/// How the stream behaves.
#[derive(Debug, Clone)]
pub struct Stream {
    /// Between heartbeats.
    pub heartbeat: Duration,
    /// Most sessions at a time.
    pub max_connections: usize,
    /// Most connections of one address; `None` for any number.
    pub max_connections_per_address: Option<u32>,
}

impl Config {
    /// Checks every value.
    ///
    /// # Errors
    /// The first [`ConfigError`] met.
    pub fn check(raw: &Raw) -> Result<Self, ConfigError> {
        let listen: SocketAddr = raw.listen.parse().map_err(|_| {
            ConfigError::new(
                "listen",
                format!("`{}` is no address; write 127.0.0.1:8080", raw.listen),
            )
        })?;
        if !raw.auth.required && !listen.ip().is_loopback() {
            let message =
                "may be false only when `listen` is a loopback address such as 127.0.0.1:8080";
            return Err(ConfigError::new("auth.required", message));
        }
        within("log_segment_bytes", raw.log_segment_bytes, 4096..=1 << 30)?;
        let data_dir = PathBuf::from(&raw.data_dir);
        let days = u64::from(raw.log_retention_days);
        Ok(Self {
            listen,
            tls: Tls::check(&raw.tls, listen)?,
            archive: Archive::check(&raw.archive, &data_dir)?,
            backlog_max_bytes: at_least(
                "archive.backlog_max_bytes",
                raw.archive.backlog_max_bytes,
                BACKLOG_LEAST,
            )?,
            disk_reserve_bytes: at_least(
                "disk.reserve_bytes",
                raw.disk.reserve_bytes,
                2 * FLOOR_BYTES,
            )?,
            data_dir,
            edgar: check_edgar(&raw.edgar)?,
            atom: check_atom(&raw.monitors.atom)?,
            efts: check_efts(&raw.monitors.efts)?,
            catalog_enabled: raw.catalog.enabled,
            reconcile: check_reconcile(&raw.reconcile)?,
            auth_required: raw.auth.required,
            anonymous_per_second: check_anonymous(&raw.auth)?,
            stream: check_stream(&raw.stream)?,
            log_retention: (days > 0).then(|| Duration::from_secs(days * 24 * 60 * 60)),
            log_segment_bytes: raw.log_segment_bytes.into(),
        })
    }

    /// The API keys' file.
    pub fn keys_file(&self) -> PathBuf {
        self.data_dir.join("keys.json")
    }
}

fn check_edgar(raw: &raw::Edgar) -> Result<Edgar, ConfigError> {
    if raw.contact.is_empty() {
        let message = "is missing; the SEC asks every automated client for an e-mail address: \
            set it in the file, as FILINGWIRE__EDGAR__CONTACT, or with --contact you@example.com";
        return Err(ConfigError::new("edgar.contact", message));
    }
    let client = sec_client::Config {
        requests_per_second: raw.requests_per_second,
        block_ms: raw.block_ms,
        ..sec_client::Config::new(&raw.contact)
    };
    client.check().map_err(|error| {
        let key = match &error {
            sec_client::ConfigError::Contact(_) => "edgar.contact",
            sec_client::ConfigError::Rate(_) => "edgar.requests_per_second",
            sec_client::ConfigError::Zero(key) => key,
            sec_client::ConfigError::Http(_) => "edgar",
        };
        ConfigError::new(key, error.to_string())
    })?;
    Ok(Edgar {
        www_url: base_url("edgar.www_url", &raw.www_url)?,
        efts_url: base_url("edgar.efts_url", &raw.efts_url)?,
        data_url: base_url("edgar.data_url", &raw.data_url)?,
        client,
    })
}

fn base_url(key: &str, text: &str) -> Result<String, ConfigError> {
    let wrong = |what: &str| {
        ConfigError::new(
            key,
            format!("`{text}` {what}; write scheme and host only, https://www.sec.gov"),
        )
    };
    let url = url::Url::parse(text).map_err(|_| wrong("is no URL"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong("is not of http or https"));
    }
    if url.as_str().trim_end_matches('/') != url.origin().ascii_serialization() {
        return Err(wrong("has more than that"));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

fn check_atom(raw: &raw::Atom) -> Result<AtomConfig, ConfigError> {
    within(
        "monitors.atom.poll_interval_ms",
        raw.poll_interval_ms,
        100..=60_000,
    )?;
    within(
        "monitors.atom.closed_poll_interval_ms",
        raw.closed_poll_interval_ms,
        100..=10_000,
    )?;
    Ok(AtomConfig {
        enabled: raw.enabled,
        poll_interval_ms: raw.poll_interval_ms,
        closed_poll_interval_ms: raw.closed_poll_interval_ms,
    })
}

fn check_efts(raw: &raw::Efts) -> Result<EftsConfig, ConfigError> {
    within(
        "monitors.efts.poll_interval_ms",
        raw.poll_interval_ms,
        1_000..=3_600_000,
    )?;
    Ok(EftsConfig {
        enabled: raw.enabled,
        poll_interval_ms: raw.poll_interval_ms,
    })
}

fn at_least(key: &str, value: u64, least: u64) -> Result<u64, ConfigError> {
    if value >= least {
        return Ok(value);
    }
    let message = format!("is {value}; it must be {least} or more");
    Err(ConfigError::new(key, message))
}

fn within(key: &str, value: u32, range: RangeInclusive<u32>) -> Result<(), ConfigError> {
    if range.contains(&value) {
        return Ok(());
    }
    let message = format!(
        "is {value}; it must be {} to {}",
        range.start(),
        range.end()
    );
    Err(ConfigError::new(key, message))
}

fn check_reconcile(raw: &raw::Reconcile) -> Result<Reconcile, ConfigError> {
    let at = Time::strptime("%H:%M", &raw.at).map_err(|_| {
        let message = format!("`{}` is no time of day; write 22:30", raw.at);
        ConfigError::new("reconcile.at", message)
    })?;
    let wait = raw.archive_wait_ms;
    within("reconcile.archive_wait_ms", wait, 0..=86_400_000)?;
    Ok(Reconcile {
        enabled: raw.enabled,
        at,
        archive_wait: Duration::from_millis(wait.into()),
    })
}

fn check_stream(raw: &raw::Stream) -> Result<Stream, ConfigError> {
    within("stream.heartbeat_ms", raw.heartbeat_ms, 100..=60_000)?;
    within("stream.max_connections", raw.max_connections, 1..=1_000_000)?;
    Ok(Stream {
        heartbeat: Duration::from_millis(raw.heartbeat_ms.into()),
        max_connections: raw.max_connections as usize,
        max_connections_per_address: Some(raw.max_connections_per_address).filter(|most| *most > 0),
    })
}

fn check_anonymous(raw: &raw::Auth) -> Result<Option<u32>, ConfigError> {
    let per_second = raw.anonymous_requests_per_second;
    within(
        "auth.anonymous_requests_per_second",
        per_second,
        0..=1_000_000,
    )?;
    Ok(Some(per_second).filter(|most| *most > 0))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn check(change: impl FnOnce(&mut Raw)) -> Result<Config, ConfigError> {
        let mut raw = Raw::default();
        raw.edgar.contact = "ops@example.com".into();
        change(&mut raw);
        Config::check(&raw)
    }

    #[test]
    fn defaults_and_a_contact_are_enough() {
        let config = check(|_| {}).unwrap();

        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        let folder = Place::Folder("./filingwire-data/archive".into());
        assert_eq!(config.archive.bucket, folder);
        assert_eq!(config.atom.poll_interval_ms, 250);
        assert_eq!(config.edgar.client.requests_per_second, 8);
    }

    #[test]
    fn every_wrong_value_names_its_key() {
        type Mistake = (&'static str, fn(&mut Raw));
        let cases: [Mistake; 16] = [
            ("listen", |raw| raw.listen = "localhost".into()),
            ("log_segment_bytes", |raw| raw.log_segment_bytes = 1),
            ("edgar.contact", |raw| raw.edgar.contact = String::new()),
            ("edgar.contact", |raw| raw.edgar.contact = "me".into()),
            ("edgar.requests_per_second", |raw| {
                raw.edgar.requests_per_second = 11
            }),
            ("edgar.www_url", |raw| {
                raw.edgar.www_url = "https://www.sec.gov/Archives".into()
            }),
            ("edgar.efts_url", |raw| {
                raw.edgar.efts_url = "https://me@efts.sec.gov#x".into()
            }),
            ("edgar.data_url", |raw| {
                raw.edgar.data_url = "nonsense".into()
            }),
            ("monitors.atom.poll_interval_ms", |raw| {
                raw.monitors.atom.poll_interval_ms = 0
            }),
            ("archive.bucket", |raw| raw.archive.bucket = "ftp:x".into()),
            ("archive.backlog_max_bytes", |raw| {
                raw.archive.backlog_max_bytes = 0
            }),
            ("disk.reserve_bytes", |raw| raw.disk.reserve_bytes = 0),
            ("reconcile.at", |raw| {
                raw.reconcile.at = "half past ten".into()
            }),
            ("reconcile.archive_wait_ms", |raw| {
                raw.reconcile.archive_wait_ms = u32::MAX
            }),
            ("stream.heartbeat_ms", |raw| raw.stream.heartbeat_ms = 1),
            ("auth.required", |raw| {
                raw.listen = "0.0.0.0:8080".into();
                raw.auth.required = false;
            }),
        ];
        for (key, change) in cases {
            assert_eq!(check(change).unwrap_err().key, key);
        }
    }
}
