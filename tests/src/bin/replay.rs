//! `cargo xtask replay FILE`: shows a saved scenario step by step, with what each data plane makes of every event.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "this program is for reading")]

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use sg_tests::harness::planes::{Plane, host, oracle};
use sg_tests::harness::regressions::read;
use sg_tests::harness::walk::walk;

/// The only option: the kernel too.
const KERNEL: &str = "--kernel";

fn main() -> Result<ExitCode> {
    let (options, files): (Vec<_>, Vec<_>) =
        std::env::args().skip(1).partition(|text| text.starts_with("--"));
    if files.is_empty() || options.iter().any(|option| option != KERNEL) {
        bail!("usage: replay FILE… [{KERNEL}]");
    }
    let kernel = if options.is_empty() { None } else { Some(kernel()?) };
    let mut alike = true;
    for file in files.into_iter().map(PathBuf::from) {
        let mut planes: Vec<Plane> = vec![oracle(), host()];
        planes.extend(kernel.as_ref().map(|kernel| kernel()));
        let walk = walk(&mut planes, &read(&file)?)?;
        alike &= walk.alike;
        println!("== {}\n{walk}", file.display());
    }
    Ok(if alike { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What makes the kernel's data plane, empty.
#[cfg(feature = "privileged")]
fn kernel() -> Result<Box<dyn Fn() -> Plane>> {
    let kernel = sg_tests::harness::kernel_plane::Kernel::load();
    Ok(Box::new(move || kernel.plane()))
}

#[cfg(not(feature = "privileged"))]
fn kernel() -> Result<Box<dyn Fn() -> Plane>> {
    bail!("this build knows no kernel; use `cargo xtask replay {KERNEL} FILE`")
}
