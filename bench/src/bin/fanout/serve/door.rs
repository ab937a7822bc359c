//! What the two limits share: they let subscribers in and hear what is to be sent.
//!
//! One thread, one epoll: the listener, stdin, and every socket. The upgrade is answered
//! with prepared bytes, because every subscriber of the generator sends the same key.
//!
//! Invariant: a guest is told of once, after its upgrade is answered; with a file, events are
//! told of once they are synced.
#![allow(clippy::print_stdout, reason = "the line says where it listens")]

use std::{
    fs::File,
    io::{self, ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    os::fd::AsFd,
    time::Duration,
};

use crate::{
    poll::{Interest, Poll},
    wire::{ACCEPT, EVENT_BYTES, end_of_head},
};

const LISTENER: usize = 0;
const INLET: usize = 1;
/// Token of the first seat.
const SEATS: usize = 2;

/// Connections the kernel may hold for us to accept, as filingwire has it.
const BACKLOG: i32 = 4096;

/// Largest request for an upgrade.
const REQUEST_MAX: usize = 4096;

/// A subscriber that was let in.
pub(super) struct Guest {
    pub(super) seat: usize,
    /// The number of the event it has, if it gave one; without, it is live.
    pub(super) after: Option<usize>,
}

/// What has come.
#[derive(Default)]
pub(super) struct News {
    /// Events to be sent.
    pub(super) events: usize,
    pub(super) guests: Vec<Guest>,
    /// Nothing more will come.
    pub(super) is_over: bool,
}

/// The way in, and all who came.
pub(super) struct Door {
    poll: Poll,
    ready: Vec<usize>,
    listener: TcpListener,
    inlet: File,
    /// Where as many bytes as the events have are written and synced, if anywhere.
    file: Option<File>,
    /// None where the peer is gone.
    seats: Vec<Option<Seat>>,
    buffer: Vec<u8>,
}

struct Seat {
    socket: TcpStream,
    /// The request as far as it has come; none when it is answered.
    request: Option<Vec<u8>>,
}

impl Door {
    /// Listens, and says so; `more` are further fields of what is said. With a file, what
    /// comes in together is written and synced together.
    ///
    /// # Errors
    /// When it cannot.
    pub(super) fn open(more: &str, file: Option<File>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        rustix::net::listen(&listener, BACKLOG)?;
        listener.set_nonblocking(true)?;
        let inlet = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        let poll = Poll::new()?;
        poll.watch(&listener, LISTENER, Interest::Readable)?;
        poll.watch(&inlet, INLET, Interest::Readable)?;
        println!(r#"{{"port":{}{more}}}"#, listener.local_addr()?.port());
        Ok(Self {
            poll,
            ready: Vec::new(),
            listener,
            inlet,
            file,
            seats: Vec::new(),
            buffer: vec![0; 64 * 1024],
        })
    }

    /// Seats given so far, also of those who are gone.
    pub(super) fn seats(&self) -> usize {
        self.seats.len()
    }

    /// Waits for something to come; without `patience`, for ever.
    ///
    /// # Errors
    /// When the listener, stdin or the file fail.
    pub(super) fn look(&mut self, patience: Option<Duration>) -> anyhow::Result<News> {
        let mut news = News::default();
        let mut ready = std::mem::take(&mut self.ready);
        self.poll.wait(patience, &mut ready)?;
        for token in &ready {
            match *token {
                LISTENER => self.accept()?,
                INLET => self.hear_events(&mut news)?,
                token => news.guests.extend(self.attend(token - SEATS)),
            }
        }
        self.ready = ready;
        Ok(news)
    }

    /// Writes to a seat as much as it takes. Whoever cannot be written to is gone.
    pub(super) fn send(&mut self, seat: usize, bytes: &[u8]) -> usize {
        let Some(guest) = &mut self.seats[seat] else {
            return 0;
        };
        match guest.socket.write(bytes) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(_) => {
                self.seats[seat] = None;
                0
            }
        }
    }

    /// Ends a connection.
    pub(super) fn dismiss(&mut self, seat: usize) {
        self.seats[seat] = None;
    }

    fn accept(&mut self) -> anyhow::Result<()> {
        loop {
            let socket = match self.listener.accept() {
                Ok((socket, _)) => socket,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            socket.set_nonblocking(true)?;
            socket.set_nodelay(true)?;
            self.poll
                .watch(&socket, SEATS + self.seats.len(), Interest::Readable)?;
            self.seats.push(Some(Seat {
                socket,
                request: Some(Vec::new()),
            }));
        }
    }

    fn hear_events(&mut self, news: &mut News) -> anyhow::Result<()> {
        let count = self.inlet.read(&mut self.buffer)?;
        let events = memchr::memchr_iter(b'\n', &self.buffer[..count]).count();
        news.is_over |= count == 0;
        news.events += events;
        if let Some(file) = self.file.as_mut().filter(|_| events > 0) {
            file.write_all(&vec![b'x'; events * EVENT_BYTES])?;
            file.sync_data()?;
        }
        Ok(())
    }

    /// Reads from a seat; a guest, when its upgrade is answered now.
    fn attend(&mut self, number: usize) -> Option<Guest> {
        let seat = self.seats[number].as_mut()?;
        let count = match seat.socket.read(&mut self.buffer) {
            Ok(count) if count > 0 => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
            _ => {
                self.seats[number] = None;
                return None;
            }
        };
        // What subscribers say later, such as pongs, is read and forgotten.
        let request = seat.request.as_mut()?;
        request.extend(&self.buffer[..count]);
        if end_of_head(request).is_none() {
            if request.len() > REQUEST_MAX {
                self.seats[number] = None;
            }
            return None;
        }
        let after = after(request);
        seat.request = None;
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
            Connection: Upgrade\r\nSec-WebSocket-Accept: {ACCEPT}\r\n\r\n"
        );
        self.send(number, answer.as_bytes());
        Some(Guest {
            seat: number,
            after,
        })
    }
}

/// The number in `?after=` of a request.
fn after(request: &[u8]) -> Option<usize> {
    let line = request.split(|byte| *byte == b'\r').next()?;
    let (_, rest) = std::str::from_utf8(line).ok()?.split_once("after=")?;
    rest.split([' ', '&']).next()?.parse().ok()
}
