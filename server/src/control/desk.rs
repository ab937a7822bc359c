//! Answers requests on the control socket.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{Link, Reply, Request, Socket};
use crate::{
    backfill::Backfill,
    progress::{Ended, Teller},
    reconcile::Reconciler,
};

/// Requests answered at a time; others wait to be accepted.
const LINKS_MAX: usize = 16;

/// After an accept that failed: the system is out of something.
const PAUSE: Duration = Duration::from_millis(200);

/// A peer that takes nothing for so long holds up the work, so that is broken off.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who does what can be asked for. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    pub(crate) reconciler: Arc<Reconciler>,
    pub(crate) backfill: Arc<Backfill>,
}

impl Desk {
    /// Answers until `stop` fires; what is under way then is broken off.
    ///
    /// # Errors
    /// None.
    pub(crate) async fn run(self, socket: Socket, stop: CancellationToken) -> anyhow::Result<()> {
        let mut links = JoinSet::new();
        loop {
            let has_room = links.len() < LINKS_MAX;
            tokio::select! {
                () = stop.cancelled() => break,
                Some(_) = links.join_next() => {}
                accepted = socket.accept(), if has_room => match accepted {
                    Ok(link) => drop(links.spawn(self.clone().answer(link))),
                    Err(error) => {
                        tracing::warn!(%error, "the control socket accepts nobody");
                        sleep(PAUSE).await;
                    }
                },
            }
        }
        links.shutdown().await;
        Ok(())
    }

    /// Answers one request. Who has gone away needs no answer.
    async fn answer(self, mut link: Link) {
        let ended = match link.next::<Request>().await {
            Ok(Some(request)) => {
                if request != Request::Health {
                    tracing::info!(?request, "asked on the control socket");
                }
                let Some(ended) = self.work(request, &mut link).await else {
                    tracing::info!("broken off by who asked");
                    return;
                };
                ended
            }
            Ok(None) => return,
            Err(error) => Ended::Refused(format!(
                "the server does not understand the request ({error}); use the same version of both"
            )),
        };
        drop(link.send(&Reply::Ended(ended)).await);
    }

    /// Works and tells how far it is; `None` when the other side closes or takes nothing
    /// meanwhile. The work is told to stop then, and stops where it can go on from.
    async fn work(&self, request: Request, link: &mut Link) -> Option<Ended> {
        let (tell, stop) = (Teller::new(), CancellationToken::new());
        let mut told = tell.watch();
        let work = self.perform(request, &tell, &stop);
        tokio::pin!(work);
        loop {
            let goes_on = tokio::select! {
                ended = &mut work => return Some(ended),
                Ok(()) = told.changed() => {
                    let progress = told.borrow_and_update().clone();
                    let sent = timeout(PATIENCE, link.send(&Reply::Progress(progress))).await;
                    matches!(sent, Ok(Ok(())))
                }
                // Nothing more is to come: whatever it is, the conversation is over.
                _ = link.next::<serde_json::Value>() => false,
            };
            if !goes_on {
                stop.cancel();
                work.await;
                return None;
            }
        }
    }

    async fn perform(&self, request: Request, tell: &Teller, stop: &CancellationToken) -> Ended {
        match request {
            Request::Reconcile { date } => self.reconciler.reconcile(date, tell, stop).await,
            Request::Backfill(range) => self.backfill.run(range, tell, stop).await,
            Request::Health => Ended::Done("well".to_owned()),
        }
    }
}
