//! `cargo xtask lint`: formatting, clippy, the BPF crate and rustdoc, with every warning an error.
//!
//! Host crates and the BPF crate are linted apart: in one invocation cargo would unify their features.

use anyhow::{Context, Result};

use crate::build::OBJECT_VARIABLE;
use crate::repo::Repo;
use crate::summary::Summary;
use crate::toolchain::{self, Route};
use crate::{build_ebpf, exec, say};

pub(crate) fn execute(repo: &Repo) -> Result<()> {
    let mut summary = Summary::default();
    // Independent of each other, so one run reports all that is wrong.
    summary.run("format", || format(repo));
    summary.run("clippy", || clippy_default(repo));
    let built = summary.run("bpf crate", || bpf_crate(repo));
    let mut not_run = Vec::new();
    if built {
        summary.run("clippy bpf", || clippy_kernel(repo));
    } else {
        not_run.push("clippy bpf");
    }
    summary.run("rustdoc", || rustdoc(repo));
    summary.finish("lint", &not_run)
}

fn format(repo: &Repo) -> Result<String> {
    exec::in_the_open(exec::host_cargo(repo).args(["fmt", "--all", "--check"]))
        .context("run `cargo fmt --all` (and `rustup component add rustfmt` if there is no rustfmt)")?;
    Ok("all members".to_owned())
}

fn clippy_default(repo: &Repo) -> Result<String> {
    let mut command = exec::host_cargo(repo);
    command.args(["clippy", "--locked", "--all-targets", "--", "-D", "warnings"]);
    exec::in_the_open(&mut command)?;
    Ok("default members, all targets".to_owned())
}

/// The kernel data plane and the privileged tests, which carry the object.
fn clippy_kernel(repo: &Repo) -> Result<String> {
    let mut command = exec::host_cargo(repo);
    command.args([
        "clippy",
        "--locked",
        "--all-targets",
        "--package",
        "sg-userspace",
        "--package",
        "sg-tests",
        "--package",
        "sg-bench",
    ]);
    command.args(["--features", "sg-userspace/kernel,sg-tests/privileged", "--", "-D", "warnings"]);
    exec::in_the_open(command.env(OBJECT_VARIABLE, repo.bpf_object()))?;
    Ok("sg-userspace, sg-tests and sg-bench with the kernel data plane".to_owned())
}

fn bpf_crate(repo: &Repo) -> Result<String> {
    let toolchain = toolchain::find()?;
    build_ebpf::check_strictly(repo, &toolchain)?;
    build_ebpf::build(repo, &toolchain)?;
    if toolchain.compiler.route == Route::Debian {
        say::warn(
            "clippy",
            "Debian's compiler has none; sg-ebpf was checked with rustc's warnings as errors",
        );
    }
    Ok("sg-ebpf with rustc's warnings as errors, without clippy".to_owned())
}

fn rustdoc(repo: &Repo) -> Result<String> {
    let mut command = exec::host_cargo(repo);
    exec::in_the_open(command.args(["doc", "--locked", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))?;
    Ok("default members".to_owned())
}
