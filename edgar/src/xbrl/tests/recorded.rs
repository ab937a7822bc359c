//! Recorded reports, read where they lie beside the repository.

use crate::{
    recorded::{Recorded, recorded},
    sgml,
};

use super::*;

/// Occurrences by a plain scan.
fn count(bytes: &[u8], pattern: &str) -> u64 {
    memchr::memmem::find_iter(bytes, pattern).count() as u64
}

#[test]
fn every_instance_has_as_many_facts_as_references_to_contexts() {
    for file in recorded(&["xbrl-instance"]) {
        let summary = read_instance(&file.bytes, |_| {}).unwrap();

        let references = count(&file.bytes, " contextRef=");
        assert_eq!(summary.facts, references, "{}", file.path);
        assert_eq!(flaws(&summary), [], "{}", file.path);
    }
}

#[test]
fn every_fact_of_an_instance_is_whole() {
    for file in recorded(&["xbrl-instance"]) {
        read_instance(&file.bytes, |fact| {
            let path = &file.path;
            assert!(fact.period.is_some(), "{path} {fact:?}");
            assert!(fact.value.is_some() != fact.nil, "{path} {fact:?}");
            assert!(!fact.taxonomy.is_empty(), "{path} {fact:?}");
            // A number has a unit, and then either decimals or no value.
            assert!(
                fact.unit.is_none() || fact.decimals.is_some() || fact.nil,
                "{path} {fact:?}"
            );
        })
        .unwrap();
    }
}

#[test]
fn every_inline_document_has_as_many_facts_as_references_to_contexts() {
    for file in recorded(&["ixbrl-main"]) {
        let summary = read_inline(&[&file.bytes], |_| {}).unwrap();

        let references = count(&file.bytes, "contextRef=");
        assert_eq!(summary.facts, references, "{}", file.path);
        assert_eq!(flaws(&summary), [], "{}", file.path);
    }
}

#[test]
fn inline_documents_tell_the_same_facts_as_what_edgar_extracted() {
    let twins = twins();
    let mut compared = 0;
    for (path, page, extract) in &twins {
        let (mut told, mut extracted) = (Vec::new(), Vec::new());
        read_inline(&[page], |fact| told.push(line(fact))).unwrap();
        read_instance(extract, |fact| extracted.push(line(fact))).unwrap();

        assert_eq!(told.len(), extracted.len(), "{path}");
        for (told, extracted) in told.iter().zip(&extracted) {
            assert_eq!(told, extracted, "{path}");
        }
        compared += told.len();
    }
    assert!(twins.is_empty() || twins.len() == 8 && compared == 958);
}

/// Inline documents with the instance that EDGAR extracted from each.
fn twins() -> Vec<(String, Vec<u8>, Vec<u8>)> {
    let mut twins = Vec::new();
    for file in recorded(&["full-submission"]) {
        let documents = sgml::read(&file.bytes).unwrap().documents;
        for page in &documents {
            let Some(stem) = page.head.filename.strip_suffix(".htm") else {
                continue;
            };
            let extract = format!("{stem}_htm.xml");
            let extract = documents
                .iter()
                .find(|other| other.head.filename == extract);
            if let Some(extract) = extract {
                let path = format!("{} {}", file.path, page.head.filename);
                twins.push((path, page.bytes.to_vec(), extract.bytes.to_vec()));
            }
        }
    }
    let folder = recorded(&["filing-folder"]);
    let extract = named(&folder, "aapl-20250329_htm.xml.zst");
    let page = named(&folder, "aapl-20250329.htm.zst");
    if let (Some(page), Some(extract)) = (page, extract) {
        twins.push((page.path.clone(), page.bytes.clone(), extract.bytes.clone()));
    }
    twins
}

fn named<'f>(files: &'f [Recorded], name: &str) -> Option<&'f Recorded> {
    files.iter().find(|file| file.path.ends_with(name))
}

#[test]
fn the_reports_of_recorded_submissions_are_chosen_and_read() {
    let (mut submissions, mut facts) = (0, 0);
    for file in recorded(&["full-submission"]) {
        let documents = sgml::read(&file.bytes).unwrap().documents;
        let candidates = documents.iter().map(|document| Candidate {
            document_type: &document.head.document_type,
            filename: &document.head.filename,
            inline: is_inline(&document.bytes),
        });

        let reports = choose(&candidates.collect::<Vec<_>>());

        for report in &reports {
            let Report::Instance(index) = report else {
                panic!("{}: {report:?}", file.path);
            };
            let summary = read_instance(&documents[*index].bytes, |_| {}).unwrap();
            assert_eq!(flaws(&summary), [], "{}", file.path);
            facts += summary.facts;
        }
        submissions += usize::from(!reports.is_empty());
    }
    assert!(submissions == 0 || submissions >= 7 && facts >= 198);
}
