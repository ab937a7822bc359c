//! What of an object a client asks for: all, a range, or nothing because it has it.
//!
//! Source: RFC 9110, sections 13 and 14. Several ranges at once are answered with the whole
//! object, which the RFC allows.

use std::ops::Range;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// What of an object a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it.
    Whole,
    /// These bytes, of which there is one at least.
    Part(Range<u64>),
    /// Bytes that it does not have.
    Beyond,
    /// Nothing: the client has this version.
    Unchanged,
}

/// Reads what is asked for of an object of so many bytes with this entity tag.
pub(super) fn wanted(headers: &HeaderMap, bytes: u64, tag: &str) -> Wanted {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok();
    if text(header::IF_NONE_MATCH).is_some_and(|known| is_known(known, tag)) {
        return Wanted::Unchanged;
    }
    if text(header::IF_RANGE).is_some_and(|known| known != tag) {
        return Wanted::Whole;
    }
    let asked = text(header::RANGE).and_then(|range| range.strip_prefix("bytes="));
    asked
        .and_then(|asked| part(asked, bytes))
        .unwrap_or(Wanted::Whole)
}

/// The header that tells which bytes of how many are sent.
pub(super) fn content_range(range: &Range<u64>, bytes: u64) -> HeaderValue {
    let told = format!("bytes {}-{}/{bytes}", range.start, range.end - 1);
    HeaderValue::from_str(&told).expect("digits are a header value")
}

fn is_known(known: &str, tag: &str) -> bool {
    let mut tags = known.split(',').map(str::trim);
    tags.any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}

/// `None` for what is no single range.
fn part(asked: &str, bytes: u64) -> Option<Wanted> {
    let (first, last) = asked.split_once('-')?;
    let number = |text: &str| match text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => text.parse::<u64>().ok(),
        false => None,
    };
    let range = match (first, last) {
        ("", last) => bytes.saturating_sub(number(last)?)..bytes,
        (first, "") => number(first)?..bytes,
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            first..last.saturating_add(1).min(bytes)
        }
    };
    if range.is_empty() {
        return Some(Wanted::Beyond);
    }
    Some(Wanted::Part(range))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn asked(headers: &[(HeaderName, &str)]) -> Wanted {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().unwrap()));
        wanted(&headers.collect(), 100, "\"tag\"")
    }

    #[test]
    fn a_single_range_is_cut_at_the_end() {
        for (range, expected) in [
            ("bytes=0-0", Wanted::Part(0..1)),
            ("bytes=10-19", Wanted::Part(10..20)),
            ("bytes=90-", Wanted::Part(90..100)),
            ("bytes=90-1000", Wanted::Part(90..100)),
            ("bytes=-10", Wanted::Part(90..100)),
            ("bytes=-1000", Wanted::Part(0..100)),
            ("bytes=100-", Wanted::Beyond),
            ("bytes=100-200", Wanted::Beyond),
            ("bytes=-0", Wanted::Beyond),
        ] {
            assert_eq!(asked(&[(header::RANGE, range)]), expected, "{range}");
        }
    }

    #[test]
    fn what_is_no_single_range_is_the_whole() {
        let largest = "bytes=99999999999999999999-";
        for range in [
            "bytes=1-2,4-5",
            "bytes=5-4",
            "bytes=",
            "bytes=-",
            "bytes=+1-2",
            "lines=1-2",
            largest,
        ] {
            assert_eq!(asked(&[(header::RANGE, range)]), Wanted::Whole, "{range}");
        }
    }

    #[test]
    fn a_version_that_is_known_is_not_sent_again() {
        for known in ["\"tag\"", "*", "\"other\", W/\"tag\""] {
            let headers = [(header::IF_NONE_MATCH, known), (header::RANGE, "bytes=0-1")];
            assert_eq!(asked(&headers), Wanted::Unchanged, "{known}");
        }
        assert_eq!(
            asked(&[(header::IF_NONE_MATCH, "\"other\"")]),
            Wanted::Whole
        );
    }

    #[test]
    fn a_range_of_another_version_is_the_whole_of_this_one() {
        let of = |tag| asked(&[(header::IF_RANGE, tag), (header::RANGE, "bytes=0-1")]);

        assert_eq!(of("\"tag\""), Wanted::Part(0..2));
        assert_eq!(of("\"other\""), Wanted::Whole);
        assert_eq!(of("W/\"tag\""), Wanted::Whole);
    }
}
