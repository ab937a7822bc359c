//! The HTTP server: every request takes the same road.
//!
//! Police, then faults, then the answer, then the faults of its body. The paths of
//! www.sec.gov, efts.sec.gov and data.sec.gov are distinct, so one address serves all.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, Response, StatusCode, header};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::answer::{Answer, Delivery};
use crate::archives::{Archives, Wanted};
use crate::clock::Clock;
use crate::efts;
use crate::faults::{Fault, Faults};
use crate::feed::Feed;
use crate::ledger::{Log, PathClass, ViolationKind};
use crate::pages;
use crate::police::{Police, Verdict};
use crate::query::Query;
use crate::shelf::Shelf;
use crate::wire::{Cut, Door};

/// What the server shares between requests.
#[derive(Debug)]
pub(crate) struct Office {
    pub(crate) clock: Clock,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) police: Arc<Police>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) log: Arc<Log>,
    pub(crate) seed: u64,
    pub(crate) feed_retention: Duration,
    pub(crate) slow_body: Duration,
}

/// What a request asks for.
enum Target {
    Feed,
    Search,
    Tickers,
    Archives(Wanted),
    Nothing,
}

/// Serves until `stop` fires.
pub(crate) async fn serve(office: Arc<Office>, listener: TcpListener, stop: CancellationToken) {
    let router: Router = Router::new().fallback(answer).with_state(office);
    let service = router.into_make_service_with_connect_info::<Cut>();
    let served = axum::serve(Door(listener), service)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await;
    if let Err(error) = served {
        tracing::error!(%error, "the simulated EDGAR stopped serving");
    }
}

/// The address `listener` is bound to, as a URL without a trailing slash.
pub(crate) fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}

async fn answer(
    State(office): State<Arc<Office>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: Request,
) -> Response<Body> {
    let arrived = Instant::now();
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str())
        .to_owned();
    if let Some(refusal) = office.police(arrived, &path, request.headers()) {
        return refusal.deliver(Delivery::default());
    }
    let target = Target::of(request.uri().path());
    office.log.request(target.class());
    if office.strikes(Fault::Drop, &path) {
        cut.now();
        return Response::new(Body::empty());
    }
    let answer = office
        .spoiled(&path)
        .unwrap_or_else(|| office.answer(&target, &path, &request));
    let delivery = office.delivery(&target, &answer, &path, request.headers());
    answer.deliver(delivery)
}

impl Target {
    fn of(path: &str) -> Self {
        match path {
            "/cgi-bin/browse-edgar" => Self::Feed,
            "/LATEST/search-index" => Self::Search,
            "/files/company_tickers.json" => Self::Tickers,
            path if path.starts_with("/Archives/") => Self::Archives(Wanted::of(path)),
            _ => Self::Nothing,
        }
    }

    fn class(&self) -> PathClass {
        match self {
            Self::Feed => PathClass::Feed,
            Self::Search => PathClass::Search,
            Self::Tickers => PathClass::Tickers,
            Self::Archives(wanted) => wanted.class(),
            Self::Nothing => PathClass::Other,
        }
    }
}

impl Office {
    fn police(&self, arrived: Instant, path: &str, headers: &HeaderMap) -> Option<Answer> {
        let agent = headers
            .get(header::USER_AGENT)
            .and_then(|agent| agent.to_str().ok());
        let kind = match self.police.judge(arrived, agent.unwrap_or_default()) {
            Verdict::Pass => return None,
            Verdict::Undeclared => ViolationKind::Undeclared,
            Verdict::TooMany => ViolationKind::TooMany,
            Verdict::Blocked => ViolationKind::Blocked,
        };
        self.log.violation(kind, path, self.clock.now());
        let undeclared = kind == ViolationKind::Undeclared;
        Some(if undeclared {
            pages::undeclared()
        } else {
            pages::threshold()
        })
    }

    /// Throws the dice for `fault` and writes a hit down.
    fn strikes(&self, fault: Fault, path: &str) -> bool {
        let struck = self.faults.strikes(fault);
        if struck {
            self.log.fault(fault, path, self.clock.now());
        }
        struck
    }

    /// The error that takes the place of the answer, if the plan says so.
    fn spoiled(&self, path: &str) -> Option<Answer> {
        let errors: [(Fault, fn() -> Answer); 3] = [
            (Fault::BlockPage, pages::threshold),
            (Fault::Error500, pages::broken),
            (Fault::Error503, pages::unavailable),
        ];
        let struck = errors
            .into_iter()
            .find(|(fault, _)| self.strikes(*fault, path));
        struck.map(|(_, page)| page())
    }

    fn answer(&self, target: &Target, path: &str, request: &Request) -> Answer {
        let now = self.clock.now();
        let query = Query::parse(request.uri().query().unwrap_or_default());
        match target {
            Target::Feed => self.feed(now, &query, path),
            Target::Search => {
                let as_of = self.as_of(Fault::FrozenSearch, now, path);
                efts::answer(&self.shelf.all(), as_of, self.seed, &query)
            }
            Target::Tickers => self.tickers(),
            Target::Archives(wanted) => {
                let archives = Archives {
                    shelf: &self.shelf,
                    now,
                    faults: &self.faults,
                    log: &self.log,
                };
                let known = request
                    .headers()
                    .get(header::IF_NONE_MATCH)
                    .and_then(|tags| tags.to_str().ok());
                archives.answer(wanted, request.uri().path(), known)
            }
            Target::Nothing => Answer::new(
                StatusCode::NOT_FOUND,
                "text/html",
                "<html><head><title>404 Not Found</title></head></html>",
            ),
        }
    }

    /// The moment of which an answer tells: now, or that at which `fault` began.
    fn as_of(&self, fault: Fault, now: Timestamp, path: &str) -> Timestamp {
        let Some(since) = self.faults.stands_still(fault, now) else {
            return now;
        };
        self.log.fault(fault, path, now);
        since
    }

    fn feed(&self, now: Timestamp, query: &Query, path: &str) -> Answer {
        let filings = self.shelf.all();
        let feed = Feed {
            filings: &filings,
            now,
            as_of: self.as_of(Fault::FrozenFeed, now, path),
            retention: self.feed_retention,
            faults: &self.faults,
            log: &self.log,
        };
        feed.answer(query)
    }

    fn tickers(&self) -> Answer {
        let mut rows = Map::new();
        for filer in self.shelf.filers() {
            for ticker in &filer.tickers {
                rows.insert(
                    rows.len().to_string(),
                    json!({"cik_str": filer.cik, "ticker": ticker, "title": filer.name}),
                );
            }
        }
        Answer::new(
            StatusCode::OK,
            "application/json",
            Value::Object(rows).to_string(),
        )
    }

    fn delivery(
        &self,
        target: &Target,
        answer: &Answer,
        path: &str,
        headers: &HeaderMap,
    ) -> Delivery {
        let encodings = headers
            .get(header::ACCEPT_ENCODING)
            .and_then(|value| value.to_str().ok());
        let gzip = encodings.is_some_and(|encodings| encodings.contains("gzip"));
        let good = answer.is_success();
        let file = matches!(
            target,
            Target::Archives(Wanted::Submission { .. } | Wanted::IndexFile(_))
        );
        let slow = (good && self.strikes(Fault::Slow, path)).then_some(self.slow_body);
        let cut = good && file && self.strikes(Fault::Truncate, path);
        Delivery { gzip, slow, cut }
    }
}
