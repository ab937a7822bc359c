//! `filingwire keys`: make, list and revoke API keys, also beside a running server.

use clap::{Args, Subcommand};
use jiff::SignedDuration;
use protocol::time::Timestamp;

use super::{Failure, Global, say};
use crate::{
    config::raw::Raw,
    keys::{ApiKey, KeyFile, NewKey, Scope, parse_name, parse_span},
};

/// Make, list and revoke API keys
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  KEY=$(filingwire keys create --name desk --expires 90d)
  filingwire keys list
  filingwire keys revoke 3fXk92Lq")]
pub(super) struct Keys {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a key and print it, once
    #[command(after_help = "Example:
  KEY=$(filingwire keys create --name desk --scopes stream,read --expires 90d)")]
    Create(Create),
    /// List all keys, without their secrets
    #[command(after_help = "Example:\n  filingwire keys list")]
    List,
    /// Revoke a key; its open sockets close within a second
    #[command(after_help = "Example:\n  filingwire keys revoke 3fXk92Lq")]
    Revoke {
        /// The key's id, as `keys list` shows it
        id: String,
    },
}

#[derive(Debug, Args)]
struct Create {
    /// Whose key it is
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    name: String,
    /// What it may do: stream, read, archive, metrics, admin
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "SCOPES",
        default_value = "stream,read,archive"
    )]
    scopes: Vec<Scope>,
    /// When it ends by itself, such as 90d, 12h or 30m
    #[arg(long, value_name = "TIME", value_parser = parse_span)]
    expires: Option<SignedDuration>,
    /// Most connections at a time
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_connections: Option<u32>,
}

impl Keys {
    pub(super) fn run(self, global: &Global) -> Result<(), Failure> {
        // A key needs no contact, so the tree is used unchecked.
        let Raw { data_dir, .. } = global.raw(Vec::new())?;
        let file = KeyFile::new(std::path::Path::new(&data_dir).join("keys.json"));
        let now = Timestamp::now();
        match self.command {
            Command::Create(create) => {
                let key = file.create(create.into_new_key(now), now)?;
                say(&format!("{key}\n"))
            }
            Command::List => say(&list(file.read()?.all(), now)),
            Command::Revoke { id } => Ok(file.revoke(&id, now)?),
        }
    }
}

impl Create {
    fn into_new_key(self, now: Timestamp) -> NewKey {
        NewKey {
            name: self.name,
            scopes: self.scopes.into_iter().collect(),
            expires_at: self.expires.and_then(|span| now.checked_add(span).ok()),
            max_connections: self.max_connections,
        }
    }
}

fn list(keys: &[ApiKey], now: Timestamp) -> String {
    let width = keys
        .iter()
        .map(|key| key.name.chars().count())
        .max()
        .unwrap_or(0)
        .max(4);
    let head = format!(
        "{:8}  {:width$}  {:8}  {:20}  scopes",
        "id", "name", "state", "expires"
    );
    let row = |key: &ApiKey| {
        let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.as_str()).collect();
        let expires = key
            .expires_at
            .map_or("never".to_owned(), |end| format!("{end:.0}"));
        let scopes = scopes.join(",");
        format!(
            "{:8}  {:width$}  {:8}  {expires:20}  {scopes}",
            key.id,
            key.name,
            key.state(now)
        )
    };
    let lines: Vec<String> = std::iter::once(head).chain(keys.iter().map(row)).collect();
    lines.join("\n") + "\n"
}
