//! Sending a command to the controller.

use anyhow::Result;
use serde::Serialize;

use crate::aws::error::AwsError;
use crate::command::{self, Command};
use crate::controller::client::unexpected;
use crate::controller::protocol::{ErrorReply, Reply, Request};

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

/// Has the controller carry out a command, or tries it where changes are only tried; gives the version that it made and its answer.
pub(super) fn apply(context: &Context, command: impl Into<Command>) -> Result<(u64, command::Reply)> {
    if let Some(world) = context.rehearsed() {
        let tried = command::apply(&mut world.borrow_mut(), command.into());
        let refused =
            |error: AwsError| failure::with_remedy(ErrorReply::new(&error.code, error.message).into());
        return Ok((0, tried.map_err(refused)?.reply));
    }
    let request = Request::Change { command: Box::new(command.into()) };
    match context.client()?.call(&request).map_err(failure::with_remedy)? {
        Reply::Applied { version, answer: Some(answer) } => Ok((version, *answer)),
        other => Err(unexpected(&other)),
    }
}
