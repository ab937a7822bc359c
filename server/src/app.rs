//! The program as one thing: built, started, stopped.
//!
//! Starting: data directory, port, log, memory of the log, then the tasks, then ready.
//! Stopping, in phases: not ready and no new sessions; monitors and fetcher stop; the
//! updater drains and fsyncs; sessions are closed with 1001; HTTP stops. Nothing depends
//! on a clean stop: the log and the watermark are good at any moment.

use std::{
    collections::BTreeMap, fs, future::Future, io, net::SocketAddr, path::Path, sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};
use archive::{local::LocalBucket, staging::Staging};
use axum::serve::ListenerExt;
use monitors::{atom::AtomMonitor, clock::Clock, efts::EftsMonitor};
use protocol::{accession::Accession, filing::Source};
use sec_client::SecClient;
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::{mpsc, watch},
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    config::Config,
    fetch::{Fetcher, Parts},
    http,
    keys::{KeyFile, KeyRing},
    log,
    metrics::Metrics,
    seen::{Recall, recall},
    status::{Phase, SourceState, Status},
    stream::{Sessions, Shared},
    tasks::Tasks,
    updater::{Archived, Inbox, Retention, Updater},
};

/// Reports and archived filings that may wait for the updater.
const INBOX_MAX: usize = 1024;

/// Connections the kernel may hold for us to accept: a thousand clients come back at once.
const BACKLOG: u32 = 4096;

/// How often the key file is looked at: a revoked key's sockets close within a second.
const KEYS_INTERVAL: Duration = Duration::from_millis(250);

/// How long each phase of stopping may take.
const GRACE: Duration = Duration::from_secs(10);

/// The running program.
#[derive(Debug)]
pub struct App {
    addr: SocketAddr,
    shared: Arc<Shared>,
    /// Monitors and fetcher: what brings work.
    inflow: Phased,
    updater: Tasks,
    /// HTTP and what serves it.
    doors: Phased,
}

#[derive(Debug, Default)]
struct Phased {
    tasks: Tasks,
    stop: CancellationToken,
}

impl App {
    /// Starts everything; the program serves when this returns. `clock` is EDGAR's, so
    /// that a simulated day can be served at any hour.
    ///
    /// # Errors
    /// When the data directory, the port, the log or the key file cannot be used; each
    /// with what to do about it.
    pub async fn start(config: Config, clock: Clock) -> anyhow::Result<Self> {
        prepare_data_dir(&config.data_dir)?;
        let listener = listen(config.listen)?;
        let addr = listener.local_addr()?;
        let (writer, reader) = log::open(&config.data_dir)?;
        let recalling = reader.clone();
        let Recall {
            seen,
            recent,
            tally,
        } = tokio::task::spawn_blocking(move || recall(&recalling)).await??;
        let status = Arc::new(Status::new(clock.now(), sources(&config), tally));
        let metrics = Arc::new(Metrics::new());
        let sec = SecClient::new(config.edgar.client.clone())?;
        let (keys, keys_changes) =
            watch::channel(Arc::new(KeyFile::new(config.keys_file()).read()?));

        let (reports_in, reports) = mpsc::channel(INBOX_MAX);
        let (archived_in, archived) = mpsc::channel(INBOX_MAX);
        let mut updater = Tasks::default();
        let work = Updater {
            log: writer,
            seen,
            status: status.clone(),
            metrics: metrics.clone(),
            clock: clock.clone(),
            retention: config.log_retention.map(Retention::new),
        };
        updater.spawn_blocking("updater", move || work.run(Inbox { reports, archived }));

        let shared = Arc::new(Shared {
            log: reader,
            status,
            metrics,
            sec,
            clock,
            keys: keys_changes,
            auth_required: config.auth_required,
            stream: config.stream.clone(),
            sessions: Sessions::default(),
            closing: CancellationToken::new(),
        });
        let mut inflow = Phased::default();
        start_fetcher(&mut inflow, &config, &shared, archived_in)?;
        start_monitors(&mut inflow, &config, &shared, &recent, reports_in);
        let mut doors = Phased::default();
        doors.tasks.spawn(
            "keys",
            watch_keys(KeyFile::new(config.keys_file()), keys, doors.stop.clone()),
        );
        doors
            .tasks
            .spawn("summary", summarize(shared.clone(), doors.stop.clone()));
        doors
            .tasks
            .spawn("http", serve(listener, shared.clone(), doors.stop.clone()));
        shared.status.enter(Phase::Running);
        tracing::info!(%addr, epoch = %shared.log.epoch(), head = %shared.log.tip(), "ready");
        Ok(Self {
            addr,
            shared,
            inflow,
            updater,
            doors,
        })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Runs until `stop` completes, then stops cleanly.
    ///
    /// # Errors
    /// When a task ends by itself, which none should; the program has stopped then.
    pub async fn run_until(mut self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let mut ended = tokio::select! {
            () = stop => return self.stop().await,
            ended = self.updater.next_end() => ended,
            ended = self.inflow.tasks.next_end() => ended,
            ended = self.doors.tasks.next_end() => ended,
        };
        if ended.1.is_ok() {
            // Monitors and fetcher end when the updater is gone: then its failure is the cause.
            let cause = timeout(Duration::from_secs(1), self.updater.next_end()).await;
            ended = cause.unwrap_or(ended);
        }
        let (name, result) = ended;
        let failure = match result {
            Ok(()) => anyhow::anyhow!("the task `{name}` ended by itself"),
            Err(error) => error.context(format!("the task `{name}` failed")),
        };
        self.stop().await?;
        Err(failure)
    }

    async fn stop(mut self) -> anyhow::Result<()> {
        tracing::info!("stopping");
        self.shared.status.enter(Phase::Draining);
        self.inflow.stop.cancel();
        let mut stuck = self.inflow.tasks.finish(GRACE).await;
        // Their ends of the channels are gone with them, so the updater drains and ends.
        stuck.extend(self.updater.finish(GRACE).await);
        self.shared.closing.cancel();
        self.doors.stop.cancel();
        stuck.extend(self.doors.tasks.finish(GRACE).await);
        if stuck.is_empty() {
            tracing::info!("stopped");
            return Ok(());
        }
        bail!("still running after the grace period: {}", stuck.join(", "))
    }
}

fn prepare_data_dir(dir: &Path) -> anyhow::Result<()> {
    let shown = dir.display();
    let remedy = || {
        format!(
            "cannot write to the data directory `{shown}`; check its permissions and `data_dir`"
        )
    };
    fs::create_dir_all(dir).with_context(remedy)?;
    let probe = dir.join(".writable");
    fs::write(&probe, b"")
        .and_then(|()| fs::remove_file(&probe))
        .with_context(remedy)
}

fn listen(addr: SocketAddr) -> anyhow::Result<TcpListener> {
    let bind = || -> io::Result<TcpListener> {
        let socket = if addr.is_ipv4() {
            TcpSocket::new_v4()
        } else {
            TcpSocket::new_v6()
        }?;
        socket.set_reuseaddr(true)?;
        socket.bind(addr)?;
        socket.listen(BACKLOG)
    };
    bind().map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => anyhow::anyhow!(
            "port {} of {} is in use; stop the other program or choose another address with --listen",
            addr.port(),
            addr.ip()
        ),
        _ => anyhow::Error::from(error).context(format!("cannot listen on {addr}; check `listen`")),
    })
}

/// The sources to be watched, before their first poll.
fn sources(config: &Config) -> BTreeMap<Source, SourceState> {
    let atom = (
        Source::Atom,
        config.atom.enabled,
        config.atom.poll_interval_ms,
    );
    let efts = (
        Source::Efts,
        config.efts.enabled,
        config.efts.poll_interval_ms,
    );
    let watched = [atom, efts].into_iter().filter(|(_, enabled, _)| *enabled);
    watched
        .map(|(source, _, ms)| {
            (
                source,
                SourceState {
                    poll_interval_ms: ms.into(),
                    ..SourceState::default()
                },
            )
        })
        .collect()
}

fn start_fetcher(
    inflow: &mut Phased,
    config: &Config,
    shared: &Arc<Shared>,
    archived: mpsc::Sender<Archived>,
) -> anyhow::Result<()> {
    let cannot = |dir: &Path| {
        format!(
            "cannot use the folder `{}`; check its permissions",
            dir.display()
        )
    };
    let staging = config.data_dir.join("staging");
    let parts = Parts {
        log: shared.log.clone(),
        watermark: log::watermark(&config.data_dir, &shared.log, "fetch")?,
        sec: shared.sec.clone(),
        www_url: config.edgar.www_url.clone(),
        staging: Staging::open(&staging).with_context(|| cannot(&staging))?,
        bucket: Arc::new(
            LocalBucket::open(&config.archive_dir).with_context(|| cannot(&config.archive_dir))?,
        ),
        status: shared.status.clone(),
        metrics: shared.metrics.clone(),
        clock: shared.clock.clone(),
    };
    inflow.tasks.spawn(
        "fetcher",
        Fetcher::new(parts).run(archived, inflow.stop.clone()),
    );
    Ok(())
}

fn start_monitors(
    inflow: &mut Phased,
    config: &Config,
    shared: &Arc<Shared>,
    recent: &[Accession],
    reports: mpsc::Sender<monitors::sighting::Report>,
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

async fn serve(
    listener: TcpListener,
    shared: Arc<Shared>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let listener = listener.tap_io(|socket| {
        // Without it a frame waits for the peer to acknowledge the one before.
        let _ = socket.set_nodelay(true);
    });
    let service = http::router(shared.clone()).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await?;
    shared.sessions.all_closed().await;
    Ok(())
}

/// Reads the key file again when it was replaced or a key's time is up.
async fn watch_keys(
    file: KeyFile,
    keys: watch::Sender<Arc<KeyRing>>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut version = file.version();
    let mut ticks = interval(KEYS_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let clock = Clock::system();
    let mut looked_at = clock.now();
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        let now = clock.now();
        if file.version() != version {
            version = file.version();
            match file.read() {
                Ok(ring) => drop(keys.send_replace(Arc::new(ring))),
                Err(error) => {
                    tracing::error!(error = format!("{error:#}"), "API keys stay as they were")
                }
            }
        } else if keys.borrow().any_expired_between(looked_at, now) {
            keys.send_modify(|_| {});
        }
        looked_at = now;
    }
    Ok(())
}

/// One line a minute for the operator.
async fn summarize(shared: Arc<Shared>, stop: CancellationToken) -> anyhow::Result<()> {
    let mut ticks = interval(Duration::from_secs(60));
    ticks.reset();
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        let (tally, fetch) = (shared.status.tally(), shared.status.fetch());
        tracing::info!(
            head = %shared.log.tip(),
            seen_today = tally.seen,
            archived_today = tally.archived,
            backlog = fetch.backlog,
            sessions = shared.metrics.sessions.get(),
            complete_through = shared.status.complete_through().map(tracing::field::display),
            "summary"
        );
    }
    Ok(())
}
