//! A websocket that never waits: it takes what the kernel takes and keeps the rest.
//!
//! What a client sends is read by tungstenite. What goes to it has three ranks: the
//! [rest](Websocket::owe) of a frame that the kernel has cut, then whole frames that are
//! [said](Websocket::say) to this client alone, then what its owner [writes](Websocket::write)
//! from elsewhere. With TLS all of it goes through a cipher. Elsewhere: when to read and
//! write, and what to say (`stream`), TLS (`tls`).
//!
//! Invariant: bytes of two frames never mix, whatever the kernel takes at a time. What a
//! write of frames from elsewhere looks at lies in the struct itself, the rest behind a
//! pointer: whoever writes to thousands in turn finds little of them in its caches.

use std::{
    io::{self, IoSlice, Read, Write},
    net::Shutdown,
};

use bytes::{Buf, Bytes};
use mio::net::TcpStream;
use rustix::net::SendFlags;
use tokio_tungstenite::tungstenite::{
    Error, Message,
    protocol::{
        Role, WebSocketConfig, WebSocketContext,
        frame::{
            CloseFrame, Frame,
            coding::{CloseCode, Data, OpCode},
        },
    },
};

use crate::tls::Cipher;

/// Bytes read at a time: clients say little.
const READ_BYTES: usize = 512;

/// Bytes read in one visit, so that one client cannot keep the others waiting.
const VISIT_BYTES: usize = 16 * 1024;

/// Bytes waiting to be said above which nothing more is heard: a client that asks without
/// reading the answers.
const DEAF_BYTES: usize = 8 * 1024;

/// The connection to one client.
#[derive(Debug)]
pub struct Websocket {
    stream: TcpStream,
    /// Whether there is neither a rest nor anything said, nor anything owed by the cipher.
    is_clear: bool,
    /// Whether there is a cipher.
    is_sealed: bool,
    talk: Box<Talk>,
}

// Two words, so that thousands of sessions lie close together. Without optimisation `mio`
// has one more in each socket, to find misuse.
#[cfg(not(debug_assertions))]
const _: () = assert!(size_of::<Websocket>() == 16);

/// What is heard from a client, and what waits to be written to it alone.
#[derive(Debug)]
struct Talk {
    context: WebSocketContext,
    /// What lies before the stream, with TLS.
    cipher: Option<Box<Cipher>>,
    rest: Bytes,
    said: Vec<u8>,
    heard: usize,
}

/// What became of a look for input.
#[derive(Debug)]
pub enum Heard {
    /// A message, a ping or a pong. There may be more.
    Message(Message),
    /// Nothing, until the stream is readable again.
    Silence,
    /// Enough for now: there may be more to read, after others had their turn and what is
    /// said was written.
    Enough,
    /// The client has closed or is gone.
    Gone,
    /// It breaks the rules, which this close tells.
    Fault(CloseCode),
    /// A message is longer than allowed.
    TooLarge,
}

impl Websocket {
    /// A websocket after its handshake. `leftover` was read with it, `opening` is still to
    /// be written; no message may be longer than `max_message`.
    pub fn new(stream: TcpStream, leftover: &[u8], opening: Vec<u8>, max_message: usize) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BYTES)
            .write_buffer_size(0)
            .max_message_size(Some(max_message))
            .max_frame_size(Some(max_message));
        let leftover = leftover.to_vec();
        Self {
            stream,
            is_clear: opening.is_empty(),
            is_sealed: false,
            talk: Box::new(Talk {
                cipher: None,
                heard: leftover.len(),
                context: WebSocketContext::from_partially_read(
                    leftover,
                    Role::Server,
                    Some(config),
                ),
                rest: Bytes::new(),
                said: opening,
            }),
        }
    }

    /// Lets everything go through a cipher, which there is with TLS. What it holds already
    /// is to be [heard](Self::hear) though the stream may never be readable.
    pub(crate) fn through(mut self, cipher: Option<Box<Cipher>>) -> Self {
        self.is_sealed = cipher.is_some();
        self.talk.cipher = cipher;
        self.is_clear = self.talk.is_clear();
        self
    }

    /// The stream, to be registered.
    pub fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Reads the next message. Pings are answered and closes returned by themselves.
    pub fn hear(&mut self) -> Heard {
        let talk = &mut *self.talk;
        if talk.said.len() > DEAF_BYTES {
            return Heard::Enough;
        }
        let mut pipe = Pipe {
            stream: &mut self.stream,
            cipher: talk.cipher.as_deref_mut(),
            said: &mut talk.said,
            budget: VISIT_BYTES,
        };
        let heard = talk.context.read(&mut pipe);
        let is_spent = pipe.budget == 0;
        talk.heard += VISIT_BYTES - pipe.budget;
        // A pong or the answer to a close: it goes to memory, which takes everything.
        let _ = talk.context.flush(&mut pipe);
        self.is_clear = talk.is_clear();
        match heard {
            Ok(Message::Close(_)) => Heard::Gone,
            Ok(message) => Heard::Message(message),
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                if is_spent {
                    Heard::Enough
                } else {
                    Heard::Silence
                }
            }
            Err(Error::Capacity(_)) => Heard::TooLarge,
            Err(Error::Utf8(_)) => Heard::Fault(CloseCode::Invalid),
            Err(Error::Protocol(fault)) if !is_end(&fault) => Heard::Fault(CloseCode::Protocol),
            Err(_) => Heard::Gone,
        }
    }

    /// Bytes the client has sent since this was last asked.
    pub fn take_heard(&mut self) -> usize {
        std::mem::take(&mut self.talk.heard)
    }

    /// Ends our side once everything is written: after a close, the server goes first.
    pub fn finish(&mut self) {
        if let Some(cipher) = &mut self.talk.cipher {
            cipher.finish(&mut self.stream);
        }
        // The client may be gone, which is an end too.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Reads and forgets; whether the client has closed its side.
    pub fn ignore(&mut self) -> bool {
        let mut scratch = [0; 4096];
        for _ in 0..VISIT_BYTES / scratch.len() {
            match self.stream.read(&mut scratch) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => return error.kind() != io::ErrorKind::WouldBlock,
            }
        }
        false
    }

    /// Queues a text frame for this client alone.
    pub fn say(&mut self, text: String) {
        text_frame(text.into(), &mut self.talk.said);
        self.is_clear = false;
    }

    /// Queues a binary frame for this client alone.
    pub fn say_binary(&mut self, bytes: Bytes) {
        let opcode = OpCode::Data(Data::Binary);
        self.say_frame(Frame::message(bytes, opcode, true));
    }

    /// Queues a ping.
    pub fn say_ping(&mut self) {
        self.say_frame(Frame::ping(Bytes::new()));
    }

    /// Queues a close; nothing should be said after it.
    pub fn say_close(&mut self, code: u16, reason: &'static str) {
        self.say_frame(Frame::close(Some(CloseFrame {
            code: code.into(),
            reason: reason.into(),
        })));
    }

    fn say_frame(&mut self, frame: Frame) {
        frame
            .format(&mut self.talk.said)
            .expect("memory takes everything");
        self.is_clear = false;
    }

    /// Whether everything said has been taken by the kernel.
    pub fn is_clear(&self) -> bool {
        self.is_clear
    }

    /// Writes what was said and what is owed; whether that is all out.
    ///
    /// # Errors
    /// When the connection is broken.
    pub fn flush(&mut self) -> io::Result<bool> {
        if !self.is_clear && self.is_sealed {
            return self.flush_sealed();
        }
        while !self.is_clear {
            let talk = &mut *self.talk;
            if talk.rest.is_empty() {
                // Also lets go of the memory of what is out.
                talk.rest = std::mem::take(&mut talk.said).into();
                self.is_clear = talk.is_clear();
                continue;
            }
            match send(&self.stream, &talk.rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(taken) => talk.rest.advance(taken),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    fn flush_sealed(&mut self) -> io::Result<bool> {
        let talk = &mut *self.talk;
        let cipher = talk.cipher.as_mut().expect("it is sealed");
        while cipher.flush(&mut self.stream)? {
            if talk.rest.is_empty() {
                talk.rest = std::mem::take(&mut talk.said).into();
            }
            if talk.rest.is_empty() {
                self.is_clear = true;
                return Ok(true);
            }
            talk.rest
                .advance(cipher.write(&mut self.stream, &talk.rest, &[])?);
        }
        Ok(false)
    }

    /// Writes whole frames that lie in two pieces; how many bytes were taken. What is left
    /// of a frame must be [owed](Self::owe) before anything else is written.
    ///
    /// # Errors
    /// When the connection is broken.
    pub fn write(&mut self, first: &[u8], second: &[u8]) -> io::Result<usize> {
        debug_assert!(self.is_clear(), "frames would mix");
        if self.is_sealed {
            return self.write_sealed(first, second);
        }
        let pieces = [IoSlice::new(first), IoSlice::new(second)];
        loop {
            let taken = match second {
                [] => send(&self.stream, first),
                _ => self.stream.write_vectored(&pieces),
            };
            match taken {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                taken => return taken,
            }
        }
    }

    fn write_sealed(&mut self, first: &[u8], second: &[u8]) -> io::Result<usize> {
        let cipher = self.talk.cipher.as_mut().expect("it is sealed");
        let taken = cipher.write(&mut self.stream, first, second)?;
        self.is_clear = !cipher.owes();
        Ok(taken)
    }

    /// Whether it was the kernel that took no more, after not everything was taken. With
    /// TLS it may also be that the visit was long enough: then no event will tell that
    /// there is room.
    pub fn is_full(&self) -> bool {
        !self.is_sealed || self.talk.owes()
    }

    /// Takes the rest of a frame that was cut, to be written before all else.
    pub fn owe(&mut self, rest: Bytes) {
        debug_assert!(
            self.talk.rest.is_empty() && self.talk.said.is_empty(),
            "a frame is cut only when it was written at once"
        );
        self.is_clear &= rest.is_empty();
        self.talk.rest = rest;
    }

    /// Queues whole frames for this client alone.
    pub fn say_frames(&mut self, frames: Bytes) {
        if self.is_clear {
            self.is_clear = frames.is_empty();
            self.talk.rest = frames;
        } else {
            self.talk.said.extend_from_slice(&frames);
        }
    }
}

impl Talk {
    fn is_clear(&self) -> bool {
        self.rest.is_empty() && self.said.is_empty() && !self.owes()
    }

    fn owes(&self) -> bool {
        self.cipher.as_ref().is_some_and(|cipher| cipher.owes())
    }
}

/// Writes a text frame of a server, header and payload, to memory.
pub fn text_frame(payload: Bytes, out: &mut impl Write) {
    Frame::message(payload, OpCode::Data(Data::Text), true)
        .format(out)
        .expect("memory takes everything");
}

/// Writes what the kernel takes. The system is asked directly: the C library's `send` looks before
/// and after each call whether its thread is to be cancelled, which thousands of small writes feel.
fn send(stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    Ok(rustix::net::send(stream, bytes, SendFlags::NOSIGNAL)?)
}

/// The end of the connection rather than a fault of the client.
fn is_end(fault: &tokio_tungstenite::tungstenite::error::ProtocolError) -> bool {
    use tokio_tungstenite::tungstenite::error::ProtocolError as Fault;
    matches!(
        fault,
        Fault::ResetWithoutClosingHandshake | Fault::ReceivedAfterClosing | Fault::SendAfterClosing
    )
}

/// Reads from the client within a budget; writes to what is to be said.
struct Pipe<'a> {
    stream: &'a mut TcpStream,
    cipher: Option<&'a mut Cipher>,
    said: &'a mut Vec<u8>,
    budget: usize,
}

impl Read for Pipe<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(self.budget);
        if most == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        if let Some(cipher) = &mut self.cipher {
            return cipher.read(self.stream, buffer, &mut self.budget);
        }
        let count = loop {
            match self.stream.read(&mut buffer[..most]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.budget -= count;
        Ok(count)
    }
}

impl Write for Pipe<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.said.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
