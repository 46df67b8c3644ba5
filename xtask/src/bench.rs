//! `cargo xtask bench`: sets the machine up, builds the benchmark and runs it.

use std::process::Command;

use anyhow::Result;

use crate::build::OBJECT_VARIABLE;
use crate::repo::Repo;
use crate::setup::{self, Purpose};
use crate::{build_ebpf, exec, packages, say, test};

/// The variable by which the benchmark finds the programs that it compares with.
const FLOOR_VARIABLE: &str = "SGSIM_FLOOR_OBJECT";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// What the benchmark takes: `--full`, `--only traffic`, `--help`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTIONS")]
    options: Vec<String>,
}

pub(crate) fn execute(repo: &Repo, args: &Args) -> Result<()> {
    test::require_privileges()?;
    say::heading("set-up");
    setup::run(repo, Purpose::Run)?;
    if let Err(why) = setup::package_list(repo, "peers", packages::PEERS) {
        say::warn(
            "peers",
            format_args!("{why:#}; `traffic` needs them all, `scale` compares with what there is"),
        );
    }
    say::heading("build");
    build_ebpf::execute(repo)?;
    build(repo)?;
    say::heading("bench");
    exec::in_the_open(command(repo).args(&args.options))
}

/// The regression gate, in ci, where set-up and the objects have been steps of their own.
pub(crate) fn in_ci(repo: &Repo) -> Result<String> {
    build(repo)?;
    exec::in_the_open(command(repo).arg("--gate"))?;
    Ok("unit-cost ratios and program sizes".to_owned())
}

fn build(repo: &Repo) -> Result<()> {
    let mut cargo = exec::host_cargo(repo);
    cargo.args(["build", "--release", "--locked", "--package", "sg-bench"]);
    exec::in_the_open(cargo.env(OBJECT_VARIABLE, repo.bpf_object()))
}

fn command(repo: &Repo) -> Command {
    let mut command = Command::new(repo.target.join("release/sg-bench"));
    command.current_dir(&repo.root).env(FLOOR_VARIABLE, repo.floor_object());
    command.arg("--results").arg(repo.target.join("bench"));
    command
}
