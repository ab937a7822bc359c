//! The whole log, read as pages, and what it tells of filings and days.

use std::collections::BTreeMap;

use protocol::{
    day::Day,
    event::{Body, Event},
    filing::Filing,
};
use serde_json::{Value, value::RawValue};

use super::program::{Server, get_with_key};

/// The whole log, as pages give it.
pub struct Books {
    pub frames: Vec<String>,
    pub events: Vec<Event>,
}

/// An event about a filing, and its place in the log.
pub type Entry<'a> = (u64, &'a Event, &'a Filing);

impl Books {
    pub async fn read(server: &Server) -> Self {
        let mut books = Self {
            frames: Vec::new(),
            events: Vec::new(),
        };
        let mut after = "oldest".to_owned();
        loop {
            let path = format!("/v1/events?after={after}&limit=1000&types=filing.*,day.*,source.*");
            let answer = get_with_key(&server.addr, &path, &server.key).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            let page: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&answer.body).unwrap();
            let frames: Vec<Box<RawValue>> = serde_json::from_str(page["events"].get()).unwrap();
            if frames.is_empty() {
                return books;
            }
            for frame in frames {
                books
                    .events
                    .push(serde_json::from_str(frame.get()).unwrap());
                books.frames.push(frame.get().to_owned());
            }
            after = serde_json::from_str::<Value>(page["next"].get())
                .unwrap()
                .as_str()
                .unwrap()
                .to_owned();
        }
    }

    /// The newest seq.
    pub fn head(&self) -> u64 {
        self.events.last().map_or(0, |event| event.seq().get())
    }

    pub fn summary(&self) -> String {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for event in &self.events {
            *counts.entry(event.body.event_type().as_str()).or_default() += 1;
        }
        format!("{counts:?}")
    }

    pub fn seen(&self) -> BTreeMap<String, Entry<'_>> {
        let mut seen = BTreeMap::new();
        for entry in self.of(|body| matches!(body, Body::FilingSeen(_))) {
            let accession = entry.2.accession.to_string();
            assert!(
                seen.insert(accession.clone(), entry).is_none(),
                "{accession} is seen twice"
            );
        }
        seen
    }

    pub fn archived(&self) -> BTreeMap<String, Vec<Entry<'_>>> {
        let mut archived: BTreeMap<String, Vec<Entry<'_>>> = BTreeMap::new();
        for entry in self.of(|body| matches!(body, Body::FilingArchived(_))) {
            archived
                .entry(entry.2.accession.to_string())
                .or_default()
                .push(entry);
        }
        archived
    }

    pub fn withdrawn(&self) -> Vec<String> {
        let withdrawn = self.of(|body| matches!(body, Body::FilingWithdrawn(_)));
        withdrawn
            .map(|entry| entry.2.accession.to_string())
            .collect()
    }

    pub fn seals(&self) -> impl Iterator<Item = (&Event, &Day)> {
        self.events.iter().filter_map(|event| match &event.body {
            Body::DaySealed(day) => Some((event, day)),
            _ => None,
        })
    }

    fn of(&self, wanted: impl Fn(&Body) -> bool) -> impl Iterator<Item = Entry<'_>> {
        let events = self.events.iter().filter(move |event| wanted(&event.body));
        events.filter_map(|event| Some((event.seq().get(), event, event.body.filing()?)))
    }
}

/// The SHA-256 of the submission that was archived.
pub fn original(filing: &Filing) -> &str {
    let sgml = filing
        .objects
        .sgml
        .as_ref()
        .expect("a submission is archived");
    sgml.original_sha256
        .as_deref()
        .expect("its checksum is told")
}
