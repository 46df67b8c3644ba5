//! Host names inside an instance: the files of `/etc/netns/NAME`, which `ip netns exec` and our own [`super::process`]
//! mount over those of `/etc`.
//!
//! There is no name server in a lab, so `resolv.conf` is empty and names resolve at once or not at all.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Where `ip netns` looks for a namespace's own files.
pub const DIRECTORY: &str = "/etc/netns";

/// A name and what it resolves to.
pub type HostEntry = (String, Vec<IpAddr>);

/// The directory of a namespace's files.
pub fn directory(namespace: &str) -> PathBuf {
    Path::new(DIRECTORY).join(namespace)
}

/// The text of a hosts file with loopback, the instance itself and all others.
pub fn render(entries: &[HostEntry]) -> String {
    let mut text = String::from("127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n");
    for (name, addresses) in entries {
        for address in addresses {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{address} {name}");
        }
    }
    text
}

/// Writes a namespace's hosts, hostname and (empty) resolv.conf. Writing again replaces them, also for processes that
/// run: the files keep their inodes, which is what a mount holds.
///
/// # Errors
/// A name is no host name, or a file cannot be written.
pub fn write(namespace: &str, hostname: &str, entries: &[HostEntry]) -> Result<()> {
    for name in entries.iter().map(|(name, _)| name.as_str()).chain([hostname]) {
        if name.is_empty() || name.len() > 64 || name.contains(|c: char| c.is_whitespace() || c == '#') {
            bail!("`{name}` is no host name: 1 to 64 bytes without blanks or `#`");
        }
    }
    let directory = directory(namespace);
    let explain = || format!("cannot write the files in `{}`: this needs root", directory.display());
    fs::create_dir_all(&directory).with_context(explain)?;
    fs::write(directory.join("hosts"), render(entries)).with_context(explain)?;
    fs::write(directory.join("hostname"), format!("{hostname}\n")).with_context(explain)?;
    fs::write(directory.join("resolv.conf"), "").with_context(explain)
}

/// The host name that [`write()`] gave a namespace.
pub fn hostname(namespace: &str) -> Option<String> {
    let text = fs::read_to_string(directory(namespace).join("hostname")).ok()?;
    Some(text.trim().to_owned()).filter(|name| !name.is_empty())
}

/// Removes a namespace's files. Says whether there were any.
///
/// # Errors
/// The directory cannot be removed.
pub fn remove(namespace: &str) -> Result<bool> {
    if namespace.is_empty() || namespace.contains('/') || namespace.starts_with('.') {
        bail!("`{namespace}` cannot name a network namespace");
    }
    let directory = directory(namespace);
    match fs::remove_dir_all(&directory) {
        Ok(()) => {
            // The parent goes too once nobody uses it; it is not ours if anything else is in it.
            let _ = fs::remove_dir(DIRECTORY);
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| format!("cannot remove `{}`", directory.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_lists_every_address_of_every_name() {
        let web = ("web-1".to_owned(), vec!["10.0.1.10".parse().unwrap(), "fd00::10".parse().unwrap()]);
        let text = render(&[web]);
        assert!(text.ends_with("10.0.1.10 web-1\nfd00::10 web-1\n"), "{text}");
        assert!(text.starts_with("127.0.0.1 localhost\n"), "{text}");
    }

    #[test]
    fn names_that_would_break_the_file_are_refused() {
        for name in ["", "a b", "a\nb", "a#b"] {
            assert!(write("sgsim-none", name, &[]).is_err(), "{name:?}");
        }
        for name in ["", "..", "../etc", "a/b"] {
            assert!(remove(name).is_err(), "{name:?}");
        }
    }
}
