//! What the `datamule` package speaks: `GET /sec-websocket/` gives a token, `/ws?token=…` a
//! frame of filings as they are seen.
//!
//! Source: datamule 5.0.2, `sec_connector.py`; the shape of a filing from its
//! documentation. The client connects to port 8080 of the address it is given, so for it
//! the server must listen there.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use protocol::{
    event::EventType,
    filing::{Filing, Source},
};
use serde_json::{Value, json};

use super::{Dialect, session};
use crate::{
    http::{Peer, Problem, Query},
    keys::Scope,
    stream::Shared,
};

const DIALECT: Dialect = Dialect {
    credential: "token",
    event_type: EventType::FilingSeen,
    frame,
};

/// `GET /sec-websocket/`: a token for an API key, and where to go with it.
pub(crate) async fn token(
    State(shared): State<Arc<Shared>>,
    peer: Peer,
    headers: HeaderMap,
) -> Response {
    let issued = shared
        .authorize(peer.0.ip(), &headers, None, Scope::Stream)
        .and_then(|key| shared.tickets.issue(&key.id));
    match issued {
        Ok(token) => {
            let data = json!({"token": token, "websocket_ip": host(&headers)});
            let unkept = [(header::CACHE_CONTROL, "no-store")];
            (unkept, Json(json!({"success": true, "data": data}))).into_response()
        }
        Err(refusal) => {
            let said = json!({"success": false, "error": refusal.message});
            let status = Problem(refusal).into_response().status();
            (status, Json(said)).into_response()
        }
    }
}

/// The host by which the client has reached us, without the port.
fn host(headers: &HeaderMap) -> String {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let authority = host.and_then(|host| host.parse::<axum::http::uri::Authority>().ok());
    authority.map_or_else(
        || "127.0.0.1".to_owned(),
        |authority| authority.host().to_owned(),
    )
}

/// `/ws?token=…`: the socket. The token goes before the bearer header, in which the package
/// sends it once more.
pub(crate) async fn connect(
    State(shared): State<Arc<Shared>>,
    peer: Peer,
    mut request: Request,
) -> Result<Response, Problem> {
    let query = request.uri().query().unwrap_or_default();
    let token = Query::split(query, &[DIALECT.credential])?;
    let token = token.get(DIALECT.credential);
    if token.is_some() {
        request.headers_mut().remove(header::AUTHORIZATION);
    }
    let key = shared.authorize_token(peer.0.ip(), request.headers(), token)?;
    session::connect(DIALECT, shared, key, request).await
}

fn frame(filings: &[Filing]) -> Value {
    let data: Vec<Value> = filings.iter().map(shape).collect();
    json!({"data": data})
}

fn shape(filing: &Filing) -> Value {
    let ciks: Vec<String> = filing
        .filers
        .iter()
        .map(|filer| filer.cik.to_string())
        .collect();
    let filed_on = filing
        .filed_on
        .map(|day| day.to_string())
        .unwrap_or_default();
    json!({
        // The number as their tables have it, a text: JavaScript would round the longest.
        "accession": filing.accession.get().to_string(),
        "submission_type": filing.form.as_str(),
        "ciks": ciks,
        "filing_date": filed_on,
        "detected_time": filing.seen_at.as_millisecond(),
        "source": match filing.source {
            Source::Atom => "rss",
            _ => "efts",
        },
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::net::Ipv4Addr;

    use protocol::filing::Filer;

    use super::*;
    use crate::http::testing::House;

    #[test]
    fn a_filing_has_the_documented_fields() {
        let seen_at = "2026-03-03T21:04:58.168Z".parse().unwrap();
        let accession = "0001999999-26-000042".parse().unwrap();
        let mut filing = Filing::new(accession, "8-K".parse().unwrap(), Source::Atom, seen_at);
        filing.filed_on = Some("2026-03-03".parse().unwrap());
        filing.filers = ["1999991", "1888882"]
            .map(|cik| Filer::new(cik.parse().unwrap(), "", None))
            .to_vec();
        let mut recovered = filing.clone();
        recovered.source = Source::DailyIndex;

        let frame = frame(&[filing, recovered]);

        let shape = |source| {
            json!({"accession": "199999926000042", "submission_type": "8-K",
                "ciks": ["1999991", "1888882"], "filing_date": "2026-03-03",
                "detected_time": 1_772_571_898_168_i64, "source": source})
        };
        assert_eq!(frame, json!({"data": [shape("rss"), shape("efts")]}));
    }

    #[test]
    fn a_bad_token_is_refused_by_its_name_and_where_to_get_another() {
        let mut house = House::open(1);
        let shared = Arc::get_mut(&mut house.shared).unwrap();
        shared.auth_required = true;

        let from = Ipv4Addr::LOCALHOST.into();
        let refused = shared.authorize_token(from, &HeaderMap::new(), Some("bad"));

        let refusal = refused.unwrap_err();
        assert_eq!(refusal.field.as_deref(), Some("token"));
        assert!(refusal.message.contains("GET /sec-websocket/"), "{refusal}");
    }

    #[test]
    fn the_host_is_told_without_its_port() {
        for (given, told) in [
            ("feed.example:8080", "feed.example"),
            ("10.0.0.7", "10.0.0.7"),
            ("[::1]:8080", "[::1]"),
            ("not a host", "127.0.0.1"),
        ] {
            let headers = HeaderMap::from_iter([(header::HOST, given.parse().unwrap())]);
            assert_eq!(host(&headers), told);
        }
    }
}
