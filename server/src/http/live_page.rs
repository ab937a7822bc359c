//! The live page: what is built of `server/web`, embedded, and the rules its browser keeps to.
//!
//! Invariant: nothing runs or is shown in the page that did not come from here, so that text
//! of a filing can never become more than text.

use axum::{
    extract::Path,
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use protocol::frame::ErrorCode;
use sha2::{Digest, Sha256};

use super::Problem;

/// Ourselves only; documents of filings are framed, in a sandbox.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; \
    img-src 'self' data:; connect-src 'self' ws: wss:; frame-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// One file of the page.
struct File {
    name: &'static str,
    media_type: &'static str,
    bytes: &'static [u8],
}

macro_rules! file {
    ($name:literal, $media_type:literal) => {
        File {
            name: $name,
            media_type: $media_type,
            bytes: include_bytes!(concat!("../../web/dist/", $name)),
        }
    };
}

const FRONT: File = file!("index.html", "text/html; charset=utf-8");

const FILES: [File; 4] = [
    file!("main.js", "text/javascript; charset=utf-8"),
    file!("main.css", "text/css; charset=utf-8"),
    file!("icon.svg", "image/svg+xml"),
    file!("inter.woff2", "font/woff2"),
];

/// The page itself.
pub(crate) fn front(headers: &HeaderMap) -> Response {
    give(&FRONT, headers)
}

/// What the page is made of.
pub(crate) async fn part(Path(name): Path<String>, headers: HeaderMap) -> Response {
    match FILES.iter().find(|file| file.name == name) {
        Some(file) => give(file, &headers),
        None => Problem::new(ErrorCode::NotFound, "the page has no such file").into_response(),
    }
}

/// Asked for anew each time, sent anew when the program is another one.
fn give(file: &File, headers: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", hex::encode(&Sha256::digest(file.bytes)[..16]));
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-cache"),
        (OPENER, "same-origin"),
    ];
    let has_it = headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let tagged = [(header::ETAG, tag)];
    if has_it {
        return (StatusCode::NOT_MODIFIED, fixed, tagged).into_response();
    }
    let kind = [(header::CONTENT_TYPE, file.media_type)];
    (fixed, tagged, kind, file.bytes).into_response()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_nothing_inline_and_asks_for_files_that_are_there() {
        let html = std::str::from_utf8(FRONT.bytes).unwrap();

        for inline in ["<script>", "<style", " style=", " onclick="] {
            assert!(!html.contains(inline), "{inline} in the page");
        }
        let asked = html
            .split("page/")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap());
        for name in asked {
            assert!(FILES.iter().any(|file| file.name == name), "page/{name}");
        }
    }

    #[tokio::test]
    async fn a_file_that_the_browser_has_is_not_sent_again() {
        let first = front(&HeaderMap::new());
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, first.headers()[header::ETAG].clone());

        let second = front(&headers);

        assert_eq!(first.status(), StatusCode::OK);
        assert_eq!(second.status(), StatusCode::NOT_MODIFIED);
    }

    #[tokio::test]
    async fn no_path_leads_out_of_the_page() {
        for name in ["", "../page.rs", "index.html", "main.js/", "MAIN.JS"] {
            let answer = part(Path(name.to_owned()), HeaderMap::new()).await;
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{name}");
        }
    }
}
