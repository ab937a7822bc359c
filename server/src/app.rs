//! The program as one thing: built, started, stopped.
//!
//! Starting: data directory, port, log, buckets, memory of the log, then the tasks, then
//! ready.
//! Stopping, in phases: not ready and no new sessions; monitors and fetcher stop; the
//! updater drains and fsyncs; sessions are closed with 1001; HTTP stops. Nothing depends
//! on a clean stop: the log and the watermark are good at any moment.

mod night;
mod ports;
mod rounds;
mod watching;

use std::{
    collections::BTreeSet, fs, future::Future, net::SocketAddr, path::Path, sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};
use monitors::{clock::Clock, sighting::Report};
use protocol::time::{Date, Timestamp};
use sec_client::SecClient;
use tokio::{
    runtime::Handle,
    sync::{mpsc, watch},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

pub(crate) use self::ports::reachable;
use self::{
    ports::{Ports, page},
    watching::Watching,
};
use crate::{
    buckets::Buckets,
    catalog::{Catalog, Follower, Sightings},
    config::Config,
    disk::{DiskWatch, Shortage},
    documents::ReadingRoom,
    fetch::{Asked, Fetcher, Outlet, Parts, again},
    http::{self, Limits, Urls},
    keys::KeyFile,
    known::{Saving, SnapshotFile, recall, scrub},
    log::{self, Reader, Writer},
    metrics::Metrics,
    retention::Retention,
    status::{Phase, Status},
    stream::{self, Control, Door, Hub, Seat, Sessions, Shared, Sweep},
    tasks::Tasks,
    threads::Doorkeepers,
    tickers::Tickers,
    tickets::Tickets,
    tls::Certificates,
    updater::{Archived, Inbox, Order, Updater},
};

/// Reports and archived filings that may wait for the updater.
const INBOX_MAX: usize = 1024;

/// How long each phase of stopping may take.
const GRACE: Duration = Duration::from_secs(10);

/// The running program.
#[derive(Debug)]
pub struct App {
    addr: SocketAddr,
    /// The address of its page.
    page: String,
    shared: Arc<Shared>,
    control: Arc<watch::Sender<Control>>,
    /// Monitors and fetcher: what brings work.
    inflow: Phased,
    updater: Tasks,
    /// HTTP and what serves it.
    doors: Phased,
    _doorkeepers: Doorkeepers,
}

#[derive(Debug, Default)]
struct Phased {
    tasks: Tasks,
    stop: CancellationToken,
}

/// What everything that brings work is started with.
struct Inflow {
    archived: mpsc::Sender<Archived>,
    orders: mpsc::Sender<Order>,
    /// The days that the log has sealed.
    sealed: BTreeSet<Date>,
    watching: Watching,
}

/// What ties the fetcher to others.
struct Ends {
    shortage: watch::Receiver<Option<Shortage>>,
    asked: Asked,
    outlet: Outlet,
}

impl App {
    /// Starts everything; the program serves when this returns. `clock` is EDGAR's, so
    /// that a simulated day can be served at any hour.
    ///
    /// # Errors
    /// When the data directory, the port, a bucket, the log or the key file cannot be used;
    /// each with what to do about it.
    pub async fn start(config: Config, clock: Clock) -> anyhow::Result<Self> {
        let (mut app, watching) = Self::start_working(&config, clock).await?;
        watching.start(&mut app.inflow, &config, &app.shared);
        app.enter_service();
        Ok(app)
    }

    /// Starts all but what watches EDGAR: for a command that needs the log, the fetcher and
    /// the control socket for a while.
    ///
    /// # Errors
    /// As [`App::start`].
    pub async fn start_without_monitors(config: Config, clock: Clock) -> anyhow::Result<Self> {
        let (app, _watching) = Self::start_working(&config, clock).await?;
        app.enter_service();
        Ok(app)
    }

    /// Starts what works on the log by itself: the fetcher and the night.
    async fn start_working(config: &Config, clock: Clock) -> anyhow::Result<(Self, Watching)> {
        prepare_data_dir(&config.data_dir)?;
        let data_dir = &config.data_dir;
        let made_in = config.archive.bucket.folder().unwrap_or(data_dir);
        let (disk, shortage) = DiskWatch::begin(data_dir, made_in, config.disk_reserve_bytes)?;
        let (mut app, inflow) = Self::start_serving(config, clock).await?;
        let Inflow {
            archived,
            orders,
            sealed,
            watching,
        } = inflow;
        if let Some(catalog) = &app.shared.catalog {
            catalog.spare(shortage.clone());
        }
        let (again, asked) = again(data_dir.join("fetch.again"))
            .context("cannot read `fetch.again` in the data directory; removing it loses what is to be fetched again, no more")?;
        let outlet = Outlet {
            archived,
            orders: orders.clone(),
        };
        let ends = Ends {
            shortage,
            asked,
            outlet,
        };
        start_fetcher(&mut app.inflow, config, &app.shared, ends)?;
        let stop = app.inflow.stop.clone();
        app.inflow.tasks.spawn("disk", disk.run(stop));
        let night = night::Night {
            orders,
            sealed,
            again,
        };
        night.start(&mut app.inflow, config, &app.shared)?;
        Ok((app, watching))
    }

    /// Starts all but monitors and fetcher: what is to be appended comes through the door
    /// that is returned. For measurements.
    ///
    /// # Errors
    /// As [`App::start`].
    pub async fn start_without_inflow(
        config: Config,
        clock: Clock,
    ) -> anyhow::Result<(Self, mpsc::Sender<Report>)> {
        prepare_data_dir(&config.data_dir)?;
        let (app, inflow) = Self::start_serving(&config, clock).await?;
        app.enter_service();
        Ok((app, inflow.watching.reports))
    }

    async fn start_serving(config: &Config, clock: Clock) -> anyhow::Result<(Self, Inflow)> {
        let certificates = config.tls.as_ref();
        let certificates = certificates.map(|tls| Certificates::open(tls, &config.data_dir));
        let certificates = certificates.transpose()?;
        let doorkeepers = Doorkeepers::hire()?;
        let ports = Ports::open(config, &doorkeepers)?;
        let addr = ports.main.local_addr()?;
        let (writer, log) = log::open(&config.data_dir, config.log_segment_bytes)?;
        // After the log, which lets in one program only: opening empties the staging folder.
        let buckets = Buckets::open(&config.archive, &config.data_dir).await?;
        let key_file = KeyFile::new(config.keys_file());
        let keys_version = key_file.version();
        let (control, controlled) = watch::channel(Control {
            keys: Arc::new(key_file.read()?),
            keys_version,
            closing: false,
        });
        let control = Arc::new(control);
        let (hub, seats) = Hub::new(sweeps()).context("cannot start the stream")?;
        let opened = Opened {
            log,
            buckets,
            hub,
            controlled,
            key_file: key_file.clone(),
        };
        let shared = Arc::new(share(config, clock, opened)?);
        let mut doors = open_doors(&doorkeepers, ports, &shared, certificates)?;
        let watch = rounds::watch_keys(key_file, keys_version, control.clone(), doors.stop.clone());
        doors.tasks.spawn("keys", watch);
        let sweeps: Vec<Door> = seats.iter().map(Seat::door).collect();
        for seat in seats {
            start_sweep(&mut doors.tasks, seat, &shared);
        }
        let (updater, inflow) = start_updater(config, &shared, &mut doors, writer, sweeps).await?;
        let app = Self {
            addr,
            page: page(config, addr),
            shared,
            control,
            inflow: Phased::default(),
            updater,
            doors,
            _doorkeepers: doorkeepers,
        };
        Ok((app, inflow))
    }

    fn enter_service(&self) {
        let Shared { status, log, .. } = &*self.shared;
        status.enter(Phase::Running);
        tracing::info!(addr = %self.addr, epoch = %log.epoch(), head = %log.tip(), "ready");
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The address of its page.
    pub fn page(&self) -> &str {
        &self.page
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
        if let Err(stuck) = self.stop().await {
            tracing::error!(error = format!("{stuck:#}"), "no clean stop");
        }
        Err(failure)
    }

    async fn stop(mut self) -> anyhow::Result<()> {
        tracing::info!("stopping");
        self.shared.status.enter(Phase::Draining);
        self.inflow.stop.cancel();
        let mut stuck = self.inflow.tasks.finish(GRACE).await;
        // Their ends of the channels are gone with them, so the updater drains and ends.
        stuck.extend(self.updater.finish(GRACE).await);
        self.control.send_modify(|control| control.closing = true);
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

/// How many sweeps share the sessions: on a small machine one is enough, and two would
/// only wait for each other.
fn sweeps() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (cores / 2).clamp(1, 4)
}

fn start_sweep(tasks: &mut Tasks, seat: Seat, shared: &Arc<Shared>) {
    tasks.spawn("bell", stream::ring(seat.door(), shared.control.clone()));
    let (shared, runtime) = (shared.clone(), Handle::current());
    tasks.spawn_blocking("stream", move || Sweep::new(seat, shared, runtime).run());
}

/// Starts what keeps the catalog, where one is kept, and what keeps later sightings.
fn start_catalog(doors: &mut Phased, shared: &Arc<Shared>) -> Sightings {
    let metrics = shared.metrics.clone();
    let Some(catalog) = &shared.catalog else {
        return Sightings::unheard(metrics);
    };
    let (sightings, keeping) = catalog.ledger().open(metrics);
    let follower = Follower::new(catalog.clone(), shared.log.clone(), doors.stop.clone());
    doors
        .tasks
        .spawn_blocking("catalog", move || follower.run());
    doors.tasks.spawn_blocking("sightings", move || {
        keeping.run();
        Ok(())
    });
    sightings
}

/// How much an address may take.
fn limits(config: &Config) -> http::Rules {
    http::Rules {
        connections: http::most_connections(),
        connections_per_address: config.stream.max_connections_per_address,
        anonymous_per_second: config.anonymous_per_second,
    }
}

/// What is open before anything is served.
struct Opened {
    log: Reader,
    buckets: Buckets,
    hub: Hub,
    controlled: watch::Receiver<Control>,
    key_file: KeyFile,
}

/// What all doors and readers share.
fn share(config: &Config, clock: Clock, opened: Opened) -> anyhow::Result<Shared> {
    let metrics = Arc::new(Metrics::new());
    let catalog = || Arc::new(Catalog::new(&config.data_dir));
    Ok(Shared {
        log: opened.log,
        status: Arc::new(Status::new(clock.now(), watching::sources(config))),
        limits: Limits::new(limits(config), metrics.clone()),
        metrics,
        hub: opened.hub,
        sec: SecClient::new(config.edgar.client.clone())?,
        clock,
        control: opened.controlled,
        key_file: opened.key_file,
        auth_required: config.auth_required,
        stream: config.stream.clone(),
        sessions: Sessions::default(),
        tickers: Arc::new(Tickers::open(&config.data_dir)),
        tickets: Tickets::default(),
        buckets: opened.buckets,
        catalog: config.catalog_enabled.then(catalog),
        urls: Urls::default(),
        reading_room: ReadingRoom::default(),
        activity: Default::default(),
    })
}

/// Answers requests; the stream is not ready yet.
fn open_doors(
    doorkeepers: &Doorkeepers,
    ports: Ports,
    shared: &Arc<Shared>,
    certificates: Option<Certificates>,
) -> anyhow::Result<Phased> {
    let mut doors = Phased::default();
    let Phased { tasks, stop } = &mut doors;
    tasks.spawn("summary", rounds::summarize(shared.clone(), stop.clone()));
    let metrics = shared.metrics.clone();
    let tls = certificates.map(|certificates| certificates.serve(metrics, tasks, stop.clone()));
    if let Some(redirect) = ports.redirect {
        let (from, to) = (redirect.local_addr()?, ports.main.local_addr()?.port());
        tracing::info!(%from, to, "plain HTTP is sent to TLS");
        let redirect = http::redirect(redirect, to, shared.clone(), stop.clone());
        tasks.spawn_on(doorkeepers.handle(), "redirect", redirect);
    }
    let http = http::serve(ports.main, shared.clone(), tls.transpose()?, stop.clone());
    tasks.spawn_on(doorkeepers.handle(), "http", http);
    rounds::count_activity(&mut doors, shared);
    Ok(doors)
}

/// Recalls what the log says and starts the one who appends to it.
async fn start_updater(
    config: &Config,
    shared: &Arc<Shared>,
    doors: &mut Phased,
    log: Writer,
    sweeps: Vec<Door>,
) -> anyhow::Result<(Tasks, Inflow)> {
    let snapshot = SnapshotFile::new(&config.data_dir, shared.log.epoch());
    let (reader, file) = (shared.log.clone(), snapshot.clone());
    let recalled = tokio::task::spawn_blocking(move || recall(&reader, &file)).await??;
    shared.status.set_tally(recalled.tally);
    shared.status.set_down(recalled.down.clone());
    let unread = scrub(shared.log.clone(), recalled.read_after, doors.stop.clone());
    doors.tasks.spawn("scrub", unread);
    let (reports_in, reports) = mpsc::channel(INBOX_MAX);
    let (archived_in, archived) = mpsc::channel(INBOX_MAX);
    let (orders_in, orders) = mpsc::channel(INBOX_MAX);
    let inbox = Inbox {
        reports,
        archived,
        orders,
    };
    let inflow = Inflow {
        archived: archived_in,
        orders: orders_in.clone(),
        sealed: recalled.known.sealed_days().map(|(day, _)| day).collect(),
        watching: Watching {
            reports: reports_in,
            orders: orders_in,
            recent: recalled.recent,
            last_event: Some(recalled.last_at).filter(|at| *at > Timestamp::UNIX_EPOCH),
        },
    };
    let work = Updater {
        log,
        known: recalled.known,
        down: recalled.down,
        saving: Saving::new(snapshot, recalled.covers),
        status: shared.status.clone(),
        metrics: shared.metrics.clone(),
        clock: shared.clock.clone(),
        retention: Retention::new(config, &shared.log),
        last_at: recalled.last_at,
        sightings: start_catalog(doors, shared),
        sweeps,
    };
    let mut updater = Tasks::default();
    updater.spawn_blocking("updater", move || work.run(inbox));
    Ok((updater, inflow))
}

fn start_fetcher(
    inflow: &mut Phased,
    config: &Config,
    shared: &Arc<Shared>,
    ends: Ends,
) -> anyhow::Result<()> {
    let Buckets {
        archive, layout, ..
    } = shared.buckets.clone();
    let parts = Parts {
        log: shared.log.clone(),
        watermark: log::watermark(&config.data_dir, &shared.log, "fetch")?,
        sec: shared.sec.clone(),
        www_url: config.edgar.www_url.clone(),
        staging: archive.staging,
        parking: archive.parking,
        backlog_max_bytes: config.backlog_max_bytes,
        bucket: archive.bucket,
        unreached: archive.unreached,
        layout,
        shortage: ends.shortage,
        asked: ends.asked,
        clock: shared.clock.clone(),
        status: shared.status.clone(),
        metrics: shared.metrics.clone(),
    };
    let parked = parts.parking.display().to_string();
    let fetcher = Fetcher::new(parts)
        .with_context(|| format!("cannot use the folder `{parked}`; check its permissions"))?;
    inflow
        .tasks
        .spawn("fetcher", fetcher.run(ends.outlet, inflow.stop.clone()));
    Ok(())
}
