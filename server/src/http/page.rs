//! Small pages that are in the program: one file of HTML each, with its style and script.
//!
//! Elsewhere: the live page (`doors`).
//!
//! Invariant: a browser runs what stands in the file and nothing that got into it since: style
//! and script carry a number that is another for every answer.

use axum::{
    http::header,
    response::{Html, IntoResponse, Response},
};

/// What stands in a page for the number.
const NONCE: &str = "NONCE";

/// A page, to be asked for again each time.
pub(super) fn page(html: &str) -> Response {
    let nonce = format!("{:032x}", rand::random::<u128>());
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let headers = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    (headers, Html(html.replace(NONCE, &nonce))).into_response()
}
