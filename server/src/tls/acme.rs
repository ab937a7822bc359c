//! Certificates from an authority that speaks ACME, such as Let's Encrypt: asked for,
//! shown, and renewed when a third of their time is left.
//!
//! `rustls-acme` does the asking. The authority connects to port 443 of each name and asks
//! for a proof by TLS-ALPN-01, which is answered at the same door as everything else.
//! Elsewhere: where account and certificates are kept (`shelf`).
//!
//! Invariant: a certificate that is shown stays until there is a newer one, whatever the
//! authority does. One that says nothing is asked anew; one that does not believe us is
//! not asked more often than it allows.

use std::{
    fmt, io,
    path::Path,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use anyhow::Context;
use futures_util::StreamExt;
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

/// How long nothing may happen. The requests below have no deadlines of their own, and a
/// wait for a renewal looks the same: it is begun anew, which costs a read of the shelf.
const SILENCE: Duration = Duration::from_secs(60 * 60);

/// How long the shelf may take to give a certificate.
const SHELF_PATIENCE: Duration = Duration::from_secs(10);

/// Pause after the authority could not be spoken with; it doubles with each failure.
const UNREACHED_PAUSE: Duration = Duration::from_secs(10);

/// Pause after it did not believe us, likewise. Let's Encrypt turns a name away that failed
/// five times in an hour.
const UNBELIEVED_PAUSE: Duration = Duration::from_secs(5 * 60);

/// The longest pause.
const MOST_PAUSE: Duration = Duration::from_secs(60 * 60);

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
    /// Whether the certificate that is shown lies on the shelf.
    is_kept: bool,
    failures: u32,
}

impl Acme {
    /// Prepares everything; nobody is asked yet.
    ///
    /// # Errors
    /// When `tls.acme.ca_file` cannot be used.
    pub(super) fn open(asked: AcmeAsked, data_dir: &Path) -> anyhow::Result<Self> {
        let client = client(&asked)?;
        let shelf = Shelf::new(data_dir);
        let state = begin(&asked, &client, &shelf);
        Ok(Self {
            shown: Arc::new(Shown(RwLock::new(state.resolver()))),
            asked,
            client,
            shelf,
            state,
            is_kept: false,
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
                match timeout(SILENCE, self.state.next()).await {
                    Ok(event) => self.take(event.expect("it never ends")).await,
                    Err(_) if self.is_kept => self.begin_anew().await,
                    Err(_) => {}
                }
                metrics.tls.certificate_expires.set(self.shelf.expires());
            }
        })
        .await;
        Ok(())
    }

    async fn take(&mut self, event: Result<EventOk, Failure>) {
        match event {
            Ok(EventOk::DeployedCachedCert) => self.is_kept = true,
            Ok(EventOk::DeployedNewCert) => {
                (self.is_kept, self.failures) = (false, 0);
                tracing::info!(domains = ?self.asked.domains, "a new certificate is shown");
            }
            Ok(EventOk::CertCacheStore) => self.is_kept = true,
            Ok(EventOk::AccountCacheStore) => {}
            Err(failure) => {
                let pause = pause(&failure, self.failures);
                self.failures += 1;
                tracing::error!(
                    error = %failure,
                    again_in = ?pause,
                    "no certificate; port 443 of each of `tls.acme.domains` must lead here"
                );
                sleep(pause).await;
            }
        }
    }

    /// Goes on with what lies on the shelf; the certificate shown stays until that is.
    async fn begin_anew(&mut self) {
        let mut state = begin(&self.asked, &self.client, &self.shelf);
        let first = timeout(SHELF_PATIENCE, state.next()).await;
        if let Ok(Some(Ok(EventOk::DeployedCachedCert))) = first {
            let mut shown = self.shown.0.write().unwrap_or_else(PoisonError::into_inner);
            *shown = state.resolver();
            drop(shown);
            self.state = state;
        } else {
            tracing::error!(
                ?first,
                "the certificate in the data directory cannot be read"
            );
        }
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

/// How long not to ask after so many failures before this one.
fn pause(failure: &Failure, failures: u32) -> Duration {
    let first = match failure {
        EventError::Order(
            OrderError::BadAuth(_) | OrderError::BadOrder(_) | OrderError::TooManyAttemptsAuth(_),
        ) => UNBELIEVED_PAUSE,
        _ => UNREACHED_PAUSE,
    };
    first.saturating_mul(1 << failures.min(16)).min(MOST_PAUSE)
}

/// A client that trusts the authority's own roots, or those of the system.
fn client(asked: &AcmeAsked) -> anyhow::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    match &asked.ca_file {
        Some(file) => {
            let wrong = |what: &dyn fmt::Display| {
                let message = format!(
                    "`{}`: {what}; give the PEM file of the roots",
                    file.display()
                );
                ConfigError::new("tls.acme.ca_file", message)
            };
            let certificates = CertificateDer::pem_file_iter(file).map_err(|e| wrong(&e))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|error| wrong(&error))?;
                roots.add(certificate).map_err(|error| wrong(&error))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .context("cannot speak TLS")?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_believe_us_is_asked_four_times_in_an_hour_at_most() {
        let unbelieved = EventError::Order(OrderError::TooManyAttemptsAuth("e.com".into()));

        let mut at = Duration::ZERO;
        let asked = (0..20).filter(|failures| {
            let is_within = at < Duration::from_secs(60 * 60);
            at += pause(&unbelieved, *failures);
            is_within
        });

        assert!(asked.count() <= 4);
        assert_eq!(pause(&unbelieved, 20), MOST_PAUSE);
    }
}
