//! What to connect to: the stream's address, the filter, the API key.

use std::{convert::Infallible, fmt, str::FromStr};

use protocol::seq::Cursor;
use tokio_tungstenite::tungstenite::{
    client::IntoClientRequest,
    handshake::client::Request,
    http::{HeaderValue, header},
};
use url::Url;

use crate::cli::Failure;

/// The path of the stream.
const STREAM: &str = "/v1/stream";

/// An API key that is not shown by accident, also not in a message about it.
#[derive(Clone)]
pub(super) struct Secret(String);

/// A subscription, ready to be asked for again and again.
#[derive(Debug)]
pub(super) struct Target {
    url: Url,
    bearer: Option<HeaderValue>,
    after: Option<String>,
}

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.trim().to_owned()))
    }
}

impl Secret {
    fn bearer(&self) -> Result<HeaderValue, Failure> {
        let Self(text) = self;
        let visible = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        let header = HeaderValue::try_from(format!("Bearer {text}"))
            .ok()
            .filter(|_| visible);
        let wrong = "--key: an API key looks like fw_3fXk92Lq_… and has no blanks";
        let mut header = header.ok_or_else(|| Failure::Usage(wrong.to_owned()))?;
        header.set_sensitive(true);
        Ok(header)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Target {
    /// Reads an address as people write it: the scheme and the path may be left out.
    ///
    /// # Errors
    /// [`Failure::Usage`] for what is no address of a server, or no key.
    pub(super) fn new(
        text: &str,
        key: Option<Secret>,
        after: Option<String>,
    ) -> Result<Self, Failure> {
        let mut url = address(text).ok_or_else(|| {
            let remedy =
                "write ws://127.0.0.1:8080/v1/stream, https://filings.example.com, or host:port";
            Failure::Usage(format!(
                "--url: `{text}` is no address of a server; {remedy}"
            ))
        })?;
        let in_url = take_after(&mut url);
        let bearer = key.map(|key| key.bearer()).transpose()?;
        Ok(Self {
            url,
            bearer,
            after: after.or(in_url),
        })
    }

    /// Adds a parameter.
    pub(super) fn ask(&mut self, name: &str, value: &str) {
        self.url.query_pairs_mut().append_pair(name, value);
    }

    /// Whether there is a key to send.
    pub(super) fn has_key(&self) -> bool {
        self.bearer.is_some()
    }

    /// The server, without anything that was asked of it.
    pub(super) fn server(&self) -> &str {
        &self.url[..url::Position::BeforePath]
    }

    /// The request for what comes after `cursor`, or from where the user wants to begin.
    pub(super) fn request(&self, cursor: Option<&Cursor>) -> Request {
        let mut url = self.url.clone();
        let after = cursor
            .map(ToString::to_string)
            .or_else(|| self.after.clone());
        if let Some(after) = after {
            url.query_pairs_mut().append_pair("after", &after);
        }
        let mut request = url
            .as_str()
            .into_client_request()
            .expect("a checked websocket URL is a request");
        if let Some(bearer) = &self.bearer {
            request
                .headers_mut()
                .insert(header::AUTHORIZATION, bearer.clone());
        }
        request
    }
}

fn address(text: &str) -> Option<Url> {
    let text = text.trim();
    let text = if text.contains("://") {
        text.to_owned()
    } else {
        format!("ws://{text}")
    };
    let mut url = Url::parse(&text).ok()?;
    let scheme = match url.scheme() {
        "ws" | "http" => "ws",
        "wss" | "https" => "wss",
        _ => return None,
    };
    url.set_scheme(scheme).ok()?;
    url.host_str().filter(|host| !host.is_empty())?;
    url.set_fragment(None);
    // A name and password would be shown in notes, and no server of ours asks for them.
    let plain = url.username().is_empty() && url.password().is_none();
    if url.path() == "/" {
        url.set_path(STREAM);
    }
    plain.then_some(url)
}

/// Takes `after` out of the query: it is asked for anew with each connection.
fn take_after(url: &mut Url) -> Option<String> {
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let (afters, others): (Vec<_>, Vec<_>) =
        pairs.into_iter().partition(|(name, _)| name == "after");
    url.set_query(None);
    if !others.is_empty() {
        url.query_pairs_mut().extend_pairs(others);
    }
    afters.into_iter().next_back().map(|(_, after)| after)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn uri(target: &Target) -> String {
        target.request(None).uri().to_string()
    }

    fn target(text: &str) -> Target {
        Target::new(text, None, None).unwrap()
    }

    #[test]
    fn scheme_and_path_may_be_left_out() {
        let stream = "ws://127.0.0.1:8080/v1/stream";
        for text in [
            "127.0.0.1:8080",
            "http://127.0.0.1:8080",
            "ws://127.0.0.1:8080/",
            stream,
            "http://127.0.0.1:8080/#key=x",
        ] {
            assert_eq!(uri(&target(text)), stream, "{text}");
        }
        assert_eq!(uri(&target("https://e.com")), "wss://e.com/v1/stream");
        assert_eq!(uri(&target("localhost:81/own")), "ws://localhost:81/own");
    }

    #[test]
    fn what_is_no_address_is_wrong_usage() {
        for text in [
            "",
            "ftp://e.com",
            "ws://",
            "http://:8080",
            "a b",
            "ws://me:pw@e.com",
        ] {
            assert!(
                matches!(Target::new(text, None, None), Err(Failure::Usage(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn parameters_are_encoded_and_the_cursor_replaces_where_it_began() {
        let mut target = Target::new("e.com?after=oldest&forms=4", None, None).unwrap();
        target.ask("forms", "10-K/A,424B*");

        let first = uri(&target);
        let again = target
            .request(Some(&"k7q2-5".parse().unwrap()))
            .uri()
            .to_string();

        assert_eq!(
            first,
            "ws://e.com/v1/stream?forms=4&forms=10-K%2FA%2C424B*&after=oldest"
        );
        assert_eq!(
            again,
            "ws://e.com/v1/stream?forms=4&forms=10-K%2FA%2C424B*&after=k7q2-5"
        );
    }

    #[test]
    fn a_key_travels_in_its_header_and_is_never_shown() {
        let secret = |text: &str| Some(text.parse::<Secret>().unwrap());
        let target = Target::new("e.com", secret(" fw_a_b\n"), None).unwrap();

        let request = target.request(None);

        assert_eq!(request.headers()["authorization"], "Bearer fw_a_b");
        assert!(!format!("{target:?} {request:?}").contains("fw_a_b"));
        for text in ["", "a b", "a\nb", "é"] {
            assert!(Target::new("e.com", secret(text), None).is_err(), "{text}");
        }
    }
}
