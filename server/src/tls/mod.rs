//! TLS of the doors: certificates, the handshake, and what comes after it.
//!
//! [`Tls`] makes a [`Stream`] of a new connection, which HTTP reads and writes. A websocket
//! takes the socket and its [`Cipher`] out of that. Certificates come from two files
//! ([`files`]) or from an authority ([`acme`]).
//!
//! Invariant: without a whole handshake nobody gets a byte of an answer. TLS 1.2 and 1.3
//! only, and only suites with forward secrecy: those are all that rustls has.

mod acme;
mod cipher;
mod files;
mod shelf;
mod stream;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
pub(crate) mod testing;

use std::{io, path::Path, sync::Arc, time::Duration};

use anyhow::Context;
use rustls::{
    ServerConfig,
    crypto::ring::{self, Ticketer},
    server::ResolvesServerCert,
    version::{TLS12, TLS13},
};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

pub(crate) use cipher::Cipher;
pub(crate) use stream::Stream;

use self::{acme::Acme, files::Files};
use crate::{
    config::{self, CertSource},
    metrics::Metrics,
    tasks::Tasks,
};

/// How a client asks for HTTP/2.
const HTTP2: &[u8] = b"h2";

/// How a client asks for HTTP/1.1, which a websocket begins with.
const HTTP1: &[u8] = b"http/1.1";

/// How an authority asks for the proof that a name is ours.
///
/// Source: RFC 8737, section 6.2.
const PROOF: &[u8] = b"acme-tls/1";

/// TLS as it is offered to new connections.
#[derive(Clone)]
pub(crate) struct Tls {
    /// For those who are served.
    serving: TlsAcceptor,
    /// For those who are only told why they are not.
    refusing: TlsAcceptor,
    is_strict: bool,
    metrics: Arc<Metrics>,
}

/// Where certificates come from, kept up by a task.
pub(crate) struct Certificates {
    source: Source,
    is_strict: bool,
}

enum Source {
    Files(Box<Files>),
    Acme(Box<Acme>),
}

impl Certificates {
    /// Reads what there is; what ACME has to get may still be missing.
    ///
    /// # Errors
    /// When a file cannot be used; it names the key and the remedy.
    pub(crate) fn open(config: &config::Tls, data_dir: &Path) -> anyhow::Result<Self> {
        let source = match &config.source {
            CertSource::Files(paths) => Source::Files(Box::new(Files::open(paths.clone())?)),
            CertSource::Acme(asked) => Source::Acme(Box::new(Acme::open(asked.clone(), data_dir)?)),
        };
        Ok(Self {
            source,
            is_strict: config.redirect_listen.is_some(),
        })
    }

    /// TLS with these certificates, and starts what keeps them up.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub(crate) fn serve(
        self,
        metrics: Arc<Metrics>,
        tasks: &mut Tasks,
        stop: CancellationToken,
    ) -> anyhow::Result<Tls> {
        let (serving, refusing) = match self.source {
            Source::Files(files) => {
                let shown = files.in_use();
                tasks.spawn("certificates", files.watch(metrics.clone(), stop));
                (
                    offer(shown.clone(), &[HTTP2, HTTP1])?,
                    offer(shown, &[HTTP1])?,
                )
            }
            Source::Acme(acme) => {
                let shown = acme.shown();
                tasks.spawn("certificates", acme.run(metrics.clone(), stop));
                (
                    offer(shown.clone(), &[HTTP2, HTTP1, PROOF])?,
                    offer(shown, &[HTTP1, PROOF])?,
                )
            }
        };
        Ok(Tls {
            serving: Arc::new(serving).into(),
            refusing: Arc::new(refusing).into(),
            is_strict: self.is_strict,
            metrics,
        })
    }
}

impl Tls {
    /// Whether clients are to be told to come with TLS only.
    pub(crate) fn is_strict(&self) -> bool {
        self.is_strict
    }

    /// The handshake; none if it fails, takes longer than `patience`, or was for a proof.
    pub(crate) async fn accept(&self, stream: TcpStream, patience: Duration) -> Option<Stream> {
        self.metrics.tls.handshakes.inc();
        match timeout(patience, self.serving.accept(stream)).await {
            Ok(Ok(stream)) => {
                let stream = Stream::Sealed(Box::new(stream));
                return (stream.protocol() != Some(PROOF)).then_some(stream);
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, "a connection ended in its TLS handshake");
                self.metrics.tls.failed("broken");
            }
            Err(_) => self.metrics.tls.failed("late"),
        }
        None
    }

    /// The handshake with somebody who is to be told why he is not served, over HTTP/1.1.
    ///
    /// # Errors
    /// When it fails.
    pub(crate) async fn accept_to_refuse(&self, stream: TcpStream) -> io::Result<Stream> {
        let stream = self.refusing.accept(stream).await?;
        Ok(Stream::Sealed(Box::new(stream)))
    }
}

fn offer(shown: Arc<dyn ResolvesServerCert>, protocols: &[&[u8]]) -> anyhow::Result<ServerConfig> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .context("cannot offer TLS")?
        .with_no_client_auth()
        .with_cert_resolver(shown);
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    // Thousands who come back at once need no new signature each, and we remember none of them.
    config.ticketer = Ticketer::new().context("the system gives no randomness")?;
    Ok(config)
}

/// When a certificate expires, in seconds since 1970; 0 if it does not say.
fn expires(der: &[u8]) -> u64 {
    let certificate = x509_parser::parse_x509_certificate(der);
    let end = certificate.map(|(_, read)| read.validity().not_after.timestamp());
    end.ok()
        .and_then(|end| u64::try_from(end).ok())
        .unwrap_or(0)
}
