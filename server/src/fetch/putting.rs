//! The fetcher's second half: from the parking place into the archive.
//!
//! While the archive takes what it is given, parcels go as they come, a bounded number at a
//! time; while it does not, one is tried after a while, and the others wait.
//!
//! Elsewhere: which goes next (`parking`), whether one may (`condition`), how it is put
//! (`store`). Invariant: a filing is told to be archived after the outage is told to be over.

use std::{
    io,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::Context;
use archive::error::BucketError;
use protocol::{
    event::{Body, Event},
    filing::Filing,
};
use tokio::{
    sync::oneshot,
    task::{block_in_place, spawn_blocking},
    time::timeout,
};

use super::{
    Fetcher, Outlet, UpdaterGone, cannot_use,
    parcel::{self, Label, Name, Parcel},
    parking::Turn,
    store::Store,
};
use crate::{disk::megabytes, telemetry::with_causes, updater::Order};

/// The largest submission at a tenth of a megabyte a second takes longer, and is tried again.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// How giving a parcel to the archive ended.
#[derive(Debug)]
pub(super) struct Put {
    name: Name,
    result: Result<Box<Filing>, NotPut>,
}

/// Why a parcel is not in the archive.
#[derive(Debug, thiserror::Error)]
enum NotPut {
    /// The archive does not take it.
    #[error("the archive does not take it")]
    Bucket(#[source] BucketError),
    /// The archive does not answer.
    #[error("the archive has not taken it in {} s", PATIENCE.as_secs())]
    Silence,
    /// It is not what it was; it has to be downloaded again.
    #[error("what is parked is damaged")]
    Damaged(#[source] io::Error),
    /// Our disk does not give it.
    #[error("our disk does not give it")]
    Disk(#[source] io::Error),
}

impl Fetcher {
    /// Gives the archive as many parcels as it may be given.
    pub(super) fn start_puts(&mut self) {
        let now = Instant::now();
        for _ in 0..self.condition.room(self.puts.len(), now) {
            let Some(turn) = self.parking.take(self.condition.is_up(), now) else {
                break;
            };
            let (store, folder) = (self.road.store.clone(), self.road.parking.clone());
            self.puts.spawn(put(store, folder, turn));
        }
    }

    /// A parcel has come in.
    pub(super) fn parked(&mut self, label: &Label) {
        self.parking.add(label);
        if !self.condition.is_up() {
            self.make_durable(&label.name());
        }
    }

    /// A parcel was given to the archive.
    pub(super) async fn put_ended(
        &mut self,
        put: Put,
        outlet: &Outlet,
    ) -> anyhow::Result<Result<(), UpdaterGone>> {
        let Put { name, result } = put;
        let failure = match result {
            Ok(filing) => return Ok(self.put_in(filing, outlet).await),
            Err(failure) => failure,
        };
        let error = with_causes(&failure);
        tracing::debug!(parcel = &*name, error, "not archived yet");
        match failure {
            NotPut::Damaged(_) => self.damaged(&name, &error).await?,
            NotPut::Disk(_) => self.parking.put_off(&name, Instant::now()),
            NotPut::Bucket(_) | NotPut::Silence => {
                return Ok(self.not_taken(&name, error, outlet).await);
            }
        }
        Ok(Ok(()))
    }

    async fn put_in(&mut self, filing: Box<Filing>, outlet: &Outlet) -> Result<(), UpdaterGone> {
        tracing::debug!(accession = %filing.accession, bytes = filing.size_bytes, "submission archived");
        self.metrics.archived.inc();
        self.works(outlet).await?;
        outlet.archived.send(filing).await.map_err(|_| UpdaterGone)
    }

    /// The archive works, as it has just shown.
    pub(super) async fn works(&mut self, outlet: &Outlet) -> Result<(), UpdaterGone> {
        let was_up = self.condition.is_up();
        if let Some(outage) = self.condition.succeeded(self.clock.now(), Instant::now()) {
            tracing::info!(
                parked = self.parking.len(),
                "the archive takes submissions again"
            );
            // Before the subscribers, who may ask for the status then.
            self.tell();
            append(Body::SourceUp(outage), outlet).await?;
        }
        if !was_up {
            self.parking.forgive();
        }
        Ok(())
    }

    async fn not_taken(
        &mut self,
        name: &Name,
        error: String,
        outlet: &Outlet,
    ) -> Result<(), UpdaterGone> {
        let now = Instant::now();
        self.metrics.archive_failed("bucket");
        self.make_durable(name);
        let was_refused = self.parking.is_refused(name);
        if self.parking.failed(name, self.condition.worked(), now) {
            if !was_refused {
                tracing::warn!(
                    parcel = &**name,
                    error,
                    "the archive takes others, but not this one; it is tried again now and then"
                );
            }
            return Ok(());
        }
        self.fails(error, outlet).await
    }

    /// The archive does not work, as it has just shown.
    pub(super) async fn fails(
        &mut self,
        error: String,
        outlet: &Outlet,
    ) -> Result<(), UpdaterGone> {
        let Some(outage) = self.condition.failed(error, Instant::now()) else {
            return Ok(());
        };
        tracing::warn!(
            error = outage.error,
            parked = self.parking.len(),
            "the archive does not take submissions; they wait on the disk, up to {}",
            megabytes(self.backlog_max_bytes)
        );
        self.tell();
        append(Body::SourceDown(outage), outlet).await
    }

    /// It has to last now. A disk that does not let us is met again by the next download.
    pub(super) fn make_durable(&self, name: &str) {
        let durable = block_in_place(|| parcel::make_durable(self.parking.folder(), name));
        if let Err(error) = durable {
            tracing::debug!(parcel = name, %error, "may not survive a power cut");
        }
    }

    /// What the parcel came from is downloaded again; only a power cut should bring us here.
    async fn damaged(&mut self, name: &Name, error: &str) -> anyhow::Result<()> {
        tracing::warn!(
            parcel = &**name,
            error,
            "what waited for the archive is damaged; it is fetched again"
        );
        let seen = self.parking.seen(name);
        block_in_place(|| self.parking.remove(name))
            .with_context(|| cannot_use(self.parking.folder()))?;
        let Some(seq) = seen else { return Ok(()) };
        let records = self
            .log
            .read_after(seq.prev(), 1, 1)
            .await
            .context("the event log cannot be read")?;
        let event = records
            .first()
            .and_then(|record| Event::from_frame(&record.frame).ok());
        if let Some(Body::FilingSeen(filing)) = event.map(|event| event.body) {
            self.backlog.lost(seq, filing);
        }
        Ok(())
    }

    pub(super) fn puts_wake_at(&self) -> Option<Instant> {
        let can_try = self.parking.has_waiting() && self.puts.is_empty();
        let condition = self.condition.wakes_at().filter(|_| can_try);
        [condition, self.parking.wakes_at()]
            .into_iter()
            .flatten()
            .min()
    }
}

async fn put(store: Store, folder: PathBuf, turn: Turn) -> Put {
    let Turn { name, is_found } = turn;
    let opening = {
        let name = name.clone();
        spawn_blocking(move || {
            let parcel = Parcel::open(&folder, &name)?;
            if is_found {
                parcel.check()?;
            }
            Ok(parcel)
        })
    };
    let opened = opening
        .await
        .unwrap_or_else(|stopped| Err(io::Error::other(stopped)));
    let result = match opened {
        Ok(parcel) => give(&store, &parcel).await,
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(NotPut::Damaged(error)),
        Err(error) => Err(NotPut::Disk(error)),
    };
    Put { name, result }
}

async fn give(store: &Store, parcel: &Parcel) -> Result<Box<Filing>, NotPut> {
    match timeout(PATIENCE, store.put(parcel)).await {
        Ok(put) => put.map(Box::new).map_err(NotPut::Bucket),
        Err(_) => Err(NotPut::Silence),
    }
}

/// Has the updater append an event, and waits until it is durable.
async fn append(body: Body, outlet: &Outlet) -> Result<(), UpdaterGone> {
    let (answer, appended) = oneshot::channel();
    let order = Order::Append(Box::new(body), answer);
    outlet.orders.send(order).await.map_err(|_| UpdaterGone)?;
    appended.await.map(drop).map_err(|_| UpdaterGone)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::{fs, path::Path};

    use archive::staging::Staging;

    use super::*;
    use crate::fetch::parcel::tests::parcel;

    async fn put_after(harm: impl FnOnce(&Path), is_found: bool) -> Result<Box<Filing>, NotPut> {
        let dir = tempfile::tempdir().unwrap();
        let staging = Staging::open(dir.path().join("staging")).unwrap();
        let parking = dir.path().join("parked");
        fs::create_dir(&parking).unwrap();
        let name = parcel(&staging, 1, false).park(&parking).unwrap().name();
        harm(&parking.join(&*name));
        let turn = Turn { name, is_found };
        put(Store::in_memory(), parking, turn).await.result
    }

    #[tokio::test]
    async fn a_whole_parcel_is_put() {
        let filing = put_after(|_| {}, true).await.unwrap();

        assert!(filing.objects.sgml.is_some());
    }

    #[tokio::test]
    async fn what_the_disk_does_not_give_is_kept_and_what_is_damaged_is_fetched_again() {
        let unreadable = |folder: &Path| {
            fs::remove_file(folder.join("filing.json")).unwrap();
            fs::create_dir(folder.join("filing.json")).unwrap();
        };
        let cut = |folder: &Path| fs::write(folder.join("sgml"), "sub").unwrap();

        assert!(matches!(
            put_after(unreadable, false).await,
            Err(NotPut::Disk(_))
        ));
        assert!(matches!(
            put_after(cut, false).await,
            Err(NotPut::Damaged(_))
        ));
    }

    #[tokio::test]
    async fn only_what_an_earlier_process_left_is_looked_at_byte_by_byte() {
        let garble = |folder: &Path| fs::write(folder.join("sgml"), "subMission").unwrap();

        assert!(put_after(garble, false).await.is_ok());
        assert!(matches!(
            put_after(garble, true).await,
            Err(NotPut::Damaged(_))
        ));
    }
}
