//! A query string, split: the parameters of a door, and those of the subscription.
//!
//! Elsewhere: what the subscription's parameters mean (`stream/request`).

use std::ops::RangeInclusive;

use protocol::frame::{ErrorCode, Refusal};
use url::form_urlencoded::{Serializer, parse};

/// The query of a request for events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Query {
    known: Vec<&'static str>,
    own: Vec<(&'static str, String)>,
    rest: String,
}

impl Query {
    /// Takes the parameters named in `own` out of `query`.
    ///
    /// # Errors
    /// A [`Refusal`] that names one of them that is given twice.
    pub(crate) fn split(query: &str, own: &[&'static str]) -> Result<Self, Refusal> {
        let mut split = Self {
            known: own.to_vec(),
            own: Vec::new(),
            rest: String::new(),
        };
        let mut rest = Serializer::new(String::new());
        for (name, value) in parse(query.as_bytes()) {
            let Some(name) = own.iter().find(|own| **own == name) else {
                rest.append_pair(&name, &value);
                continue;
            };
            if split.get(name).is_some() {
                let message = format!("`{name}` is given twice; once is enough");
                return Err(Refusal::new(ErrorCode::BadParameter, message).field(name));
            }
            split.own.push((name, value.into_owned()));
        }
        split.rest = rest.finish();
        Ok(split)
    }

    /// The value of one of the door's own parameters.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.own.iter().find(|(own, _)| *own == name);
        found.map(|(_, value)| &**value)
    }

    /// The value of one of them, a whole number in `range`.
    ///
    /// # Errors
    /// A [`Refusal`] that names it.
    pub(crate) fn number(
        &self,
        name: &str,
        range: RangeInclusive<u32>,
    ) -> Result<Option<u32>, Refusal> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.map(Some).ok_or_else(|| {
            let (low, high) = range.into_inner();
            let message = format!("`{name}` must be a whole number from {low} to {high}");
            Refusal::new(ErrorCode::BadParameter, message).field(name)
        })
    }

    /// For doors that have no filter: there is nothing else.
    ///
    /// # Errors
    /// A [`Refusal`] that names what there could be.
    pub(crate) fn no_more(&self) -> Result<(), Refusal> {
        if self.rest.is_empty() {
            return Ok(());
        }
        let known = self.known.join("` and `");
        let message =
            format!("there are no parameters here but `{known}`; the rest is said in the path");
        Err(Refusal::new(ErrorCode::BadParameter, message))
    }

    /// Everything else.
    pub(crate) fn rest(&self) -> &str {
        &self.rest
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn own_parameters_are_taken_out_and_the_rest_keeps_its_meaning() {
        let query = Query::split("forms=S-1%2FA,4&limit=7&after=oldest&froms", &["limit"]).unwrap();

        assert_eq!(query.number("limit", 1..=10), Ok(Some(7)));
        assert_eq!(query.number("wait", 0..=30), Ok(None));
        assert_eq!(
            parse(query.rest().as_bytes()).collect::<Vec<_>>(),
            [("forms", "S-1/A,4"), ("after", "oldest"), ("froms", "")]
                .map(|(n, v)| (n.into(), v.into()))
        );
    }

    #[test]
    fn a_number_out_of_range_and_a_name_given_twice_are_refused_by_name() {
        let query = |text: &str| Query::split(text, &["limit"]);

        for text in ["limit=0", "limit=11", "limit=-1", "limit=", "limit=ten"] {
            let refusal = query(text).unwrap().number("limit", 1..=10).unwrap_err();
            assert_eq!(refusal.field.as_deref(), Some("limit"), "{text}");
        }
        assert_eq!(
            query("limit=1&limit=2").unwrap_err().field.as_deref(),
            Some("limit")
        );
    }

    #[test]
    fn what_a_door_does_not_know_is_refused_with_what_it_does() {
        let query = |text: &str| Query::split(text, &["ticket", "version"]).unwrap();

        let refusal = query("version=1&froms=2").no_more().unwrap_err();

        assert_eq!(refusal.code, ErrorCode::BadParameter);
        assert!(refusal.message.contains("`ticket` and `version`"));
        assert!(query("version=1").no_more().is_ok());
    }
}
