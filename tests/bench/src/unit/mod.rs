//! What one run of a program costs, by `BPF_PROG_TEST_RUN`: always in turn with a program that does nothing and with the least
//! that a stateful filter must do, on the same frame.

mod established;
mod new_flow;
mod packets;
mod size;

use anyhow::Result;
use sg_userspace::kernel::object::Room;

use crate::cli::Effort;
use crate::goals::Outcome;
use crate::plane::Plane;
use crate::report::Section;
use crate::worlds::{CLIENT, SERVER};
use crate::{floor, meter::Meter};

/// The unit of sizes.
pub(crate) const INSTRUCTIONS: &str = "instructions";
/// What costs are compared with, beside an empty program: see `sg-ebpf/src/bin/floor.rs`.
pub(crate) const FLOOR: &str = "floor";

/// What the regression gate looks at.
pub(crate) fn gate_sections() -> Result<Vec<Section>> {
    let mut meter =
        Meter::new(Plane::load(&[CLIENT, SERVER], Room::default())?, floor::load()?, Effort::Short);
    Ok(vec![
        size::section(&mut meter)?,
        established::hot(&mut meter, &mut Vec::new())?,
        new_flow::by_rules(&mut meter, &mut Vec::new())?,
    ])
}

/// All sections, and the goals that they say something about.
pub(crate) fn measure(effort: Effort) -> Result<(Vec<Section>, Vec<Outcome>)> {
    let room = match effort {
        Effort::Full => Room { flows: 1 << 21, embryonic: 1 << 21, members: 1 << 18 },
        Effort::Short => Room::default(),
    };
    let mut meter = Meter::new(Plane::load(&[CLIENT, SERVER], room)?, floor::load()?, effort);
    let mut goals = Vec::new();
    let sections = vec![
        size::section(&mut meter)?,
        established::section(&mut meter, &mut goals)?,
        new_flow::section(&mut meter, &mut goals)?,
    ];
    Ok((sections, goals))
}
