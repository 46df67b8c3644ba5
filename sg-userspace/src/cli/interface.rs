//! `sgsim interface`: network interfaces and the groups that they carry.

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::command::interface::ModifyInterfaceGroups;
use crate::report;
use crate::report::interface::InterfaceView;
use crate::report::rule::RuleView;

use super::change::{Applied, apply};
use super::context::Context;
use super::{Exit, lookup};

/// List and show interfaces, and change their groups.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  sgsim interface list
  sgsim interface show web-1
  sgsim interface set-groups web-1 web default")]
pub(super) enum InterfaceCommand {
    List(ListArgs),
    Show(ShowArgs),
    SetGroups(SetGroupsArgs),
}

/// List interfaces
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim interface list\n  sgsim interface list --output json")]
pub(super) struct ListArgs {}

/// Show an interface and every rule that applies to it
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim interface show web-1\n  sgsim interface show bastion:1\n  \
    sgsim interface show eni-0123456789abcdef0")]
pub(super) struct ShowArgs {
    /// An interface's id, an instance (its primary interface), or INSTANCE:INDEX
    interface: String,
}

/// Replace the groups of an interface, at once for new connections
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim interface set-groups web-1 web default\n  \
    sgsim interface set-groups bastion:1 maintenance web")]
pub(super) struct SetGroupsArgs {
    /// An interface's id, an instance (its primary interface), or INSTANCE:INDEX
    interface: String,
    /// The groups that it carries from now on, by id or name
    #[arg(required = true, num_args = 1.., value_name = "GROUP")]
    groups: Vec<String>,
}

impl InterfaceCommand {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        let world = context.world()?;
        match self {
            Self::List(_) => {
                let mut views = world
                    .network_interfaces
                    .values()
                    .map(|interface| InterfaceView::new(&world, interface))
                    .collect::<Vec<_>>();
                views.sort_by(|a, b| {
                    (&a.instance_name, a.device_index).cmp(&(&b.instance_name, b.device_index))
                });
                context.output.rows(
                    "interfaces",
                    &views,
                    || report::interface::table(&views),
                    "no interfaces",
                )?;
            }
            Self::Show(args) => {
                let interface = lookup::interface(&world, &args.interface)?;
                let view = InterfaceView::new(&world, interface);
                let groups = interface.groups.iter().filter_map(|id| world.security_groups.get(id));
                let rules = groups
                    .flat_map(|group| group.rules.iter().map(|rule| RuleView::new(&world, group, rule)))
                    .collect::<Vec<_>>();
                if context.output.is_json() {
                    let both = serde_json::json!({ "interface": view, "rules": rules });
                    context.output.json("show", &both)?;
                } else {
                    context.output.text(&report::render(&report::interface::table(&[view])))?;
                    context.output.line("")?;
                    context.output.text(&report::render(&report::rule::table(&rules)))?;
                }
            }
            Self::SetGroups(args) => {
                let interface = lookup::interface(&world, &args.interface)?;
                let groups = args
                    .groups
                    .iter()
                    .map(|text| {
                        lookup::group_in(&world, &interface.vpc_id, text).map(|group| group.id.clone())
                    })
                    .collect::<Result<Vec<_>>>()?;
                let command = ModifyInterfaceGroups { interface_id: interface.id.clone(), groups };
                let (world_version, _) = apply(context, command)?;
                let world = context.world()?;
                let view = InterfaceView::new(&world, lookup::interface(&world, interface.id.as_str())?);
                let names = report::list(view.groups.iter().map(|group| &group.name));
                let sentence = format!("{} now carries {names}", view.id);
                context.output.said("changed", &Applied { world_version, result: view }, &sentence)?;
            }
        }
        Ok(Exit::Success)
    }
}
