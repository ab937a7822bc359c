//! What the URL of a stream asks for.

use protocol::{
    filter::Filter,
    frame::{ErrorCode, Refusal, Subscription, parse_after},
};

/// The query of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    /// Subscribe at once.
    Now(Subscription),
    /// Wait for a message that says what to subscribe to.
    Deferred,
}

/// Every parameter that is no field of a filter.
const PARAMETERS: [&str; 2] = ["after", "defer"];

/// Reads a query string.
///
/// # Errors
/// A [`Refusal`] that names the parameter, for anything not understood.
pub(crate) fn parse(query: &str) -> Result<Request, Refusal> {
    let mut subscription = Subscription::default();
    let mut deferred = false;
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "after" if subscription.after.is_some() => return Err(twice("after")),
            "after" => subscription.after = Some(parse_after(&value)?),
            "defer" if deferred => return Err(twice("defer")),
            "defer" => deferred = parse_flag("defer", &value)?,
            field if Filter::is_field(field) => subscription.filter.set_list(field, &value)?,
            unknown => {
                let known = [Filter::fields(), &PARAMETERS].concat();
                return Err(Refusal::unknown_field(unknown, &known));
            }
        }
    }
    match (deferred, subscription == Subscription::default()) {
        (false, _) => Ok(Request::Now(subscription)),
        (true, true) => Ok(Request::Deferred),
        (true, false) => {
            let message =
                "`defer=true` goes alone; put the filter and `after` into the subscribe message";
            Err(Refusal::new(ErrorCode::BadParameter, message).field("defer"))
        }
    }
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
    use protocol::seq::After;

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
        assert_eq!(parse("").unwrap(), Request::Now(Subscription::default()));
        assert_eq!(parse("defer=true").unwrap(), Request::Deferred);
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
