//! From the model to the data plane's maps. Pure: equal worlds give equal images.
//!
//! `policy` compiles what one distinct set of groups allows in one direction, `access_list` what a network ACL does, both
//! with `words` and `ports`; `place` says what an object has in the maps beside. `compiler` makes of a change the `Patch` of
//! an `image` of all maps, by way of what the change has `touched`, which the `index` finds; `arena` places words in the memory
//! that the programs read; `apply` writes patches. `by_sets` puts a change of rules in force one set of groups after another, if its
//! `growth` is sure to fit.

pub mod access_list;
pub mod apply;
pub mod arena;
pub mod by_sets;
pub mod compiler;
mod growth;
pub mod image;
mod index;
pub mod place;
pub mod policy;
mod ports;
mod touched;
pub mod words;
