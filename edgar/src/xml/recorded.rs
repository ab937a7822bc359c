//! Recorded XML documents, by themselves and out of submissions.
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::{recorded::recorded, sgml};

/// A recorded document, by itself or out of a submission.
pub(crate) struct Recorded {
    /// Path of its file within the folder.
    pub(crate) path: String,
    /// Its document type; `INFORMATION TABLE` for tables.
    pub(crate) document_type: String,
    pub(crate) bytes: Vec<u8>,
}

/// All documents by themselves, and those of submissions and dissemination files of these
/// forms.
pub(crate) fn documents(forms: &[&str]) -> Vec<Recorded> {
    let alone = recorded(&["xml-doc"]).into_iter().map(|file| Recorded {
        document_type: match file.remarks.contains("information table") {
            true => "INFORMATION TABLE".to_owned(),
            false => file.form,
        },
        path: file.path,
        bytes: file.bytes,
    });
    let mut documents: Vec<_> = alone.collect();
    for file in recorded(&["full-submission", "pds-nc"]) {
        if !forms.contains(&&*file.form) {
            continue;
        }
        let submission = sgml::read(&file.bytes).unwrap();
        documents.extend(submission.documents.into_iter().map(|document| Recorded {
            path: file.path.clone(),
            document_type: document.head.document_type,
            bytes: document.bytes.into_owned(),
        }));
    }
    documents
}
