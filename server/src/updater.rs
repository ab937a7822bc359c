//! The updater: the one task that decides and appends.
//!
//! It takes what monitors report, what the fetcher has archived and what others of ours
//! order, drops what is known, and appends the rest in groups: one write and one fsync for all that waits. Only then
//! does the tip move, and only then does [`Status`] say that a poll is covered.
//!
//! Elsewhere: what is known ([`Known`]), how the log makes it durable (`eventlog`).
//!
//! Invariant: one `filing.seen` per accession, whatever the sources say and however often.

use std::{sync::Arc, time::Instant};

use anyhow::Context;
use bytes::Bytes;
use eventlog::segment::FRAME_MAX_BYTES;
use monitors::{clock::Clock, sighting::Report};
use protocol::{
    event::{Body, Event, EventType},
    filing::{Filer, Filing, Source},
    outage::Outage,
    seq::Seq,
    time::{Timestamp, eastern_day, to_millis},
};
use tokio::sync::{mpsc, oneshot};

use crate::{
    catalog::Sightings,
    known::{Known, Saving, Standing, have_facts},
    log::Writer,
    metrics::Metrics,
    outages::Down,
    retention::Retention,
    status::Status,
    stream::Door,
};

/// Most messages taken into one group: a commit stays well under a frame of video.
const GROUP_MAX: usize = 512;

/// Failed polls in a row for each line of the log: about one in five minutes.
const FAILURES_A_LINE: u64 = 60;

/// Filings whose submission is archived, on their way into the log.
pub(crate) type Archived = Box<Filing>;

/// What others of ours ask of the updater; answered once it is durable.
#[derive(Debug)]
pub(crate) enum Order {
    /// Take these filings as sighted; the answer is what is known of each then.
    Take(Vec<Filing>, oneshot::Sender<Vec<Standing>>),
    /// Append this, unless the log says it already; the answer is its seq.
    Append(Box<Body>, oneshot::Sender<Option<Seq>>),
    /// Tell what is known, which is yours then and stays as it is.
    Tell(oneshot::Sender<Known>),
}

/// What the updater listens to. It ends when all channels are closed and drained.
#[derive(Debug)]
pub(crate) struct Inbox {
    pub(crate) reports: mpsc::Receiver<Report>,
    pub(crate) archived: mpsc::Receiver<Archived>,
    pub(crate) orders: mpsc::Receiver<Order>,
}

/// The updater's own state; nobody else appends.
#[derive(Debug)]
pub(crate) struct Updater {
    pub(crate) log: Writer,
    pub(crate) known: Known,
    pub(crate) down: Down,
    pub(crate) saving: Saving,
    pub(crate) status: Arc<Status>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) clock: Clock,
    pub(crate) retention: Option<Retention>,
    /// `at` of the newest event.
    pub(crate) last_at: Timestamp,
    /// Whom to tell that another source lists a filing too.
    pub(crate) sightings: Sightings,
    /// Whom to wake when the log has grown.
    pub(crate) sweeps: Vec<Door>,
}

#[allow(clippy::large_enum_variant, reason = "held one at a time")]
enum Message {
    Report(Report),
    Archived(Archived),
    Order(Order),
}

/// What a group tells, in order, once it is durable.
enum Told {
    Counted(EventType),
    Polled(Source, Timestamp),
    Failed(Source, String),
    Sighted(Source, bool),
    Outage(EventType, Outage),
    Taken(oneshot::Sender<Vec<Standing>>, Vec<Standing>),
    Appended(oneshot::Sender<Option<Seq>>, Option<Seq>),
    Asked(oneshot::Sender<Known>),
}

impl Updater {
    /// Works until the inbox is closed. Blocks its thread.
    ///
    /// # Errors
    /// When the log cannot be written: the program must stop, nothing is lost by it.
    pub(crate) fn run(mut self, mut inbox: Inbox) -> anyhow::Result<()> {
        let handle = tokio::runtime::Handle::current();
        // A start that had to read much need not be repeated.
        self.look_at_snapshot();
        while let Some(first) = handle.block_on(inbox.next()) {
            self.take_group(first, &mut inbox)?;
        }
        self.saving.finish();
        Ok(())
    }

    fn take_group(&mut self, first: Message, inbox: &mut Inbox) -> anyhow::Result<()> {
        let began = Instant::now();
        let mut told = Vec::new();
        self.take(first, &mut told)?;
        for _ in 1..GROUP_MAX {
            match inbox.waiting() {
                Some(message) => self.take(message, &mut told)?,
                None => break,
            }
        }
        self.log
            .commit()
            .context("the event log cannot be written")?;
        let has_news = told.iter().any(|one| matches!(one, Told::Counted(_)));
        // Who hears of an event and asks for the status finds it there.
        self.tell(told);
        if has_news {
            self.sweeps.iter().for_each(Door::wake);
        }
        self.metrics
            .commit_seconds
            .observe(began.elapsed().as_secs_f64());
        self.look_at_snapshot();
        self.drop_old_segments()
    }

    /// All that is known is durable here.
    fn look_at_snapshot(&mut self) {
        let tip = self.log.next_seq().prev();
        self.saving.look(&self.known, self.status.tally(), tip);
    }

    fn tell(&self, told: Vec<Told>) {
        let now = self.clock.now();
        for one in told {
            match one {
                Told::Counted(event_type) => {
                    self.status.count(event_type, eastern_day(self.last_at))
                }
                Told::Polled(source, listed_through) => {
                    self.metrics.polled(source, true);
                    self.status.polled(source, now, listed_through);
                }
                Told::Sighted(source, is_new) => self.status.sighted(source, now, is_new),
                Told::Outage(event_type, outage) => self.status.outage(event_type, &outage),
                // Whoever no longer waits for an answer needs none.
                Told::Taken(answer, standings) => drop(answer.send(standings)),
                Told::Appended(answer, seq) => drop(answer.send(seq)),
                Told::Asked(answer) => drop(answer.send(self.known.clone())),
                Told::Failed(source, error) => {
                    self.metrics.polled(source, false);
                    let failures = self.status.failed(source, error.clone());
                    if is_worth_a_line(failures) {
                        tracing::warn!(%source, failures, error, "poll failed");
                    }
                }
            }
        }
    }

    fn drop_old_segments(&mut self) -> anyhow::Result<()> {
        match &mut self.retention {
            Some(retention) => retention.look(&mut self.log),
            None => Ok(()),
        }
    }

    fn take(&mut self, message: Message, told: &mut Vec<Told>) -> anyhow::Result<()> {
        match message {
            Message::Report(Report::Sighted(sighting)) => self.sighted(sighting.filing, told)?,
            Message::Archived(filing) => {
                let types = filing.documents.iter().map(|d| &*d.document_type);
                let has_facts = have_facts(types);
                self.known
                    .archived(filing.accession, &filing.objects, has_facts);
                self.append(Body::FilingArchived(*filing), told)?;
            }
            Message::Order(Order::Take(filings, answer)) => {
                let accessions: Vec<_> = filings.iter().map(|filing| filing.accession).collect();
                for filing in filings {
                    self.sighted(filing, told)?;
                }
                let standing = |accession| self.known.standing(accession).unwrap_or_default();
                let standings = accessions.into_iter().map(standing).collect();
                told.push(Told::Taken(answer, standings));
            }
            Message::Order(Order::Append(body, answer)) => {
                let appended = self.ordered(*body, told)?;
                told.push(Told::Appended(answer, appended));
            }
            Message::Order(Order::Tell(answer)) => told.push(Told::Asked(answer)),
            Message::Report(Report::Polled {
                source,
                listed_through,
            }) => {
                told.push(Told::Polled(source, listed_through));
            }
            Message::Report(Report::Failed { source, error, .. }) => {
                told.push(Told::Failed(source, error));
            }
        }
        Ok(())
    }

    fn sighted(&mut self, filing: Filing, told: &mut Vec<Told>) -> anyhow::Result<()> {
        let seq = self.log.next_seq();
        let is_new = self.known.sighted(filing.accession, filing.source, seq);
        self.metrics.sighted(filing.source, is_new);
        told.push(Told::Sighted(filing.source, is_new));
        if !is_new {
            self.sightings
                .tell(filing.accession, filing.source, filing.seen_at);
            return Ok(());
        }
        if let Some(accepted_at) = filing.accepted_at {
            let latency = self.clock.now().duration_since(accepted_at).as_secs_f64();
            self.metrics
                .accepted_to_log_seconds
                .observe(latency.max(0.0));
        }
        tracing::debug!(accession = %filing.accession, form = %filing.form, source = %filing.source, "filing seen");
        self.append(Body::FilingSeen(filing), told)
    }

    fn ordered(&mut self, body: Body, told: &mut Vec<Told>) -> anyhow::Result<Option<Seq>> {
        let seq = self.log.next_seq();
        let is_new = match &body {
            Body::FilingWithdrawn(filing) => self.known.withdrawn(filing.accession),
            Body::DaySealed(day) => self.known.sealed(day.date, seq),
            Body::SourceDown(outage) | Body::SourceUp(outage) => {
                self.down.take(body.event_type(), outage)
            }
            Body::FilingSeen(_) | Body::FilingArchived(_) => true,
        };
        if !is_new {
            return Ok(None);
        }
        if let Body::SourceDown(outage) | Body::SourceUp(outage) = &body {
            told.push(Told::Outage(body.event_type(), outage.clone()));
        }
        self.append(body, told)?;
        Ok(Some(seq))
    }

    fn append(&mut self, body: Body, told: &mut Vec<Told>) -> anyhow::Result<()> {
        // A clock that was set back must not disturb the order that `time:` cursors rely on.
        self.last_at = to_millis(self.clock.now()).max(self.last_at);
        told.push(Told::Counted(body.event_type()));
        let mut event = Event::new(self.log.epoch(), self.log.next_seq(), self.last_at, body);
        let mut frame = event.to_frame();
        for shorten in [without_documents, bare] {
            if let Some(filing) = event.body.filing_mut()
                && frame.len() > FRAME_MAX_BYTES
            {
                shorten(filing);
                frame = event.to_frame();
            }
        }
        self.log
            .append(Bytes::from(frame))
            .context("an event does not fit the log")?;
        Ok(())
    }
}

/// An outage is one event, said again now and then, not a line a poll.
fn is_worth_a_line(failures: u64) -> bool {
    failures % FAILURES_A_LINE == 1
}

/// A filing whose frame would be too large, shortened: the archive has all of it.
fn without_documents(filing: &mut Filing) {
    tracing::warn!(accession = %filing.accession, "event too large: its documents are left out");
    filing.documents.clear();
}

/// Still too large: what only hostile bytes can bring about.
fn bare(filing: &mut Filing) {
    tracing::warn!(accession = %filing.accession, "event too large: it is reduced to names");
    filing.filers.truncate(1000);
    for filer in &mut filing.filers {
        let name: String = filer.name.chars().take(100).collect();
        *filer = Filer::new(filer.cik, name, filer.role);
    }
    filing.items.retain(|item| item.len() <= 16);
    filing.items.truncate(100);
}

impl Inbox {
    async fn next(&mut self) -> Option<Message> {
        tokio::select! {
            Some(report) = self.reports.recv() => Some(Message::Report(report)),
            Some(archived) = self.archived.recv() => Some(Message::Archived(archived)),
            Some(order) = self.orders.recv() => Some(Message::Order(order)),
            else => None,
        }
    }

    /// New filings first: they are what subscribers wait for.
    fn waiting(&mut self) -> Option<Message> {
        let report = self.reports.try_recv().map(Message::Report);
        report
            .or_else(|_| self.archived.try_recv().map(Message::Archived))
            .or_else(|_| self.orders.try_recv().map(Message::Order))
            .ok()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
impl Updater {
    /// One that goes on from what the log in `dir` holds, with a view of that log.
    pub(crate) fn on(
        dir: &std::path::Path,
        status: Arc<Status>,
        metrics: Arc<Metrics>,
        clock: Clock,
    ) -> (Self, crate::log::Reader) {
        let (log, reader) = crate::log::open(dir, 1 << 20).unwrap();
        let file = crate::known::SnapshotFile::new(dir, reader.epoch());
        let recalled = crate::known::recall(&reader, &file).unwrap();
        status.set_down(recalled.down.clone());
        let updater = Self {
            log,
            known: recalled.known,
            down: recalled.down,
            saving: Saving::new(file, recalled.covers),
            status,
            sightings: Sightings::unheard(metrics.clone()),
            metrics,
            clock,
            retention: None,
            last_at: recalled.last_at,
            sweeps: Vec::new(),
        };
        (updater, reader)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use monitors::sighting::Sighting;
    use protocol::{filing::Document, seq::Seq};

    use super::*;
    use crate::known::SnapshotFile;

    struct Bench {
        dir: tempfile::TempDir,
        reports: mpsc::Sender<Report>,
        archived: mpsc::Sender<Archived>,
        orders: mpsc::Sender<Order>,
        status: Arc<Status>,
        reader: crate::log::Reader,
        running: tokio::task::JoinHandle<anyhow::Result<()>>,
    }

    fn now() -> Timestamp {
        "2026-03-03T21:00:00Z".parse().unwrap()
    }

    fn snapshot(dir: &tempfile::TempDir, log: &crate::log::Reader) -> SnapshotFile {
        SnapshotFile::new(dir.path(), log.epoch())
    }

    fn bench() -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let status = Arc::new(Status::new(now(), Default::default()));
        let metrics = Arc::new(Metrics::new());
        let (updater, reader) = Updater::on(dir.path(), status.clone(), metrics, Clock::new(now));
        let (reports, reports_in) = mpsc::channel(16);
        let (archived, archived_in) = mpsc::channel(16);
        let (orders, orders_in) = mpsc::channel(16);
        let inbox = Inbox {
            reports: reports_in,
            archived: archived_in,
            orders: orders_in,
        };
        let running = tokio::task::spawn_blocking(move || updater.run(inbox));
        Bench {
            dir,
            reports,
            archived,
            orders,
            status,
            reader,
            running,
        }
    }

    fn filing(serial: u32, source: Source) -> Filing {
        let accession = format!("0001999999-26-{serial:06}").parse().unwrap();
        Filing::new(accession, "8-K".parse().unwrap(), source, now())
    }

    async fn finish(bench: Bench) -> (tempfile::TempDir, Vec<Event>) {
        drop((bench.reports, bench.archived, bench.orders));
        bench.running.await.unwrap().unwrap();
        let records = bench
            .reader
            .read_after(Seq::ZERO, 100, usize::MAX)
            .await
            .unwrap();
        (
            bench.dir,
            records
                .iter()
                .map(|r| Event::from_frame(&r.frame).unwrap())
                .collect(),
        )
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_filing_two_sources_see_is_one_event() {
        let bench = bench();
        for source in [Source::Atom, Source::Efts] {
            let sighting = Sighting {
                filing: filing(1, source),
            };
            bench.reports.send(Report::Sighted(sighting)).await.unwrap();
        }

        let (_dir, events) = finish(bench).await;

        assert_eq!(events.len(), 1);
        assert_eq!(events[0].body.filing().unwrap().source, Source::Atom);
        assert_eq!(events[0].cursor.seq, Seq::new(1));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_poll_is_told_only_after_its_filings_are_durable() {
        let bench = bench();
        let mut tip = bench.reader.tip_changes();
        let sighting = Sighting {
            filing: filing(1, Source::Atom),
        };
        bench.reports.send(Report::Sighted(sighting)).await.unwrap();
        tip.changed().await.unwrap();
        assert_eq!(bench.status.complete_through(), None);

        let polled = Report::Polled {
            source: Source::Atom,
            listed_through: now(),
        };
        bench.reports.send(polled).await.unwrap();
        let status = bench.status.clone();
        finish(bench).await;

        assert_eq!(status.complete_through(), Some(now()));
        assert_eq!(status.tally().seen, 1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_filing_of_absurd_size_is_cut_and_stops_nothing() {
        let bench = bench();
        let mut absurd = filing(1, Source::Atom);
        let mut party = Filer::new(protocol::cik::Cik::new(1), "X".repeat(5_000), None);
        party.state = Some("Y".repeat(2 << 20));
        absurd.items = vec!["Z".repeat(2 << 20), "2.02".to_owned()];
        absurd.filers = vec![party];
        bench
            .reports
            .send(Report::Sighted(Sighting { filing: absurd }))
            .await
            .unwrap();

        let (_dir, events) = finish(bench).await;

        let kept = events[0].body.filing().unwrap();
        assert_eq!((kept.filers[0].name.len(), kept.items.len()), (100, 1));
    }

    fn document(ordinal: u32) -> Document {
        Document {
            ordinal,
            sequence: None,
            document_type: "EX-99".to_owned(),
            filename: format!("{ordinal}.htm"),
            description: Some("D".repeat(200)),
            size_bytes: 1,
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_event_too_large_by_its_documents_keeps_all_else() {
        let bench = bench();
        let mut large = filing(1, Source::Atom);
        large.documents = (1..=6000).map(document).collect();
        let filer = Filer::new(protocol::cik::Cik::new(1), "X".repeat(500), None);
        large.filers = vec![filer];
        bench.archived.send(Box::new(large)).await.unwrap();

        let (_dir, events) = finish(bench).await;

        let kept = events[0].body.filing().unwrap();
        assert_eq!((kept.documents.len(), kept.filers[0].name.len()), (0, 500));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_event_of_the_largest_size_is_kept_whole() {
        let bench = bench();
        let mut largest = filing(1, Source::Atom);
        largest.documents = vec![document(1)];
        largest.items = vec![String::new()];
        let body = Body::FilingArchived(largest.clone());
        let event = Event::new(bench.reader.epoch(), Seq::new(1), now(), body);
        let room = FRAME_MAX_BYTES - event.to_frame().len();
        largest.items = vec!["I".repeat(room)];
        bench
            .archived
            .send(Box::new(largest.clone()))
            .await
            .unwrap();

        let (_dir, events) = finish(bench).await;

        assert_eq!(events[0].to_frame().len(), FRAME_MAX_BYTES);
        assert_eq!(events[0].body.filing(), Some(&largest));
    }

    /// What waits for an updater that is not running yet: so many sightings, and no more.
    fn waiting(count: u32) -> Inbox {
        let (reports, reports_in) = mpsc::channel(16);
        for serial in 1..=count {
            let filing = filing(serial, Source::Atom);
            let sighting = Report::Sighted(Sighting { filing });
            reports.try_send(sighting).unwrap();
        }
        Inbox {
            reports: reports_in,
            archived: mpsc::channel(1).1,
            orders: mpsc::channel(1).1,
        }
    }

    fn updater(dir: &tempfile::TempDir, metrics: Arc<Metrics>) -> (Updater, crate::log::Reader) {
        let status = Arc::new(Status::new(now(), Default::default()));
        Updater::on(dir.path(), status, metrics, Clock::new(now))
    }

    async fn run(updater: Updater, inbox: Inbox) {
        let running = tokio::task::spawn_blocking(move || updater.run(inbox));
        running.await.unwrap().unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn all_that_waits_is_made_durable_at_once() {
        let (dir, metrics) = (tempfile::tempdir().unwrap(), Arc::new(Metrics::new()));
        let (updater, reader) = updater(&dir, metrics.clone());

        run(updater, waiting(3)).await;

        assert_eq!(reader.tip(), Seq::new(3));
        let text = metrics.render();
        assert!(
            text.contains("filingwire_log_commit_seconds_count 1\n"),
            "{text}"
        );
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_snapshot_of_what_is_known_is_written_as_the_log_grows() {
        let dir = tempfile::tempdir().unwrap();
        let (mut updater, reader) = updater(&dir, Arc::new(Metrics::new()));
        updater.saving = Saving::every(2, snapshot(&dir, &reader), Seq::ZERO);

        run(updater, waiting(3)).await;

        let written = snapshot(&dir, &reader).read(reader.tip()).unwrap();
        assert_eq!((written.covers, written.known.len()), (reader.tip(), 3));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn old_events_go_while_new_ones_come() {
        let dir = tempfile::tempdir().unwrap();
        let (mut updater, reader) = updater(&dir, Arc::new(Metrics::new()));
        drop((updater.log, reader));
        let (log, reader) = crate::log::open(dir.path(), 1).unwrap();
        updater.log = log;
        for serial in 1..=2 {
            let body = Body::FilingSeen(filing(serial, Source::Atom));
            updater.append(body, &mut Vec::new()).unwrap();
            updater.log.commit().unwrap();
        }
        let mut fetched = crate::log::watermark(dir.path(), &reader, "fetch").unwrap();
        fetched.store(Seq::new(2)).unwrap();
        updater.retention = Some(Retention::of_all(reader.clone(), dir.path(), false));

        run(updater, waiting(1)).await;

        assert_eq!((reader.oldest(), reader.tip()), (Seq::new(3), Seq::new(3)));
    }

    #[test]
    fn a_poll_that_fails_on_and_on_is_a_line_of_the_log_now_and_then() {
        let told: Vec<u64> = (1..=130).filter(|times| is_worth_a_line(*times)).collect();

        assert_eq!(told, [1, 61, 121]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_restart_remembers_every_filing() {
        let bench = bench();
        let sighting = Sighting {
            filing: filing(7, Source::Atom),
        };
        bench.reports.send(Report::Sighted(sighting)).await.unwrap();
        bench
            .archived
            .send(Box::new(filing(7, Source::Atom)))
            .await
            .unwrap();
        let (dir, events) = finish(bench).await;

        let (_log, reader) = crate::log::open(dir.path(), 1 << 20).unwrap();
        let mut recall = crate::known::recall(&reader, &snapshot(&dir, &reader)).unwrap();

        assert_eq!(events.len(), 2);
        assert!(
            recall
                .known
                .standing(filing(7, Source::Atom).accession)
                .is_some()
        );
        assert!(
            recall
                .known
                .sighted(filing(8, Source::Atom).accession, Source::Atom, Seq::new(3))
        );
        assert_eq!((recall.tally.seen, recall.tally.archived), (1, 1));
    }
    #[tokio::test(flavor = "multi_thread")]
    async fn an_order_is_answered_with_what_is_known_once_it_is_durable() {
        let bench = bench();
        let sighting = Sighting {
            filing: filing(1, Source::Atom),
        };
        bench.reports.send(Report::Sighted(sighting)).await.unwrap();
        let mut tip = bench.reader.tip_changes();
        tip.wait_for(|tip| *tip == Seq::new(1)).await.unwrap();

        let (answer, standings) = oneshot::channel();
        let listed = [1, 2].map(|serial| filing(serial, Source::DailyIndex));
        let take = Order::Take(listed.to_vec(), answer);
        bench.orders.send(take).await.unwrap();
        let recovered: Vec<bool> = standings
            .await
            .unwrap()
            .iter()
            .map(|s| s.recovered)
            .collect();

        assert_eq!(recovered, [false, true]);
        assert_eq!(bench.reader.tip(), Seq::new(2));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_known_is_told_as_it_is_when_all_before_is_durable() {
        let bench = bench();
        let take = |serial| {
            let (answer, _standings) = oneshot::channel();
            Order::Take(vec![filing(serial, Source::DailyIndex)], answer)
        };

        bench.orders.send(take(1)).await.unwrap();
        let (answer, known) = oneshot::channel();
        bench.orders.send(Order::Tell(answer)).await.unwrap();
        let known = known.await.unwrap();
        let tip = bench.reader.tip();
        bench.orders.send(take(2)).await.unwrap();
        let (dir, _events) = finish(bench).await;

        let accessions: Vec<_> = known.filings().map(|(accession, _)| accession).collect();
        assert_eq!(accessions, [filing(1, Source::Atom).accession]);
        assert_eq!(tip, Seq::new(1));
        drop(dir);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_day_is_sealed_and_a_filing_withdrawn_once() {
        let bench = bench();
        let (answer, _standings) = oneshot::channel();
        let take = Order::Take(vec![filing(1, Source::Atom)], answer);
        bench.orders.send(take).await.unwrap();
        let day = protocol::day::Day {
            date: "2026-03-03".parse().unwrap(),
            listed: 1,
            seen_live: 1,
            recovered: Vec::new(),
            unarchived: Vec::new(),
            sha256: String::new(),
        };
        let mut appended = Vec::new();

        for body in [
            Body::DaySealed(day.clone()),
            Body::DaySealed(day),
            Body::FilingWithdrawn(filing(1, Source::DailyIndex)),
            Body::FilingWithdrawn(filing(1, Source::DailyIndex)),
            Body::FilingWithdrawn(filing(2, Source::DailyIndex)),
        ] {
            let (answer, seq) = oneshot::channel();
            bench
                .orders
                .send(Order::Append(Box::new(body), answer))
                .await
                .unwrap();
            appended.push(seq.await.unwrap());
        }

        let (second, third) = (Some(Seq::new(2)), Some(Seq::new(3)));
        assert_eq!(appended, [second, None, third, None, None]);
        let (dir, _events) = finish(bench).await;
        let (_log, reader) = crate::log::open(dir.path(), 1 << 20).unwrap();
        let recall = crate::known::recall(&reader, &snapshot(&dir, &reader));
        let known = recall.unwrap().known;
        let standing = known.standing(filing(1, Source::Atom).accession).unwrap();
        assert!(standing.withdrawn && !standing.recovered);
    }
}
