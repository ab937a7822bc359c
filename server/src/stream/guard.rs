//! What a session that is a task of its own obeys: the end of the server, and its API key
//! that is no longer good.
//!
//! Elsewhere: sessions of a sweep obey all at once (`talk`).

use std::sync::Arc;

use protocol::frame::{ErrorCode, Refusal};
use tokio::sync::watch;

use super::{Control, Shared};
use crate::keys::{ApiKey, Scope};

/// Watches over one session.
#[derive(Debug)]
pub(crate) struct Guard {
    shared: Arc<Shared>,
    control: watch::Receiver<Control>,
    key: Option<ApiKey>,
}

/// Why a session has to end.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The server stops.
    GoingAway,
    /// Its API key is no longer good.
    Revoked(Refusal),
}

impl Guard {
    /// Watches over a session that was let in with `key`, or without one.
    pub(crate) fn new(shared: Arc<Shared>, key: Option<ApiKey>) -> Self {
        let control = shared.control.clone();
        Self {
            shared,
            control,
            key,
        }
    }

    /// Whether the session may go on.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn check(&mut self) -> Result<(), Stop> {
        if self.control.borrow_and_update().closing {
            return Err(Stop::GoingAway);
        }
        let is_good = |key: &ApiKey| self.shared.is_still_good(&key.id, Scope::Stream);
        if self.key.as_ref().is_none_or(is_good) {
            return Ok(());
        }
        let message = "the API key was revoked or has expired";
        Err(Stop::Revoked(Refusal::new(
            ErrorCode::Unauthorized,
            message,
        )))
    }

    /// Waits until there is something to [`Self::check`].
    ///
    /// # Errors
    /// [`Stop::GoingAway`] when nothing will be said any more.
    pub(crate) async fn changed(&mut self) -> Result<(), Stop> {
        self.control.changed().await.map_err(|_| Stop::GoingAway)
    }
}
