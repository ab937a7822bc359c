//! The S3 bucket against a server in this process that checks every signature, reached
//! through a line that can be cut.
#![allow(clippy::unwrap_used, reason = "tests")]

mod faults;
mod forgetful;
mod line;
mod promises;

use std::{net::SocketAddr, time::Duration};

use hyper_util::rt::{TokioIo, TokioTimer};
use s3s::{S3, auth::SimpleAuth, service::S3ServiceBuilder};
use s3s_fs::FileSystem;
use tokio::{net::TcpListener, task::JoinSet};

use super::{Config, KeyPair, Patience};
use crate::staging::{Staged, Staging};

/// An S3 server with one bucket, `filings`.
struct Server {
    addr: SocketAddr,
    dir: tempfile::TempDir,
    /// Ends with its connections when dropped.
    _serving: JoinSet<()>,
}

impl Server {
    async fn start() -> Self {
        Self::of(|files| files).await
    }

    /// One that overwrites taken keys.
    async fn forgetful() -> Self {
        Self::of(forgetful::Forgetful).await
    }

    async fn of<S: S3>(manners: impl FnOnce(FileSystem) -> S) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("filings")).unwrap();
        std::fs::create_dir(dir.path().join("staging")).unwrap();
        let files = FileSystem::new(dir.path()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, manners(files)));
        Self {
            addr,
            dir,
            _serving: serving,
        }
    }

    /// How this server is reached, by way of `addr`.
    fn config(&self, addr: SocketAddr) -> Config {
        Config {
            endpoint: Some(format!("http://{addr}")),
            keys: Some(keys("secret")),
            path_style: true,
            page_keys: 10,
            patience: Patience {
                connect: Duration::from_secs(2),
                attempt: Duration::from_secs(2),
                operation: Duration::from_secs(8),
                stalled: Duration::from_secs(2),
                attempts: 3,
            },
            ..Config::new("filings")
        }
    }

    fn staging(&self) -> Staging {
        Staging::open(self.dir.path().join("staging")).unwrap()
    }

    /// The bytes of an object as the server keeps them.
    fn stored(&self, key: &str) -> Option<Vec<u8>> {
        std::fs::read(self.dir.path().join("filings").join(key)).ok()
    }

    /// How many files the server has for uploads that are not put together.
    fn unfinished(&self) -> usize {
        let names = std::fs::read_dir(self.dir.path()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with(".upload")).count()
    }
}

fn keys(secret: &str) -> KeyPair {
    KeyPair {
        access_key_id: "AK".into(),
        secret_access_key: secret.into(),
    }
}

async fn serve(listener: TcpListener, s3: impl S3) {
    let mut service = S3ServiceBuilder::new(s3);
    service.set_auth(SimpleAuth::from_single("AK", "secret"));
    let service = service.build();
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), service.clone());
        connections.spawn(async move { drop(connection.await) });
    }
}

fn staged(staging: &Staging, bytes: &[u8]) -> Staged {
    let mut draft = staging.draft().unwrap();
    std::io::Write::write_all(&mut draft, bytes).unwrap();
    draft.finish().unwrap()
}

/// Bytes that a cut or a swap would change.
fn bytes(length: usize) -> Vec<u8> {
    (0..length as u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect()
}
