//! A line to a server, with faults: what a network does to a connection.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::JoinSet,
};

/// What happens to the connections of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing.
    None,
    /// Nobody is there: connections are closed at once.
    Gone,
    /// The connection is cut when so many bytes have gone to the server.
    CutUpload(usize),
    /// The connection is cut when so many bytes have come from the server.
    CutAnswer(usize),
    /// Nothing comes from the server after so many bytes.
    StallAnswer(usize),
    /// Bytes after this place of what goes to the server are other ones.
    FlipUpload(usize),
}

/// A line to a server.
pub(super) struct Line {
    pub(super) addr: SocketAddr,
    state: Arc<State>,
    /// Ends with its connections when dropped.
    _carrying: JoinSet<()>,
}

struct State {
    fault: Mutex<(Fault, u32)>,
    fired: AtomicU32,
}

impl Line {
    pub(super) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let state = Arc::new(State {
            fault: Mutex::new((Fault::None, 0)),
            fired: AtomicU32::new(0),
        });
        let mut carrying = JoinSet::new();
        carrying.spawn(carry(listener, server, state.clone()));
        Self {
            addr,
            state,
            _carrying: carrying,
        }
    }

    /// The next `times` connections that reach the place of the fault have it.
    pub(super) fn plan(&self, fault: Fault, times: u32) {
        *self.state.fault.lock().unwrap() = (fault, times);
    }

    /// How often faults have fired.
    pub(super) fn fired(&self) -> u32 {
        self.state.fired.load(Ordering::SeqCst)
    }
}

impl State {
    fn planned(&self) -> Fault {
        let (fault, times) = *self.fault.lock().unwrap();
        if times == 0 { Fault::None } else { fault }
    }

    /// Whether the fault is still to fire, now that its place is reached.
    fn fire(&self) -> bool {
        let mut planned = self.fault.lock().unwrap();
        if planned.1 == 0 {
            return false;
        }
        planned.1 -= 1;
        self.fired.fetch_add(1, Ordering::SeqCst);
        true
    }
}

async fn carry(listener: TcpListener, server: SocketAddr, state: Arc<State>) {
    let mut connections = JoinSet::new();
    while let Ok((near, _)) = listener.accept().await {
        if state.planned() == Fault::Gone && state.fire() {
            continue;
        }
        let state = state.clone();
        connections.spawn(async move {
            let far = TcpStream::connect(server).await.unwrap();
            let (from_near, to_near) = near.into_split();
            let (from_far, to_far) = far.into_split();
            // Either end of a connection ends the other.
            tokio::select! {
                () = upload(from_near, to_far, &state) => {}
                () = answer(from_far, to_near, &state) => {}
            }
        });
    }
}

async fn upload(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, state: &State) {
    let (mut piece, mut passed) = (vec![0; 16 * 1024], 0);
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        match state.planned() {
            Fault::CutUpload(place) if passed + length > place && state.fire() => return,
            Fault::FlipUpload(place) if passed + length > place && state.fire() => {
                piece[length - 1] ^= 1;
            }
            _ => {}
        }
        if to.write_all(&piece[..length]).await.is_err() {
            return;
        }
        passed += length;
    }
}

async fn answer(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, state: &State) {
    let (mut piece, mut passed) = (vec![0; 16 * 1024], 0);
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        match state.planned() {
            Fault::CutAnswer(place) if passed + length > place && state.fire() => return,
            Fault::StallAnswer(place) if passed + length > place && state.fire() => {
                std::future::pending().await
            }
            _ => {}
        }
        if to.write_all(&piece[..length]).await.is_err() {
            return;
        }
        passed += length;
    }
}
