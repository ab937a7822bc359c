//! Certificates from an authority that speaks ACME, such as Let's Encrypt: asked for,
//! shown, and renewed when a third of their time is left.
//!
//! `rustls-acme` does the asking. The authority connects to port 443 of each name and asks
//! for a proof by TLS-ALPN-01, which is answered at the same door as everything else.
//! Elsewhere: where account and certificates are kept (`shelf`).
//!
//! Invariant: a certificate that is shown stays until there is a newer one, whatever the
//! authority and the disk do. One that says nothing is asked anew; one that does not
//! believe us is not asked more often than it allows.

use std::{
    fmt, io,
    path::Path,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use anyhow::Context;
use futures_util::{FutureExt, StreamExt};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use rustls_acme::{AcmeConfig, AcmeState, EventError, EventOk, OrderError, ResolvesServerCertAcme};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::shelf::Shelf;
use crate::{
    config::{AcmeAsked, ConfigError},
    metrics::Metrics,
};

/// How long is waited for what.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// How long nothing may happen. The requests below have no deadlines of their own, and a
    /// wait for a renewal looks the same: it is begun anew, which costs a look at the shelf.
    silence: Duration,
    /// Pause after the authority could not be spoken with; it doubles with each failure.
    unreached: Duration,
    /// Pause after it did not believe us, likewise. Let's Encrypt turns a name away that
    /// failed five times in an hour.
    unbelieved: Duration,
    /// The longest pause.
    most: Duration,
}

const PATIENCE: Patience = Patience {
    silence: Duration::from_secs(60 * 60),
    unreached: Duration::from_secs(10),
    unbelieved: Duration::from_secs(5 * 60),
    most: Duration::from_secs(60 * 60),
};

type State = AcmeState<io::Error, io::Error>;
type Failure = EventError<io::Error, io::Error>;

/// What is shown to who connects: the certificate, or a proof.
#[derive(Debug)]
pub(super) struct Shown(RwLock<Arc<ResolvesServerCertAcme>>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let shown = self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        shown.resolve(hello)
    }
}

/// The one who asks.
pub(super) struct Acme {
    asked: AcmeAsked,
    client: Arc<ClientConfig>,
    shelf: Shelf,
    state: State,
    shown: Arc<Shown>,
    patience: Patience,
    failures: u32,
}

impl Acme {
    /// Prepares everything; nobody is asked yet.
    ///
    /// # Errors
    /// When `tls.acme.ca_file` cannot be used.
    pub(super) fn open(asked: AcmeAsked, data_dir: &Path) -> anyhow::Result<Self> {
        Self::with(asked, Shelf::new(data_dir), PATIENCE)
    }

    fn with(asked: AcmeAsked, shelf: Shelf, patience: Patience) -> anyhow::Result<Self> {
        let client = client(&asked)?;
        let state = begin(&asked, &client, &shelf);
        Ok(Self {
            shown: Arc::new(Shown(RwLock::new(state.resolver()))),
            asked,
            client,
            shelf,
            state,
            patience,
            failures: 0,
        })
    }

    /// What new connections are shown.
    pub(super) fn shown(&self) -> Arc<Shown> {
        self.shown.clone()
    }

    /// Asks and renews until `stop`.
    pub(super) async fn run(
        mut self,
        metrics: Arc<Metrics>,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        stop.run_until_cancelled(async {
            loop {
                metrics.tls.certificate_expires.set(self.shelf.expires());
                match timeout(self.patience.silence, self.state.next()).await {
                    Ok(event) => self.take(event.expect("it never ends")).await,
                    Err(_) => {
                        if self.shelf.expires() == 0 {
                            tracing::error!("the ACME authority says nothing; it is asked anew");
                        }
                        self.begin_anew();
                    }
                }
            }
        })
        .await;
        Ok(())
    }

    async fn take(&mut self, event: Result<EventOk, Failure>) {
        match event {
            Ok(EventOk::DeployedNewCert) => {
                self.failures = 0;
                tracing::info!(domains = ?self.asked.domains, "a new certificate is shown");
            }
            Ok(_) => {}
            Err(failure) => self.bear(&failure).await,
        }
    }

    /// Tells of a failure. After one of the authority's it is asked anew: the pause is ours
    /// then, not that of `rustls-acme`, which grows to 18 hours.
    async fn bear(&mut self, failure: &Failure) {
        let fault = Fault::of(failure);
        if fault == Fault::Shelf {
            tracing::error!(error = %failure, "{fault}");
            return; // The state goes on with what it has.
        }
        let pause = self.patience.pause(fault, self.failures);
        self.failures += 1;
        let has_certificate = self.shelf.expires() > 0;
        tracing::error!(error = %failure, again_in = ?pause, has_certificate, "{fault}");
        sleep(pause).await;
        self.begin_anew();
    }

    /// Goes on with what is on the shelf. What that ever had it gives at once, so the first
    /// step already shows it and nobody meets a gap.
    fn begin_anew(&mut self) {
        self.state = begin(&self.asked, &self.client, &self.shelf);
        let _ = self.state.next().now_or_never();
        let mut shown = self.shown.0.write().unwrap_or_else(PoisonError::into_inner);
        *shown = self.state.resolver();
    }
}

impl fmt::Debug for Acme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acme")
            .field("asked", &self.asked)
            .finish_non_exhaustive()
    }
}

fn begin(asked: &AcmeAsked, client: &Arc<ClientConfig>, shelf: &Shelf) -> State {
    AcmeConfig::new_with_client_config(&asked.domains, client.clone())
        .contact(&asked.contact)
        .directory(&asked.directory_url)
        .cache(shelf.clone())
        .state()
}

/// Whose fault it is that there is no new certificate, or that it is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The authority did not find its proof.
    Unbelieved,
    /// It could not be spoken with, or wants something else.
    Unreached,
    /// What is to be kept cannot be read or written.
    Shelf,
}

impl Fault {
    fn of(failure: &Failure) -> Self {
        match failure {
            EventError::Order(
                OrderError::BadAuth(_)
                | OrderError::BadOrder(_)
                | OrderError::TooManyAttemptsAuth(_),
            ) => Self::Unbelieved,
            EventError::Order(_) | EventError::NewCertParse(_) => Self::Unreached,
            EventError::CertCacheLoad(_)
            | EventError::CertCacheStore(_)
            | EventError::CachedCertParse(_)
            | EventError::AccountCacheLoad(_)
            | EventError::AccountCacheStore(_) => Self::Shelf,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unbelieved => {
                "the ACME authority finds no proof; \
                 port 443 of each of `tls.acme.domains` must lead here"
            }
            Self::Unreached => "the ACME authority cannot be reached or refuses",
            Self::Shelf => {
                "account or certificate cannot be kept in `acme` of the data directory; \
                 after a restart there is a new one"
            }
        })
    }
}

impl Patience {
    /// How long not to ask after so many failures before this one.
    fn pause(&self, fault: Fault, failures: u32) -> Duration {
        let first = match fault {
            Fault::Unbelieved => self.unbelieved,
            Fault::Unreached | Fault::Shelf => self.unreached,
        };
        first.saturating_mul(1 << failures.min(16)).min(self.most)
    }
}

/// A client that trusts the authority's own roots, or those of the system.
fn client(asked: &AcmeAsked) -> anyhow::Result<Arc<ClientConfig>> {
    let roots = match &asked.ca_file {
        Some(file) => roots_of(file)?,
        None => roots_of_the_system()?,
    };
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .context("cannot speak TLS")?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn roots_of(file: &Path) -> Result<RootCertStore, ConfigError> {
    let wrong = |what: &dyn fmt::Display| {
        let message = format!(
            "`{}`: {what}; give the PEM file of the roots",
            file.display()
        );
        ConfigError::new("tls.acme.ca_file", message)
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| wrong(&error))? {
        let certificate = certificate.map_err(|error| wrong(&error))?;
        roots.add(certificate).map_err(|error| wrong(&error))?;
    }
    if roots.is_empty() {
        return Err(wrong(&"it holds no certificate"));
    }
    Ok(roots)
}

fn roots_of_the_system() -> Result<RootCertStore, ConfigError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        let message = "is missing, and this system has no roots; \
                       install ca-certificates or give the PEM file of the roots";
        return Err(ConfigError::new("tls.acme.ca_file", message));
    }
    Ok(roots)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs;

    use rustls_acme::CertCache;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
        task::JoinHandle,
    };

    use super::*;
    use crate::tls::testing::{Issued, handshake_with};

    const SOON: Duration = Duration::from_millis(1);
    const LATE: Duration = Duration::from_secs(60);

    /// Nothing is waited for long.
    const HASTE: Patience = Patience {
        silence: LATE,
        unreached: SOON,
        unbelieved: SOON,
        most: SOON,
    };

    /// An authority on loopback that is asked over plain TCP, and who asks it.
    struct House {
        dir: tempfile::TempDir,
        authority: TcpListener,
        ours: Issued,
    }

    impl House {
        async fn open() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let ours = Issued::by_itself();
            fs::write(dir.path().join("roots.pem"), &ours.chain).unwrap();
            Self {
                dir,
                authority: TcpListener::bind("127.0.0.1:0").await.unwrap(),
                ours,
            }
        }

        fn asked(&self) -> AcmeAsked {
            AcmeAsked {
                domains: vec!["localhost".into()],
                contact: Vec::new(),
                directory_url: format!("http://{}/", self.authority.local_addr().unwrap()),
                ca_file: Some(self.dir.path().join("roots.pem")),
            }
        }

        fn shelf(&self) -> Shelf {
            Shelf::new(self.dir.path())
        }

        fn run(&self, patience: Patience) -> JoinHandle<anyhow::Result<()>> {
            let acme = Acme::with(self.asked(), self.shelf(), patience).unwrap();
            tokio::spawn(acme.run(Arc::new(Metrics::new()), CancellationToken::new()))
        }

        async fn is_asked(&self) -> TcpStream {
            timeout(LATE, self.authority.accept())
                .await
                .unwrap()
                .unwrap()
                .0
        }
    }

    #[test]
    fn who_does_not_believe_us_is_asked_four_times_in_an_hour_at_most() {
        let unbelieved = EventError::Order(OrderError::TooManyAttemptsAuth("e.com".into()));
        let fault = Fault::of(&unbelieved);

        let mut at = Duration::ZERO;
        let asked = (0..20).filter(|failures| {
            let is_within = at < Duration::from_secs(60 * 60);
            at += PATIENCE.pause(fault, *failures);
            is_within
        });

        assert!(asked.count() <= 4);
        assert_eq!(PATIENCE.pause(fault, 20), PATIENCE.most);
    }

    #[tokio::test]
    async fn an_authority_that_says_nothing_is_asked_anew() {
        let house = House::open().await;
        let silence = Duration::from_millis(100);
        let asking = house.run(Patience { silence, ..HASTE });

        for _ in 0..3 {
            let mut unanswered = house.is_asked().await;
            let mut request = Vec::new();
            let given_up = timeout(LATE, unanswered.read_to_end(&mut request)).await;

            given_up.unwrap().unwrap();
            assert!(request.starts_with(b"GET / "), "{request:?}");
        }
        asking.abort();
    }

    #[tokio::test]
    async fn an_authority_that_fails_for_long_is_asked_at_our_own_pace() {
        let house = House::open().await;
        let asking = house.run(HASTE);

        // The pauses of `rustls-acme` itself would last for twelve days.
        for _ in 0..20 {
            let mut asked = house.is_asked().await;
            let answer = b"HTTP/1.1 500 Out\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            asked.write_all(answer).await.unwrap();
        }
        asking.abort();
    }

    #[tokio::test]
    async fn what_the_disk_did_not_take_is_shown_without_a_gap_and_not_asked_for_again() {
        let house = House::open().await;
        let (asked, shelf) = (house.asked(), house.shelf());
        let pem = format!("{}{}", house.ours.key, house.ours.chain);
        fs::write(house.dir.path().join("acme"), "no folder").unwrap();
        let unkept = shelf.store_cert(&asked.domains, &asked.directory_url, pem.as_bytes());
        assert!(unkept.await.is_err());
        let mut acme = Acme::with(asked, shelf, HASTE).unwrap();

        for _ in 0..20 {
            acme.begin_anew();
            let (client, _) = handshake_with(acme.shown(), &house.ours);
            assert_eq!(
                client.peer_certificates().unwrap()[0].to_vec(),
                house.ours.der
            );
            let event = timeout(Duration::from_millis(5), acme.state.next()).await;
            assert!(event.is_err(), "it waits for the renewal");
        }

        assert!(house.authority.accept().now_or_never().is_none());
    }

    #[test]
    fn roots_are_a_file_with_certificates() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("roots.pem");
        let issued = Issued::by_itself();
        let wrong = |text: &str| {
            fs::write(&file, text).unwrap();
            roots_of(&file).unwrap_err()
        };

        for error in [wrong(""), wrong(&issued.key)] {
            assert_eq!(error.key, "tls.acme.ca_file");
            assert!(error.message.contains("holds no certificate"), "{error}");
        }
        fs::write(&file, issued.chain).unwrap();
        assert_eq!(roots_of(&file).unwrap().len(), 1);
    }
}
