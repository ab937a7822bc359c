//! What real submissions do to parsers, each written by hand.

use proptest::prelude::*;

use super::*;

const HEADER: &str = "<SEC-DOCUMENT>0001999999-26-000042.txt : 20260303\n\
    <SEC-HEADER>0001999999-26-000042.hdr.sgml : 20260303\n\
    ACCESSION NUMBER:\t\t0001999999-26-000042\n\
    CONFORMED SUBMISSION TYPE:\t8-K\n\
    </SEC-HEADER>\n";

/// A submission around `documents`.
fn submission(documents: &str) -> String {
    format!("{HEADER}{documents}</SEC-DOCUMENT>\n")
}

/// A whole document around `content`, which ends with a newline.
fn document(content: &str) -> String {
    format!("<DOCUMENT>\n<TYPE>8-K\n<SEQUENCE>1\n<TEXT>\n{content}</TEXT>\n</DOCUMENT>\n")
}

/// Reads `text` with and without copying it.
fn read_text(text: &str) -> Submission<'static> {
    let copied = read_in_pieces(text.as_bytes(), &[text.len()]).unwrap();
    assert_eq!(read(text.as_bytes()).unwrap(), copied);
    copied
}

fn contents(submission: &Submission) -> Vec<String> {
    let text = |document: &Content| String::from_utf8(document.bytes.to_vec()).unwrap();
    submission.documents.iter().map(text).collect()
}

fn faults(submission: &Submission) -> Vec<Fault> {
    submission.damage.iter().map(|damage| damage.what).collect()
}

#[test]
fn a_document_that_stands_in_the_input_is_not_copied() {
    let line = "a line of a page that is longer than what is held back of it\n";
    let page = format!("{}</TEXT>\n{}</html>", line.repeat(300), line.repeat(300));
    let text = submission(&document(&format!("<XBRL>\n{page}\n</XBRL>\n")));

    let read = read(text.as_bytes()).unwrap();

    let start = text.find(&page).unwrap();
    let stands = &text.as_bytes()[start..start + page.len()];
    assert!(std::ptr::eq(&*read.documents[0].bytes, stands));
}

#[test]
fn literal_tags_inside_content_end_nothing() {
    for quoted in [
        "a\n</TEXT>\n<TYPE>x\nb",
        "a\n</DOCUMENT>\nb",
        "a\n<DOCUMENT>\n<TYPE>x\n<TEXT>\nb",
        "a\n</DOCUMENT>\n\n</TEXT>\nb",
        "a\n</TEXT>\n\n\n</TEXT>\nb",
        "see </TEXT>\n</DOCUMENT> below",
        " </TEXT>\n</DOCUMENT>x",
        "</TEXT>\n</SEC-DOCUMENTS>",
        "</text>\n</document>",
    ] {
        let text = submission(&document(&format!("{quoted}\n")));

        let submission = read_text(&text);

        assert_eq!(contents(&submission), [quoted]);
        assert_eq!(submission.damage, []);
    }
}

#[test]
fn blank_lines_may_stand_between_the_closing_tags() {
    let text = document("a\n").replace("</TEXT>\n", "</TEXT>\n\n \n");

    let submission = read_text(&submission(&text));

    assert_eq!(contents(&submission), ["a"]);
    assert_eq!(submission.damage, []);
}

#[test]
fn missing_text_end_is_told_and_the_content_kept() {
    let open = document("first\n").replace("</TEXT>\n", "");
    let text = submission(&format!("{open}{}{open}", document("second\n")));

    let submission = read_text(&text);

    assert_eq!(contents(&submission), ["first", "second", "first"]);
    assert_eq!(faults(&submission), [Fault::MissingTextEnd; 2]);
    assert!(submission.outcome.complete);
}

#[test]
fn missing_document_end_is_told_and_the_content_kept() {
    let open = document("first\n").replace("</DOCUMENT>\n", "");
    let text = submission(&format!("{open}{}{open}", document("second\n")));

    let submission = read_text(&text);

    assert_eq!(contents(&submission), ["first", "second", "first"]);
    assert_eq!(faults(&submission), [Fault::MissingDocumentEnd; 2]);
}

#[test]
fn a_document_without_text_is_told_and_empty() {
    let text = submission("<DOCUMENT>\n<TYPE>8-K\n</DOCUMENT>\n<DOCUMENT>\n<TYPE>EX-1\n");

    let submission = read_text(&text);

    assert_eq!(contents(&submission), ["", ""]);
    assert_eq!(faults(&submission), [Fault::MissingText; 2]);
}

#[test]
fn a_cut_submission_is_salvaged_and_told_with_its_length() {
    let text = submission(&document("first\nsecond\n"));
    let cut = &text[..text.find("cond\n").unwrap()];

    let submission = read_text(cut);

    let offset = cut.len() as u64;
    assert_eq!(contents(&submission), ["first\nse"]);
    let what = Fault::Truncated;
    assert_eq!(submission.damage, [Damage { offset, what }]);
    assert!(!submission.outcome.complete);
}

#[test]
fn lower_case_tags_are_taken_at_line_starts() {
    let text = submission(&document("<p>a\n")).replace("</SEC-HEADER>", "</sec-header>");
    let text = [
        "<DOCUMENT>",
        "<TYPE>",
        "<TEXT>",
        "</TEXT>",
        "</DOCUMENT>",
        "</SEC-DOCUMENT>",
    ]
    .iter()
    .fold(text, |text, tag| text.replace(tag, &tag.to_lowercase()));

    let submission = read_text(&text);

    assert_eq!(contents(&submission), ["<p>a"]);
    assert_eq!(submission.documents[0].head.document_type, "8-K");
    assert!(submission.outcome.complete && submission.damage.is_empty());
}

#[test]
fn no_documents_is_no_damage() {
    let submission = read_text(&submission(""));

    assert_eq!(submission.outcome.documents, 0);
    assert!(submission.outcome.complete && submission.damage.is_empty());
}

#[test]
fn a_page_is_no_submission() {
    for page in ["<!DOCTYPE html>\n<html>", "\n<html lang=\"en\">", "<HTML>"] {
        assert_eq!(read(page.as_bytes()), Err(NotASubmission::Html));
    }
    assert_eq!(read(b"\n \n"), Err(NotASubmission::Empty));
    assert_eq!(read(b"{}"), Err(NotASubmission::Other));
}

#[test]
fn wrappers_go_with_the_newline_beside_them_and_nothing_else() {
    for (content, bytes) in [
        ("<XML>\n<?xml?>\n</XML>\n", "<?xml?>"),
        ("<XBRL>\r\na\r\n\r\n</XBRL>\r\n", "a\r\n"),
        ("<XML>\n\n a \n\n</XML>\n", "\n a \n"),
        ("<XML>\n<XML>\na\n</XML>\n</XML>\n", "<XML>\na\n</XML>"),
        ("<XBRL>a</XBRL>\n", "a"),
        ("<XML>\n</XML>\n", ""),
        ("\n<PAGE>\n\n", "\n<PAGE>\n"),
        ("<XMLX>\na\n", "<XMLX>\na"),
        ("a\n<XML>\nb\n</XML>\n", "a\n<XML>\nb\n</XML>"),
        ("", ""),
        ("\n", ""),
    ] {
        let submission = read_text(&submission(&document(content)));

        assert_eq!(contents(&submission), [bytes], "{content:?}");
        assert_eq!(submission.damage, []);
    }
}

#[test]
fn an_open_wrapper_is_told() {
    let submission = read_text(&submission(&document("<XML>\na\n")));

    assert_eq!(contents(&submission), ["a"]);
    assert_eq!(faults(&submission), [Fault::WrapperUnclosed]);
}

#[test]
fn uuencode_counts_only_at_the_first_visible_line() {
    for (content, bytes) in [
        ("begin 644 cat\n#0V%T\n\nend\n", "Cat"),
        ("<PDF>\nbegin 644 cat\n#0V%T\n`\nend\n</PDF>\n", "Cat"),
        ("\n\nbegin 600 a cat\n#0V%T\n \nend\n", "Cat"),
        ("begin to ship\n#0V%T\n", "begin to ship\n#0V%T"),
        (
            "a\nbegin 644 cat\n#0V%T\n\nend\n",
            "a\nbegin 644 cat\n#0V%T\n\nend",
        ),
    ] {
        let submission = read_text(&submission(&document(content)));

        assert_eq!(contents(&submission), [bytes], "{content:?}");
        assert_eq!(submission.documents[0].head.uuencoded, bytes == "Cat");
        assert_eq!(submission.damage, []);
    }
}

#[test]
fn broken_uuencode_is_told_and_salvaged() {
    let submission = read_text(&submission(&document("begin 644 cat\n#0V%T\n")));

    assert_eq!(contents(&submission), ["Cat"]);
    assert_eq!(faults(&submission), [Fault::UuencodeUnended]);
}

#[test]
fn tags_of_documents_are_taken_as_written() {
    let text = "<DOCUMENT>\n<TYPE>EX-99.4(A) X\n<SEQUENCE>007\n<FILENAME>a/b.htm\n\
        <DESCRIPTION>ART. 5 FDS FOR FY97 \nFORM 10-K\n<FLAWED>\n<TEXT>\n</TEXT>\n</DOCUMENT>\n";

    let head = &read_text(&submission(text)).documents[0].head;

    assert_eq!(head.document_type, "EX-99.4(A) X");
    assert_eq!(head.sequence.as_deref(), Some("007"));
    assert_eq!(head.filename, "a_b.htm");
    assert_eq!(head.filename_as_written.as_deref(), Some("a/b.htm"));
    assert_eq!(
        head.description.as_deref(),
        Some("ART. 5 FDS FOR FY97 FORM 10-K")
    );
    assert!(head.flawed);
}

#[test]
fn missing_names_are_invented_and_unique() {
    let named = document("a\n").replace("<TEXT>", "<FILENAME>1.txt\n<TEXT>");
    let bare = "<DOCUMENT>\n<TYPE>X\n<TEXT>\n</TEXT>\n</DOCUMENT>\n";
    let coded = document("begin 644 cat.gif\n#0V%T\n\nend\n");

    let submission = read_text(&submission(
        &[&document(""), &named, bare, &coded]
            .map(String::from)
            .concat(),
    ));

    let names: Vec<_> = submission
        .documents
        .iter()
        .map(|d| &*d.head.filename)
        .collect();
    assert_eq!(names, ["1.txt", "1-2.txt", "3.txt", "cat.gif"]);
}

#[test]
fn stray_lines_are_told_once_in_a_row() {
    let text = format!("{}\nstray\nstray\n{}", document("a\n"), document("b\n"));

    let submission = read_text(&submission(&text));

    assert_eq!(contents(&submission), ["a", "b"]);
    assert_eq!(faults(&submission), [Fault::StrayLine]);
    let offset = (HEADER.len() + document("a\n").len() + 1) as u64;
    assert_eq!(submission.damage[0].offset, offset);
}

#[test]
fn an_empty_tag_swallows_no_neighbours() {
    let text = "<SUBMISSION>\n<ACCESSION-NUMBER>0001999999-26-000042\n<PRIVATE-TO-PUBLIC>\n\
        <ORGANIZATION-NAME>\n<FILER>\n<COMPANY-DATA>\n<ORGANIZATION-NAME>\n\
        <CONFORMED-NAME>QUAYSIDE\n<CIK>0001999991\n</COMPANY-DATA>\n</FILER>\n</SUBMISSION>\n";

    let header = read_text(text).header;

    assert_eq!(header.filers()[0].name, "QUAYSIDE");
    assert!(header.private_to_public);
    assert_eq!(header.parties[0].organization, None);
}

#[test]
fn a_tag_inside_a_value_is_left_out() {
    let text = "<SEC-HEADER>\nCONFORMED SUBMISSION TYPE:\tD\n\
        ITEM INFORMATION:\t\t<ITEMS>06b\n</SEC-HEADER>\n";

    assert_eq!(read_text(text).header.items, ["06b"]);
}

#[test]
fn a_value_with_a_colon_is_no_key() {
    let text = "<SEC-HEADER>\n<SERIES>\n<SERIES-NAME>BATS: X\n</SERIES>\n\
        COMPANY:\n\tSTREET 2:\t\tATT: PRIVATE CREDIT\n</SEC-HEADER>\n";

    let tree = read_text(text).header.tree;

    assert_eq!(
        tree.child("series").unwrap().text("series-name"),
        Some("BATS: X")
    );
    assert_eq!(
        tree.child("company").unwrap().text("street2"),
        Some("ATT: PRIVATE CREDIT")
    );
}

#[test]
fn a_blank_value_is_absent_and_no_section() {
    let text = "<SEC-HEADER>\nFILER:\n\n\tCOMPANY DATA:\t\n\t\tORGANIZATION NAME:\n\
        \t\tCENTRAL INDEX KEY:\t\t0001999991\n\t\tSIC:\n\n\tFILING VALUES:\n\t\tFORM TYPE:\t8-K\n\
        </SEC-HEADER>\n";

    let json = serde_json::to_value(read_text(text).header.tree).unwrap();

    let filer = serde_json::json!({"filer": {
        "company-data": {"cik": "0001999991"},
        "filing-values": {"form-type": "8-K"},
    }});
    assert_eq!(json, filer);
}

#[test]
fn doubled_newlines_and_mixed_styles_are_read_line_by_line() {
    let text = "<ACCEPTANCE-DATETIME>20260303160441\n\nACCESSION NUMBER:\t\t0001999999-26-000042\n\n\
        CONFORMED SUBMISSION TYPE:\t8-K\n\n<ITEMS>2.02\n\nFILER:\n\n\tCOMPANY DATA:\n\n\
        \t\tCENTRAL INDEX KEY:\t0001999991\n\n<DEPOSITOR-CIK>0001999992\n\n\tFILING VALUES:\n\n\
        \t\tSEC FILE NUMBER:\t001-99999\n";

    let header = read_text(text).header;

    assert_eq!(
        header.accepted_at.unwrap().to_string(),
        "2026-03-03T21:04:41Z"
    );
    assert_eq!(header.items, ["2.02"]);
    assert_eq!(header.tree.text("depositor-cik"), Some("0001999992"));
    let values = &header.parties[0].filing_values;
    assert_eq!(values[0].file_number.as_deref(), Some("001-99999"));
}

#[test]
fn names_that_are_not_utf8_are_windows_1252() {
    let text = b"<SEC-HEADER>\nFILER:\n\tCOMPANY DATA:\n\t\tCOMPANY CONFORMED NAME:\tNestl\xe9 \x96 S.A.\n\
        \t\tCENTRAL INDEX KEY:\t1\n</SEC-HEADER>\n";

    assert_eq!(read(text).unwrap().header.filers()[0].name, "Nestlé – S.A.");
}

#[test]
fn a_line_broken_at_1023_characters_goes_on_in_the_next() {
    let long = "X".repeat(1000);
    let text =
        format!("<SEC-HEADER>\nGROUP MEMBERS:\t\t     {long}XX\nYY: Z\nPAPER:\tP\n</SEC-HEADER>\n");
    assert_eq!(text.lines().nth(1).unwrap().len(), 1023);

    let header = read_text(&text).header;

    assert_eq!(header.group_members, [format!("{long}XXYY: Z")]);
    assert_eq!(header.tree.text("paper"), Some("P"));
}

#[test]
fn impossible_dates_are_absent() {
    let text = "<SEC-HEADER>\nFILED AS OF DATE:\t20260231\nDATE AS OF CHANGE:\t2026\n\
        CONFORMED PERIOD OF REPORT:\t2026030x\n<ACCEPTANCE-DATETIME>20260303256199\n</SEC-HEADER>\n";

    let header = read_text(text).header;

    assert_eq!(
        (header.filed_on, header.changed_on, header.period),
        (None, None, None)
    );
    assert_eq!(header.accepted_at, None);
}

#[test]
fn repeated_keys_are_arrays_and_flags_are_empty_in_json() {
    let text = "<SEC-HEADER>\n<PRIVATE-TO-PUBLIC>\nGROUP MEMBERS:\tA\nGROUP MEMBERS:\tB\n\
        SEC ACT:\t1934 Act\nSTANDARD INDUSTRIAL CLASSIFICATION:\tMACHINERY [3569]\n</SEC-HEADER>\n";

    let json = serde_json::to_string(&read_text(text).header.tree).unwrap();

    assert_eq!(
        json,
        r#"{"private-to-public":"","group-members":["A","B"],"act":"34","assigned-sic":"3569"}"#
    );
}

#[test]
fn contents_of_any_line_end_are_kept_as_found() {
    for newline in ["\n", "\r\n", "\r"] {
        let text = submission(&document("<XML>\na\n\nb\n</XML>\n")).replace('\n', newline);

        let submission = read_text(&text);

        assert_eq!(contents(&submission), ["a\n\nb".replace('\n', newline)]);
        assert!(submission.outcome.complete && submission.damage.is_empty());
    }
}

#[test]
fn a_line_of_many_megabytes_passes_through() {
    let long = "<".to_owned() + &"/T".repeat(2_000_000);

    let submission = read_text(&submission(&document(&format!("{long}\n"))));

    assert_eq!(contents(&submission), [long]);
}

#[test]
fn a_pem_envelope_is_left_out_of_the_header() {
    let inner = submission(&document("a\n"));
    let text = format!(
        "-----BEGIN PRIVACY-ENHANCED MESSAGE-----\nProc-Type: 2001,MIC-CLEAR\n \
         MFgwCgYEVQgBAQICAf8DSgAwRwJAW2s\n\n{inner}-----END PRIVACY-ENHANCED MESSAGE-----\n"
    );

    let pem = read_text(&text);

    assert_eq!(pem.outcome.envelope, Envelope::Pem);
    assert_eq!(
        (&pem.header, &pem.documents),
        (&read_text(&inner).header, &read_text(&inner).documents)
    );
    assert!(pem.outcome.complete && pem.damage.is_empty());
}

proptest! {
    #[test]
    fn any_text_that_closes_nothing_comes_out_unchanged(lines in proptest::collection::vec("[<>/ a-zA-Z]{0,12}", 1..20)) {
        let content = format!("x\n{}\n", lines.join("\n"));

        let submission = read_text(&submission(&document(&content)));

        prop_assert_eq!(contents(&submission), [content.strip_suffix('\n').unwrap()]);
    }
}
