//! A source on the loopback that answers as a test says.
//!
//! Invariant: requests are remembered in the order in which they came.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Query;
use axum::http::{StatusCode, Uri};
use sec_client::{Config, SecClient};
use tokio::sync::mpsc;

use crate::sighting::Report;

/// The parameters of a request, and its path as `path`.
pub(crate) type Params = HashMap<String, String>;

/// A running source.
pub(crate) struct Fake {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<Params>>>,
}

impl Fake {
    /// Answers each request with the status and body that `answer` gives.
    pub(crate) async fn start<B: Into<Body>>(
        answer: impl Fn(&Params) -> (u16, B) + Clone + Send + Sync + 'static,
    ) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests: Arc<Mutex<Vec<Params>>> = Arc::default();
        let seen = requests.clone();
        let app = Router::new().fallback(move |uri: Uri, params: Query<Params>| async move {
            let Query(mut params) = params;
            params.insert("path".to_owned(), uri.path().to_owned());
            let (status, body) = answer(&params);
            seen.lock().unwrap().push(params);
            (StatusCode::from_u16(status).unwrap(), body.into())
        });
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, requests }
    }

    /// One parameter of each request since the last call.
    pub(crate) fn take(&self, name: &str) -> Vec<String> {
        let mut requests = self.requests.lock().unwrap();
        let value = |mut params: Params| params.remove(name).unwrap_or_default();
        requests.drain(..).map(value).collect()
    }
}

/// A client at the full permitted pace.
pub(crate) fn client() -> SecClient {
    SecClient::new(Config {
        requests_per_second: 10,
        ..Config::new("me@example.org")
    })
    .unwrap()
}

/// Everything that has been reported so far.
pub(crate) fn drain(reports: &mut mpsc::Receiver<Report>) -> Vec<Report> {
    std::iter::from_fn(|| reports.try_recv().ok()).collect()
}

/// Serials of the filings sighted in these reports, sorted.
pub(crate) fn sighted(reports: &[Report]) -> Vec<u32> {
    let mut serials: Vec<u32> = reports
        .iter()
        .filter_map(|report| match report {
            Report::Sighted(sighting) => Some(sighting.filing.accession.serial()),
            _ => None,
        })
        .collect();
    serials.sort_unstable();
    serials
}

/// The reports that are no sightings, in short.
pub(crate) fn verdicts(reports: &[Report]) -> Vec<&'static str> {
    let verdict = |report: &Report| match report {
        Report::Sighted(_) => None,
        Report::Polled { .. } => Some("polled"),
        Report::Failed { .. } => Some("failed"),
    };
    reports.iter().filter_map(verdict).collect()
}
