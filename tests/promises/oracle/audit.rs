//! The log beside EDGAR's own ledger.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Deref,
};

use jiff::Timestamp;
use protocol::{
    day::Day,
    event::Body,
    filing::{Filer, Filing, Source},
    outage::{Outage, Part},
};
use simulator::{LedgerFiling, accessions_sha256};

use super::{scene::Scene, span::at};
use crate::harness::books::{Books, original};

/// The log and EDGAR's ledger, to be compared.
pub struct Audit<'a> {
    books: &'a Books,
    scene: &'a Scene,
    truth: Truth,
}

impl Deref for Audit<'_> {
    type Target = Books;

    fn deref(&self) -> &Books {
        self.books
    }
}

impl<'a> Audit<'a> {
    pub fn new(books: &'a Books, scene: &'a Scene) -> Self {
        let truth = Truth::of(scene);
        Self {
            books,
            scene,
            truth,
        }
    }

    /// Numbers without gaps, and times that never go back.
    pub fn check_order(&self) {
        let seqs: Vec<u64> = self.events.iter().map(|event| event.seq().get()).collect();
        assert_eq!(seqs, (1..=self.head()).collect::<Vec<_>>(), "no gaps");
        let is_sorted = self.events.is_sorted_by_key(|event| event.at);
        assert!(is_sorted, "time goes on");
    }

    /// What EDGAR published is seen, once, and nothing else.
    pub fn check_seen(&self) {
        let truth = &self.truth;
        let seen: BTreeSet<String> = self.seen().into_keys().collect();
        let lost: Vec<_> = truth.public.difference(&seen).collect();
        assert!(lost.is_empty(), "lost: {lost:?}");
        let invented: Vec<_> = seen
            .iter()
            .filter(|accession| !truth.filings.contains_key(*accession))
            .collect();
        assert!(invented.is_empty(), "invented: {invented:?}");
    }

    /// Each version of a submission is told once, is one that EDGAR gave out, and is told with
    /// what its header says.
    pub fn check_archived(&self) {
        let truth = &self.truth;
        let archived = self.archived();
        for (accession, filing) in &truth.filings {
            let told = archived.get(accession).map_or(&[][..], Vec::as_slice);
            let versions: Vec<&str> = told.iter().map(|entry| original(entry.2)).collect();
            let distinct: BTreeSet<&str> = versions.iter().copied().collect();
            assert_eq!(
                distinct.len(),
                versions.len(),
                "{accession}: a version twice"
            );
            let given_out = [Some(filing.submission_sha256()), filing.revised_sha256()];
            for version in &distinct {
                assert!(
                    given_out.contains(&Some(*version)),
                    "{accession}: no such bytes at EDGAR"
                );
            }
            told.iter().for_each(|entry| check_header(filing, entry.2));
            if truth.is_due(filing) {
                assert!(!distinct.is_empty(), "{accession} is not archived");
                let revised = filing.revised_sha256().filter(|_| truth.is_revised(filing));
                assert!(
                    revised.is_none_or(|revised| distinct.contains(revised)),
                    "{accession}: the other version is missing"
                );
            }
        }
    }

    /// What the quarter's index no longer lists is marked, once, and nothing else is.
    pub fn check_withdrawn(&self) {
        let scene = self.scene;
        let told = self.withdrawn();
        let distinct: BTreeSet<&String> = told.iter().collect();
        assert_eq!(distinct.len(), told.len(), "withdrawn twice: {told:?}");
        let withdrawn = scene.edgar.ledger().withdrawn();
        let removed: BTreeSet<&String> = withdrawn.iter().map(|gone| &gone.accession).collect();
        if let Some(accession) = distinct.difference(&removed).next() {
            let day = scene.span.last_filing;
            let quarter = scene.edgar.ledger().listed_in_quarter_of(day);
            let is_listed = quarter.is_some_and(|list| list.contains(accession));
            let filing = scene.edgar.ledger().filing(accession);
            panic!("not withdrawn at EDGAR, whose quarter lists it now: {is_listed}; {filing:?}");
        }
        let ended = self.events.last().map_or(Timestamp::MIN, |event| event.at);
        for gone in &withdrawn {
            let is_known = gone.dropped_at.is_some_and(|at| at < ended);
            assert!(
                !is_known || distinct.contains(&gone.accession),
                "not marked: {gone:?}"
            );
        }
    }

    /// Every day whose index lists a filing is sealed once, with what the index said.
    pub fn check_seals(&self) {
        let scene = self.scene;
        let ledger = scene.edgar.ledger();
        let friday = scene.span.end.saturating_sub(jiff::Span::new().days(2));
        let mut sealed = BTreeMap::new();
        for (event, day) in self.seals() {
            assert!(
                sealed.insert(day.date, (event, day)).is_none(),
                "{} twice",
                day.date
            );
        }
        for date in ledger.index_days(scene.span.first, friday) {
            let lists = [ledger.listed_first_on(date), ledger.listed_on(date)];
            let lists: Vec<Vec<String>> = lists.into_iter().flatten().collect();
            if lists.iter().all(Vec::is_empty) {
                assert!(!sealed.contains_key(&date), "{date} is sealed as empty");
                continue;
            }
            let (event, day) = sealed
                .get(&date)
                .unwrap_or_else(|| panic!("{date} is not sealed"));
            let list = lists
                .into_iter()
                .find(|list| accessions_sha256(list) == day.sha256);
            let list = list.unwrap_or_else(|| {
                panic!("{date}: no index of this day has this checksum: {day:?}")
            });
            self.check_seal(event.seq().get(), day, &list);
            let kept = scene.dir.path().join(format!("days/{date}.txt"));
            let text: String = list
                .iter()
                .map(|accession| format!("{accession}\n"))
                .collect();
            assert_eq!(std::fs::read_to_string(kept).unwrap(), text, "{date}");
        }
    }

    fn check_seal(&self, seal: u64, day: &Day, list: &[String]) {
        let (seen, archived) = (self.seen(), self.archived());
        let date = day.date;
        assert_eq!(day.listed as usize, list.len(), "{date}");
        let recovered: Vec<&String> = list
            .iter()
            .filter(|accession| seen[*accession].2.source == Source::DailyIndex)
            .collect();
        let told: Vec<String> = day.recovered.iter().map(ToString::to_string).collect();
        assert_eq!(
            told.iter().collect::<Vec<_>>(),
            recovered,
            "{date}: recovered"
        );
        assert_eq!(day.seen_live as usize + told.len(), list.len(), "{date}");
        let unarchived: BTreeSet<String> = day.unarchived.iter().map(ToString::to_string).collect();
        for accession in list {
            assert!(
                seen[accession].0 < seal,
                "{date}: {accession} is seen after the seal"
            );
            let first = archived.get(accession).map(|entries| entries[0].0);
            let before = first.filter(|seq| *seq < seal);
            match unarchived.contains(accession) {
                false => assert!(before.is_some(), "{date}: {accession} is not named"),
                // It may still come between the decision and the seal.
                true => assert!(
                    before.is_none_or(|seq| seal - seq <= 20),
                    "{date}: {accession} is named"
                ),
            }
        }
    }

    /// Down and up take turns, and each span ends after it began.
    pub fn check_outages(&self) {
        let mut down: BTreeMap<Part, &Outage> = BTreeMap::new();
        for event in &self.events {
            match &event.body {
                Body::SourceDown(outage) => {
                    let before = down.insert(outage.part, outage);
                    assert!(before.is_none(), "down twice: {outage:?}");
                    assert!(outage.since <= event.at, "{outage:?}");
                }
                Body::SourceUp(outage) => {
                    let until = outage.until.expect("an end has a time");
                    assert!(outage.since <= until && until <= event.at, "{outage:?}");
                    if let Some(began) = down.remove(&outage.part) {
                        assert_eq!(began.since, outage.since);
                    }
                }
                _ => {}
            }
        }
    }
}

/// A filing is told with form, times, filers and roles as EDGAR has them.
fn check_header(truth: &LedgerFiling, told: &Filing) {
    let accession = &truth.accession;
    assert_eq!(told.form.as_str(), truth.form, "{accession}");
    assert_eq!(told.accepted_at, Some(truth.accepted_at), "{accession}");
    assert_eq!(told.filed_on, Some(truth.filed_on), "{accession}");
    let role = |filer: &Filer| filer.role.map(|role| role.to_string()).unwrap_or_default();
    let told = told
        .filers
        .iter()
        .map(|filer| (filer.cik.to_string(), role(filer)));
    let filers = truth
        .filers
        .iter()
        .map(|filer| (filer.cik.to_string(), filer.role.to_owned()));
    assert_eq!(
        told.collect::<BTreeSet<_>>(),
        filers.collect::<BTreeSet<_>>(),
        "{accession}"
    );
}

/// What EDGAR has published by the end.
struct Truth {
    filings: BTreeMap<String, LedgerFiling>,
    /// Those of which something was public.
    public: BTreeSet<String>,
    /// Those that the indexes of two days list.
    listed_again: BTreeSet<String>,
    ended: Timestamp,
}

impl Truth {
    fn of(scene: &Scene) -> Self {
        let ended = at(scene.span.end, 0);
        let ledger = scene.edgar.ledger();
        let (mut listed, mut listed_again) = (BTreeSet::new(), BTreeSet::new());
        for day in ledger.index_days(scene.span.first, scene.span.end) {
            for accession in ledger.listed_on(day).unwrap_or_default() {
                if !listed.insert(accession.clone()) {
                    listed_again.insert(accession);
                }
            }
        }
        let filings = ledger.filings();
        let public = filings.iter().filter(|filing| filing.index_at < ended);
        Self {
            public: public.map(|filing| filing.accession.clone()).collect(),
            filings: filings
                .into_iter()
                .map(|filing| (filing.accession.clone(), filing))
                .collect(),
            listed_again,
            ended,
        }
    }

    /// Whether its submission can have been fetched: it was public and is not taken away.
    fn is_due(&self, filing: &LedgerFiling) -> bool {
        let is_gone = filing.withdrawn_at.is_some_and(|at| at < self.ended);
        self.public.contains(&filing.accession) && !is_gone
    }

    /// Whether an index has said so: on a day off there is none.
    fn is_revised(&self, filing: &LedgerFiling) -> bool {
        self.listed_again.contains(&filing.accession)
    }
}
