//! `sgsim group`: security groups.

use std::time::SystemTime;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};

use crate::aws::ids::{SecurityGroupId, VpcId};
use crate::aws::reference::{references, stale_rules};
use crate::aws::world::World;
use crate::command::group::{CreateLaunchWizardGroup, CreateSecurityGroup, DeleteSecurityGroup};
use crate::command::group_vpc::{AssociateSecurityGroupVpc, AssociationState, DisassociateSecurityGroupVpc};
use crate::command::{Command, Reply};
use crate::report;
use crate::report::group::GroupView;
use crate::report::reference::{GroupReferenceView, StaleRuleView};

use super::change::{Applied, apply};
use super::context::Context;
use super::{Exit, failure, lookup};

/// Create, list, show and delete security groups.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  sgsim group list
  sgsim group create app --description \"Application servers\"
  sgsim group show web
  sgsim group associate app other-vpc
  sgsim group stale
  sgsim group delete app")]
pub(super) enum GroupCommand {
    Create(CreateArgs),
    List(ListArgs),
    Show(ShowArgs),
    Delete(DeleteArgs),
    LaunchWizard(LaunchWizardArgs),
    Associate(AssociateArgs),
    Disassociate(DisassociateArgs),
    Stale(StaleArgs),
    References(ReferencesArgs),
}

/// Create a group: nothing inbound, everything outbound
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim group create app --description \"Application servers\"\n  \
    sgsim group create cache --vpc lab")]
pub(super) struct CreateArgs {
    /// Its name, unique in the VPC
    name: String,
    /// Its description
    #[arg(long, value_name = "TEXT", default_value = "made with sgsim")]
    description: String,
    /// Its VPC, by id or name; not needed where there is only one
    #[arg(long)]
    vpc: Option<String>,
}

/// List groups
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sgsim group list\n  sgsim group list --output json | jq '.groups[].name'"
)]
pub(super) struct ListArgs {
    /// Those of this VPC only
    #[arg(long)]
    vpc: Option<String>,
}

/// Show a group: its rules and the interfaces that carry it
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim group show web\n  sgsim group show sg-0123456789abcdef0")]
pub(super) struct ShowArgs {
    /// The group, by id or name
    group: String,
}

/// Delete a group that no interface carries and no other group's rule names
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim group delete app")]
pub(super) struct DeleteArgs {
    /// The group, by id or name
    group: String,
}

/// Create the group that the console's launch wizard makes: SSH from anywhere
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim group launch-wizard")]
pub(super) struct LaunchWizardArgs {
    /// Its VPC, by id or name; not needed where there is only one
    #[arg(long)]
    vpc: Option<String>,
}

/// Let interfaces of a further VPC carry a group
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim group associate app other-vpc")]
pub(super) struct AssociateArgs {
    /// The group, by id or name
    group: String,
    /// The VPC, by id or name
    vpc: String,
}

/// End that, once no interface there carries the group; rules there that refer to it go stale
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim group disassociate app other-vpc")]
pub(super) struct DisassociateArgs {
    /// The group, by id or name
    group: String,
    /// The VPC, by id or name
    vpc: String,
}

/// List rules that refer to a group which is gone, or which no peering or association leads to any more
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim group stale\n  sgsim group stale --vpc lab --output json")]
pub(super) struct StaleArgs {
    /// Those of this VPC's groups only
    #[arg(long)]
    vpc: Option<String>,
}

/// List VPCs beyond active peerings whose rules refer to a group
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim group references web")]
pub(super) struct ReferencesArgs {
    /// The group, by id or name
    group: String,
}

impl GroupCommand {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        let world = context.world()?;
        match self {
            Self::Create(args) => {
                let vpc_id = lookup::vpc(&world, args.vpc.as_deref())?.id.clone();
                let command = CreateSecurityGroup {
                    vpc_id,
                    name: args.name,
                    description: args.description,
                    tags: std::collections::BTreeMap::new(),
                };
                let (version, reply) = apply(context, command)?;
                announce(context, version, &reply)
            }
            Self::LaunchWizard(args) => {
                let vpc_id = lookup::vpc(&world, args.vpc.as_deref())?.id.clone();
                let created = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
                let (version, reply) = apply(context, CreateLaunchWizardGroup { vpc_id, created })?;
                announce(context, version, &reply)
            }
            Self::Associate(AssociateArgs { group, vpc }) => {
                let (group_id, vpc_id) = ids(&world, &group, &vpc)?;
                let command = AssociateSecurityGroupVpc { group_id: group_id.clone(), vpc_id };
                change_association(context, command, &group_id, &vpc)
            }
            Self::Disassociate(DisassociateArgs { group, vpc }) => {
                let (group_id, vpc_id) = ids(&world, &group, &vpc)?;
                let command = DisassociateSecurityGroupVpc { group_id: group_id.clone(), vpc_id };
                change_association(context, command, &group_id, &vpc)
            }
            Self::Stale(args) => stale(context, &world, args.vpc.as_deref()),
            Self::References(args) => {
                let found = references(&world, lookup::group(&world, &args.group)?);
                let views =
                    found.into_iter().map(|it| GroupReferenceView::new(&world, it)).collect::<Vec<_>>();
                let table = || report::reference::references_table(&views);
                context.output.rows("references", &views, table, "no VPC beyond a peering refers to it")?;
                Ok(Exit::Success)
            }
            Self::List(args) => list(context, &world, args.vpc.as_deref()),
            Self::Show(args) => show(context, &world, &args.group),
            Self::Delete(args) => {
                let group = lookup::group(&world, &args.group)?;
                let view = GroupView::new(&world, group);
                let command = DeleteSecurityGroup { group_id: group.id.clone() };
                let (world_version, _) = apply(context, command)
                    .map_err(|error| failure::with_dependents(error, &world, group))?;
                let sentence = format!("deleted {} ({})", view.id, view.name);
                context.output.said("deleted", &Applied { world_version, result: view }, &sentence)?;
                Ok(Exit::Success)
            }
        }
    }
}

fn announce(context: &mut Context, world_version: u64, reply: &Reply) -> Result<Exit> {
    let Reply::SecurityGroup(id) = reply else { bail!("the controller made no group: {reply:?}") };
    let world = context.world()?;
    let view = GroupView::new(&world, lookup::group(&world, id.as_str())?);
    let sentence = format!("created {} ({})", view.id, view.name);
    context.output.said("created", &Applied { world_version, result: view }, &sentence)?;
    Ok(Exit::Success)
}

fn ids(world: &World, group: &str, vpc: &str) -> Result<(SecurityGroupId, VpcId)> {
    Ok((lookup::group(world, group)?.id.clone(), lookup::vpc(world, Some(vpc))?.id.clone()))
}

fn change_association(
    context: &mut Context,
    command: impl Into<Command>,
    group_id: &SecurityGroupId,
    vpc: &str,
) -> Result<Exit> {
    let (world_version, Reply::SecurityGroupVpcAssociation(state)) = apply(context, command)? else {
        bail!("the controller changed no association");
    };
    let world = context.world()?;
    let view = GroupView::new(&world, lookup::group(&world, group_id.as_str())?);
    let end = match state {
        AssociationState::Associated => "with",
        AssociationState::Disassociated => "from",
    };
    let sentence = format!("{state} {} ({}) {end} {vpc}", view.id, view.name);
    context.output.said(&state.to_string(), &Applied { world_version, result: view }, &sentence)?;
    Ok(Exit::Success)
}

fn stale(context: &mut Context, world: &World, vpc: Option<&str>) -> Result<Exit> {
    let only = vpc.map(|text| lookup::vpc(world, Some(text)).map(|vpc| &vpc.id)).transpose()?;
    let vpcs = world.vpcs.keys().filter(|id| only.is_none_or(|only| only == *id));
    let views = vpcs
        .flat_map(|id| stale_rules(world, id))
        .map(|stale| StaleRuleView::new(world, stale))
        .collect::<Vec<_>>();
    context.output.rows("stale", &views, || report::reference::stale_table(&views), "no stale rules")?;
    Ok(Exit::Success)
}

fn list(context: &mut Context, world: &World, vpc: Option<&str>) -> Result<Exit> {
    let vpc_id = vpc.map(|text| lookup::vpc(world, Some(text)).map(|vpc| &vpc.id)).transpose()?;
    let groups = world
        .security_groups
        .values()
        .filter(|group| vpc_id.is_none_or(|id| group.vpc_id == *id))
        .map(|group| GroupView::new(world, group))
        .collect::<Vec<_>>();
    context.output.rows("groups", &groups, || report::group::table(&groups), "no security groups")?;
    Ok(Exit::Success)
}

fn show(context: &mut Context, world: &World, text: &str) -> Result<Exit> {
    let view = GroupView::new(world, lookup::group(world, text)?);
    if context.output.is_json() {
        context.output.json("group", &view)?;
        return Ok(Exit::Success);
    }
    let vpc = view.vpc_name.as_ref().unwrap_or(&view.vpc_id);
    context.output.line(&format!("{} {} in {vpc}: {}\n", view.id, view.name, view.description))?;
    context.output.text(&report::render(&report::rule::table(&view.rules)))?;
    context.output.line("")?;
    if !view.associated_vpcs.is_empty() {
        let names = view.associated_vpcs.iter().map(|id| lookup::vpc(world, Some(id)).map(lookup::name_of));
        let names = names.collect::<Result<Vec<_>>>()?;
        context.output.line(&format!("also usable in {}\n", names.join(", ")))?;
    }
    let interfaces = report::interface::table(&view.interfaces);
    if interfaces.is_empty() {
        context.output.line("no interface carries it")?;
    } else {
        context.output.text(&report::render(&interfaces))?;
    }
    Ok(Exit::Success)
}
