//! The program under test.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// `sgsim`: the one that `cargo xtask test` names, or else one built here with what cargo is told besides.
///
/// # Panics
/// Where it does not build.
pub fn sgsim(options: &[&str]) -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        if let Some(path) = std::env::var_os("SGSIM_BIN") {
            return path.into();
        }
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "sg-userspace", "--bin", "sgsim"])
            .args(options)
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
            .status()
            .expect("cargo can be run");
        assert!(built.success(), "sgsim does not build");
        // A test is `<target>/<profile>/deps/name-…`.
        let own = std::env::current_exe().expect("a test knows its own file");
        own.ancestors().nth(3).expect("a test is below the target directory").join("debug/sgsim")
    })
}
