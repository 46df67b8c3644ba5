//! From the model to the data plane's maps. Pure: equal worlds give equal images.
//!
//! `policy` compiles what one distinct set of groups allows in one direction, `access_list` what a network ACL does, both
//! with `words` and `ports`; `image` says what every map holds; `arena` places words in the memory that the programs read;
//! `apply` writes what differs.

pub mod access_list;
pub mod apply;
pub mod arena;
pub mod image;
pub mod policy;
mod ports;
pub mod words;
