//! `cargo xtask fuzz`: any bytes as frames, as commands and as requests of the API, made up by libFuzzer from what covers new code.
//!
//! The coverage comes from LLVM's own pass, so the stable compiler is enough; there is no unsafe code to need a sanitiser.
//! What makes a target fail is left in its corpus, which the rootless tests run: from then on it is a regression test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::repo::Repo;
use crate::{exec, say};

/// Every target, by the name of its binary and of its corpus.
pub(crate) const TARGETS: [&str; 3] = ["frame", "command", "form"];

/// What makes the compiler say which code an input reaches, and what its comparisons compare.
const COVERAGE: [&str; 5] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// `frame`, `command`, `form`, or all if absent
    #[arg(value_parser = TARGETS)]
    target: Option<String>,
    /// How long to try, for each target
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Put what reached new code into the committed corpus, and what others cover as well out of it
    #[arg(long)]
    keep: bool,
}

pub(crate) fn execute(repo: &Repo, args: &Args) -> Result<()> {
    let binaries = build(repo)?;
    for target in TARGETS {
        if args.target.as_ref().is_none_or(|wanted| wanted == target) {
            run(repo, &binaries, target, args.seconds)?;
            if args.keep {
                keep(repo, &binaries, target)?;
            }
        }
    }
    Ok(())
}

/// Every target for this long, for `ci`.
pub(crate) fn in_ci(repo: &Repo, seconds: u32) -> Result<String> {
    execute(repo, &Args { target: None, seconds, keep: false })?;
    Ok(format!("{seconds} s for each of {}", TARGETS.join(", ")))
}

/// Builds all targets and returns where they are.
fn build(repo: &Repo) -> Result<PathBuf> {
    let target_dir = repo.target.join("fuzz");
    let triple =
        exec::capture(Command::new("rustc").current_dir(&repo.root).args(["--print", "host-tuple"]))?;
    let triple = triple.trim();
    let mut command = exec::host_cargo(repo);
    command.args(["build", "--release", "--locked", "--package", "sg-fuzz", "--target", triple]);
    // Arithmetic that wraps unseen is a fault, too.
    command.args(["--config", "profile.release.overflow-checks=true"]);
    command.args(["--config", "profile.release.debug-assertions=true", "--target-dir"]).arg(&target_dir);
    command.env("CARGO_ENCODED_RUSTFLAGS", COVERAGE.join("\u{1f}"));
    exec::in_the_open(&mut command).context("the fuzz targets do not build; they need a C++ compiler")?;
    Ok(target_dir.join(triple).join("release"))
}

/// Inputs that reached new code and are not committed.
fn fresh(repo: &Repo, target: &str) -> PathBuf {
    repo.target.join("fuzz-corpus").join(target)
}

fn committed(repo: &Repo, target: &str) -> PathBuf {
    repo.root.join("tests/fuzz/corpus").join(target)
}

fn run(repo: &Repo, binaries: &Path, target: &str, seconds: u32) -> Result<()> {
    let (fresh, committed) = (fresh(repo, target), committed(repo, target));
    fs::create_dir_all(&fresh).with_context(|| format!("cannot make `{}`", fresh.display()))?;
    say::begin(target, format_args!("{seconds} s from the corpus in {}", repo.show(&committed)));
    let mut command = Command::new(binaries.join(target));
    command.args([
        &format!("-max_total_time={seconds}"),
        "-timeout=10",
        "-rss_limit_mb=2048",
        "-verbosity=0",
    ]);
    command.args(["-print_final_stats=1", "-max_len=4096"]);
    command.arg(format!("-artifact_prefix={}/", committed.display()));
    command.arg(&fresh).arg(&committed);
    if exec::in_the_open(&mut command).is_err() {
        bail!(
            "the {target} target failed; the input is now in {}, where `cargo test -p sg-tests fuzz` runs it",
            repo.show(&committed)
        );
    }
    Ok(())
}

/// Replaces the committed corpus by the fewest inputs that cover what it and the fresh ones cover.
fn keep(repo: &Repo, binaries: &Path, target: &str) -> Result<()> {
    let (fresh, committed) = (fresh(repo, target), committed(repo, target));
    let fewest = fresh.with_extension("fewest");
    fs::create_dir_all(&fewest)?;
    let mut command = Command::new(binaries.join(target));
    // By edges alone: telling counts apart, too, would keep ten times as many.
    command
        .args(["-set_cover_merge=1", "-use_counters=0", "-verbosity=0"])
        .arg(&fewest)
        .arg(&committed)
        .arg(&fresh);
    exec::in_the_open(&mut command).context("the corpus cannot be merged")?;
    fs::remove_dir_all(&committed)?;
    fs::create_dir_all(&committed)?;
    let mut kept = 0;
    for entry in fs::read_dir(&fewest)? {
        let entry = entry?;
        fs::copy(entry.path(), committed.join(entry.file_name()))?;
        kept += 1;
    }
    fs::remove_dir_all(&fewest)?;
    say::did(target, format_args!("{kept} inputs in {}", repo.show(&committed)));
    Ok(())
}
