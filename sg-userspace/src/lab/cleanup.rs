//! Removal of all that a lab has made: processes, links, namespaces, their files, servers' data, then the manifest.
//!
//! Every step is tried whatever happened to the others, and all faults are reported together. Doing it twice is no
//! error. The manifest stays if anything went wrong, so that the next try finds the rest.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::link::{Link, Links};
use super::manifest::{self, Made};
use super::{hosts, namespace, process};

/// How long processes have to end by themselves.
const GRACE: Duration = Duration::from_secs(3);

/// What a removal found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Processes ended.
    pub processes: usize,
    /// Links deleted.
    pub links: usize,
    /// Namespaces deleted.
    pub namespaces: usize,
}

/// Removes all that the manifest lists, and the manifest.
///
/// # Errors
/// All faults, one a line; the manifest then stays.
pub async fn tear_down(manifest: &Path) -> Result<Removed> {
    let made = manifest::read(manifest)?;
    let mut faults = Vec::new();
    let removed = remove(&made, &mut faults).await;
    if !faults.is_empty() {
        let lines: Vec<_> = faults.iter().map(|fault| format!("{fault:#}")).collect();
        bail!("some of the lab is left, try `sgsim down` again:\n  {}", lines.join("\n  "));
    }
    match fs::remove_file(manifest) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove `{}`", manifest.display()))
        }
        _ => Ok(removed),
    }
}

/// Removes what the manifest lists and nobody wants any more: what was half made, or half removed, when a controller died.
/// The manifest stays as it is.
///
/// # Errors
/// All faults; the rest was removed.
pub async fn sweep(manifest: &Path, is_wanted: impl Fn(&Made) -> bool) -> Result<Removed> {
    let is_there = |thing: &Made| match thing {
        Made::Namespace(name) => namespace::path(name).exists(),
        Made::Link { .. } | Made::Directory(_) => true,
    };
    let mut left = manifest::read(manifest)?;
    left.retain(|thing| !is_wanted(thing) && is_there(thing));
    let mut faults = Vec::new();
    let removed = remove(&left, &mut faults).await;
    if !faults.is_empty() {
        let lines: Vec<_> = faults.iter().map(|fault| format!("{fault:#}")).collect();
        bail!("{}", lines.join("; "));
    }
    Ok(removed)
}

async fn remove(made: &[Made], faults: &mut Vec<anyhow::Error>) -> Removed {
    let mut removed = Removed::default();
    let mut namespaces = Vec::new();
    let mut links = HashSet::new();
    for thing in made {
        match thing {
            Made::Namespace(name) => namespaces.push(name.clone()),
            Made::Link { name, alias } => {
                links.insert((name.as_str(), alias.as_str()));
            }
            Made::Directory(_) => {}
        }
    }
    match process::kill(&namespaces, GRACE) {
        Ok(count) => removed.processes = count,
        Err(error) => faults.push(error),
    }
    if !links.is_empty() {
        match remove_links(&links).await {
            Ok((count, errors)) => {
                removed.links = count;
                faults.extend(errors);
            }
            Err(error) => faults.push(error),
        }
    }
    for name in &namespaces {
        match namespace::delete(name) {
            Ok(there) => removed.namespaces += usize::from(there),
            Err(error) => faults.push(error),
        }
        if let Err(error) = hosts::remove(name) {
            faults.push(error);
        }
    }
    for thing in made {
        if let Made::Directory(path) = thing
            && let Err(error) = fs::remove_dir_all(path)
            && error.kind() != io::ErrorKind::NotFound
        {
            faults.push(anyhow::Error::new(error).context(format!("cannot remove `{}`", path.display())));
        }
    }
    removed
}

async fn remove_links(pairs: &HashSet<(&str, &str)>) -> Result<(usize, Vec<anyhow::Error>)> {
    let links = Links::open()?;
    let found = links.list().await?.into_iter().filter(|link| is_listed(pairs, link)).map(|link| link.index);
    let found = found.collect::<Vec<_>>();
    links.delete_all(&found).await
}

/// By name and alias together: either alone may be somebody else's. By name only where a crash came before the alias was
/// set.
fn is_listed(pairs: &HashSet<(&str, &str)>, link: &Link) -> bool {
    let (name, alias) = (link.name.as_str(), link.alias.as_str());
    pairs.contains(&(name, alias))
        || (alias.is_empty() && !link.up && pairs.iter().any(|(listed, _)| *listed == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_others_are_not_listed() {
        let pairs = HashSet::from([("sg1", "internet"), ("sg2", "eni-2")]);
        let check = |name: &str, alias: &str, up, expected| {
            let link = Link { index: 7, name: name.to_owned(), alias: alias.to_owned(), up };
            assert_eq!(is_listed(&pairs, &link), expected, "{link:?}");
        };
        check("sg1", "internet", true, true);
        check("sg2", "eni-2", false, true);
        check("sg2", "", false, true);
        check("sg2", "", true, false);
        check("wan0", "internet", true, false);
        check("sg1", "eni-2", true, false);
        check("eth0", "", false, false);
    }
}
