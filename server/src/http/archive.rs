//! `GET /v1/archive/{shape}/{accession}`: an archived object as it is stored.
//!
//! With `version`, a later version of the submission that lies beside the first.
//!
//! From a bucket that presigns, the answer is a redirect to where the bytes are; the client
//! repeats its `Range` there. From any other the bytes come through here.
//!
//! Elsewhere: what of the object is asked for (`range`), URLs given again (`urls`).

use std::{sync::Arc, time::Duration};

use archive::{
    bucket::{Bucket, Head},
    error::BucketError,
    key::Key,
};
use axum::{
    body::Body,
    extract::{Path, RawQuery, State, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use protocol::{
    accession::Accession,
    frame::{ErrorCode, Refusal},
};
use tokio::time::timeout;
use tokio_util::io::ReaderStream;

use super::{
    Peer, Problem, Query,
    range::{Wanted, content_range, wanted},
    urls::LIFE,
};
use crate::{keys::Scope, stream::Shared};

/// How long the bucket may take to say what it has.
const BUCKET_PATIENCE: Duration = Duration::from_secs(10);

/// Bytes read of an object at a time.
pub(super) const PIECE: usize = 64 * 1024;

/// The door.
pub(crate) async fn object(
    State(shared): State<Arc<Shared>>,
    peer: Peer,
    path: Result<Path<(String, String)>, PathRejection>,
    RawQuery(query): RawQuery,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = Query::split(&query.unwrap_or_default(), &["ticket", "version"])?;
    let ticket = query.get("ticket");
    let api_key = shared.authorize_if_required(peer.0.ip(), &headers, ticket, Scope::Archive)?;
    query.no_more()?;
    let Path((shape, accession)) = path.map_err(|_| nothing_of_that_shape())?;
    let key = find_key(&shared, &shape, &accession)?;
    let key = of_version(key, query.get("version"))?;
    let found = Found {
        shared: &shared,
        api_key: api_key.map(|key| key.id),
        key,
    };
    let given = found.give(&method, &headers);
    timeout(BUCKET_PATIENCE, given)
        .await
        .unwrap_or_else(|_| Err(unavailable("it does not answer")))
}

fn find_key(shared: &Shared, shape: &str, accession: &str) -> Result<Key, Problem> {
    let accession = parse_accession(accession)?;
    let layout = &shared.buckets.layout;
    let key = match shape {
        "sgml" => layout.sgml(accession),
        "tar" => layout.tar(accession),
        "xbrl" => layout.xbrl(accession),
        _ => return Err(nothing_of_that_shape()),
    };
    Ok(key.expect("the folders were checked with the configuration"))
}

/// # Errors
/// A [`Refusal`] that names the field, for a text that is no accession number.
pub(super) fn parse_accession(text: &str) -> Result<Accession, Refusal> {
    text.parse().map_err(|_| {
        let message = "that is no accession number; write 0001999999-26-000042, its 18 digits, or \
            these without leading zeros";
        Refusal::new(ErrorCode::BadParameter, message).field("accession")
    })
}

/// The key of a later version, which lies beside the first under the beginning of its
/// submission's checksum.
///
/// # Errors
/// A [`Refusal`] that names the field, for a text that is no checksum.
pub(super) fn of_version(key: Key, version: Option<&str>) -> Result<Key, Refusal> {
    let Some(version) = version else {
        return Ok(key);
    };
    let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if !(12..=64).contains(&version.len()) || !version.bytes().all(digit) {
        let message = "that is no version; write 12 or more digits of its `original_sha256`, or \
            leave `version` out for the first";
        return Err(Refusal::new(ErrorCode::BadParameter, message).field("version"));
    }
    let beside = key.beside(&version[..12]);
    Ok(beside.expect("hexadecimal digits are a key"))
}

fn nothing_of_that_shape() -> Problem {
    let message = "there is nothing of that kind; ask for /v1/archive/sgml/, /tar/ or /xbrl/ and \
        an accession number";
    Problem::new(ErrorCode::NotFound, message)
}

pub(super) fn unavailable(why: &str) -> Problem {
    let message = format!("the archive cannot be reached now: {why}; try again later");
    Problem::new(ErrorCode::ArchiveUnavailable, message)
}

/// Whose object is to be given to whom.
struct Found<'a> {
    shared: &'a Shared,
    api_key: Option<String>,
    key: Key,
}

impl Found<'_> {
    async fn give(self, method: &Method, headers: &HeaderMap) -> Result<Response, Problem> {
        let Self {
            shared,
            api_key,
            key,
        } = self;
        let bucket = &*shared.buckets.archive.bucket;
        let whose = (api_key, key);
        if method != Method::HEAD
            && let Some((url, fresh)) = shared.urls.get(&whose)
        {
            return Ok(redirect(&url, fresh));
        }
        let key = &whose.1;
        let head = bucket.head(key).await.map_err(bucket_problem)?;
        // A URL is signed for GET alone.
        if method != Method::HEAD
            && let Some(url) = bucket.presign(key, LIFE).await.map_err(bucket_problem)?
        {
            let (url, fresh) = shared.urls.keep(whose, url);
            return Ok(redirect(&url, fresh));
        }
        send(bucket, key, &head, headers).await
    }
}

fn redirect(url: &str, fresh: Duration) -> Response {
    let headers = [
        (header::LOCATION, url.to_owned()),
        (
            header::CACHE_CONTROL,
            format!("private, max-age={}", fresh.as_secs()),
        ),
    ];
    (StatusCode::FOUND, headers).into_response()
}

async fn send(
    bucket: &dyn Bucket,
    key: &Key,
    head: &Head,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let tag = entity_tag(key, head);
    let (status, range) = match wanted(headers, head.bytes, &tag) {
        Wanted::Unchanged => {
            return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
        }
        Wanted::Beyond => return Ok(not_satisfiable(head.bytes)),
        Wanted::Whole => (StatusCode::OK, 0..head.bytes),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
    };
    let object = bucket
        .open_range(key, range.clone())
        .await
        .map_err(bucket_problem)?;
    let fixed = [
        (header::ETAG, tag),
        (header::CONTENT_TYPE, key.media_type().to_owned()),
        (header::CONTENT_LENGTH, object.bytes.to_string()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        // An object never changes.
        (
            header::CACHE_CONTROL,
            "private, max-age=31536000, immutable".to_owned(),
        ),
    ];
    let body = Body::from_stream(ReaderStream::with_capacity(object.body, PIECE));
    let mut response = (status, fixed, body).into_response();
    if status == StatusCode::PARTIAL_CONTENT {
        let told = content_range(&range, head.bytes);
        response.headers_mut().insert(header::CONTENT_RANGE, told);
    }
    Ok(response)
}

/// Strong: nothing is ever put over an object, so its name and length tell its bytes.
fn entity_tag(key: &Key, head: &Head) -> String {
    let file = key.as_str().rsplit('/').next().unwrap_or_default();
    match &head.sha256 {
        Some(sha256) => format!("\"{sha256}\""),
        None => format!("\"{file}-{:x}\"", head.bytes),
    }
}

pub(super) fn not_satisfiable(bytes: u64) -> Response {
    let message = format!("the object has {bytes} bytes; ask for some of them");
    let mut response = Problem::new(ErrorCode::RangeNotSatisfiable, message).into_response();
    let told = HeaderValue::from_str(&format!("bytes */{bytes}"));
    let told = told.expect("digits are a header value");
    response.headers_mut().insert(header::CONTENT_RANGE, told);
    response
}

pub(super) fn bucket_problem(error: BucketError) -> Problem {
    match error {
        BucketError::NotFound(_) => {
            let message = "that is not in the archive; it may not be fetched yet, or the filing has none: \
                its event `filing.archived` names all its objects";
            Problem::new(ErrorCode::NotFound, message)
        }
        error => {
            tracing::warn!(
                error = format!("{:#}", anyhow::Error::from(error)),
                "an archived object cannot be given"
            );
            unavailable("the server's log says why")
        }
    }
}
