//! `GET /v1/filings/{accession}/documents/{document}`: one document of an archived filing, by
//! its ordinal or its file name. `GET /v1/reading/{ticket}/{accession}/{document}`: the same for a
//! browser, which asks for the pictures beside it by their file names.
//!
//! Elsewhere: finding and unpacking it (`documents`), what of it is asked for (`range`).
//!
//! Invariant: what a filing brings along is hostile. It is sent so that a browser runs none of
//! it, gives it no origin, guesses no other type and tells nobody where it was read; its name
//! stands in one header, in letters that mean nothing there.

use std::{sync::Arc, time::Duration};

use archive::{bucket::Bucket, key::Key};
use axum::{
    body::{Body, Bytes},
    extract::{Path, RawQuery, State, rejection::PathRejection},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::{Stream, stream::try_unfold};
use protocol::{accession::Accession, frame::ErrorCode};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, timeout, timeout_at},
};
use tokio_util::io::ReaderStream;

use super::{
    Peer, Problem, Query,
    archive::{PIECE, bucket_problem, not_satisfiable, of_version, parse_accession, unavailable},
    range::{Wanted, content_range, wanted},
};
use crate::{
    documents::{self, Found, Lacking, Look, Pieces, Which},
    keys::Scope,
    stream::Shared,
};

/// How long finding a document and looking at it may take: at 30 MB a second, more than
/// EDGAR takes.
const LOOK_PATIENCE: Duration = Duration::from_secs(30);

/// The slowest that a document may be taken, beside half a minute for its own sake.
const SLOWEST_BYTES_PER_SECOND: u64 = 32 * 1024;

/// What a browser may do with a document: show it. No scripts, forms, frames or plugins, and
/// no origin. Pictures and styles of the same filing may be asked for.
const POLICY: &str = "sandbox; default-src 'none'; img-src 'self' data:; \
    style-src 'self' 'unsafe-inline'; font-src data:; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'self'";

/// What a browser shows in place; the rest it is told to save.
const SHOWN: [&str; 9] = [
    "text/html",
    "text/plain",
    "text/css",
    "application/xml",
    "image/png",
    "image/gif",
    "image/jpeg",
    "image/webp",
    "image/bmp",
];

/// The door.
pub(crate) async fn document(
    State(shared): State<Arc<Shared>>,
    peer: Peer,
    path: Result<Path<(String, String)>, PathRejection>,
    RawQuery(query): RawQuery,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = Query::split(&query.unwrap_or_default(), &["ticket", "version"])?;
    let ticket = query.get("ticket");
    shared.authorize_if_required(peer.0.ip(), &headers, ticket, Scope::Archive)?;
    query.no_more()?;
    let Path((accession, document)) = path.map_err(|_| not_utf8())?;
    let key = of_version(
        tar_of(&shared, parse_accession(&accession)?),
        query.get("version"),
    )?;
    give_in_time(&shared, key, document, &method, &headers).await
}

/// The door of who reads with a ticket.
pub(crate) async fn reading(
    State(shared): State<Arc<Shared>>,
    peer: Peer,
    path: Result<Path<(String, String, String)>, PathRejection>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Path((ticket, accession, document)) = path.map_err(|_| not_utf8())?;
    let accession = parse_accession(&accession)?;
    shared.authorize_reading(peer.0.ip(), &ticket, accession)?;
    let key = tar_of(&shared, accession);
    give_in_time(&shared, key, document, &method, &headers).await
}

fn tar_of(shared: &Shared, accession: Accession) -> Key {
    let key = shared.buckets.layout.tar(accession);
    key.expect("the folders were checked with the configuration")
}

async fn give_in_time(
    shared: &Shared,
    key: Key,
    document: String,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let which = which(document);
    let given = give(shared, key, &which, method, headers);
    timeout(LOOK_PATIENCE, given)
        .await
        .unwrap_or_else(|_| Err(unavailable("it does not answer in time")))
}

fn not_utf8() -> Problem {
    let message = "the path is not UTF-8; name the document by its ordinal";
    Problem::new(ErrorCode::NotFound, message)
}

/// Digits are an ordinal; a file whose name is digits is had by its own.
fn which(document: String) -> Which {
    match document.parse() {
        Ok(ordinal) if document.bytes().all(|byte| byte.is_ascii_digit()) => {
            Which::Ordinal(ordinal)
        }
        _ => Which::Named(document),
    }
}

async fn give(
    shared: &Shared,
    key: Key,
    which: &Which,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let room = &shared.reading_room;
    let permit = room.permit().await;
    let bucket = &*shared.buckets.archive.bucket;
    let found = documents::find(bucket, key, which).await.map_err(problem)?;
    let look = room.look(bucket, &found).await.map_err(problem)?;
    let packed = !headers.contains_key(header::RANGE) && accepts_zstd(headers);
    let tag = entity_tag(&look, packed);
    let (status, range) = match wanted(headers, look.bytes, &tag) {
        Wanted::Unchanged => return Ok(unchanged(tag)),
        Wanted::Beyond => return Ok(not_satisfiable(look.bytes)),
        Wanted::Whole => (StatusCode::OK, 0..look.bytes),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
    };
    let sent = if packed {
        found.stored.end - found.stored.start
    } else {
        range.end - range.start
    };
    let body = match (method, packed) {
        (&Method::HEAD, _) => Body::empty(),
        (_, true) => stored(bucket, &found, permit).await?,
        (_, false) => {
            let pieces = Pieces::open(bucket, &found).await.map_err(problem)?;
            Body::from_stream(part(pieces, range.start, sent, permit))
        }
    };
    let mut response = (status, fixed(&found, &look, tag), body).into_response();
    let told = response.headers_mut();
    told.insert(header::CONTENT_LENGTH, sent.into());
    if packed {
        told.insert(header::CONTENT_ENCODING, HeaderValue::from_static("zstd"));
    }
    if status == StatusCode::PARTIAL_CONTENT {
        told.insert(header::CONTENT_RANGE, content_range(&range, look.bytes));
    }
    Ok(response)
}

/// The bytes as they are stored, for a client that unpacks them.
async fn stored(
    bucket: &dyn Bucket,
    found: &Found,
    permit: OwnedSemaphorePermit,
) -> Result<Body, Problem> {
    let object = bucket.open_range(&found.key, found.stored.clone()).await;
    let object = object.map_err(bucket_problem)?;
    // Nothing is unpacked.
    drop(permit);
    Ok(Body::from_stream(ReaderStream::with_capacity(
        object.body,
        PIECE,
    )))
}

/// So many decoded bytes from `start` on. A client that takes them too slowly is left.
fn part(
    pieces: Pieces,
    start: u64,
    length: u64,
    permit: OwnedSemaphorePermit,
) -> impl Stream<Item = std::io::Result<Bytes>> {
    let patience = Duration::from_secs(30 + length / SLOWEST_BYTES_PER_SECOND);
    let until = Instant::now() + patience;
    let state = (pieces, start, length, permit);
    try_unfold(
        state,
        move |(mut pieces, mut skip, mut left, permit)| async move {
            while left > 0 {
                // Unpacking is ready at once, so the time is looked at here too.
                if Instant::now() >= until {
                    return Err(std::io::ErrorKind::TimedOut.into());
                }
                let piece = timeout_at(until, pieces.next()).await;
                let Some(mut piece) = piece?? else { break };
                let skipped = skip.min(piece.len() as u64);
                skip -= skipped;
                let piece = piece.split_off(skipped as usize);
                let piece =
                    piece.slice(..piece.len().min(usize::try_from(left).unwrap_or(usize::MAX)));
                left -= piece.len() as u64;
                if !piece.is_empty() {
                    return Ok(Some((piece, (pieces, skip, left, permit))));
                }
            }
            Ok(None)
        },
    )
}

/// Strong, and another for the packed bytes, as RFC 9110 has it (section 8.8.3.3).
fn entity_tag(look: &Look, packed: bool) -> String {
    let packed = if packed { "-zstd" } else { "" };
    format!("\"{}{packed}\"", look.sha256)
}

fn unchanged(tag: String) -> Response {
    let headers = [
        (header::ETAG, tag),
        (header::VARY, "accept-encoding".to_owned()),
    ];
    (StatusCode::NOT_MODIFIED, headers).into_response()
}

fn fixed(found: &Found, look: &Look, tag: String) -> [(HeaderName, String); 10] {
    let text = |text: &str| text.to_owned();
    [
        (header::ETAG, tag),
        (header::CONTENT_TYPE, media_type(look)),
        (
            header::CONTENT_DISPOSITION,
            disposition(look.media, &found.filename),
        ),
        (header::CONTENT_SECURITY_POLICY, text(POLICY)),
        (header::X_CONTENT_TYPE_OPTIONS, text("nosniff")),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            text(readers(look.media)),
        ),
        (header::REFERRER_POLICY, text("no-referrer")),
        (header::ACCEPT_RANGES, text("bytes")),
        (header::VARY, text("accept-encoding")),
        // An object never changes.
        (
            header::CACHE_CONTROL,
            text("private, max-age=31536000, immutable"),
        ),
    ]
}

/// Who may load it. A page of a filing has no origin, so its pictures and styles are for all
/// who come with a key.
fn readers(media: &str) -> &'static str {
    match media.starts_with("image/") || media == "text/css" {
        true => "cross-origin",
        false => "same-origin",
    }
}

/// Text that is no UTF-8 says itself what it is, or is what a browser takes it for.
fn media_type(look: &Look) -> String {
    let Look { media, is_utf8, .. } = look;
    match *is_utf8 && media.starts_with("text/") {
        true => format!("{media}; charset=utf-8"),
        false => (*media).to_owned(),
    }
}

/// Source: RFC 6266, with the name in ASCII for those that know no other, and as RFC 8187
/// writes it. Nothing in it is a separator of a path.
fn disposition(media: &str, filename: &str) -> String {
    let kind = if SHOWN.contains(&media) {
        "inline"
    } else {
        "attachment"
    };
    let name: String = filename.chars().take(200).map(harmless).collect();
    let name = name.trim_start_matches('.');
    let name = if name.is_empty() { "document" } else { name };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let ascii = |c: char| {
        if c.is_ascii() && plain(c as u8) {
            c
        } else {
            '_'
        }
    };
    let ascii: String = name.chars().map(ascii).collect();
    let encoded: String = name
        .bytes()
        .map(|byte| match plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect();
    format!("{kind}; filename=\"{ascii}\"; filename*=UTF-8''{encoded}")
}

fn harmless(c: char) -> char {
    match c {
        '/' | '\\' | ':' => '_',
        c if c.is_control() => '_',
        c => c,
    }
}

fn accepts_zstd(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter();
    let mut codings = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    codings.any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let weight = weight.trim().trim_start_matches("q=").parse::<f32>();
        name.trim().eq_ignore_ascii_case("zstd") && weight.is_ok_and(|weight| weight > 0.0)
    })
}

fn problem(lacking: Lacking) -> Problem {
    match lacking {
        Lacking::Object(error) => bucket_problem(error),
        Lacking::Document(count) => {
            let message = format!(
                "the filing has {count}, and not this one; name one by its ordinal from 1 or its \
                 file name, as its event `filing.archived` lists them"
            );
            Problem::new(ErrorCode::NotFound, message)
        }
        Lacking::Damaged { .. } => {
            tracing::warn!("a document cannot be given: {lacking}");
            let message = "the archived object is damaged; the submission itself is at \
                /v1/archive/sgml/, and the server's log says more";
            Problem::new(ErrorCode::Internal, message)
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use axum::{body::to_bytes, extract::ConnectInfo};
    use futures_util::StreamExt;

    use super::{super::testing::House, *};
    use crate::documents::tests::{KEY, put, tar_object};

    /// A server whose archive has these documents.
    async fn house(documents: &[(&str, &[u8])]) -> House {
        let house = House::open(10);
        put(
            &*house.shared.buckets.archive.bucket,
            KEY,
            &tar_object(documents),
        )
        .await;
        house
    }

    async fn ask(house: &House, document: &str, header: Option<(HeaderName, &str)>) -> Response {
        let path = Path(("0001999999-26-000042".to_owned(), document.to_owned()));
        let headers = header.map(|(name, value)| (name, value.parse().unwrap()));
        let answer = super::document(
            State(house.shared.clone()),
            ConnectInfo(([127, 0, 0, 1], 9).into()),
            Ok(path),
            RawQuery(None),
            Method::GET,
            headers.into_iter().collect(),
        );
        answer.await.unwrap_or_else(IntoResponse::into_response)
    }

    async fn bytes(response: Response) -> Bytes {
        to_bytes(response.into_body(), usize::MAX).await.unwrap()
    }

    #[tokio::test]
    async fn what_a_filing_brings_is_shown_and_never_run() {
        let house = house(&[("a.htm", b"<html><script>alert(1)</script>")]).await;

        let response = ask(&house, "1", None).await;

        let header = |name: &str| response.headers()[name].to_str().unwrap();
        let policy = header("content-security-policy");
        assert!(
            policy.starts_with("sandbox; default-src 'none'; "),
            "{policy}"
        );
        assert!(
            !policy.contains("script") && !policy.contains("allow-"),
            "{policy}"
        );
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("content-type"), "text/html; charset=utf-8");
    }

    #[tokio::test]
    async fn a_name_with_markup_or_a_path_is_compared_and_opens_nothing() {
        let names = [
            "<img src=x onerror=alert(1)>.htm",
            "../../keys.json",
            "/etc/passwd",
            "a\r\nset-cookie: x=1.htm",
            "\"; filename=\"x.exe",
        ];
        let documents = names.map(|name| (name, name.as_bytes()));
        let house = house(&documents).await;
        for name in names {
            let response = ask(&house, name, None).await;
            assert_eq!(response.status(), StatusCode::OK, "{name}");
            assert!(!response.headers().contains_key(header::SET_COOKIE));
            let told = response.headers()[header::CONTENT_DISPOSITION]
                .to_str()
                .unwrap();
            assert!(!told.contains(['<', '>', '/']), "{told}");
            assert_eq!(told.matches('"').count(), 2, "{told}");
            assert_eq!(bytes(response).await, name.as_bytes());
        }
        for name in ["keys.json", "../keys.json", "..", "metadata.json", "0", "6"] {
            let response = ask(&house, name, None).await;
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{name}");
        }
    }

    #[tokio::test]
    async fn a_range_is_of_the_decoded_bytes_wherever_the_pieces_end() {
        let text: Vec<u8> = (0..400_000_u64).map(|n| (n * n / 7) as u8 | 1).collect();
        let house = house(&[("a.txt", &text)]).await;
        for (from, to) in [(0, 0), (131_071, 131_072), (5, 399_990), (399_999, 399_999)] {
            let range = format!("bytes={from}-{to}");
            let response = ask(&house, "1", Some((header::RANGE, &range))).await;
            assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT);
            let told = response.headers()[header::CONTENT_RANGE].to_str().unwrap();
            assert_eq!(told, format!("bytes {from}-{to}/400000"));
            assert!(bytes(response).await == text[from..=to], "{range}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_a_document_too_slowly_is_left() {
        let text: Vec<u8> = (0..400_000_u64).map(|n| (n * n / 7) as u8 | 1).collect();
        let house = house(&[("a.txt", &text)]).await;
        let mut body = ask(&house, "1", None).await.into_body().into_data_stream();

        let in_time = body.next().await.unwrap();
        tokio::time::advance(Duration::from_secs(60)).await;
        let late = body.next().await.unwrap();

        assert!(in_time.is_ok() && late.is_err());
    }

    #[tokio::test]
    async fn stored_bytes_go_to_who_unpacks_them_under_a_tag_of_their_own() {
        let text = b"text ".repeat(1000);
        let house = house(&[("a.txt", &text)]).await;
        let zstd = Some((header::ACCEPT_ENCODING, "gzip, zstd"));

        let packed = ask(&house, "1", zstd.clone()).await;
        let plain = ask(&house, "1", None).await;

        assert_eq!(packed.headers()[header::CONTENT_ENCODING], "zstd");
        assert_eq!(packed.headers()[header::VARY], "accept-encoding");
        let (tag, other) = (
            &packed.headers()[header::ETAG],
            &plain.headers()[header::ETAG],
        );
        assert_ne!(tag, other);
        let known = Some((header::IF_NONE_MATCH, other.to_str().unwrap()));
        let again = ask(&house, "1", known).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        let length = packed.headers()[header::CONTENT_LENGTH].clone();
        let stored = bytes(packed).await;
        assert_eq!(length, stored.len().to_string().as_str());
        assert_eq!(zstd::decode_all(&stored[..]).unwrap(), text);
        assert_eq!(bytes(plain).await, text);
    }

    #[test]
    fn a_name_stands_in_the_header_in_letters_that_mean_nothing() {
        for (filename, expected) in [
            (
                "a.htm",
                "inline; filename=\"a.htm\"; filename*=UTF-8''a.htm",
            ),
            (
                "../../etc/passwd",
                "inline; filename=\"_.._etc_passwd\"; filename*=UTF-8''_.._etc_passwd",
            ),
            (
                "a\"; filename=\"b.exe\r\nset-cookie: x",
                "inline; filename=\"a___filename__b.exe__set-cookie__x\"; \
                 filename*=UTF-8''a%22%3B%20filename%3D%22b.exe__set-cookie_%20x",
            ),
            (
                "<img src=x>.htm",
                "inline; filename=\"_img_src_x_.htm\"; filename*=UTF-8''%3Cimg%20src%3Dx%3E.htm",
            ),
            (
                "\u{e9}.htm",
                "inline; filename=\"_.htm\"; filename*=UTF-8''%C3%A9.htm",
            ),
            (
                "...",
                "inline; filename=\"document\"; filename*=UTF-8''document",
            ),
        ] {
            assert_eq!(disposition("text/html", filename), expected, "{filename}");
        }
        assert!(disposition("application/pdf", "a.pdf").starts_with("attachment; "));
        assert!(disposition("text/javascript", "a.js").starts_with("attachment; "));
    }

    #[test]
    fn zstd_is_sent_to_those_who_name_it() {
        for (value, expected) in [
            ("zstd", true),
            ("gzip, br, ZSTD;q=0.5", true),
            ("gzip;q=1.0, zstd ; q=1", true),
            ("zstd;q=0", false),
            ("zstd;q=soon", false),
            ("*", false),
            ("gzip", false),
            ("", false),
        ] {
            let headers = [(header::ACCEPT_ENCODING, value.parse().unwrap())];
            assert_eq!(
                accepts_zstd(&HeaderMap::from_iter(headers)),
                expected,
                "{value}"
            );
        }
    }

    #[test]
    fn digits_are_an_ordinal_and_all_else_a_name() {
        assert_eq!(which("12".into()), Which::Ordinal(12));
        for name in ["+1", "1.htm", "99999999999", "..", "a/b"] {
            assert_eq!(which(name.into()), Which::Named(name.into()));
        }
    }
}
