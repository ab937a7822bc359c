//! The program on a loopback port, and a door for events.

use std::{path::Path, sync::Arc, time::Duration};

use filingwire::{
    app::App,
    config::{Config, raw::Raw},
    keys::{KeyFile, NewKey},
};
use monitors::{
    clock::Clock,
    sighting::{Report, Sighting},
};
use protocol::{
    accession::Accession,
    cik::Cik,
    filing::{Filer, FilerRole, Filing, Source},
    time::Timestamp,
};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::{sync::mpsc, sync::oneshot, task::JoinHandle};
use tokio_tungstenite::Connector;

/// A running program.
pub(crate) struct Ground {
    pub(crate) url: String,
    pub(crate) key: String,
    /// How clients connect where it speaks TLS.
    pub(crate) connector: Option<Connector>,
    reports: mpsc::Sender<Report>,
    published: u32,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<anyhow::Result<()>>,
    _dir: tempfile::TempDir,
}

impl Ground {
    /// Starts one with a heartbeat each 200 ms.
    pub(crate) async fn start() -> Self {
        Self::start_by(|_, _| None).await
    }

    /// One that speaks TLS.
    pub(crate) async fn start_sealed() -> Self {
        Self::start_by(|raw, dir| Some(seal(raw, dir))).await
    }

    async fn start_by(change: impl FnOnce(&mut Raw, &Path) -> Option<Connector>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut raw = Raw::for_edgar("http://127.0.0.1:9", "a@b.org", "127.0.0.1:0", dir.path());
        raw.stream.heartbeat_ms = 200;
        let connector = change(&mut raw, dir.path());
        let config = Config::check(&raw).unwrap();
        let keys = KeyFile::new(config.keys_file());
        let key = keys
            .create(NewKey::named("test"), Timestamp::now())
            .unwrap();
        let (app, reports) = App::start_without_inflow(config, Clock::system())
            .await
            .unwrap();
        let scheme = if connector.is_some() { "wss" } else { "ws" };
        let url = format!("{scheme}://{}/v1/stream", app.addr());
        let (stop, stopped) = oneshot::channel();
        let keeper = reports.clone();
        let running = tokio::spawn(app.run_until(async move {
            let _ = stopped.await;
            // The updater ends with the last of its senders, and must not before.
            drop(keeper);
        }));
        Self {
            url,
            key,
            connector,
            reports,
            published: 0,
            stop: Some(stop),
            running,
            _dir: dir,
        }
    }

    /// Publishes filings of this form, numbered on, about the filers 1 to 10 in turn.
    pub(crate) async fn publish(&mut self, count: u32, form: &str) {
        for _ in 0..count {
            self.published += 1;
            let serial = self.published;
            let accession = Accession::new(Cik::new(1_999_999), 26, serial).unwrap();
            let mut filing = Filing::new(
                accession,
                form.parse().unwrap(),
                Source::Atom,
                Timestamp::now(),
            );
            let cik = Cik::new(u64::from(serial % 10) + 1);
            let name = "QUAYSIDE ROBOTICS (HOLDINGS) INC ".repeat(8);
            filing.filers = vec![Filer::new(cik, name, Some(FilerRole::Filer))];
            let sighting = Report::Sighted(Sighting { filing });
            self.reports.send(sighting).await.unwrap();
        }
    }

    /// Stops the program.
    pub(crate) async fn stop(mut self) {
        drop(self.reports);
        drop(self.stop.take());
        let ended = tokio::time::timeout(Duration::from_secs(20), self.running);
        ended.await.unwrap().unwrap().unwrap();
    }
}

/// Gives it a certificate for this machine; who connects trusts that.
fn seal(raw: &mut Raw, dir: &Path) -> Connector {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let put = |name: &str, text: String| {
        let path = dir.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    raw.tls.cert_file = put("cert.pem", made.cert.pem());
    raw.tls.key_file = put("key.pem", made.key_pair.serialize_pem());
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Connector::Rustls(Arc::new(config))
}
