//! An event as a line for people.
//!
//! Names come from outside: nothing that steers a terminal gets through.

use std::io::IsTerminal;

use protocol::time::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

const TIME: usize = 8;
const FORM: usize = 14;
const ACCESSION: usize = 20;
/// Blanks between columns.
const GAP: &str = "  ";
/// Least of the filers' names that is worth a column.
const NAME_LEAST: usize = 10;
/// Least of the names' column where no terminal limits it; longer names stay whole.
const NAME_FREE: usize = 40;

/// How lines are laid out.
#[derive(Debug)]
pub(super) struct Table {
    /// The columns of the terminal, asked anew for each line; `None` when there is none.
    width: fn() -> Option<usize>,
    colours: bool,
}

#[derive(Clone, Copy)]
enum Paint {
    Plain,
    Bold,
    Dim,
    Yellow,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    event_type: String,
    at: Option<Timestamp>,
    filing: Option<Filing>,
    day: Option<Day>,
    outage: Option<Outage>,
}

#[derive(Deserialize)]
struct Filing {
    accession: String,
    form: String,
    #[serde(default)]
    filers: Vec<Filer>,
    #[serde(default)]
    items: Vec<String>,
    size_bytes: Option<u64>,
    #[serde(default)]
    documents: Vec<serde::de::IgnoredAny>,
    #[serde(default)]
    late: bool,
}

#[derive(Deserialize)]
struct Day {
    date: String,
    listed: u64,
    #[serde(default)]
    recovered: Vec<serde::de::IgnoredAny>,
    #[serde(default)]
    unarchived: Vec<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Outage {
    source: String,
    since: Timestamp,
    until: Option<Timestamp>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Filer {
    cik: Option<String>,
    #[serde(default)]
    name: String,
    role: Option<String>,
    #[serde(default)]
    tickers: Vec<String>,
}

/// Widths of the columns that depend on the terminal.
struct Layout {
    name: usize,
    /// `None` for no limit, of the names neither.
    details: Option<usize>,
    /// The whole line; `None` for no limit.
    line: Option<usize>,
}

impl Table {
    /// The table for the stdout of this process.
    pub(super) fn of_stdout() -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            width: terminal_width,
            colours: std::io::stdout().is_terminal() && !plain,
        }
    }

    /// The line above all others, only for a terminal.
    pub(super) fn head(&self) -> Option<String> {
        let layout = self.layout();
        layout.line?;
        let names = fit("FILER", layout.name);
        let text = format!(
            "{:TIME$}{GAP}{:FORM$}{GAP}{names}{GAP}{:ACCESSION$}",
            "UTC", "FORM", "ACCESSION"
        );
        Some(self.paint(Paint::Dim, &text) + "\n")
    }

    /// The line of an event.
    pub(super) fn line(&self, frame: &str) -> String {
        match serde_json::from_str::<Event>(frame) {
            Ok(Event {
                event_type,
                at,
                filing: Some(filing),
                ..
            }) => self.filing_line(&event_type, at, &filing),
            Ok(event) => self.other_line(&event, frame),
            Err(_) => self.cut(&clean(frame)),
        }
    }

    fn filing_line(&self, event_type: &str, at: Option<Timestamp>, filing: &Filing) -> String {
        let layout = self.layout();
        let seen = event_type == "filing.seen";
        let paint = |paint| if seen { paint } else { Paint::Dim };
        let mut line = [
            self.paint(Paint::Dim, &clock(at)),
            self.paint(paint(Paint::Bold), &fit(&clean(&filing.form), FORM)),
            self.paint(paint(Paint::Plain), &layout.names(&filing.filers)),
            self.paint(Paint::Dim, &fit(&clean(&filing.accession), ACCESSION)),
        ]
        .join(GAP);
        let details = details(event_type, filing);
        let details = match layout.details {
            Some(width) => cut(&details, width),
            None => details,
        };
        if !details.is_empty() {
            line = line + GAP + &self.paint(paint(Paint::Plain), &details);
        }
        line
    }

    /// An event that is not about one filing.
    fn other_line(&self, event: &Event, frame: &str) -> String {
        let what = match event {
            Event {
                outage: Some(outage),
                ..
            } => outage.shown(event.at),
            Event { day: Some(day), .. } => day.shown(),
            _ => fields(frame),
        };
        let text = format!(
            "{}{GAP}{:FORM$}{GAP}{}",
            clock(event.at),
            clean(&event.event_type),
            clean(&what)
        );
        self.paint(Paint::Yellow, &self.cut(&text))
    }

    fn cut(&self, text: &str) -> String {
        (self.width)().map_or_else(|| text.to_owned(), |width| cut(text, width))
    }

    fn layout(&self) -> Layout {
        let Some(line) = (self.width)() else {
            return Layout {
                name: NAME_FREE,
                details: None,
                line: None,
            };
        };
        let fixed = TIME + FORM + ACCESSION + 3 * GAP.len();
        let details = match line {
            ..80 => 0,
            80..110 => 10,
            _ => 24,
        };
        let gap = if details > 0 { GAP.len() } else { 0 };
        let name = line.saturating_sub(fixed + gap + details).max(NAME_LEAST);
        Layout {
            name,
            details: Some(details),
            line: Some(line),
        }
    }

    fn paint(&self, paint: Paint, text: &str) -> String {
        let code = match paint {
            Paint::Plain => return text.to_owned(),
            Paint::Bold => "1",
            Paint::Dim => "2",
            Paint::Yellow => "33",
        };
        if self.colours {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

impl Layout {
    fn names(&self, filers: &[Filer]) -> String {
        let width = self.name;
        match self.line {
            Some(_) => fit(&within(&names(filers), width), width),
            None => format!("{:width$}", names(filers).join(", ")),
        }
    }
}

impl Filer {
    /// Its name, or what stands for it in the lite view: tickers, or the CIK.
    fn shown(&self) -> String {
        match &self.cik {
            _ if !self.name.is_empty() => self.name.clone(),
            _ if !self.tickers.is_empty() => self.tickers.join(" "),
            Some(cik) => format!("CIK {cik}"),
            None => String::new(),
        }
    }
}

impl Outage {
    /// `atom: fails since 20:00:00, HTTP 503`, `atom: blind from 20:00:00 to 20:04:10`.
    fn shown(&self, at: Option<Timestamp>) -> String {
        let (source, since) = (&self.source, moment(self.since, at));
        match (self.until, &self.error) {
            (Some(until), _) => format!("{source}: blind from {since} to {}", moment(until, at)),
            (None, Some(error)) => format!("{source}: fails since {since}, {error}"),
            (None, None) => format!("{source}: nothing new since {since}"),
        }
    }
}

impl Day {
    /// `2026-03-03: 3127 filings, 7 of them recovered, 2 not archived`.
    fn shown(&self) -> String {
        let mut text = format!("{}: {} filings", self.date, self.listed);
        if !self.recovered.is_empty() {
            text += &format!(", {} of them recovered", self.recovered.len());
        }
        if !self.unarchived.is_empty() {
            text += &format!(", {} not archived", self.unarchived.len());
        }
        text
    }
}

/// The time of day, with the day unless it is that of the line.
fn moment(moment: Timestamp, line: Option<Timestamp>) -> String {
    let day = |at: Timestamp| at.strftime("%Y-%m-%d").to_string();
    if line.map(day) == Some(day(moment)) {
        return clock(Some(moment));
    }
    moment.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// What an event has of its own, as it stands in its frame.
fn fields(frame: &str) -> String {
    let common = ["type", "cursor", "seq", "at"];
    let mut fields: Map<String, Value> = serde_json::from_str(frame).unwrap_or_default();
    fields.retain(|name, _| !common.contains(&name.as_str()));
    Value::Object(fields).to_string()
}

fn terminal_width() -> Option<usize> {
    if !std::io::stdout().is_terminal() {
        return None;
    }
    let (_rows, columns) = console::Term::stdout().size_checked()?;
    Some(usize::from(columns)).filter(|columns| *columns > 0)
}

fn clock(at: Option<Timestamp>) -> String {
    at.map_or_else(
        || " ".repeat(TIME),
        |at| at.strftime("%H:%M:%S").to_string(),
    )
}

/// One filer's name, or all with their roles.
fn names(filers: &[Filer]) -> Vec<String> {
    let several = filers.len() > 1;
    let name = |filer: &Filer| match &filer.role {
        Some(role) if several => format!("{} ({role})", filer.shown()),
        _ => filer.shown(),
    };
    filers.iter().map(|filer| clean(&name(filer))).collect()
}

/// As many names as there is room for, and how many more there are: `A, B and 4 more`.
fn within(names: &[String], width: usize) -> String {
    let fits = |text: &String| text.chars().count() <= width;
    let whole = names.join(", ");
    if names.len() < 2 || fits(&whole) {
        return whole;
    }
    let first = |count| names[..count].join(", ");
    // A name and its comma take two columns at least.
    let most = names.len().min(width / 2);
    let counts = (1..most).rev();
    let shortened = counts.map(|count| first(count) + &and_more(names.len() - count));
    shortened.into_iter().find(fits).unwrap_or_else(|| {
        let more = and_more(names.len() - 1);
        match width.checked_sub(more.len()) {
            Some(room) if room >= NAME_LEAST => cut(&names[0], room) + &more,
            _ => whole,
        }
    })
}

fn and_more(count: usize) -> String {
    format!(" and {count} more")
}

fn details(event_type: &str, filing: &Filing) -> String {
    let mut parts = Vec::new();
    match event_type {
        "filing.seen" => parts.extend(filing.items.iter().map(|item| clean(item))),
        "filing.archived" => {
            let documents = filing.documents.len();
            let noun = if documents == 1 { "doc" } else { "docs" };
            parts.push(format!("archived {documents} {noun}"));
        }
        "filing.withdrawn" => parts.push("withdrawn".to_owned()),
        other => parts.push(clean(other)),
    }
    if filing.late {
        parts.insert(0, "late".to_owned());
    }
    parts.extend(filing.size_bytes.map(size));
    parts.join(" ")
}

/// Bytes as EDGAR's pages show them.
fn size(bytes: u64) -> String {
    const KB: u64 = 1024;
    match bytes {
        ..KB => format!("{bytes} B"),
        KB..1_048_576 => format!("{} KB", bytes / KB),
        _ => format!("{:.1} MB", bytes as f64 / 1_048_576.0),
    }
}

/// `text` without characters that steer a terminal or turn the direction of writing.
fn clean(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars()
        .map(|c| if steers(c) { '?' } else { c })
        .collect()
}

fn fit(text: &str, width: usize) -> String {
    format!("{:width$}", cut(text, width))
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    if width == 0 { kept } else { kept + "…" }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEN: &str = r#"{"type":"filing.seen","cursor":"k7q2-7","seq":7,"at":"2026-03-03T21:04:58.168Z",
        "filing":{"accession":"0001999999-26-000042","form":"8-K","size_bytes":690176,"items":["2.02","9.01"],
        "filers":[{"cik":"1","name":"QUAYSIDE ROBOTICS (HOLDINGS) INC","role":"filer"}]}}"#;
    const OWNED: &str = r#"{"type":"filing.archived","at":"2026-03-03T21:05:03Z","filing":{"accession":"0001999999-26-000043",
        "form":"4","size_bytes":2000000,"documents":[{"ordinal":1}],"filers":[{"name":"A INC","role":"issuer"},{"name":"B","role":"reporting-owner"}]}}"#;

    fn table(width: fn() -> Option<usize>) -> Table {
        Table {
            width,
            colours: false,
        }
    }

    #[test]
    fn a_line_says_when_what_and_whose() {
        assert_eq!(
            table(|| None).line(SEEN),
            "21:04:58  8-K             QUAYSIDE ROBOTICS (HOLDINGS) INC          0001999999-26-000042  2.02 9.01 674 KB"
        );
    }

    #[test]
    fn without_a_terminal_no_name_is_cut() {
        let name = "A".repeat(90);

        let line = table(|| None).line(&SEEN.replace("QUAYSIDE", &name));

        assert!(
            line.contains(&format!("{name} ROBOTICS (HOLDINGS) INC  0001999999")),
            "{line}"
        );
    }

    #[test]
    fn several_filers_have_their_roles_and_archived_filings_their_documents() {
        let line = table(|| None).line(OWNED);

        assert!(
            line.contains("A INC (issuer), B (reporting-owner)"),
            "{line}"
        );
        assert!(line.ends_with("archived 1 doc 1.9 MB"), "{line}");
    }

    #[test]
    fn in_the_lite_view_tickers_or_ciks_stand_for_names() {
        let filers =
            r#"[{"cik":"7","tickers":["QUAY","QUAYW"]},{"cik":"8","role":"reporting-owner"}]"#;
        let frame = format!(
            r#"{{"type":"filing.seen","filing":{{"accession":"0001999999-26-000042","form":"4","filers":{filers}}}}}"#
        );

        let line = table(|| None).line(&frame);

        assert!(
            line.contains("QUAY QUAYW, CIK 8 (reporting-owner)"),
            "{line}"
        );
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let widths: [fn() -> Option<usize>; 4] =
            [|| Some(60), || Some(80), || Some(100), || Some(200)];
        for width in widths {
            for frame in [
                SEEN,
                OWNED,
                r#"{"type":"day.sealed","day":{"date":"2026-03-03","listed":3127,"seen_live":3120}}"#,
            ] {
                let line = table(width).line(frame);
                assert!(line.chars().count() <= width().unwrap_or(0), "{line}");
            }
        }
        assert!(
            table(|| Some(80))
                .line(SEEN)
                .contains("  QUAYSIDE ROBOTICS (…  ")
        );
    }

    #[test]
    fn filers_beyond_the_width_are_counted() {
        let filers = ["ALPHA TRUST", "BETA TRUST", "GAMMA TRUST", "DELTA TRUST"];
        let names = filers.map(str::to_owned);

        for (width, shown) in [
            (80, "ALPHA TRUST, BETA TRUST, GAMMA TRUST, DELTA TRUST"),
            (40, "ALPHA TRUST, BETA TRUST and 2 more"),
            (22, "ALPHA TRUST and 3 more"),
            (21, "ALPHA TRU… and 3 more"),
            (10, "ALPHA TRUST, BETA TRUST, GAMMA TRUST, DELTA TRUST"),
        ] {
            assert_eq!(within(&names, width), shown, "{width}");
        }
    }

    #[test]
    fn outages_and_sealed_days_are_told_in_words() {
        let line = |event_type: &str, field: &str| {
            let frame = format!(
                r#"{{"type":"{event_type}","cursor":"k-9","seq":9,"at":"2026-03-03T21:05:03Z",{field}}}"#
            );
            table(|| None).line(&frame)
        };

        assert_eq!(
            line(
                "source.down",
                r#""outage":{"source":"atom","since":"2026-03-03T21:02:33Z","error":"HTTP 503"}"#
            ),
            "21:05:03  source.down     atom: fails since 21:02:33, HTTP 503"
        );
        assert_eq!(
            line(
                "source.down",
                r#""outage":{"source":"efts","since":"2026-03-03T21:02:33Z"}"#
            ),
            "21:05:03  source.down     efts: nothing new since 21:02:33"
        );
        assert_eq!(
            line(
                "source.up",
                r#""outage":{"source":"atom","since":"2026-03-02T21:02:33Z","until":"2026-03-03T21:05:00Z"}"#
            ),
            "21:05:03  source.up       atom: blind from 2026-03-02 21:02:33 to 21:05:00"
        );
        assert_eq!(
            line(
                "day.sealed",
                r#""day":{"date":"2026-03-02","listed":3127,"seen_live":3126,"recovered":["0001999999-26-000042"],"sha256":"00"}"#
            ),
            "21:05:03  day.sealed      2026-03-02: 3127 filings, 1 of them recovered"
        );
        assert_eq!(
            line("day.moved", r#""by":1"#),
            r#"21:05:03  day.moved       {"by":1}"#
        );
    }

    #[test]
    fn late_and_withdrawn_filings_say_so() {
        let late = SEEN.replace(r#""form":"8-K","#, r#""form":"8-K","late":true,"#);
        let withdrawn = SEEN.replace("filing.seen", "filing.withdrawn");

        assert!(
            table(|| None)
                .line(&late)
                .ends_with("late 2.02 9.01 674 KB")
        );
        assert!(
            table(|| None)
                .line(&withdrawn)
                .ends_with("withdrawn 674 KB")
        );
    }

    #[test]
    fn nothing_from_outside_steers_the_terminal() {
        let frame = SEEN.replace("QUAYSIDE", r"\u001b[2J\u0007\u202e\n");

        let line = table(|| None).line(&frame);

        assert!(line.contains("?[2J??? ROBOTICS"), "{line}");
    }

    #[test]
    fn colours_frame_the_columns_and_nothing_else() {
        let table = Table {
            width: || Some(80),
            colours: true,
        };

        let line = table.line(SEEN);

        assert!(
            line.starts_with("\x1b[2m21:04:58\x1b[0m  \x1b[1m8-K           \x1b[0m  QUAY"),
            "{line:?}"
        );
    }
}
