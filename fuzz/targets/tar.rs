//! Tar objects: any beginning is read without harm, and of every submission each document is
//! where the object says.
#![no_main]

use edgar::{
    media, sgml,
    tar::{Contents, Layout, Member},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Ok(contents) = Contents::parse(input) {
        let in_order = |entry: &edgar::tar::Entry| entry.start <= entry.end;
        assert!(contents.documents.iter().all(in_order));
    }
    let Ok(submission) = sgml::read(input) else {
        return;
    };
    let member = |document: &sgml::Content<'_>| Member {
        head: document.head.clone(),
        stored_bytes: document.bytes.len() as u64,
    };
    let members: Vec<_> = submission.documents.iter().map(member).collect();
    let layout = Layout::new(&submission.header, &members).expect("the input is short");

    let mut object = layout.beginning();
    for (place, document) in submission.documents.iter().enumerate() {
        assert!(media::of(&document.bytes).contains('/'));
        object.extend(layout.before(place));
        object.extend(&*document.bytes);
        object.extend(layout.after(place));
    }
    object.extend(layout.end());

    assert_eq!(object.len() as u64, layout.bytes());
    let contents = Contents::parse(&object).expect("it is one of ours");
    assert_eq!(contents.documents.len(), submission.documents.len());
    for (entry, document) in contents.documents.iter().zip(&submission.documents) {
        let stored = &object[entry.start as usize..entry.end as usize];
        assert_eq!(entry.filename, document.head.filename);
        assert_eq!(stored, &*document.bytes);
    }
});
