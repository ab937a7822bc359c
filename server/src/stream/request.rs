//! What the URL of a stream asks for.

use std::collections::BTreeSet;

use protocol::{
    filter::Filter,
    frame::{ErrorCode, Refusal, Subscription},
    seq::{After, Cursor},
};

/// The query of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    /// Subscribe at once.
    Now(Box<Subscription>),
    /// Wait for a message that says what to subscribe to.
    Deferred,
}

/// Parameters that say nothing of what is sent.
const OTHERS: [&str; 1] = ["defer"];

/// Reads a query string.
///
/// # Errors
/// A [`Refusal`] that names the parameter, for anything not understood.
pub(crate) fn parse(query: &str) -> Result<Request, Refusal> {
    resume(query, None)
}

/// Reads the query string of a client that comes back with the last event it has, which
/// wins over `after`.
///
/// # Errors
/// As [`parse`].
pub(crate) fn resume(query: &str, last: Option<Cursor>) -> Result<Request, Refusal> {
    let mut subscription = Box::<Subscription>::default();
    let mut fields = Vec::new();
    let mut given = BTreeSet::new();
    let mut deferred = false;
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let is_field = Filter::is_field(&name);
        if !is_field && !given.insert(name.clone()) {
            return Err(twice(&name));
        }
        match &*name {
            _ if is_field => fields.push((name, value)),
            "defer" => deferred = parse_flag("defer", &value)?,
            known if Subscription::PARAMETERS.contains(&known) => {
                subscription.set(known, &value)?
            }
            unknown => {
                let known = [Filter::fields(), &Subscription::PARAMETERS, &OTHERS].concat();
                return Err(Refusal::unknown_field(unknown, &known));
            }
        }
    }
    let alone = fields.is_empty() && Subscription::PARAMETERS.iter().all(|p| !given.contains(*p));
    if deferred && !alone {
        let message = "`defer=true` goes alone; put filter, `after`, `until` and `view` into \
            the subscribe message";
        return Err(Refusal::new(ErrorCode::BadParameter, message).field("defer"));
    }
    if deferred {
        return Ok(Request::Deferred);
    }
    subscription.filter = Filter::from_lists(fields)?;
    if let Some(cursor) = last {
        subscription.after = Some(After::Cursor(cursor));
    }
    subscription.check()?;
    Ok(Request::Now(subscription))
}

fn twice(name: &str) -> Refusal {
    let message = format!("`{name}` is given twice; once is enough");
    Refusal::new(ErrorCode::BadParameter, message).field(name)
}

fn parse_flag(name: &str, value: &str) -> Result<bool, Refusal> {
    value.parse().map_err(|_| {
        let message = format!("`{name}` must be true or false");
        Refusal::new(ErrorCode::BadParameter, message).field(name)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use protocol::frame::View;

    use super::*;

    #[test]
    fn a_query_is_a_subscription() {
        let Request::Now(asked) = parse("forms=8-K,424b*&after=oldest&ciks=0000320193").unwrap()
        else {
            panic!("not deferred");
        };

        let filter = serde_json::to_value(&asked.filter).unwrap();
        assert_eq!(asked.after, Some(After::Oldest));
        assert_eq!(
            filter,
            serde_json::json!({"forms": ["8-K", "424B*"], "ciks": ["320193"]})
        );
    }

    #[test]
    fn no_query_means_everything_from_now_on() {
        assert_eq!(parse("").unwrap(), Request::Now(Box::default()));
        assert_eq!(parse("defer=true").unwrap(), Request::Deferred);
        assert_eq!(parse("defer=true").unwrap(), Request::Deferred);
    }

    #[test]
    fn every_field_and_parameter_is_read() {
        let query = "types=filing.*&forms=8-K&forms=8-K%2FA&amendments=exclude&ciks=7\
            &tickers=brk.b&items=2.02&document_types=EX-99*&sics=3569&states=ny&agents=1193125\
            &after=k-3&until=k-9&view=lite";

        let Request::Now(asked) = parse(query).unwrap() else {
            panic!("not deferred");
        };

        assert_eq!(
            serde_json::to_value(&asked.filter).unwrap(),
            serde_json::json!({
                "types": ["filing.seen", "filing.archived", "filing.withdrawn"],
                "forms": ["8-K", "8-K/A"], "amendments": "exclude", "ciks": ["7"],
                "tickers": ["BRK-B"], "items": ["2.02"], "document_types": ["EX-99*"],
                "sics": ["3569"], "states": ["NY"], "agents": ["0001193125"]})
        );
        assert_eq!(asked.until, Some("k-9".parse().unwrap()));
        assert_eq!(asked.view, View::Lite);
    }

    #[test]
    fn the_last_event_of_who_comes_back_wins_over_after_before_anything_is_judged() {
        let resume = |last: &str| resume("after=k-900&until=k-4", Some(last.parse().unwrap()));

        let Request::Now(asked) = resume("k-1").unwrap() else {
            panic!("not deferred");
        };

        assert_eq!(asked.after, Some(After::Cursor("k-1".parse().unwrap())));
        let beyond = resume("k-9").unwrap_err();
        assert_eq!(beyond.code, ErrorCode::FilterImpossible);
    }

    #[test]
    fn nothing_misspelt_means_everything() {
        let cases = [
            ("froms=8-K", "froms", ErrorCode::FilterUnknownField),
            ("forms=", "forms", ErrorCode::FilterEmpty),
            ("forms", "forms", ErrorCode::FilterEmpty),
            ("ciks=AAPL", "ciks", ErrorCode::FilterBadValue),
            ("after=yesterday", "after", ErrorCode::BadParameter),
            ("defer=1", "defer", ErrorCode::BadParameter),
            ("after=live&after=oldest", "after", ErrorCode::BadParameter),
            ("defer=true&forms=4", "defer", ErrorCode::BadParameter),
            ("defer=true&view=full", "defer", ErrorCode::BadParameter),
            ("view=small", "view", ErrorCode::BadParameter),
            ("until=live", "until", ErrorCode::BadParameter),
            ("tikcet=a", "tikcet", ErrorCode::FilterUnknownField),
            ("after=k-9&until=k-8", "until", ErrorCode::FilterImpossible),
            ("forms=4&items=2.02", "items", ErrorCode::FilterImpossible),
        ];
        for (query, field, code) in cases {
            let refusal = parse(query).unwrap_err();
            assert_eq!(
                (refusal.field.as_deref(), refusal.code),
                (Some(field), code),
                "{query}"
            );
        }
    }
}
