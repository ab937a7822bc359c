//! Every key with its default: the tree as it stands in the file.
//!
//! `Raw::default()` is also the list of all keys and of their types, so a key exists in
//! one place only. An empty text means "not set".

use std::{fmt, path::Path};

use archive::key::Layout;
use serde::{Deserialize, Serialize};

/// The whole tree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Raw {
    /// Address of HTTP and the websocket. Default 127.0.0.1:8080: not reachable from
    /// outside until somebody decides it.
    pub listen: String,
    /// Everything the program writes is below. Default ./filingwire-data.
    pub data_dir: String,
    /// Days that events are kept in the log, 0 for ever. Default 0: a filing event has
    /// about 600 bytes, a year about two gigabytes.
    pub log_retention_days: u32,
    /// Bytes of events in one file of the log, 4096 to 1073741824. Default 67108864: some
    /// days of EDGAR, so that few files are open and old ones go by whole files.
    pub log_segment_bytes: u32,
    /// TLS of HTTP and the websocket.
    pub tls: Tls,
    /// How EDGAR is reached.
    pub edgar: Edgar,
    /// What watches EDGAR.
    pub monitors: Monitors,
    /// Where submissions are kept.
    pub archive: Archive,
    /// How much of the disk is kept free.
    pub disk: Disk,
    /// The view of the log that `/v1/filings` is answered from.
    pub catalog: Catalog,
    /// When days are proven complete.
    pub reconcile: Reconcile,
    /// Who may connect.
    pub auth: Auth,
    /// How the stream behaves.
    pub stream: Stream,
}

/// TLS of HTTP and the websocket: with it `listen` speaks nothing else.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// PEM file of the certificate and its chain. Read again when it was replaced.
    pub cert_file: String,
    /// PEM file of the certificate's key.
    pub key_file: String,
    /// Address where plain HTTP is answered with where TLS is. Default none.
    pub redirect_listen: String,
    /// Certificates by themselves, instead of files.
    pub acme: Acme,
}

/// Certificates from an authority that speaks ACME.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Acme {
    /// The server's names. Default none: nobody is asked.
    pub domains: Vec<String>,
    /// E-mail address that the authority may write to. Default none.
    pub contact: String,
    /// The authority's directory. Default Let's Encrypt's.
    pub directory_url: String,
    /// PEM file of the roots by which the directory is trusted. Default the system's.
    pub ca_file: String,
}

/// How EDGAR is reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Edgar {
    /// E-mail address for the User-Agent, which the SEC asks for. No default.
    pub contact: String,
    /// Scheme and host of the site. Default the SEC's; a simulator's for tests.
    pub www_url: String,
    /// Scheme and host of the full-text search index. Default the SEC's.
    pub efts_url: String,
    /// Scheme and host of the data service, which is asked for nothing. Default the SEC's.
    pub data_url: String,
    /// One budget for all requests of the process, 1 to 10. Default 8: the SEC's limit
    /// is 10, and users were blocked at 9.7.
    pub requests_per_second: u32,
    /// Milliseconds without any request after a block page. Default 600000: the SEC lifts
    /// a block after ten quiet minutes.
    pub block_ms: u32,
}

/// What watches EDGAR.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Monitors {
    /// The feed of latest filings.
    pub atom: Atom,
    /// The full-text search index.
    pub efts: Efts,
}

/// The monitor of the feed of latest filings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Atom {
    /// Whether it runs. Default true.
    pub enabled: bool,
    /// Milliseconds between polls while EDGAR is open. Default 250: half of the request
    /// budget, for an eighth of a second between listing and sighting on average.
    pub poll_interval_ms: u32,
    /// Milliseconds between polls at night and on weekends, at most 10000. Default 2000:
    /// hardly anything appears then, but the source should be seen to live.
    pub closed_poll_interval_ms: u32,
}

/// The monitor of the full-text search index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Efts {
    /// Whether it runs. Default true.
    pub enabled: bool,
    /// Milliseconds between polls while EDGAR is open. Default 30000: a poll that finds
    /// something reads the whole day, and the feed must not wait for that too often.
    pub poll_interval_ms: u32,
}

/// Where submissions are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Archive {
    /// `file:DIR`, relative to `data_dir`, or `s3:BUCKET`. Default `file:`, the folder
    /// `archive` there.
    pub bucket: String,
    /// The bucket of inventories and of each day's events, likewise. Default the same.
    pub inventory_bucket: String,
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
    /// Bytes of submissions that may wait on the disk for a bucket that does not take them;
    /// then downloads pause. Default 16 GiB: five usual days of EDGAR, or one like the
    /// busiest there was (2.9 GB and 14 GB as objects).
    pub backlog_max_bytes: u64,
    /// The server of buckets of S3.
    pub s3: S3,
}

/// How much of the disk is kept free.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Disk {
    /// Free bytes below which no submissions are downloaded, so that the log can go on; at
    /// least 32 MiB. Default 1 GiB: half a year of the log.
    pub reserve_bytes: u64,
}

/// The view of the log that `/v1/filings` is answered from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Catalog {
    /// Whether it is kept. Default true: it costs the disk as much again as a tenth to a
    /// third of the log, and nobody waits for it.
    pub enabled: bool,
}

/// The server of buckets of S3.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct S3 {
    /// Scheme and host of the server. Default that of AWS.
    pub endpoint: String,
    /// The server's region. Default what the AWS chain finds, or `us-east-1`.
    pub region: String,
    /// The name of the secret. Default what the AWS chain finds: environment, profile, role.
    pub access_key_id: String,
    /// The secret. Default what the AWS chain finds.
    pub secret_access_key: Secret,
    /// Whether the bucket is named in the path and not in the host. Default false, as AWS
    /// wants it; MinIO, Garage and Ceph want true unless they are set up with a domain.
    pub path_style: bool,
}

/// A text that is shown nowhere.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "unset" } else { "set" })
    }
}

/// When days are proven complete against EDGAR's own index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reconcile {
    /// Whether it is done every night. Default true; `filingwire reconcile` does it on
    /// request in either case.
    pub enabled: bool,
    /// When, in New York. Default 22:30: EDGAR writes the index of a day at about 22:07.
    pub at: String,
    /// Milliseconds without one more submission after which a day is sealed all the same,
    /// naming those that are missing. Default 900000: longer than a block by the SEC.
    pub archive_wait_ms: u32,
}

/// Who may connect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// Whether an API key is needed. Default true; false only on a loopback address.
    pub required: bool,
    /// Requests without an API key per second and address, ten times as many at once; 0
    /// for any number. Default 100: a hundred people behind one address can watch the
    /// live page. Set 0 behind a reverse proxy, which gives everybody its own address.
    pub anonymous_requests_per_second: u32,
}

/// How the stream behaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Stream {
    /// Milliseconds between heartbeats. Default 15000: below the idle limit of proxies.
    pub heartbeat_ms: u32,
    /// Most sessions at a time. Default 15000: below the usual limit of open files.
    pub max_connections: u32,
    /// Most connections of one address, which is an IPv4 address or an IPv6 /64, at a
    /// time; 0 for any number. Default 1000: one address cannot take the places of all
    /// others. Loopback is exempt: behind a reverse proxy on this machine everybody has
    /// that address.
    pub max_connections_per_address: u32,
}

impl Raw {
    /// The tree without what nobody must see.
    #[must_use]
    pub fn without_secrets(mut self) -> Self {
        let secret = &mut self.archive.s3.secret_access_key.0;
        if !secret.is_empty() {
            *secret = "(set, not shown)".into();
        }
        self
    }

    /// The defaults, for an EDGAR that serves everything under one URL, such as a
    /// simulated one.
    #[must_use]
    pub fn for_edgar(url: &str, contact: &str, listen: &str, data_dir: &Path) -> Self {
        Self {
            listen: listen.to_owned(),
            data_dir: data_dir.display().to_string(),
            edgar: Edgar {
                contact: contact.to_owned(),
                www_url: url.to_owned(),
                efts_url: url.to_owned(),
                data_url: url.to_owned(),
                ..Edgar::default()
            },
            ..Self::default()
        }
    }
}

impl Default for Raw {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".into(),
            data_dir: "./filingwire-data".into(),
            log_retention_days: 0,
            log_segment_bytes: 64 << 20,
            tls: Tls::default(),
            edgar: Edgar::default(),
            monitors: Monitors::default(),
            archive: Archive::default(),
            disk: Disk::default(),
            catalog: Catalog::default(),
            reconcile: Reconcile::default(),
            auth: Auth::default(),
            stream: Stream::default(),
        }
    }
}

impl Default for Acme {
    fn default() -> Self {
        Self {
            domains: Vec::new(),
            contact: String::new(),
            directory_url: "https://acme-v02.api.letsencrypt.org/directory".into(),
            ca_file: String::new(),
        }
    }
}

impl Default for Edgar {
    fn default() -> Self {
        Self {
            contact: String::new(),
            www_url: "https://www.sec.gov".into(),
            efts_url: "https://efts.sec.gov".into(),
            data_url: "https://data.sec.gov".into(),
            requests_per_second: 8,
            block_ms: 600_000,
        }
    }
}

impl Default for Atom {
    fn default() -> Self {
        Self {
            enabled: true,
            poll_interval_ms: 250,
            closed_poll_interval_ms: 2_000,
        }
    }
}

impl Default for Efts {
    fn default() -> Self {
        Self {
            enabled: true,
            poll_interval_ms: 30_000,
        }
    }
}

impl Default for Archive {
    fn default() -> Self {
        let layout = Layout::default();
        Self {
            bucket: "file:".into(),
            inventory_bucket: String::new(),
            sgml_folder: layout.sgml_folder,
            tar_folder: layout.tar_folder,
            xbrl_folder: layout.xbrl_folder,
            inventory_folder: layout.inventory_folder,
            missing_folder: layout.missing_folder,
            events_folder: layout.events_folder,
            backlog_max_bytes: 16 << 30,
            s3: S3::default(),
        }
    }
}

impl Default for Disk {
    fn default() -> Self {
        Self {
            reserve_bytes: 1 << 30,
        }
    }
}

impl Default for Catalog {
    fn default() -> Self {
        Self { enabled: true }
    }
}

impl Default for Reconcile {
    fn default() -> Self {
        Self {
            enabled: true,
            at: "22:30".into(),
            archive_wait_ms: 900_000,
        }
    }
}

impl Default for Auth {
    fn default() -> Self {
        Self {
            required: true,
            anonymous_requests_per_second: 100,
        }
    }
}

impl Default for Stream {
    fn default() -> Self {
        Self {
            heartbeat_ms: 15_000,
            max_connections: 15_000,
            max_connections_per_address: 1_000,
        }
    }
}
