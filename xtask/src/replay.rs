//! `cargo xtask replay`: a saved scenario step by step, with what each data plane makes of every event.

use std::path::PathBuf;

use anyhow::Result;

use crate::build::OBJECT_VARIABLE;
use crate::repo::Repo;
use crate::{build_ebpf, exec, test};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run it on the kernel, too; needs root and builds the BPF object
    #[arg(long)]
    kernel: bool,
    /// Scenarios as a failed run saves them, or those in `tests/regressions`
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub(crate) fn execute(repo: &Repo, args: &Args) -> Result<()> {
    let mut command = exec::host_cargo(repo);
    command.args(["run", "--quiet", "--locked", "--package", "sg-tests", "--bin", "replay"]);
    if args.kernel {
        test::require_privileges()?;
        build_ebpf::execute(repo)?;
        command.args(["--features", "privileged"]).env(OBJECT_VARIABLE, repo.bpf_object());
    }
    command.arg("--");
    for file in &args.files {
        // Cargo runs in the root, whoever calls may stand elsewhere.
        command.arg(std::path::absolute(file)?);
    }
    command.args(args.kernel.then_some("--kernel"));
    exec::in_the_open(&mut command)
}
