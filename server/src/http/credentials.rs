//! Who asks: the bearer header, or a ticket for what can send none.
//!
//! Elsewhere: keys and their scopes (`keys`), tickets (`tickets`), how many wrong ones an
//! address may show (`limits`).
//!
//! Invariant: a good API key is never turned away because of wrong ones from the same
//! address, and over the limit a wrong one costs a look at memory, never at the disk.

use std::net::IpAddr;

use axum::http::{HeaderMap, header};
use protocol::{
    accession::Accession,
    frame::{ErrorCode, Refusal},
    time::Timestamp,
};

use crate::{
    keys::{ApiKey, KeyRing, Scope, in_bearer},
    stream::{Control, Shared},
};

/// The parameter that carries a ticket, by which an error about one is told.
const TICKET: &str = "ticket";

impl Shared {
    /// The API key a request comes with, whatever its scopes.
    ///
    /// # Errors
    /// A [`Refusal`] when there is none, it is not valid, or too many such requests came
    /// from this address.
    pub(crate) fn authenticate(
        &self,
        from: IpAddr,
        headers: &HeaderMap,
        ticket: Option<&str>,
    ) -> Result<ApiKey, Refusal> {
        if let Some(found) = self.shown(from, headers, ticket) {
            return found;
        }
        self.limits.ask(from)?;
        let message = "an API key is needed: send `Authorization: Bearer fw_…`";
        Err(Refusal::new(ErrorCode::Unauthorized, message))
    }

    /// The API key a request comes with, if it has that scope.
    ///
    /// # Errors
    /// As [`Self::authenticate`], or when it lacks the scope.
    pub(crate) fn authorize(
        &self,
        from: IpAddr,
        headers: &HeaderMap,
        ticket: Option<&str>,
        scope: Scope,
    ) -> Result<ApiKey, Refusal> {
        self.authenticate(from, headers, ticket)
            .and_then(|key| with_scope(key, scope))
    }

    /// The API key of a request for events; none where none is required.
    ///
    /// # Errors
    /// As [`Self::authorize`].
    pub(crate) fn authorize_stream(
        &self,
        from: IpAddr,
        headers: &HeaderMap,
        ticket: Option<&str>,
    ) -> Result<Option<ApiKey>, Refusal> {
        self.authorize_if_required(from, headers, ticket, Scope::Stream)
    }

    /// As [`Self::authorize_stream`], of a foreign client that sends its ticket as a `token`.
    ///
    /// # Errors
    /// As [`Self::authorize`], in the words of that client.
    pub(crate) fn authorize_token(
        &self,
        from: IpAddr,
        headers: &HeaderMap,
        token: Option<&str>,
    ) -> Result<Option<ApiKey>, Refusal> {
        let found = self.authorize_stream(from, headers, token);
        found.map_err(|refusal| match refusal.field.as_deref() {
            Some(TICKET) => {
                let message = "the token is not valid: wrong, used or older than 30 seconds; \
                    GET /sec-websocket/ gives a new one";
                Refusal::new(ErrorCode::Unauthorized, message).field("token")
            }
            _ => refusal,
        })
    }

    /// As [`Self::authorize`], but no key where none is required.
    ///
    /// # Errors
    /// As [`Self::authorize`].
    pub(crate) fn authorize_if_required(
        &self,
        from: IpAddr,
        headers: &HeaderMap,
        ticket: Option<&str>,
        scope: Scope,
    ) -> Result<Option<ApiKey>, Refusal> {
        if !self.auth_required {
            return Ok(None);
        }
        self.authorize(from, headers, ticket, scope).map(Some)
    }

    /// What the credential of a request is worth, if it has one.
    pub(crate) fn presented(
        &self,
        from: IpAddr,
        headers: &HeaderMap,
        ticket: Option<&str>,
        scope: Scope,
    ) -> Option<Result<ApiKey, Refusal>> {
        let found = self.shown(from, headers, ticket)?;
        Some(found.and_then(|key| with_scope(key, scope)))
    }

    /// A bearer header goes before a ticket, which stays unused then.
    fn shown(
        &self,
        from: IpAddr,
        headers: &HeaderMap,
        ticket: Option<&str>,
    ) -> Option<Result<ApiKey, Refusal>> {
        if let Some(key) = bearer(headers) {
            return Some(self.find_key(from, key));
        }
        let redeemed = self.redeem(ticket?);
        Some(redeemed.or_else(|refusal| self.limits.fail(from).and(Err(refusal))))
    }

    /// Counts a request that comes without a key where one may still follow.
    ///
    /// # Errors
    /// A [`Refusal`] when too many came from this address.
    pub(crate) fn ask_without_key(&self, from: IpAddr) -> Result<(), Refusal> {
        if self.auth_required {
            self.limits.ask(from)?;
        }
        Ok(())
    }

    /// The API key that `text` is, if it is valid and has that scope.
    ///
    /// # Errors
    /// A [`Refusal`] when it is not, or too many wrong ones came from this address.
    pub(crate) fn check_key(
        &self,
        from: IpAddr,
        text: &str,
        scope: Scope,
    ) -> Result<ApiKey, Refusal> {
        self.find_key(from, text)
            .and_then(|key| with_scope(key, scope))
    }

    /// The API key a ticket stands for, as it is now. The ticket is used up.
    ///
    /// # Errors
    /// A [`Refusal`] when there is no such ticket, or its key is no longer valid.
    pub(crate) fn redeem(&self, ticket: &str) -> Result<ApiKey, Refusal> {
        let key = self.tickets.take(ticket).and_then(|id| self.holder(&id));
        key.ok_or_else(|| {
            let message = "the ticket is not valid: wrong, used or older than 30 seconds; \
                POST /v1/tickets gives a new one";
            Refusal::new(ErrorCode::Unauthorized, message).field(TICKET)
        })
    }

    /// Lets in who reads the documents of a filing with a ticket for it.
    ///
    /// # Errors
    /// A [`Refusal`] when there is no such ticket, its key is no longer valid or lacks the scope,
    /// or too many wrong ones came from this address.
    pub(crate) fn authorize_reading(
        &self,
        from: IpAddr,
        ticket: &str,
        filing: Accession,
    ) -> Result<(), Refusal> {
        let key = self.tickets.reader(ticket, filing);
        let Some(key) = key.and_then(|id| self.holder(&id)) else {
            self.limits.fail(from)?;
            let message = "the ticket is not valid: wrong, of another filing or older than ten \
                minutes; POST /v1/tickets?filing= gives a new one";
            return Err(Refusal::new(ErrorCode::Unauthorized, message).field(TICKET));
        };
        with_scope(key, Scope::Archive).map(drop)
    }

    /// The API key of this id as it is now, if it is valid.
    fn holder(&self, id: &str) -> Option<ApiKey> {
        let known = self.control.borrow().keys.find(id).cloned();
        let key = known.or_else(|| self.newer_keys()?.find(id).cloned());
        key.filter(|key| key.is_valid(Timestamp::now()))
    }

    /// Whether a session of the key of this id may go on. A key that is newer than what
    /// was last read of the key file is as good as when it was let in.
    pub(crate) fn is_still_good(&self, id: &str, scope: Scope) -> bool {
        let Control {
            keys, keys_version, ..
        } = self.control.borrow().clone();
        match keys.find(id) {
            Some(key) => key.is_valid(Timestamp::now()) && key.scopes.contains(&scope),
            None => self.key_file.version() != keys_version,
        }
    }

    fn find_key(&self, from: IpAddr, text: &str) -> Result<ApiKey, Refusal> {
        let now = Timestamp::now();
        let keys = self.control.borrow().keys.clone();
        if let Some(key) = keys.authenticate(text, now) {
            return Ok(key.clone());
        }
        self.limits.fail(from)?;
        let newer = self.newer_keys();
        let key = newer.as_ref().and_then(|keys| keys.authenticate(text, now));
        key.cloned().ok_or_else(|| {
            let message = "the API key is not valid: wrong, expired or revoked; \
                `filingwire keys create` makes a new one";
            Refusal::new(ErrorCode::Unauthorized, message)
        })
    }

    /// The keys in the file, when they have changed since it was last read: one may have
    /// been made a moment ago.
    fn newer_keys(&self) -> Option<KeyRing> {
        if self.key_file.version() == self.control.borrow().keys_version {
            return None;
        }
        self.key_file.read().ok()
    }
}

fn with_scope(key: ApiKey, scope: Scope) -> Result<ApiKey, Refusal> {
    if key.scopes.contains(&scope) {
        return Ok(key);
    }
    let message = format!("the API key lacks the scope `{scope}`");
    Err(Refusal::new(ErrorCode::Forbidden, message))
}

/// The API key in the bearer header.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    in_bearer(headers.get(header::AUTHORIZATION)?.to_str().ok()?)
}
