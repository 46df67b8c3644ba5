//! `cargo xtask mutants`: faults put into the source one at a time, each of which some test must notice.
//!
//! They are put into a copy of the tree below the target directory, with a target directory of its own. A fault that no
//! test notices is a gap in the tests; one whose place is not found any more is a gap in the table.

mod table;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::build::OBJECT_VARIABLE;
use crate::repo::Repo;
use crate::{build_ebpf, exec, say, test, toolchain};
use table::{Kind, MUTANTS, Mutant};

/// Enough steps for every fault of the table; a run of the tests has more.
const STEPS: &str = "60000";

/// The same numbers in every run: a fault is found or it is not.
const SEED: &str = "1";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Every fault of the table, not only the first of each kind
    #[arg(long)]
    all: bool,
    /// Faults in the BPF shell, too: builds the object for each, and needs root
    #[arg(long)]
    kernel: bool,
    /// Only faults whose name has this in it
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

/// What became of a fault.
enum Outcome {
    /// A test failed.
    Caught,
    /// The source does not build with it, so it proves nothing.
    NotBuilt,
    /// Every test passed.
    Survived,
}

pub(crate) fn execute(repo: &Repo, args: &Args) -> Result<()> {
    check_table(repo)?;
    let chosen = chosen(args);
    if chosen.is_empty() {
        bail!("no fault of the table is of this name; those of the BPF shell need `--kernel`");
    }
    if chosen.iter().any(|mutant| mutant.kind == Kind::Shell) {
        test::require_privileges()?;
    }
    let copy = Copy::make(repo)?;
    // Unless the tests pass as they are, a failure says nothing.
    let is_tried = |shell| chosen.iter().any(|mutant| (mutant.kind == Kind::Shell) == shell);
    for shell in [false, true].into_iter().filter(|shell| is_tried(*shell)) {
        if !matches!(copy.try_out(shell)?, Outcome::Survived) {
            bail!("the tests fail without any fault; see `{}`", repo.show(&repo.log(LOG)));
        }
    }
    let mut missed = Vec::new();
    for mutant in chosen {
        let start = Instant::now();
        let outcome = copy.with(mutant, || copy.try_out(mutant.kind == Kind::Shell))?;
        let took = say::elapsed(start.elapsed());
        let text = format!("{} in {} ({took})", mutant.kind.name(), mutant.file);
        match outcome {
            Outcome::Caught => say::found(mutant.name, format_args!("caught: {text}")),
            Outcome::NotBuilt => say::lack(mutant.name, format_args!("does not build: {text}")),
            Outcome::Survived => say::lack(mutant.name, format_args!("SURVIVED: {text}")),
        }
        if !matches!(outcome, Outcome::Caught) {
            missed.push(mutant.name);
        }
    }
    if !missed.is_empty() {
        bail!("not caught: {}; a test is missing, or the table is wrong", missed.join(", "));
    }
    Ok(())
}

/// One fault of each kind, for `ci`.
pub(crate) fn in_ci(repo: &Repo) -> Result<String> {
    let args = Args { all: false, kernel: true, name: None };
    execute(repo, &args)?;
    Ok(format!("faults caught: {} of the {} in the table", chosen(&args).len(), MUTANTS.len()))
}

fn chosen(args: &Args) -> Vec<&'static Mutant> {
    let mut kinds = Vec::new();
    let mut chosen: Vec<&Mutant> = MUTANTS.iter().collect();
    chosen.retain(|mutant| {
        let is_first = !kinds.contains(&mutant.kind);
        kinds.push(mutant.kind);
        let is_named = args.name.as_ref().map(|name| mutant.name.contains(name.as_str()));
        (args.kernel || mutant.kind != Kind::Shell) && is_named.unwrap_or(args.all || is_first)
    });
    chosen
}

/// Every fault has exactly one place.
fn check_table(repo: &Repo) -> Result<()> {
    let mut wrong = Vec::new();
    for mutant in MUTANTS {
        let path = repo.root.join(mutant.file);
        let text = fs::read_to_string(&path).unwrap_or_default();
        match text.matches(mutant.old).count() {
            1 => {}
            0 => wrong.push(format!("{}: `{}` is not in {}", mutant.name, mutant.old, mutant.file)),
            n => wrong.push(format!("{}: `{}` is {n} times in {}", mutant.name, mutant.old, mutant.file)),
        }
    }
    if !wrong.is_empty() {
        bail!("the table of faults is out of date:\n{}", wrong.join("\n"));
    }
    Ok(())
}

/// The log of builds and tests.
const LOG: &str = "mutants";

/// The copy of the tree.
struct Copy<'a> {
    repo: &'a Repo,
    /// The copy as a repository: its root, and its target directory.
    copy: Repo,
}

impl<'a> Copy<'a> {
    fn make(repo: &'a Repo) -> Result<Self> {
        let place = repo.target.join("mutants");
        let copy = Repo { root: place.join("tree"), target: place.join("target") };
        // The log is of one run.
        fs::create_dir_all(repo.target.join("xtask"))?;
        let _ = fs::remove_file(repo.log(LOG));
        mirror(&repo.root, &copy.root, &repo.target).context("cannot copy the tree")?;
        Ok(Self { repo, copy })
    }

    /// Puts a fault in, does something, and takes it out again.
    fn with<T>(&self, mutant: &Mutant, what: impl FnOnce() -> Result<T>) -> Result<T> {
        let path = self.copy.root.join(mutant.file);
        let text = fs::read_to_string(&path)?;
        fs::write(&path, text.replacen(mutant.old, mutant.new, 1))?;
        let outcome = what();
        fs::write(&path, text)?;
        outcome
    }

    /// Builds the copy and runs the tests that have to notice: those without root, or those on the kernel.
    fn try_out(&self, shell: bool) -> Result<Outcome> {
        if shell && build_ebpf::build(&self.copy, &toolchain::find()?).is_err() {
            return Ok(Outcome::NotBuilt);
        }
        let options: &[&str] = if shell {
            &["--features", "privileged", "--test", "privileged"]
        } else {
            &["--test", "rootless"]
        };
        let filters: &[&str] = if shell { &["agree", "frame"] } else { &["agree", "semantics", "frame"] };
        if !self.cargo_test(options, &["--no-run"])? {
            return Ok(Outcome::NotBuilt);
        }
        let run: Vec<&str> = std::iter::once("--").chain(filters.iter().copied()).collect();
        Ok(if self.cargo_test(options, &run)? { Outcome::Survived } else { Outcome::Caught })
    }

    /// Runs `cargo test` in the copy, everything that it prints in the log; whether it succeeded.
    fn cargo_test(&self, options: &[&str], more: &[&str]) -> Result<bool> {
        let path = self.repo.log(LOG);
        let log = File::options().create(true).append(true).open(&path);
        let log = log.with_context(|| format!("cannot write `{}`", path.display()))?;
        let mut command = exec::host_cargo(&self.copy);
        command.args(["test", "--quiet", "--locked", "--package", "sg-tests"]).args(options).args(more);
        command.env("CARGO_TARGET_DIR", &self.copy.target).env("CARGO_PROFILE_DEV_DEBUG", "0");
        command.env("SGSIM_STEPS", STEPS).env("SGSIM_SEED", SEED).env("SGSIM_FAILURES", &self.copy.target);
        command.env(OBJECT_VARIABLE, self.copy.bpf_object());
        let status = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).status();
        Ok(status.context("cannot run cargo")?.success())
    }
}

/// Makes `to` what `from` is, without touching what is the same already, so that nothing is rebuilt in vain. Build output
/// is left out.
fn mirror(from: &Path, to: &Path, target: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(from)? {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
        if path == target || name == "target" || name == ".git" {
            continue;
        }
        let copy = to.join(&name);
        names.insert(name);
        if path.is_dir() {
            mirror(&path, &copy, target)?;
        } else {
            let bytes = fs::read(&path)?;
            if fs::read(&copy).ok().as_ref() != Some(&bytes) {
                fs::write(&copy, bytes)?;
            }
        }
    }
    for entry in fs::read_dir(to)? {
        let entry = entry?;
        if !names.contains(&entry.file_name()) {
            if entry.path().is_dir() {
                fs::remove_dir_all(entry.path())?
            } else {
                fs::remove_file(entry.path())?
            }
        }
    }
    Ok(())
}
