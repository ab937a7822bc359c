//! Real input: one recorded evening of EDGAR through the unmodified program.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{
    event::Body,
    filing::{Filing, Source},
};

use crate::{
    harness::{
        program::{Server, create_key},
        recorded::{self, Recorded},
        subscriber::Subscriber,
    },
    live::sha256,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_evening_arrives_exactly_and_every_submission_is_archived_byte_for_byte() {
    if !recorded::available() {
        println!("not run: the recorded EDGAR is not on this machine");
        return;
    }
    let edgar = Recorded::start().await;
    let dir = tempfile::tempdir().unwrap();
    let key = create_key(dir.path(), &[]);
    let fast = [
        ("FILINGWIRE__EDGAR__REQUESTS_PER_SECOND", "10"),
        ("FILINGWIRE__MONITORS__ATOM__POLL_INTERVAL_MS", "1000"),
        (
            "FILINGWIRE__MONITORS__ATOM__CLOSED_POLL_INTERVAL_MS",
            "1000",
        ),
        ("FILINGWIRE__MONITORS__EFTS__POLL_INTERVAL_MS", "1000"),
    ];
    let server = Server::start_with_key(dir.path(), &edgar.url, &key, &fast).await;
    let mut subscriber = Subscriber::subscribe(&server.stream(), &key, "after=oldest").await;
    let mut met = Met::default();

    let submissions: BTreeSet<String> = edgar.submissions().keys().cloned().collect();
    met.until(&mut subscriber, |met| {
        submissions.iter().all(|a| met.archived.contains_key(a))
    })
    .await;
    edgar.walk();
    let walk = edgar.walk_truth();
    let answers = edgar.answers_truth();
    let expected: BTreeSet<String> = walk
        .keys()
        .chain(&submissions)
        .chain(&answers)
        .cloned()
        .collect();
    met.until(&mut subscriber, |met| met.seen.len() >= expected.len())
        .await;

    assert_eq!(submissions.len(), 111);
    assert_eq!(met.seen.keys().cloned().collect::<BTreeSet<_>>(), expected);
    for (accession, truth) in &walk {
        // What the search answers listed first comes without roles.
        if met.seen[accession].source == Source::Atom && !submissions.contains(accession) {
            assert_eq!(&parties(&met.seen[accession]), truth, "{accession}");
        }
    }
    for (accession, bytes) in edgar.submissions() {
        let object = met.archived[accession].objects.sgml.as_ref().unwrap();
        let stored = std::fs::read(dir.path().join("archive").join(&object.key)).unwrap();
        let original = zstd::decode_all(&stored[..]).unwrap();
        assert!(original == bytes[..], "{accession} differs");
        assert_eq!(object.original_sha256.as_deref(), Some(&*sha256(bytes)));
    }
}

/// What the subscriber has met.
#[derive(Default)]
struct Met {
    seen: BTreeMap<String, Filing>,
    archived: BTreeMap<String, Filing>,
}

impl Met {
    async fn until(&mut self, subscriber: &mut Subscriber, done: impl Fn(&Self) -> bool) {
        while !done(self) {
            match subscriber.event().await.body {
                Body::FilingSeen(filing) => {
                    let before = self.seen.insert(filing.accession.to_string(), filing);
                    assert!(before.is_none(), "twice: {before:?}");
                }
                Body::FilingArchived(filing) => {
                    self.archived.insert(filing.accession.to_string(), filing);
                }
                other => panic!("not asked for: {other:?}"),
            }
        }
    }
}

/// The (CIK, role) pairs, roles as the feed spells them.
fn parties(filing: &Filing) -> BTreeSet<(String, String)> {
    let spelled = |role: &str| match role {
        "filer" => "Filer",
        "reporting-owner" => "Reporting",
        "issuer" => "Issuer",
        "subject-company" => "Subject",
        "filed-by" => "Filed by",
        other => panic!("{other}"),
    };
    let pair = |filer: &protocol::filing::Filer| {
        (
            filer.cik.to_string(),
            spelled(filer.role.unwrap().as_str()).to_owned(),
        )
    };
    filing.filers.iter().map(pair).collect()
}
