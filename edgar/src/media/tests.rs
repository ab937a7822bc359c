//! Documents of every kind, by hand and as recorded.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::{recorded::recorded, sgml};

const SHEET: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const WORD: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

/// A zip entry of this name, without content.
fn entry(name: &str) -> Vec<u8> {
    let length = u8::try_from(name.len()).unwrap();
    let head = [&b"PK\x03\x04"[..], &[0; 22], &[length, 0, 0, 0]].concat();
    [head, name.into()].concat()
}

fn all_are(media: &str, beginnings: &[&[u8]]) {
    for beginning in beginnings {
        let text = String::from_utf8_lossy(beginning);
        assert_eq!(of(beginning), media, "{text}");
    }
}

#[test]
fn images_are_what_they_begin_with() {
    all_are("image/png", &[b"\x89PNG\r\n\x1a\n\0\0"]);
    all_are("image/gif", &[b"GIF87a\x01", b"GIF89a\x01"]);
    all_are("image/jpeg", &[b"\xff\xd8\xff\xe0\0"]);
    all_are("image/bmp", &[b"BM\x36\x10\0\0\0\0\0\0"]);
    all_are("image/tiff", &[b"II*\0\x08", b"MM\0*\0"]);
    all_are("image/webp", &[b"RIFF\x24\0\0\0WEBPVP8 "]);
}

#[test]
fn a_zip_is_what_the_names_in_it_say() {
    let types = entry("[Content_Types].xml");
    all_are("application/zip", &[&types, b"PK\x05\x06\0\0"]);
    all_are(SHEET, &[&[&types[..], &entry("xl/workbook.xml")].concat()]);
    all_are(WORD, &[&[&types[..], &entry("word/document.xml")].concat()]);
    // Compressed bytes may spell a folder.
    all_are("application/zip", &[&[&types[..], b"..xl/.."].concat()]);
}

#[test]
fn other_files_are_what_they_begin_with() {
    all_are("application/pdf", &[b"%PDF-1.7\n"]);
    all_are("application/gzip", &[b"\x1f\x8b\x08\0"]);
    all_are("application/octet-stream", &[b"a\0b", b"\x89PN\0"]);
}

#[test]
fn html_may_stand_behind_declarations_and_comments() {
    all_are(
        "text/html",
        &[
            b"\xef\xbb\xbf <!DOCTYPE html>",
            b"\n<HTML>\n<HEAD>",
            b"<!-- made by x -->\n<!-- <xml> -->\n<HTML>",
            b"<?xml version='1.0'?><!-- x --><html xmlns:ix=\"x\">",
            b"<P STYLE=\"margin:0\">",
            b"<BODY>",
        ],
    );
}

#[test]
fn xml_is_told_by_declaration_namespace_or_mixed_case() {
    all_are(
        "application/xml",
        &[
            b"\n\n<?xml version=\"1.0\"?><ownershipDocument>",
            b"<?xml version='1.0'?><FilingSummary><HtmlFileName>R1.htm",
            b"<edgarsubmission xmlns=\"http://x\">",
            b"<ownershipDocument>\n",
        ],
    );
}

#[test]
fn json_is_an_object_with_a_key() {
    all_are(
        "application/json",
        &[b"{\n \"version\": \"2.2\"", b"[ {\"a\" :1}]"],
    );
    all_are("text/plain", &[b"[LOGO]", b"{\"", b"{ see note }", b"[["]);
}

#[test]
fn code_is_told_behind_its_comments() {
    all_are(
        "text/javascript",
        &[
            b"// made by x\nvar Show={};Show.LastAR=null",
            b"/* x */ function show (a) {}",
            b"\"use strict\";",
        ],
    );
    all_are(
        "text/css",
        &[
            b"/* v2 */\n\n/* x */\n.report table.a{\n\tcolor: #def;",
            b"a:hover, a { border:0 }",
        ],
    );
    all_are(
        "text/plain",
        &[b"/* x", b"// x", b"various = {", b"a = {b:"],
    );
}

#[test]
fn texts_that_look_like_something_else_are_texts() {
    all_are(
        "text/plain",
        &[
            b"",
            b"BMO FINANCIAL GROUP",
            b"GIF images are attached",
            b"<TABLE> <S> <C>\n<CASH> 5 xmlns",
            b"<PAGE>\nForm 10-K",
            b"\xff\xfea\0b\0",
            b"let us know; function follows form {x:y}",
            b"<",
        ],
    );
}

/// What the name of a recorded document promises, when it promises anything.
fn promised(name: &str) -> Option<&'static str> {
    Some(
        match name.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
            "htm" | "html" => "text/html",
            "xml" | "xsd" => "application/xml",
            "json" => "application/json",
            "js" => "text/javascript",
            "css" => "text/css",
            "txt" => "text/plain",
            "jpg" => "image/jpeg",
            "gif" => "image/gif",
            "png" => "image/png",
            "pdf" => "application/pdf",
            "zip" => "application/zip",
            "xlsx" => SHEET,
            _ => return None,
        },
    )
}

/// Names and bytes of recorded documents: in submissions and by themselves.
fn documents() -> Vec<(String, Vec<u8>)> {
    let mut documents = Vec::new();
    for file in recorded(&["filing-folder", "xml-doc", "xbrl-instance", "ixbrl-main"]) {
        documents.push((file.path.trim_end_matches(".zst").to_owned(), file.bytes));
    }
    for file in recorded(&["full-submission", "pds-nc", "html-main"]) {
        let submission = sgml::read(&file.bytes).unwrap();
        let named = |document: sgml::Content| (document.head.filename, document.bytes.into_owned());
        documents.extend(submission.documents.into_iter().map(named));
    }
    documents
}

#[test]
fn recorded_documents_are_what_their_names_promise_but_for_a_known_lie() {
    let documents = documents();
    let promises: Vec<_> = documents
        .iter()
        .filter_map(|(name, bytes)| Some((name.as_str(), promised(name)?, of(bytes))))
        .collect();

    let lies: Vec<_> = promises
        .iter()
        .filter(|(_, promised, media)| promised != media)
        .map(|(name, _, media)| (*name, *media))
        .collect();

    assert!(
        documents.is_empty() || promises.len() > 500,
        "{}",
        promises.len()
    );
    let known = [("tm2429876d1_sf3sp1img001.jpg", "image/gif")];
    assert!(documents.is_empty() || lies == known, "{lies:?}");
}
