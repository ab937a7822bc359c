//! Query strings of the stream, of server-sent events and of pages: the door's own
//! parameters are taken out, and what is left means what it meant.
#![no_main]

use fuzz::subscriptions;
use libfuzzer_sys::fuzz_target;

// The readers alone: the whole server would take minutes to build with its branches counted.
#[allow(dead_code, unreachable_pub, reason = "compiled for what is fuzzed")]
#[path = "../../server/src/http/query.rs"]
mod query;
#[allow(dead_code, unreachable_pub, reason = "compiled for what is fuzzed")]
#[path = "../../server/src/stream/request.rs"]
mod request;

use query::Query;
use request::Request;

const OWN: [&str; 3] = ["ticket", "limit", "wait"];

fuzz_target!(|text: &str| {
    let whole = request::parse(text);
    match &whole {
        Ok(Request::Now(subscription)) => subscriptions::check(subscription),
        Ok(Request::Deferred) => assert!(text.contains("defer") || text.contains('%')),
        Err(refusal) => subscriptions::check_refusal(refusal, text),
    }
    match Query::split(text, &OWN) {
        Ok(split) => {
            let rest = request::parse(split.rest());
            let takes_any = OWN.iter().any(|name| split.get(name).is_some());
            assert!(takes_any || rest == whole, "the rest changed its meaning");
            for name in ["limit", "wait"] {
                if let Ok(Some(number)) = split.number(name, 1..=30) {
                    assert!((1..=30).contains(&number));
                }
            }
        }
        Err(refusal) => subscriptions::check_refusal(&refusal, text),
    }
});
