//! Nouns and paths: what is read from a text is written so that it is read again.
#![no_main]

use std::{fmt::Display, str::FromStr};

use edgar::paths;
use libfuzzer_sys::fuzz_target;
use protocol::{
    accession::Accession,
    cik::Cik,
    filter::Agent,
    form::Form,
    frame::{ClientMessage, ServerFrame, parse_after},
    lite::lite,
    pattern::Pattern,
    seq::Cursor,
    ticker::Ticker,
};

fuzz_target!(|text: &str| {
    comes_back::<Accession>(text);
    comes_back::<Cik>(text);
    comes_back::<Cursor>(text);
    comes_back::<Form>(text);
    comes_back::<Pattern>(text);
    comes_back::<Ticker>(text);
    comes_back::<Agent>(text);
    if let (Ok(form), Ok(pattern)) = (text.parse::<Form>(), text.parse::<Pattern>()) {
        assert!(pattern.matches(form.as_str()) || text.contains('*'));
    }
    if let Some(accession) = paths::accession_in(text) {
        let cik = paths::cik_in(text).unwrap_or(accession.submitter());
        let path = paths::submission(cik, accession);
        assert_eq!(paths::accession_in(&path), Some(accession));
        assert_eq!(paths::cik_in(&path), Some(cik));
    }
    assert!(paths::latest_filings(0, 100, text).is_ascii());
    let _ = (
        ClientMessage::parse(text),
        ServerFrame::parse(text),
        parse_after(text),
        lite(text.as_bytes()),
    );
});

fn comes_back<T: FromStr + Display + PartialEq>(text: &str) {
    if let Ok(noun) = text.parse::<T>() {
        assert!(noun.to_string().parse().ok() == Some(noun));
    }
}
