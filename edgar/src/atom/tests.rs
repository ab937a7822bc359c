//! Whole pages: what they give, and what is no page.
#![allow(clippy::unwrap_used, reason = "tests")]

use jiff::civil::date;
use proptest::prelude::*;
use protocol::{cik::Cik, filing::FilerRole};

use super::*;

fn page_of(entries: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="ISO-8859-1" ?>
<feed xmlns="http://www.w3.org/2005/Atom">
<title>Latest Filings - Tue, 03 Mar 2026 16:05:12 EST</title>
<link rel="alternate" href="/cgi-bin/browse-edgar?action=getcurrent"/>
<id>https://www.sec.gov/cgi-bin/browse-edgar?action=getcurrent</id>
<author><name>Webmaster</name><email>webmaster@sec.gov</email></author>
<updated>2026-03-03T16:05:12-05:00</updated>
{entries}</feed>
"#
    )
}

fn entry(form: &str, name: &str, cik: u64, role: &str, accession: &str) -> String {
    let compact = accession.replace('-', "");
    format!(
        r#"<entry>
<title>{form} - {name} ({cik:010}) ({role})</title>
<link rel="alternate" type="text/html" href="https://www.sec.gov/Archives/edgar/data/{cik}/{compact}/{accession}-index.htm"/>
<summary type="html">
 &lt;b&gt;Filed:&lt;/b&gt; 2026-03-03 &lt;b&gt;AccNo:&lt;/b&gt; {accession} &lt;b&gt;Size:&lt;/b&gt; 10 KB
&lt;br&gt;Item 2.02: Results of Operations and Financial Condition
</summary>
<updated>2026-03-03T16:04:41-05:00</updated>
<category scheme="https://www.sec.gov/" label="form type" term="{form}"/>
<id>urn:tag:sec.gov,2008:accession-number={accession}</id>
</entry>
"#
    )
}

const FIRST: &str = "0001999999-26-000042";
const COMPACT: &str = "000199999926000042";
const SECOND: &str = "0001999999-26-000043";

fn insider_page() -> String {
    page_of(
        &[
            entry("4", "DOE JANE", 1_999_992, "Reporting", FIRST),
            entry("8-K", "OTHER CO", 1_999_993, "Filer", SECOND),
            entry("4", "QUAYSIDE INC", 1_999_991, "Issuer", FIRST),
        ]
        .concat(),
    )
}

fn seen_at() -> Timestamp {
    "2026-03-03T21:04:58.151Z".parse().unwrap()
}

#[test]
fn an_entry_gives_all_it_tells() {
    let page = parse(
        page_of(&entry(
            "8-K",
            "QUAYSIDE &amp; SONS",
            1_999_991,
            "Filer",
            FIRST,
        ))
        .as_bytes(),
    );

    let page = page.unwrap();
    assert_eq!(page.updated, Some("2026-03-03T21:05:12Z".parse().unwrap()));
    assert_eq!(page.rejected, []);
    assert_eq!(
        page.entries,
        [Entry {
            accession: FIRST.parse().unwrap(),
            form: "8-K".parse().unwrap(),
            filer: Filer::new(Cik::new(1_999_991), "QUAYSIDE & SONS", Some(FilerRole::Filer)),
            filed_on: Some(date(2026, 3, 3)),
            accepted_at: Some("2026-03-03T21:04:41Z".parse().unwrap()),
            size_bytes: Some(10 << 10),
            items: vec!["2.02".to_owned()],
            film: None,
            link: "https://www.sec.gov/Archives/edgar/data/1999991/000199999926000042/0001999999-26-000042-index.htm".to_owned(),
        }]
    );
}

#[test]
fn the_page_is_latin_1() {
    let mut page = page_of(&entry("D", "CAF~ - UNO (1999)", 1, "Filer", FIRST)).into_bytes();
    let at = page.iter().position(|byte| *byte == b'~').unwrap();
    page[at] = 0xe9;

    let page = parse(&page).unwrap();

    assert_eq!(page.entries[0].filer.name, "CAFé - UNO (1999)");
}

#[test]
fn entries_of_one_filing_are_joined_even_when_others_lie_between() {
    let page = parse(insider_page().as_bytes()).unwrap();

    let filings = join(page.entries, seen_at(), Source::Atom);

    assert_eq!(filings.len(), 2);
    assert_eq!(filings[0].accession.to_string(), FIRST);
    let roles: Vec<_> = filings[0].filers.iter().map(|filer| filer.role).collect();
    assert_eq!(
        roles,
        [Some(FilerRole::ReportingOwner), Some(FilerRole::Issuer)]
    );
    assert_eq!(
        filings[0].urls.submission.as_deref(),
        Some(
            "https://www.sec.gov/Archives/edgar/data/1999992/000199999926000042/0001999999-26-000042.txt"
        )
    );
}

#[test]
fn a_filing_that_straddles_two_pages_is_one() {
    let one = parse(page_of(&entry("4", "DOE JANE", 2, "Reporting", FIRST)).as_bytes()).unwrap();
    let two = parse(page_of(&entry("4", "QUAYSIDE", 3, "Issuer", FIRST)).as_bytes()).unwrap();

    let filings = join(
        one.entries.into_iter().chain(two.entries),
        seen_at(),
        Source::Atom,
    );

    assert_eq!(filings.len(), 1);
    assert_eq!(filings[0].filers.len(), 2);
    assert_eq!(filings[0].items, ["2.02"]);
}

#[test]
fn a_filer_listed_twice_is_kept_once_in_each_role() {
    let page = page_of(
        &[
            entry("497K", "FUND", 2, "Filer", FIRST),
            entry("497K", "FUND", 2, "Filer", FIRST),
            entry("497K", "FUND", 2, "Filed by", FIRST),
        ]
        .concat(),
    );

    let filings = join(
        parse(page.as_bytes()).unwrap().entries,
        seen_at(),
        Source::Atom,
    );

    assert_eq!(filings[0].filers.len(), 2);
}

#[test]
fn a_byte_order_mark_and_blanks_around_the_page_do_no_harm() {
    let page = insider_page().replace("ISO-8859-1", "UTF-8");

    let page = parse(format!("\u{feff}\n{page}\n\n").as_bytes()).unwrap();

    assert_eq!(page.entries.len(), 3);
}

#[test]
fn an_empty_feed_is_an_empty_page() {
    let page = parse(page_of("").as_bytes()).unwrap();

    assert_eq!((page.entries.len(), page.rejected.len()), (0, 0));
}

#[test]
fn a_feed_cut_anywhere_is_an_error() {
    let page = insider_page();
    let page = page.trim_end();

    for end in 0..page.len() {
        assert!(parse(&page.as_bytes()[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn what_is_no_feed_is_an_error() {
    let rss =
        r#"<?xml version="1.0"?><rss version="2.0"><channel><title>x</title></channel></rss>"#;
    for page in [
        "",
        " ",
        "<!DOCTYPE html><html><head><title>SEC.gov | File Unavailable</title></head></html>",
        "<html><feed></feed></html>",
        "<feedback></feedback>",
        r#"{"version":"https://jsonfeed.org/version/1.1","title":"x","items":[]}"#,
        r#"<?xml version="1.0" encoding="UTF-16" ?><feed xmlns="http://www.w3.org/2005/Atom"></feed>"#,
        rss,
    ] {
        assert!(
            matches!(parse(page.as_bytes()), Err(AtomError::NotAFeed { .. })),
            "{page}"
        );
    }
}

#[test]
fn foreign_name_spaces_are_refused() {
    let media = r#"xmlns:m="http://search.yahoo.com/mrss/" xmlns="#;
    let many = format!("{}xmlns=", r#"xmlns:a="b" "#.repeat(20));
    for name_spaces in [media, &many, "xmlns:m=\"&#109;rss\" xmlns="] {
        let page = insider_page().replace("xmlns=", name_spaces);

        assert!(
            matches!(parse(page.as_bytes()), Err(AtomError::Damaged(_))),
            "{page}"
        );
    }
}

#[test]
fn a_tag_without_end_is_refused_and_nesting_without_end_is_survived() {
    let attributes: String = (0..200_000).map(|n| format!(" a{n}=\"\"")).collect();
    let deep = "<a>".repeat(1 << 20);

    for inside in [format!("<a{attributes}/>"), deep] {
        assert!(parse(page_of(&inside).as_bytes()).is_err());
    }
}

#[test]
fn a_page_too_large_is_refused_unread() {
    let page = vec![b' '; 5 << 20];

    assert!(matches!(parse(&page), Err(AtomError::TooLarge { bytes }) if bytes == page.len()));
}

#[test]
fn one_broken_entry_costs_no_other() {
    let broken = entry("8-K", "A & B &#99999999; CO", 3, "Filer", SECOND);
    let good = entry("4", "DOE JANE", 2, "Reporting", FIRST);

    let page = parse(page_of(&[good.clone(), broken, good].concat()).as_bytes()).unwrap();

    assert_eq!(page.entries.len(), 2);
    assert_eq!(page.rejected.len(), 1);
    assert_eq!(page.rejected[0].reason, RejectReason::Malformed);
    assert!(page.updated.is_some());
}

#[test]
fn a_second_declaration_costs_its_entry_only() {
    let declared = entry(
        "8-K",
        "A <?xml version=\"1.0\" encoding=\"UTF-8\"?>",
        3,
        "Filer",
        SECOND,
    );
    let good = entry("4", "DOE JANE", 2, "Reporting", FIRST);

    let page = parse(page_of(&[good, declared].concat()).as_bytes()).unwrap();

    assert_eq!((page.entries.len(), page.rejected.len()), (1, 1));
}

#[test]
fn a_broken_declaration_does_not_panic() {
    let page = insider_page().replace(" ?>", "<media:content/> ?>");

    assert!(parse(page.as_bytes()).is_ok());
}

#[test]
fn an_entry_without_its_nouns_is_reported() {
    let good = entry("8-K", "QUAYSIDE", 1_999_991, "Filer", FIRST);
    for (entry, reason) in [
        (
            good.replace(FIRST, "none").replace(COMPACT, "none"),
            RejectReason::NoAccession,
        ),
        (good.replace("8-K", ""), RejectReason::NoForm),
        (good.replace("1999991", "x"), RejectReason::NoCik),
    ] {
        let page = parse(page_of(&entry).as_bytes()).unwrap();

        assert_eq!(page.entries, []);
        assert_eq!(page.rejected[0].reason, reason, "{entry}");
        assert!(!page.rejected[0].what.is_empty());
    }
}

#[test]
fn summary_and_link_make_up_for_a_broken_id_and_title() {
    let entry = entry("8-K", "QUAYSIDE", 1_999_991, "Filer", FIRST)
        .replace("accession-number=", "number=")
        .replace("(0001999991)", "");

    let page = parse(page_of(&entry).as_bytes()).unwrap();

    assert_eq!(page.entries[0].accession.to_string(), FIRST);
    assert_eq!(page.entries[0].filer.cik, Cik::new(1_999_991));
}

#[test]
fn an_odd_time_costs_nothing_but_the_time() {
    let entry = entry("8-K", "QUAYSIDE", 1_999_991, "Filer", FIRST)
        .replace("2026-03-03T16:04:41-05:00", "yesterday");

    let page = parse(page_of(&entry).as_bytes()).unwrap();

    assert_eq!(page.entries[0].accepted_at, None);
}

/// A page with some of its bytes replaced, doubled or taken away.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let page = insider_page().into_bytes();
    let snippet = prop::sample::select(vec![
        "<entry>",
        "</entry>",
        "<title>",
        "</title>",
        "<?xml version=\"1.0\" encoding=\"UTF-16\"?>",
        "<!DOCTYPE html>",
        "&#0;",
        "&",
        "<",
        ">",
        "\0",
        "<![CDATA[",
        "]]>",
        "<!--",
        "xmlns:a=\"b\"",
        " type=\"xhtml\"",
        "(",
        ")",
        " - ",
        "\u{e9}",
        "<media:content duration=\"1:99\"/>",
    ]);
    let change = (0..page.len(), 0..40usize, snippet);
    prop::collection::vec(change, 0..6).prop_map(move |changes| {
        let mut page = page.clone();
        for (at, cut, snippet) in changes {
            let at = at.min(page.len());
            let end = (at + cut).min(page.len());
            page.splice(at..end, snippet.bytes());
        }
        page
    })
}

proptest! {
    #[test]
    fn no_mutated_page_panics(page in mutated()) {
        if let Ok(page) = parse(&page) {
            join(page.entries, seen_at(), Source::Atom);
        }
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes);
        let _ = parse(&[b"<feed>".as_slice(), &bytes, b"</feed>"].concat());
    }
}
