//! Recorded files of EDGAR, read where they lie beside the repository; for tests.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{fs, path::Path};

/// A recorded file.
pub(crate) struct Recorded {
    /// Path within the folder.
    pub(crate) path: String,
    /// What it is, in the words of the manifest.
    pub(crate) kind: String,
    /// Form of its filing, as the manifest has it.
    pub(crate) form: String,
    /// Accession number, as the manifest has it.
    pub(crate) accession: String,
    /// What the manifest remarks.
    pub(crate) remarks: String,
    /// What it holds, decompressed.
    pub(crate) bytes: Vec<u8>,
}

/// Recorded files of these kinds. None, and said so, on a machine without them.
pub(crate) fn recorded(kinds: &[&str]) -> Vec<Recorded> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/edgar-fixtures");
    let Ok(manifest) = fs::read_to_string(folder.join("MANIFEST.tsv")) else {
        assert!(
            std::env::var_os("CI").is_none(),
            "recorded files are missing"
        );
        eprintln!("not run: no recorded files in {}", folder.display());
        return Vec::new();
    };
    let rows = manifest
        .lines()
        .map(|line| line.split('\t').map(str::to_owned).collect::<Vec<_>>());
    rows.filter(|row| kinds.contains(&&*row[1]))
        .map(|row| Recorded {
            bytes: bytes_of(&folder.join(&row[0])),
            path: row[0].clone(),
            kind: row[1].clone(),
            form: row[2].clone(),
            accession: row[3].clone(),
            remarks: row[7].clone(),
        })
        .collect()
}

fn bytes_of(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    match path.extension().is_some_and(|extension| extension == "zst") {
        true => zstd::decode_all(&*bytes).unwrap(),
        false => bytes,
    }
}
