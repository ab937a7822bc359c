//! The stream under one HTTP connection, which may become a websocket.
//!
//! The answer to a handshake is held back, so that whoever takes the stream over writes it
//! together with its first frames: one packet and one system call less for each of
//! thousands who come back at once. Elsewhere: who takes it over (`serve`).
//!
//! Invariant: bytes held back go out before any others, or the connection closes.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;

use crate::tls::Stream;

/// What is written after `T` was found out is held back.
#[derive(Debug)]
pub(super) struct Line<T> {
    stream: TokioIo<Stream>,
    found: Arc<OnceLock<T>>,
    held: Vec<u8>,
}

impl<T> Line<T> {
    pub(super) fn new(stream: Stream, found: Arc<OnceLock<T>>) -> Self {
        Self {
            stream: TokioIo::new(stream),
            found,
            held: Vec::new(),
        }
    }

    /// The stream, and what was held back.
    ///
    /// # Errors
    /// When nothing was.
    pub(super) fn take_back(self) -> io::Result<(Stream, Vec<u8>)> {
        if self.held.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok((self.stream.into_inner(), self.held))
    }

    /// Ends our side.
    pub(super) async fn end(mut self) {
        // The peer may be gone, which is an end too.
        let _ = self.stream.inner_mut().shutdown().await;
    }

    fn stream(&mut self) -> Pin<&mut TokioIo<Stream>> {
        Pin::new(&mut self.stream)
    }
}

impl<T> Read for Line<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream().poll_read(context, buffer)
    }
}

impl<T> Write for Line<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.found.get().is_none() {
            return self.stream().poll_write(context, bytes);
        }
        self.held.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.found.get().is_none() {
            return self.stream().poll_write_vectored(context, pieces);
        }
        let before = self.held.len();
        for piece in pieces {
            self.held.extend_from_slice(piece);
        }
        Poll::Ready(Ok(self.held.len() - before))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(context)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::{future::poll_fn, io::Read as _};

    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    async fn write(line: &mut Line<()>, bytes: &[u8]) {
        let written = poll_fn(|context| Pin::new(&mut *line).poll_write(context, bytes));
        assert_eq!(written.await.unwrap(), bytes.len());
    }

    #[tokio::test]
    async fn what_is_written_after_the_find_is_held_back() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap());
        let (client, accepted) = tokio::join!(client, listener.accept());
        let found = Arc::new(OnceLock::new());
        let mut line = Line::new(Stream::Plain(accepted.unwrap().0), found.clone());

        write(&mut line, b"before").await;
        found.set(()).unwrap();
        write(&mut line, b"an").await;
        write(&mut line, b"swer").await;
        let (stream, held) = line.take_back().unwrap();

        drop(stream);
        let mut client = client.unwrap().into_std().unwrap();
        client.set_nonblocking(false).unwrap();
        let mut text = String::new();
        client.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), held.as_slice()), ("before", &b"answer"[..]));
    }
}
