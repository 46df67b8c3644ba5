//! `sgsim group`: security groups.

use std::time::SystemTime;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};

use crate::aws::world::World;
use crate::command::Reply;
use crate::command::group::{CreateLaunchWizardGroup, CreateSecurityGroup, DeleteSecurityGroup};
use crate::report;
use crate::report::group::GroupView;

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
  sgsim group delete app")]
pub(super) enum GroupCommand {
    Create(CreateArgs),
    List(ListArgs),
    Show(ShowArgs),
    Delete(DeleteArgs),
    LaunchWizard(LaunchWizardArgs),
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
    let interfaces = report::interface::table(&view.interfaces);
    if interfaces.is_empty() {
        context.output.line("no interface carries it")?;
    } else {
        context.output.text(&report::render(&interfaces))?;
    }
    Ok(Exit::Success)
}
