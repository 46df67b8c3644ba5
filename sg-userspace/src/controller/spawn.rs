//! Finding the controller, or starting one: the same binary, detached, its output in a log file.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::client::{Client, ConnectError};
use super::directory::StateDirectory;

/// How long a new controller may take until it answers: adopting a large lab is the longest thing that it does first.
const PATIENCE: Duration = Duration::from_secs(60);

/// Name of the hidden subcommand that [`crate::controller::run::run`]s.
pub const SUBCOMMAND: &str = "controller";

/// Connects to the controller of a state directory, starting it if there is none.
///
/// # Errors
/// Where it cannot be reached or does not start; then with what it said.
pub fn connect_or_start(directory: &StateDirectory) -> Result<Client> {
    match Client::connect(directory) {
        Ok(client) => Ok(client),
        Err(ConnectError::NotRunning(_)) => start(directory),
        Err(error) => Err(error.into()),
    }
}

fn start(directory: &StateDirectory) -> Result<Client> {
    let log_path = directory.controller_log();
    directory.claim()?;
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&log_path)
        .with_context(|| format!("cannot write the log `{}`", log_path.display()))?;
    let written_before = log.metadata().map_or(0, |metadata| metadata.len());
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    let mut child = Command::new(program)
        .arg("--state-dir")
        .arg(directory.path())
        .arg(SUBCOMMAND)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(log.try_clone().context("cannot share the log")?)
        .stderr(log)
        .spawn()
        .context("cannot start the controller")?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Ok(client) = Client::connect(directory) {
            return Ok(client);
        }
        if let Some(status) = child.try_wait().context("cannot wait for the controller")? {
            let said = last_line(&log_path, written_before).unwrap_or_else(|| status.to_string());
            bail!("the controller did not start: {}", said.strip_prefix("sgsim: ").unwrap_or(&said));
        }
        if Instant::now() > deadline {
            bail!("the controller (pid {}) does not answer; see `{}`", child.id(), log_path.display());
        }
        sleep(Duration::from_millis(5));
    }
}

fn last_line(path: &std::path::Path, from: u64) -> Option<String> {
    let mut file = File::open(path).ok()?;
    file.seek(SeekFrom::Start(from)).ok()?;
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.lines().rfind(|line| !line.trim().is_empty()).map(str::to_owned)
}
