//! `/v1/keys`: API keys made, listed and revoked over HTTP, and `/keys`, a page for it.
//!
//! Elsewhere: what a key is and where it is kept (`keys`), closing the sockets of one that is
//! revoked (`stream`).
//!
//! Invariant: whoever asks shows an API key of scope `admin` in the bearer header, also where
//! no key is required for anything else; a secret is in one answer and nowhere else.

use std::{collections::BTreeSet, num::NonZeroU32, sync::Arc};

use axum::{
    Json,
    body::Bytes,
    extract::{
        Path, State,
        rejection::{BytesRejection, PathRejection},
    },
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use protocol::{
    frame::{ErrorCode, Refusal},
    time::{Timestamp, to_millis},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use tokio::task::spawn_blocking;

use super::{Peer, Problem, page};
use crate::{
    keys::{ApiKey, KeyFile, NewKey, Scope, parse_name, parse_span},
    stream::Shared,
};

/// An API key as it is shown.
#[derive(Debug, Serialize)]
pub(super) struct ShownKey {
    /// Names it; not secret.
    id: String,
    /// Whose it is.
    name: String,
    /// What it may do.
    scopes: BTreeSet<Scope>,
    /// `active`, `expired` or `revoked`.
    state: &'static str,
    /// When it was made.
    created_at: Timestamp,
    /// When it ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    /// When it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<Timestamp>,
    /// Most connections at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_connections: Option<u32>,
}

/// All API keys, oldest first.
#[derive(Debug, Serialize)]
pub(super) struct KeyList {
    keys: Vec<ShownKey>,
}

/// A key that was just made.
#[derive(Debug, Serialize)]
pub(super) struct MadeKey {
    /// `fw_<id>_<secret>`; it cannot be had again.
    key: String,
    #[serde(flatten)]
    shown: ShownKey,
}

/// A key that is asked for.
#[derive(Debug)]
pub(super) struct AskedKey {
    /// Whose it is, 1 to 64 characters.
    name: String,
    /// What it may do; `stream`, `read` and `archive` unless told otherwise.
    scopes: Option<BTreeSet<Scope>>,
    /// When it ends by itself, such as `90d`, `12h` or `30m`; never unless told.
    expires_in: Option<String>,
    /// Most connections at a time; as many as it likes unless told.
    max_connections: Option<NonZeroU32>,
}

/// The page.
pub(super) async fn page() -> Response {
    page::page(include_str!("keys.html"))
}

/// Lists all keys.
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    peer: Peer,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    shared.authorize(peer.0.ip(), &headers, None, Scope::Admin)?;
    let ring = with_file(&shared, |file| file.read()).await?;
    let now = Timestamp::now();
    let keys = ring
        .all()
        .iter()
        .map(|key| ShownKey::of(key, now))
        .collect();
    Ok(unkept(StatusCode::OK, Json(KeyList { keys })))
}

/// Makes a key.
pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    peer: Peer,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let admin = shared.authorize(peer.0.ip(), &headers, None, Scope::Admin)?;
    let now = Timestamp::now();
    let new = AskedKey::parse(&body.map_err(|_| too_large())?)?.into_new_key(now)?;
    let made = with_file(&shared, move |file| {
        let key = file.create(new, now)?;
        let shown = (file.read()?.authenticate(&key, now)).map(|key| ShownKey::of(key, now));
        let shown = shown.ok_or_else(|| anyhow::anyhow!("the key was revoked at once"))?;
        Ok(MadeKey { key, shown })
    });
    let made = made.await?;
    tracing::info!(
        key = made.shown.id,
        name = made.shown.name,
        by = admin.id,
        "API key made"
    );
    let place = format!("/v1/keys/{}", made.shown.id);
    let response = unkept(StatusCode::CREATED, Json(made));
    Ok(([(header::LOCATION, place)], response).into_response())
}

/// Revokes a key; its open sockets close within a second.
pub(super) async fn revoke(
    State(shared): State<Arc<Shared>>,
    peer: Peer,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let admin = shared.authorize(peer.0.ip(), &headers, None, Scope::Admin)?;
    let Path(id) = id.map_err(|_| no_such_key())?;
    let wanted = id.clone();
    let is_known = with_file(&shared, move |file| {
        // A key is never taken out of the file, so it is still there after the look.
        let is_known = file.read()?.find(&wanted).is_some();
        if is_known {
            file.revoke(&wanted, Timestamp::now())?;
        }
        Ok(is_known)
    });
    if !is_known.await? {
        return Err(no_such_key());
    }
    tracing::info!(key = id, by = admin.id, "API key revoked");
    Ok(StatusCode::NO_CONTENT)
}

impl ShownKey {
    fn of(key: &ApiKey, now: Timestamp) -> Self {
        Self {
            id: key.id.clone(),
            name: key.name.clone(),
            scopes: key.scopes.clone(),
            state: key.state(now),
            created_at: to_millis(key.created_at),
            expires_at: key.expires_at.map(to_millis),
            revoked_at: key.revoked_at.map(to_millis),
            max_connections: key.max_connections,
        }
    }
}

/// What `max_connections` must be.
const MAX_CONNECTIONS: &str = "a whole number from 1 to 4294967295";

impl AskedKey {
    const FIELDS: [&str; 4] = ["name", "scopes", "expires_in", "max_connections"];

    /// # Errors
    /// A [`Refusal`] that names the field, for anything not understood.
    fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let mut fields: Map<String, Value> = serde_json::from_slice(body).map_err(|error| {
            let message =
                format!("the body is no JSON object such as {{\"name\":\"desk\"}}: {error}");
            Refusal::new(ErrorCode::BadParameter, message)
        })?;
        if let Some(unknown) = fields.keys().find(|name| !Self::FIELDS.contains(&&***name)) {
            let refusal = Refusal::unknown_field(unknown, &Self::FIELDS);
            return Err(Refusal {
                code: ErrorCode::BadParameter,
                ..refusal
            });
        }
        let name = take(&mut fields, "name", "a string, such as \"desk\"")?;
        Ok(Self {
            name: name.ok_or_else(|| bad("name", "a key needs a `name`: whose it is"))?,
            scopes: scopes(&mut fields)?,
            expires_in: take(&mut fields, "expires_in", "a span, such as \"90d\"")?,
            max_connections: take(&mut fields, "max_connections", MAX_CONNECTIONS)?,
        })
    }

    fn into_new_key(self, now: Timestamp) -> Result<NewKey, Refusal> {
        let scopes = self.scopes.unwrap_or_else(|| Scope::DEFAULT.into());
        if scopes.is_empty() {
            return Err(bad(
                "scopes",
                "a key without scopes opens nothing; name one at least",
            ));
        }
        let span = self.expires_in.as_deref().map(parse_span).transpose();
        let span = span.map_err(|message| bad("expires_in", message))?;
        Ok(NewKey {
            name: parse_name(&self.name).map_err(|message| bad("name", message))?,
            scopes,
            expires_at: span.and_then(|span| now.checked_add(span).ok()),
            max_connections: self.max_connections.map(NonZeroU32::get),
        })
    }
}

fn scopes(fields: &mut Map<String, Value>) -> Result<Option<BTreeSet<Scope>>, Refusal> {
    const NAME: &str = "scopes";
    let what = "an array of strings, such as [\"stream\",\"read\"]";
    let Some(names) = take::<Vec<String>>(fields, NAME, what)? else {
        return Ok(None);
    };
    let scopes = names.iter().map(|name| name.parse());
    let scopes = scopes.collect::<Result<_, String>>();
    scopes.map(Some).map_err(|message| bad(NAME, message))
}

fn take<T: DeserializeOwned>(
    fields: &mut Map<String, Value>,
    name: &str,
    what: &str,
) -> Result<Option<T>, Refusal> {
    match fields.remove(name) {
        None => Ok(None),
        Some(value) => serde_json::from_value(value)
            .map(Some)
            .map_err(|_| bad(name, format!("`{name}` must be {what}, or be left out"))),
    }
}

fn bad(field: &str, message: impl Into<String>) -> Refusal {
    Refusal::new(ErrorCode::BadParameter, message).field(field)
}

fn no_such_key() -> Problem {
    let message = "there is no API key of that id; GET /v1/keys lists all";
    Problem::new(ErrorCode::NotFound, message)
}

fn too_large() -> Problem {
    Problem::new(
        ErrorCode::MessageTooLarge,
        "the body did not come whole, or is too large",
    )
}

/// Does something with the key file, which blocks.
async fn with_file<T: Send + 'static>(
    shared: &Shared,
    work: impl FnOnce(&KeyFile) -> anyhow::Result<T> + Send + 'static,
) -> Result<T, Problem> {
    let file = shared.key_file.clone();
    let done = spawn_blocking(move || work(&file)).await;
    let done = done.unwrap_or_else(|error| Err(error.into()));
    done.map_err(|error| {
        tracing::error!("the API keys cannot be read or changed: {error:#}");
        let message = "the API keys cannot be read or changed; the server's log says why";
        Problem::new(ErrorCode::Internal, message)
    })
}

fn unkept(status: StatusCode, body: impl IntoResponse) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], body).into_response()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;

    fn asked(body: &Value) -> Result<NewKey, Refusal> {
        let now = "2026-03-03T12:00:00Z".parse().unwrap();
        AskedKey::parse(body.to_string().as_bytes())?.into_new_key(now)
    }

    #[test]
    fn a_key_is_asked_for_by_its_name_alone_or_by_all_it_may_have() {
        let plain = asked(&json!({"name": "desk"})).unwrap();
        let full = asked(
            &json!({"name": "desk", "scopes": ["admin", "read"], "expires_in": "90d", "max_connections": 3}),
        );
        let full = full.unwrap();

        assert_eq!(plain.scopes, Scope::DEFAULT.into());
        assert_eq!((plain.expires_at, plain.max_connections), (None, None));
        assert_eq!(full.scopes, [Scope::Read, Scope::Admin].into());
        assert_eq!(full.expires_at.unwrap().to_string(), "2026-06-01T12:00:00Z");
        assert_eq!(full.max_connections, Some(3));
    }

    #[test]
    fn a_key_is_shown_with_times_to_the_millisecond() {
        let now = "2026-03-03T12:00:00.123456789Z".parse().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let file = KeyFile::new(dir.path().join("keys.json"));
        file.create(NewKey::named("desk"), now).unwrap();

        let shown = ShownKey::of(&file.read().unwrap().all()[0], now);

        assert_eq!(shown.created_at.to_string(), "2026-03-03T12:00:00.123Z");
    }

    #[test]
    fn every_mistake_is_refused_by_the_name_of_its_field() {
        for (body, field) in [
            (json!({}), Some("name")),
            (json!({"name": ""}), Some("name")),
            (json!({"name": "a\nb"}), Some("name")),
            (json!({"name": 7}), Some("name")),
            (json!({"name": "x".repeat(65)}), Some("name")),
            (json!({"name": "a", "scopes": null}), Some("scopes")),
            (json!({"name": "a", "scopes": []}), Some("scopes")),
            (json!({"name": "a", "scopes": ["root"]}), Some("scopes")),
            (json!({"name": "a", "scopes": "admin"}), Some("scopes")),
            (
                json!({"name": "a", "expires_in": "soon"}),
                Some("expires_in"),
            ),
            (json!({"name": "a", "expires_in": 90}), Some("expires_in")),
            (
                json!({"name": "a", "max_connections": 0}),
                Some("max_connections"),
            ),
            (
                json!({"name": "a", "max_connections": -1}),
                Some("max_connections"),
            ),
            (json!({"name": "a", "scope": ["read"]}), Some("scope")),
            (json!(["name"]), None),
        ] {
            let refusal = asked(&body).unwrap_err();
            assert_eq!(refusal.code, ErrorCode::BadParameter, "{body}");
            assert_eq!(refusal.field.as_deref(), field, "{body}");
            for serdes in ["expected", "invalid type", "variant"] {
                let is_ours = field.is_none() || !refusal.message.contains(serdes);
                assert!(is_ours, "{body}: {}", refusal.message);
            }
        }
        assert!(AskedKey::parse(b"{").is_err());
    }
}
