//! EDGAR as it was recorded: the walk of one evening, search answers, submissions.
//!
//! The truth is read from the recordings by plain text search, with none of the
//! program's parsers.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

const WALK: &str = "atom-getcurrent/2025-12-12T180331";
const PAST_THE_END: &str = "http-error/getcurrent-2025-12-12T180331-start5100-status503.html";

/// The search answers that hold all hits of their query.
const ANSWERS: [&str; 3] = [
    "bellingcat-1_hit.json",
    "edgarwebr-search-index-797cb5-POST.json",
    "openbb-2024-11-06-forms10K.json",
];

/// The recorded EDGAR, serving.
#[derive(Debug)]
pub struct Recorded {
    pub url: String,
    tape: Arc<Tape>,
}

#[derive(Debug)]
struct Tape {
    walk: Vec<Bytes>,
    past_the_end: Bytes,
    answers: Vec<Bytes>,
    next_answer: AtomicUsize,
    submissions: BTreeMap<String, Bytes>,
    listing: Vec<String>,
    walking: AtomicBool,
}

/// Where the recordings are; they are not part of the repository.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/edgar-fixtures")
}

/// Whether the recordings are here. On the project's own machines they must be.
pub fn available() -> bool {
    let here = folder().join("MANIFEST.tsv").exists();
    assert!(
        here || std::env::var_os("CI").is_none(),
        "the recorded EDGAR is missing"
    );
    here
}

fn read(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    match path.extension() {
        Some(extension) if extension == "zst" => zstd::decode_all(&bytes[..]).unwrap(),
        _ => bytes,
    }
}

impl Recorded {
    /// Serves the recordings; the feed lists the recorded submissions at first.
    pub async fn start() -> Self {
        let tape = Arc::new(Tape::load());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(serve).with_state(tape.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, tape }
    }

    /// From now on the feed is the recorded walk.
    pub fn walk(&self) {
        self.tape.walking.store(true, Ordering::Release);
    }

    /// The exact bytes of each recorded submission, by accession.
    pub fn submissions(&self) -> &BTreeMap<String, Bytes> {
        &self.tape.submissions
    }

    /// Each accession of the walk with its (CIK, role) pairs, roles as the feed spells them.
    pub fn walk_truth(&self) -> BTreeMap<String, BTreeSet<(String, String)>> {
        let mut truth: BTreeMap<String, BTreeSet<_>> = BTreeMap::new();
        for page in &self.tape.walk {
            let text = String::from_utf8_lossy(page);
            for entry in text.split("<entry>").skip(1) {
                let title = between(entry, "<title>", "</title>");
                let accession = between(entry, "accession-number=", "</id>").to_owned();
                let (rest, role) = title.trim_end_matches(')').rsplit_once('(').unwrap();
                let cik = rest
                    .trim_end()
                    .trim_end_matches(')')
                    .rsplit_once('(')
                    .unwrap()
                    .1;
                let pair = (cik.trim_start_matches('0').to_owned(), role.to_owned());
                truth.entry(accession).or_default().insert(pair);
            }
        }
        truth
    }

    /// The accessions of the search answers served.
    pub fn answers_truth(&self) -> BTreeSet<String> {
        let ids = |answer: &Bytes| {
            let text = String::from_utf8_lossy(answer).replace("\": \"", "\":\"");
            text.split("\"_id\":\"")
                .skip(1)
                .map(|rest| rest[..20].to_owned())
                .collect::<Vec<_>>()
        };
        self.tape.answers.iter().flat_map(ids).collect()
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    text.split_once(before)
        .unwrap()
        .1
        .split_once(after)
        .unwrap()
        .0
}

impl Tape {
    fn load() -> Self {
        let walk: Vec<Bytes> = (0..=50)
            .map(|page| {
                let name = format!("count100-start{:04}-n{page:03}.xml", page * 100);
                read(&folder().join(WALK).join(name)).into()
            })
            .collect();
        let submissions = submissions();
        Self {
            walk,
            past_the_end: read(&folder().join(PAST_THE_END)).into(),
            answers: ANSWERS
                .iter()
                .map(|name| read(&folder().join("efts").join(name)).into())
                .collect(),
            next_answer: AtomicUsize::new(0),
            listing: submissions
                .iter()
                .map(|(accession, bytes)| entry(accession, bytes))
                .collect(),
            submissions,
            walking: AtomicBool::new(false),
        }
    }

    fn feed(&self, start: usize) -> Response {
        let page = if self.walking.load(Ordering::Acquire) {
            self.walk.get(start / 100).cloned()
        } else {
            let rows = self.listing.get(start..).filter(|rows| !rows.is_empty());
            rows.map(|rows| feed_page(&rows[..rows.len().min(100)]))
        };
        match page {
            Some(page) => ([(header::CONTENT_TYPE, "application/atom+xml")], page).into_response(),
            None => {
                let kind = [(header::CONTENT_TYPE, "text/html")];
                (
                    StatusCode::SERVICE_UNAVAILABLE,
                    kind,
                    self.past_the_end.clone(),
                )
                    .into_response()
            }
        }
    }

    fn answer(&self) -> Response {
        let next = self.next_answer.fetch_add(1, Ordering::AcqRel) % self.answers.len();
        (
            [(header::CONTENT_TYPE, "application/json")],
            self.answers[next].clone(),
        )
            .into_response()
    }

    fn submission(&self, path: &str) -> Response {
        let accession = path.rsplit('/').next().unwrap().trim_end_matches(".txt");
        match self.submissions.get(accession) {
            Some(bytes) => ([(header::CONTENT_TYPE, "text/plain")], bytes.clone()).into_response(),
            None => {
                let body = "<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code></Error>";
                (
                    StatusCode::NOT_FOUND,
                    [(header::CONTENT_TYPE, "application/xml")],
                    body,
                )
                    .into_response()
            }
        }
    }
}

async fn serve(State(tape): State<Arc<Tape>>, request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let start = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("start=")?.parse().ok())
        .unwrap_or(0);
    match request.uri().path() {
        "/cgi-bin/browse-edgar" => tape.feed(start),
        "/LATEST/search-index" => tape.answer(),
        path => tape.submission(path),
    }
}

fn submissions() -> BTreeMap<String, Bytes> {
    let manifest = String::from_utf8(read(&folder().join("MANIFEST.tsv"))).unwrap();
    let rows = manifest
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>());
    rows.filter(|row| row[1] == "full-submission")
        .map(|row| (row[3].to_owned(), read(&folder().join(row[0])).into()))
        .collect()
}

/// A feed entry for a recorded submission, as EDGAR would have listed it.
fn entry(accession: &str, submission: &[u8]) -> String {
    let text = String::from_utf8_lossy(submission);
    let value = |key: &str| {
        let line = text
            .lines()
            .find(|line| line.trim_start().starts_with(key))
            .unwrap();
        line.split_once(':').unwrap().1.trim().to_owned()
    };
    let (form, cik) = (
        value("CONFORMED SUBMISSION TYPE"),
        value("CENTRAL INDEX KEY"),
    );
    let bare = cik.trim_start_matches('0');
    let folder = accession.replace('-', "");
    format!(
        "<entry>\n<title>{form} - RECORDED ({cik}) (Filer)</title>\n\
        <link rel=\"alternate\" type=\"text/html\" href=\"https://www.sec.gov/Archives/edgar/data/{bare}/{folder}/{accession}-index.htm\"/>\n\
        <summary type=\"html\">\n &lt;b&gt;Filed:&lt;/b&gt; 2025-12-12 &lt;b&gt;AccNo:&lt;/b&gt; {accession} &lt;b&gt;Size:&lt;/b&gt; {} KB\n</summary>\n\
        <updated>2025-12-12T18:05:00-05:00</updated>\n\
        <category scheme=\"https://www.sec.gov/\" label=\"form type\" term=\"{form}\"/>\n\
        <id>urn:tag:sec.gov,2008:accession-number={accession}</id>\n</entry>\n",
        submission.len() / 1024 + 1
    )
}

fn feed_page(entries: &[String]) -> Bytes {
    let head = "<?xml version=\"1.0\" encoding=\"ISO-8859-1\" ?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n\
        <title>Latest Filings - Fri, 12 Dec 2025 18:00:00 EST</title>\n\
        <id>https://www.sec.gov/cgi-bin/browse-edgar?action=getcurrent</id>\n\
        <updated>2025-12-12T18:00:00-05:00</updated>\n";
    format!("{head}{}</feed>\n", entries.concat()).into()
}
