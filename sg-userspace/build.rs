//! Puts the BPF object where the library embeds it. Without one (plain `cargo build --features kernel`) the library
//! builds all the same, and says at run time how to get it.

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-env-changed=SGSIM_BPF_OBJECT");
    if env::var_os("CARGO_FEATURE_KERNEL").is_none() {
        return;
    }
    let embedded = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("sg-ebpf.o");
    match env::var_os("SGSIM_BPF_OBJECT") {
        Some(object) => {
            println!("cargo::rerun-if-changed={}", object.display());
            fs::copy(&object, &embedded)
                .unwrap_or_else(|error| panic!("cannot read {}: {error}", object.display()));
        }
        None => fs::write(&embedded, []).expect("OUT_DIR is writable"),
    }
}
