//! Facts as rows of the datamule project's simple XBRL table.
//!
//! Unit, decimals and axes are not in that table. Elsewhere: the facts (`fact`).
//!
//! Source: the columns `accessionNumber, context_id, taxonomy, name, value,
//! period_start_date, period_end_date, members` of the project's `simple_xbrl_table`.

use std::collections::HashMap;

use protocol::accession::Accession;
use serde::Serialize;

use super::{Fact, Period};

/// Numbers the contexts of one filing and makes rows of its facts.
#[derive(Debug)]
pub struct SimpleRows {
    accession: u64,
    contexts: HashMap<String, u32>,
    members: String,
}

/// A row of the table. What a fact has not is `None`, and omitted in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SimpleRow<'a> {
    /// The accession number without dashes, as a number.
    #[serde(rename = "accessionNumber")]
    pub accession: u64,
    /// The context's number within the filing, from 0 by first use.
    pub context_id: u32,
    /// The usual prefix of the taxonomy.
    pub taxonomy: &'a str,
    /// The concept.
    pub name: &'a str,
    /// The value as text; none for a nil fact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<&'a str>,
    /// The first day; of an instant its day, which stands *here*.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period_start_date: Option<&'a str>,
    /// The last day; none for an instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period_end_date: Option<&'a str>,
    /// The members of all dimensions, sorted by axis and joined by commas; none where there
    /// are no dimensions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members: Option<&'a str>,
}

impl SimpleRows {
    /// Rows for the facts of this filing, of all its reports.
    pub fn new(accession: Accession) -> Self {
        let digits: String = accession.to_string().replace('-', "");
        Self {
            accession: digits.parse().unwrap_or_default(),
            contexts: HashMap::new(),
            members: String::new(),
        }
    }

    /// The row of the next fact.
    pub fn row<'a>(&'a mut self, fact: &Fact<'a>) -> SimpleRow<'a> {
        let context_id = self.context_id(fact.context);
        self.members.clear();
        for (_, member) in fact.dimensions.iter() {
            if !self.members.is_empty() {
                self.members.push(',');
            }
            self.members.push_str(member);
        }
        let (start, end) = match fact.period {
            Some(Period::Instant(day)) => (Some(day), None),
            Some(Period::Duration { start, end }) => (Some(start), Some(end)),
            Some(Period::Forever) | None => (None, None),
        };
        SimpleRow {
            accession: self.accession,
            context_id,
            taxonomy: fact.taxonomy,
            name: fact.concept,
            value: fact.value,
            period_start_date: start,
            period_end_date: end,
            members: (!fact.dimensions.is_empty()).then_some(&self.members),
        }
    }

    fn context_id(&mut self, name: &str) -> u32 {
        if let Some(known) = self.contexts.get(name) {
            return *known;
        }
        let next = u32::try_from(self.contexts.len()).unwrap_or(u32::MAX);
        self.contexts.insert(name.to_owned(), next);
        next
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const INSTANCE: &str = r#"<x:xbrl xmlns:x="http://www.xbrl.org/2003/instance" xmlns:d="http://xbrl.org/2006/xbrldi" xmlns:q="urn:quay">
<x:context id="b"><x:entity><x:segment><d:explicitMember dimension="q:A">q:M</d:explicitMember><d:explicitMember dimension="q:B">q:N</d:explicitMember></x:segment></x:entity><x:period><x:startDate>2025-01-01</x:startDate><x:endDate>2025-12-31</x:endDate></x:period></x:context>
<x:context id="a"><x:period><x:instant>2025-12-31</x:instant></x:period></x:context>
<q:One contextRef="a">1</q:One><q:Two contextRef="b">2</q:Two><q:Three contextRef="a">3</q:Three></x:xbrl>"#;

    #[test]
    fn contexts_are_numbered_by_first_use_and_an_instant_is_a_start() {
        let mut rows = SimpleRows::new("0001999999-26-000042".parse().unwrap());
        let mut lines = Vec::new();
        super::super::read_instance(INSTANCE.as_bytes(), |fact| {
            lines.push(serde_json::to_string(&rows.row(fact)).unwrap());
        })
        .unwrap();

        assert_eq!(
            lines,
            [
                r#"{"accessionNumber":199999926000042,"context_id":0,"taxonomy":"q","name":"One","value":"1","period_start_date":"2025-12-31"}"#,
                r#"{"accessionNumber":199999926000042,"context_id":1,"taxonomy":"q","name":"Two","value":"2","period_start_date":"2025-01-01","period_end_date":"2025-12-31","members":"q:M,q:N"}"#,
                r#"{"accessionNumber":199999926000042,"context_id":0,"taxonomy":"q","name":"Three","value":"3","period_start_date":"2025-12-31"}"#,
            ]
        );
    }
}
