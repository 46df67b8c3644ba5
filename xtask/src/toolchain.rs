//! Which compiler and linker for BPF this machine has. Looks only; `setup` installs, `build_ebpf` uses.
//!
//! Two routes, in this order: rustup's nightly, which builds `core` from `rust-src`, and Debian's own rustc, which
//! comes with a prebuilt `core` for BPF.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail};

use crate::{exec, linker};

/// The compiler target of the BPF object.
pub(crate) const TARGET: &str = "bpfel-unknown-none";

/// Debian's compiler, whatever `PATH` says.
pub(crate) const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
pub(crate) const DEBIAN_CARGO: &str = "/usr/bin/cargo";

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    Nightly,
    Debian,
}

/// A Rust compiler that can emit BPF.
pub(crate) struct Compiler {
    pub(crate) route: Route,
    /// Its first line of `rustc -vV`.
    pub(crate) version: String,
    /// The major version of its LLVM, which bpf-linker's must equal.
    pub(crate) llvm: u32,
}

/// A compiler and the linker that fits it.
pub(crate) struct Toolchain {
    pub(crate) compiler: Compiler,
    pub(crate) linker: PathBuf,
}

impl Compiler {
    /// One line for people.
    pub(crate) fn describe(&self) -> String {
        let route = match self.route {
            Route::Nightly => "rustup nightly with rust-src",
            Route::Debian => "Debian's, /usr/bin/rustc",
        };
        format!("{} with LLVM {} ({route})", self.version, self.llvm)
    }
}

/// The first complete route, or why neither is.
pub(crate) fn find() -> Result<Toolchain> {
    let nightly = nightly().and_then(with_linker);
    let nightly = match nightly {
        Ok(toolchain) => return Ok(toolchain),
        Err(why) => why,
    };
    debian()
        .and_then(with_linker)
        .map_err(|debian| anyhow!("no toolchain for BPF: {nightly:#}; {debian:#}; run `cargo xtask setup`"))
}

fn with_linker(compiler: Compiler) -> Result<Toolchain> {
    let linker = linker::find(&compiler)
        .with_context(|| format!("{} has no bpf-linker for LLVM {}", compiler.version, compiler.llvm))?;
    Ok(Toolchain { compiler, linker })
}

/// rustup's nightly, if it can build `core`.
pub(crate) fn nightly() -> Result<Compiler> {
    let rustc = |args: &[&str]| {
        // A look must not install anything, which rustup would do when asked for a toolchain it lacks.
        let mut command = exec::without_toolchain("rustup");
        exec::capture(command.env("RUSTUP_AUTO_INSTALL", "0").args(["run", "nightly", "rustc"]).args(args))
    };
    if exec::on_path("rustup").is_none() {
        bail!("no rustup");
    }
    let facts = rustc(&["-vV"]).context("rustup has no nightly")?;
    let sysroot = rustc(&["--print", "sysroot"])?;
    if !Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/core").is_dir() {
        bail!("rustup's nightly lacks the component rust-src");
    }
    compiler(Route::Nightly, &facts)
}

/// Debian's rustc, if its prebuilt `core` is there.
pub(crate) fn debian() -> Result<Compiler> {
    if !Path::new(DEBIAN_RUSTC).exists() || !Path::new(DEBIAN_CARGO).exists() {
        bail!("Debian's rustc and cargo are not installed");
    }
    let rustc = |args: &[&str]| exec::capture(exec::without_toolchain(DEBIAN_RUSTC).args(args));
    let sysroot = rustc(&["--print", "sysroot"])?;
    if !Path::new(sysroot.trim()).join("lib/rustlib").join(TARGET).is_dir() {
        bail!("{DEBIAN_RUSTC} has no `core` for {TARGET}");
    }
    compiler(Route::Debian, &rustc(&["-vV"])?)
}

fn compiler(route: Route, facts: &str) -> Result<Compiler> {
    let version = facts.lines().next().unwrap_or_default();
    // Drop the commit and the packager's note: `rustc 1.96.0 (ac68faa20 2026-05-25) (built from …)`.
    let version = version.split(" (").next().unwrap_or(version).to_owned();
    let llvm = llvm_major(facts).with_context(|| format!("{version} does not name its LLVM"))?;
    Ok(Compiler { route, version, llvm })
}

fn llvm_major(facts: &str) -> Option<u32> {
    let version = facts.lines().find_map(|line| line.strip_prefix("LLVM version: "))?;
    version.split('.').next()?.parse().ok()
}

/// The cargo that goes with a compiler, with nothing left in its environment of the one that runs xtask.
pub(crate) fn cargo(compiler: &Compiler) -> Command {
    match compiler.route {
        Route::Nightly => {
            let mut command = exec::without_toolchain("rustup");
            command.args(["run", "nightly", "cargo"]);
            command
        }
        Route::Debian => {
            let mut command = exec::without_toolchain(DEBIAN_CARGO);
            // aya-ebpf asks for feature gates, which a released compiler refuses without this.
            command.env("RUSTC", DEBIAN_RUSTC).env("RUSTC_BOOTSTRAP", "1");
            command
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compiler_facts_are_read_from_rustc() {
        let facts = "rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)\nbinary: rustc\n\
                     release: 1.96.0\nLLVM version: 22.1.8\n";
        let compiler = compiler(Route::Debian, facts).unwrap();
        assert_eq!((compiler.version.as_str(), compiler.llvm), ("rustc 1.96.0", 22));
    }
}
