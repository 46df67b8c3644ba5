//! `sgsim prefix-list`: managed prefix lists.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use ipnet::IpNet;

use crate::aws::prefix_list::{AddressFamily, PrefixList, PrefixListEntry};
use crate::aws::region::Region;
use crate::aws::world::World;
use crate::command::prefix_list::{
    CreateManagedPrefixList, DeleteManagedPrefixList, ModifyManagedPrefixList,
    RestoreManagedPrefixListVersion,
};
use crate::command::{Command, Reply};
use crate::report;
use crate::report::prefix_list::PrefixListView;

use super::change::{Applied, apply};
use super::context::Context;
use super::{Exit, failure, lookup};

/// Create, change, restore, delete, list and show prefix lists: named sets of blocks that rules refer to.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  sgsim prefix-list create offices 198.51.100.0/24 203.0.113.0/24=branch --max-entries 5
  sgsim rule allow web inbound HTTPS from pl offices
  sgsim prefix-list modify offices --add 192.0.2.0/24 --remove 203.0.113.0/24
  sgsim prefix-list restore offices 1
  sgsim prefix-list show offices
  sgsim prefix-list delete offices")]
pub(super) enum PrefixListCommand {
    Create(CreateArgs),
    Modify(ModifyArgs),
    Restore(RestoreArgs),
    Delete(DeleteArgs),
    List(ListArgs),
    Show(ShowArgs),
}

/// Create a prefix list, in version 1
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sgsim prefix-list create offices 198.51.100.0/24 203.0.113.0/24=branch --max-entries 5
  sgsim prefix-list create partners --family ipv6 --max-entries 10

Each rule that refers to a list counts as many rules as the list may have entries.")]
pub(super) struct CreateArgs {
    /// Its name
    name: String,
    /// Blocks, each with a description where one is wanted
    #[arg(value_name = "CIDR[=TEXT]", value_parser = entry)]
    entries: Vec<PrefixListEntry>,
    /// The family of its blocks: that of those given, or else IPv4
    #[arg(long, value_enum)]
    family: Option<FamilyWord>,
    /// How many entries it may have; as many as are given where this is left out
    #[arg(long, value_name = "NUMBER")]
    max_entries: Option<u32>,
    /// Its region; not needed where all VPCs are in one
    #[arg(long)]
    region: Option<Region>,
}

/// Change the entries, the name or the size of a prefix list; rules that refer to it follow at once
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sgsim prefix-list modify offices --add 192.0.2.0/24=lab --add 198.51.100.7/32
  sgsim prefix-list modify offices --remove 192.0.2.0/24
  sgsim prefix-list modify offices --max-entries 20
  sgsim prefix-list modify offices --name all-offices

Other entries make a new version; another name or size does not.")]
pub(super) struct ModifyArgs {
    /// The list, by id or name
    list: String,
    /// A block to add, with a description where one is wanted
    #[arg(long, value_name = "CIDR[=TEXT]", value_parser = entry)]
    add: Vec<PrefixListEntry>,
    /// A block to remove
    #[arg(long, value_name = "CIDR", value_parser = block)]
    remove: Vec<IpNet>,
    /// Its name from now on
    #[arg(long)]
    name: Option<String>,
    /// How many entries it may have from now on; not together with entries
    #[arg(long, value_name = "NUMBER")]
    max_entries: Option<u32>,
    /// Refuse if the list has another version than this by now
    #[arg(long, value_name = "VERSION")]
    current_version: Option<u64>,
}

/// Go back to the entries of an earlier version, as a new version
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim prefix-list restore offices 1")]
pub(super) struct RestoreArgs {
    /// The list, by id or name
    list: String,
    /// The version whose entries it gets again
    #[arg(value_name = "VERSION")]
    previous_version: u64,
    /// Refuse if the list has another version than this by now
    #[arg(long, value_name = "VERSION")]
    current_version: Option<u64>,
}

/// Delete a prefix list that no rule refers to
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim prefix-list delete offices")]
pub(super) struct DeleteArgs {
    /// The list, by id or name
    list: String,
}

/// List prefix lists
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sgsim prefix-list list\n  sgsim prefix-list list --output json | jq '.prefix_lists[].name'"
)]
pub(super) struct ListArgs {}

/// Show a prefix list: its entries, and the rules that refer to it
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sgsim prefix-list show offices\n  sgsim prefix-list show offices --target-version 1"
)]
pub(super) struct ShowArgs {
    /// The list, by id or name
    list: String,
    /// The entries of this version instead of the current one
    #[arg(long, value_name = "VERSION")]
    target_version: Option<u64>,
}

/// A family as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum FamilyWord {
    Ipv4,
    Ipv6,
}

impl From<FamilyWord> for AddressFamily {
    fn from(word: FamilyWord) -> Self {
        match word {
            FamilyWord::Ipv4 => Self::Ipv4,
            FamilyWord::Ipv6 => Self::Ipv6,
        }
    }
}

fn block(text: &str) -> Result<IpNet, String> {
    text.parse().map_err(|_| format!("`{text}` is no block; write it as 198.51.100.0/24"))
}

fn entry(text: &str) -> Result<PrefixListEntry, String> {
    let (cidr, description) = match text.split_once('=') {
        Some((cidr, description)) => (cidr, Some(description.to_owned())),
        None => (text, None),
    };
    Ok(PrefixListEntry { cidr: block(cidr)?, description })
}

impl PrefixListCommand {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        let world = context.world()?;
        match self {
            Self::Create(args) => {
                let command = args.command(&world)?;
                change(context, "created", command)
            }
            Self::Modify(args) => {
                let list = lookup::prefix_list(&world, &args.list)?;
                let command = ModifyManagedPrefixList {
                    prefix_list_id: list.id.clone(),
                    current_version: Some(args.current_version.unwrap_or(list.version())),
                    name: args.name,
                    max_entries: args.max_entries,
                    add_entries: args.add,
                    remove_entries: args.remove,
                };
                change(context, "modified", command)
            }
            Self::Restore(args) => {
                let list = lookup::prefix_list(&world, &args.list)?;
                let command = RestoreManagedPrefixListVersion {
                    prefix_list_id: list.id.clone(),
                    previous_version: args.previous_version,
                    current_version: args.current_version.unwrap_or(list.version()),
                };
                change(context, "restored", command)
            }
            Self::Delete(args) => {
                let list = lookup::prefix_list(&world, &args.list)?;
                let view = PrefixListView::new(&world, list);
                let command = DeleteManagedPrefixList { prefix_list_id: list.id.clone() };
                let (world_version, _) = apply(context, command)
                    .map_err(|error| failure::with_referrers(error, &world, &list.id))?;
                let sentence = format!("deleted {} ({})", view.id, view.name);
                context.output.said("deleted", &Applied { world_version, result: view }, &sentence)?;
                Ok(Exit::Success)
            }
            Self::List(_) => {
                let lists = world.prefix_lists.values().map(|list| PrefixListView::new(&world, list));
                let lists = lists.collect::<Vec<_>>();
                let table = || report::prefix_list::table(&lists);
                context.output.rows("prefix_lists", &lists, table, "no prefix lists")?;
                Ok(Exit::Success)
            }
            Self::Show(args) => {
                show(context, &world, lookup::prefix_list(&world, &args.list)?, args.target_version)
            }
        }
    }
}

impl CreateArgs {
    fn command(self, world: &World) -> Result<CreateManagedPrefixList> {
        let first = self.entries.first().map(|entry| AddressFamily::of(&entry.cidr));
        let given = u32::try_from(self.entries.len()).unwrap_or(u32::MAX).max(1);
        Ok(CreateManagedPrefixList {
            region: lookup::region(world, self.region)?,
            name: self.name,
            address_family: self.family.map(AddressFamily::from).or(first).unwrap_or(AddressFamily::Ipv4),
            max_entries: self.max_entries.unwrap_or(given),
            entries: self.entries,
            tags: BTreeMap::new(),
        })
    }
}

fn change(context: &mut Context, done: &str, command: impl Into<Command>) -> Result<Exit> {
    let (world_version, Reply::PrefixList { prefix_list_id, version }) = apply(context, command)? else {
        bail!("the controller changed no prefix list");
    };
    let world = context.world()?;
    let view = PrefixListView::new(&world, lookup::prefix_list(&world, prefix_list_id.as_str())?);
    let sentence = format!(
        "{done} {} ({}): version {version} with {} of {} entries",
        view.id,
        view.name,
        view.entries.len(),
        view.max_entries
    );
    context.output.said(done, &Applied { world_version, result: view }, &sentence)?;
    Ok(Exit::Success)
}

fn show(context: &mut Context, world: &World, list: &PrefixList, version: Option<u64>) -> Result<Exit> {
    let mut view = PrefixListView::new(world, list);
    if let Some(version) = version {
        let Some(entries) = list.versions.get(&version) else {
            bail!(
                "{} has no version {version}; it has {} to {}",
                list.name,
                view.oldest_version,
                view.version
            );
        };
        (view.version, view.entries) = (version, entries.clone());
    }
    if context.output.is_json() {
        context.output.json("prefix_list", &view)?;
        return Ok(Exit::Success);
    }
    let PrefixListView { id, name, address_family, region, version, max_entries, entries, rules, .. } = &view;
    let count = entries.len();
    let heading = format!(
        "{id} {name} in {region}: {address_family}, version {version}, {count} of {max_entries} entries\n"
    );
    context.output.line(&heading)?;
    if !entries.is_empty() {
        context.output.text(&report::render(&report::prefix_list::entries(entries)))?;
        context.output.line("")?;
    }
    if rules.is_empty() {
        context.output.line("no rule refers to it")?;
    } else {
        context.output.text(&report::render(&report::rule::table(rules)))?;
    }
    Ok(Exit::Success)
}
