//! Sending a command to the controller.

use anyhow::Result;
use serde::Serialize;

use crate::command::{self, Command};
use crate::controller::client::unexpected;
use crate::controller::protocol::{Reply, Request};

use super::context::Context;
use super::failure;

/// An applied command, as JSON has it.
#[derive(Debug, Serialize)]
pub(super) struct Applied<T: Serialize> {
    /// Version of the world that it made.
    pub(super) world_version: u64,
    /// What came of it.
    #[serde(flatten)]
    pub(super) result: T,
}

/// Has the controller carry out a command; gives the version that it made and its answer.
pub(super) fn apply(context: &Context, command: impl Into<Command>) -> Result<(u64, command::Reply)> {
    let request = Request::Change { command: Box::new(command.into()) };
    match context.client()?.call(&request).map_err(failure::with_remedy)? {
        Reply::Applied { version, answer: Some(answer) } => Ok((version, *answer)),
        other => Err(unexpected(&other)),
    }
}
