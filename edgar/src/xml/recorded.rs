//! Recorded XML documents, read where they lie beside the repository.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{fs, path::Path};

use crate::sgml;

/// A recorded document, by itself or out of a submission.
pub(crate) struct Recorded {
    /// Path of its file within the folder.
    pub(crate) path: String,
    /// Its document type; `INFORMATION TABLE` for tables.
    pub(crate) document_type: String,
    pub(crate) bytes: Vec<u8>,
}

/// All documents by themselves, and those of submissions and dissemination files of these
/// forms. Empty, and said so, on a machine without them.
pub(crate) fn documents(forms: &[&str]) -> Vec<Recorded> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/edgar-fixtures");
    let Ok(manifest) = fs::read_to_string(folder.join("MANIFEST.tsv")) else {
        assert!(
            std::env::var_os("CI").is_none(),
            "recorded files are missing"
        );
        eprintln!("not run: no recorded files in {}", folder.display());
        return Vec::new();
    };
    let mut documents = Vec::new();
    for row in manifest.lines() {
        let row: Vec<&str> = row.split('\t').collect();
        let (path, kind, form, remarks) = (row[0], row[1], row[2], row[7]);
        match kind {
            "xml-doc" => documents.push(Recorded {
                path: path.to_owned(),
                document_type: match remarks.contains("information table") {
                    true => "INFORMATION TABLE".to_owned(),
                    false => form.to_owned(),
                },
                bytes: fs::read(folder.join(path)).unwrap(),
            }),
            "full-submission" | "pds-nc" if forms.contains(&form) => {
                let bytes = fs::read(folder.join(path)).unwrap();
                let submission = sgml::read(&bytes).unwrap();
                documents.extend(submission.documents.into_iter().map(|document| Recorded {
                    path: path.to_owned(),
                    document_type: document.head.document_type,
                    bytes: document.bytes,
                }));
            }
            _ => {}
        }
    }
    documents
}
