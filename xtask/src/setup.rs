//! `cargo xtask setup`: finds or installs what building and testing need, and says which of the two it did.
//!
//! Every item is checked even after one fails, so that one run names everything that is missing.

use std::env;
use std::path::Path;

use anyhow::{Result, anyhow, bail};

use crate::packages::{self, Package};
use crate::repo::Repo;
use crate::toolchain::{self, Compiler, Toolchain};
use crate::{exec, kernel, linker, say};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Also install the servers and clients of the demo with real software
    #[arg(long)]
    real: bool,
}

/// What the machine is made ready for; each includes the ones before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd)]
pub(crate) enum Purpose {
    /// Compiling; a kernel that cannot run the result is only worth a warning.
    Build,
    /// Loading programs and making namespaces.
    Run,
    /// Running with nginx, PostgreSQL and iperf3 in the namespaces.
    RunReal,
}

pub(crate) fn execute(repo: &Repo, args: &Args) -> Result<()> {
    run(repo, if args.real { Purpose::RunReal } else { Purpose::Build })
}

/// Makes the machine ready, or reports together all that it could not do.
pub(crate) fn run(repo: &Repo, purpose: Purpose) -> Result<()> {
    let mut faults = Faults::default();
    faults.note("cc", c_toolchain(repo));
    rust_components();
    faults.note("bpf", bpf_toolchain(repo));
    // Not every builder is root, so for building alone the tests' packages are not worth failing for.
    let tests = package_list(repo, "test tools", packages::TEST);
    if purpose >= Purpose::Run {
        faults.note("test tools", tests);
    } else if let Err(why) = tests {
        say::warn("test tools", format_args!("{why:#}"));
    }
    if purpose >= Purpose::RunReal {
        faults.note("demo tools", package_list(repo, "demo tools", packages::REAL_DEMO));
    }
    for lack in this_machine()? {
        if purpose >= Purpose::Run {
            faults.note("machine", Err(anyhow!(lack)));
        } else {
            say::warn("machine", format_args!("{lack}; enough to build, not to run"));
        }
    }
    faults.into_result()
}

#[derive(Default)]
struct Faults(Vec<&'static str>);

impl Faults {
    fn note(&mut self, subject: &'static str, outcome: Result<()>) {
        if let Err(why) = outcome {
            say::lack(subject, format_args!("{why:#}"));
            self.0.push(subject);
        }
    }

    fn into_result(mut self) -> Result<()> {
        self.0.dedup();
        if !self.0.is_empty() {
            bail!("set-up is incomplete: {}; the lines above say how to get each", self.0.join(", "));
        }
        Ok(())
    }
}

fn c_toolchain(repo: &Repo) -> Result<()> {
    if exec::on_path("cc").is_none() {
        packages::ensure(repo, &names(packages::C_TOOLCHAIN))?;
    }
    let cc = exec::on_path("cc").ok_or_else(|| anyhow!("no `cc`; install a C compiler"))?;
    say::found("cc", cc.display());
    Ok(())
}

/// rustfmt and clippy belong to `lint` only, so their absence is a warning.
fn rust_components() {
    let Some(cargo) = env::var_os("CARGO") else { return };
    let has = |tool: &str| Path::new(&cargo).with_file_name(tool).exists();
    if has("cargo-fmt") && has("cargo-clippy") {
        return say::found("lint tools", "rustfmt, clippy");
    }
    let added =
        exec::capture(std::process::Command::new("rustup").args(["component", "add", "rustfmt", "clippy"]));
    match added {
        Ok(_) => say::did("lint tools", "added rustfmt and clippy by rustup"),
        Err(why) => {
            say::warn("lint tools", format_args!("`cargo xtask lint` needs rustfmt and clippy: {why:#}"))
        }
    }
}

fn bpf_toolchain(repo: &Repo) -> Result<()> {
    let toolchain = match toolchain::find() {
        Ok(toolchain) => toolchain,
        Err(_) => {
            install_bpf_toolchain(repo)?;
            toolchain::find()?
        }
    };
    report(&toolchain);
    Ok(())
}

/// A nightly that only lacks a linker gets one; otherwise Debian's packages; without apt, rustup's nightly.
fn install_bpf_toolchain(repo: &Repo) -> Result<()> {
    let nightly = toolchain::nightly();
    if let Ok(compiler) = &nightly
        && install_linker(repo, compiler).is_ok()
    {
        return Ok(());
    }
    if exec::on_path("apt-get").is_some() {
        packages::ensure(repo, &names(packages::BPF_COMPILER))?;
        return install_linker(repo, &toolchain::debian()?);
    }
    if exec::on_path("rustup").is_none() {
        bail!("neither rustup nor apt; install rustup, then run this again");
    }
    if nightly.is_err() {
        let mut command = exec::without_toolchain("rustup");
        command.args(["toolchain", "install", "nightly", "--profile", "minimal", "--component", "rust-src"]);
        let took =
            exec::into_log(repo, "nightly", "installing rustup's nightly with rust-src", &mut command)?;
        say::did("nightly", format_args!("installed in {}", say::elapsed(took)));
    }
    install_linker(repo, &toolchain::nightly()?)
}

fn install_linker(repo: &Repo, compiler: &Compiler) -> Result<()> {
    if linker::find(compiler).is_ok() {
        return Ok(());
    }
    if exec::on_path("apt-get").is_some() {
        let llvm = format!("llvm-{}-dev", compiler.llvm);
        let mut wanted = names(packages::LINKER_BUILD);
        wanted.push(&llvm);
        packages::ensure(repo, &wanted)?;
    }
    let took = linker::build(repo, compiler)?;
    say::did("bpf-linker", format_args!("{} built in {}", linker::VERSION, say::elapsed(took)));
    Ok(())
}

/// The lines about the toolchain, also printed by `build-ebpf`.
pub(crate) fn report(toolchain: &Toolchain) {
    say::found("bpf rustc", toolchain.compiler.describe());
    say::found("bpf-linker", toolchain.linker.display());
}

pub(crate) fn package_list(repo: &Repo, subject: &str, list: &[Package]) -> Result<()> {
    let names = names(list);
    for package in list.iter().filter(|package| packages::missing(&[package.name]).len() == 1) {
        say::detail(subject, format_args!("{} is missing: {}", package.name, package.why));
    }
    packages::ensure(repo, &names)?;
    say::found(subject, names.join(", "));
    Ok(())
}

/// What the kernel and this process's rights lack; says what they have.
fn this_machine() -> Result<Vec<String>> {
    let mut lacks = kernel::shortcomings()?;
    if lacks.is_empty() {
        say::found("kernel", format_args!("{} with TCX, namespaces and veth", kernel::release()?));
    }
    let privileges = kernel::missing_privileges();
    if privileges.is_empty() {
        if kernel::bpffs_is_mounted() {
            say::found("bpffs", "mounted at /sys/fs/bpf");
        } else {
            match kernel::mount_bpffs() {
                Ok(()) => say::did("bpffs", "mounted at /sys/fs/bpf"),
                Err(why) => lacks.push(format!("{why:#}")),
            }
        }
    }
    lacks.extend(privileges);
    Ok(lacks)
}

fn names(list: &[Package]) -> Vec<&'static str> {
    list.iter().map(|package| package.name).collect()
}
