//! Where things are: the repository root, the target directory and what xtask puts into it.

use std::env;
use std::path::{Path, PathBuf};

/// The checkout that this xtask was built from.
pub(crate) struct Repo {
    /// The directory of the workspace's `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// Cargo's target directory; `CARGO_TARGET_DIR` moves it.
    pub(crate) target: PathBuf,
}

impl Repo {
    pub(crate) fn locate() -> Self {
        // At run time cargo names the manifest of the checkout in use; a binary started by hand falls back to its own.
        let manifest = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest.parent().map_or_else(|| manifest.clone(), Path::to_path_buf);
        let target =
            env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
        Self { root, target }
    }

    /// The BPF object that `build-ebpf` leaves.
    pub(crate) fn bpf_object(&self) -> PathBuf {
        self.target.join("bpf/sg-ebpf.o")
    }

    /// The programs that benchmarks compare with, which `build-ebpf` leaves beside it.
    pub(crate) fn floor_object(&self) -> PathBuf {
        self.target.join("bpf/sg-floor.o")
    }

    /// The binary that `build` leaves.
    pub(crate) fn sgsim(&self) -> PathBuf {
        self.target.join("release/sgsim")
    }

    /// The Python environment with AWS's own clients, where the tests look for it.
    pub(crate) fn aws_clients(&self) -> PathBuf {
        self.target.join("aws-clients")
    }

    /// The log of one slow step.
    pub(crate) fn log(&self, step: &str) -> PathBuf {
        self.target.join("xtask").join(format!("{step}.log"))
    }

    /// A path as a person standing in the root would type it.
    pub(crate) fn show<'a>(&self, path: &'a Path) -> std::path::Display<'a> {
        path.strip_prefix(&self.root).unwrap_or(path).display()
    }
}
