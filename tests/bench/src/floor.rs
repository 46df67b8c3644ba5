//! The yardstick programs: loaded from the object that `cargo xtask` names.

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result};
use sg_userspace::kernel::floor::Floor;

/// The variable by which the object is found.
const OBJECT_VARIABLE: &str = "SGSIM_FLOOR_OBJECT";

/// Loads the yardstick programs.
pub(crate) fn load() -> Result<Floor> {
    let path = env::var_os(OBJECT_VARIABLE)
        .map(PathBuf::from)
        .with_context(|| format!("{OBJECT_VARIABLE} is not set; run this through `cargo xtask bench`"))?;
    Floor::load(&path)
}
