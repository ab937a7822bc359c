//! `GET /v1/filings` and `GET /v1/filings/{accession}`: which filings there are.
//!
//! Elsewhere: how they are found (`catalog`), what is answered ([`answer`]), what a filter
//! means (`protocol::filter`), documents and objects (`archive`).
//!
//! Invariant: a filter means what it means on the stream, and is refused with the same words.

mod answer;

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, RawQuery, State, rejection::PathRejection},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use protocol::{
    accession::Accession,
    filter::Filter,
    frame::{ErrorCode, Refusal},
    seq::{Epoch, Seq},
    time::Date,
};
use url::form_urlencoded::parse;

use self::answer::{FilingPage, FilingsPage};
use super::{Peer, Problem, Query, archive::parse_accession, events::check_phase};
use crate::{
    catalog::{Asked, Catalog, CatalogError, Dates},
    keys::Scope,
    stream::Shared,
};

/// Parameters that are no part of the filter.
const PARAMETERS: [&str; 5] = ["ticket", "limit", "next", "filed_from", "filed_to"];

/// The one field of the stream's filter that says nothing of a filing.
const TYPES: &str = "types";

/// Filings in a page unless asked for otherwise, and at most.
const PAGE_FILINGS: u32 = 100;
const MOST_PAGE_FILINGS: u32 = 1_000;

/// `GET /v1/filings`.
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    peer: Peer,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    check_phase(&shared)?;
    let query = Query::split(&query.unwrap_or_default(), &PARAMETERS)?;
    let ticket = query.get("ticket");
    shared.authorize_if_required(peer.0.ip(), &headers, ticket, Scope::Read)?;
    let catalog = catalog(&shared)?;
    let mut asked = asked(&query)?;
    shared.tickers.resolve(&mut asked.filter)?;
    let pages = Pages::of(shared.log.epoch(), &asked);
    asked.before = query.get("next").map(|next| pages.read(next)).transpose()?;
    let timer = shared.metrics.catalog_page_seconds.clone();
    let began = std::time::Instant::now();
    if asked.before.is_none() {
        catalog.catch_up(shared.log.tip()).await;
    }
    let page = catalog.page(asked).await.map_err(problem)?;
    timer.observe(began.elapsed().as_secs_f64());
    let next = page.next.map(|seq| pages.write(seq));
    Ok(json(FilingsPage::of(page, next, shared.log.epoch())))
}

/// `GET /v1/filings/{accession}`.
pub(crate) async fn one(
    State(shared): State<Arc<Shared>>,
    peer: Peer,
    path: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    check_phase(&shared)?;
    let query = Query::split(&query.unwrap_or_default(), &["ticket"])?;
    let ticket = query.get("ticket");
    shared.authorize_if_required(peer.0.ip(), &headers, ticket, Scope::Read)?;
    query.no_more()?;
    // A path that is not UTF-8 is none either.
    let accession = parse_accession(&path.map(|Path(text)| text).unwrap_or_default())?;
    let catalog = catalog(&shared)?;
    catalog.catch_up(shared.log.tip()).await;
    let found = catalog.find(accession).await;
    let (found, sightings, through) = found.map_err(problem)?;
    let epoch = shared.log.epoch();
    match found {
        Some(found) => Ok(json(FilingPage::of(found, &sightings, through, epoch))),
        None => Err(unknown(&shared, accession, through)),
    }
}

fn json(answer: impl serde::Serialize) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}

fn catalog(shared: &Shared) -> Result<&Arc<Catalog>, Problem> {
    shared.catalog.as_ref().ok_or_else(|| {
        let message = "this server keeps no catalog: `catalog.enabled` is false; the stream and \
            /v1/events have all filings";
        Problem::new(ErrorCode::NotFound, message)
    })
}

fn unknown(shared: &Shared, accession: Accession, through: Seq) -> Problem {
    let epoch = shared.log.epoch();
    let (through, head) = (epoch.at(through), epoch.at(shared.log.tip()));
    let message = format!(
        "the catalog knows no filing {accession}; it has read the log through {through}, the head is {head}"
    );
    Problem::new(ErrorCode::NotFound, message)
}

fn problem(error: CatalogError) -> Problem {
    let message = match error {
        CatalogError::Busy => "too many ask for filings at a time; try again in 2 seconds",
        error => {
            let error = format!("{:#}", anyhow::Error::from(error));
            tracing::info!(error, "the catalog does not answer");
            "the catalog cannot answer now, it may be made anew of the log; \
                /v1/status says how far it is"
        }
    };
    Problem::new(ErrorCode::CatalogUnavailable, message)
}

/// What a query asks for, but for `next`.
fn asked(query: &Query) -> Result<Asked, Refusal> {
    let fields: Vec<_> = parse(query.rest().as_bytes()).collect();
    for (name, _) in &fields {
        if name == TYPES {
            let message =
                "`types` is for events; a filing stands here once, whatever was told of it";
            return Err(Refusal::new(ErrorCode::BadParameter, message).field(TYPES));
        }
        if !Filter::is_field(name) {
            let known: Vec<&str> = Filter::fields().iter().copied().chain(PARAMETERS).collect();
            let known: Vec<&str> = known.into_iter().filter(|name| *name != TYPES).collect();
            return Err(Refusal::unknown_field(name, &known));
        }
    }
    let limit = query.number("limit", 1..=MOST_PAGE_FILINGS)?;
    Ok(Asked {
        filter: Filter::from_lists(fields)?,
        dates: dates(query)?,
        before: None,
        limit: limit.unwrap_or(PAGE_FILINGS) as usize,
    })
}

fn dates(query: &Query) -> Result<Dates, Refusal> {
    let dates = Dates {
        from: date(query, "filed_from")?,
        to: date(query, "filed_to")?,
    };
    if dates.from.zip(dates.to).is_some_and(|(from, to)| from > to) {
        let message = "`filed_to` is before `filed_from`: no day is in both";
        return Err(Refusal::new(ErrorCode::FilterImpossible, message).field("filed_to"));
    }
    Ok(dates)
}

fn date(query: &Query, name: &str) -> Result<Option<Date>, Refusal> {
    // `2026-03-03` and nothing that means more or less than a day.
    let is_plain = |text: &&str| text.len() == 10;
    let parse = |text: &str| Some(text).filter(is_plain)?.parse::<Date>().ok();
    let Some(text) = query.get(name) else {
        return Ok(None);
    };
    let day = parse(text).filter(|day| (1900..=2100).contains(&day.year()));
    day.map(Some).ok_or_else(|| {
        let message = format!("`{name}` must be a day, such as 2026-03-03");
        Refusal::new(ErrorCode::BadParameter, message).field(name)
    })
}

/// The tokens of a query's pages: a place in the list, and a checksum by which one of another
/// query or of another log is told.
struct Pages {
    query: u32,
}

impl Pages {
    fn of(epoch: &Epoch, asked: &Asked) -> Self {
        let filter = serde_json::to_string(&asked.filter).expect("a filter has string keys");
        let query = format!("{epoch} {filter} {:?}", asked.dates);
        Self {
            query: crc32c::crc32c(query.as_bytes()),
        }
    }

    fn write(&self, before: Seq) -> String {
        let place = format!("{:x}", before.get());
        let check = crc32c::crc32c_append(self.query, place.as_bytes());
        format!("{place}{check:08x}")
    }

    fn read(&self, token: &str) -> Result<Seq, Refusal> {
        let place = token.len().checked_sub(8).and_then(|at| token.get(..at));
        let seq = place.and_then(|place| u64::from_str_radix(place, 16).ok());
        let seq = seq.map(Seq::new);
        seq.filter(|seq| self.write(*seq) == token).ok_or_else(|| {
            let message = "`next` is none that this query was given: repeat the query as it was with \
                the `next` of its last page, or begin without it";
            Refusal::new(ErrorCode::BadParameter, message).field("next")
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn ask(query: &str) -> Result<Asked, Refusal> {
        asked(&Query::split(query, &PARAMETERS)?)
    }

    fn pages(epoch: &str, query: &str) -> Pages {
        Pages::of(&Epoch::parse(epoch).unwrap(), &ask(query).unwrap())
    }

    #[test]
    fn a_token_is_good_for_its_query_and_log_alone() {
        let token = pages("k", "forms=8-K").write(Seq::new(18_442_231));

        assert_eq!(
            pages("k", "forms=8-k&limit=7").read(&token),
            Ok(Seq::new(18_442_231))
        );
        for other in [
            pages("m", "forms=8-K"),
            pages("k", "forms=4"),
            pages("k", ""),
        ] {
            assert_eq!(
                other.read(&token).unwrap_err().field.as_deref(),
                Some("next")
            );
        }
    }

    #[test]
    fn no_text_but_a_token_is_one() {
        let pages = pages("k", "");
        let token = pages.write(Seq::new(77));
        let upper = token.to_ascii_uppercase();

        for wrong in [
            "",
            "4d",
            "é4d000000",
            "-1",
            &token[1..],
            &upper,
            &format!("0{token}"),
        ] {
            if wrong != token {
                assert!(pages.read(wrong).is_err(), "{wrong}");
            }
        }
    }

    #[test]
    fn nothing_misspelt_means_everything() {
        let cases = [
            ("froms=8-K", "froms", ErrorCode::FilterUnknownField),
            ("types=filing.seen", "types", ErrorCode::BadParameter),
            ("after=oldest", "after", ErrorCode::FilterUnknownField),
            ("forms=", "forms", ErrorCode::FilterEmpty),
            ("ciks=AAPL", "ciks", ErrorCode::FilterBadValue),
            ("forms=4&items=2.02", "items", ErrorCode::FilterImpossible),
            ("limit=0", "limit", ErrorCode::BadParameter),
            ("limit=1001", "limit", ErrorCode::BadParameter),
            (
                "filed_from=yesterday",
                "filed_from",
                ErrorCode::BadParameter,
            ),
            ("filed_to=2026-02-30", "filed_to", ErrorCode::BadParameter),
            (
                "filed_to=2026-03-03T10:00",
                "filed_to",
                ErrorCode::BadParameter,
            ),
            (
                "filed_from=2026-03-03&filed_to=2026-03-02",
                "filed_to",
                ErrorCode::FilterImpossible,
            ),
            ("limit=1&limit=2", "limit", ErrorCode::BadParameter),
        ];
        for (query, field, code) in cases {
            let refusal = ask(query).unwrap_err();
            assert_eq!(
                (refusal.field.as_deref(), refusal.code),
                (Some(field), code),
                "{query}"
            );
        }
    }
}
