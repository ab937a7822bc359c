//! The monitor against a recorded walk of a whole evening's feed.
//!
//! Invariant: what a test expects is found without the parser under test.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::*;

/// A filing's parties as `cik role`.
type Parties = BTreeMap<String, BTreeSet<String>>;

/// The recorded pages by offset, or `None` where the recordings are not at hand.
fn recorded_walk() -> Option<BTreeMap<String, String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/edgar-fixtures/atom-getcurrent/2025-12-12T180331");
    if !folder.exists() {
        assert!(std::env::var_os("CI").is_none(), "{folder:?} is missing");
        eprintln!("did not run: {folder:?} is missing");
        return None;
    }
    let pages = std::fs::read_dir(folder).unwrap().map(|file| {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let start: u32 = name[14..18].parse().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        (start.to_string(), text)
    });
    Some(pages.collect())
}

/// Parties of each accession, found by plain search.
fn parties_of(pages: &BTreeMap<String, String>) -> Parties {
    let mut parties = Parties::new();
    for entry in pages
        .values()
        .flat_map(|page| page.split("<entry>").skip(1))
    {
        let accession = entry.split("accession-number=").nth(1).unwrap()[..20].to_owned();
        let title = entry.split("<title>").nth(1).unwrap();
        let title = title.split("</title>").next().unwrap();
        let (rest, role) = title.strip_suffix(')').unwrap().rsplit_once(" (").unwrap();
        let cik = rest.strip_suffix(')').unwrap().rsplit_once(" (").unwrap().1;
        let role = match role {
            "Reporting" => "reporting-owner",
            "Subject" => "subject-company",
            "Filed by" => "filed-by",
            "Issuing Entity" => "issuing-entity",
            other => &other.to_lowercase(),
        };
        let party = format!("{} {role}", cik.trim_start_matches('0'));
        parties.entry(accession).or_default().insert(party);
    }
    parties
}

#[tokio::test]
async fn a_recorded_walk_gives_each_filing_once_with_all_its_filers_and_roles() {
    let Some(pages) = recorded_walk() else {
        return;
    };
    let expected = parties_of(&pages);
    let fake = Fake::start(move |params| match pages.get(&params["start"]) {
        Some(page) => (200, page.clone()),
        None => (503, String::new()),
    })
    .await;
    let clock = Clock::new(|| at("2025-12-12T23:03:31Z"));
    let mut monitor = AtomMonitor::new(AtomConfig::default(), &fake.url, client(), [], clock);
    let (sender, mut receiver) = mpsc::channel(10_000);

    monitor.poll(&sender).await.unwrap();

    let reports = drain(&mut receiver);
    let mut found = Parties::new();
    for report in &reports {
        if let Report::Sighted(Sighting { filing }) = report {
            let parties = filing.filers.iter().map(|filer| {
                let role = filer.role.map_or("", |role| role.as_str());
                format!("{} {role}", filer.cik)
            });
            let parties: Vec<String> = parties.collect();
            let distinct: BTreeSet<String> = parties.iter().cloned().collect();
            assert_eq!(parties.len(), distinct.len(), "{}", filing.accession);
            let earlier = found.insert(filing.accession.to_string(), distinct);
            assert_eq!(earlier, None, "{} came twice", filing.accession);
        }
    }
    assert_eq!(found, expected);
    assert_eq!(expected.len(), 3_315);
    assert_eq!(verdicts(&reports), ["polled"]);
    assert_eq!(fake.take("start").len(), 51);
}
