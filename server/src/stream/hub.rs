//! The way to the sweeps: sessions enter through it, answers come back through it.
//!
//! Elsewhere: the thread behind it (`sweep`). Invariant: what is sent wakes its sweep.

use std::{
    io,
    net::{IpAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use mio::{Poll, Waker};
use tokio::{sync::mpsc, task::yield_now};

use super::{
    errands::{Answer, Next},
    lanes::Token,
    rota::Who,
    sessions::Place,
};
use crate::{http::Wire, tls::Cipher};

/// Commands that may wait for one sweep.
const COMMANDS_MAX: usize = 1024;

/// The token of a sweep's waker.
pub(super) const WAKER: mio::Token = mio::Token(Token::MAX);

/// All sweeps, as seen from outside.
#[derive(Debug)]
pub(crate) struct Hub {
    doors: Vec<Door>,
    next: AtomicUsize,
}

/// The way to one sweep.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    commands: mpsc::Sender<Command>,
    bell: Arc<Bell>,
}

/// Wakes a sweep that waits; one that has been woken is not woken again before it looks.
#[derive(Debug)]
struct Bell {
    waker: Waker,
    rung: AtomicBool,
}

/// What a sweep sits on.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(super) poll: Poll,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) door: Door,
}

/// What a sweep is told.
#[derive(Debug)]
pub(super) enum Command {
    Enter(Box<Entrance>),
    Answer { who: Who, turn: u32, answer: Answer },
}

/// A websocket whose session begins.
#[derive(Debug)]
pub(super) struct Entrance {
    pub(super) stream: TcpStream,
    /// What lies before the stream, with TLS.
    pub(super) cipher: Option<Box<Cipher>>,
    /// Bytes that came with the handshake.
    pub(super) leftover: Bytes,
    /// The answer to the handshake.
    pub(super) opening: Vec<u8>,
    pub(super) from: IpAddr,
    /// Its place among all sessions; none when there was none for it.
    pub(super) place: Option<Place>,
    /// Its place among all connections.
    pub(super) wire: Wire,
    /// The first frame.
    pub(super) hello: String,
    pub(super) next: Next,
}

impl Hub {
    /// A hub of so many sweeps, and their seats.
    ///
    /// # Errors
    /// When the kernel has no more files for us.
    pub(crate) fn new(sweeps: usize) -> io::Result<(Self, Vec<Seat>)> {
        let seats: Vec<Seat> = (0..sweeps)
            .map(|_| Seat::new())
            .collect::<io::Result<_>>()?;
        let hub = Self {
            doors: seats.iter().map(|seat| seat.door.clone()).collect(),
            next: AtomicUsize::new(0),
        };
        Ok((hub, seats))
    }

    /// Gives a session to one of the sweeps. One that has ended closes it.
    pub(super) async fn enter(&self, entrance: Entrance) {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let door = &self.doors[turn % self.doors.len()];
        let entrance = Command::Enter(Box::new(entrance));
        if door.commands.send(entrance).await.is_ok() {
            // Who comes in the same moment goes in too: one bell for all of them.
            yield_now().await;
            door.wake_for_commands();
        }
    }
}

impl Door {
    /// Sends a command; in vain when the sweep has ended.
    pub(super) async fn send(&self, command: Command) {
        if self.commands.send(command).await.is_ok() {
            self.wake();
        }
    }

    /// Wakes the sweep if it has not taken all commands yet.
    fn wake_for_commands(&self) {
        if self.commands.capacity() < self.commands.max_capacity() {
            self.wake();
        }
    }

    /// Wakes the sweep.
    pub(crate) fn wake(&self) {
        if self.bell.rung.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Err(error) = self.bell.waker.wake() {
            tracing::error!(%error, "a sweep cannot be woken");
        }
    }

    /// The sweep is about to look: whatever comes from now on wakes it again.
    pub(super) fn attend(&self) {
        self.bell.rung.swap(false, Ordering::AcqRel);
    }
}

impl Seat {
    fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        let bell = Bell {
            waker: Waker::new(poll.registry(), WAKER)?,
            rung: AtomicBool::new(false),
        };
        let (sender, commands) = mpsc::channel(COMMANDS_MAX);
        let door = Door {
            commands: sender,
            bell: Arc::new(bell),
        };
        Ok(Self {
            poll,
            commands,
            door,
        })
    }

    /// The way to the sweep on this seat.
    pub(crate) fn door(&self) -> Door {
        self.door.clone()
    }
}
