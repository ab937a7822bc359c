//! Small files of our own, and recorded ones against a second, plain reading.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

use std::fs;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::*;

const SUBMISSION: &str = "<SEC-DOCUMENT>0001999999-26-000042.txt : 20260303\n\
    <SEC-HEADER>0001999999-26-000042.hdr.sgml : 20260303\n<ACCEPTANCE-DATETIME>20260303160441\n\
    ACCESSION NUMBER:\t\t0001999999-26-000042\nCONFORMED SUBMISSION TYPE:\t8-K\n\
    FILED AS OF DATE:\t\t20260303\nFILER:\n\tCOMPANY DATA:\n\
    \t\tCOMPANY CONFORMED NAME:\t\t\tQUAYSIDE\n\t\tCENTRAL INDEX KEY:\t\t\t0001999991\n</SEC-HEADER>\n\
    <DOCUMENT>\n<TYPE>8-K\n<SEQUENCE>1\n<FILENAME>a.htm\n<TEXT>\n<XBRL>\n<html></html>\n</XBRL>\n</TEXT>\n</DOCUMENT>\n\
    <DOCUMENT>\n<TYPE>GRAPHIC\n<SEQUENCE>3\n<FILENAME>g.jpg\n<DESCRIPTION>LOGO\n<TEXT>\nbegin 644 g.jpg\n\
    #0V%T\n`\nend\n</TEXT>\n</DOCUMENT>\n</SEC-DOCUMENT>\n";

fn parse(files: &[(&str, &[u8])], extract: bool) -> (tempfile::TempDir, Vec<Parsed>) {
    let dir = tempfile::tempdir().unwrap();
    let wanted = Wanted {
        folder: extract.then(|| Folder::open(&dir.path().join("out")).unwrap()),
        ..json_only()
    };
    let parsed = files.iter().map(|(name, bytes)| {
        let file = dir.path().join(name);
        fs::write(&file, bytes).unwrap();
        parse_file(&file, &wanted)
    });
    let parsed = parsed.collect();
    (dir, parsed)
}

fn json_only() -> Wanted {
    Wanted {
        json: true,
        ..Wanted::default()
    }
}

fn json(parsed: &Parsed) -> Value {
    serde_json::from_str(parsed.text.as_ref().unwrap()).unwrap()
}

#[test]
fn a_submission_is_one_line_of_the_documented_shape() {
    let (dir, parsed) = parse(&[("a.txt", SUBMISSION.as_bytes())], false);

    assert!(!parsed[0].text.as_ref().unwrap().contains('\n'));
    assert_eq!(
        json(&parsed[0]),
        json!({
            "file": dir.path().join("a.txt").to_str().unwrap(),
            "accession": "0001999999-26-000042",
            "form": "8-K",
            "filed_on": "2026-03-03",
            "accepted_at": "2026-03-03T21:04:41Z",
            "filers": [{"cik": "1999991", "name": "QUAYSIDE", "role": "filer"}],
            "header": {
                "sec-document": "0001999999-26-000042.txt : 20260303",
                "sec-header": "0001999999-26-000042.hdr.sgml : 20260303",
                "acceptance-datetime": "20260303160441",
                "accession-number": "0001999999-26-000042",
                "type": "8-K",
                "filing-date": "20260303",
                "filer": {"company-data": {"conformed-name": "QUAYSIDE", "cik": "0001999991"}},
            },
            "documents": [
                {
                    "ordinal": 1, "sequence": "1", "type": "8-K", "filename": "a.htm",
                    "media_type": "text/html", "bytes": 13,
                    "sha256": hex::encode(Sha256::digest("<html></html>")),
                },
                {
                    "ordinal": 2, "sequence": "3", "type": "GRAPHIC", "filename": "g.jpg",
                    "description": "LOGO", "media_type": "text/plain", "bytes": 3,
                    "sha256": hex::encode(Sha256::digest("Cat")),
                },
            ],
            "damage": [],
        })
    );
}

#[test]
fn a_damaged_file_is_told_where_and_printed_all_the_same() {
    let cut = SUBMISSION.find("</XBRL>").unwrap();
    let (_dir, parsed) = parse(&[("a.txt", &SUBMISSION.as_bytes()[..cut])], false);

    let report = json(&parsed[0]);
    assert!(parsed[0].damaged);
    assert_eq!(report["documents"][0]["filename"], "a.htm");
    assert_eq!(
        report["damage"].as_array().unwrap().last().unwrap()["offset"],
        cut
    );
}

#[test]
fn what_is_no_submission_is_a_complaint_and_no_line() {
    let (dir, parsed) = parse(
        &[("page.txt", b"<!DOCTYPE html><html>"), ("empty", b"")],
        false,
    );
    let absent = parse_file(&dir.path().join("absent"), &json_only());
    let folder = parse_file(dir.path(), &json_only());

    for parsed in parsed.iter().chain([&absent, &folder]) {
        assert!(parsed.text.is_none() && parsed.complaints.len() == 1);
    }
    assert!(parsed[0].complaints[0].ends_with("page.txt: an HTML page, not a submission"));
}

#[test]
fn a_compressed_file_that_is_cut_is_both_printed_and_complained_of() {
    let object = zstd::encode_all(SUBMISSION.as_bytes(), 3).unwrap();
    let mut two_frames = object.clone();
    two_frames.extend_from_slice(&object[..object.len() - 3]);

    let (_dir, parsed) = parse(&[("a.zst", &two_frames)], false);

    assert_eq!(json(&parsed[0])["accession"], "0001999999-26-000042");
    assert_eq!(parsed[0].complaints.len(), 1);
}

#[test]
fn documents_are_extracted_decoded_and_files_of_one_accession_do_not_mix() {
    let files: [(&str, &[u8]); 2] = [
        ("a.txt", SUBMISSION.as_bytes()),
        ("b.txt", SUBMISSION.as_bytes()),
    ];
    let (dir, parsed) = parse(&files, true);

    let bad: Vec<bool> = parsed
        .into_iter()
        .map(|mut parsed| {
            parsed.publish();
            parsed.is_bad()
        })
        .collect();

    assert_eq!(bad, [false, true]);
    let folder = dir.path().join("out/000199999926000042");
    assert_eq!(fs::read(folder.join("g.jpg")).unwrap(), b"Cat");
    assert_eq!(fs::read(folder.join("a.htm")).unwrap(), b"<html></html>");
    assert_eq!(fs::read_dir(dir.path().join("out")).unwrap().count(), 1);
}

#[test]
fn a_summary_shows_header_documents_and_damage() {
    let outcome = report::read("a.txt", &SUBMISSION.as_bytes()[..SUBMISSION.len() - 20], ());

    let summary = summary::of(&outcome.told.unwrap().0);

    for part in [
        "0001999999-26-000042",
        "QUAYSIDE, CIK 1999991",
        "g.jpg",
        "LOGO",
        "at byte",
    ] {
        assert!(summary.contains(part), "{part} in {summary}");
    }
}

/// Parses one file for its tar object only.
fn tar_of(file: &Path, place: &Path) -> Parsed {
    let tar = Some(Place::of(place, 1).unwrap());
    let parsed = parse_file(file, &Wanted { tar, ..json_only() });
    assert_eq!(parsed.complaints, [""; 0]);
    parsed
}

#[test]
fn a_tar_object_has_every_document_where_its_metadata_says() {
    let (dir, parsed) = parse(&[("a.txt", SUBMISSION.as_bytes())], false);
    let (file, tar) = (dir.path().join("a.txt"), dir.path().join("a.tar"));

    tar_of(&file, &tar);

    let object = fs::read(&tar).unwrap();
    let contents = edgar::tar::Contents::parse(&object).unwrap();
    let report = json(&parsed[0]);
    let documents = report["documents"].as_array().unwrap();
    for (entry, document) in contents.documents.iter().zip(documents) {
        let stored = &object[entry.start as usize..entry.end as usize];
        let decoded = zstd::decode_all(stored).unwrap();
        assert_eq!(entry.filename, document["filename"]);
        assert_eq!(hex::encode(Sha256::digest(decoded)), document["sha256"]);
    }
    assert_eq!(contents.documents.len(), 2);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[test]
fn the_same_submission_gives_the_same_tar_object() {
    let (dir, _) = parse(&[("a.txt", SUBMISSION.as_bytes())], false);
    let [first, second] = ["1.tar", "2.tar"].map(|name| dir.path().join(name));

    for tar in [&first, &second] {
        tar_of(&dir.path().join("a.txt"), tar);
    }

    assert_eq!(fs::read(first).unwrap(), fs::read(second).unwrap());
}

#[test]
fn a_submission_named_by_mistake_is_not_replaced_by_a_tar_object() {
    let (dir, _) = parse(&[("a.txt", SUBMISSION.as_bytes())], false);
    let tar = dir.path().join("a.tar");
    tar_of(&dir.path().join("a.txt"), &tar);

    let mistaken = Place::of(&dir.path().join("a.txt"), 1).unwrap_err();
    let nowhere = Place::of(&dir.path().join("no/a.tar"), 1).unwrap_err();

    assert!(mistaken.contains("is no tar object"), "{mistaken}");
    assert!(nowhere.contains("folder does not exist"), "{nowhere}");
    assert!(Place::of(&tar, 1).is_ok());
}

/// How many facts are told of an instance with these declarations, context and unit, and what
/// could not be read.
fn told(namespace: &str, member: &str, unit: &str) -> (usize, String) {
    let facts = "<a:B contextRef=\"c\" unitRef=\"u\">1</a:B>".repeat(1_200);
    let instance = format!(
        "<xbrl xmlns=\"http://www.xbrl.org/2003/instance\" xmlns:a=\"{namespace}\" \
         xmlns:d=\"http://xbrl.org/2006/xbrldi\"><context id=\"c\"><entity><segment>\
         <d:typedMember dimension=\"a:T\"><a:t>{member}</a:t></d:typedMember></segment></entity>\
         <period><instant>2025-12-31</instant></period></context>\
         <unit id=\"u\"><measure>{unit}</measure></unit>{facts}</xbrl>"
    );
    let submission = format!(
        "<DOCUMENT>\n<TYPE>XML\n<FILENAME>a_htm.xml\n<TEXT>\n{instance}\n</TEXT>\n</DOCUMENT>\n"
    );
    let mut reader = edgar::sgml::Reader::new(Spool::new(&env::temp_dir()).unwrap());
    reader.push(submission.as_bytes());
    let mut documents = reader.finish().unwrap().0.finish().unwrap();
    let mut told = 0;
    let unread = documents.facts(|_| {
        told += 1;
        Ok(())
    });
    let unread: Vec<_> = unread.unwrap().iter().map(ToString::to_string).collect();
    (told, unread.concat())
}

#[test]
fn a_report_that_tells_the_same_a_million_times_is_cut() {
    let long = "x".repeat(500_000);
    let taxonomy = format!("http://fasb.org/{long}/2025");
    for (namespace, member, unit) in [
        ("urn:a", long.as_str(), "pure"),
        ("urn:a", "m", &long),
        (&taxonomy, "m", "pure"),
    ] {
        let (told, unread) = told(namespace, member, unit);

        assert!((1..1_200).contains(&told), "{told}");
        assert!(unread.contains("left out"), "{unread}");
    }
}

#[test]
fn tar_objects_of_several_submissions_need_a_folder_and_replace_nothing() {
    let (dir, _) = parse(&[("a.txt", SUBMISSION.as_bytes())], false);
    let wanted = Wanted {
        tar: Some(Place::of(dir.path(), 2).unwrap()),
        ..json_only()
    };

    let first = parse_file(&dir.path().join("a.txt"), &wanted);
    let second = parse_file(&dir.path().join("a.txt"), &wanted);

    let one_file = Place::of(&dir.path().join("a.tar"), 2).unwrap_err();
    assert!(one_file.contains("name a folder"), "{one_file}");
    assert!(dir.path().join("000199999926000042.tar").is_file());
    assert_eq!(first.complaints, [""; 0]);
    assert!(second.complaints[0].contains("exists already"));
}

/// Recorded submissions whose documents are plain text, where a few splits read them.
#[test]
fn recorded_submissions_have_the_documents_of_a_plain_reading() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/edgar-fixtures");
    let Ok(manifest) = fs::read_to_string(folder.join("MANIFEST.tsv")) else {
        assert!(
            std::env::var_os("CI").is_none(),
            "recorded files are missing"
        );
        eprintln!("not run: no recorded files in {}", folder.display());
        return;
    };
    let rows = manifest
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>());
    let (mut files, mut hashes) = (0, 0);
    for row in rows.filter(|row| row[1] == "full-submission").take(40) {
        let file = folder.join(row[0]);
        let report = json(&parse_file(&file, &json_only()));
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut Input::open(&file).unwrap(), &mut bytes).unwrap();

        let expected = plain_documents(&bytes);

        let documents = report["documents"].as_array().unwrap();
        assert_eq!(report["accession"], row[3], "{}", row[0]);
        assert_eq!(report["form"], row[2], "{}", row[0]);
        assert_eq!(documents.len(), expected.len(), "{}", row[0]);
        files += 1;
        for (document, sha256) in documents.iter().zip(expected) {
            if let Some(sha256) = sha256 {
                assert_eq!(document["sha256"], sha256, "{} {document}", row[0]);
                hashes += 1;
            }
        }
    }
    assert!(files == 40 && hashes > 60, "{files} files, {hashes} hashes");
}

/// SHA-256 of each document between its tags; `None` for uuencoded ones.
fn plain_documents(bytes: &[u8]) -> Vec<Option<String>> {
    // Bytes as characters of the same number, so that nothing is lost.
    let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    let hash = |document: &str| {
        let after = document.split_once("<TEXT>\n")?.1;
        let content = &after[..after.rfind("\n</TEXT>")?];
        let wrapped = ["XML", "XBRL", "PDF"].iter().find_map(|tag| {
            let inner = content.strip_prefix(&format!("<{tag}>\n"))?;
            inner.strip_suffix(&format!("\n</{tag}>"))
        });
        let content = wrapped.unwrap_or(content);
        let encoded = content.lines().any(|line| line.starts_with("begin 644 "));
        let bytes: Vec<u8> = content.chars().map(|c| c as u8).collect();
        (!encoded).then(|| hex::encode(Sha256::digest(bytes)))
    };
    text.split("\n<DOCUMENT>\n").skip(1).map(hash).collect()
}
