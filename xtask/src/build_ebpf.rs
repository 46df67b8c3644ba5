//! `cargo xtask build-ebpf`: the one place that knows the flags of the BPF objects: that of the labs, and that of the programs
//! which benchmarks compare with.
//!
//! The object has its own target directory, so that alternating with host builds rebuilds neither, and the copy is
//! rewritten only when its bytes change, so that nothing that embeds it is rebuilt in vain.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::repo::Repo;
use crate::toolchain::{self, Route, TARGET, Toolchain};
use crate::{exec, object, say, setup};

pub(crate) fn execute(repo: &Repo) -> Result<()> {
    let toolchain = toolchain::find()?;
    setup::report(&toolchain);
    build(repo, &toolchain)
}

/// Builds the objects, copies them to where everything else expects them and says what is in them.
pub(crate) fn build(repo: &Repo, toolchain: &Toolchain) -> Result<()> {
    let target_dir = repo.target.join("bpf-build");
    let mut command = cargo(repo, toolchain, "build", &target_dir);
    let linker = toolchain.linker.to_str().context("the path of bpf-linker is not UTF-8")?;
    command.env(
        "CARGO_ENCODED_RUSTFLAGS",
        encoded(&[
            // 32-bit ALU and the jumps of the third instruction set: fewer instructions, easier bounds.
            "-Ctarget-cpu=v3",
            // BTF is made from debug information.
            "-Cdebuginfo=2",
            "-Clink-arg=--btf",
            // With it, LLVM calls a loop over bytes for every array of zeros and every copy.
            "-Clink-arg=--disable-expand-memcpy-in-order",
            &format!("-Clinker={linker}"),
        ]),
    );
    exec::in_the_open(&mut command).context("the BPF object does not build")?;
    for (binary, object) in [("sg-floor", repo.floor_object()), ("sg-ebpf", repo.bpf_object())] {
        let built = target_dir.join(TARGET).join("release").join(binary);
        let bytes = fs::read(&built).with_context(|| format!("cannot read `{}`", built.display()))?;
        publish(&bytes, &object)?;
        report(repo, &object, &bytes)?;
    }
    Ok(())
}

/// Checks the BPF crate with warnings as errors, in a target directory of its own: other flags would make `build`
/// start from nothing. Warnings of foreign crates stay capped.
pub(crate) fn check_strictly(repo: &Repo, toolchain: &Toolchain) -> Result<()> {
    let mut command = cargo(repo, toolchain, "check", &repo.target.join("bpf-lint"));
    command.env("CARGO_ENCODED_RUSTFLAGS", encoded(&["-Ctarget-cpu=v3", "-Dwarnings"]));
    exec::in_the_open(&mut command)
}

fn cargo(repo: &Repo, toolchain: &Toolchain, verb: &str, target_dir: &Path) -> Command {
    let mut command = toolchain::cargo(&toolchain.compiler);
    // With `--target`, flags reach the target's crates only, not build scripts and procedural macros.
    command.current_dir(&repo.root);
    command.args([verb, "--package", "sg-ebpf", "--release", "--locked", "--target", TARGET, "--target-dir"]);
    command.arg(target_dir);
    if toolchain.compiler.route == Route::Nightly {
        command.args(["-Z", "build-std=core"]);
    }
    command
}

/// Flags as `CARGO_ENCODED_RUSTFLAGS` wants them; paths may hold spaces.
fn encoded(flags: &[&str]) -> String {
    flags.join("\u{1f}")
}

/// Replaces the published object in one step, if it differs.
fn publish(bytes: &[u8], path: &Path) -> Result<()> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    let dir = path.parent().context("the object has no directory")?;
    fs::create_dir_all(dir).with_context(|| format!("cannot make `{}`", dir.display()))?;
    let fresh = path.with_extension("o.new");
    fs::write(&fresh, bytes).with_context(|| format!("cannot write `{}`", fresh.display()))?;
    fs::rename(&fresh, path).with_context(|| format!("cannot write `{}`", path.display()))
}

fn report(repo: &Repo, path: &Path, bytes: &[u8]) -> Result<()> {
    let contents = object::contents(bytes)?;
    say::found("object", format_args!("{}, {} KiB", repo.show(path), bytes.len().div_ceil(1024)));
    for (name, section) in &contents.programs {
        say::detail("  program", format_args!("{name} ({section})"));
    }
    if contents.programs.is_empty() {
        bail!("`{}` holds no program; sg-ebpf must define at least one", path.display());
    }
    if !contents.btf {
        bail!(
            "`{}` has no BTF; bpf-linker makes it from debug information, so look at the profile",
            path.display()
        );
    }
    if !contents.maps.is_empty() {
        say::detail("  maps", contents.maps.join(", "));
    }
    Ok(())
}
