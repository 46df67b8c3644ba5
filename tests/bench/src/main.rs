//! The benchmark of the kernel data plane: what a judgement costs, what packets get through, what a change takes, what happens
//! under fire. `cargo xtask bench` builds it, sets the machine up and runs it.

mod cli;
mod estate;
mod fire;
mod floor;
mod gate;
mod goals;
mod machine;
mod meter;
mod peers;
mod pinned;
mod plane;
mod report;
mod scale;
mod stats;
mod traffic;
mod unit;
mod worlds;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
