//! How a server is reached: endpoint, keys, patience.

use std::{fmt, time::Duration};

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_s3::{
    Client,
    config::{
        Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
        SharedCredentialsProvider, SharedHttpClient, StalledStreamProtectionConfig,
        interceptors::InterceptorContext,
        retry::{ClassifyRetry, RetryAction, RetryConfig},
        timeout::TimeoutConfig,
    },
};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

/// The region of servers that have none.
const NO_REGION: &str = "us-east-1";

/// Which bucket of which server, and who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The bucket's name.
    pub bucket: String,
    /// Scheme and host of the server; `None` for AWS.
    pub endpoint: Option<String>,
    /// The server's region; `None` for what the environment says, or `us-east-1`.
    pub region: Option<String>,
    /// Who asks; `None` for what the AWS chain finds: environment, profile, instance role.
    pub keys: Option<KeyPair>,
    /// Whether the bucket's name comes in the path and not in the host name.
    pub path_style: bool,
    /// Most keys in a page of a list, 1 to 1000.
    pub page_keys: u16,
    /// How long to wait for what.
    pub patience: Patience,
}

/// Who asks.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyPair {
    /// The name of the secret.
    pub access_key_id: String,
    /// The secret.
    pub secret_access_key: String,
}

/// How long to wait for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For a connection. Default 5 s.
    pub connect: Duration,
    /// For the answer to one attempt, its body sent included. Default 60 s: a part of
    /// 8 MiB by a line of 1.2 Mbit/s.
    pub attempt: Duration,
    /// For the end of all attempts together. Default 150 s.
    pub operation: Duration,
    /// For the next byte of a body. Default 20 s.
    pub stalled: Duration,
    /// How often something is tried. Default 4; between attempts the pause doubles, with jitter.
    pub attempts: u32,
}

impl Config {
    /// The bucket of this name at AWS, asked for as the AWS chain says.
    pub fn new(bucket: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            endpoint: None,
            region: None,
            keys: None,
            path_style: false,
            page_keys: 1_000,
            patience: Patience::default(),
        }
    }
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            attempt: Duration::from_secs(60),
            operation: Duration::from_secs(150),
            stalled: Duration::from_secs(20),
            attempts: 4,
        }
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

/// The client for one bucket.
pub(super) async fn build(config: &Config) -> Client {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let found = match &config.keys {
        Some(keys) => with_keys(keys),
        None => find_keys(&http).await,
    };
    let region = config.region.clone().map(Region::new);
    let region = region.or_else(|| found.region().cloned());
    let Patience {
        stalled, attempts, ..
    } = config.patience;
    let retries = RetryConfig::standard()
        .with_max_attempts(attempts)
        .with_initial_backoff(Duration::from_millis(200));
    let stalled = StalledStreamProtectionConfig::enabled()
        .grace_period(stalled)
        .build();
    let mut builder = aws_sdk_s3::config::Builder::from(&found)
        .http_client(http)
        .region(region.unwrap_or(Region::from_static(NO_REGION)))
        .force_path_style(config.path_style)
        // Newer checksums are refused by Ceph and Garage; the signature has one of each body.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .retry_config(retries)
        .retry_classifier(Conflict)
        .timeout_config(timeouts(config.patience))
        .stalled_stream_protection(stalled);
    if let Some(endpoint) = &config.endpoint {
        builder = builder.endpoint_url(endpoint);
    }
    Client::from_conf(builder.build())
}

fn with_keys(keys: &KeyPair) -> SdkConfig {
    let (id, secret) = (&keys.access_key_id, &keys.secret_access_key);
    let credentials = Credentials::new(id, secret, None, None, "configuration");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

async fn find_keys(http: &SharedHttpClient) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http.clone())
        .load()
        .await
}

fn timeouts(patience: Patience) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(patience.connect)
        .operation_attempt_timeout(patience.attempt)
        .operation_timeout(patience.operation)
        .build()
}

/// S3 answers 409 to one of two puts of a key at the same moment, which shall try again.
#[derive(Debug)]
struct Conflict;

impl ClassifyRetry for Conflict {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let status = context.response().map(|answer| answer.status().as_u16());
        match status {
            Some(409) => RetryAction::transient_error(),
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "conflicting puts"
    }
}
