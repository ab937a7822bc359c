//! The tar object, built and read; other people's readers try it in `tests/real`.
#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;
use crate::sgml;

const SUBMISSION: &str = "<SEC-DOCUMENT>0001999999-26-000042.txt : 20260303
<SEC-HEADER>0001999999-26-000042.hdr.sgml : 20260303
ACCESSION NUMBER:\t\t0001999999-26-000042
CONFORMED SUBMISSION TYPE:\t8-K
FILER:
\tCOMPANY DATA:
\t\tCOMPANY CONFORMED NAME:\t\t\tNESTLÉ \"QUAY\" 🚢
\t\tCENTRAL INDEX KEY:\t\t\t0001999991
</SEC-HEADER>
<DOCUMENT>
<TYPE>8-K
<SEQUENCE>1
<FILENAME>quay.htm
<DESCRIPTION>FORM 8-K
<TEXT>
<html></html>
</TEXT>
</DOCUMENT>
<DOCUMENT>
<TYPE>EX-99
<TEXT>
Exhibit
</TEXT>
</DOCUMENT>
</SEC-DOCUMENT>
";

/// The tar object of these documents, stored as they are.
fn object(header: &Header, documents: &[(DocumentHead, Vec<u8>)]) -> Vec<u8> {
    let member = |(head, bytes): &(DocumentHead, Vec<u8>)| Member {
        head: head.clone(),
        stored_bytes: bytes.len() as u64,
    };
    let members: Vec<_> = documents.iter().map(member).collect();
    let layout = Layout::new(header, &members).unwrap();
    let mut object = layout.beginning();
    for (place, (_, bytes)) in documents.iter().enumerate() {
        object.extend(layout.before(place));
        object.extend(bytes);
        object.extend(layout.after(place));
    }
    object.extend(layout.end());
    assert_eq!(object.len() as u64, layout.bytes());
    object
}

fn quay() -> (Header, Vec<(DocumentHead, Vec<u8>)>) {
    let submission = sgml::read(SUBMISSION.as_bytes()).unwrap();
    let contents = submission.documents.into_iter();
    let documents = contents.map(|content| (content.head, content.bytes.into_owned()));
    (submission.header, documents.collect())
}

#[test]
fn metadata_is_what_python_would_write() {
    let (header, documents) = quay();

    let object = object(&header, &documents);

    let metadata = r#"{"sec-document": "0001999999-26-000042.txt : 20260303", "sec-header": "0001999999-26-000042.hdr.sgml : 20260303", "accession-number": "0001999999-26-000042", "type": "8-K", "filer": {"company-data": {"conformed-name": "NESTL\u00c9 \"QUAY\" \ud83d\udea2", "cik": "0001999991"}}, "documents": [{"type": "8-K", "sequence": "1", "filename": "quay.htm", "description": "FORM 8-K", "secsgml_size_bytes": 13, "secsgml_start_byte": "0000002048", "secsgml_end_byte": "0000002061"}, {"type": "EX-99", "sequence": "2", "filename": "2.txt", "secsgml_size_bytes": 7, "secsgml_start_byte": "0000003072", "secsgml_end_byte": "0000003079"}]}"#;
    assert_eq!(
        std::str::from_utf8(&object[512..512 + metadata.len()]).unwrap(),
        metadata
    );
}

#[test]
fn every_document_is_read_by_its_range_and_nothing_else() {
    let (header, documents) = quay();
    let object = object(&header, &documents);

    let contents = Contents::parse(&object[..2048]).unwrap();

    assert_eq!(contents.documents.len(), documents.len());
    for (entry, (head, bytes)) in contents.documents.iter().zip(&documents) {
        assert_eq!(entry.filename, head.filename);
        assert_eq!(&object[entry.start as usize..entry.end as usize], bytes);
    }
}

#[test]
fn too_short_a_beginning_says_how_much_is_needed() {
    let (header, documents) = quay();
    let object = object(&header, &documents);

    assert_eq!(
        Contents::parse(&object[..100]),
        Err(ContentsError::NeedMore(512))
    );
    let Err(ContentsError::NeedMore(needed)) = Contents::parse(&object[..600]) else {
        panic!("600 bytes cannot be enough");
    };
    assert!(Contents::parse(&object[..needed as usize]).is_ok());
    assert!(Contents::parse(&object[..needed as usize - 1]).is_err());
}

#[test]
fn the_worked_case_of_datamules_own_archive_comes_out() {
    // 1,229 bytes of metadata and a document of 4,764 bytes lie so in a recorded object.
    assert_eq!(after_member(512, 1229), 2048);
    assert_eq!(padding(1229).len(), 2048 - 512 - 1229);
}

#[test]
fn a_header_key_cannot_hide_the_documents() {
    let text = SUBMISSION.replace("ACCESSION NUMBER", "DOCUMENTS: none\nACCESSION NUMBER");
    let submission = sgml::read(text.as_bytes()).unwrap();

    let object = object(&submission.header, &[]);

    assert_eq!(Contents::parse(&object).unwrap().documents, []);
}

#[test]
fn what_is_larger_than_the_format_can_say_is_an_error() {
    let (header, documents) = quay();
    let member = |stored_bytes| Member {
        head: documents[0].0.clone(),
        stored_bytes,
    };

    assert_eq!(
        Layout::new(&header, &[member(MAX_MEMBER + 1)]),
        Err(TooLarge)
    );
    assert_eq!(
        Layout::new(&header, &[member(6_000_000_000), member(6_000_000_000)]),
        Err(TooLarge)
    );
    assert!(Layout::new(&header, &[member(6_000_000_000)]).is_ok());
}

proptest! {
    #[test]
    fn any_documents_are_found_where_the_metadata_says(
        bodies in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..1500), 0..6),
        description in ".{0,40}",
    ) {
        let (header, documents) = quay();
        let mut head = documents[0].0.clone();
        head.description = Some(description);
        let documents: Vec<_> = bodies.into_iter().map(|body| (head.clone(), body)).collect();

        let object = object(&header, &documents);

        let contents = Contents::parse(&object).unwrap();
        for (entry, (head, bytes)) in contents.documents.iter().zip(&documents) {
            prop_assert_eq!(&entry.description, &head.description);
            prop_assert_eq!(&object[entry.start as usize..entry.end as usize], &bytes[..]);
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = Contents::parse(&bytes);
    }
}
