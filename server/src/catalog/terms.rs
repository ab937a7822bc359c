//! Terms: what a filing is found by. `form:8-K`, `cik:320193`, `filed:2026-03`.
//!
//! [`of`] gives those of a filing, [`wanted`] those that a query asks for. Every filing that
//! a query wants has one of the terms of each group; what has them is still to be asked about
//! by the filter itself, which alone decides. A term is a number made of its text; where a query
//! may ask for the beginning of a text, [`names`] tells what there is to find.
//!
//! Invariant: both sides spell a term the same way, and no name is longer than [`NAME_BYTES`].

use std::fmt::{self, Display, Write as _};

use protocol::{
    accession::Accession,
    filter::{Amendments, FilingFacts, Filter},
    pattern::Patterns,
    time::Date,
};

use super::Dates;

/// A pattern has at most 40 bytes, so what is beyond that in a name finds nothing more.
const NAME_BYTES: usize = 40;

/// The hash of a text, so that making and comparing one costs nothing. Where two texts have the
/// same, each finds the other's filings too, and the filter leaves them out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Term(pub(super) u32);

impl Term {
    /// Of which a hash has so many: among millions of terms one in a hundred shares its own.
    pub(super) const BITS: u32 = 29;

    pub(super) fn new(text: impl Display) -> Self {
        let mut hash = Hash(0xcbf2_9ce4_8422_2325);
        write!(hash, "{text}").expect("a hash takes every write");
        // The last letters have not come up to the highest bits, nor the first down to the lowest.
        Self(((hash.0 >> (64 - Self::BITS)) ^ hash.0) as u32 & ((1 << Self::BITS) - 1))
    }
}

/// FNV-1a, which is the same on every machine and in every version.
struct Hash(u64);

impl fmt::Write for Hash {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}

/// Alternatives, of which a filing must have one.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Group {
    /// Terms, and beginnings of terms.
    Terms {
        exact: Vec<Term>,
        /// Of names.
        beginnings: Vec<String>,
    },
    /// Accession numbers in one of these ranges.
    Accessions(Vec<(Accession, Accession)>),
}

/// The terms by which a filing is found.
pub(super) fn of(filing: &FilingFacts, filed_on: Option<Date>) -> Vec<Term> {
    let FilingFacts {
        accession,
        ciks,
        sics,
        states,
        ..
    } = filing;
    let mut terms = Vec::with_capacity(32);
    terms.extend(names(filing).map(|(field, name)| term(field, name)));
    terms.push(amendment(filing.form.is_amendment()));
    terms.extend(filing.items.iter().map(|item| term("item", item)));
    terms.extend(ciks.iter().map(|cik| term("cik", cik)));
    terms.extend(sics.iter().map(|sic| term("sic", sic)));
    terms.extend(states.iter().map(|state| term("state", state)));
    terms.push(term("agent", accession.submitter()));
    terms.push(agent_year(*accession));
    if let Some(day) = filed_on {
        terms.extend([year(day), month(day), term("filed", day)]);
    }
    terms
}

/// The fields and values of a filing that a query may ask for by their beginnings.
pub(super) fn names(filing: &FilingFacts) -> impl Iterator<Item = (&'static str, &str)> {
    let types = filing.document_types.iter();
    let types = types.map(|document_type| ("document_type", name(document_type)));
    [("form", name(filing.form.as_str()))]
        .into_iter()
        .chain(types)
}

/// What a query asks for, a group for each of its fields.
pub(super) fn wanted(filter: &Filter, dates: &Dates) -> Vec<Group> {
    let mut groups = Vec::new();
    groups.extend(filter.forms().map(|forms| patterns("form", forms)));
    match filter.amendments() {
        Some(Amendments::Only) => groups.push(exact([amendment(true)])),
        Some(Amendments::Exclude) => groups.push(exact([amendment(false)])),
        Some(Amendments::Include) | None => {}
    }
    let ciks = filter.ciks();
    groups.extend(ciks.map(|ciks| exact(ciks.iter().map(|cik| term("cik", cik)))));
    let items = filter.items();
    groups.extend(items.map(|items| exact(items.iter().map(|item| term("item", item)))));
    let types = filter.document_types();
    groups.extend(types.map(|types| patterns("document_type", types)));
    let sics = filter.sics();
    groups.extend(sics.map(|sics| exact(sics.iter().map(|sic| term("sic", sic)))));
    let states = filter.states();
    groups.extend(states.map(|states| exact(states.iter().map(|s| term("state", s)))));
    groups.extend(agents(filter));
    groups.extend(dates.is_given().then(|| exact(days(dates))));
    groups
}

/// By submitter or submitter and year; few accession numbers by themselves.
fn agents(filter: &Filter) -> Option<Group> {
    let ranges: Vec<_> = filter.agents()?.iter().map(|agent| agent.range()).collect();
    let numbers = |(first, last): &(Accession, Accession)| last.get() - first.get() + 1;
    if ranges.iter().map(numbers).sum::<u64>() <= MOST_NUMBERS {
        return Some(Group::Accessions(ranges));
    }
    let found_by = |(first, last): &(Accession, Accession)| {
        let is_of_one_year = first.get() / YEAR_OF == last.get() / YEAR_OF;
        match is_of_one_year {
            true => agent_year(*first),
            false => term("agent", first.submitter()),
        }
    };
    Some(exact(ranges.iter().map(found_by)))
}

/// Most accession numbers that are looked up by themselves: two beginnings of one digit.
const MOST_NUMBERS: u64 = 200_000;

/// Accessions of one submitter and year have the same number but for the serial.
const YEAR_OF: u64 = 1_000_000;

/// The fewest years, months and days that are all days from the first to the last.
fn days(dates: &Dates) -> Vec<Term> {
    let (mut day, last) = (dates.first(), dates.last());
    let mut terms = Vec::new();
    while day <= last {
        let (month_end, year_end) = (day.last_of_month(), day.last_of_year());
        let until = if day == day.first_of_year() && year_end <= last {
            terms.push(year(day));
            year_end
        } else if day == day.first_of_month() && month_end <= last {
            terms.push(month(day));
            month_end
        } else {
            terms.push(term("filed", day));
            day
        };
        match until.tomorrow() {
            Ok(next) => day = next,
            Err(_) => break,
        }
    }
    terms
}

fn patterns(field: &str, patterns: &Patterns) -> Group {
    let beginning = |name| format!("{field}:{name}");
    Group::Terms {
        exact: patterns.names().map(|name| term(field, name)).collect(),
        beginnings: patterns.prefixes().map(beginning).collect(),
    }
}

fn exact(terms: impl IntoIterator<Item = Term>) -> Group {
    Group::Terms {
        exact: terms.into_iter().collect(),
        beginnings: Vec::new(),
    }
}

fn term(field: &str, value: impl Display) -> Term {
    Term::new(format_args!("{field}:{value}"))
}

fn amendment(is_one: bool) -> Term {
    term("amendment", if is_one { "yes" } else { "no" })
}

fn agent_year(accession: Accession) -> Term {
    let (submitter, year) = (accession.submitter(), accession.year() % 100);
    term("agent", format_args!("{submitter}-{year:02}"))
}

fn year(day: Date) -> Term {
    term("filed", format_args!("{:04}", day.year()))
}

fn month(day: Date) -> Term {
    term(
        "filed",
        format_args!("{:04}-{:02}", day.year(), day.month()),
    )
}

/// The part of a name that a pattern can ask for.
fn name(name: &str) -> &str {
    &name[..name.floor_char_boundary(NAME_BYTES)]
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use protocol::filter::Facts;

    use super::*;

    const FRAME: &[u8] =
        br#"{"type":"filing.archived","filing":{"accession":"0001193125-26-000042",
        "form":"8-K/A","items":["2.02"],"filers":[{"cik":"12","sic":"3569","state":"WA"}],
        "documents":[{"type":"8-K/A"},{"type":"ex-99.1"}]}}"#;

    fn facts(frame: &[u8]) -> FilingFacts {
        Facts::of_frame(frame).unwrap().filing.unwrap()
    }

    fn dates(from: &str, to: &str) -> Dates {
        Dates {
            from: Some(from.parse().unwrap()),
            to: Some(to.parse().unwrap()),
        }
    }

    #[test]
    fn a_filing_is_found_by_all_that_a_filter_can_ask_for() {
        let terms = of(&facts(FRAME), Some("2026-03-03".parse().unwrap()));

        assert_eq!(
            terms,
            [
                "form:8-K/A",
                "document_type:8-K/A",
                "document_type:EX-99.1",
                "amendment:yes",
                "item:2.02",
                "cik:12",
                "sic:3569",
                "state:WA",
                "agent:1193125",
                "agent:1193125-26",
                "filed:2026",
                "filed:2026-03",
                "filed:2026-03-03"
            ]
            .map(Term::new)
        );
    }

    #[test]
    fn a_query_asks_for_the_terms_its_filings_have() {
        let facts = facts(FRAME);
        let has = of(&facts, Some("2026-03-03".parse().unwrap()));
        let named: Vec<_> = names(&facts)
            .map(|(field, name)| format!("{field}:{name}"))
            .collect();
        let fields = [
            ("forms", "8-k*,8-K/A"),
            ("amendments", "only"),
            ("ciks", "0012"),
            ("items", "2.02"),
            ("document_types", "EX-99*"),
            ("sics", "3569"),
            ("states", "wa"),
            ("agents", "1193125,1193125-26"),
        ];
        let filter = Filter::from_lists(fields).unwrap();

        let groups = wanted(&filter, &dates("2026-03-01", "2026-04-02"));

        assert_eq!(groups.len(), 9);
        for group in groups {
            let Group::Terms { exact, beginnings } = group else {
                panic!("{group:?}")
            };
            let begins = |name: &String| beginnings.iter().any(|b| name.starts_with(b));
            assert!(
                has.iter().any(|term| exact.contains(term)) || named.iter().any(begins),
                "{exact:?} {beginnings:?}"
            );
        }
    }

    #[test]
    fn a_span_of_days_is_few_terms() {
        assert_eq!(
            days(&dates("2023-12-31", "2026-02-02")),
            [
                "filed:2023-12-31",
                "filed:2024",
                "filed:2025",
                "filed:2026-01",
                "filed:2026-02-01",
                "filed:2026-02-02"
            ]
            .map(Term::new)
        );
        let all = days(&Dates {
            from: None,
            to: None,
        });
        assert!(all.len() < 260, "{}", all.len());
        assert!(days(&dates("2026-02-02", "2026-02-01")).is_empty());
    }

    #[test]
    fn a_beginning_of_a_serial_is_looked_up_by_number() {
        let of = |agents| {
            wanted(
                &Filter::from_lists([("agents", agents)]).unwrap(),
                &Dates::default(),
            )
        };

        assert!(
            matches!(&of("1193125-26-0004")[..], [Group::Accessions(ranges)] if ranges.len() == 1)
        );
        assert_eq!(
            of("1193125,7-26-0004"),
            [exact(["agent:7-26", "agent:1193125"].map(Term::new))]
        );
    }

    #[test]
    fn a_hostile_name_is_cut_where_no_pattern_reaches() {
        let frame = format!(
            r#"{{"type":"filing.archived","filing":{{"accession":"1-26-000001","form":"8-K",
            "documents":[{{"type":"{}é{}"}}]}}}}"#,
            "x".repeat(39),
            "y".repeat(5_000)
        );
        let frame = frame.replace("\"1-26-000001\"", "\"0000000001-26-000001\"");

        let facts = facts(frame.as_bytes());

        assert!(names(&facts).all(|(_, name)| name.len() <= NAME_BYTES));
    }
}
