//! Days and quarters, with the clock moved by hand.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::*;
use crate::clock::Clock;
use crate::config::{Config, Wish};
use crate::faults::{FaultPlan, Faults};
use crate::ledger::Log;

/// Midnight before a Friday, Eastern.
const FRIDAY: &str = "2026-03-06T05:00:00Z";

struct Scene {
    shelf: Shelf,
}

impl Scene {
    fn new(config: Config) -> Self {
        let config = Config {
            clock_start: Some(FRIDAY.parse().unwrap()),
            keeps_hours: true,
            ..config
        };
        let clock: Clock = config.clock();
        let faults = Arc::new(Faults::new(config.seed, config.faults.clone()));
        let log = Arc::new(Log::default());
        let shelf = Shelf::new(&config, clock, faults, log).unwrap();
        Self { shelf }
    }

    fn with_fault(fault: Fault) -> Self {
        Self::new(Config {
            faults: FaultPlan::default().with(fault, 1.0),
            ..Config::quiet()
        })
    }

    /// Files a filing of `form` now.
    fn file(&self, form: &str, wish: Wish) -> String {
        let form = Some(form.to_owned());
        self.shelf
            .file(self.shelf.now(), &Wish { form, ..wish })
            .unwrap()
    }

    /// What the index of a day in March lists.
    fn listed(&self, day: i8) -> Option<Vec<String>> {
        self.shelf.day_index(march(day)).map(accessions)
    }

    fn in_quarter(&self, number: i8) -> Option<Vec<String>> {
        let quarter = Quarter { year: 2026, number };
        self.shelf.quarter_index(quarter).map(accessions)
    }
}

fn march(day: i8) -> Date {
    date(2026, 3, day)
}

fn accessions(listing: Listing) -> Vec<String> {
    let filings = listing.filings.iter();
    filings
        .map(|published| published.filing.accession.clone())
        .collect()
}

/// Moves the clock to a day in March and a time, Eastern.
async fn go(scene: &Scene, day: i8, hour: i8, minute: i8) {
    let wait = scene
        .shelf
        .clock
        .wait(hours::at(march(day), time(hour, minute, 0, 0)));
    tokio::time::advance(wait).await;
}

#[tokio::test(start_paused = true)]
async fn a_days_index_is_out_at_22_07_on_business_days_only_and_earlier_by_hand() {
    let scene = Scene::new(Config::quiet());
    go(&scene, 6, 22, 6).await;
    let before = scene.listed(6);

    scene.shelf.publish_index(march(6));
    let by_hand = scene.listed(6);
    go(&scene, 9, 22, 8).await;

    assert_eq!((before, by_hand), (None, Some(vec![])));
    assert_eq!(scene.listed(9), Some(vec![]));
    for closed in [5, 7, 8, 10] {
        assert_eq!(scene.listed(closed), None, "{closed}"); // Before, a weekend, to come.
    }
}

#[tokio::test(start_paused = true)]
async fn an_evening_is_listed_on_the_day_it_is_disseminated() {
    let scene = Scene::new(Config::quiet());
    go(&scene, 6, 17, 0).await;
    let in_time = scene.file("8-K", Wish::default());
    let notice = scene.file("EFFECT", Wish::default());
    go(&scene, 6, 18, 0).await;
    let held = scene.file("8-K", Wish::default());
    let exempt = scene.file("4", Wish::default());

    go(&scene, 9, 22, 30).await;

    assert_eq!(scene.listed(6), Some(vec![in_time, exempt]));
    assert_eq!(scene.listed(9), Some(vec![held.clone(), notice.clone()]));
    let dates = |accession: &str| scene.shelf.find(accession).unwrap().filing.filed_on;
    assert_eq!((dates(&held), dates(&notice)), (march(9), march(6)));
}

#[tokio::test(start_paused = true)]
async fn a_late_filing_is_listed_when_it_surfaces_with_its_old_date() {
    let scene = Scene::new(Config::quiet());
    go(&scene, 6, 12, 0).await;
    let late = scene.file(
        "8-K",
        Wish {
            late_days: 2,
            ..Wish::default()
        },
    );

    go(&scene, 10, 22, 30).await;

    assert_eq!(scene.listed(6), Some(vec![]));
    assert_eq!(scene.listed(9), Some(vec![]));
    assert_eq!(scene.listed(10), Some(vec![late.clone()]));
    let published = scene.shelf.find(&late).unwrap();
    assert_eq!(published.filing.filed_on, march(6));
    assert!(published.stages.listed.unwrap() > hours::at(march(10), time(9, 0, 0, 0)));
}

#[tokio::test(start_paused = true)]
async fn missing_rows_join_the_index_the_next_morning_or_by_hand() {
    let scene = Scene::with_fault(Fault::IndexRowLate);
    go(&scene, 6, 12, 0).await;
    let missing = vec![scene.file("8-K", Wish::default())];
    go(&scene, 9, 12, 0).await;
    let other = vec![scene.file("8-K", Wish::default())];
    go(&scene, 9, 22, 30).await;
    let at_first = scene.listed(9);

    scene.shelf.correct_index(march(9));

    assert_eq!(scene.listed(6), Some(missing));
    assert_eq!((at_first, scene.listed(9)), (Some(vec![]), Some(other)));
    let first = scene.shelf.first_day_index(march(6)).map(accessions);
    assert_eq!(first, Some(vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_late_index_is_out_an_hour_later() {
    let scene = Scene::with_fault(Fault::IndexLate);
    go(&scene, 6, 23, 9).await;
    let before = scene.listed(6);

    go(&scene, 6, 23, 10).await;

    assert_eq!((before, scene.listed(6)), (None, Some(vec![])));
}

#[tokio::test(start_paused = true)]
async fn what_is_withdrawn_leaves_the_quarter_on_saturday_and_no_day() {
    let scene = Scene::new(Config::quiet());
    go(&scene, 6, 12, 0).await;
    let filed = vec![scene.file("8-K", Wish::default())];
    go(&scene, 9, 12, 0).await;

    assert!(scene.shelf.withdraw(&filed[0]));
    assert!(!scene.shelf.withdraw("0000000001-26-000001"));

    go(&scene, 13, 23, 0).await;
    assert_eq!(scene.in_quarter(1), Some(filed.clone()));
    go(&scene, 14, 2, 0).await;
    assert_eq!(scene.in_quarter(1), Some(vec![]));
    assert_eq!(scene.listed(6), Some(filed));
}

#[tokio::test(start_paused = true)]
async fn a_quarter_is_out_with_its_first_day() {
    let scene = Scene::new(Config::quiet());
    go(&scene, 6, 22, 9).await;
    let before = scene.in_quarter(1);

    go(&scene, 6, 22, 10).await;

    assert_eq!((before, scene.in_quarter(1)), (None, Some(vec![])));
    assert_eq!((scene.in_quarter(2), scene.in_quarter(4)), (None, None));
}

#[tokio::test(start_paused = true)]
async fn what_is_disseminated_again_stands_in_two_days_with_other_bytes() {
    let scene = Scene::new(Config::quiet());
    go(&scene, 6, 12, 0).await;
    let again_after = Some(Duration::from_secs(3 * 86_400 + 3_600));
    let wish = Wish {
        again_after,
        ..Wish::default()
    };
    let twice = vec![scene.file("4", wish)];

    go(&scene, 9, 22, 30).await;

    assert_eq!(scene.listed(6), Some(twice.clone()));
    assert_eq!(scene.listed(9), Some(twice.clone()));
    assert_eq!(scene.in_quarter(1), Some(twice.clone()));
    let published = scene.shelf.find(&twice[0]).unwrap();
    assert_ne!(Some(published.sha256()), published.revised_sha256());
}

#[tokio::test(start_paused = true)]
async fn a_month_is_listed_day_by_day_once_and_whole_in_its_quarters() {
    let plan = "withdraw:0.05,index-row-late:0.1,index-late:0.2"
        .parse()
        .unwrap();
    let scene = Scene::new(Config {
        rate: 40.0 / (16.0 * 3600.0),
        late_share: 0.05,
        faults: plan,
        ..Config::quiet()
    });
    go(&scene, 31, 0, 0).await;
    tokio::time::advance(Duration::from_secs(5 * 86_400)).await; // Past a Saturday.

    let days = march(6).series(1.day()).take(30);
    let listed: BTreeMap<Date, Vec<String>> = days
        .filter_map(|day| Some((day, accessions(scene.shelf.day_index(day)?))))
        .collect();

    let all: Vec<&String> = listed.values().flatten().collect();
    let distinct: BTreeSet<&String> = all.iter().copied().collect();
    assert_eq!(distinct.len(), all.len());
    assert_eq!(listed.len(), 21); // Business days until the 3rd of April.
    let cutoff = hours::at(date(2026, 4, 3), WRITTEN);
    let filings = scene.shelf.all();
    let is_public = |published: &&Arc<Published>| published.stages.index <= cutoff;
    let truth: BTreeSet<&String> = filings
        .iter()
        .filter(is_public)
        .map(|published| &published.filing.accession)
        .collect();
    assert_eq!(distinct, truth);
    assert!((600..1_000).contains(&all.len()), "{} filings", all.len());

    let rebuilt = last_saturday(scene.shelf.now());
    let last = date(2026, 4, 3); // Its missing rows come after the rebuild.
    let is_gone = |published: &&Arc<Published>| {
        let is_missing = published.stages.is_row_late && published.stages.day == last;
        published.is_withdrawn(rebuilt) || is_missing
    };
    let gone = filings.iter().filter(is_gone);
    let gone: BTreeSet<&String> = gone.map(|published| &published.filing.accession).collect();
    let quarters = [1, 2]
        .map(|number| scene.in_quarter(number).unwrap())
        .concat();
    let quarters: BTreeSet<&String> = quarters.iter().collect();
    assert!(gone.len() > 10, "{} withdrawn", gone.len());
    assert_eq!(quarters, &truth - &gone);
}
