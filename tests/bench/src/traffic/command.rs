//! Commands that the benchmark starts, and waits for no longer than it must.

use std::io::{Read, Write};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use sg_userspace::lab::namespace;

/// Between two looks at a command that runs: seldom enough to leave the processors alone.
const LOOK: Duration = Duration::from_millis(10);

/// An error that names what is not installed.
pub(super) fn require(programs: &[&str]) -> Result<()> {
    let is_missing = |program: &&&str| Command::new(program).arg("--version").output().is_err();
    let missing: Vec<&str> = programs.iter().filter(is_missing).copied().collect();
    if missing.is_empty() {
        return Ok(());
    }
    bail!("`{}` cannot be run; `cargo xtask bench` installs it on Debian", missing.join("`, `"))
}

/// Runs a command in a namespace with this input, and waits for it.
pub(super) fn feed(namespace: &str, argv: &[&str], input: &str) -> Result<()> {
    let [program, arguments @ ..] = argv else { bail!("no command") };
    let explain = || format!("cannot run `{}`", argv.join(" "));
    let mut child = namespace::run_in(namespace, || {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        command.spawn().with_context(explain)
    })?;
    if let Some(mut pipe) = child.stdin.take() {
        // One that stops reading says why on its standard error.
        let _ = pipe.write_all(input.as_bytes());
    }
    let output = child.wait_with_output()?;
    succeeded(&argv.join(" "), output).map(drop)
}

/// Waits for a command, and gives what it wrote.
pub(super) fn finish(what: &str, mut child: Child, patience: Duration) -> Result<Vec<u8>> {
    let deadline = Instant::now() + patience;
    while child.try_wait()?.is_none() {
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            bail!("{what} did not end in {patience:?}: do packets get through?");
        }
        thread::sleep(LOOK);
    }
    succeeded(what, child.wait_with_output()?)
}

fn succeeded(what: &str, output: Output) -> Result<Vec<u8>> {
    if output.status.success() {
        return Ok(output.stdout);
    }
    let told = [&output.stderr[..], &output.stdout[..]].map(String::from_utf8_lossy);
    let told: Vec<&str> = told.iter().map(|text| text.trim()).filter(|text| !text.is_empty()).collect();
    bail!("{what} failed ({}): {}", output.status, told.join("; "))
}

/// Ends a command that would go on.
pub(super) fn end(mut child: Child) {
    // It may have ended already.
    let _ = child.kill();
    let _ = child.wait();
}

/// The next line that a command writes.
pub(super) fn line(output: &mut impl Read) -> Result<String> {
    let mut text = Vec::new();
    let mut byte = [0];
    while output.read(&mut byte)? > 0 && byte[0] != b'\n' {
        text.push(byte[0]);
    }
    Ok(String::from_utf8(text)?)
}
