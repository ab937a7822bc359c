//! Logs: to stderr, as text or as JSON lines.

use std::io::IsTerminal;

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// Starts logging. `loudness` counts `-v` less `-q`: 0 is info.
pub(crate) fn init(format: LogFormat, loudness: i8) {
    // HTTP/2 warns of what strangers do, who could fill a disk so.
    let level = match loudness {
        ..=-2 => "error",
        -1 => "warn,h2=error",
        0 => "info,h2=error",
        1 => "info,h2=error,filingwire=debug,monitors=debug,sec_client=debug,eventlog=debug",
        _ => "debug",
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(level))
        .with_writer(std::io::stderr)
        // Told to the same stderr, and a panic where that is gone.
        .log_internal_errors(false)
        .with_ansi(std::io::stderr().is_terminal());
    // A second start in the same process, as in tests, keeps the first one's logging.
    let _ = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}

/// An error with what caused it, for one line.
pub(crate) fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = anyhow::Chain::new(error).map(ToString::to_string);
    causes.collect::<Vec<_>>().join(": ")
}
