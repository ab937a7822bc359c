//! A connection as HTTP reads and writes it: plain, or through TLS.
//!
//! Elsewhere: the same for sockets that never wait (`cipher`).

use std::{
    io::{self, IoSlice},
    net,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::server::TlsStream;

use super::{Cipher, HTTP2};

/// The connection to one peer.
#[derive(Debug)]
pub(crate) enum Stream {
    /// As it goes over the wire.
    Plain(TcpStream),
    /// After its TLS handshake.
    Sealed(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Whether the peer has chosen HTTP/2, which it can only in a TLS handshake.
    pub(crate) fn is_http2(&self) -> bool {
        self.protocol() == Some(HTTP2)
    }

    /// What the peer has chosen of what was offered.
    pub(super) fn protocol(&self) -> Option<&[u8]> {
        match self {
            Self::Plain(_) => None,
            Self::Sealed(stream) => stream.get_ref().1.alpn_protocol(),
        }
    }

    /// The socket, taken back from the runtime, and what lies before it.
    ///
    /// # Errors
    /// When the runtime does not give it back.
    pub(crate) fn part(self) -> io::Result<(net::TcpStream, Option<Box<Cipher>>)> {
        match self {
            Self::Plain(stream) => Ok((stream.into_std()?, None)),
            Self::Sealed(stream) => {
                let (stream, connection) = stream.into_inner();
                Ok((stream.into_std()?, Some(Box::new(Cipher::new(connection)))))
            }
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Sealed(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Sealed(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(context, pieces),
            Self::Sealed(stream) => Pin::new(stream).poll_write_vectored(context, pieces),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Sealed(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Sealed(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Sealed(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
