//! Recorded submissions, read where they lie beside the repository.

use protocol::filing::FilerRole;

use super::{super::*, plain, read_in_pieces};
use crate::recorded::{Recorded, recorded};

const ALL: [&str; 4] = ["full-submission", "pds-nc", "header-only", "document-only"];

#[test]
fn every_recorded_submission_is_read_without_damage() {
    for file in recorded(&ALL) {
        let submission = read(&file.bytes).unwrap();

        assert_eq!(submission.damage, [], "{}", file.path);
    }
}

#[test]
fn documents_equal_those_of_a_second_plain_reading() {
    for file in recorded(&["full-submission", "pds-nc"]) {
        let documents = read(&file.bytes).unwrap().documents;
        let expected = plain::documents(&file.bytes);

        assert_eq!(documents.len(), expected.len(), "{}", file.path);
        for (document, expected) in documents.iter().zip(expected) {
            let name = &document.head.filename;
            assert!(document.bytes == expected.bytes, "{} {name}", file.path);
            assert_eq!(document.head.document_type, expected.document_type);
            assert_eq!(document.head.filename_as_written, expected.filename);
        }
    }
}

#[test]
fn a_text_that_stands_in_the_submission_is_not_copied() {
    for file in recorded(&["full-submission", "pds-nc"]) {
        for Content { head, bytes } in read(&file.bytes).unwrap().documents {
            let borrowed = matches!(bytes, Cow::Borrowed(_));

            assert_eq!(borrowed, !head.uuencoded, "{} {}", file.path, head.filename);
        }
    }
}

#[test]
fn headers_have_the_form_and_accession_of_the_manifest() {
    for file in recorded(&["full-submission", "pds-nc", "header-only"]) {
        let header = read(&file.bytes).unwrap().header;

        assert_eq!(header.accession.unwrap().to_string(), file.accession);
        assert_eq!(header.form.as_ref().unwrap().as_str(), file.form);
        assert!(
            header.filed_on.is_some() && !header.parties.is_empty(),
            "{}",
            file.path
        );
        for party in &header.parties {
            assert!(
                party.cik.is_some() && !party.name.is_empty(),
                "{}",
                file.path
            );
        }
    }
}

#[test]
fn acceptance_is_told_for_every_filing_since_2003() {
    for file in recorded(&["full-submission"]) {
        let header = read(&file.bytes).unwrap().header;

        let since_2003 = header.accession.unwrap().year() >= 2003;
        assert_eq!(header.accepted_at.is_some(), since_2003, "{}", file.path);
    }
}

#[test]
fn whole_submissions_are_complete_and_cut_ones_are_not() {
    for file in recorded(&["full-submission", "pds-nc"]) {
        let cut = file.bytes.trim_ascii_end();
        let cut = &cut[..cut.len() - 1];

        assert!(read(&file.bytes).unwrap().outcome.complete, "{}", file.path);
        let pem = cut.starts_with(b"-----");
        // The end of a PEM envelope may be cut: what it wraps is closed.
        assert_eq!(read(cut).unwrap().outcome.complete, pem, "{}", file.path);
    }
}

#[test]
fn the_size_of_pieces_changes_nothing() {
    let small = |file: &Recorded| file.bytes.len() < 45_000;
    let files: Vec<_> = recorded(&ALL).into_iter().filter(small).collect();
    assert!(files.is_empty() || files.len() > 60);
    for file in files {
        let whole = read(&file.bytes);
        for sizes in [&[1][..], &[2], &[7, 1, 64, 3, 129], &[1000, 1, 17]] {
            assert_eq!(read_in_pieces(&file.bytes, sizes), whole, "{}", file.path);
        }
    }
}

#[test]
fn inline_xbrl_equals_the_file_on_edgar_but_for_its_last_newline() {
    let filings = recorded(&["full-submission"]);
    let mut compared = 0;
    for main in recorded(&["ixbrl-main"]) {
        let Some(filing) = filings.iter().find(|file| file.accession == main.accession) else {
            continue;
        };
        let document = read(&filing.bytes).unwrap().documents.remove(0);

        assert_eq!(document.head.wrapper, Some(Wrapper::Xbrl));
        assert!(
            [&document.bytes[..], b"\n"].concat() == main.bytes,
            "{}",
            main.path
        );
        compared += 1;
    }
    assert!(filings.is_empty() || compared == 3);
}

/// Whether a zip's table of contents ends where the file's last record says.
fn is_whole_zip(bytes: &[u8]) -> bool {
    let Some(end) = memchr::memmem::rfind(bytes, b"PK\x05\x06") else {
        return false;
    };
    let number = |at: usize| {
        let four = bytes.get(end + at..end + at + 4);
        four.map(|four| u32::from_le_bytes(four.try_into().unwrap()) as usize)
    };
    let (size, start) = (number(12), number(16));
    size.zip(start)
        .is_some_and(|(size, start)| size + start == end)
}

#[test]
fn every_recorded_zip_and_sheet_comes_out_whole() {
    let mut zips = 0;
    let files = recorded(&["full-submission", "pds-nc"]);
    for file in &files {
        let documents = read(&file.bytes).unwrap().documents;
        for document in documents.iter().filter(|d| d.bytes.starts_with(b"PK")) {
            assert!(
                is_whole_zip(&document.bytes),
                "{} {}",
                file.path,
                document.head.filename
            );
            zips += 1;
        }
    }
    assert!(files.is_empty() || zips >= 10, "{zips}");
}

/// The header of the recorded file at this path.
pub(super) fn header_of(path: &str) -> Option<Header> {
    let files = recorded(&ALL);
    let file = files.iter().find(|file| file.path.starts_with(path));
    assert!(files.is_empty() || file.is_some(), "{path}");
    file.map(|file| read(&file.bytes).unwrap().header)
}

#[test]
fn a_header_of_2000_with_a_broken_code_and_stray_tags_comes_out_right() {
    let Some(header) = header_of("full-submission/8-K/0000950124-00-003635") else {
        return;
    };

    let party = &header.parties[0];
    assert_eq!(header.parties.len(), 1);
    assert_eq!(party.name, "STOCKWALK COM GROUP INC");
    assert_eq!(party.sic.as_deref(), Some("5122"));
    assert_eq!(party.ein.as_deref(), Some("411756256"));
    assert_eq!(
        party.filing_values[0].film_number.as_deref(),
        Some("650399")
    );
    assert_eq!(
        party.business_address.as_ref().unwrap().phone.as_deref(),
        Some("6125426000")
    );
    let former: Vec<_> = party
        .former_names
        .iter()
        .map(|former| &*former.name)
        .collect();
    assert_eq!(former, ["NM HOLDINGS INC", "NUTRITION MEDICAL INC"]);
    assert_eq!(header.disseminated_on.unwrap().to_string(), "2000-09-19");
    assert_eq!(header.filed_on.unwrap().to_string(), "2000-06-07");
}

#[test]
fn of_a_header_that_comes_twice_the_first_counts() {
    let Some(header) = header_of("full-submission/10-K/0000891020-95-000433") else {
        return;
    };

    assert_eq!(header.parties.len(), 1);
    assert_eq!(header.disseminated_on.unwrap().to_string(), "1995-09-28");
}

#[test]
fn an_owner_in_tags_beside_an_indented_company_comes_out_right() {
    let Some(header) = header_of("header-only/0001012325-98-000004") else {
        return;
    };

    let [company, owner] = &header.parties[..] else {
        panic!("{:?}", header.parties)
    };
    assert_eq!(company.role, FilerRole::SubjectCompany);
    assert_eq!(
        company.former_names[0].until.unwrap().to_string(),
        "1997-03-18"
    );
    assert_eq!(
        (owner.role, &*owner.name),
        (FilerRole::ReportingOwner, "CANTALUPO JAMES R")
    );
    assert_eq!(owner.relationship.as_deref(), Some("DIRECTOR"));
    assert_eq!(owner.sic, None);
    assert_eq!(
        owner.mail_address.as_ref().unwrap().city.as_deref(),
        Some("CHICAGO")
    );
}

#[test]
fn entities_with_several_file_numbers_are_one_filer() {
    for path in ["full-submission/SC-TO-T-A/", "pds-nc/0001104659-25-002604"] {
        let Some(header) = header_of(path) else {
            return;
        };

        let roles: Vec<_> = header
            .filers()
            .iter()
            .map(|filer| filer.role.unwrap())
            .collect();
        assert_eq!(header.parties.len(), 3);
        assert_eq!(roles, [FilerRole::SubjectCompany, FilerRole::FiledBy]);
        assert_eq!(header.group_members.len(), 6);
        let subject = &header.filers()[0];
        assert_eq!(subject.sic.as_deref(), Some("2911"));
        let values = &header.parties[0].filing_values[0];
        assert!(subject.file_number.is_some());
        assert_eq!(
            (
                &subject.ein,
                &subject.act,
                &subject.file_number,
                &subject.film_number
            ),
            (
                &header.parties[0].ein,
                &values.act,
                &values.file_number,
                &values.film_number
            )
        );
    }
}

#[test]
fn both_styles_of_one_filing_give_the_same_header() {
    let Some(tab) = header_of("full-submission/SC-TO-T-A/0001104659-25-002604") else {
        return;
    };
    let tags = header_of("pds-nc/0001104659-25-002604").unwrap();

    assert_eq!(tab.parties, tags.parties);
    assert_eq!(tab.group_members, tags.group_members);
    assert_eq!((tab.form, tab.filed_on), (tags.form, tags.filed_on));
}

#[test]
fn asset_backed_roles_are_parties() {
    let Some(header) = header_of("pds-nc/0000929638-25-000114") else {
        return;
    };

    let roles: Vec<_> = header.parties.iter().map(|party| party.role).collect();
    assert_eq!(
        roles,
        [
            FilerRole::Filer,
            FilerRole::Depositor,
            FilerRole::Securitizer,
            FilerRole::IssuingEntity
        ]
    );
    assert_eq!(header.items, ["2.01"]);
}

#[test]
fn private_correspondence_is_told_with_its_dates() {
    let Some(header) = header_of("full-submission/CORRESP/0000320193-24-000061") else {
        return;
    };

    assert!(header.private_to_public);
    assert_eq!(header.filed_on.unwrap().to_string(), "2024-04-29");
    assert_eq!(header.disseminated_on.unwrap().to_string(), "2024-06-14");
}

#[test]
fn other_accession_numbers_in_a_header_are_not_the_filings() {
    let Some(header) = header_of("full-submission/NPORT-EX/0001193125-19-278752") else {
        return;
    };

    let others = header.tree.child("multi-accession-numbers").unwrap();
    assert_eq!(others.texts("accession-number").count(), 2);
    assert_eq!(
        header.accession.unwrap().to_string(),
        "0001193125-19-278752"
    );
    let series = header
        .tree
        .child("series-and-classes-contracts-data")
        .unwrap();
    let series = series
        .child("existing-series-and-classes-contracts")
        .unwrap();
    assert_eq!(series.children[0].text("series-id"), Some("S000041568"));
    assert_eq!(
        series.children[1].text("series-name"),
        Some("Semper Short Duration Fund")
    );
}

#[test]
fn items_have_codes_by_form_and_date() {
    for (path, items) in [
        ("full-submission/8-K/0000320193-99-000010", &[][..]),
        ("full-submission/8-K/0000019617-26-000241", &["5.02"]),
        ("full-submission/8-K/0001004963-96-000019", &["2", "5", "7"]),
        (
            "full-submission/D/0001264931-13-000063",
            &["05", "06", "46"],
        ),
        ("full-submission/D/0000003530-19-000002", &["06b"]),
        ("pds-nc/0002002260-24-000001", &["06b", "3C", "3C.7"]),
        ("pds-nc/0000774352-01-000002", &["5"]),
    ] {
        let Some(header) = header_of(path) else {
            return;
        };
        assert_eq!(header.items, items, "{path} {:?}", header.items_as_written);
    }
}

#[test]
fn a_large_header_keeps_every_party() {
    let Some(header) = header_of("header-only/0001193125-24-003453") else {
        return;
    };

    assert!(header.parties.len() > 200);
    assert!(
        header
            .parties
            .iter()
            .all(|party| party.filing_values[0].file_number.is_some())
    );
}

#[test]
fn documents_of_known_oddities_come_out_right() {
    let files = recorded(&["full-submission"]);
    let documents = |path: &str| {
        let file = files.iter().find(|file| file.path.contains(path)).unwrap();
        read(&file.bytes).unwrap().documents
    };
    if files.is_empty() {
        return;
    }

    let flawed = &documents("0000320193-98-000008")[1].head;
    assert!(flawed.flawed && flawed.filename == "2.txt");
    let letter = &documents("0000000000-24-005673")[0];
    assert_eq!(
        (&*letter.head.filename, letter.head.wrapper),
        ("filename1.pdf", Some(Wrapper::Pdf))
    );
    assert!(letter.bytes.starts_with(b"%PDF-1.") && letter.head.uuencoded);
    let gaps: Vec<_> = documents("0001815572-25-000002")
        .iter()
        .map(|document| {
            (
                document.head.ordinal,
                document.head.sequence.clone().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        gaps,
        [
            (1, "1".to_owned()),
            (2, "3".to_owned()),
            (3, "5".to_owned())
        ]
    );
}

#[test]
fn every_recorded_header_is_json_without_nulls() {
    for file in recorded(&ALL) {
        let header = read(&file.bytes).unwrap().header;

        let json = serde_json::to_string(&header.tree).unwrap();

        assert!(!json.contains("null"), "{}", file.path);
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        let accession = value.get("accession-number").and_then(|text| text.as_str());
        assert_eq!(
            accession,
            header.accession.map(|a| a.to_string()).as_deref()
        );
    }
}
