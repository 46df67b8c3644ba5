//! The log of a process that goes on: lines on its error output, for people or for programs.

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

/// Which lines are written: a filter such as `info` or `sgsim=debug`.
const FILTER_VARIABLE: &str = "SGSIM_LOG";

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(super) struct LogArgs {
    /// Write the log in this form, with a line for every request
    #[arg(long, value_enum, env = "SGSIM_LOG_FORMAT", value_name = "FORMAT")]
    log_format: Option<LogFormat>,
}

/// The form of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// Time, level, place, sentence, fields
    Text,
    /// One JSON object
    Json,
}

impl LogArgs {
    /// Begins the log. Without a form and a filter, of what is as grave as `quiet` says.
    pub(super) fn begin(self, quiet: &str) {
        let default = if self.log_format.is_some() { "info" } else { quiet };
        let filter = EnvFilter::try_from_env(FILTER_VARIABLE).unwrap_or_else(|_| EnvFilter::new(default));
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
        match self.log_format {
            Some(LogFormat::Json) => log.json().flatten_event(true).init(),
            Some(LogFormat::Text) | None => log.with_ansi(false).init(),
        }
    }
}
