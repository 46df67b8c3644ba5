//! `sgsim exec` and `sgsim shell`: commands inside instances. This process becomes the command, so terminal, signals and
//! exit status are the command's own.

use std::ffi::OsString;

use anyhow::{Result, bail};
use clap::Args;

use crate::controller::build::INTERNET_NAME;
use crate::controller::protocol::Status;
use crate::lab::process::{Inside, exec};

use super::Exit;
use super::context::Context;
use super::near;

/// Run a command inside an instance, and end with its exit status
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim exec web-2 -- curl -s http://web-1\n  \
    sgsim exec internet -- curl -s http://web-1\n  sgsim exec db-1 -- ss -ltn")]
pub(super) struct ExecArgs {
    /// The instance, by name or id; or `internet`
    instance: String,
    /// The command and its arguments
    #[arg(required = true, num_args = 1.., trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

/// Open a shell inside an instance
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim shell web-1\n  sgsim shell internet")]
pub(super) struct ShellArgs {
    /// The instance, by name or id; or `internet`
    instance: String,
}

impl ExecArgs {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        become_command(context, &self.instance, &self.command)
    }
}

impl ShellArgs {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        let shell = std::env::var_os("SHELL").unwrap_or_else(|| "/bin/sh".into());
        become_command(context, &self.instance, &[shell])
    }
}

fn become_command(context: &Context, instance: &str, argv: &[OsString]) -> Result<Exit> {
    context.need_root("entering an instance")?;
    let status = context.client()?.status()?;
    let inside = inside(&status, instance)?;
    match exec(&inside, argv)? {}
}

/// Where an instance's commands run.
pub(super) fn inside(status: &Status, text: &str) -> Result<Inside> {
    if text.eq_ignore_ascii_case(INTERNET_NAME)
        && let Some(lab) = &status.lab
    {
        return Ok(Inside::new(&lab.internet_namespace));
    }
    let found = status
        .instances
        .iter()
        .find(|instance| instance.id.as_str() == text || instance.name.eq_ignore_ascii_case(text));
    let instance = found.ok_or_else(|| {
        let names = status.instances.iter().map(|instance| instance.name.as_str());
        near::unknown("instance", text, names.chain([INTERNET_NAME]))
    })?;
    if instance.stopped {
        bail!("`{}` is stopped; start it with `sgsim instance start {}`", instance.name, instance.name);
    }
    let mut inside = Inside::new(instance.id.as_str());
    inside.environment.push(("INSTANCE_ID".to_owned(), instance.id.to_string()));
    Ok(inside)
}
