//! The plain port beside TLS: it says where the same is with TLS, and nothing else.
//!
//! Elsewhere: accepting connections (`accept`), TLS itself (`tls`).
//!
//! Invariant: an answer holds nothing of a request but a host that is one and a path, both
//! as checked here; each connection has one answer, a deadline and a place.

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Request, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use url::Host;

use super::{
    accept::accept,
    serve::{HEAD_PATIENCE, protocol},
};
use crate::stream::Shared;

/// What `https` means when it says nothing.
const HTTPS_PORT: u16 = 443;

/// Sends everybody to `port`, until `stop`.
///
/// # Errors
/// Never.
pub(crate) async fn redirect(
    listener: TcpListener,
    port: u16,
    shared: Arc<Shared>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let accepting = accept(&listener, &shared.metrics, |stream, peer| {
        enter(stream, peer, port, &shared, &stop);
    });
    stop.run_until_cancelled(accepting).await;
    Ok(())
}

/// Who is over a limit is not told: he is asked to come to the other port in any case.
fn enter(
    stream: TcpStream,
    peer: SocketAddr,
    port: u16,
    shared: &Arc<Shared>,
    stop: &CancellationToken,
) {
    let Ok(place) = shared.limits.connect(peer.ip()) else {
        return;
    };
    let stop = stop.clone();
    tokio::spawn(async move {
        let service = service_fn(move |request: Request<Incoming>| async move {
            Ok::<_, Infallible>(answer(request.uri(), request.headers(), port))
        });
        let connection = protocol()
            .keep_alive(false)
            .serve_connection(TokioIo::new(stream), service);
        let served = timeout(2 * HEAD_PATIENCE, connection);
        stop.run_until_cancelled(served).await;
        drop(place);
    });
}

fn answer(uri: &Uri, headers: &HeaderMap, port: u16) -> Response {
    match location(uri, headers, port) {
        Some(location) => {
            let headers = [(header::LOCATION, location)];
            (StatusCode::PERMANENT_REDIRECT, headers, Body::empty()).into_response()
        }
        None => {
            let message = "the address or the header Host is none; use https://\n";
            (StatusCode::BAD_REQUEST, message).into_response()
        }
    }
}

/// The same address with TLS; none if the request names no host or no path.
fn location(uri: &Uri, headers: &HeaderMap, port: u16) -> Option<HeaderValue> {
    let mut hosts = headers.get_all(header::HOST).into_iter();
    let (given, None) = (hosts.next()?, hosts.next()) else {
        return None;
    };
    let host = host(given.to_str().ok()?)?;
    let path = uri.path_and_query()?.as_str();
    if !path.starts_with('/') {
        return None;
    }
    let location = match port {
        HTTPS_PORT => format!("https://{host}{path}"),
        _ => format!("https://{host}:{port}{path}"),
    };
    location.try_into().ok()
}

/// The host of `host:port`, as a URL would have it.
fn host(given: &str) -> Option<Host> {
    let is_port = |port: &str| port.parse::<u16>().is_ok();
    let host = match given.rsplit_once(':') {
        Some((host, port)) if is_port(port) => host,
        _ => given,
    };
    Host::parse(host).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn to(host: &str, uri: &str, port: u16) -> Option<String> {
        let uri: Uri = uri.parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_bytes(host.as_bytes()).ok()?);
        let location = location(&uri, &headers, port)?;
        Some(location.to_str().unwrap().to_owned())
    }

    #[test]
    fn the_address_stays_but_for_scheme_and_port() {
        let cases = [
            ("e.com", "/", 443, "https://e.com/"),
            ("e.com:80", "/a?b=c", 443, "https://e.com/a?b=c"),
            (
                "E.com:8080",
                "/v1/stream",
                8443,
                "https://e.com:8443/v1/stream",
            ),
            ("[::1]:80", "/", 443, "https://[::1]/"),
            (
                "10.0.0.1",
                "//other.example/x",
                443,
                "https://10.0.0.1//other.example/x",
            ),
            ("e.com", "http://other.example/x", 443, "https://e.com/x"),
        ];
        for (host, uri, port, location) in cases {
            assert_eq!(
                to(host, uri, port).as_deref(),
                Some(location),
                "{host} {uri}"
            );
        }
    }

    #[test]
    fn a_host_that_is_none_is_sent_nowhere() {
        for host in [
            "",
            ":80",
            "e.com/x",
            "me@e.com",
            "e.com#",
            "e.com?x",
            "a b",
            "e.com\t",
            "e.com:80:80",
            "[::1",
            "e.com:99999",
            "<script>",
        ] {
            assert_eq!(to(host, "/", 443), None, "{host}");
        }
        assert_eq!(to("e.com", "*", 443), None);
    }

    #[test]
    fn two_hosts_are_none() {
        let mut headers = HeaderMap::new();
        headers.append(header::HOST, HeaderValue::from_static("a.com"));
        headers.append(header::HOST, HeaderValue::from_static("b.com"));

        assert_eq!(location(&Uri::from_static("/"), &headers, 443), None);
        assert_eq!(
            location(&Uri::from_static("/"), &HeaderMap::new(), 443),
            None
        );
    }
}
