//! `sgsim acl`: network ACLs, at the borders of subnets.

use std::collections::BTreeMap;
use std::net::IpAddr;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};

use crate::aws::network_acl::{NetworkAcl, RuleAction};
use crate::aws::rule::Direction;
use crate::aws::world::World;
use crate::command::network_acl::{CreateNetworkAcl, DeleteNetworkAcl, ReplaceNetworkAclAssociation};
use crate::command::network_acl_entry::{
    CreateNetworkAclEntry, DeleteNetworkAclEntry, EntryContent, ReplaceNetworkAclEntry,
};
use crate::command::rule_text;
use crate::command::{Command, Reply, network_acl_text};
use crate::report;
use crate::report::network_acl::NetworkAclView;

use super::change::{Applied, apply};
use super::context::Context;
use super::rule::DirectionWord;
use super::{Exit, failure, lookup};

/// Create, show and change network ACLs: numbered, stateless, at the border of a subnet.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  sgsim acl list
  sgsim acl create edge
  sgsim acl allow edge 100 inbound HTTP from anywhere-ipv4
  sgsim acl associate public-a edge
  sgsim acl show edge")]
pub(super) enum AclCommand {
    Create(CreateArgs),
    Delete(DeleteArgs),
    List(ListArgs),
    Show(ShowArgs),
    Allow(AllowArgs),
    Deny(DenyArgs),
    Remove(RemoveArgs),
    Replace(ReplaceArgs),
    Associate(AssociateArgs),
}

/// Create an ACL without entries: it denies everything
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim acl create edge\n  sgsim acl create edge --vpc lab")]
pub(super) struct CreateArgs {
    /// Its name
    name: String,
    /// Its VPC, by id or name; not needed where there is only one
    #[arg(long)]
    vpc: Option<String>,
}

/// Delete an ACL that no subnet has
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim acl delete edge")]
pub(super) struct DeleteArgs {
    /// The ACL, by id or name
    acl: String,
}

/// List ACLs
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sgsim acl list\n  sgsim acl list --output json | jq '.network_acls[].id'"
)]
pub(super) struct ListArgs {
    /// Those of this VPC only
    #[arg(long)]
    vpc: Option<String>,
}

/// Show an ACL: its entries in the order in which they are evaluated, and its subnets
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim acl show edge\n  sgsim acl show lab/default")]
pub(super) struct ShowArgs {
    /// The ACL, by id or name; `default` is a VPC's own
    acl: String,
}

/// Which entry, and what it says.
#[derive(Debug, Args)]
struct EntryArgs {
    /// The ACL, by id or name
    acl: String,
    /// The entry's number, 1 to 32766; the smallest that matches decides
    number: u32,
    /// Into the subnet or out of it
    direction: DirectionWord,
    /// WHAT from BLOCK (inbound), or WHAT to BLOCK (outbound)
    #[arg(required = true, num_args = 1.., value_name = "RULE")]
    rule: Vec<String>,
}

/// Add an entry that allows; answers need one of their own, since an ACL has no memory
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sgsim acl allow edge 100 inbound HTTP from anywhere-ipv4
  sgsim acl allow edge 100 outbound tcp 1024-65535 to 0.0.0.0/0")]
pub(super) struct AllowArgs {
    #[command(flatten)]
    entry: EntryArgs,
}

/// Add an entry that denies, open connections included
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sgsim acl deny default 90 inbound tcp 22 from 203.0.113.0/24
  sgsim acl deny default 90 outbound all to 10.0.2.0/24")]
pub(super) struct DenyArgs {
    #[command(flatten)]
    entry: EntryArgs,
}

/// Remove an entry
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim acl remove default 90 inbound")]
pub(super) struct RemoveArgs {
    /// The ACL, by id or name
    acl: String,
    /// The entry's number
    number: u32,
    /// Into the subnet or out of it
    direction: DirectionWord,
}

/// Replace what an entry says, in one step
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim acl replace default 90 inbound deny all from 203.0.113.0/24")]
pub(super) struct ReplaceArgs {
    /// The ACL, by id or name
    acl: String,
    /// The entry's number
    number: u32,
    /// Into the subnet or out of it
    direction: DirectionWord,
    /// `allow` or `deny`, then WHAT from BLOCK (inbound), or WHAT to BLOCK (outbound)
    #[arg(required = true, num_args = 1.., value_name = "RULE")]
    rule: Vec<String>,
}

/// Give a subnet another ACL
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sgsim acl associate public-a edge\n  sgsim acl associate lab/public-a default"
)]
pub(super) struct AssociateArgs {
    /// The subnet, by id or name
    subnet: String,
    /// The ACL that it is to have, by id or name
    acl: String,
}

impl AclCommand {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        let (world, internet) = context.world_and_internet()?;
        match self {
            Self::Create(args) => {
                let vpc_id = lookup::vpc(&world, args.vpc.as_deref())?.id.clone();
                let tags = BTreeMap::from([("Name".to_owned(), args.name)]);
                let (version, reply) = apply(context, CreateNetworkAcl { vpc_id, tags })?;
                let Reply::NetworkAcl(id) = reply else { bail!("the controller made no ACL: {reply:?}") };
                let world = context.world()?;
                let view = NetworkAclView::new(&world, lookup::network_acl(&world, id.as_str())?);
                let sentence = format!("created {}", view.label());
                say(context, "created", version, view, &sentence)
            }
            Self::Delete(args) => {
                let acl = lookup::network_acl(&world, &args.acl)?;
                let view = NetworkAclView::new(&world, acl);
                let (version, _) = apply(context, DeleteNetworkAcl { network_acl_id: acl.id.clone() })
                    .map_err(|error| failure::with_subnets(error, &view))?;
                let sentence = format!("deleted {}", view.label());
                say(context, "deleted", version, view, &sentence)
            }
            Self::List(args) => list(context, &world, args.vpc.as_deref()),
            Self::Show(args) => show(context, &world, &args.acl),
            Self::Allow(args) => add(context, &world, &internet, RuleAction::Allow, args.entry),
            Self::Deny(args) => add(context, &world, &internet, RuleAction::Deny, args.entry),
            Self::Remove(args) => {
                let acl = lookup::network_acl(&world, &args.acl)?;
                let direction = args.direction.into();
                let command = DeleteNetworkAclEntry {
                    network_acl_id: acl.id.clone(),
                    direction,
                    rule_number: args.number,
                };
                // The entry as it was is what the answer shows.
                changed(context, "removed", &world, acl, command, direction, args.number)
            }
            Self::Replace(args) => {
                let acl = lookup::network_acl(&world, &args.acl)?;
                let direction = args.direction.into();
                let words = text_context(&world, &internet, acl);
                let content = network_acl_text::parse_entry(&args.rule.join(" "), direction, words)?;
                let command = ReplaceNetworkAclEntry {
                    network_acl_id: acl.id.clone(),
                    direction,
                    rule_number: args.number,
                    content,
                };
                changed(context, "replaced", &world, acl, command, direction, args.number)
            }
            Self::Associate(args) => associate(context, &world, &args),
        }
    }
}

fn text_context<'a>(world: &'a World, internet: &[IpAddr], acl: &'a NetworkAcl) -> rule_text::Context<'a> {
    let my_ip = lookup::my_ip(internet);
    rule_text::Context { world, vpc_id: &acl.vpc_id, own_group: None, my_ip }
}

fn add(
    context: &mut Context,
    world: &World,
    internet: &[IpAddr],
    action: RuleAction,
    args: EntryArgs,
) -> Result<Exit> {
    let acl = lookup::network_acl(world, &args.acl)?;
    let direction = args.direction.into();
    let words = text_context(world, internet, acl);
    let content: EntryContent =
        network_acl_text::parse_content(action, &args.rule.join(" "), direction, words)?;
    let command = CreateNetworkAclEntry {
        network_acl_id: acl.id.clone(),
        direction,
        rule_number: args.number,
        content,
    };
    changed(context, "added", world, acl, command, direction, args.number)
}

/// Carries out a change of one entry and says what it is now, or what it was where it is no more.
fn changed(
    context: &mut Context,
    done: &str,
    before: &World,
    acl: &NetworkAcl,
    command: impl Into<Command>,
    direction: Direction,
    number: u32,
) -> Result<Exit> {
    let (world_version, _) = apply(context, command)?;
    let after = context.world()?;
    let now = NetworkAclView::new(&after, lookup::network_acl(&after, acl.id.as_str())?);
    let was = NetworkAclView::new(before, acl);
    let entry = [now, was].into_iter().find_map(|view| {
        let is_it = |it: &&report::network_acl::EntryView| {
            it.direction == direction && u32::from(it.rule_number) == number
        };
        Some((view.entries.iter().find(is_it)?.clone(), view))
    });
    let Some((entry, view)) = entry else { bail!("entry {number} was {done}, and changed again since") };
    let sentence = format!("{done} {number} ({}: {})", view.label(), entry.text);
    let result = serde_json::json!({ "network_acl_id": view.id, "entry": entry });
    context.output.said(done, &Applied { world_version, result }, &sentence)?;
    Ok(Exit::Success)
}

fn associate(context: &mut Context, world: &World, args: &AssociateArgs) -> Result<Exit> {
    let subnet = lookup::subnet(world, &args.subnet)?;
    let acl = lookup::network_acl_in(world, &subnet.vpc_id, &args.acl)?;
    let command = ReplaceNetworkAclAssociation {
        association_id: subnet.network_acl_association_id.clone(),
        network_acl_id: acl.id.clone(),
    };
    let (version, _) = apply(context, command)?;
    let after = context.world()?;
    let view = NetworkAclView::new(&after, lookup::network_acl(&after, acl.id.as_str())?);
    let sentence = format!("{} now has {}", subnet.id, view.label());
    say(context, "associated", version, view, &sentence)
}

fn say(
    context: &mut Context,
    done: &str,
    world_version: u64,
    result: NetworkAclView,
    sentence: &str,
) -> Result<Exit> {
    context.output.said(done, &Applied { world_version, result }, sentence)?;
    Ok(Exit::Success)
}

fn list(context: &mut Context, world: &World, vpc: Option<&str>) -> Result<Exit> {
    let vpc_id = vpc.map(|text| lookup::vpc(world, Some(text)).map(|vpc| &vpc.id)).transpose()?;
    let acls = world
        .network_acls
        .values()
        .filter(|acl| vpc_id.is_none_or(|id| acl.vpc_id == *id))
        .map(|acl| NetworkAclView::new(world, acl))
        .collect::<Vec<_>>();
    context.output.rows("network_acls", &acls, || report::network_acl::table(&acls), "no network ACLs")?;
    Ok(Exit::Success)
}

fn show(context: &mut Context, world: &World, text: &str) -> Result<Exit> {
    let view = NetworkAclView::new(world, lookup::network_acl(world, text)?);
    if context.output.is_json() {
        context.output.json("network_acl", &view)?;
        return Ok(Exit::Success);
    }
    let vpc = view.vpc_name.as_ref().unwrap_or(&view.vpc_id);
    context.output.line(&format!(
        "{} in {vpc}, at the border of: {}\n",
        view.label(),
        report::list(view.subnet_names())
    ))?;
    context.output.text(&report::render(&report::network_acl::entries_table(&view.entries)))?;
    Ok(Exit::Success)
}
