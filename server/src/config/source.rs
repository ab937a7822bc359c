//! Where configuration comes from: defaults, then the file, then the environment, then
//! the flags; each over the one before.

use std::{ffi::OsString, fs, io, path::Path};

use toml::{Table, Value};

use super::{ConfigError, raw::Raw};

/// Values from the command line, by key path.
pub type Overrides = Vec<(&'static str, String)>;

/// What a key may be called in the environment.
const PREFIX: &str = "FILINGWIRE__";

/// The effective tree.
///
/// # Errors
/// A [`ConfigError`] for a file that cannot be read, an unknown key (with the nearest
/// known one), or a value of the wrong type.
pub fn load(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
    flags: &Overrides,
) -> Result<Raw, ConfigError> {
    let mut tree = Table::try_from(Raw::default()).expect("the defaults are a table");
    if let Some(file) = file {
        merge(&mut tree, read(file)?, "")?;
    }
    for (name, text) in environment {
        // Other programs' variables may hold any bytes.
        let Some(path) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else {
            continue;
        };
        let path = path.to_ascii_lowercase().replace("__", ".");
        let text = text
            .to_str()
            .ok_or_else(|| ConfigError::new(&path, "is not UTF-8"))?;
        set(&mut tree, &path, text)?;
    }
    for (path, text) in flags {
        set(&mut tree, path, text)?;
    }
    tree.try_into().map_err(|error: toml::de::Error| {
        ConfigError::new("configuration", error.message().to_owned())
    })
}

fn read(file: &Path) -> Result<Table, ConfigError> {
    let name = file.display().to_string();
    let text = fs::read_to_string(file).map_err(|error| {
        let remedy = match error.kind() {
            io::ErrorKind::NotFound => "there is no such file; check --config",
            _ => "the file cannot be read; check its permissions",
        };
        ConfigError::new(&name, format!("{remedy} ({error})"))
    })?;
    text.parse().map_err(|error: toml::de::Error| {
        // The error's own text shows the line, in which a secret may stand.
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.unwrap_or_default().lines().count().max(1);
        let what = error.message();
        ConfigError::new(&name, format!("is not TOML: line {line}: {what}"))
    })
}

/// Lays `over` upon `tree`, where every key must be and have the same type.
fn merge(tree: &mut Table, over: Table, prefix: &str) -> Result<(), ConfigError> {
    for (name, value) in over {
        let path = format!("{prefix}{name}");
        let Some(known) = tree.get_mut(&name) else {
            return Err(unknown(&path));
        };
        match (known, value) {
            (Value::Table(known), Value::Table(value)) => merge(known, value, &format!("{path}."))?,
            (known, value) if known.same_type(&value) => *known = checked(&path, value)?,
            (known, value) => {
                let message = format!(
                    "must be {}, not {}",
                    article(known.type_str()),
                    article(value.type_str())
                );
                return Err(ConfigError::new(path, message));
            }
        }
    }
    Ok(())
}

/// Sets one key from a text, read as the type the key has.
fn set(tree: &mut Table, path: &str, text: &str) -> Result<(), ConfigError> {
    let mut parts = path.split('.');
    let last = parts.next_back().unwrap_or_default();
    let mut table = tree;
    for part in parts {
        table = table
            .get_mut(part)
            .and_then(Value::as_table_mut)
            .ok_or_else(|| unknown(path))?;
    }
    let known = table.get_mut(last).ok_or_else(|| unknown(path))?;
    let wrong = |what| ConfigError::new(path, format!("`{text}` is not {what}"));
    *known = match known {
        Value::String(_) => Value::String(text.to_owned()),
        Value::Integer(_) => checked(
            path,
            Value::Integer(text.parse().map_err(|_| wrong("a whole number"))?),
        )?,
        Value::Boolean(_) => Value::Boolean(text.parse().map_err(|_| wrong("true or false"))?),
        Value::Array(_) => {
            let parts = text.split(',').map(str::trim);
            let parts = parts.filter(|part| !part.is_empty());
            Value::Array(parts.map(|part| Value::String(part.to_owned())).collect())
        }
        _ => return Err(unknown(path)),
    };
    Ok(())
}

fn checked(path: &str, value: Value) -> Result<Value, ConfigError> {
    let most = if path.ends_with("_bytes") {
        i64::MAX
    } else {
        u32::MAX.into()
    };
    match value {
        Value::Integer(number) if !(0..=most).contains(&number) => Err(ConfigError::new(
            path,
            format!("`{number}` must be 0 to {most}"),
        )),
        Value::Array(list) if !list.iter().all(Value::is_str) => {
            Err(ConfigError::new(path, "must be a list of texts"))
        }
        value => Ok(value),
    }
}

fn article(kind: &str) -> String {
    let article = if kind.starts_with(['a', 'i']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {kind}")
}

fn unknown(path: &str) -> ConfigError {
    let defaults = Table::try_from(Raw::default()).expect("the defaults are a table");
    let mut known = Vec::new();
    paths(&defaults, "", &mut known);
    let nearest = known
        .iter()
        .min_by_key(|key| strsim::damerau_levenshtein(path, key))
        .expect("there are keys");
    ConfigError::new(path, format!("is no known key; did you mean `{nearest}`?"))
}

/// The paths of all keys below `table`.
pub(super) fn paths(table: &Table, prefix: &str, found: &mut Vec<String>) {
    for (name, value) in table {
        match value {
            Value::Table(inner) => paths(inner, &format!("{prefix}{name}."), found),
            _ => found.push(format!("{prefix}{name}")),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    fn from_file(text: &str) -> Result<Raw, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("filingwire.toml");
        fs::write(&file, text).unwrap();
        load(Some(&file), [], &Vec::new())
    }

    #[test]
    fn flags_win_over_environment_and_environment_over_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("filingwire.toml");
        fs::write(
            &file,
            "listen = '1.1.1.1:1'\n[monitors.atom]\npoll_interval_ms = 500\n",
        )
        .unwrap();
        let environment = [
            ("FILINGWIRE__LISTEN".into(), "2.2.2.2:2".into()),
            ("FILINGWIRE__MONITORS__EFTS__ENABLED".into(), "false".into()),
            ("HOME".into(), OsString::from_vec(vec![0xff])),
        ];

        let raw = load(
            Some(&file),
            environment,
            &vec![("listen", "3.3.3.3:3".into())],
        )
        .unwrap();

        assert_eq!(raw.listen, "3.3.3.3:3");
        assert!(!raw.monitors.efts.enabled);
        assert_eq!(raw.monitors.atom.poll_interval_ms, 500);
    }

    #[test]
    fn an_unknown_key_is_named_with_the_nearest_known_one() {
        let error = from_file("[edgar]\ncontcat = 'me@example.com'\n").unwrap_err();

        assert_eq!(error.key, "edgar.contcat");
        assert!(error.message.contains("`edgar.contact`"), "{error}");
    }

    #[test]
    fn a_wrong_type_or_range_names_its_key() {
        let typed = from_file("[edgar]\nrequests_per_second = 'many'\n").unwrap_err();
        let ranged = from_file("log_retention_days = -1\n").unwrap_err();
        let bytes = from_file("[disk]\nreserve_bytes = -1\n").unwrap_err();
        let table = from_file("edgar = 5\n").unwrap_err();

        assert_eq!(
            typed.to_string(),
            "configuration, `edgar.requests_per_second`: must be an integer, not a string"
        );
        assert_eq!(ranged.key, "log_retention_days");
        assert_eq!(bytes.key, "disk.reserve_bytes");
        assert_eq!(table.key, "edgar");
    }

    #[test]
    fn a_list_is_one_of_texts_and_has_commas_in_the_environment() {
        let name = "FILINGWIRE__TLS__ACME__DOMAINS";
        let environment = [(name.into(), "a.example, b.example".into())];

        let raw = load(None, environment, &Vec::new()).unwrap();
        let mixed = from_file("[tls.acme]\ndomains = ['a.example', 5]\n").unwrap_err();

        assert_eq!(raw.tls.acme.domains, ["a.example", "b.example"]);
        assert_eq!(mixed.key, "tls.acme.domains");
    }

    #[test]
    fn a_line_that_is_no_toml_is_told_by_its_number_and_not_shown() {
        let text = "[archive.s3]\nregion = 'x'\nsecret_access_key = hush\n";

        let error = from_file(text).unwrap_err().to_string();

        assert!(error.contains("line 3"), "{error}");
        assert!(!error.contains("hush"), "{error}");
    }

    #[test]
    fn the_environment_is_as_strict_as_the_file() {
        let unknown = [("FILINGWIRE__EDGAR__CONTACTS".into(), "x".into())];
        let typed = [("FILINGWIRE__AUTH__REQUIRED".into(), "maybe".into())];

        assert_eq!(
            load(None, unknown, &Vec::new()).unwrap_err().key,
            "edgar.contacts"
        );
        assert_eq!(
            load(None, typed, &Vec::new()).unwrap_err().key,
            "auth.required"
        );
    }

    #[test]
    fn the_example_file_lists_every_key_with_its_default() {
        let example = include_str!("../../../filingwire.example.toml");
        let keys_on: String = example
            .lines()
            .map(|line| {
                line.strip_prefix('#')
                    .filter(|l| !l.starts_with(' '))
                    .unwrap_or(line)
            })
            .fold(String::new(), |text, line| text + line + "\n");
        let table: Table = keys_on.parse().unwrap();
        let (mut shown, mut known) = (Vec::new(), Vec::new());
        paths(&table, "", &mut shown);
        paths(&Table::try_from(Raw::default()).unwrap(), "", &mut known);
        shown.sort();
        known.sort();

        let mut raw: Raw = table.try_into().unwrap();
        raw.edgar.contact.clear();

        assert_eq!(shown, known);
        assert_eq!(raw, Raw::default());
    }
}
