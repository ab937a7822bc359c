//! What is served over HTTP, and who may ask for it: the list that the OpenAPI document is
//! written from.
//!
//! Elsewhere: the router (`http`), with which a test compares this list.

use super::super::STREAM_PATH;
use crate::keys::Scope;

/// One method of one path.
#[derive(Debug, Clone, Copy)]
pub(super) struct Door {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    /// A name that generated clients can use.
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) access: Access,
    /// Names in `parameters.json`.
    pub(super) parameters: &'static [&'static [&'static str]],
    /// The schema of the body that is taken.
    pub(super) body: Option<&'static str>,
    pub(super) answers: &'static [(u16, Answer)],
}

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Anybody, as often as an address may.
    Anybody,
    /// Any valid API key.
    AnyKey,
    /// An API key of this scope, in the bearer header alone.
    Key(Scope),
    /// An API key of this scope, or a ticket of one.
    KeyOrTicket(Scope),
    /// This machine, or an API key of this scope.
    LoopbackOr(Scope),
    /// Who has a ticket of a filing, in the path, of an API key of this scope.
    Reader(Scope),
    /// A key or a token of a foreign client, in a parameter or the bearer header.
    Foreign(Scope),
}

/// What an answer has in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// Nothing.
    Empty,
    /// JSON of this schema.
    Json(&'static str),
    /// JSON that has a standard of its own.
    AnyJson,
    /// Text of this media type.
    Text(&'static str),
    /// Bytes of this media type.
    Bytes(&'static str),
}

use Access::{AnyKey, Anybody, Foreign, Key, KeyOrTicket, LoopbackOr, Reader};
use Answer::{AnyJson, Bytes, Empty, Json, Text};

/// What chooses filings.
const FILTER: &[&str] = &[
    "forms",
    "amendments",
    "ciks",
    "tickers",
    "items",
    "document_types",
    "sics",
    "states",
    "agents",
];

/// What subscribes, besides.
const SUBSCRIPTION: &[&str] = &["types", "after", "until", "view"];

const OBJECT: &[(u16, Answer)] = &[
    (200, Bytes("application/zstd")),
    (206, Bytes("application/zstd")),
    (302, Empty),
    (304, Empty),
];

const DOCUMENT: &[(u16, Answer)] = &[(200, Bytes("*/*")), (206, Bytes("*/*")), (304, Empty)];

/// Every door, by path.
pub(super) const DOORS: &[Door] = &[
    get(
        "/",
        "page",
        "The live page; the websocket of sec-api.io's clients.",
    )
    .answers(&[(200, Text("text/html"))]),
    get(
        "/asyncapi.json",
        "asyncapi",
        "The stream described: AsyncAPI 3, with JSON Schemas.",
    )
    .answers(&[(200, AnyJson)]),
    get(
        "/compat/sec-api",
        "sec_api",
        "A websocket for clients of sec-api.io's Stream API.",
    )
    .needs(Foreign(Scope::Stream))
    .answers(&[(101, Empty)]),
    get(
        "/docs",
        "docs",
        "A page to read about the doors and to try them.",
    )
    .answers(&[(200, Text("text/html"))]),
    get("/healthz", "healthz", "Whether the process is alive.")
        .answers(&[(200, Text("text/plain"))]),
    get(
        "/keys",
        "keys_page",
        "A page on which an administrator makes and revokes API keys.",
    )
    .answers(&[(200, Text("text/html"))]),
    get("/metrics", "metrics", "Metrics for Prometheus.")
        .needs(LoopbackOr(Scope::Metrics))
        .answers(&[
            (200, Text("text/plain")),
            (200, Text("application/openmetrics-text")),
        ]),
    get("/openapi.json", "openapi", "This document.").answers(&[(200, AnyJson)]),
    get(
        "/page/{file}",
        "page_file",
        "What the live page is made of.",
    )
    .takes(&[&["file"]])
    .answers(&[(200, Bytes("*/*")), (304, Empty)]),
    get(
        "/readyz",
        "readyz",
        "Whether the log is writable and the sources are fresh.",
    )
    .answers(&[(200, Json("Readiness")), (503, Json("Readiness"))]),
    get(
        "/sec-websocket/",
        "datamule_token",
        "A token for the datamule package.",
    )
    .needs(Foreign(Scope::Stream))
    .answers(&[
        (200, Json("Token")),
        (401, Json("Token")),
        (403, Json("Token")),
        (429, Json("Token")),
    ]),
    get(
        "/v1/activity",
        "activity",
        "Filings per minute today beside a usual day, and how soon they are seen.",
    )
    .answers(&[(200, Json("Activity"))]),
    get(
        "/v1/archive/{shape}/{accession}",
        "archived_object",
        "An archived object as it is stored: the submission, its documents, its XBRL facts. \
         From a bucket that presigns, a redirect.",
    )
    .needs(KeyOrTicket(Scope::Archive))
    .takes(&[&["shape", "accession", "version"]])
    .answers(OBJECT),
    get(
        "/v1/events",
        "events",
        "A page of events, oldest first; with `wait`, of what comes first.",
    )
    .needs(KeyOrTicket(Scope::Stream))
    .takes(&[FILTER, SUBSCRIPTION, &["limit", "wait"]])
    .answers(&[(200, Json("EventPage"))]),
    get(
        "/v1/events/stream",
        "event_stream",
        "Events as server-sent events.",
    )
    .needs(KeyOrTicket(Scope::Stream))
    .takes(&[FILTER, SUBSCRIPTION, &["last_event_id"]])
    .answers(&[(200, Text("text/event-stream")), (204, Empty)]),
    get(
        "/v1/filings",
        "filings",
        "Which filings there are, newest first.",
    )
    .needs(KeyOrTicket(Scope::Read))
    .takes(&[FILTER, &["filed_from", "filed_to", "filings_limit", "next"]])
    .answers(&[(200, Json("FilingPage"))]),
    get(
        "/v1/filings/{accession}",
        "filing",
        "A filing, its events, and when each source saw it first.",
    )
    .needs(KeyOrTicket(Scope::Read))
    .takes(&[&["accession"]])
    .answers(&[(200, Json("FilingWhole"))]),
    get(
        "/v1/filings/{accession}/documents/{document}",
        "document",
        "One document of an archived filing, decoded. Hostile as it is: a browser runs none of it.",
    )
    .needs(KeyOrTicket(Scope::Archive))
    .takes(&[&["accession", "document", "version"]])
    .answers(DOCUMENT),
    get(
        "/v1/keys",
        "list_keys",
        "All API keys, without their secrets.",
    )
    .needs(Key(Scope::Admin))
    .answers(&[(200, Json("KeyList"))]),
    post(
        "/v1/keys",
        "make_key",
        "Makes an API key; its secret is in this answer alone.",
    )
    .needs(Key(Scope::Admin))
    .body("NewKey")
    .answers(&[(201, Json("MadeKey"))]),
    delete(
        "/v1/keys/{id}",
        "revoke_key",
        "Revokes an API key; its sockets close within a second.",
    )
    .needs(Key(Scope::Admin))
    .takes(&[&["id"]])
    .answers(&[(204, Empty)]),
    get(
        "/v1/reading/{ticket}/{accession}/{document}",
        "read_document",
        "The same for a browser, which asks for the pictures of a document beside it.",
    )
    .needs(Reader(Scope::Archive))
    .takes(&[&["ticket", "accession", "document"]])
    .answers(DOCUMENT),
    get(
        "/v1/status",
        "status",
        "The state of the program and of its sources.",
    )
    .answers(&[(200, Json("Status"))]),
    get(
        STREAM_PATH,
        "stream",
        "The websocket; /asyncapi.json tells what is said on it.",
    )
    .needs(KeyOrTicket(Scope::Stream))
    .takes(&[FILTER, SUBSCRIPTION, &["defer"]])
    .answers(&[(101, Empty)]),
    post(
        "/v1/tickets",
        "issue_ticket",
        "A stand-in for the API key: one use within 30 seconds; or a filing's documents for ten minutes.",
    )
    .needs(AnyKey)
    .takes(&[&["filing"]])
    .answers(&[(201, Json("Ticket"))]),
    get("/ws", "datamule", "The websocket of the datamule package.")
        .needs(Foreign(Scope::Stream))
        .answers(&[(101, Empty)]),
];

const fn get(path: &'static str, name: &'static str, about: &'static str) -> Door {
    door("get", path, name, about)
}

const fn post(path: &'static str, name: &'static str, about: &'static str) -> Door {
    door("post", path, name, about)
}

const fn delete(path: &'static str, name: &'static str, about: &'static str) -> Door {
    door("delete", path, name, about)
}

const fn door(
    method: &'static str,
    path: &'static str,
    name: &'static str,
    about: &'static str,
) -> Door {
    Door {
        method,
        path,
        name,
        about,
        access: Anybody,
        parameters: &[],
        body: None,
        answers: &[],
    }
}

impl Door {
    const fn needs(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    const fn takes(mut self, parameters: &'static [&'static [&'static str]]) -> Self {
        self.parameters = parameters;
        self
    }

    const fn body(mut self, schema: &'static str) -> Self {
        self.body = Some(schema);
        self
    }

    const fn answers(mut self, answers: &'static [(u16, Answer)]) -> Self {
        self.answers = answers;
        self
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Methods and paths of the router, as they stand in its source: axum does not tell them.
    fn routes() -> BTreeSet<(String, String)> {
        let source = include_str!("../mod.rs");
        let mut routes = BTreeSet::new();
        for route in source.split(".route(").skip(1) {
            let route = route.split("\n        .").next().unwrap();
            let (path, methods) = route.split_once(',').unwrap();
            let path = path
                .trim()
                .trim_matches('"')
                .replace("STREAM_PATH", STREAM_PATH);
            for method in ["get", "post", "put", "patch", "delete", "any"] {
                if methods.contains(&format!("{method}(")) {
                    routes.insert((method.to_owned(), path.clone()));
                }
            }
        }
        routes
    }

    #[test]
    fn every_route_of_the_router_is_described_and_no_other() {
        let described = DOORS
            .iter()
            .map(|door| (door.method.to_owned(), door.path.to_owned()));

        let described: BTreeSet<_> = described.collect();

        assert_eq!(described.len(), DOORS.len());
        assert_eq!(described, routes());
    }

    #[test]
    fn a_path_names_its_parameters() {
        for door in DOORS {
            let named = door.path.split('{').skip(1);
            for name in named.map(|rest| rest.split('}').next().unwrap()) {
                let mut taken = door.parameters.iter().copied().flatten();
                assert!(taken.any(|taken| *taken == name), "{}: {name}", door.path);
            }
        }
    }
}
