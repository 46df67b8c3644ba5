//! From the model to the data plane's maps. Pure: equal worlds give equal images.
//!
//! `policy` compiles what one distinct set of groups allows in one direction, `access_list` what a network ACL does, both
//! with `words` and `ports`; `place` says what an object has in the maps beside. `compiler` makes of a change the `Patch` of
//! an `image` of all maps, by way of what the change has `touched`, which the `index` finds; `arena` places words in the memory
//! that the programs read; `apply` writes patches.

pub mod access_list;
pub mod apply;
pub mod arena;
pub mod compiler;
pub mod image;
mod index;
pub mod place;
pub mod policy;
mod ports;
mod touched;
pub mod words;
