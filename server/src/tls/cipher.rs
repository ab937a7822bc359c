//! TLS of a connection whose socket never waits.
//!
//! Bytes that [`Cipher::write`] takes are out of the writer's hands: what the kernel has not
//! taken of them is *owed* by the cipher, and goes out before anything else. Elsewhere: the
//! handshake (`tls`), frames (`websocket`).
//!
//! Invariant: no byte is taken while any is owed, so that a connection holds one piece of
//! ciphertext at most. `WouldBlock` of a read means that neither the socket nor the
//! connection has a byte left, or that the budget is spent.

use std::io::{self, IoSlice, Read, Write};

use rustls::ServerConnection;

/// Bytes made unreadable at a time.
const PIECE_BYTES: usize = 64 * 1024;

/// Bytes taken in one visit, so that one client cannot keep the others waiting: about as
/// many as the kernel takes of a plain connection.
const VISIT_BYTES: usize = 256 * 1024;

/// What lies between the frames of one client and its socket.
#[derive(Debug)]
pub(crate) struct Cipher(ServerConnection);

impl Cipher {
    /// The cipher of a connection after its handshake.
    pub(crate) fn new(mut connection: ServerConnection) -> Self {
        connection.set_buffer_limit(Some(PIECE_BYTES));
        Self(connection)
    }

    /// Whether there are bytes that the kernel has not taken yet.
    pub(crate) fn owes(&self) -> bool {
        self.0.wants_write()
    }

    /// Reads what the peer has written, and lessens `budget` by the bytes the socket gave.
    ///
    /// # Errors
    /// `WouldBlock` as told above; `InvalidData` when the peer does not speak TLS, which it
    /// is told; others when the connection is broken.
    pub(crate) fn read(
        &mut self,
        socket: &mut (impl Read + Write),
        buffer: &mut [u8],
        budget: &mut usize,
    ) -> io::Result<usize> {
        loop {
            match self.0.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
            if *budget == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let most = u64::try_from(*budget).unwrap_or(u64::MAX);
            *budget -= self.0.read_tls(&mut Read::take(&mut *socket, most))?;
            if let Err(fault) = self.0.process_new_packets() {
                // The alert goes out if it can; the connection ends in any case.
                let _ = self.flush(socket);
                return Err(io::Error::new(io::ErrorKind::InvalidData, fault));
            }
        }
    }

    /// Takes as much of the two pieces as the kernel takes, or as one visit allows; how
    /// many bytes. Some of the last ones may be owed.
    ///
    /// # Errors
    /// When the connection is broken.
    pub(crate) fn write(
        &mut self,
        socket: &mut impl Write,
        first: &[u8],
        second: &[u8],
    ) -> io::Result<usize> {
        let (all, mut taken) = (first.len() + second.len(), 0);
        while self.flush(socket)? && taken < all.min(VISIT_BYTES) {
            let pieces = [
                IoSlice::new(&first[taken.min(first.len())..]),
                IoSlice::new(&second[taken.saturating_sub(first.len())..]),
            ];
            taken += self.0.writer().write_vectored(&pieces)?;
        }
        Ok(taken)
    }

    /// Writes what is owed; whether that is all out.
    ///
    /// # Errors
    /// When the connection is broken.
    pub(crate) fn flush(&mut self, socket: &mut impl Write) -> io::Result<bool> {
        while self.owes() {
            match self.0.write_tls(socket) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Tells the peer that nothing more comes, if the kernel takes that.
    pub(crate) fn finish(&mut self, socket: &mut impl Write) {
        self.0.send_close_notify();
        let _ = self.flush(socket);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;
    use rustls::ClientConnection;

    use super::*;
    use crate::tls::testing;

    /// A socket: what comes from the peer, what went to it, and how much of it the kernel
    /// takes before it is full.
    #[derive(Debug, Default)]
    struct Kernel {
        incoming: VecDeque<u8>,
        /// Bytes a read gives at most.
        sip: usize,
        outgoing: Vec<u8>,
        room: usize,
    }

    impl Read for Kernel {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = buffer.len().min(self.sip.max(1));
            match self.incoming.read(&mut buffer[..most])? {
                0 => Err(io::ErrorKind::WouldBlock.into()),
                count => Ok(count),
            }
        }
    }

    impl Write for Kernel {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.room == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let taken = bytes.len().min(self.room);
            self.outgoing.extend_from_slice(&bytes[..taken]);
            self.room -= taken;
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A client and a server after their handshake, with nothing on its way.
    struct Pair {
        client: ClientConnection,
        cipher: Cipher,
        kernel: Kernel,
    }

    impl Pair {
        fn new() -> Self {
            let (client, server) = testing::handshake();
            Self {
                client,
                cipher: Cipher::new(server),
                kernel: Kernel::default(),
            }
        }

        /// The client says this; it lies in the kernel.
        fn say(&mut self, text: &[u8]) {
            self.client.writer().write_all(text).unwrap();
            while self.client.wants_write() {
                self.client.write_tls(&mut self.kernel.incoming).unwrap();
            }
        }

        /// What the client reads of what it was sent.
        fn heard(&mut self) -> Vec<u8> {
            let sent = std::mem::take(&mut self.kernel.outgoing);
            let (mut sent, mut heard) = (sent.as_slice(), Vec::new());
            while !sent.is_empty() {
                self.client.read_tls(&mut sent).unwrap();
                self.client.process_new_packets().unwrap();
                let read = self.client.reader().read_to_end(&mut heard);
                assert!(read.is_ok() || read.unwrap_err().kind() == io::ErrorKind::WouldBlock);
            }
            heard
        }

        fn read(&mut self, most: usize, budget: &mut usize) -> io::Result<Vec<u8>> {
            let mut buffer = vec![0; most];
            let count = self.cipher.read(&mut self.kernel, &mut buffer, budget)?;
            Ok(buffer[..count].to_vec())
        }
    }

    fn would_block<T: std::fmt::Debug>(result: io::Result<T>) -> bool {
        result.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    #[test]
    fn what_the_connection_still_holds_is_read_though_the_socket_has_nothing() {
        let mut pair = Pair::new();
        pair.kernel.sip = usize::MAX;
        pair.say(b"one two");

        let mut budget = 1000;
        let first = pair.read(3, &mut budget).unwrap();
        let spent = budget;
        let rest = pair.read(100, &mut budget).unwrap();

        assert!(pair.kernel.incoming.is_empty());
        assert_eq!(
            (first.as_slice(), rest.as_slice()),
            (&b"one"[..], &b" two"[..])
        );
        assert_eq!(budget, spent, "the socket gave nothing more");
        assert!(would_block(pair.read(100, &mut budget)));
    }

    #[test]
    fn a_budget_is_of_bytes_of_the_socket_and_ends_a_read() {
        let mut pair = Pair::new();
        pair.kernel.sip = usize::MAX;
        pair.say(&[7; 1000]);
        let whole = pair.kernel.incoming.len();

        let mut budget = 600;
        let early = pair.read(2000, &mut budget);
        let left = pair.kernel.incoming.len();
        budget = 600;
        let read = pair.read(2000, &mut budget).unwrap();

        assert!(would_block(early));
        assert_eq!(left, whole - 600);
        assert_eq!((read.len(), budget), (1000, 1200 - whole));
    }

    #[test]
    fn nothing_is_taken_while_something_is_owed() {
        let mut pair = Pair::new();
        pair.kernel.room = 10;

        let taken = pair
            .cipher
            .write(&mut pair.kernel, b"first", b" second")
            .unwrap();
        let none = pair.cipher.write(&mut pair.kernel, b"third", b"").unwrap();
        let owed = pair.cipher.owes();
        pair.kernel.room = usize::MAX;
        let is_out = pair.cipher.flush(&mut pair.kernel).unwrap();

        assert_eq!((taken, none, owed, is_out), (12, 0, true, true));
        assert_eq!(pair.heard(), b"first second");
    }

    #[test]
    fn a_kernel_that_takes_nothing_costs_one_piece_and_one_that_takes_all_one_visit() {
        let much = vec![1; 4 * VISIT_BYTES];
        let mut pair = Pair::new();

        let stuck = pair.cipher.write(&mut pair.kernel, &much, &[]).unwrap();
        let mut other = Pair::new();
        other.kernel.room = usize::MAX;
        let visit = other.cipher.write(&mut other.kernel, &much, &[]).unwrap();

        assert_eq!(stuck, PIECE_BYTES);
        assert_eq!((visit, other.cipher.owes()), (VISIT_BYTES, false));
    }

    #[test]
    fn garbage_is_an_error_and_is_answered_with_an_alert() {
        let mut pair = Pair::new();
        pair.kernel.sip = usize::MAX;
        pair.kernel.room = usize::MAX;
        pair.kernel.incoming.extend(b"GET / HTTP/1.1\r\n\r\n");

        let error = pair.read(100, &mut 1000).unwrap_err();

        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(!pair.kernel.outgoing.is_empty());
    }

    #[test]
    fn both_ends_say_goodbye() {
        let mut pair = Pair::new();
        pair.kernel.sip = usize::MAX;
        pair.kernel.room = usize::MAX;

        pair.cipher.finish(&mut pair.kernel);
        pair.client.send_close_notify();
        pair.say(b"");
        let end = pair.read(100, &mut 1000).unwrap();
        let sent = std::mem::take(&mut pair.kernel.outgoing);
        pair.client.read_tls(&mut sent.as_slice()).unwrap();
        let told = pair.client.process_new_packets().unwrap();

        assert!(end.is_empty());
        assert!(told.peer_has_closed());
    }

    proptest! {
        #[test]
        fn whatever_the_kernel_takes_at_a_time_every_byte_arrives_once(
            pieces in prop::collection::vec((0..100_000_usize, 0..100_000_usize), 1..4),
            rooms in prop::collection::vec(1..200_000_usize, 1..20),
        ) {
            let mut pair = Pair::new();
            let mut rooms = rooms.into_iter().cycle();
            let (mut said, mut heard) = (Vec::new(), Vec::new());
            for (number, (first, second)) in pieces.into_iter().enumerate() {
                let whole: Vec<u8> = (0..first + second).map(|at| (at * 7 + number) as u8).collect();
                let mut at = 0;
                while at < whole.len() || pair.cipher.owes() {
                    pair.kernel.room = rooms.next().unwrap();
                    let cut = first.max(at);
                    let taken = pair.cipher.write(&mut pair.kernel, &whole[at..cut], &whole[cut..]);
                    at += taken.unwrap();
                    heard.extend(pair.heard());
                }
                said.extend(whole);
            }
            prop_assert_eq!(heard, said);
        }

        #[test]
        fn whatever_the_socket_gives_at_a_time_every_byte_is_read_once(
            words in prop::collection::vec(0..5_000_usize, 1..8),
            sip in 1..5_000_usize,
            most in 1..3_000_usize,
            allowance in 1..5_000_usize,
        ) {
            let mut pair = Pair::new();
            pair.kernel.sip = sip;
            let said: Vec<u8> = (0..words.iter().sum()).map(|at: usize| at as u8).collect();
            let mut from = 0;
            for word in words {
                pair.say(&said[from..from + word]);
                from += word;
            }
            let mut read = Vec::new();
            loop {
                let mut budget = allowance;
                match pair.read(most, &mut budget) {
                    Ok(bytes) => read.extend(bytes),
                    Err(_) if budget == 0 => {}
                    Err(error) => {
                        prop_assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                        break;
                    }
                }
            }
            prop_assert_eq!(read, said);
        }
    }
}
