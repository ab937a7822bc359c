//! Asking sec.gov for something.
//!
//! [`SecClient`] ties the parts together: the door, the pacer, the HTTP client and the reading
//! of answers. It never repeats a request by itself and follows no redirect.
//!
//! Elsewhere: the parts (`block`, `pace`, `answer`, `body`), repetition (`retry`).
//!
//! Invariant: every answer settles the pass it was asked with.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Response, Url};
use tokio::time::Instant;

use crate::answer::{Answer, Meaning};
use crate::block::{Door, Gate, Pass};
use crate::body::Body;
use crate::config::Config;
use crate::count::{Counters, Counts, Outcome};
use crate::error::{ConfigError, SecError};
use crate::pace::{Pacer, Priority, WINDOW};

/// How often an idle HTTP/2 connection is asked for a sign of life: a dead one would
/// otherwise swallow requests until the system gives it up.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Nothing is asked for this long after the start: the process before us may have spent the
/// whole second's budget when it ended.
const AFTER_A_RESTART: Duration = WINDOW;

/// The way to sec.gov. Cheap to clone; all clones share budget, door and connections.
#[derive(Debug, Clone)]
pub struct SecClient {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    http: Client,
    config: Config,
    pacer: Pacer,
    gate: Arc<Gate>,
    counters: Counters,
}

/// Why an exchange brought no body.
enum Refusal {
    BlockPage,
    Other(SecError),
}

impl SecClient {
    /// Builds the client. Make one per process: the budget is the client's.
    ///
    /// # Errors
    /// [`ConfigError`] when a value cannot be used or HTTPS cannot be set up.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self {
            shared: Arc::new(Shared {
                http: http_client(&config)?,
                pacer: Pacer::new(config.requests_per_second, Instant::now() + AFTER_A_RESTART),
                gate: Gate::new(millis(config.block_ms)),
                counters: Counters::default(),
                config,
            }),
        })
    }

    /// Fetches a whole document of at most `limit_bytes` (decoded).
    ///
    /// # Errors
    /// [`SecError`], by what the caller can do.
    pub async fn get(
        &self,
        url: &str,
        priority: Priority,
        limit_bytes: usize,
    ) -> Result<Bytes, SecError> {
        let mut body = self.open(url, priority).await?;
        let mut bytes = BytesMut::new();
        while let Some(chunk) = body.chunk().await? {
            if bytes.len() + chunk.len() > limit_bytes {
                return Err(SecError::TooLarge { limit: limit_bytes });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes.freeze())
    }

    /// Asks for a document that may be large; the answer is already known to be one.
    ///
    /// # Errors
    /// [`SecError`], by what the caller can do.
    pub async fn open(&self, url: &str, priority: Priority) -> Result<Body, SecError> {
        let url = Url::parse(url).map_err(|_| SecError::BadUrl(url.to_owned()))?;
        let pass = self.admit(priority).await.inspect_err(|_| {
            self.shared.counters.held_back();
        })?;
        self.shared.counters.sent(priority);
        let result = settle(pass, self.exchange(url).await);
        self.shared.counters.ended(Outcome::of(&result));
        result
    }

    /// Whether requests go through at the moment.
    #[must_use]
    pub fn door(&self) -> Door {
        self.shared.gate.door()
    }

    /// What went through so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared.counters.read()
    }

    /// Waits for a turn; a block that comes meanwhile ends the wait.
    async fn admit(&self, priority: Priority) -> Result<Pass, SecError> {
        let blocked = |retry_in| SecError::Blocked { retry_in };
        let gate = &self.shared.gate;
        let shuts = gate.shuts();
        let pass = gate.admit().map_err(blocked)?;
        tokio::select! {
            () = self.shared.pacer.turn(priority) => {}
            () = shuts => {}
        }
        pass.check().map_err(blocked)?;
        Ok(pass)
    }

    async fn exchange(&self, url: Url) -> Result<Body, Refusal> {
        let wants_page = wants_page(&url);
        let response = self.ask(url).await.map_err(Refusal::Other)?;
        let idle = millis(self.shared.config.body_idle_timeout_ms);
        let mut body = Body::new(response, idle);
        let head = body.read_head().await;
        judge(body, wants_page, head)
    }

    async fn ask(&self, url: Url) -> Result<Response, SecError> {
        let patience = millis(self.shared.config.request_timeout_ms);
        tokio::time::timeout(patience, self.shared.http.get(url).send())
            .await
            .map_err(|_| SecError::TimedOut { after: patience })?
            .map_err(SecError::Network)
    }
}

/// Tells the door what came of a request.
fn settle(pass: Pass, result: Result<Body, Refusal>) -> Result<Body, SecError> {
    match result {
        Ok(body) => {
            pass.served();
            Ok(body)
        }
        Err(Refusal::BlockPage) => Err(SecError::Blocked {
            retry_in: pass.blocked(),
        }),
        Err(Refusal::Other(error)) => {
            if let SecError::Absent { .. } | SecError::Unexpected { .. } = error {
                pass.served();
            }
            Err(error)
        }
    }
}

/// Lets a document through and turns everything else into the error it means.
fn judge(body: Body, wants_page: bool, head: Result<(), SecError>) -> Result<Body, Refusal> {
    let response = body.response();
    let status = response.status().as_u16();
    let content_type = response.headers().get(CONTENT_TYPE);
    let answer = Answer {
        status,
        content_type: content_type.map_or("", |value| value.to_str().unwrap_or("")),
        head: body.head(),
        wants_page,
    };
    let error = match answer.meaning() {
        Meaning::Document => {
            head.map_err(Refusal::Other)?;
            return Ok(body);
        }
        Meaning::Block => return Err(Refusal::BlockPage),
        Meaning::Absent => SecError::Absent {
            status,
            url: response.url().to_string(),
        },
        Meaning::Unavailable => SecError::Unavailable { status },
        Meaning::Unexpected(what) => SecError::Unexpected {
            status,
            what: format!("{what} ({})", response.url()),
        },
    };
    Err(Refusal::Other(error))
}

/// Whether a URL names a web page, so that one is expected.
fn wants_page(url: &Url) -> bool {
    let path = url.path();
    path.ends_with(".htm") || path.ends_with(".html")
}

fn http_client(config: &Config) -> Result<Client, ConfigError> {
    // An error means that the process has a provider already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .user_agent(config.user_agent())
        .redirect(reqwest::redirect::Policy::none())
        // A silent repetition would bypass the pacer.
        .retry(reqwest::retry::never())
        .connect_timeout(millis(config.request_timeout_ms))
        .http2_keep_alive_interval(KEEP_ALIVE)
        .http2_keep_alive_timeout(KEEP_ALIVE)
        .build()
        .map_err(ConfigError::Http)
}

fn millis(value: u32) -> Duration {
    Duration::from_millis(u64::from(value))
}

#[cfg(test)]
mod tests;
