//! What the data plane needs of the machine, each with its remedy.

use anyhow::{Result, bail};

/// Checks for root and for a kernel that has TCX.
///
/// # Errors
/// The first thing that is missing, and what to do about it.
pub fn check() -> Result<()> {
    if !nix::unistd::geteuid().is_root() {
        bail!("this needs root: namespaces and BPF programs are made here; run it with sudo");
    }
    let release = nix::sys::utsname::uname()?.release().to_string_lossy().into_owned();
    let mut numbers = release.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version < (6, 6) {
        bail!("Linux {release} has no TCX hooks; Linux 6.6 or newer is needed");
    }
    Ok(())
}
