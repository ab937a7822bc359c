//! Starts what watches EDGAR: the monitors, the watch over them, the list of tickers.

use std::collections::BTreeMap;

use monitors::{atom::AtomMonitor, efts::EftsMonitor, sighting::Report};
use protocol::{accession::Accession, filing::Source, time::Timestamp};
use tokio::sync::mpsc;

use super::Phased;
use crate::{
    config::Config, outages::Watch, source::SourceState, stream::Shared, tickers::Reading,
    updater::Order,
};

/// What those who watch EDGAR are started with.
pub(super) struct Watching {
    pub(super) reports: mpsc::Sender<Report>,
    pub(super) orders: mpsc::Sender<Order>,
    /// What was seen of late, so that the monitors need not tell it again.
    pub(super) recent: Vec<Accession>,
    /// `at` of the newest event in the log at the start.
    pub(super) last_event: Option<Timestamp>,
}

impl Watching {
    pub(super) fn start(self, inflow: &mut Phased, config: &Config, shared: &Shared) {
        let (status, clock) = (shared.status.clone(), shared.clock.clone());
        start_watch(
            inflow,
            Watch::new(status, clock, self.orders, self.last_event),
        );
        start_monitors(inflow, config, shared, &self.recent, self.reports);
        start_tickers(inflow, config, shared);
    }
}

/// The sources to be watched, before their first poll.
pub(super) fn sources(config: &Config) -> BTreeMap<Source, SourceState> {
    let atom = SourceState {
        poll_interval_ms: config.atom.poll_interval_ms.into(),
        closed_poll_interval_ms: config.atom.closed_poll_interval_ms.into(),
        ..SourceState::default()
    };
    let efts = SourceState {
        poll_interval_ms: config.efts.poll_interval_ms.into(),
        closed_poll_interval_ms: config.efts.poll_interval_ms.max(10_000).into(),
        ..SourceState::default()
    };
    let atom = config.atom.enabled.then_some((Source::Atom, atom));
    let efts = config.efts.enabled.then_some((Source::Efts, efts));
    atom.into_iter().chain(efts).collect()
}

fn start_monitors(
    inflow: &mut Phased,
    config: &Config,
    shared: &Shared,
    recent: &[Accession],
    reports: mpsc::Sender<Report>,
) {
    let (sec, clock) = (shared.sec.clone(), shared.clock.clone());
    if config.efts.enabled {
        let known = recent.iter().copied();
        let efts = EftsMonitor::new(
            config.efts.clone(),
            &config.edgar.efts_url,
            sec.clone(),
            known,
            clock.clone(),
        );
        let (reports, stop) = (reports.clone(), inflow.stop.clone());
        inflow.tasks.spawn("efts", async move {
            efts.run(reports, stop).await;
            Ok(())
        });
    }
    if config.atom.enabled {
        let known = recent.iter().copied();
        let atom = AtomMonitor::new(
            config.atom.clone(),
            &config.edgar.www_url,
            sec,
            known,
            clock,
        );
        let stop = inflow.stop.clone();
        inflow.tasks.spawn("atom", async move {
            atom.run(reports, stop).await;
            Ok(())
        });
    }
}

fn start_watch(inflow: &mut Phased, watch: Watch) {
    let stop = inflow.stop.clone();
    inflow.tasks.spawn("outages", async move {
        watch.run(stop).await;
        Ok(())
    });
}

fn start_tickers(inflow: &mut Phased, config: &Config, shared: &Shared) {
    let (tickers, sec) = (shared.tickers.clone(), shared.sec.clone());
    let reading = Reading::new(tickers, sec, &config.edgar.www_url, &config.data_dir);
    let stop = inflow.stop.clone();
    inflow.tasks.spawn("tickers", async move {
        reading.run(stop).await;
        Ok(())
    });
}
