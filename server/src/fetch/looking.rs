//! Looking whether the archive can be reached, while it is not up and there is nothing to
//! give to it.
//!
//! Without it an archive that is down at the start would pass for up until the first parcel, and
//! one that is up again for down.
//!
//! Elsewhere: what a look means (`condition`), how parcels are tried (`putting`).
//! Invariant: a look says nothing while a parcel could say it, for reading is not writing.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use archive::bucket::Bucket;
use tokio::time::timeout;

use super::{Fetcher, Outlet, UpdaterGone};
use crate::telemetry::with_causes;

/// How long the archive has for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is wrong, if anything.
pub(super) type Seen = Result<(), String>;

impl Fetcher {
    /// Looks, when it is time.
    pub(super) fn start_look(&mut self) {
        if self.looks_at().is_some_and(|at| at <= Instant::now()) {
            self.looks.spawn(look(self.road.store.bucket.clone()));
        }
    }

    /// When it is time to look; `None` while nobody has to.
    pub(super) fn looks_at(&self) -> Option<Instant> {
        let is_idle = self.looks.is_empty() && self.puts.is_empty() && !self.parking.has_waiting();
        self.condition.wakes_at().filter(|_| is_idle)
    }

    /// A look has ended.
    pub(super) async fn looked(&mut self, seen: Seen, outlet: &Outlet) -> Result<(), UpdaterGone> {
        let has_parcels = !self.puts.is_empty() || self.parking.has_waiting();
        match seen {
            Ok(()) if has_parcels => Ok(()),
            Ok(()) => self.works(outlet).await,
            Err(error) => self.fails(error, outlet).await,
        }
    }
}

async fn look(bucket: Arc<dyn Bucket>) -> Seen {
    match timeout(PATIENCE, bucket.check()).await {
        Ok(checked) => checked.map_err(|error| with_causes(&error)),
        Err(_) => Err(format!("no answer within {PATIENCE:?}")),
    }
}
