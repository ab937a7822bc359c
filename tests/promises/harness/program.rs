//! The program as a process of its own.

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use super::{eventually, schema};

/// How long the program may take for anything a test waits for.
const PATIENCE: Duration = Duration::from_secs(60);

/// A command of the program, not started yet. `FILINGWIRE_UNDER_TEST` is the path of another
/// build of it.
pub fn command(arguments: &[&str]) -> Command {
    let ours = env!("CARGO_BIN_EXE_filingwire-under-test");
    let path = std::env::var_os("FILINGWIRE_UNDER_TEST").unwrap_or_else(|| ours.into());
    let mut command = Command::new(path);
    command.args(arguments).env_remove("RUST_BACKTRACE");
    command
}

/// Runs a command to its end.
pub fn run(arguments: &[&str]) -> Ended {
    Ended::of(command(arguments))
}

/// A command that has ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    pub fn of(mut command: Command) -> Self {
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

/// `filingwire serve`, running.
#[derive(Debug)]
pub struct Server {
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
    /// `127.0.0.1:PORT`.
    pub addr: String,
    /// Whether it speaks TLS.
    pub is_sealed: bool,
    /// An API key of all default scopes.
    pub key: String,
}

impl Server {
    /// Starts the server on `data_dir` against the EDGAR at `edgar`, with an API key.
    pub async fn start(data_dir: &Path, edgar: &str) -> Self {
        let key = create_key(data_dir, &[]);
        Self::start_with_key(data_dir, edgar, &key, &[]).await
    }

    /// Starts it again on the same data, with the same key.
    pub async fn start_with_key(
        data_dir: &Path,
        edgar: &str,
        key: &str,
        environment: &[(&str, &str)],
    ) -> Self {
        let mut server = Self::launch(data_dir, edgar, key, environment);
        assert!(server.serves().await, "no server: {:#?}", server.lines());
        if !schema::is_learnt() {
            schema::learn(&server.get("/asyncapi.json").await.body);
        }
        server
    }

    /// Starts it without waiting for anything.
    pub fn launch(data_dir: &Path, edgar: &str, key: &str, environment: &[(&str, &str)]) -> Self {
        let mut command = serve(data_dir, edgar);
        command.envs(environment.iter().copied());
        Self::run(command, key)
    }

    /// Starts it by this command, made by [`serve`].
    pub fn run(mut command: Command, key: &str) -> Self {
        let mut child = command
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (lines, stderr) = (log.clone(), child.stderr.take().unwrap());
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                lines.lock().unwrap().push(line);
            }
        });
        Self {
            child,
            log,
            reader: Some(reader),
            addr: String::new(),
            is_sealed: false,
            key: key.to_owned(),
        }
    }

    /// Waits until it serves; false when it has ended instead.
    pub async fn serves(&mut self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let address = self.lines().iter().find_map(|line| {
                let page = line.strip_prefix("filingwire: page http")?;
                let address = page.split_once("://")?.1.trim_end_matches('/');
                Some((page.starts_with('s'), address.to_owned()))
            });
            if let Some((is_sealed, address)) = address {
                (self.is_sealed, self.addr) = (is_sealed, address);
                return true;
            }
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            assert!(Instant::now() < deadline, "no server: {:#?}", self.lines());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Where the stream is.
    pub fn stream(&self) -> String {
        let scheme = if self.is_sealed { "wss" } else { "ws" };
        format!("{scheme}://{}/v1/stream", self.addr)
    }

    /// What it has written to stderr.
    pub fn lines(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// The lines of level WARN or ERROR, and panics.
    pub fn complaints(&self) -> Vec<String> {
        let bad = |line: &String| {
            [" WARN ", " ERROR ", "panicked"]
                .iter()
                .any(|mark| line.contains(mark))
        };
        self.lines().into_iter().filter(bad).collect()
    }

    /// Pulls the plug.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop, as a service manager would, and waits.
    pub async fn stop(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.ended().await
    }

    /// Sends a signal.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Waits for it to end by itself.
    pub async fn ended(&mut self) -> ExitStatus {
        let mut status = None;
        eventually("the server ends", PATIENCE, async || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        })
        .await;
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        status.unwrap()
    }

    /// A line of `/proc/PID/status`, in MB.
    pub fn memory_mb(&self, line: &str) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let found = status.lines().find(|l| l.starts_with(line)).unwrap();
        let kilobytes: f64 = found.split_whitespace().nth(1).unwrap().parse().unwrap();
        kilobytes / 1024.0
    }

    /// The body of a GET, whatever its status.
    pub async fn get(&self, path: &str) -> Answer {
        get(&self.addr, path).await
    }

    /// The JSON of `/v1/status`.
    pub async fn status(&self) -> serde_json::Value {
        serde_json::from_str(&self.get("/v1/status").await.body).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A test that failed leaves none behind; one that stopped it has none.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            println!("server's log: {:#?}", self.lines());
        }
    }
}

/// `filingwire serve`, not started yet: every hour as busy as EDGAR's, the port free.
pub fn serve(data_dir: &Path, edgar: &str) -> Command {
    let mut command = command(&["serve", "--listen", "127.0.0.1:0", "--data-dir"]);
    command.arg(data_dir).envs([
        ("FILINGWIRE__EDGAR__CONTACT", "tests@filingwire.example"),
        ("FILINGWIRE__EDGAR__WWW_URL", edgar),
        ("FILINGWIRE__EDGAR__EFTS_URL", edgar),
        ("FILINGWIRE__MONITORS__ATOM__CLOSED_POLL_INTERVAL_MS", "250"),
        ("FILINGWIRE__STREAM__HEARTBEAT_MS", "200"),
    ]);
    command
}

/// Makes an API key.
pub fn create_key(data_dir: &Path, more: &[&str]) -> String {
    let dir = data_dir.to_str().unwrap();
    let made = run(&[
        &["keys", "create", "--name", "test", "--data-dir", dir],
        more,
    ]
    .concat());
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    made.stdout.trim().to_owned()
}

/// An answer over HTTP.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: String,
    pub body: String,
}

/// One GET over a connection of its own.
pub async fn get(addr: &str, path: &str) -> Answer {
    exchange(addr, path, "").await
}

/// The same with an API key.
pub async fn get_with_key(addr: &str, path: &str, key: &str) -> Answer {
    exchange(addr, path, &format!("Authorization: Bearer {key}\r\n")).await
}

async fn exchange(addr: &str, path: &str, headers: &str) -> Answer {
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\n{headers}Connection: close\r\n\r\n");
    let addr = addr.to_owned();
    let exchange = move || {
        let mut socket = std::net::TcpStream::connect(addr).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        std::io::Write::write_all(&mut socket, request.as_bytes()).unwrap();
        let mut text = String::new();
        socket.read_to_string(&mut text).unwrap();
        text
    };
    let text = tokio::task::spawn_blocking(exchange).await.unwrap();
    let (headers, body) = text.split_once("\r\n\r\n").unwrap();
    let status = headers.split(' ').nth(1).unwrap().parse().unwrap();
    Answer {
        status,
        headers: headers.to_ascii_lowercase(),
        body: body.to_owned(),
    }
}
