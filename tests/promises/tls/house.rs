//! A server that speaks TLS, and clients that trust it.

use std::{path::Path, sync::Arc};

use rustls::ClientConfig;
use simulator::{Config, Simulator, Wish};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_tungstenite::Connector;

use super::{PATIENCE, issuer::Issuer};
use crate::harness::{
    program::{Server, create_key},
    subscriber::Subscriber,
};

/// A quiet EDGAR, a server with a certificate, and who has issued that.
pub struct House {
    pub edgar: Simulator,
    pub dir: tempfile::TempDir,
    pub issuer: Issuer,
    pub server: Server,
}

impl House {
    pub async fn open(environment: &[(&str, &str)]) -> Self {
        let edgar = Simulator::start_local(Config::quiet()).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let issuer = Issuer::new();
        issuer.issue().put(dir.path());
        let key = create_key(dir.path(), &[]);
        let server = serve(dir.path(), &edgar, &key, environment).await;
        Self {
            edgar,
            dir,
            issuer,
            server,
        }
    }

    /// Files so many filings.
    pub fn publish(&self, count: usize) {
        for _ in 0..count {
            self.edgar.publish(&Wish::default()).unwrap();
        }
    }

    /// A subscriber that has taken `hello` and `subscribed`.
    pub async fn subscribe(&self, query: &str) -> Subscriber {
        let url = format!("{}?{query}", self.server.stream());
        let connector = Connector::Rustls(self.issuer.client(&["http/1.1"]));
        let connecting =
            Subscriber::try_connect_by(&url, Some(&self.server.key), Some(connector)).await;
        let mut subscriber = connecting.unwrap();
        subscriber.hello().await;
        subscriber.subscribed().await;
        subscriber
    }

    /// A connection after its handshake.
    pub async fn connect(&self, protocols: &[&str]) -> TlsStream<TcpStream> {
        connect(&self.server.addr, self.issuer.client(protocols)).await
    }

    /// The whole answer to a GET over HTTP/1.1, as far as it is text.
    pub async fn get(&self, path: &str) -> String {
        let mut stream = self.connect(&["http/1.1"]).await;
        let key = &self.server.key;
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\
             Connection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let reading = stream.read_to_end(&mut answer);
        timeout(PATIENCE, reading).await.unwrap().unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }
}

/// A server on this data directory, with the certificate that lies there.
pub async fn serve(
    dir: &Path,
    edgar: &Simulator,
    key: &str,
    environment: &[(&str, &str)],
) -> Server {
    let file = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    let (cert, private) = (file("cert.pem"), file("key.pem"));
    let mut all = vec![
        ("FILINGWIRE__TLS__CERT_FILE", cert.as_str()),
        ("FILINGWIRE__TLS__KEY_FILE", private.as_str()),
    ];
    all.extend(environment);
    let mut server = Server::launch(dir, &edgar.url(), key, &all);
    assert!(server.serves().await, "no server: {:#?}", server.lines());
    assert!(server.is_sealed);
    server
}

pub async fn connect(addr: &str, config: Arc<ClientConfig>) -> TlsStream<TcpStream> {
    let stream = TcpStream::connect(addr).await.unwrap();
    let name = "localhost".try_into().unwrap();
    let connecting = TlsConnector::from(config).connect(name, stream);
    timeout(PATIENCE, connecting).await.unwrap().unwrap()
}
