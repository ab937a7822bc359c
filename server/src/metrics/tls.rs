//! Handshakes and the certificate, as metrics.

use prometheus_client::{
    metrics::{counter::Counter, family::Family},
    registry::{Registry, Unit},
};

use super::{ByReason, Count};

/// Why there was no connection after a TLS handshake was begun.
const FAILURES: [&str; 2] = ["broken", "late"];

/// What comes of TLS.
#[derive(Debug)]
pub(crate) struct Tls {
    /// TLS handshakes begun.
    pub(crate) handshakes: Counter,
    failures: Family<ByReason, Counter>,
    /// When the certificate that is shown expires, in seconds since 1970; 0 without one.
    pub(crate) certificate_expires: Count,
}

impl Default for Tls {
    fn default() -> Self {
        let failures: Family<ByReason, Counter> = Family::default();
        for reason in FAILURES {
            drop(failures.get_or_create(&ByReason { reason }));
        }
        Self {
            handshakes: Counter::default(),
            failures,
            certificate_expires: Count::default(),
        }
    }
}

impl Tls {
    /// A TLS handshake made no connection, for one of [`FAILURES`].
    pub(crate) fn failed(&self, reason: &'static str) {
        self.failures.get_or_create(&ByReason { reason }).inc();
    }

    pub(super) fn register(&self, r: &mut Registry) {
        let begun = self.handshakes.clone();
        r.register("handshakes", "TLS handshakes begun", begun);
        r.register(
            "handshakes_failed",
            "TLS handshakes that made no connection",
            self.failures.clone(),
        );
        r.register_with_unit(
            "certificate_expires",
            "When the certificate expires, since 1970; 0 without one",
            Unit::Seconds,
            self.certificate_expires.clone(),
        );
    }
}
