//! `sgsim`: parse, run, print the error chain once, set the exit code.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use sg_userspace::cli;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let format = cli.format();
    match cli::run(cli) {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(error) => {
            // Nobody can be told that nobody can be told.
            let _ = writeln!(io::stderr(), "{}", cli::failure::text(&error, format));
            ExitCode::from(cli::EXIT_ERROR)
        }
    }
}
