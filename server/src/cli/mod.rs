//! What a user types: commands, flags, exit codes.
//!
//! Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 failed, 2 wrong
//! usage or configuration. Each command is a module of its own.

mod ask;
mod backfill;
mod check_config;
mod demo;
mod get;
mod health;
mod keys;
mod parse;
mod reconcile;
mod serve;
mod simulate;
mod tail;
mod whole_file;

use std::{fmt::Display, io::Write, mem::ManuallyDrop, path::PathBuf, process::ExitCode};

use clap::{ArgAction, Args, Parser, Subcommand};
use monitors::clock::Clock;

use crate::{
    config::{self, Config, ConfigError, Overrides, raw::Raw},
    telemetry::{self, LogFormat},
};

/// Live SEC filings: every one, durable, provable, at once.
#[derive(Debug, Parser)]
#[command(
    name = "filingwire",
    version,
    after_help = "Examples:
  filingwire demo                                  everything, on a simulated EDGAR
  filingwire serve --contact you@example.com       against the real EDGAR
  filingwire tail --forms 8-K                      filings in the terminal"
)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// The environment's name of the configuration file.
const CONFIG_VARIABLE: &str = "FILINGWIRE_CONFIG";

/// Flags of every command.
#[derive(Debug, Clone, Args)]
struct Global {
    /// Configuration file (TOML); filingwire.example.toml lists every key
    #[arg(long, global = true, value_name = "FILE", env = CONFIG_VARIABLE)]
    config: Option<PathBuf>,
    /// Where everything is written; key `data_dir`
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// How log lines on stderr look
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        value_enum,
        default_value = "text"
    )]
    log: LogFormat,
    /// More log lines
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    /// Fewer log lines
    #[arg(short, long, global = true, action = ArgAction::Count)]
    quiet: u8,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Demo),
    Serve(serve::Serve),
    Simulate(simulate::Simulate),
    Tail(tail::Tail),
    Keys(keys::Keys),
    Get(get::Get),
    Reconcile(reconcile::Reconcile),
    Backfill(backfill::Backfill),
    Health(health::Health),
    Parse(parse::Parse),
    CheckConfig(check_config::CheckConfig),
}

/// Why a command ends without success.
#[derive(Debug)]
enum Failure {
    /// Wrong usage or configuration: exit code 2.
    Usage(String),
    /// It was tried and failed: exit code 1.
    Failed(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        // Some mistakes in the configuration show only when it is used.
        match error.downcast::<ConfigError>() {
            Ok(mistake) => mistake.into(),
            Err(error) => Self::Failed(error),
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Usage(error.to_string())
    }
}

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    main_by(Clock::system())
}

/// The same, with a server that lives by `clock`: for tests of what takes hours.
pub fn main_by(clock: Clock) -> ExitCode {
    let cli = Cli::parse();
    let global = &cli.global;
    telemetry::init(global.log, global.verbose as i8 - global.quiet as i8);
    let done = match cli.command {
        Command::Demo(command) => global.unused("demo").and_then(|()| run(command.run())),
        Command::Serve(command) => run(command.run(global, clock)),
        Command::Simulate(command) => global.unused("simulate").and_then(|()| run(command.run())),
        Command::Tail(command) => run(command.run(global)),
        Command::Keys(command) => command.run(global),
        Command::Get(command) => run(command.run(global)),
        Command::Reconcile(command) => run(command.run(global, clock)),
        Command::Backfill(command) => run(command.run(global, clock)),
        Command::Health(command) => run(command.run(global)),
        Command::Parse(command) => global.unused("parse").and_then(|()| command.run()),
        Command::CheckConfig(command) => command.run(global),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(message)) => {
            tell(message);
            ExitCode::from(2)
        }
        Err(Failure::Failed(error)) => {
            tell(format_args!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::Failed(anyhow::Error::from(error).context("cannot start the runtime"))
        })?;
    // Never dropped, not by a panic either: that would wait for every thread, one that holds a
    // download's disk work or one that nobody has told to stop. Nothing depends on their end.
    ManuallyDrop::new(runtime).block_on(command)
}

impl Global {
    /// For a command that no configuration changes: a flag without effect would mislead. The
    /// environment is not the command's and may name a file for others.
    fn unused(&self, command: &str) -> Result<(), Failure> {
        let named = std::env::var_os(CONFIG_VARIABLE).map(PathBuf::from);
        let config = self.config.as_ref().filter(|_| self.config != named);
        let flag = match (config, &self.data_dir) {
            (Some(_), _) => "--config",
            (None, Some(_)) => "--data-dir",
            (None, None) => return Ok(()),
        };
        Err(Failure::Usage(format!(
            "`{command}` reads no configuration and keeps no data; leave {flag} out"
        )))
    }

    /// The effective tree of values; flags of a command come on top.
    fn raw(&self, flags: Overrides) -> Result<Raw, ConfigError> {
        let data_dir = self
            .data_dir
            .as_ref()
            .map(|dir| ("data_dir", dir.display().to_string()));
        let flags = data_dir.into_iter().chain(flags).collect();
        // `FILINGWIRE_CONFIG` and the like are no keys: those have two underscores.
        config::load(self.config.as_deref(), std::env::vars_os(), &flags)
    }

    /// The checked configuration.
    fn config(&self, flags: Overrides) -> Result<Config, ConfigError> {
        Config::check(&self.raw(flags)?)
    }
}

/// A day.
fn parse_date(text: &str) -> Result<protocol::time::Date, String> {
    text.parse()
        .map_err(|_| format!("`{text}` is no day; write YYYY-MM-DD, such as 2026-03-03"))
}

/// A number of filings a second.
fn parse_rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| format!("`{text}` is no number"))?;
    if (0.0..=1_000.0).contains(&rate) {
        Ok(rate)
    } else {
        Err("must be 0 to 1000".to_owned())
    }
}

/// Tells the user on stderr. Nobody may be there any more, which is no reason to stop.
fn tell(what: impl Display) {
    let _ = writeln!(std::io::stderr(), "filingwire: {what}");
}

/// Writes a result to stdout. A reader that has gone away has all it wanted.
fn say(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::Failed(
            anyhow::Error::from(error).context("cannot write to stdout"),
        )),
        _ => Ok(()),
    }
}

/// Completes when the user or the system asks the program to stop.
async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signals) => drop(signals.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminate => {}
    }
}
