//! The program on a loopback port, and a door for events.

use std::time::Duration;

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
use tokio::{sync::mpsc, sync::oneshot, task::JoinHandle};

/// A running program.
pub(crate) struct Ground {
    pub(crate) url: String,
    pub(crate) key: String,
    reports: mpsc::Sender<Report>,
    published: u32,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<anyhow::Result<()>>,
    _dir: tempfile::TempDir,
}

impl Ground {
    /// Starts one with a heartbeat each 200 ms.
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut raw = Raw::for_edgar("http://127.0.0.1:9", "a@b.org", "127.0.0.1:0", dir.path());
        raw.stream.heartbeat_ms = 200;
        let config = Config::check(&raw).unwrap();
        let keys = KeyFile::new(config.keys_file());
        let key = keys
            .create(NewKey::named("test"), Timestamp::now())
            .unwrap();
        let (app, reports) = App::start_without_inflow(config, Clock::system())
            .await
            .unwrap();
        let url = format!("ws://{}/v1/stream", app.addr());
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
