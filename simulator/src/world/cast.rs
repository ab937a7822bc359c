//! Who takes part in a filing, and in which role.
//!
//! Invariant: there is at least one party, and owners, sellers and subjects are
//! different filers.

use std::sync::Arc;

use rand::Rng;

use super::filer::{Filer, FilerKind};
use super::filing::{Party, Role};
use super::forms::{Cast, FormRule};

/// Draws the parties of one filing in the order EDGAR lists them.
pub(crate) fn parties(
    rng: &mut impl Rng,
    rule: &FormRule,
    filers: &[Arc<Filer>],
    film: u64,
) -> Vec<Party> {
    let mut roles = match rule.cast {
        Cast::One(kind) => vec![(one(rng, filers, kind), Role::Filer)],
        Cast::CoRegistrants => co_registrants(rng, filers),
        Cast::Fund => fund(rng, filers),
        Cast::Notes => notes(rng, filers),
        Cast::Ownership => ownership(rng, filers),
        Cast::Sale => vec![
            (one(rng, filers, FilerKind::Person), Role::Reporting),
            (one(rng, filers, FilerKind::Company), Role::Subject),
        ],
        Cast::Stake => stake(rng, filers),
        Cast::FreeWriting => free_writing(rng, filers),
    };
    if roles.len() == 2 && roles[0].1 != roles[1].1 && rng.random_bool(0.2) {
        roles.swap(0, 1);
    }
    let mut film = film;
    roles
        .into_iter()
        .map(|(filer, role)| {
            film += 1;
            Party {
                file_number: file_number(rule, &filer, role, film),
                film_number: film,
                filer,
                role,
            }
        })
        .collect()
}

type Roles = Vec<(Arc<Filer>, Role)>;

/// Mostly one company; 2 % of the filings have two to five.
fn co_registrants(rng: &mut impl Rng, filers: &[Arc<Filer>]) -> Roles {
    let count = if rng.random_bool(0.02) {
        rng.random_range(2..=5)
    } else {
        1
    };
    several(rng, filers, FilerKind::Company, count)
        .into_iter()
        .map(|filer| (filer, Role::Filer))
        .collect()
}

/// A fund; 3 % of the filings list it twice, under the 1933 and the 1940 Act.
fn fund(rng: &mut impl Rng, filers: &[Arc<Filer>]) -> Roles {
    let filer = one(rng, filers, FilerKind::Fund);
    let times = if rng.random_bool(0.03) { 2 } else { 1 };
    vec![(filer, Role::Filer); times]
}

fn notes(rng: &mut impl Rng, filers: &[Arc<Filer>]) -> Roles {
    let count = if rng.random_bool(0.54) { 2 } else { 1 };
    several(rng, filers, FilerKind::Bank, count)
        .into_iter()
        .map(|filer| (filer, Role::Filer))
        .collect()
}

/// One owner and the issuer; groups of owners are rare and up to nine.
fn ownership(rng: &mut impl Rng, filers: &[Arc<Filer>]) -> Roles {
    let owners = if rng.random_bool(0.04) {
        rng.random_range(2..=9)
    } else {
        1
    };
    let mut roles: Roles = several(rng, filers, FilerKind::Person, owners)
        .into_iter()
        .map(|filer| (filer, Role::Reporting))
        .collect();
    roles.push((one(rng, filers, FilerKind::Company), Role::Issuer));
    roles
}

fn stake(rng: &mut impl Rng, filers: &[Arc<Filer>]) -> Roles {
    let holder = if rng.random_bool(0.7) {
        FilerKind::Manager
    } else {
        FilerKind::Person
    };
    vec![
        (one(rng, filers, FilerKind::Company), Role::Subject),
        (one(rng, filers, holder), Role::FiledBy),
    ]
}

fn free_writing(rng: &mut impl Rng, filers: &[Arc<Filer>]) -> Roles {
    let mut roles = vec![(one(rng, filers, FilerKind::Company), Role::Subject)];
    if rng.random_bool(0.2) {
        roles.push((one(rng, filers, FilerKind::Bank), Role::FiledBy));
    }
    roles
}

fn one(rng: &mut impl Rng, filers: &[Arc<Filer>], kind: FilerKind) -> Arc<Filer> {
    let of_kind: Vec<&Arc<Filer>> = filers.iter().filter(|filer| filer.kind == kind).collect();
    Arc::clone(of_kind[rng.random_range(0..of_kind.len())])
}

/// `count` different filers of one kind.
fn several(
    rng: &mut impl Rng,
    filers: &[Arc<Filer>],
    kind: FilerKind,
    count: usize,
) -> Vec<Arc<Filer>> {
    let mut chosen: Vec<Arc<Filer>> = Vec::new();
    while chosen.len() < count {
        let filer = one(rng, filers, kind);
        if chosen.iter().all(|other| other.cik != filer.cik) {
            chosen.push(filer);
        }
    }
    chosen
}

/// The file number under which a party files; none for issuers and for who files for another.
fn file_number(rule: &FormRule, filer: &Filer, role: Role, film: u64) -> String {
    let serial = filer.file_serial;
    match (role, rule.act) {
        (Role::Issuer | Role::FiledBy, _) => String::new(),
        (Role::Subject, "34") => format!("005-{serial:05}"),
        (Role::Filer, "33") if rule.root() == "D" => {
            format!("021-{:06}", 400_000 + u64::from(serial))
        }
        (Role::Filer, "40") if film.is_multiple_of(2) => format!("811-{serial:05}"),
        (Role::Filer, "34") | (Role::Reporting, _) => format!("001-{serial:05}"),
        _ => format!("333-{:06}", 200_000 + u64::from(serial)),
    }
}
