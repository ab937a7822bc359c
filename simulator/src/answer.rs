//! An answer on its way out: headers, compression, and the ways a body can go wrong.
//!
//! Invariant: a whole answer carries exactly its announced length; a cut one announces
//! more than it carries.

use std::io::Write;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream;

use crate::submission::{CHUNK_BYTES, Submission};

/// Longer bodies are not compressed, to keep the machine free.
const GZIP_MAX_BYTES: u64 = 1024 * 1024;
/// The type of files that are compressed as they lie.
pub(crate) const PACKED: &str = "application/x-gzip";
/// Into how many pieces a slow body is cut at least.
const SLOW_PIECES: u32 = 8;
/// Between the last bytes of a cut body and the end of its connection, so that they arrive.
const BEFORE_CUT: Duration = Duration::from_millis(20);

/// What is sent back.
#[derive(Debug)]
pub(crate) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    payload: Payload,
    entity_tag: Option<String>,
}

#[derive(Debug)]
enum Payload {
    Whole(Bytes),
    Submission(Submission),
}

/// How it is sent.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Delivery {
    /// The client takes gzip.
    pub(crate) gzip: bool,
    /// Real time the body takes.
    pub(crate) slow: Option<Duration>,
    /// Half of the body is missing.
    pub(crate) cut: bool,
}

impl Answer {
    /// An answer with a body held in memory.
    pub(crate) fn new(
        status: StatusCode,
        content_type: &'static str,
        body: impl Into<Bytes>,
    ) -> Self {
        Self::with(status, content_type, Payload::Whole(body.into()))
    }

    /// 200 with a submission.
    pub(crate) fn submission(submission: Submission) -> Self {
        Self::with(
            StatusCode::OK,
            "text/plain",
            Payload::Submission(submission),
        )
    }

    fn with(status: StatusCode, content_type: &'static str, payload: Payload) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        Self {
            status,
            headers,
            payload,
            entity_tag: None,
        }
    }

    /// The same with one more header; a value no header can hold is left out.
    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// The same with an entity tag; compressed bodies get `-gzip` at its end.
    pub(crate) fn entity_tag(mut self, tag: String) -> Self {
        self.entity_tag = Some(tag);
        self
    }

    /// Whether it is a success, the only answers that faults spoil.
    pub(crate) fn is_success(&self) -> bool {
        self.status.is_success()
    }

    /// Turns it into a response of the server.
    pub(crate) fn deliver(mut self, delivery: Delivery) -> Response<Body> {
        let squeeze = delivery.gzip
            && self.headers[header::CONTENT_TYPE] != PACKED
            && self.payload.bytes() <= GZIP_MAX_BYTES
            && self.status != StatusCode::NOT_MODIFIED;
        if squeeze {
            self.payload = Payload::Whole(gzip(self.payload));
            self.headers
                .insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if let Some(tag) = self.entity_tag.take() {
            let tag = if squeeze {
                format!("\"{tag}-gzip\"")
            } else {
                format!("\"{tag}\"")
            };
            self = self.header(header::ETAG, &tag);
        }
        let length = self.payload.bytes();
        let body = self.payload.body(delivery);
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
            .headers_mut()
            .insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        response
    }
}

impl Payload {
    fn bytes(&self) -> u64 {
        match self {
            Self::Whole(body) => body.len() as u64,
            Self::Submission(submission) => submission.bytes(),
        }
    }

    fn body(self, delivery: Delivery) -> Body {
        match self {
            Self::Whole(body) if delivery.slow.is_none() && !delivery.cut => Body::from(body),
            payload => payload.pieces(delivery),
        }
    }

    /// A body that is written piece by piece, as slowly and as far as `delivery` says.
    fn pieces(self, delivery: Delivery) -> Body {
        let length = self.bytes();
        let pause = delivery
            .slow
            .map(|slow| slow / SLOW_PIECES)
            .unwrap_or_default();
        let piece = match delivery.slow {
            Some(_) => (length / u64::from(SLOW_PIECES) + 1).min(CHUNK_BYTES as u64) as usize,
            None => CHUNK_BYTES,
        };
        let allowed = if delivery.cut { length / 2 } else { length };
        let pieces = Pieces {
            chunks: self.chunks(),
            rest: Bytes::new(),
            piece,
            allowed,
        };
        let start = (
            pieces,
            if pause.is_zero() { 0 } else { SLOW_PIECES },
            delivery.cut,
        );
        Body::from_stream(stream::unfold(
            start,
            move |(mut pieces, pauses, cut)| async move {
                if pauses > 0 {
                    tokio::time::sleep(pause).await;
                }
                match pieces.next() {
                    Some(bytes) => Some((Ok(bytes), (pieces, pauses.saturating_sub(1), cut))),
                    None if cut => {
                        tokio::time::sleep(BEFORE_CUT).await;
                        Some((
                            Err(std::io::Error::other("cut by plan")),
                            (pieces, 0, false),
                        ))
                    }
                    None => None,
                }
            },
        ))
    }

    fn chunks(self) -> Box<dyn Iterator<Item = Bytes> + Send> {
        match self {
            Self::Whole(body) => Box::new(std::iter::once(body)),
            Self::Submission(submission) => Box::new(submission.chunks()),
        }
    }
}

/// The bytes of a body in pieces, up to a limit.
struct Pieces {
    chunks: Box<dyn Iterator<Item = Bytes> + Send>,
    rest: Bytes,
    piece: usize,
    allowed: u64,
}

impl Iterator for Pieces {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        if self.rest.is_empty() {
            self.rest = self.chunks.next()?;
        }
        let room = usize::try_from(self.allowed).unwrap_or(usize::MAX);
        let length = self.rest.len().min(self.piece).min(room);
        self.allowed -= length as u64;
        (length > 0).then(|| self.rest.split_to(length))
    }
}

fn gzip(payload: Payload) -> Bytes {
    packed(payload.chunks())
}

/// `chunks` as a gzip file.
pub(crate) fn packed(chunks: impl Iterator<Item = Bytes>) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    for chunk in chunks {
        let _ = encoder.write_all(&chunk); // Writing to a Vec cannot fail.
    }
    encoder.finish().unwrap_or_default().into()
}
