//! `GET /v1/stream`: from a request to a websocket.
//!
//! Elsewhere: who may connect (`http/credentials`), what happens next (`hub`).
//!
//! Invariant: what a browser could not read from a failed handshake is told in-band.

use std::{io, net::IpAddr, sync::Arc};

use axum::{
    Extension,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use protocol::frame::{ErrorCode, Refusal};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;

use super::{Shared, errands, hub::Entrance, place, request};
use crate::{
    http::{Peer, Problem, Query, Wire},
    keys::{ApiKey, Scope},
};

/// Who a session is, as its request tells.
struct Asked {
    from: IpAddr,
    request: Result<request::Request, Refusal>,
    known: Option<Result<ApiKey, Refusal>>,
}

/// Answers the handshake and lets the session begin. A credential that comes with the
/// request is looked at before; what is wrong with it is told in-band, unless there is a
/// flood of such.
pub(crate) async fn upgrade(
    State(shared): State<Arc<Shared>>,
    peer: Peer,
    Extension(wire): Extension<Wire>,
    mut request: Request,
) -> Response {
    let handshake = create_response_with_body(&request, Body::empty);
    let upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let (Ok(response), Some(upgrade)) = (handshake, upgrade) else {
        let message =
            "this is a websocket: connect with ws:// or wss://, for example with `filingwire tail`";
        return Problem::new(ErrorCode::UpgradeRequired, message).into_response();
    };
    let asked = match ask(&shared, peer.0.ip(), &request) {
        Ok(asked) => asked,
        Err(flood) => return Problem(flood).into_response(),
    };
    tokio::spawn(async move {
        match upgrade.await.map_err(io::Error::other).and_then(take_back) {
            Ok((stream, leftover)) => enter(shared, asked, wire, stream, leftover).await,
            Err(error) => tracing::debug!(%error, "a connection ended in its handshake"),
        }
    });
    response
}

fn ask(shared: &Shared, from: IpAddr, request: &Request) -> Result<Asked, Refusal> {
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

/// The connection under an upgraded one, and what was read of it already.
fn take_back(upgraded: Upgraded) -> io::Result<(std::net::TcpStream, Bytes)> {
    let parts = upgraded
        .downcast::<TokioIo<TcpStream>>()
        .map_err(|_| io::Error::other("the connection is no plain TCP stream"))?;
    Ok((parts.io.into_inner().into_std()?, parts.read_buf))
}

async fn enter(
    shared: Arc<Shared>,
    asked: Asked,
    wire: Wire,
    stream: std::net::TcpStream,
    leftover: Bytes,
) {
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
        leftover,
        from: asked.from,
        place,
        wire,
        hello,
        next,
    };
    shared.hub.enter(entrance).await;
}
