//! An S3 server in the test's process, which checks every signature.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use hyper_util::rt::TokioIo;
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use tokio::{net::TcpListener, task::JoinSet};

/// A server with one bucket, `filings`.
pub struct S3 {
    pub addr: SocketAddr,
    dir: tempfile::TempDir,
    is_up: Arc<AtomicBool>,
    /// Ends with its connections when dropped.
    _serving: JoinSet<()>,
}

impl S3 {
    pub async fn start() -> Self {
        Self::start_with("secret").await
    }

    /// The same, opened by this secret only.
    pub async fn start_with(secret: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("filings")).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let is_up = Arc::new(AtomicBool::new(true));
        let mut serving = JoinSet::new();
        let (folder, secret) = (dir.path().to_owned(), secret.to_owned());
        serving.spawn(serve(listener, folder, secret, is_up.clone()));
        Self {
            addr,
            dir,
            is_up,
            _serving: serving,
        }
    }

    /// From now on it answers, or hangs up.
    pub fn switch(&self, on: bool) {
        self.is_up.store(on, Ordering::SeqCst);
    }

    /// What makes a program use it.
    pub fn environment(&self, secret: &str) -> Vec<(&'static str, String)> {
        environment(self.addr, secret)
    }

    /// An object as the server keeps it.
    pub fn stored(&self, key: &str) -> Vec<u8> {
        std::fs::read(self.dir.path().join("filings").join(key)).unwrap()
    }
}

/// What makes a program use the S3 server at this address.
pub fn environment(addr: SocketAddr, secret: &str) -> Vec<(&'static str, String)> {
    vec![
        ("FILINGWIRE__ARCHIVE__BUCKET", "s3:filings".into()),
        (
            "FILINGWIRE__ARCHIVE__S3__ENDPOINT",
            format!("http://{addr}"),
        ),
        ("FILINGWIRE__ARCHIVE__S3__ACCESS_KEY_ID", "AK".into()),
        ("FILINGWIRE__ARCHIVE__S3__SECRET_ACCESS_KEY", secret.into()),
        ("FILINGWIRE__ARCHIVE__S3__PATH_STYLE", "true".into()),
    ]
}

async fn serve(listener: TcpListener, dir: PathBuf, secret: String, is_up: Arc<AtomicBool>) {
    let mut service = S3ServiceBuilder::new(s3s_fs::FileSystem::new(dir).unwrap());
    service.set_auth(SimpleAuth::from_single("AK", secret));
    let service = service.build();
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        if !is_up.load(Ordering::SeqCst) {
            continue;
        }
        let connection = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service.clone());
        connections.spawn(async move { drop(connection.await) });
    }
}
