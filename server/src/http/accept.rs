//! The accept loop of every port.
//!
//! Invariant: it ends for nothing that a peer or a lack of files does to it.

use std::{convert::Infallible, io, net::SocketAddr, time::Duration};

use rustix::net::sockopt::set_tcp_user_timeout;
use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};

use crate::metrics::Metrics;

/// A peer that takes no byte for this long is cut by the kernel. Twice the patience of
/// sessions, which say why where they can.
const USER_TIMEOUT_MS: u32 = 60_000;

/// Shortest and longest pause after a failed accept. Without one the loop would spin as
/// long as there are no more files to be had.
const PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// Gives every new connection to `enter`.
pub(super) async fn accept(
    listener: &TcpListener,
    metrics: &Metrics,
    mut enter: impl FnMut(TcpStream, SocketAddr),
) -> Infallible {
    let mut pause = PAUSE.0;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                pause = PAUSE.0;
                // Without it a frame waits for the peer to acknowledge the one before.
                let _ = stream.set_nodelay(true);
                let _ = set_tcp_user_timeout(&stream, USER_TIMEOUT_MS);
                enter(stream, peer);
            }
            Err(error) if is_the_peers_fault(&error) => {}
            Err(error) => {
                metrics.accept_failures.inc();
                tracing::warn!(%error, "connections cannot be accepted; check the limit of open files");
                sleep(pause).await;
                pause = (pause * 2).min(PAUSE.1);
            }
        }
    }
}

/// Errors of one connection that was gone before it was accepted.
fn is_the_peers_fault(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}
