//! `cargo xtask build`: the BPF object, then the `sgsim` binary that carries it.

use std::env;
use std::path::Path;

use anyhow::{Context, Result};

use crate::repo::Repo;
use crate::{build_ebpf, exec, say};

/// The variable by which sg-userspace's build script finds the object.
pub(crate) const OBJECT_VARIABLE: &str = "SGSIM_BPF_OBJECT";

pub(crate) fn execute(repo: &Repo) -> Result<()> {
    build_ebpf::execute(repo)?;
    let mut command = exec::host_cargo(repo);
    command.args(["build", "--release", "--locked", "--package", "sg-userspace", "--features", "kernel"]);
    command.env(OBJECT_VARIABLE, repo.bpf_object());
    exec::in_the_open(&mut command).context("sgsim does not build")?;
    let binary = repo.sgsim();
    say::found("sgsim", repo.show(&binary));
    if !is_on_path(&binary) {
        say::detail("", format_args!("to type just `sgsim`: install {} /usr/local/bin/", binary.display()));
    }
    Ok(())
}

fn is_on_path(binary: &Path) -> bool {
    let dirs = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&dirs).any(|dir| Some(dir.as_path()) == binary.parent())
}
