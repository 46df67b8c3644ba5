//! What this process and the running kernel can do. Reads; changes nothing but the bpffs mount.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::exec;

/// The first kernel with TCX links.
const OLDEST: (u32, u32) = (6, 6);

/// Build options without which the data plane cannot work, and what each is for.
const OPTIONS: &[(&str, &str)] = &[
    ("CONFIG_BPF_SYSCALL", "loading programs"),
    ("CONFIG_BPF_JIT", "running them at full speed"),
    ("CONFIG_NET_XGRESS", "TCX, the hook that judges packets"),
    ("CONFIG_NET_NS", "network namespaces, the instances"),
    ("CONFIG_VETH", "veth pairs, the network interfaces"),
];

/// Capabilities that the privileged parts use: number and name. CAP_SYS_ADMIN covers CAP_BPF.
const CAPABILITIES: &[(u32, &str)] = &[(12, "CAP_NET_ADMIN"), (21, "CAP_SYS_ADMIN")];

const BPFFS: &str = "/sys/fs/bpf";

/// Whether the effective user is root.
pub(crate) fn is_root() -> bool {
    status_field("Uid:").and_then(|ids| ids.split_whitespace().nth(1).map(|id| id == "0")).unwrap_or(false)
}

/// What keeps this process from being privileged enough; empty if nothing does.
pub(crate) fn missing_privileges() -> Vec<String> {
    if !is_root() {
        return vec!["not root".to_owned()];
    }
    let mask = status_field("CapEff:").and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let Some(mask) = mask else { return Vec::new() };
    let lacks = CAPABILITIES.iter().filter(|(bit, _)| mask >> bit & 1 == 0);
    lacks.map(|(_, name)| format!("root without {name}; in a container, add that capability")).collect()
}

fn status_field(name: &str) -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix(name).map(str::to_owned))
}

/// The kernel's release, as `uname -r` prints it.
pub(crate) fn release() -> Result<String> {
    let text =
        fs::read_to_string("/proc/sys/kernel/osrelease").context("cannot read the kernel's release")?;
    Ok(text.trim().to_owned())
}

/// What the running kernel lacks; empty if nothing.
pub(crate) fn shortcomings() -> Result<Vec<String>> {
    let release = release()?;
    let mut lacks = Vec::new();
    if version(&release).is_none_or(|version| version < OLDEST) {
        lacks.push(format!("kernel {release} is older than {}.{}; boot a newer one", OLDEST.0, OLDEST.1));
    }
    if let Some(config) = build_options(&release) {
        lacks.extend(missing_options(&config));
    }
    let filesystems = fs::read_to_string("/proc/filesystems").unwrap_or_default();
    if !filesystems.lines().any(|line| line.split_whitespace().last() == Some("bpf")) {
        lacks.push("the kernel has no bpf file system, which pins links and maps".to_owned());
    }
    Ok(lacks)
}

fn missing_options(config: &str) -> Vec<String> {
    let set = |name: &str| {
        config.lines().any(|line| matches!(line.split_once('='), Some((n, "y" | "m")) if n == name))
    };
    let lacks = OPTIONS.iter().filter(|(name, _)| !set(name));
    lacks.map(|(name, why)| format!("the kernel was built without {name} ({why})")).collect()
}

/// The options the kernel was built with, where it or the distribution tells.
fn build_options(release: &str) -> Option<String> {
    if Path::new("/proc/config.gz").exists() {
        return exec::capture(Command::new("gzip").args(["-dc", "/proc/config.gz"])).ok();
    }
    fs::read_to_string(format!("/boot/config-{release}")).ok()
}

fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// Whether a bpffs is mounted where pins are kept.
pub(crate) fn bpffs_is_mounted() -> bool {
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    mounts.lines().any(|line| {
        let mut fields = line.split(' ').skip(1);
        (fields.next(), fields.next()) == (Some(BPFFS), Some("bpf"))
    })
}

/// Mounts bpffs where everybody expects it, as systemd does on machines that have it.
pub(crate) fn mount_bpffs() -> Result<()> {
    exec::capture(Command::new("mount").args(["-t", "bpf", "bpf", BPFFS]))
        .map(drop)
        .with_context(|| format!("cannot mount bpffs at `{BPFFS}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_reads_releases_of_every_shape() {
        assert_eq!(version("6.6.0"), Some((6, 6)));
        assert_eq!(version("6.18.44-fc-v669"), Some((6, 18)));
        assert_eq!(version("5.15-rc1"), Some((5, 15)));
        assert_eq!(version("unknown"), None);
    }

    #[test]
    fn options_unset_or_absent_are_reported() {
        let config =
            "CONFIG_BPF_SYSCALL=y\nCONFIG_BPF_JIT=y\n# CONFIG_NET_XGRESS is not set\nCONFIG_VETH=m\n";
        let lacks = missing_options(config);
        assert_eq!(lacks.len(), 2);
        assert!(lacks[0].contains("CONFIG_NET_XGRESS") && lacks[1].contains("CONFIG_NET_NS"));
    }
}
