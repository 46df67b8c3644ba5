//! The demo's lab: up in a state directory of its own, driven by the `sgsim` binary as by a user, and down again whatever
//! happens.

use std::collections::BTreeMap;
use std::env;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::step::Family;
use super::{client, page};
use crate::repo::Repo;
use crate::say;

/// How `sgsim` learns which lab is meant.
const STATE_VARIABLE: &str = "SGSIM_STATE_DIR";

/// What becomes of the lab at the end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Afterwards {
    TakeDown,
    Keep,
}

/// A lab that is up. Dropping it takes it down.
pub(super) struct Lab<'r> {
    repo: &'r Repo,
    state: PathBuf,
    afterwards: Afterwards,
    /// Addresses by interface label and family: `bastion:1` over IPv6.
    addresses: BTreeMap<(String, bool), String>,
}

impl<'r> Lab<'r> {
    /// Builds a lab from a file of `examples/`; shows how, and how long it took.
    pub(super) fn up(repo: &'r Repo, file: &str, afterwards: Afterwards) -> Result<Self> {
        let state = tempfile::Builder::new()
            .prefix("sgsim-demo-")
            .tempdir()
            .context("cannot make a directory for the lab's state")?
            .keep();
        // From here on the lab is taken down, also one that is half built.
        let mut lab = Self { repo, state, afterwards, addresses: BTreeMap::new() };
        page::command(&format!("export {STATE_VARIABLE}={}", lab.state.display()));
        let up = ["up", file];
        page::command(&page::typed("sgsim", &up));
        // Its progress is for the person at the terminal, and so is what is wrong.
        let output = lab.sgsim(up).stderr(Stdio::inherit()).output().context("cannot run `sgsim`")?;
        if !output.status.success() {
            bail!("the lab of `{file}` does not come up");
        }
        page::output(&String::from_utf8_lossy(&output.stdout));
        lab.addresses = lab.read_addresses()?;
        Ok(lab)
    }

    /// `sgsim` with these arguments, as if it were on the `PATH` and the state directory in the environment.
    pub(super) fn sgsim<S: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let binary = self.repo.sgsim();
        let mut paths: Vec<PathBuf> = binary.parent().map(PathBuf::from).into_iter().collect();
        paths.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
        let mut command = Command::new(&binary);
        command
            .args(args)
            .current_dir(&self.repo.root)
            .env(STATE_VARIABLE, &self.state)
            .envs(client::ENVIRONMENT);
        command.stdin(Stdio::null());
        if let Ok(paths) = env::join_paths(paths) {
            command.env("PATH", paths);
        }
        command
    }

    /// What a command printed; its error if it failed.
    pub(super) fn said<S: AsRef<std::ffi::OsStr>>(
        &self,
        args: impl IntoIterator<Item = S>,
    ) -> Result<String> {
        let output = self.sgsim(args).output().context("cannot run `sgsim`")?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr).trim().trim_start_matches("sgsim: "));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    /// What a command that changes or reads the lab printed, as JSON.
    pub(super) fn json(&self, args: &[&str]) -> Result<Value> {
        let text = self.said(["--output", "json"].iter().chain(args))?;
        serde_json::from_str(&text).with_context(|| format!("`sgsim {}` printed no JSON", args.join(" ")))
    }

    /// The address of an interface: `web-1`, `bastion:1`, `internet`.
    pub(super) fn address(&self, label: &str, family: Family) -> Result<&str> {
        let key = (label.to_owned(), family == Family::V6);
        self.addresses.get(&key).map(String::as_str).with_context(|| format!("`{label}` has no address"))
    }

    fn read_addresses(&self) -> Result<BTreeMap<(String, bool), String>> {
        let list = self.json(&["interface", "list"])?;
        let mut addresses = BTreeMap::new();
        for interface in list["interfaces"].as_array().into_iter().flatten() {
            let name = interface["instance_name"].as_str().unwrap_or_default();
            let label = match interface["device_index"].as_u64() {
                None | Some(0) => name.to_owned(),
                Some(index) => format!("{name}:{index}"),
            };
            for (field, is_v6) in [("private_ipv4", false), ("ipv6", true)] {
                if let Some(address) = interface[field][0].as_str() {
                    addresses.insert((label.clone(), is_v6), address.to_owned());
                }
            }
        }
        // The internet host is no instance; every hosts file has it.
        let hosts = self.said(["exec", "internet", "--", "cat", "/etc/hosts"])?;
        for line in hosts.lines() {
            if let Some((address, "internet")) = line.split_once(' ') {
                addresses.insert(("internet".to_owned(), address.contains(':')), address.to_owned());
            }
        }
        Ok(addresses)
    }

    fn down(&self) -> Result<()> {
        // In a process group of its own, so that another Ctrl-C does not stop it half-way.
        let output = self.sgsim(["down"]).process_group(0).output().context("cannot run `sgsim down`")?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
        }
        // `sgsim` removes what it made; the directory itself was made here.
        match std::fs::remove_dir_all(&self.state) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove `{}`", self.state.display()))
            }
            _ => Ok(()),
        }
    }
}

impl Drop for Lab<'_> {
    fn drop(&mut self) {
        if self.afterwards == Afterwards::Keep {
            say::plain("\nThe lab is kept. To use it, and to take it down:");
            page::command(&format!("export {STATE_VARIABLE}={}", self.state.display()));
            page::command("sgsim status");
            page::command("sgsim down");
            return;
        }
        page::command("sgsim down");
        match self.down() {
            Ok(()) => page::output("the lab is down"),
            Err(error) => {
                say::lack("lab", format_args!("{error:#}; its state is in {}", self.state.display()))
            }
        }
    }
}
