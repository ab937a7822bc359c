//! The layers hold: arrows point down only, and every file says what it owns.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// Which of our crates each crate may use. `filingwire` is the folder `server`.
const MAY_USE: [(&str, &[&str]); 13] = [
    ("protocol", &[]),
    ("crashpoint", &[]),
    ("sec-client", &[]),
    ("edgar", &["protocol"]),
    ("eventlog", &["protocol", "crashpoint"]),
    ("archive", &["protocol", "crashpoint"]),
    ("simulator", &["protocol"]),
    ("client-examples", &["protocol"]),
    ("monitors", &["protocol", "edgar", "sec-client"]),
    ("daily", &["protocol", "edgar", "sec-client", "archive"]),
    (
        "filingwire",
        &[
            "protocol",
            "crashpoint",
            "sec-client",
            "edgar",
            "eventlog",
            "archive",
            "simulator",
            "monitors",
            "daily",
        ],
    ),
    (
        "tests",
        &[
            "filingwire",
            "simulator",
            "protocol",
            "crashpoint",
            "monitors",
        ],
    ),
    (
        "bench",
        &[
            "filingwire",
            "simulator",
            "protocol",
            "monitors",
            "daily",
            "edgar",
            "archive",
            "eventlog",
        ],
    ),
];

/// Crates from elsewhere that a crate must not use itself.
const MUST_NOT_USE: [(&str, &[&str]); 3] = [
    ("protocol", &["tokio", "reqwest", "axum"]),
    ("edgar", &["tokio", "reqwest", "axum"]),
    ("monitors", &["reqwest"]),
];

fn metadata() -> Value {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

fn packages() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = metadata();
    let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
    let dependencies = |package: &Value| {
        package["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .map(name)
            .collect()
    };
    metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| (name(p), dependencies(p)))
        .collect()
}

#[test]
fn arrows_point_down_only() {
    let packages = packages();
    let ours: BTreeSet<&str> = packages.keys().map(String::as_str).collect();
    let known: BTreeSet<&str> = MAY_USE.iter().map(|(name, _)| *name).collect();

    assert_eq!(ours, known, "every crate has its layer");
    for (name, allowed) in MAY_USE {
        let used = packages[name]
            .iter()
            .map(String::as_str)
            .filter(|used| ours.contains(used));
        for used in used {
            assert!(allowed.contains(&used), "`{name}` must not use `{used}`");
        }
    }
}

#[test]
fn the_vocabulary_and_the_formats_know_no_network() {
    let packages = packages();
    for (name, banned) in MUST_NOT_USE {
        for used in &packages[name] {
            assert!(
                !banned.contains(&used.as_str()),
                "`{name}` must not use `{used}`"
            );
        }
    }
}

#[test]
fn the_binary_is_the_default_member() {
    let metadata = metadata();
    let members = metadata["workspace_default_members"].as_array().unwrap();

    assert_eq!(members.len(), 1);
    assert!(
        members[0].as_str().unwrap().contains("server"),
        "{members:?}"
    );
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            sources(&path, found);
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_file_says_what_it_owns_and_stays_readable() {
    let mut files = Vec::new();
    sources(&root(), &mut files);
    assert!(files.len() > 50);

    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        let code = code.split("#[cfg(test)]\n#[allow").next().unwrap();
        let lines = code.lines().count();
        assert!(
            text.starts_with("//!"),
            "{} does not say what it owns",
            file.display()
        );
        let is_test = file
            .components()
            .any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs");
        assert!(
            is_test || lines <= 500,
            "{} has {lines} lines",
            file.display()
        );
    }
}
