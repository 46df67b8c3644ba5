//! `sgsim what-if`: what a change would do. The command that would make it is carried out on a copy of the world.

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::analysis::what_if::{LiveFlow, what_if};
use crate::controller::client::unexpected;
use crate::controller::protocol::{Reply, Request};
use crate::dataplane::row::FlowRow;
use crate::report::flow::FlowView;
use crate::report::what_if::WhatIfView;

use super::Exit;
use super::acl::AclCommand;
use super::context::Context;
use super::group::GroupCommand;
use super::interface::InterfaceCommand;
use super::peering::PeeringCommand;
use super::prefix_list::PrefixListCommand;
use super::rule::RuleCommand;
use super::source::FileArgs;

/// Say what a change would open, close, cut and leave, without making it
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sgsim what-if rule revoke web inbound SSH from anywhere
  sgsim what-if rule allow db inbound PostgreSQL from web
  sgsim what-if interface set-groups web-1 default
  sgsim what-if acl deny edge 90 inbound SSH from anywhere-ipv4
  sgsim what-if --file examples/article.yaml rule revoke db inbound PostgreSQL from web

Exit codes: 0 answered, 2 error, or AWS would refuse it.")]
pub(super) struct WhatIfArgs {
    #[command(flatten)]
    file: FileArgs,
    #[command(subcommand)]
    change: Change,
}

/// The commands that change what gets through.
#[derive(Debug, Subcommand)]
enum Change {
    #[command(subcommand)]
    Group(GroupCommand),
    #[command(subcommand)]
    Rule(RuleCommand),
    #[command(subcommand)]
    Interface(InterfaceCommand),
    #[command(subcommand)]
    Acl(AclCommand),
    #[command(subcommand)]
    Peering(PeeringCommand),
    #[command(subcommand)]
    PrefixList(PrefixListCommand),
}

impl WhatIfArgs {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        let (before, internet) = context.world_of(&self.file)?;
        // Nothing flows in a file.
        let rows = if self.file.is_given() { Vec::new() } else { flows(context)? };
        let rehearsal = &mut context.rehearsing(before.clone(), internet);
        match self.change {
            Change::Group(command) => command.run(rehearsal),
            Change::Rule(command) => command.run(rehearsal),
            Change::Interface(command) => command.run(rehearsal),
            Change::Acl(command) => command.run(rehearsal),
            Change::Peering(command) => command.run(rehearsal),
            Change::PrefixList(command) => command.run(rehearsal),
        }?;
        let after = rehearsal.world()?;
        let live = rows.iter().map(live).collect::<Vec<_>>();
        let answer = what_if(&before, &after, &live);
        let flows = rows.iter().map(|row| FlowView::new(&before, row)).collect::<Vec<_>>();
        let view = WhatIfView::new(&before, &after, &answer, &flows);
        if context.output.is_json() {
            context.output.json("what_if", &view)?;
        } else {
            context.output.text(&view.text())?;
        }
        Ok(Exit::Success)
    }
}

fn flows(context: &Context) -> Result<Vec<FlowRow>> {
    match context.client()?.call(&Request::Flows { interface: None })? {
        Reply::Flows { flows } => Ok(flows),
        other => Err(unexpected(&other)),
    }
}

fn live(row: &FlowRow) -> LiveFlow {
    let flow = &row.flow;
    LiveFlow {
        interface: flow.interface.clone(),
        protocol: flow.protocol,
        local: (flow.local, flow.local_port),
        remote: (flow.remote, flow.remote_port),
        opened: flow.opened,
        seconds_left: row.timeout_seconds.saturating_sub(row.idle_seconds),
    }
}
