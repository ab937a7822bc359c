//! `GET /v1/stream`: from a request to a websocket.
//!
//! Elsewhere: who may connect (`http/credentials`), who drives the connection until then
//! (`http/serve`), what happens next (`hub`).
//!
//! Invariant: what a browser could not read from a failed handshake is told in-band.

use std::{io, net::IpAddr, sync::Arc};

use axum::{body::Body, http::Request, response::Response};
use bytes::Bytes;
use hyper::upgrade::OnUpgrade;
use protocol::frame::{ErrorCode, Refusal};
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;

use super::{Shared, errands, hub::Entrance, place, request};
use crate::{
    http::{Problem, Query, Wire},
    keys::{ApiKey, Scope},
    tls::Stream,
};

/// Who a session is, as its request tells.
#[derive(Debug)]
pub(crate) struct Asked {
    from: IpAddr,
    request: Result<request::Request, Refusal>,
    known: Option<Result<ApiKey, Refusal>>,
}

/// A connection that was taken back from HTTP.
#[derive(Debug)]
pub(crate) struct Upgraded {
    pub(crate) stream: Stream,
    /// Bytes that came after the handshake.
    pub(crate) leftover: Bytes,
    /// The answer to the handshake, which is still to be written.
    pub(crate) answer: Vec<u8>,
}

/// Answers the handshake; with the answer out, the session [enters](enter). A credential
/// that comes with the request is looked at before; what is wrong with it is told in-band,
/// unless there is a flood of such.
///
/// # Errors
/// A [`Problem`] when this is no handshake or too many come.
pub(crate) fn upgrade<B>(
    shared: &Shared,
    from: IpAddr,
    request: &Request<B>,
) -> Result<(Response, Asked), Problem> {
    let handshake = create_response_with_body(request, Body::empty);
    let is_upgrade = request.extensions().get::<OnUpgrade>().is_some();
    let Some(response) = handshake.ok().filter(|_| is_upgrade) else {
        return Err(no_handshake().into());
    };
    Ok((response, ask(shared, from, request)?))
}

/// What is said to who comes with anything else.
pub(crate) fn no_handshake() -> Refusal {
    let message =
        "this is a websocket: connect with ws:// or wss://, for example with `filingwire tail`";
    Refusal::new(ErrorCode::UpgradeRequired, message)
}

fn ask<B>(shared: &Shared, from: IpAddr, request: &Request<B>) -> Result<Asked, Refusal> {
    let query = Query::split(request.uri().query().unwrap_or_default(), &["ticket"]);
    let ticket = query.as_ref().ok().and_then(|query| query.get("ticket"));
    let known = match shared.presented(from, request.headers(), ticket, Scope::Stream) {
        Some(Err(flood)) if flood.code == ErrorCode::TooManyRequests => return Err(flood),
        known => known,
    };
    if known.is_none() {
        shared.ask_without_key(from)?;
    }
    Ok(Asked {
        from,
        request: query.and_then(|query| request::parse(query.rest())),
        known,
    })
}

/// Lets the session begin.
///
/// # Errors
/// When the runtime does not give the stream back.
pub(crate) async fn enter(
    shared: Arc<Shared>,
    asked: Asked,
    wire: Wire,
    upgraded: Upgraded,
) -> io::Result<()> {
    let (stream, cipher) = upgraded.stream.part()?;
    let is_let_in = !shared.auth_required || matches!(asked.known, Some(Ok(_)));
    let hello = place::hello(&shared, is_let_in);
    let (place, next) = match shared.sessions.admit(shared.stream.max_connections) {
        Ok(mut place) => {
            let next = errands::open(&shared, &mut place, asked.request, asked.known).await;
            (Some(place), next)
        }
        Err(refusal) => (None, errands::Next::Close(refusal.into())),
    };
    let entrance = Entrance {
        stream,
        cipher,
        leftover: upgraded.leftover,
        opening: upgraded.answer,
        from: asked.from,
        place,
        wire,
        hello,
        next,
    };
    shared.hub.enter(entrance).await;
    Ok(())
}
