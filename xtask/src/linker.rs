//! bpf-linker: found, or built once per user and LLVM version, so that a fresh clone does not build it again.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::exec;
use crate::repo::Repo;
use crate::toolchain::{Compiler, Route};

/// The release that was tried with these flags.
pub(crate) const VERSION: &str = "0.13.0";

/// A linker for that compiler which starts, if there is one.
pub(crate) fn find(compiler: &Compiler) -> Result<PathBuf> {
    let cached = cache_dir(compiler.llvm)?.join("bin/bpf-linker");
    if starts(&cached) {
        return Ok(cached);
    }
    // Beside a rustup nightly people install bpf-linker for it; beside Debian's rustc its LLVM is anybody's guess.
    if compiler.route == Route::Nightly
        && let Some(linker) = exec::on_path("bpf-linker")
        && starts(&linker)
    {
        return Ok(linker);
    }
    bail!("`{}` is not there", cached.display());
}

/// Builds the linker against the system's LLVM into the cache.
pub(crate) fn build(repo: &Repo, compiler: &Compiler) -> Result<Duration> {
    let llvm = compiler.llvm;
    let prefix = llvm_prefix(llvm);
    if !prefix.join("include").is_dir() {
        bail!(
            "bpf-linker needs LLVM {llvm} to build, and `{}` is not there; install `llvm-{llvm}-dev`",
            prefix.display()
        );
    }
    let root = cache_dir(llvm)?;
    fs::create_dir_all(&root).with_context(|| format!("cannot make `{}`", root.display()))?;
    let doing = format!("building bpf-linker {VERSION} for LLVM {llvm}, about a minute");
    let took = exec::into_log(repo, "bpf-linker", &doing, &mut install(repo, llvm, &root)).or_else(|_| {
        let mut command = install(repo, llvm, &root);
        command.env("RUSTFLAGS", format!("-L native={}", prefix.join("lib").display()));
        exec::into_log(repo, "bpf-linker", "trying again with LLVM's library path", &mut command)
    })?;
    if !starts(&root.join("bin/bpf-linker")) {
        bail!("bpf-linker was built but does not start; remove `{}` and try again", root.display());
    }
    Ok(took)
}

fn install(repo: &Repo, llvm: u32, root: &Path) -> Command {
    let mut command = exec::host_cargo(repo);
    // Away from the workspace and its settings; without a target directory cargo builds in a temporary one.
    command.current_dir(root).env_remove("CARGO_TARGET_DIR").env("LLVM_PREFIX", llvm_prefix(llvm));
    command.args([
        "install",
        "bpf-linker",
        "--version",
        VERSION,
        "--locked",
        "--force",
        "--no-default-features",
    ]);
    command.arg("--features").arg(format!("llvm-{llvm}")).arg("--root").arg(root);
    command
}

fn llvm_prefix(llvm: u32) -> PathBuf {
    PathBuf::from(format!("/usr/lib/llvm-{llvm}"))
}

/// Where this user's linker for that LLVM is kept.
fn cache_dir(llvm: u32) -> Result<PathBuf> {
    let cache = env::var_os("XDG_CACHE_HOME").filter(|dir| !dir.is_empty()).map(PathBuf::from);
    let cache = match cache {
        Some(cache) => cache,
        None => env::home_dir()
            .context("no home directory to keep bpf-linker in; set XDG_CACHE_HOME")?
            .join(".cache"),
    };
    Ok(cache.join("sgsim").join(format!("bpf-linker-{VERSION}-llvm-{llvm}")))
}

/// An interrupted build or a removed LLVM leaves a file that is no linker.
fn starts(linker: &Path) -> bool {
    linker.is_file() && exec::capture(Command::new(linker).arg("--version")).is_ok()
}
