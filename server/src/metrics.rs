//! All metrics: names `filingwire_<part>_<what>_<unit>[_total]`, closed labels, registered
//! at zero.

mod night;
mod tls;

use std::{
    borrow::Cow,
    collections::HashSet,
    sync::atomic::{AtomicU64, Ordering},
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use protocol::{close::CloseCode, filing::Source, outage::Part};
use sec_client::Priority;

pub(crate) use night::Night;
pub(crate) use tls::Tls;

type Count = Gauge<u64, AtomicU64>;

/// A source, as a label.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct BySource {
    source: &'static str,
}

/// A source and whether its poll was good, as labels.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ByOutcome {
    source: &'static str,
    outcome: &'static str,
}

/// A reason, as a label.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ByReason {
    reason: &'static str,
}

/// A close code, as a label.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ByCode {
    code: u16,
}

/// A request class, as a label.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ByPriority {
    priority: &'static str,
}

/// Every metric of the program.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    seen: Family<BySource, Counter>,
    repeated: Family<BySource, Counter>,
    polls: Family<ByOutcome, Counter>,
    /// Seconds from taking a group of events to its being durable.
    pub(crate) commit_seconds: Histogram,
    /// Seconds from EDGAR's acceptance to our log.
    pub(crate) accepted_to_log_seconds: Histogram,
    /// Submissions archived.
    pub(crate) archived: Counter,
    /// Submissions of which nothing but the exact bytes is archived, because a reader panicked.
    pub(crate) readers_failed: Counter,
    refetches: Family<ByReason, Counter>,
    archive_failures: Family<ByReason, Counter>,
    /// Sessions open now.
    pub(crate) sessions: Count,
    /// Event frames sent to all subscribers.
    pub(crate) frames_sent: Counter,
    closes: Family<ByCode, Counter>,
    edgar_requests: Family<ByPriority, Counter>,
    edgar_blocks: Counter,
    source_up: Family<BySource, Count>,
    source_polled: Family<BySource, Count>,
    source_new: Family<BySource, Count>,
    /// Connections open now, sessions among them.
    pub(crate) connections: Count,
    turned_away: Family<ByReason, Counter>,
    /// Connections that could not be accepted.
    pub(crate) accept_failures: Counter,
    /// Seconds from a request for filings to its page.
    pub(crate) catalog_page_seconds: Histogram,
    /// Later sightings of a filing that were not kept.
    pub(crate) sightings_lost: Counter,
    /// The night's work.
    pub(crate) night: Night,
    /// What comes of TLS.
    pub(crate) tls: Tls,
    /// Values known elsewhere, copied in when somebody asks.
    pub(crate) sampled: Sampled,
}

/// Values known elsewhere.
#[derive(Debug, Default)]
pub(crate) struct Sampled {
    pub(crate) log_tip: Count,
    pub(crate) fetch_watermark: Count,
    pub(crate) fetch_backlog: Count,
    pub(crate) fetch_parked_filings: Count,
    pub(crate) fetch_parked_bytes: Count,
    pub(crate) fetch_paused: Count,
    pub(crate) archive_up: Count,
    pub(crate) edgar_door_open: Count,
    pub(crate) sources_stale: Count,
    pub(crate) catalog_through: Count,
}

/// Why a connection or request was turned away at the door.
const TURNED_AWAY: [&str; 4] = ["address_full", "failures", "requests", "server_full"];

/// Why a download did not end in the archive.
pub(crate) const ARCHIVE_FAILURES: [&str; 7] = [
    "absent",
    "blocked",
    "bucket",
    "disk",
    "incomplete",
    "not_a_submission",
    "network",
];

/// How fetching an archived submission again ended.
const REFETCHES: [&str; 3] = ["same", "differs", "failed"];

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("filingwire");
        let seconds =
            || Histogram::new([0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0]);
        let long = || {
            Histogram::new([
                5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 120.0, 300.0, 3600.0,
            ])
        };
        let metrics = Self {
            seen: Family::default(),
            repeated: Family::default(),
            polls: Family::default(),
            commit_seconds: seconds(),
            accepted_to_log_seconds: long(),
            archived: Counter::default(),
            readers_failed: Counter::default(),
            refetches: Family::default(),
            archive_failures: Family::default(),
            sessions: Count::default(),
            frames_sent: Counter::default(),
            closes: Family::default(),
            edgar_requests: Family::default(),
            edgar_blocks: Counter::default(),
            source_up: Family::default(),
            source_polled: Family::default(),
            source_new: Family::default(),
            connections: Count::default(),
            turned_away: Family::default(),
            accept_failures: Counter::default(),
            catalog_page_seconds: seconds(),
            sightings_lost: Counter::default(),
            night: Night::default(),
            tls: Tls::default(),
            sampled: Sampled::default(),
            registry: Registry::default(),
        };
        metrics.register(&mut registry);
        metrics.start_at_zero();
        Self {
            registry,
            ..metrics
        }
    }

    fn register(&self, registry: &mut Registry) {
        self.register_road(registry);
        self.register_stream(registry.sub_registry_with_prefix("stream"));
        self.register_http(registry.sub_registry_with_prefix("http"));
        self.tls.register(registry.sub_registry_with_prefix("tls"));
        self.register_catalog(registry.sub_registry_with_prefix("catalog"));
        self.night
            .register(registry.sub_registry_with_prefix("reconcile"));
        self.register_sampled(registry);
        self.register_edgar(registry.sub_registry_with_prefix("edgar"));
        self.register_sources(registry.sub_registry_with_prefix("source"));
    }

    fn register_road(&self, r: &mut Registry) {
        r.register(
            "updater_filings_seen",
            "Filings seen for the first time",
            self.seen.clone(),
        );
        r.register(
            "updater_filings_repeated",
            "Sightings of known filings",
            self.repeated.clone(),
        );
        r.register("monitors_polls", "Polls of a source", self.polls.clone());
        let commit = self.commit_seconds.clone();
        r.register_with_unit("log_commit", "From group to durable", Unit::Seconds, commit);
        let accepted = self.accepted_to_log_seconds.clone();
        let what = "From EDGAR's acceptance to our log";
        r.register_with_unit("updater_accepted_to_log", what, Unit::Seconds, accepted);
        r.register(
            "fetch_submissions_archived",
            "Submissions archived",
            self.archived.clone(),
        );
        r.register(
            "fetch_attempts_failed",
            "Downloads and uploads that failed",
            self.archive_failures.clone(),
        );
        r.register(
            "fetch_readers_failed",
            "Submissions archived as exact bytes only, because a reader panicked",
            self.readers_failed.clone(),
        );
        r.register(
            "fetch_refetches",
            "Archived submissions fetched again",
            self.refetches.clone(),
        );
    }

    fn register_stream(&self, r: &mut Registry) {
        r.register("sessions", "Open sessions", self.sessions.clone());
        r.register("frames_sent", "Event frames sent", self.frames_sent.clone());
        r.register(
            "closes",
            "Sessions closed by the server",
            self.closes.clone(),
        );
    }

    fn register_http(&self, r: &mut Registry) {
        let connections = self.connections.clone();
        r.register("connections", "Open connections", connections);
        r.register(
            "turned_away",
            "Connections and requests over a limit",
            self.turned_away.clone(),
        );
        r.register(
            "accepts_failed",
            "Connections that could not be accepted",
            self.accept_failures.clone(),
        );
    }

    fn register_catalog(&self, r: &mut Registry) {
        let through = self.sampled.catalog_through.clone();
        r.register("through_seq", "Last event in the catalog", through);
        let page = self.catalog_page_seconds.clone();
        let what = "From a request for filings to its page";
        r.register_with_unit("page", what, Unit::Seconds, page);
        r.register(
            "sightings_lost",
            "Later sightings of a filing that were not kept",
            self.sightings_lost.clone(),
        );
    }

    fn register_sources(&self, r: &mut Registry) {
        let up = self.source_up.clone();
        r.register("up", "0 from source.down to source.up", up);
        let polled = self.source_polled.clone();
        let what = "Since the last good poll, or the start";
        r.register_with_unit("good_poll_age", what, Unit::Seconds, polled);
        let new = self.source_new.clone();
        let what = "Since it last listed something new, or the start";
        r.register_with_unit("new_filing_age", what, Unit::Seconds, new);
    }

    fn register_edgar(&self, r: &mut Registry) {
        let requests = self.edgar_requests.clone();
        r.register("requests", "Requests to EDGAR", requests);
        let blocks = self.edgar_blocks.clone();
        r.register("blocks", "Block pages", blocks);
        let open = self.sampled.edgar_door_open.clone();
        r.register("door_open", "1 while EDGAR may be asked", open);
    }

    fn register_sampled(&self, r: &mut Registry) {
        let sampled = &self.sampled;
        r.register(
            "log_tip_seq",
            "Newest durable event",
            sampled.log_tip.clone(),
        );
        let watermark = sampled.fetch_watermark.clone();
        r.register(
            "fetch_watermark_seq",
            "Everything before is archived or given up",
            watermark,
        );
        let backlog = sampled.fetch_backlog.clone();
        r.register(
            "fetch_backlog_filings",
            "Filings without submission",
            backlog,
        );
        let parked = sampled.fetch_parked_filings.clone();
        r.register(
            "fetch_parked_filings",
            "Submissions that wait for the archive",
            parked,
        );
        let parked = sampled.fetch_parked_bytes.clone();
        r.register("fetch_parked_bytes", "Bytes of them on our disk", parked);
        let paused = sampled.fetch_paused.clone();
        r.register("fetch_paused", "1 while disk or backlog is full", paused);
        let up = sampled.archive_up.clone();
        r.register("archive_up", "1 while the archive takes submissions", up);
        let stale = sampled.sources_stale.clone();
        r.register(
            "monitors_sources_stale",
            "Sources silent for too long",
            stale,
        );
    }

    fn start_at_zero(&self) {
        for source in Source::ALL {
            let by = BySource {
                source: source.as_str(),
            };
            drop(self.seen.get_or_create(&by));
            drop(self.repeated.get_or_create(&by));
        }
        for source in [Source::Atom, Source::Efts] {
            for outcome in ["good", "failed"] {
                drop(self.polls.get_or_create(&ByOutcome {
                    source: source.as_str(),
                    outcome,
                }));
            }
        }
        for part in [Part::Atom, Part::Efts, Part::Archive] {
            self.set_part_up(part, true);
        }
        for source in [Source::Atom, Source::Efts] {
            self.set_source_ages(source, 0, 0);
        }
        for reason in ARCHIVE_FAILURES {
            drop(self.archive_failures.get_or_create(&ByReason { reason }));
        }
        for reason in REFETCHES {
            drop(self.refetches.get_or_create(&ByReason { reason }));
        }
        for priority in Priority::ALL {
            self.set_edgar_requests(priority.name(), 0);
        }
        for code in CloseCode::ALL {
            let code = code.number();
            drop(self.closes.get_or_create(&ByCode { code }));
        }
        for reason in TURNED_AWAY {
            drop(self.turned_away.get_or_create(&ByReason { reason }));
        }
    }

    /// A sighting was decided upon.
    pub(crate) fn sighted(&self, source: Source, is_new: bool) {
        let family = if is_new { &self.seen } else { &self.repeated };
        family
            .get_or_create(&BySource {
                source: source.as_str(),
            })
            .inc();
    }

    /// How many filings a source was the first to tell of.
    pub(crate) fn seen(&self, source: Source) -> u64 {
        self.seen
            .get_or_create(&BySource {
                source: source.as_str(),
            })
            .get()
    }

    /// A poll ended.
    pub(crate) fn polled(&self, source: Source, good: bool) {
        let outcome = if good { "good" } else { "failed" };
        self.polls
            .get_or_create(&ByOutcome {
                source: source.as_str(),
                outcome,
            })
            .inc();
    }

    /// A download failed, for one of [`ARCHIVE_FAILURES`].
    pub(crate) fn archive_failed(&self, reason: &'static str) {
        self.archive_failures
            .get_or_create(&ByReason { reason })
            .inc();
    }

    /// An archived submission was fetched again, with one of [`REFETCHES`].
    pub(crate) fn refetched(&self, reason: &'static str) {
        self.refetches.get_or_create(&ByReason { reason }).inc();
    }

    /// A connection or request was over a limit, one of [`TURNED_AWAY`].
    pub(crate) fn turned_away(&self, reason: &'static str) {
        self.turned_away.get_or_create(&ByReason { reason }).inc();
    }

    /// The server closed a session.
    pub(crate) fn closed(&self, code: u16) {
        self.closes.get_or_create(&ByCode { code }).inc();
    }

    /// How many requests of a class went to EDGAR since the start.
    pub(crate) fn set_edgar_requests(&self, priority: &'static str, requests: u64) {
        let requests_now = self.edgar_requests.get_or_create(&ByPriority { priority });
        requests_now.inner().store(requests, Ordering::Relaxed);
    }

    /// How many block pages EDGAR gave since the start.
    pub(crate) fn set_edgar_blocks(&self, blocks: u64) {
        self.edgar_blocks.inner().store(blocks, Ordering::Relaxed);
    }

    /// Whether a part works.
    pub(crate) fn set_part_up(&self, part: Part, is_up: bool) {
        let by = BySource {
            source: part.as_str(),
        };
        self.source_up.get_or_create(&by).set(u64::from(is_up));
    }

    /// Seconds since the last good poll of a source, and since it listed something new.
    pub(crate) fn set_source_ages(&self, source: Source, polled: u64, new: u64) {
        let by = BySource {
            source: source.as_str(),
        };
        self.source_polled.get_or_create(&by).set(polled);
        self.source_new.get_or_create(&by).set(new);
    }

    /// The text a Prometheus server reads, as OpenMetrics.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("a String takes all writes");
        text
    }

    /// The same in the older format, for those who do not ask for OpenMetrics: there the name of a counter
    /// ends in `_total` in its comments too, and there are no units and no end mark.
    pub(crate) fn render_plain(&self) -> String {
        let open = self.render();
        let counters: HashSet<&str> = open.lines().filter_map(counter_named).collect();
        let mut plain = String::with_capacity(open.len());
        for line in open
            .lines()
            .filter(|line| !line.starts_with("# UNIT ") && *line != "# EOF")
        {
            plain.push_str(&with_total(line, &counters));
            plain.push('\n');
        }
        plain
    }
}

/// The counter that this line of OpenMetrics tells the type of.
fn counter_named(line: &str) -> Option<&str> {
    line.strip_prefix("# TYPE ")?.strip_suffix(" counter")
}

/// A line with `_total` at the name of a counter, where OpenMetrics leaves it out.
fn with_total<'a>(line: &'a str, counters: &HashSet<&str>) -> Cow<'a, str> {
    let mut words = line.splitn(4, ' ');
    match (words.next(), words.next(), words.next(), words.next()) {
        (Some("#"), Some(kind), Some(name), Some(rest)) if counters.contains(name) => {
            Cow::Owned(format!("# {kind} {name}_total {rest}"))
        }
        _ => Cow::Borrowed(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_there_from_the_start() {
        let text = Metrics::new().render();

        assert!(
            text.contains("filingwire_updater_filings_seen_total{source=\"atom\"} 0"),
            "{text}"
        );
        assert!(text.contains("filingwire_fetch_attempts_failed_total{reason=\"absent\"} 0"));
        assert!(text.contains("filingwire_log_commit_seconds_bucket"));
        assert!(text.contains("filingwire_stream_sessions 0"));
        assert!(text.contains("filingwire_source_up{source=\"archive\"} 1"));
        assert!(text.contains("filingwire_source_good_poll_age_seconds{source=\"efts\"} 0"));
    }

    #[test]
    fn the_older_format_names_counters_as_their_samples() {
        let text = Metrics::new().render_plain();

        assert!(text.contains("# TYPE filingwire_fetch_submissions_archived_total counter\n"));
        assert!(text.contains("# HELP filingwire_fetch_submissions_archived_total Submissions"));
        assert!(
            text.contains("# TYPE filingwire_stream_sessions gauge\n"),
            "{text}"
        );
        assert!(
            !text.contains("# UNIT") && !text.contains("# EOF"),
            "{text}"
        );
    }

    /// Every word of ours that looks like the name of a metric.
    fn names_in(text: &str) -> impl Iterator<Item = &str> {
        text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .filter(|word| word.starts_with("filingwire_"))
    }

    #[test]
    fn alarms_and_dashboard_name_only_metrics_that_there_are() {
        let text = Metrics::new().render_plain();
        let there: HashSet<&str> = names_in(&text).collect();
        let alarms = include_str!("../../deploy/alerts.yml");
        let dashboard = include_str!("../../deploy/grafana.json");
        let operating = include_str!("../../docs/operating.md");

        let named: Vec<&str> = [alarms, dashboard, operating]
            .into_iter()
            .flat_map(names_in)
            .collect();

        assert!(named.len() > 60, "{named:?}");
        let missing: Vec<_> = named.iter().filter(|name| !there.contains(*name)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn a_sighting_is_counted_by_source() {
        let metrics = Metrics::new();

        metrics.sighted(Source::Efts, true);
        metrics.sighted(Source::Efts, false);

        let text = metrics.render();
        assert!(text.contains("filingwire_updater_filings_seen_total{source=\"efts\"} 1"));
        assert!(text.contains("filingwire_updater_filings_repeated_total{source=\"efts\"} 1"));
    }
}
