//! Tests on real namespaces, links and packets. They need root, and fail without: a test that cannot run has not passed.

mod lab_plumbing;
mod lab_processes;
mod lab_removal;

/// Panics with what to do unless the caller is root.
#[track_caller]
fn require_root() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let root =
        status.lines().any(|line| line.starts_with("Uid:") && line.split_whitespace().nth(2) == Some("0"));
    assert!(root, "the privileged tests need root: run `sudo cargo xtask test`");
}
