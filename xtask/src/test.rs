//! `cargo xtask test`: the rootless tier, AWS's own clients, and the privileged tier.
//!
//! A tier that cannot run is a failure, and so is a tier that finds no tests: neither is ever reported as a pass.

use std::cell::Cell;
use std::env;
use std::fs::{self, File};
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::build::OBJECT_VARIABLE;
use crate::repo::Repo;
use crate::setup::Purpose;
use crate::summary::{Step, Summary};
use crate::{aws_clients, build, exec, kernel, setup};

/// The variable by which the privileged tests find the binary.
const BINARY_VARIABLE: &str = "SGSIM_BIN";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run only what needs neither root nor a BPF toolchain
    #[arg(long)]
    rootless: bool,
    /// What the test binaries take: a part of a test's name, or their own options
    #[arg(last = true, value_name = "FILTER")]
    filter: Vec<String>,
}

pub(crate) fn execute(repo: &Repo, args: &Args) -> Result<()> {
    let passed = Cell::new(0);
    let note = |counts: Counts| {
        passed.set(passed.get() + counts.passed);
        remark(&counts)
    };
    let rootless: &Step<'_> = &|| rootless(repo, &args.filter).map(note);
    if args.rootless {
        Summary::default().run_until_failure("test", &[("rootless", rootless)])?;
        return refuse_nothing(passed.get());
    }
    // Before anything slow: nobody should wait for a build to learn that it was in vain.
    require_privileges()?;
    let steps: [(&str, &Step<'_>); 5] = [
        ("set-up", &|| setup::run(repo, Purpose::Run).map(|()| String::new())),
        ("rootless", rootless),
        ("clients", &|| clients(repo, &args.filter).map(note)),
        ("build", &|| build::execute(repo).map(|()| String::new())),
        ("privileged", &|| privileged(repo, &args.filter).map(note)),
    ];
    Summary::default().run_until_failure("test", &steps)?;
    refuse_nothing(passed.get())
}

/// A filter may leave one tier without tests, but not all of them.
fn refuse_nothing(passed: u64) -> Result<()> {
    if passed == 0 {
        bail!("no test matches the filter");
    }
    Ok(())
}

/// A tier's counts for the summary.
pub(crate) fn remark(counts: &Counts) -> String {
    format!("tests passed: {}, steps that evaluators agreed on: {}", counts.passed, counts.steps)
}

/// The tests that anybody can run with a stable toolchain. Returns what they counted.
pub(crate) fn rootless(repo: &Repo, filter: &[String]) -> Result<Counts> {
    // Without a package, cargo takes the default members: all but the BPF crate.
    run(exec::host_cargo(repo).args(["test", "--locked"]), filter)
}

/// The API driven by AWS's own clients, which are installed first.
pub(crate) fn clients(repo: &Repo, filter: &[String]) -> Result<Counts> {
    aws_clients::execute(repo)?;
    let mut command = exec::host_cargo(repo);
    command.args([
        "test",
        "--locked",
        "--package",
        "sg-tests",
        "--features",
        "aws-clients",
        "--test",
        "clients",
    ]);
    run(&mut command, filter)
}

/// The tests in real namespaces against the real kernel; the binary and the object must have been built.
pub(crate) fn privileged(repo: &Repo, filter: &[String]) -> Result<Counts> {
    privileged_with(repo, filter, &[])
}

/// The same with variables set.
pub(crate) fn privileged_with(
    repo: &Repo,
    filter: &[String],
    variables: &[(&str, String)],
) -> Result<Counts> {
    require_privileges()?;
    let mut command = exec::host_cargo(repo);
    command.args(["test", "--release", "--locked", "--package", "sg-tests", "--features", "privileged"]);
    command.args(["--test", "privileged"]);
    command.env(OBJECT_VARIABLE, repo.bpf_object()).env(BINARY_VARIABLE, repo.sgsim());
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    let counts = run(&mut command, filter);
    let left = labs_left(&env::temp_dir())?;
    if !left.is_empty() {
        bail!("tests have left labs, which the next run takes down: {}", left.join(", "));
    }
    counts
}

/// State directories of labs whose tests are over, as `tests/privileged/place.rs` names and claims them.
fn labs_left(parent: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(parent).with_context(|| format!("cannot list `{}`", parent.display()))?;
    let is_free = |entry: &fs::DirEntry| {
        entry.file_name().to_string_lossy().starts_with("sgt-lab-")
            && File::open(entry.path().join("claim")).is_ok_and(|claim| claim.try_lock().is_ok())
    };
    let left = entries.map_while(Result::ok).filter(is_free);
    Ok(left.map(|entry| entry.path().display().to_string()).collect())
}

pub(crate) fn require_privileges() -> Result<()> {
    let lacks = kernel::missing_privileges();
    if !lacks.is_empty() {
        bail!(
            "the kernel's data plane cannot run here: {}; run this as root, or without the kernel (`cargo xtask test --rootless`)",
            lacks.join(", ")
        );
    }
    Ok(())
}

/// Runs `cargo test`, showing its output as it comes, and counts.
fn run(command: &mut Command, filter: &[String]) -> Result<Counts> {
    command.arg("--");
    if io::stdout().is_terminal() {
        command.arg("--color=always");
    }
    command.args(filter);
    let shown = exec::shown(command);
    let mut child =
        command.stdout(Stdio::piped()).spawn().with_context(|| format!("cannot run `{shown}`"))?;
    let mut output = child.stdout.take().context("no pipe from the tests")?;
    let mut counts = Counts::default();
    let mut chunk = [0; 8192];
    loop {
        let n = output.read(&mut chunk)?;
        if n == 0 {
            break;
        }
        io::stdout().write_all(&chunk[..n])?;
        io::stdout().flush()?;
        counts.feed(&chunk[..n]);
    }
    exec::succeeded(&shown, child.wait()?)?;
    if counts.passed == 0 && filter.is_empty() {
        bail!("no test ran; a tier without tests proves nothing");
    }
    Ok(counts)
}

/// What the lines of all test binaries say, added up.
#[derive(Default)]
pub(crate) struct Counts {
    passed: u64,
    /// Events on which two evaluators agreed.
    steps: u64,
    line: Vec<u8>,
}

impl Counts {
    fn feed(&mut self, chunk: &[u8]) {
        for &byte in chunk {
            if byte == b'\n' {
                let line = String::from_utf8_lossy(&self.line);
                self.passed += passed(&line);
                self.steps += steps(&line);
                self.line.clear();
            } else {
                self.line.push(byte);
            }
        }
    }
}

/// `test result: ok. 12 passed; 0 failed; …`, with or without colours.
fn passed(line: &str) -> u64 {
    let Some(result) = line.strip_prefix("test result: ") else { return 0 };
    let Some((before, _)) = result.split_once(" passed;") else { return 0 };
    before.rsplit(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// `agreement: oracle and host: 81811 steps alike …`.
fn steps(line: &str) -> u64 {
    let Some(agreement) = line.strip_prefix("agreement: ") else { return 0 };
    let Some((before, _)) = agreement.split_once(" steps alike") else { return 0 };
    before.rsplit(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_over_chunks_and_binaries() {
        let mut counts = Counts::default();
        counts.feed(b"running 2 tests\ntest result: ok. 2 pas");
        counts.feed(b"sed; 0 failed; 0 ignored\ntest result: \x1b[32mok\x1b[0m. 40 passed; 0 failed;\n");
        counts.feed(b"test agreement ... \nagreement: oracle and host: 700 steps alike in 3 scenarios\nok\n");
        counts.feed(b"agreement: host and kernel: 1 steps alike in 1 scenarios\n");
        assert_eq!((counts.passed, counts.steps), (42, 701));
    }
}
