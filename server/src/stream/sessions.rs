//! How many sessions there are, in all and for each API key.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use dashmap::DashMap;
use protocol::frame::{ErrorCode, Refusal};
use tokio::sync::Notify;

use crate::keys::ApiKey;

/// The sessions that are open.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sessions(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    all: AtomicUsize,
    by_key: DashMap<String, u32>,
    one_less: Notify,
}

/// A session's place, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    counts: Arc<Counts>,
    key: Option<String>,
}

impl Sessions {
    /// Takes a place for a session.
    ///
    /// # Errors
    /// A [`Refusal`] when the server has as many as allowed.
    pub(crate) fn admit(&self, most: usize) -> Result<Place, Refusal> {
        let place = Place {
            counts: self.0.clone(),
            key: None,
        };
        if self.0.all.fetch_add(1, Ordering::AcqRel) >= most {
            let message = format!("the server has its {most} connections; try again in 5 seconds");
            return Err(Refusal::new(ErrorCode::TooManyConnections, message));
        }
        Ok(place)
    }

    /// Waits until no session is open.
    pub(crate) async fn all_closed(&self) {
        while self.0.all.load(Ordering::Acquire) > 0 {
            self.0.one_less.notified().await;
        }
    }
}

impl Place {
    /// Counts the place for an API key, once.
    ///
    /// # Errors
    /// A [`Refusal`] when the key has as many as it may.
    pub(crate) fn claim(&mut self, key: &ApiKey) -> Result<(), Refusal> {
        if self.key.is_some() {
            return Ok(());
        }
        let mut open = self.counts.by_key.entry(key.id.clone()).or_insert(0);
        if let Some(most) = key.max_connections.filter(|most| *open >= *most) {
            let message = format!(
                "API key `{}` has its {most} connections; close one and try again in 5 seconds",
                key.id
            );
            return Err(Refusal::new(ErrorCode::TooManyConnections, message));
        }
        *open += 1;
        self.key = Some(key.id.clone());
        Ok(())
    }
}

impl Place {
    /// The id of the API key it is counted for.
    pub(crate) fn key_id(&self) -> Option<&str> {
        self.key.as_deref()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.counts.all.fetch_sub(1, Ordering::AcqRel);
        if let Some(key) = &self.key {
            self.counts.by_key.remove_if_mut(key, |_, open| {
                *open -= 1;
                *open == 0
            });
        }
        // One permit is kept for a waiter that is between its look and its wait.
        self.counts.one_less.notify_one();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn key(max_connections: u32) -> ApiKey {
        serde_json::from_value(serde_json::json!({
            "id": "k", "name": "n", "scopes": [], "secret_sha256": "",
            "created_at": "2026-03-03T00:00:00Z", "max_connections": max_connections,
        }))
        .unwrap()
    }

    #[test]
    fn a_place_given_back_can_be_taken_again() {
        let (sessions, key) = (Sessions::default(), key(1));
        let mut second = sessions.admit(10).unwrap();

        let mut first = sessions.admit(10).unwrap();
        first.claim(&key).unwrap();
        assert!(second.claim(&key).is_err());
        drop(first);

        assert!(second.claim(&key).is_ok());
        drop(second);
        assert!(sessions.0.by_key.is_empty());
    }

    #[test]
    fn the_server_has_a_limit_of_its_own() {
        let sessions = Sessions::default();

        let _first = sessions.admit(1).unwrap();

        assert_eq!(
            sessions.admit(1).unwrap_err().code,
            ErrorCode::TooManyConnections
        );
        assert_eq!(sessions.0.all.load(Ordering::Acquire), 1);
    }
}
