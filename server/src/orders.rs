//! What the night's work and a backfill ask of the updater.

use protocol::{event::Body, filing::Filing, seq::Seq};
use tokio::sync::{mpsc, oneshot};

use crate::{
    known::{Known, Standing},
    updater::Order,
};

/// The way to the updater. Cheap to clone; the updater works until all clones are gone.
#[derive(Debug, Clone)]
pub(crate) struct Orders(mpsc::Sender<Order>);

/// The updater is gone: the program is stopping.
#[derive(Debug, thiserror::Error)]
#[error("the program is stopping")]
pub(crate) struct Stopping;

impl Orders {
    pub(crate) fn new(updater: mpsc::Sender<Order>) -> Self {
        Self(updater)
    }

    /// Lets the updater take filings as sighted; answers what is known of each once those
    /// that are new are durable.
    ///
    /// # Errors
    /// [`Stopping`].
    pub(crate) async fn take(&self, filings: Vec<Filing>) -> Result<Vec<Standing>, Stopping> {
        self.ask(|answer| Order::Take(filings, answer)).await
    }

    /// Lets the updater append an event; answers its seq once it is durable, or `None` when
    /// the log says it already.
    ///
    /// # Errors
    /// [`Stopping`].
    pub(crate) async fn append(&self, body: Body) -> Result<Option<Seq>, Stopping> {
        self.ask(|answer| Order::Append(Box::new(body), answer))
            .await
    }

    /// What is known of all filings, as it is now.
    ///
    /// # Errors
    /// [`Stopping`].
    pub(crate) async fn known(&self) -> Result<Known, Stopping> {
        self.ask(Order::Tell).await
    }

    async fn ask<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> Result<T, Stopping> {
        let (answer, answered) = oneshot::channel();
        self.0.send(order(answer)).await.map_err(|_| Stopping)?;
        answered.await.map_err(|_| Stopping)
    }
}
