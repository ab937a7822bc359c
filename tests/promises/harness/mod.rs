//! What the tests stand on: the program as a process, a subscriber, a recorded EDGAR.

pub mod books;
pub mod program;
pub mod recorded;
pub mod s3;
pub mod schema;
pub mod shelves;
pub mod subscriber;

use std::time::{Duration, Instant};

use protocol::{event::Body, filing::Filing};
use simulator::{Config, Simulator, Wish};

use self::{
    program::{Server, create_key},
    subscriber::Subscriber,
};

/// A quiet simulated EDGAR and a server on it, with an API key.
pub struct Scene {
    pub edgar: Simulator,
    pub dir: tempfile::TempDir,
    pub server: Server,
}

impl Scene {
    /// An EDGAR where nothing is filed unless asked for.
    pub async fn quiet() -> Self {
        Self::of(Config::quiet()).await
    }

    /// Any EDGAR.
    pub async fn of(config: Config) -> Self {
        Self::with(config, &[]).await
    }

    /// Any EDGAR, and a server with more in its environment.
    pub async fn with(config: Config, environment: &[(&str, &str)]) -> Self {
        let edgar = Simulator::start_local(config).await.unwrap();
        Self::on(edgar, environment).await
    }

    /// An EDGAR, and a server that lives by its clock.
    pub async fn by_its_clock(config: Config, environment: &[(&str, &str)]) -> Self {
        let edgar = Simulator::start_local(config).await.unwrap();
        let clock = edgar.clock().to_string();
        let environment = [&[("FILINGWIRE_TEST_CLOCK", &*clock)], environment].concat();
        Self::on(edgar, &environment).await
    }

    async fn on(edgar: Simulator, environment: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let key = create_key(dir.path(), &[]);
        let server = Server::start_with_key(dir.path(), &edgar.url(), &key, environment).await;
        Self { edgar, dir, server }
    }

    /// Files a filing of this form, and waits until it is archived.
    pub async fn archived(&self, form: &str) -> Filing {
        let mut subscriber = self.subscribe("types=filing.archived").await;
        let wish = Wish {
            form: Some(form.to_owned()),
            ..Wish::default()
        };
        self.edgar.publish(&wish).unwrap();
        match subscriber.event().await.body {
            Body::FilingArchived(filing) => filing,
            other => panic!("{other:?}"),
        }
    }

    /// A subscriber that has taken `hello` and `subscribed`.
    pub async fn subscribe(&self, query: &str) -> Subscriber {
        Subscriber::subscribe(&self.server.stream(), &self.server.key, query).await
    }
}

/// Waits until `done` says so; panics with `what` after `patience`.
pub async fn eventually(what: &str, patience: Duration, mut done: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + patience;
    while !done().await {
        assert!(Instant::now() < deadline, "not within {patience:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
