//! The stream: events to subscribers.
//!
//! A websocket comes in through [`mod@upgrade`], which finds out who it is, and enters the
//! [`hub`]. A [`sweep`] keeps it as a [`session`] from then on: sessions that are sent the
//! same share a lane ([`lanes`]) and its [`tape`], on which each has a place; what they say
//! and hear is in [`talk`], what must be found out beside the sweep in [`errands`].
//! Server-sent events and pages [`walk`] the log by themselves; where a subscription
//! begins and ends is the same for all ([`place`]).
//!
//! Invariant: the bytes in the log are the bytes on the wire, and a session holds no
//! events but those it is writing.

mod errands;
mod guard;
mod hub;
mod lanes;
pub(crate) mod place;
pub(crate) mod request;
mod rota;
mod session;
mod sessions;
mod sweep;
mod talk;
mod tape;
mod upgrade;
pub(crate) mod walk;

use std::sync::Arc;

use monitors::clock::Clock;
use sec_client::SecClient;
use tokio::sync::watch;

pub(crate) use guard::{Guard, Stop};
pub(crate) use hub::{Door, Hub, Seat};
pub(crate) use sessions::{Place, Sessions};
pub(crate) use sweep::Sweep;
pub(crate) use upgrade::{Asked, Upgraded, enter, no_handshake, upgrade};

use crate::{
    activity::Activity,
    buckets::Buckets,
    catalog::Catalog,
    config,
    documents::ReadingRoom,
    http::{Limits, Urls},
    keys::{KeyFile, KeyFileVersion, KeyRing},
    log::Reader,
    metrics::Metrics,
    status::Status,
    tickers::Tickers,
    tickets::Tickets,
};

/// What all doors share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) log: Reader,
    pub(crate) status: Arc<Status>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) sec: SecClient,
    pub(crate) clock: Clock,
    pub(crate) control: watch::Receiver<Control>,
    pub(crate) key_file: KeyFile,
    pub(crate) auth_required: bool,
    pub(crate) stream: config::Stream,
    pub(crate) sessions: Sessions,
    pub(crate) hub: Hub,
    pub(crate) tickers: Arc<Tickers>,
    pub(crate) tickets: Tickets,
    pub(crate) limits: Limits,
    pub(crate) buckets: Buckets,
    pub(crate) urls: Urls,
    pub(crate) reading_room: ReadingRoom,
    pub(crate) activity: Arc<Activity>,
    /// `None` where none is kept.
    pub(crate) catalog: Option<Arc<Catalog>>,
}

/// What all sessions obey: one channel, so that a session waits for one thing less.
#[derive(Debug, Clone, Default)]
pub(crate) struct Control {
    /// The API keys as they are now.
    pub(crate) keys: Arc<KeyRing>,
    /// Which file they were read from.
    pub(crate) keys_version: Option<KeyFileVersion>,
    /// Whether sessions are to be closed.
    pub(crate) closing: bool,
}

/// Wakes a sweep when what all sessions obey has changed. When the log has grown, the
/// updater does: one thread less between an event and those who wait for it.
pub(crate) async fn ring(door: Door, mut control: watch::Receiver<Control>) -> anyhow::Result<()> {
    let mut goes_on = true;
    while goes_on {
        goes_on = control.changed().await.is_ok() && !control.borrow_and_update().closing;
        door.wake();
    }
    Ok(())
}
