//! Finding the controller, or starting one: the same binary, detached, its output in a log file.

use std::fs::OpenOptions;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::lab::process::log_end;
use crate::store::lock::held_by;

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
    directory.claim()?;
    let log_path = directory.controller_log();
    let deadline = Instant::now() + PATIENCE;
    let mut ours = None;
    loop {
        if let Ok(client) = Client::connect(directory) {
            return Ok(client);
        }
        match ours.take() {
            // Where another command was faster, its controller has the lock and soon answers.
            None if held_by(&directory.lock()).is_some() => {}
            None => ours = Some(launch(directory)?),
            Some((mut child, written_before)) => match child
                .try_wait()
                .context("cannot wait for the controller")?
            {
                None => ours = Some((child, written_before)),
                Some(_) if held_by(&directory.lock()).is_some() => {}
                Some(status) => {
                    let said = log_end(&log_path, written_before);
                    let said = if said.is_empty() { status.to_string() } else { said };
                    bail!("the controller did not start: {}", said.strip_prefix("sgsim: ").unwrap_or(&said));
                }
            },
        }
        if Instant::now() > deadline {
            bail!("the controller does not answer; see `{}`", log_path.display());
        }
        sleep(Duration::from_millis(5));
    }
}

/// Starts a controller. Gives it with the length of its log before.
fn launch(directory: &StateDirectory) -> Result<(Child, u64)> {
    // The one before may have given the directory up meanwhile.
    directory.claim()?;
    let log_path = directory.controller_log();
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&log_path)
        .with_context(|| format!("cannot write the log `{}`", log_path.display()))?;
    let written_before = log.metadata().map_or(0, |metadata| metadata.len());
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    let child = Command::new(program)
        .arg("--state-dir")
        .arg(directory.path())
        .arg(SUBCOMMAND)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(log.try_clone().context("cannot share the log")?)
        .stderr(log)
        .spawn()
        .context("cannot start the controller")?;
    Ok((child, written_before))
}
