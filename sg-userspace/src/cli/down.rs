//! `sgsim down`: nothing a lab made outlives it.

use anyhow::Result;
use clap::Args;

use crate::controller::client::{Client, ConnectError};
use crate::controller::protocol::{Reply, Request};
use crate::controller::up::clean_up_after_crash;

use super::Exit;
use super::context::Context;
use super::progress::Meter;

/// Take the lab down, servers and all, and end the controller; also after a crash
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim down\n  sgsim --state-dir /tmp/lab2 down")]
pub(super) struct DownArgs {}

impl DownArgs {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        context.need_root("taking a lab down")?;
        let sentence = match Client::connect(&context.directory) {
            Ok(client) => {
                ask(client)?;
                "the lab is down".to_owned()
            }
            Err(ConnectError::NotRunning(_)) if !context.directory.path().exists() => {
                "no lab is up: nothing to do".to_owned()
            }
            Err(ConnectError::NotRunning(_)) => {
                let removed = clean_up_after_crash(&context.directory)?;
                format!(
                    "no controller was running; removed what it had left: {} namespaces, {} links, {} processes",
                    removed.namespaces, removed.links, removed.processes
                )
            }
            Err(error) => return Err(error.into()),
        };
        context.output.said("down", &true, &sentence)?;
        Ok(Exit::Success)
    }
}

fn ask(mut client: Client) -> Result<()> {
    let mut meter = Meter::new();
    client.send(&Request::Down)?;
    let result = loop {
        match client.receive() {
            Ok(Some(Reply::Progress(step))) => meter.show(&step),
            Ok(_) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    // The connection ends once the controller has; only then is everything gone.
    while let Ok(Some(_)) = client.receive() {}
    meter.finish();
    result
}
