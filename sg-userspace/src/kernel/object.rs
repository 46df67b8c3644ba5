//! The BPF object: embedded at build time, loaded and verified at run time.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use aya::maps::{Array, Map, MapData};
use aya::programs::{Iter, Program, SchedClassifier, Xdp};
use aya::{Btf, Ebpf, EbpfLoader, include_bytes_aligned};
use sg_common::abi::settings::Settings;
use sg_common::abi::{ABI_VERSION, MAX_EMBRYONIC, MAX_FLOWS, MAX_MEMBERS};

static OBJECT: &[u8] = include_bytes_aligned!(concat!(env!("OUT_DIR"), "/sg-ebpf.o"));

/// TCX ingress of a host-side link.
pub const FROM_LINK: &str = "sg_from_link";
/// TCX egress of a host-side link.
pub const TO_LINK: &str = "sg_to_link";
/// XDP on a host-side link.
pub const XDP: &str = "sg_xdp";

/// TCX egress of an instance's loopback.
pub const METADATA: &str = "sg_metadata";

/// Sweeps a flow table, as an iterator over the map of orders.
pub const SWEEP: &str = "sg_sweep";

/// The programs' own log, read by aya-log.
pub const LOGS: &str = "AYA_LOGS";

/// Every map that outlives a controller, by name.
pub const MAPS: [&str; 23] = [
    "SETTINGS",
    "POLICIES",
    "ACCESS_LISTS",
    "ALLOWANCES",
    "INTERFACES",
    "NETWORKS",
    "POLICY_WORDS",
    "MEMBERS4",
    "MEMBERS6",
    "FLOWS4",
    "FLOWS6",
    "EMBRYONIC4",
    "EMBRYONIC6",
    "FRAGMENTS",
    "FLOW_LOG",
    "FLOW_LOG_LOST",
    "EVENTS",
    "EVENTS_LOST",
    "STEPS",
    "TRACE_FILTER",
    // It numbers traced packets, and old programs count on beside new ones.
    "SCRATCH",
    "COUNTERS_BY_REASON",
    LOGS,
];

/// Maps that hold nothing from one packet, or from one sweep, to the next.
const ROOMS: [&str; 3] = ["PACKET", "SWEEP_ORDER", "SWEEP_ROWS"];

/// Where pinned maps are, below the data plane's directory.
pub fn map_directory(pins: &Path) -> PathBuf {
    pins.join("maps")
}

/// How many flows and addresses there is room for, per family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Flows that have had a reply.
    pub flows: u32,
    /// Flows that have had none yet.
    pub embryonic: u32,
    /// Addresses with an owner.
    pub members: u32,
}

impl Default for Room {
    fn default() -> Self {
        Self { flows: MAX_FLOWS, embryonic: MAX_EMBRYONIC, members: MAX_MEMBERS }
    }
}

/// Loads the programs, over the maps pinned below `pins` if there are any, and pins them there if not.
///
/// # Errors
/// Where this build has no object, or the kernel refuses a map or a program; then the verifier's words are in the chain.
pub fn load(pins: Option<&Path>, room: Room) -> Result<Ebpf> {
    if OBJECT.is_empty() {
        bail!("this build has no BPF object; build it with `cargo xtask build`");
    }
    let mut loader = EbpfLoader::new();
    for (map, entries) in [
        ("FLOWS4", room.flows),
        ("FLOWS6", room.flows),
        ("EMBRYONIC4", room.embryonic),
        ("EMBRYONIC6", room.embryonic),
        ("MEMBERS4", room.members),
        ("MEMBERS6", room.members),
    ] {
        loader.map_max_entries(map, entries);
    }
    if let Some(pins) = pins {
        let directory = map_directory(pins);
        fs::create_dir_all(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
        check_version(&directory)?;
        for map in MAPS {
            loader.map_pin_path(map, directory.join(map));
        }
    }
    let mut object = loader.load(OBJECT).context("the kernel refused the maps of the data plane")?;
    // The compiler's own maps of constants have names with a dot.
    let is_unknown = |name: &str| !name.starts_with('.') && !MAPS.contains(&name) && !ROOMS.contains(&name);
    if let Some((name, _)) = object.maps().find(|(name, _)| is_unknown(name)) {
        bail!("nobody has said whether the map {name} outlives a controller");
    }
    for name in [FROM_LINK, TO_LINK, METADATA] {
        classifier(&mut object, name)?
            .load()
            .with_context(|| format!("the kernel refused the program {name}"))?;
    }
    xdp(&mut object, XDP)?.load().with_context(|| format!("the kernel refused the program {XDP}"))?;
    let btf = Btf::from_sys_fs().context("the kernel does not tell its types")?;
    let program: &mut Iter = program_mut(&mut object, SWEEP)?.try_into().context(NOT_AN_ITERATOR)?;
    program.load("bpf_map_elem", &btf).with_context(|| format!("the kernel refused the program {SWEEP}"))?;
    Ok(object)
}

/// Refuses maps of another version before a program is loaded over them, which the kernel would refuse in its own words.
fn check_version(directory: &Path) -> Result<()> {
    let path = directory.join("SETTINGS");
    if !path.exists() {
        return Ok(());
    }
    let map = MapData::from_pin(&path).with_context(|| format!("cannot open {}", path.display()))?;
    // Settings of another size are of another version, too.
    let settings = Array::<_, Settings>::try_from(Map::Array(map)).ok();
    let found = settings.and_then(|settings| settings.get(&0, 0).ok()).map(|settings| settings.abi_version);
    // What was never set up has none.
    if matches!(found, Some(0 | ABI_VERSION)) {
        return Ok(());
    }
    let found = found.map_or("another version".to_owned(), |version| format!("version {version}"));
    bail!(
        "the pinned data plane is of {found}, and this sgsim's is of version {ABI_VERSION}; run `sgsim down` with the sgsim \
         that made it"
    )
}

/// A TCX program.
///
/// # Errors
/// Where the object has none of this name.
pub fn classifier<'a>(object: &'a mut Ebpf, name: &str) -> Result<&'a mut SchedClassifier> {
    program_mut(object, name)?.try_into().with_context(|| format!("{name} is not a TC program"))
}

/// An XDP program.
///
/// # Errors
/// Where the object has none of this name.
pub fn xdp<'a>(object: &'a mut Ebpf, name: &str) -> Result<&'a mut Xdp> {
    program_mut(object, name)?.try_into().with_context(|| format!("{name} is not an XDP program"))
}

/// The iterator.
///
/// # Errors
/// Where the object has none.
pub fn sweep(object: &Ebpf) -> Result<&Iter> {
    object.program(SWEEP).with_context(|| missing(SWEEP))?.try_into().context(NOT_AN_ITERATOR)
}

const NOT_AN_ITERATOR: &str = "the program that sweeps is not an iterator";

fn program_mut<'a>(object: &'a mut Ebpf, name: &str) -> Result<&'a mut Program> {
    object.program_mut(name).with_context(|| missing(name))
}

fn missing(name: &str) -> String {
    format!("the BPF object has no program {name}")
}
