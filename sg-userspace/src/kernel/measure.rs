//! What benchmarks ask of the kernel data plane beyond verdicts: how long programs run, how large they are, and what the maps
//! take.

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::{AsFd, AsRawFd};

use anyhow::{Context, Result};
use aya::maps::MapInfo;
use aya::programs::ProgramInfo;

use super::dataplane::KernelDataplane;
use super::object;
use super::prog_run::{self, Prober, ProgramKind, Run};

/// One of the labs' programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judge {
    /// What an instance sends, at TCX: judged outbound, routed, judged inbound at the receiver.
    FromLink,
    /// What reaches an instance other than through the fabric, at TCX: judged inbound.
    ToLink,
    /// What an instance sends, at XDP.
    Xdp,
}

impl Judge {
    /// The three of them.
    pub const ALL: [Self; 3] = [Self::FromLink, Self::ToLink, Self::Xdp];

    /// Its name in the kernel.
    pub fn program(self) -> &'static str {
        match self {
            Self::FromLink => object::FROM_LINK,
            Self::ToLink => object::TO_LINK,
            Self::Xdp => object::XDP,
        }
    }

    /// What it is given.
    pub fn kind(self) -> ProgramKind {
        if self == Self::Xdp { ProgramKind::Xdp } else { ProgramKind::Classifier }
    }
}

/// A program as the kernel holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramSize {
    /// Its name.
    pub name: &'static str,
    /// Instructions that the verifier went through, over all paths.
    pub verified_instructions: u32,
    /// Instructions of the program, 8 bytes each.
    pub instructions: u32,
}

impl KernelDataplane {
    /// Runs a frame on a slot's link through a program so many times.
    ///
    /// # Errors
    /// Where the slot has no link or the kernel refuses the run.
    pub fn run_frame(&mut self, judge: Judge, slot: u32, frame: &[u8], repeat: u32) -> Result<Run> {
        let link = self.link(slot).with_context(|| format!("slot {slot} has no link"))?;
        prog_run::run(&mut self.object, judge.kind(), judge.program(), link, frame, repeat)
    }

    /// Something that runs frames on another thread.
    ///
    /// # Errors
    /// Where the kernel refuses it a handle.
    pub fn prober(&mut self) -> Result<Prober> {
        Prober::of(&mut self.object)
    }

    /// How large the programs are.
    ///
    /// # Errors
    /// Where the kernel does not say.
    pub fn program_sizes(&mut self) -> Result<Vec<ProgramSize>> {
        let mut sizes = Vec::new();
        for judge in Judge::ALL {
            let info = match judge.kind() {
                ProgramKind::Classifier => object::classifier(&mut self.object, judge.program())?.info()?,
                ProgramKind::Xdp => object::xdp(&mut self.object, judge.program())?.info()?,
            };
            sizes.push(size(judge, &info)?);
        }
        Ok(sizes)
    }

    /// Bytes that the kernel accounts for each map, by name, as it shows them in `/proc/self/fdinfo`.
    ///
    /// # Errors
    /// Where it does not show them.
    pub fn map_bytes(&mut self) -> Result<BTreeMap<String, u64>> {
        let mut bytes = BTreeMap::new();
        for id in self.map_ids()? {
            let info = MapInfo::from_id(id).with_context(|| format!("there is no map {id}"))?;
            let name = info.name_as_str().unwrap_or_default().to_owned();
            bytes.insert(name, memlock(info.fd()?.as_fd().as_raw_fd())?);
        }
        Ok(bytes)
    }

    fn map_ids(&mut self) -> Result<Vec<u32>> {
        let mut ids = Vec::new();
        for name in [object::FROM_LINK, object::TO_LINK] {
            let info = object::classifier(&mut self.object, name)?.info()?;
            ids.extend(info.map_ids()?.context("the kernel does not tell a program's maps")?);
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }
}

fn size(judge: Judge, info: &ProgramInfo) -> Result<ProgramSize> {
    Ok(ProgramSize {
        name: judge.program(),
        verified_instructions: info
            .verified_instruction_count()
            .context("the kernel does not tell how many instructions it verified (Linux 5.16)")?,
        instructions: info.size_translated().context("the kernel does not tell a program's size")? / 8,
    })
}

/// `memlock:` of a descriptor's `fdinfo`, bytes.
fn memlock(descriptor: i32) -> Result<u64> {
    let text = fs::read_to_string(format!("/proc/self/fdinfo/{descriptor}"))?;
    text.lines()
        .find_map(|line| line.strip_prefix("memlock:")?.trim().parse().ok())
        .context("the kernel does not tell a map's memory")
}
