//! Bytes that mean harm, or nothing: no panic, and every way of pushing them agrees.

use proptest::prelude::*;

use super::*;

const SMALL: &[u8] = b"<SEC-DOCUMENT>0001999999-26-000042.txt : 20260303\r
<ACCEPTANCE-DATETIME>20260303160441\r
ACCESSION NUMBER:\t\t0001999999-26-000042\r
FILER:\r
\tCOMPANY DATA:\r
\t\tSTANDARD INDUSTRIAL CLASSIFICATION:\t [3569\r
]\t\tEIN:\t990000001\r
</SEC-HEADER>\r
<DOCUMENT>\r
<TYPE>8-K\r
<DESCRIPTION>FORM\r
8-K\r
<TEXT>\r
<XBRL>\r
<html>\r
</TEXT>\r
</html>\r
</XBRL>\r
</TEXT>\r
\r
</DOCUMENT>\r
<DOCUMENT>\r
<TYPE>GRAPHIC\r
<TEXT>\r
<PDF>\r
begin 644 cat.jpg\r
#0V%T\r
\r
end\r
</PDF>\r
</TEXT>\r
</DOCUMENT>\r
</SEC-DOCUMENT>\r
";

/// Pieces from which tag soup is made.
const SOUP: &[&str] = &[
    "<SEC-DOCUMENT>",
    "<SUBMISSION>",
    "-----BEGIN PRIVACY-ENHANCED MESSAGE-----",
    "<DOCUMENT>",
    "</DOCUMENT>",
    "<TEXT>",
    "</TEXT>",
    "<text>",
    "</text>",
    "</document>",
    "<TYPE>",
    "<FILENAME>",
    "<DESCRIPTION>",
    "<XML>",
    "</XML>",
    "<PDF>",
    "</PDF>",
    "begin 644 a",
    "end",
    "#0V%T",
    "M",
    "`",
    "</SEC-DOCUMENT>",
    "</SUBMISSION>",
    "</SEC-HEADER>",
    "<FILER>",
    "</FILER>",
    "<CIK>1",
    "FILER:",
    "\tCOMPANY DATA:",
    "\t\tCENTRAL INDEX KEY:\t1",
    "]\t\tEIN:\t1",
    "\n",
    "\n",
    "\n",
    "\r",
    "\r\n",
    " ",
    "\t",
    "\u{e9}",
    "x",
    "<",
    "</",
    "-----END PRIVACY-ENHANCED MESSAGE-----",
];

fn soup() -> impl Strategy<Value = Vec<u8>> {
    let piece = proptest::sample::select(SOUP);
    (0..4usize, proptest::collection::vec(piece, 0..60)).prop_map(|(first, pieces)| {
        let mut text = SOUP[first].as_bytes().to_vec();
        text.push(b'\n');
        text.extend(pieces.concat().into_bytes());
        text
    })
}

#[test]
fn the_small_submission_is_whole() {
    let submission = read(SMALL).unwrap();

    assert!(submission.outcome.complete);
    assert_eq!(submission.damage, []);
    assert_eq!(
        &*submission.documents[0].bytes,
        b"<html>\r\n</TEXT>\r\n</html>"
    );
    assert_eq!(&*submission.documents[1].bytes, b"Cat");
}

#[test]
fn a_submission_cut_anywhere_is_told_incomplete_and_nothing_is_invented() {
    let whole = read(SMALL).unwrap();
    for end in 1..SMALL.len() - 2 {
        let cut = read(&SMALL[..end]);

        // The first bytes may not yet be a tag.
        let Ok(cut) = cut else {
            assert!(end < 14, "{end}");
            continue;
        };
        assert!(!cut.outcome.complete && !cut.damage.is_empty(), "{end}");
        for (document, original) in cut.documents.iter().zip(&whole.documents) {
            // A tag that is itself cut is still content.
            let closed = [
                &original.bytes[..],
                b"\r\n</XBRL>\r\n</TEXT>\r\n\r\n</DOCUMENT",
            ]
            .concat();
            let raw = [&b"<XBRL>"[..], b"<PDF>", b"begin 644 "];
            let salvaged = |whole: &[u8]| whole.starts_with(&document.bytes);
            assert!(salvaged(&closed) || raw.into_iter().any(salvaged), "{end}");
        }
    }
}

#[test]
fn a_header_of_empty_groups_is_shallow_and_quick() {
    for line in ["<A>\n", "</A>\n", "A:\n", "<A>\n</B>\n", "\t", "]"] {
        let text = format!(
            "<SEC-HEADER>\n</A>\n{}\n</SEC-HEADER>\n",
            line.repeat(200_000)
        );

        let header = Header::parse(text.as_bytes());

        assert!(header.parties.is_empty());
    }
}

#[test]
fn a_header_without_end_is_kept_to_its_limit() {
    let mut reader = Reader::new(Collected::default());
    reader.push(b"<SEC-HEADER>\n");
    let line = [&b"GROUP MEMBERS:\t"[..], &[b'X'; 900], b"\n"].concat();

    for _ in 0..MAX_HEADER / line.len() + 10 {
        reader.push(&line);
    }
    let (collected, outcome) = reader.finish().unwrap();

    assert!(!outcome.complete);
    assert_eq!(collected.damage[0].what, Fault::HeaderTooLong);
    assert!(collected.header.group_members.len() > 1000);
}

#[test]
fn documents_beyond_the_limit_are_not_read() {
    let documents = "<DOCUMENT>\n<TEXT>\n</TEXT>\n</DOCUMENT>\n".repeat(MAX_DOCUMENTS as usize + 5);

    let submission = read(documents.as_bytes()).unwrap();

    assert_eq!(submission.outcome.documents, MAX_DOCUMENTS);
    assert_eq!(submission.damage[0].what, Fault::TooManyDocuments);
    assert!(!submission.outcome.complete);
}

#[test]
fn faults_are_told_up_to_a_limit_and_counted_beyond() {
    let documents = "<DOCUMENT>\n</DOCUMENT>\n".repeat(3_000);

    let submission = read(documents.as_bytes()).unwrap();

    assert_eq!(submission.damage.len(), 1_000);
    assert_eq!(submission.outcome.damage, 3_000);
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = read(&bytes);
        let _ = read(&[b"<SUBMISSION>\n", &bytes[..]].concat());
        let _ = read(&[b"<DOCUMENT>\n<TEXT>\n", &bytes[..]].concat());
    }

    #[test]
    fn soup_reads_the_same_in_any_pieces(text in soup(), sizes in proptest::collection::vec(1..9usize, 1..6)) {
        prop_assert_eq!(read_in_pieces(&text, &sizes), read(&text));
    }

    #[test]
    fn a_flipped_byte_never_panics_and_pieces_agree(at in 0..SMALL.len(), byte in any::<u8>()) {
        let mut bytes = SMALL.to_vec();
        bytes[at] = byte;

        prop_assert_eq!(read_in_pieces(&bytes, &[1]), read(&bytes));
    }
}

/// The documents of `text`, whole and in pieces of one byte.
fn both_ways(text: &[u8]) -> Submission<'_> {
    let whole = read(text).unwrap();
    assert_eq!(read_in_pieces(text, &[1]).unwrap(), whole);
    whole
}

#[test]
fn a_document_that_only_begins_is_told_before_the_end() {
    let submission = both_ways(b"<DOCUMENT>\n<TEXT>\nx\n</DOCUMENT>\n<DOCUMENT>");

    assert_eq!(submission.documents.len(), 2);
    assert_eq!(submission.outcome.documents, 2);
    assert!(!submission.outcome.complete);
}

#[test]
fn a_first_line_that_only_begins_like_a_document_is_no_submission() {
    assert_eq!(
        read(b"<DOCUMENT>XXXX\nanything"),
        Err(NotASubmission::Other)
    );
}

#[test]
fn a_long_line_of_uuencode_is_the_same_in_pieces() {
    for line in ["end", "#0V%T", "</PDF>"] {
        let text = format!(
            "<DOCUMENT>\n<TEXT>\nbegin 644 x\n#0V%T\n{line}{:260}xyz\n</TEXT>\n</DOCUMENT>\n",
            ""
        );

        both_ways(text.as_bytes());
    }
}

#[test]
fn a_closing_wrapper_before_many_blanks_is_the_same_in_pieces() {
    let text = format!(
        "<DOCUMENT>\n<TEXT>\n<XBRL>\nx\n</XBRL>{:100}\n</TEXT>\n</DOCUMENT>\n",
        ""
    );

    both_ways(text.as_bytes());
}

#[test]
fn many_long_names_that_differ_at_their_end_are_told_apart() {
    let mut text = String::new();
    for number in (0..3_000).chain(0..3_000) {
        let name = format!("{:x<92}{number:08}", "");
        text += &format!("<DOCUMENT>\n<FILENAME>{name}\n<TEXT>\n</TEXT>\n</DOCUMENT>\n");
    }

    let documents = read(text.as_bytes()).unwrap().documents;

    let names: std::collections::HashSet<_> = documents.iter().map(|d| &d.head.filename).collect();
    assert_eq!(names.len(), 6_000);
}
