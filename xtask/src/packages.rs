//! Debian packages: which, why, and how they get onto the machine. The only list of them.

use std::process::Command;

use anyhow::{Result, bail};

use crate::repo::Repo;
use crate::{exec, kernel, say};

/// A package and the reason it is asked for.
pub(crate) struct Package {
    pub(crate) name: &'static str,
    pub(crate) why: &'static str,
}

const fn package(name: &'static str, why: &'static str) -> Package {
    Package { name, why }
}

/// For every crate with a build script, and for linking at all.
pub(crate) const C_TOOLCHAIN: &[Package] = &[package("build-essential", "cargo links with `cc`")];

/// The Debian route to a compiler for BPF.
pub(crate) const BPF_COMPILER: &[Package] = &[
    package("rustc-web", "a rustc whose LLVM has the BPF target"),
    package("cargo-web", "the cargo of that rustc"),
    package("libstd-rust-web-dev-bpf", "`core`, prebuilt for bpfel-unknown-none"),
];

/// For building bpf-linker; `llvm-N-dev` comes on top.
pub(crate) const LINKER_BUILD: &[Package] = &[
    package("build-essential", "bpf-linker links LLVM's C++ libraries"),
    package("zlib1g-dev", "LLVM links zlib"),
    package("libzstd-dev", "LLVM links zstd"),
];

/// For the privileged tests.
pub(crate) const TEST: &[Package] = &[
    package("iproute2", "`ip` shows namespaces and links independently of sgsim"),
    package("nginx", "a server from the distribution in an instance"),
    package("postgresql", "another one"),
    package("iperf3", "and one more"),
];

/// What the benchmark compares with.
pub(crate) const PEERS: &[Package] = &[
    package("nftables", "a rule set of as many groups, to be changed in the same way"),
    package("iptables", "a rule set as OpenStack writes it"),
    package("ipset", "a set of as many members"),
];

/// For AWS's own clients, where Python does not bring it.
pub(crate) const PYTHON: &[Package] = &[package("python3-venv", "environments for programs from PyPI")];

/// For the demo with real servers.
pub(crate) const REAL_DEMO: &[Package] = &[
    package("nginx", "the web tier"),
    package("postgresql", "the database tier"),
    package("curl", "the client of the web tier"),
    package("iputils-ping", "the client of the pings"),
    package("iperf3", "throughput between instances"),
    package("iproute2", "`ip netns exec` for whoever looks in from outside"),
];

/// Names of `wanted` that are not installed.
pub(crate) fn missing(wanted: &[&str]) -> Vec<String> {
    // dpkg-query fails when it knows none of the names, and prints those it does know either way.
    let output = Command::new("dpkg-query")
        .args(["-W", "-f=${Package} ${db:Status-Status}\n"])
        .args(wanted)
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default();
    not_installed(wanted, &output)
}

fn not_installed(wanted: &[&str], status: &str) -> Vec<String> {
    let installed = |name: &str| status.lines().any(|line| line.split_once(' ') == Some((name, "installed")));
    wanted.iter().filter(|name| !installed(name)).map(|name| (*name).to_owned()).collect()
}

/// Installs what is missing of `wanted`, or says what to install and why it could not.
pub(crate) fn ensure(repo: &Repo, wanted: &[&str]) -> Result<()> {
    let missing = missing(wanted);
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if exec::on_path("apt-get").is_none() {
        bail!("cannot install `{list}`: this is not a Debian system; install the equivalents by hand");
    }
    if !kernel::is_root() {
        bail!(
            "cannot install `{list}`: not root; run `apt-get install --no-install-recommends {list}` as root"
        );
    }
    let known = missing.iter().all(|name| is_known(name));
    if !known {
        update(repo)?;
    }
    let took = match install(repo, &missing) {
        // A stale list names versions that the mirror has dropped.
        Err(_) if known => {
            update(repo)?;
            install(repo, &missing)?
        }
        result => result?,
    };
    say::did("packages", format_args!("installed {list} in {}", say::elapsed(took)));
    Ok(())
}

fn is_known(name: &str) -> bool {
    exec::capture(Command::new("apt-cache").args(["show", "--no-all-versions", name]))
        .is_ok_and(|text| !text.trim().is_empty())
}

fn update(repo: &Repo) -> Result<()> {
    exec::into_log(repo, "apt-update", "fetching package lists", apt().arg("update"))?;
    Ok(())
}

fn install(repo: &Repo, names: &[String]) -> Result<std::time::Duration> {
    // `--no-remove`: a package that would displace another (rustc-web and rustc) is the owner's decision.
    let mut command = apt();
    command.args(["install", "--yes", "--no-install-recommends", "--no-remove"]).args(names);
    exec::into_log(repo, "apt-install", &format!("installing {}", names.join(" ")), &mut command)
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    // Installing a server starts it; these two keep it from the machine's own ports, with systemd and without.
    command.env("SYSTEMD_OFFLINE", "1").env("RUNLEVEL", "1");
    command.env("DEBIAN_FRONTEND", "noninteractive").args(["-o", "DPkg::Lock::Timeout=120"]);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_fully_installed_packages_count() {
        let status = "curl installed\nnginx config-files\n";
        assert_eq!(not_installed(&["curl", "nginx", "iperf3"], status), ["nginx", "iperf3"]);
    }
}
