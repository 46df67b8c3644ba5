//! `sgsim peering`: what joins VPCs.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};

use crate::aws::ids::VpcPeeringConnectionId;
use crate::aws::peering::PeeringStatus;
use crate::aws::world::World;
use crate::command::peering::{
    AcceptVpcPeeringConnection, CreateVpcPeeringConnection, DeleteVpcPeeringConnection,
    RejectVpcPeeringConnection,
};
use crate::command::{Command, Reply};
use crate::report;
use crate::report::peering::PeeringView;

use super::change::{Applied, apply};
use super::context::Context;
use super::{Exit, lookup};

/// Join two VPCs: while a peering is active, they reach each other and can refer to each other's groups.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  sgsim peering list
  sgsim peering create lab shared --accept
  sgsim peering delete lab/shared")]
pub(super) enum PeeringCommand {
    Create(CreateArgs),
    Accept(AcceptArgs),
    Reject(RejectArgs),
    Delete(DeleteArgs),
    List(ListArgs),
}

/// Ask for a peering; VPCs that overlap get one that has failed
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim peering create lab shared\n  \
    sgsim peering create lab shared --name joint --accept")]
pub(super) struct CreateArgs {
    /// The VPC that asks, by id or name
    requester: String,
    /// The VPC that is asked, by id or name
    accepter: String,
    /// A name for it
    #[arg(long)]
    name: Option<String>,
    /// Accept it at once
    #[arg(long)]
    accept: bool,
}

/// Accept a request: the VPCs reach each other from now on
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim peering accept lab/shared\n  \
    sgsim peering accept pcx-0123456789abcdef0")]
pub(super) struct AcceptArgs {
    /// The peering, by id, name or VPC/VPC
    peering: String,
}

/// Reject a request
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim peering reject lab/shared")]
pub(super) struct RejectArgs {
    /// The peering, by id, name or VPC/VPC
    peering: String,
}

/// Delete a peering: rules that refer over it stay and match nothing
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim peering delete lab/shared")]
pub(super) struct DeleteArgs {
    /// The peering, by id, name or VPC/VPC
    peering: String,
}

/// List peerings, those that are over included
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sgsim peering list\n  sgsim peering list --output json | jq '.peerings[].status'"
)]
pub(super) struct ListArgs {}

impl PeeringCommand {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        let world = context.world()?;
        let find = |text: &str| lookup::peering(&world, text).map(|peering| peering.id.clone());
        match self {
            Self::Create(args) => create(context, &world, args),
            Self::Accept(args) => {
                let id = find(&args.peering)?;
                let command = AcceptVpcPeeringConnection { vpc_peering_connection_id: id.clone() };
                change(context, "accepted", command, &id)
            }
            Self::Reject(args) => {
                let id = find(&args.peering)?;
                let command = RejectVpcPeeringConnection { vpc_peering_connection_id: id.clone() };
                change(context, "rejected", command, &id)
            }
            Self::Delete(args) => {
                let id = find(&args.peering)?;
                let command = DeleteVpcPeeringConnection { vpc_peering_connection_id: id.clone() };
                change(context, "deleted", command, &id)
            }
            Self::List(ListArgs {}) => {
                let peerings = world.vpc_peering_connections.values();
                let mut peerings = peerings.collect::<Vec<_>>();
                peerings.sort_by_key(|peering| peering.number);
                let views = peerings.iter().map(|it| PeeringView::new(&world, it)).collect::<Vec<_>>();
                context.output.rows("peerings", &views, || report::peering::table(&views), "no peerings")?;
                Ok(Exit::Success)
            }
        }
    }
}

fn create(context: &mut Context, world: &World, args: CreateArgs) -> Result<Exit> {
    let tags = args.name.map(|name| ("Name".to_owned(), name)).into_iter().collect::<BTreeMap<_, _>>();
    let command = CreateVpcPeeringConnection {
        requester_vpc_id: lookup::vpc(world, Some(&args.requester))?.id.clone(),
        accepter_vpc_id: lookup::vpc(world, Some(&args.accepter))?.id.clone(),
        tags,
    };
    let (version, reply) = apply(context, command)?;
    let Reply::VpcPeeringConnection { id, status } = reply else {
        bail!("the controller made no peering: {reply:?}");
    };
    if args.accept && status == PeeringStatus::PendingAcceptance {
        let command = AcceptVpcPeeringConnection { vpc_peering_connection_id: id.clone() };
        return change(context, "created", command, &id);
    }
    announce(context, "created", version, &id)
}

fn change(
    context: &mut Context,
    done: &str,
    command: impl Into<Command>,
    id: &VpcPeeringConnectionId,
) -> Result<Exit> {
    let (version, _) = apply(context, command)?;
    announce(context, done, version, id)
}

fn announce(
    context: &mut Context,
    done: &str,
    world_version: u64,
    id: &VpcPeeringConnectionId,
) -> Result<Exit> {
    let world = context.world()?;
    let view = PeeringView::new(&world, lookup::peering(&world, id.as_str())?);
    let failed = view.status == PeeringStatus::Failed;
    let why = if failed { ": the VPCs' CIDR blocks overlap" } else { "" };
    let sentence = format!("{}{why}", view.text());
    context.output.said(done, &Applied { world_version, result: view }, &sentence)?;
    Ok(if failed { Exit::Denied } else { Exit::Success })
}
