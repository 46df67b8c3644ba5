//! Running other programs: with the right environment, and either in the open or into a log with progress.
//!
//! xtask itself runs under a rustup cargo, which tells its children, by variables, which toolchain and which package
//! they belong to. None of that is true for what xtask starts, so [`host_cargo`] drops the package and
//! [`without_toolchain`] the toolchain as well.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, io};

use anyhow::{Context, Result, bail};

use crate::repo::Repo;
use crate::say;

/// How many of the log's last lines a failure prints.
const TAIL_LINES: usize = 25;

/// The cargo that started xtask, in the root, without the variables that describe the xtask package.
pub(crate) fn host_cargo(repo: &Repo) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(&repo.root);
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(describes_the_package) {
            command.env_remove(name);
        }
    }
    command
}

/// `program` without any variable that picks a Rust toolchain, its flags or its wrappers.
pub(crate) fn without_toolchain(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(|name| describes_the_package(name) || picks_a_toolchain(name)) {
            command.env_remove(name);
        }
    }
    // rustup puts its toolchain's libraries first; another compiler must find its own.
    if let Some(paths) = env::var_os("LD_LIBRARY_PATH") {
        let kept = env::split_paths(&paths).filter(|path| {
            !path.components().any(|part| part.as_os_str() == "toolchains" || part.as_os_str() == "rustlib")
        });
        match env::join_paths(kept) {
            Ok(paths) if !paths.is_empty() => command.env("LD_LIBRARY_PATH", paths),
            _ => command.env_remove("LD_LIBRARY_PATH"),
        };
    }
    command
}

fn describes_the_package(name: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"].iter().any(|prefix| name.starts_with(prefix))
        || ["CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "OUT_DIR"].contains(&name)
}

fn picks_a_toolchain(name: &str) -> bool {
    ["CARGO_BUILD_", "CARGO_TARGET_", "CARGO_PROFILE_", "RUSTC", "RUSTDOC"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
        || ["CARGO", "CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS", "RUSTUP_TOOLCHAIN", "RUST_RECURSION_COUNT"]
            .contains(&name)
}

/// The first program of that name on `PATH`.
pub(crate) fn on_path(program: &str) -> Option<std::path::PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|dir| dir.join(program)).find(|path| path.is_file())
}

/// Standard output of a quick command, or why there is none.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    let shown = shown(command);
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot run `{shown}`"))?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        bail!("`{shown}` failed: {}", why.trim().lines().last().unwrap_or("no message"));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a command whose output is for the person at the terminal.
pub(crate) fn in_the_open(command: &mut Command) -> Result<()> {
    let shown = shown(command);
    let status = command.status().with_context(|| format!("cannot run `{shown}`"))?;
    succeeded(&shown, status)
}

/// Runs a command whose output goes to a log; prints a line when it begins, elapsed time while it runs, and the
/// log's tail if it fails.
pub(crate) fn into_log(repo: &Repo, step: &str, doing: &str, command: &mut Command) -> Result<Duration> {
    let path = repo.log(step);
    let log = create_log(&path).with_context(|| format!("cannot write `{}`", path.display()))?;
    let shown = shown(command);
    writeln!(&log, "$ {shown}")?;
    say::begin(step, format_args!("{doing} (log: {})", repo.show(&path)));
    let start = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .with_context(|| format!("cannot run `{shown}`"))?;
    let mut progress = Progress::new(start);
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        progress.tick(step)?;
        thread::sleep(Duration::from_millis(100));
    };
    progress.clear()?;
    if !status.success() {
        let text = fs::read_to_string(&path).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        for line in &lines[lines.len().saturating_sub(TAIL_LINES)..] {
            say::plain(format_args!("       | {line}"));
        }
    }
    succeeded(&shown, status).with_context(|| format!("{doing} failed; see `{}`", repo.show(&path)))?;
    Ok(start.elapsed())
}

/// Elapsed seconds of a slow step: one line rewritten on a terminal, one line in a while elsewhere.
struct Progress {
    start: Instant,
    terminal: bool,
    reported: u64,
}

impl Progress {
    const LOG_INTERVAL_S: u64 = 30;

    fn new(start: Instant) -> Self {
        Self { start, terminal: io::stdout().is_terminal(), reported: 0 }
    }

    fn tick(&mut self, step: &str) -> io::Result<()> {
        let seconds = self.start.elapsed().as_secs();
        if self.terminal && seconds > self.reported {
            self.reported = seconds;
            let mut out = io::stdout();
            write!(out, "\r       {step:<12} {seconds} s")?;
            out.flush()?;
        } else if !self.terminal && seconds >= self.reported + Self::LOG_INTERVAL_S {
            self.reported = seconds;
            say::detail(step, format_args!("{seconds} s so far"));
        }
        Ok(())
    }

    fn clear(&self) -> io::Result<()> {
        if self.terminal && self.reported > 0 {
            write!(io::stdout(), "\r{:60}\r", "")?;
        }
        Ok(())
    }
}

fn create_log(path: &Path) -> io::Result<File> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    File::create(path)
}

pub(crate) fn succeeded(shown: &str, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(())
}

/// A command as one would type it, without its environment.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let mut text = program.to_string_lossy().into_owned();
    for arg in command.get_args() {
        text.push(' ');
        text.push_str(&arg.to_string_lossy());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toolchain_variables_are_told_from_the_users_own() {
        for name in ["CARGO", "RUSTC", "RUSTC_WRAPPER", "RUSTUP_TOOLCHAIN", "CARGO_TARGET_DIR", "RUSTFLAGS"] {
            assert!(picks_a_toolchain(name), "{name}");
        }
        for name in
            ["CARGO_HOME", "RUSTUP_HOME", "CARGO_HTTP_CAINFO", "CARGO_REGISTRIES_X_INDEX", "RUST_BACKTRACE"]
        {
            assert!(!picks_a_toolchain(name) && !describes_the_package(name), "{name}");
        }
    }
}
