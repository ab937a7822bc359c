//! Where the control socket is, and who may use it.
//!
//! It is `control.sock` in the data directory. The address of a socket holds 108 bytes and
//! a path may be longer, so both sides go through a short link to the directory when it is.
//! Only its owner may connect: the file says so, and the kernel is asked who came.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};
use tempfile::TempDir;
use tokio::{
    io::{AsyncWriteExt, BufReader},
    net::{
        UnixListener, UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use super::line;

const NAME: &str = "control.sock";

/// Addresses up to this length fit on every system.
const ADDRESS_MAX: usize = 100;

/// The server's end.
#[derive(Debug)]
pub(crate) struct Socket(UnixListener);

/// A connection.
#[derive(Debug)]
pub(crate) struct Link {
    lines: BufReader<OwnedReadHalf>,
    out: OwnedWriteHalf,
}

/// A short way to the socket, while it is needed.
struct Address {
    path: PathBuf,
    _link: Option<TempDir>,
}

impl Address {
    fn of(data_dir: &Path) -> io::Result<Self> {
        let path = data_dir.join(NAME);
        if path.as_os_str().len() <= ADDRESS_MAX {
            return Ok(Self { path, _link: None });
        }
        let folder = tempfile::Builder::new().prefix("fw-").tempdir()?;
        let link = folder.path().join("d");
        symlink(fs::canonicalize(data_dir)?, &link)?;
        Ok(Self {
            path: link.join(NAME),
            _link: Some(folder),
        })
    }
}

impl Socket {
    /// Makes the socket, in place of one that an earlier process left. Only who has the log
    /// may call this.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn bind(data_dir: &Path) -> io::Result<Self> {
        let address = Address::of(data_dir)?;
        match fs::remove_file(&address.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&address.path)?;
        fs::set_permissions(&address.path, Permissions::from_mode(0o600))?;
        Ok(Self(listener))
    }

    /// The next connection of our own user, or of root.
    ///
    /// # Errors
    /// When the system cannot accept any.
    pub(super) async fn accept(&self) -> io::Result<Link> {
        loop {
            let (stream, _) = self.0.accept().await?;
            let peer = stream.peer_cred()?.uid();
            if peer == rustix::process::geteuid().as_raw() || peer == 0 {
                return Ok(Link::of(stream));
            }
        }
    }
}

impl Link {
    /// Connects to the server that runs on `data_dir`; `None` when none does.
    ///
    /// # Errors
    /// When there is one that does not let us in.
    pub(crate) async fn connect(data_dir: &Path) -> io::Result<Option<Self>> {
        if !data_dir.join(NAME).exists() {
            return Ok(None);
        }
        let address = Address::of(data_dir)?;
        match UnixStream::connect(&address.path).await {
            Ok(stream) => Ok(Some(Self::of(stream))),
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Ok(None),
                _ => Err(error),
            },
        }
    }

    fn of(stream: UnixStream) -> Self {
        let (lines, out) = stream.into_split();
        Self {
            lines: BufReader::new(lines),
            out,
        }
    }

    /// Sends one line.
    ///
    /// # Errors
    /// When the other side is gone.
    pub(crate) async fn send(&mut self, line: &impl Serialize) -> io::Result<()> {
        self.out.write_all(&line::written(line)?).await
    }

    /// The next line; `None` when the other side has closed.
    ///
    /// # Errors
    /// When it is no such line, or too long.
    pub(crate) async fn next<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        line::next(&mut self.lines).await
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    async fn exchange(data_dir: &Path) -> String {
        let socket = Socket::bind(data_dir).unwrap();
        let mut asking = Link::connect(data_dir).await.unwrap().unwrap();
        asking.send(&"asked").await.unwrap();
        let mut answering = socket.accept().await.unwrap();
        let asked: Option<String> = answering.next().await.unwrap();
        answering.send(&asked.unwrap()).await.unwrap();
        drop(answering);
        let answer: Option<String> = asking.next().await.unwrap();
        assert_eq!(asking.next::<String>().await.unwrap(), None);
        answer.unwrap()
    }

    #[tokio::test]
    async fn a_line_goes_there_and_back_also_over_a_path_longer_than_an_address() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("d".repeat(150)).join("e".repeat(150));
        fs::create_dir_all(&deep).unwrap();

        assert_eq!(exchange(dir.path()).await, "asked");
        assert_eq!(exchange(&deep).await, "asked");

        let mode = fs::metadata(deep.join(NAME)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[tokio::test]
    async fn a_socket_that_a_dead_process_left_is_nobody() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Link::connect(dir.path()).await.unwrap().is_none());

        drop(Socket::bind(dir.path()).unwrap());

        assert!(dir.path().join(NAME).exists());
        assert!(Link::connect(dir.path()).await.unwrap().is_none());
        assert_eq!(exchange(dir.path()).await, "asked");
    }

    #[tokio::test]
    async fn a_line_that_is_no_request_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let socket = Socket::bind(dir.path()).unwrap();
        let mut asking = Link::connect(dir.path()).await.unwrap().unwrap();
        let mut answering = socket.accept().await.unwrap();

        asking.out.write_all(b"nonsense\n").await.unwrap();

        assert!(answering.next::<String>().await.is_err());
    }
}
