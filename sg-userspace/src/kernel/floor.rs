//! The programs that benchmarks compare with, from an object of their own (`sg-ebpf/src/bin/floor.rs`).

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use aya::{Ebpf, EbpfLoader};

use super::attach::{self, Attached};
use super::object;
use super::prog_run::{self, ProgramKind, Run};

/// A program that does nothing, or the least that any stateful filter must do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Yardstick {
    /// Nothing.
    Empty,
    /// Parses the headers and looks one key up.
    Floor,
}

impl Yardstick {
    fn program(self, kind: ProgramKind) -> &'static str {
        match (self, kind) {
            (Self::Empty, ProgramKind::Classifier) => "empty",
            (Self::Empty, ProgramKind::Xdp) => "empty_xdp",
            (Self::Floor, ProgramKind::Classifier) => "floor",
            (Self::Floor, ProgramKind::Xdp) => "floor_xdp",
        }
    }
}

/// The loaded programs.
pub struct Floor {
    object: Ebpf,
}

impl Floor {
    /// Loads them from the object that `cargo xtask build-ebpf` leaves beside the labs' own.
    ///
    /// # Errors
    /// Where the file cannot be read or the kernel refuses it.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut object =
            EbpfLoader::new().load(&bytes).with_context(|| format!("cannot load {}", path.display()))?;
        for yardstick in [Yardstick::Empty, Yardstick::Floor] {
            object::classifier(&mut object, yardstick.program(ProgramKind::Classifier))?.load()?;
            object::xdp(&mut object, yardstick.program(ProgramKind::Xdp))?.load()?;
        }
        Ok(Self { object })
    }

    /// Runs a frame through one of them.
    ///
    /// # Errors
    /// Where the kernel refuses the run.
    pub fn run(
        &mut self,
        yardstick: Yardstick,
        kind: ProgramKind,
        link_index: u32,
        frame: &[u8],
        repeat: u32,
    ) -> Result<Run> {
        prog_run::run(&mut self.object, kind, yardstick.program(kind), link_index, frame, repeat)
    }

    /// Attaches the empty program to both TCX hooks of a link of the current network namespace.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn attach_empty(&mut self, link_name: &str) -> Result<Vec<Attached>> {
        let program = Yardstick::Empty.program(ProgramKind::Classifier);
        attach::both_ways(&mut self.object, link_name, [program; 2])
    }
}
