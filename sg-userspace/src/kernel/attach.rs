//! Programs on links. The one place where the instance's view meets the device's: on the host side of a veth, what the
//! instance sends comes *in*.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::{Context, Result};
use aya::Ebpf;
use aya::programs::SchedClassifier;
use aya::programs::links::{FdLink, LinkOrder};
use aya::programs::tc::{SchedClassifierLink, TcAttachOptions, TcAttachType};
use aya::programs::xdp::{XdpLink, XdpMode};

use crate::controller::build::link_name;

use super::object::{self, FROM_LINK, METADATA, TO_LINK};

/// Which hook judges what an instance sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hook {
    /// TCX ingress: packets stay as large as the instance made them.
    #[default]
    Tcx,
    /// Native XDP, for demonstrations; TCX stays for ARP and neighbour discovery.
    Xdp,
}

/// A program on a link. Not pinned, it goes when dropped.
pub enum Attached {
    /// TCX.
    Tcx(SchedClassifierLink),
    /// XDP.
    Xdp(XdpLink),
}

/// Attaches programs to the two TCX hooks of a link: what comes in by it, and what goes out.
pub(super) fn both_ways(object: &mut Ebpf, link_name: &str, programs: [&str; 2]) -> Result<Vec<Attached>> {
    let mut attached = Vec::new();
    for (program, at) in programs.into_iter().zip([TcAttachType::Ingress, TcAttachType::Egress]) {
        let program_ref = object::classifier(object, program)?;
        let options = TcAttachOptions::TcxOrder(LinkOrder::default());
        let id = program_ref
            .attach_with_options(link_name, at, options)
            .with_context(|| format!("cannot attach {program} to {link_name} (TCX needs Linux 6.6)"))?;
        attached.push(Attached::Tcx(program_ref.take_link(id)?));
    }
    Ok(attached)
}

/// Attaches to a link of the current network namespace. The link should be down, so that no packet passes before.
///
/// # Errors
/// Where the kernel refuses.
pub fn attach(object: &mut Ebpf, link_name: &str, hook: Hook) -> Result<Vec<Attached>> {
    let mut attached = both_ways(object, link_name, [FROM_LINK, TO_LINK])?;
    if hook == Hook::Xdp {
        let program = object::xdp(object, object::XDP)?;
        let id = program
            .attach(link_name, XdpMode::Driver)
            .with_context(|| format!("cannot attach {} to {link_name} in native mode", object::XDP))?;
        attached.push(Attached::Xdp(program.take_link(id)?));
    }
    Ok(attached)
}

/// Whether both programs are on a link of the current network namespace.
///
/// # Errors
/// Where the kernel does not say.
pub fn is_attached(link_name: &str) -> Result<bool> {
    for (program, at) in [(FROM_LINK, TcAttachType::Ingress), (TO_LINK, TcAttachType::Egress)] {
        let (_, programs) = SchedClassifier::query_tcx(link_name, at)
            .with_context(|| format!("cannot ask for the programs on {link_name}"))?;
        if !programs.iter().any(|info| info.name_as_str() == Some(program)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Where the links of a link index are pinned.
fn pin_path(pins: &Path, link_index: u32, place: usize) -> PathBuf {
    pins.join("links").join(format!("{link_index}-{place}"))
}

/// Pins programs to their link, so that they stay when this process goes.
///
/// # Errors
/// Where bpffs refuses.
pub fn pin(attached: Vec<Attached>, pins: &Path, link_index: u32) -> Result<()> {
    fs::create_dir_all(pins.join("links")).context("cannot make the directory of pinned links")?;
    unpin(pins, link_index)?;
    for (place, link) in attached.into_iter().enumerate() {
        pin_at(link, &pin_path(pins, link_index, place))?;
    }
    Ok(())
}

fn pin_at(attached: Attached, path: &Path) -> Result<()> {
    let link: FdLink = match attached {
        Attached::Tcx(link) => link.try_into().context("the kernel made no TCX link")?,
        Attached::Xdp(link) => link.try_into().context("the kernel made no XDP link")?,
    };
    link.pin(path).with_context(|| format!("cannot pin {}", path.display()))?;
    Ok(())
}

/// Takes the programs off a link.
///
/// # Errors
/// Where bpffs refuses.
pub fn unpin(pins: &Path, link_index: u32) -> Result<()> {
    (0..3).try_for_each(|place| remove(&pin_path(pins, link_index, place)))
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// The loopback of every network namespace.
const LOOPBACK: &str = "lo";

/// Attaches to the loopback of the current network namespace what leads to the metadata service.
///
/// # Errors
/// Where the kernel refuses.
pub fn loopback(object: &mut Ebpf) -> Result<Attached> {
    let program = object::classifier(object, METADATA)?;
    let options = TcAttachOptions::TcxOrder(LinkOrder::default());
    let id = program
        .attach_with_options(LOOPBACK, TcAttachType::Egress, options)
        .with_context(|| format!("cannot attach {METADATA} to {LOOPBACK} (TCX needs Linux 6.6)"))?;
    Ok(Attached::Tcx(program.take_link(id)?))
}

/// Whether the loopback of the current network namespace has it.
///
/// # Errors
/// Where the kernel does not say.
pub fn is_on_loopback() -> Result<bool> {
    let (_, programs) = SchedClassifier::query_tcx(LOOPBACK, TcAttachType::Egress)
        .with_context(|| format!("cannot ask for the programs on {LOOPBACK}"))?;
    Ok(programs.iter().any(|info| info.name_as_str() == Some(METADATA)))
}

/// Where what is on a namespace's loopback is pinned.
fn loopback_path(pins: &Path, namespace: &str) -> PathBuf {
    pins.join("links").join(format!("{LOOPBACK}-{namespace}"))
}

/// Pins a program to the loopback that it is on, so that it stays when this process goes.
///
/// # Errors
/// Where bpffs refuses.
pub fn pin_loopback(attached: Attached, pins: &Path, namespace: &str) -> Result<()> {
    fs::create_dir_all(pins.join("links")).context("cannot make the directory of pinned links")?;
    unpin_loopback(pins, namespace)?;
    pin_at(attached, &loopback_path(pins, namespace))
}

/// Takes the program off a namespace's loopback.
///
/// # Errors
/// Where bpffs refuses.
pub fn unpin_loopback(pins: &Path, namespace: &str) -> Result<()> {
    remove(&loopback_path(pins, namespace))
}

/// Indexes of links that are gone although programs are still pinned to them: a controller died in between.
///
/// # Errors
/// Where bpffs refuses.
pub fn pinned_to_nothing(pins: &Path) -> Result<BTreeSet<u32>> {
    let explain = "cannot read the directory of pinned links";
    let entries = match fs::read_dir(pins.join("links")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        entries => entries.context(explain)?,
    };
    let mut gone = BTreeSet::new();
    for entry in entries {
        let name = entry.context(explain)?.file_name();
        let index = name.to_str().and_then(|name| name.split_once('-')?.0.parse().ok());
        gone.extend(index.filter(|index| !Path::new("/sys/class/net").join(link_name(*index)).exists()));
    }
    Ok(gone)
}

/// Unpins programs whose links are gone.
///
/// # Errors
/// Where bpffs refuses.
pub fn unpin_what_is_gone(pins: &Path) -> Result<()> {
    pinned_to_nothing(pins)?.into_iter().try_for_each(|index| unpin(pins, index))
}
