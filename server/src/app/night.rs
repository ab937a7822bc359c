//! Starts the night's work and the control socket, on which it and a backfill are asked for.

use std::{collections::BTreeSet, sync::Arc};

use anyhow::Context;
use monitors::daily_index::IndexReader;
use protocol::time::Date;
use tokio::sync::mpsc;

use super::Phased;
use crate::{
    backfill::Backfill,
    config::Config,
    control::{Desk, Socket},
    fetch::Again,
    orders::Orders,
    reconcile::{Needs, Reconciler},
    stream::Shared,
    updater::Order,
};

/// What the night is started with.
pub(super) struct Night {
    pub(super) orders: mpsc::Sender<Order>,
    /// The days that the log has sealed.
    pub(super) sealed: BTreeSet<Date>,
    /// Where a second look at a submission is asked for.
    pub(super) again: Again,
}

impl Night {
    pub(super) fn start(
        self,
        inflow: &mut Phased,
        config: &Config,
        shared: &Arc<Shared>,
    ) -> anyhow::Result<()> {
        let Shared {
            log,
            sec,
            clock,
            status,
            metrics,
            ..
        } = &**shared;
        let orders = Orders::new(self.orders);
        let index = IndexReader::new(sec.clone(), &config.edgar.www_url, clock.clone());
        let backfill = Arc::new(Backfill {
            orders: orders.clone(),
            index: index.clone(),
            clock: clock.clone(),
            status: status.clone(),
            metrics: metrics.clone(),
            data_dir: config.data_dir.clone(),
            running: Default::default(),
        });
        let needs = Needs {
            log: log.clone(),
            orders,
            index,
            sec: sec.clone(),
            www_url: config.edgar.www_url.clone(),
            clock: clock.clone(),
            store: shared.buckets.inventory.clone(),
            layout: shared.buckets.layout.clone(),
            again: self.again,
            status: status.clone(),
            metrics: metrics.clone(),
            sealed: self.sealed,
        };
        let reconciler = Arc::new(Reconciler::new(
            needs,
            config.reconcile.clone(),
            &config.data_dir,
        )?);
        let socket = Socket::bind(&config.data_dir).context(
            "cannot make the control socket in the data directory; check its permissions",
        )?;
        let desk = Desk {
            reconciler: reconciler.clone(),
            backfill,
        };
        inflow
            .tasks
            .spawn("control", desk.run(socket, inflow.stop.clone()));
        inflow
            .tasks
            .spawn("reconcile", reconciler.run(inflow.stop.clone()));
        Ok(())
    }
}
