//! A plain HTTP client that sees what is really on the wire, broken answers included.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A User-Agent the simulator accepts.
pub(crate) const AGENT: &str = "simulator-tests ops@example.com";

/// What came back; the body may be shorter than announced.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// The header `name`, which is lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn announced(&self) -> usize {
        self.header("content-length")
            .expect("every answer announces its length")
            .parse()
            .expect("a number")
    }

    pub(crate) fn text(&self) -> String {
        self.body.iter().map(|byte| char::from(*byte)).collect()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }
}

/// GET as a declared client; panics when there is no answer.
pub(crate) async fn get(address: SocketAddr, path: &str) -> Reply {
    get_with(address, path, &format!("User-Agent: {AGENT}\r\n"))
        .await
        .expect("an answer")
}

/// GET with these header lines; nothing when the connection ends without an answer.
pub(crate) async fn get_with(address: SocketAddr, path: &str, headers: &str) -> Option<Reply> {
    let mut stream = TcpStream::connect(address)
        .await
        .expect("the simulator listens");
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n");
    stream
        .write_all(request.as_bytes())
        .await
        .expect("the request is taken");
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await; // A cut connection is an answer too.
    parse(&bytes)
}

fn parse(bytes: &[u8]) -> Option<Reply> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let header = |line: &str| {
        line.split_once(": ")
            .map(|(key, value)| (key.to_lowercase(), value.to_owned()))
    };
    Some(Reply {
        status,
        headers: lines.filter_map(header).collect(),
        body: bytes[end + 4..].to_vec(),
    })
}
