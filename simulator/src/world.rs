//! The invented truth: filers, agents, and the filings they make, from a seed.
//!
//! [`World::file`] makes the next filing. Which form, which parties, which items and
//! how large follow from the seed and the filing's ordinal alone; only the times come
//! from the caller. Elsewhere: when a filing becomes public (`shelf`), its text
//! (`submission`).
//!
//! Invariant: an accession number is given out once.

mod cast;
mod filer;
mod filing;
mod forms;
mod names;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use rand::Rng;

pub(crate) use filer::{Filer, FilerKind};
pub(crate) use filing::{Content, Document, Filing, Party, Role};
pub(crate) use forms::{FormRule, Item, Primary, rule};

use crate::clock::eastern;
use crate::random::{log_normal, stream, weighted};

/// What the caller asks of the next filing; everything left out is drawn.
#[derive(Debug, Clone, Default)]
pub(crate) struct Order {
    /// The form.
    pub(crate) rule: Option<&'static FormRule>,
    /// Exact bytes of the submission, kept when it is not below what the header needs.
    pub(crate) submission_bytes: Option<u64>,
}

/// How large submissions get.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    /// Factor on the real sizes.
    pub(crate) factor: f64,
    /// Upper bound of drawn sizes, in bytes.
    pub(crate) max_bytes: u64,
}

/// All filers and agents of one seed, and the counters of their accession numbers.
#[derive(Debug)]
pub(crate) struct World {
    seed: u64,
    scale: Scale,
    filers: Vec<Arc<Filer>>,
    agents: Vec<u64>,
    serials: HashMap<(u64, i8), u32>,
    filed: u64,
}

/// How many filing agents there are.
const AGENTS: usize = 40;
/// The share of filings that filers send in themselves.
const SELF_FILED: f64 = 0.25;
/// EDGAR's own submitters of effectiveness notices and of paper.
const EFFECT_SUBMITTER: u64 = 9_999_999_995;
const PAPER_SUBMITTER: u64 = 9_999_999_997;

impl World {
    /// The world of `seed`, with nothing filed.
    pub(crate) fn new(seed: u64, scale: Scale) -> Self {
        let mut rng = stream(seed, "agents", 0);
        let agents = (0..AGENTS)
            .map(|_| rng.random_range(1_000_000..1_980_000))
            .collect();
        Self {
            seed,
            scale,
            filers: filer::census(seed),
            agents,
            serials: HashMap::new(),
            filed: 0,
        }
    }

    /// All filers by rising CIK.
    pub(crate) fn filers(&self) -> &[Arc<Filer>] {
        &self.filers
    }

    /// Makes the next filing, accepted and dated as `dates` says for its form.
    pub(crate) fn file(
        &mut self,
        order: &Order,
        dates: impl FnOnce(&FormRule) -> (Timestamp, Date),
    ) -> Filing {
        let ordinal = self.filed;
        self.filed += 1;
        let mut rng = stream(self.seed, "filing", ordinal);
        let drawn = weighted(
            &mut rng,
            forms::FORMS.iter().map(|rule| f64::from(rule.weight)),
        );
        let rule = order.rule.unwrap_or(&forms::FORMS[drawn]);
        let (accepted_at, filed_on) = dates(rule);
        let film = 510_000 + ordinal * 4;
        let parties = cast::parties(&mut rng, rule, &self.filers, film);
        let submitter = self.submitter(&mut rng, rule, &parties);
        let accession = self.accession(&mut rng, submitter, accepted_at);
        let bytes = order
            .submission_bytes
            .unwrap_or_else(|| self.size(&mut rng, rule));
        let mut filing = Filing {
            items: filing::items(&mut rng, rule),
            period: filing::period(&mut rng, rule, filed_on),
            documents: Vec::new(),
            submission_bytes: bytes,
            seed: self.seed,
            accession,
            rule,
            parties,
            accepted_at,
            filed_on,
            changed_on: filed_on,
        };
        filing.documents = filing::documents(&mut rng, &filing);
        filing
    }

    fn submitter(&self, rng: &mut impl Rng, rule: &FormRule, parties: &[Party]) -> u64 {
        if rule.form == "EFFECT" {
            return EFFECT_SUBMITTER;
        }
        if rule.primary == Primary::Paper {
            return PAPER_SUBMITTER;
        }
        let rank = weighted(rng, (1..=AGENTS).map(|rank| (rank as f64).powf(-0.85)));
        if rng.random_bool(SELF_FILED) {
            parties[0].filer.cik
        } else {
            self.agents[rank]
        }
    }

    /// The submitter's next number, with gaps as EDGAR leaves them.
    fn accession(&mut self, rng: &mut impl Rng, submitter: u64, accepted_at: Timestamp) -> String {
        let year = (eastern(accepted_at).year() % 100) as i8;
        let agent = self.agents.contains(&submitter);
        let first = if agent {
            rng.random_range(2_000..90_000)
        } else {
            rng.random_range(1..40)
        };
        let gap = if rng.random_bool(0.85) {
            1
        } else {
            rng.random_range(2..5)
        };
        let serial = self
            .serials
            .entry((submitter, year))
            .and_modify(|last| *last += gap)
            .or_insert(first);
        format!("{submitter:010}-{year:02}-{serial:06}")
    }

    fn size(&self, rng: &mut impl Rng, rule: &FormRule) -> u64 {
        let bytes = log_normal(rng, rule.median_kb * 1000.0, rule.sigma);
        let small = rule.median_kb < 50.0; // Small forms are not scaled: they are mostly header.
        let scaled = if small {
            bytes
        } else {
            bytes * self.scale.factor
        };
        (scaled as u64).min(self.scale.max_bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};

    use super::forms::Cast;
    use super::*;

    const SCALE: Scale = Scale {
        factor: 0.1,
        max_bytes: 50_000,
    };

    fn filings(seed: u64, count: usize) -> Vec<Filing> {
        let mut world = World::new(seed, SCALE);
        let at: Timestamp = "2026-03-03T21:04:41Z".parse().expect("a literal timestamp");
        let day = jiff::civil::date(2026, 3, 3);
        (0..count)
            .map(|_| world.file(&Order::default(), |_| (at, day)))
            .collect()
    }

    #[test]
    fn the_same_seed_files_the_same() {
        let print = |seed| format!("{:?}", filings(seed, 50));

        assert_eq!(print(9), print(9));
        assert_ne!(print(9), print(10));
    }

    #[test]
    fn no_accession_number_is_given_out_twice() {
        let filings = filings(1, 3000);

        let distinct: HashSet<&str> = filings
            .iter()
            .map(|filing| filing.accession.as_str())
            .collect();

        assert_eq!(distinct.len(), 3000);
    }

    #[test]
    fn form_4_is_the_most_frequent_and_many_forms_occur() {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();

        for filing in filings(1, 3000) {
            *counts.entry(filing.rule.form).or_default() += 1;
        }

        assert!(counts.len() > 25, "{counts:?}");
        assert_eq!(
            counts
                .iter()
                .max_by_key(|(_, count)| **count)
                .map(|(form, _)| *form),
            Some("4")
        );
    }

    #[test]
    fn every_form_has_the_roles_edgar_gives_it() {
        for filing in filings(3, 2000) {
            let roles: HashSet<Role> = filing.parties.iter().map(|party| party.role).collect();
            let expected = match filing.rule.cast {
                Cast::Ownership => HashSet::from([Role::Reporting, Role::Issuer]),
                Cast::Sale => HashSet::from([Role::Reporting, Role::Subject]),
                Cast::Stake => HashSet::from([Role::Subject, Role::FiledBy]),
                Cast::FreeWriting if roles.len() == 1 => HashSet::from([Role::Subject]),
                Cast::FreeWriting => HashSet::from([Role::Subject, Role::FiledBy]),
                _ => HashSet::from([Role::Filer]),
            };
            assert_eq!(roles, expected, "{}", filing.rule.form);
        }
    }

    #[test]
    fn agents_send_most_filings_and_a_few_send_many() {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for filing in filings(5, 2000) {
            *counts.entry(filing.accession[..10].to_owned()).or_default() += 1;
        }

        let top = counts.values().max().copied().unwrap_or_default();

        assert!(
            (120..500).contains(&top),
            "{top} of 2000 by the first agent"
        );
        assert!(counts.len() > 100);
    }
}
