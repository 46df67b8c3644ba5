//! User data that is to be run: once, when its instance first comes up.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::aws::ids::InstanceId;
use crate::aws::instance::Instance;
use crate::aws::world::World;
use crate::lab::process::{self, Inside};
use crate::lab::sandbox::Sandbox;

use super::directory::StateDirectory;

/// Name of the hidden subcommand that runs it.
pub const SUBCOMMAND: &str = "run-user-data";

/// Where what an instance's user data says is written.
pub fn log(directory: &StateDirectory, id: &InstanceId) -> PathBuf {
    directory.logs().join(format!("{id}.user-data.log"))
}

/// Starts what is to be run in instances that run and where it has not been started yet. Its log, made first, says that it
/// has: a controller that dies in between runs nothing twice.
pub fn follow(directory: &StateDirectory, world: &World) {
    for instance in world.instances.values().filter(|it| it.is_running() && it.launch.boots == 0) {
        if let Some(script) = script(instance)
            && let Err(error) = start(directory, instance, &script)
        {
            tracing::error!("user data of {} does not run: {error:#}", instance.id);
        }
    }
}

/// An instance's user data, where it is a script that is to be run.
fn script(instance: &Instance) -> Option<Vec<u8>> {
    let data = instance.user_data.as_ref().filter(|data| data.run)?.bytes();
    data.starts_with(b"#!").then_some(data)
}

fn start(directory: &StateDirectory, instance: &Instance, script: &[u8]) -> Result<()> {
    let path = log(directory, &instance.id);
    let log = match OpenOptions::new().create_new(true).append(true).open(&path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        opened => opened.with_context(|| format!("cannot write the log `{}`", path.display()))?,
    };
    let hidden = directory.path().canonicalize().context("cannot find the state directory")?;
    let sandbox = serde_json::to_string(&Sandbox { number: instance.number, hidden })?;
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    // It fits into a pipe, so nobody waits for anybody.
    let (read, mut write) = io::pipe()?;
    write.write_all(script)?;
    let inside = Inside { directory: Some(Path::new("/").to_owned()), ..Inside::new(instance.id.as_str()) };
    let arguments = [program.into(), SUBCOMMAND.into(), sandbox.into()];
    let mut child = process::start(&inside, &arguments, log, read.into())?;
    // So that no zombie stays; how it ended is in its log.
    std::thread::spawn(move || child.wait());
    Ok(())
}
