//! `sgsim`: parse, run, print the error chain once, set the exit code.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use sg_userspace::cli;

fn main() -> ExitCode {
    match cli::run(cli::Cli::parse()) {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(error) => {
            // Nobody can be told that nobody can be told.
            let _ = writeln!(io::stderr(), "sgsim: {error:#}");
            ExitCode::from(cli::EXIT_ERROR)
        }
    }
}
