//! `sgsim tag`: tags of everything that can have them.

use std::collections::BTreeMap;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::aws::tag::ResourceId;
use crate::command::tag::{CreateTags, DeleteTags, TagToDelete};
use crate::report;
use crate::report::tag::TagsView;

use super::change::{Applied, apply};
use super::context::Context;
use super::{Exit, lookup};

/// Set, remove and list tags.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  sgsim tag set web team=red cost-centre=42
  sgsim tag remove web team
  sgsim tag list web")]
pub(super) enum TagCommand {
    Set(SetArgs),
    Remove(RemoveArgs),
    List(ListArgs),
}

/// Set tags; a key that is there already gets the new value
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sgsim tag set web team=red
  sgsim tag set sgr-0123456789abcdef0 ticket=1234
  sgsim tag set lab Name=production

An instance's tag Name is its host name, and stays as it was given.")]
pub(super) struct SetArgs {
    /// An id of any kind; or the name of an instance, a group, a prefix list or a VPC
    resource: String,
    /// Tags to set
    #[arg(required = true, num_args = 1.., value_name = "KEY=VALUE", value_parser = pair)]
    tags: Vec<(String, String)>,
}

/// Remove tags
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sgsim tag remove web team
  sgsim tag remove web team=red cost-centre
  sgsim tag remove web --all")]
pub(super) struct RemoveArgs {
    /// An id of any kind; or the name of an instance, a group, a prefix list or a VPC
    resource: String,
    /// Keys; with a value, only if the tag has that value
    #[arg(required_unless_present = "all", num_args = 1.., value_name = "KEY[=VALUE]")]
    tags: Vec<String>,
    /// Every tag, an instance's name aside
    #[arg(long, conflicts_with = "tags")]
    all: bool,
}

/// List the tags of a resource
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sgsim tag list web\n  sgsim tag list vpc-0123456789abcdef0 --output json"
)]
pub(super) struct ListArgs {
    /// An id of any kind; or the name of an instance, a group, a prefix list or a VPC
    resource: String,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write a tag as KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

impl TagCommand {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        let world = context.world()?;
        match self {
            Self::Set(args) => {
                let id = lookup::resource(&world, &args.resource)?;
                let tags: BTreeMap<_, _> = args.tags.into_iter().collect();
                let (version, _) = apply(context, CreateTags { resources: vec![id.clone()], tags })?;
                announce(context, "tagged", version, &id)
            }
            Self::Remove(args) => {
                let id = lookup::resource(&world, &args.resource)?;
                let tags = args.tags.iter().map(|text| match text.split_once('=') {
                    Some((key, value)) => TagToDelete { key: key.to_owned(), value: Some(value.to_owned()) },
                    None => TagToDelete { key: text.clone(), value: None },
                });
                let command = DeleteTags { resources: vec![id.clone()], tags: tags.collect() };
                let (version, _) = apply(context, command)?;
                announce(context, "untagged", version, &id)
            }
            Self::List(args) => {
                let view = TagsView::new(&world, &lookup::resource(&world, &args.resource)?);
                context.output.rows("tags", &view, || report::tag::table(&view), "no tags")?;
                Ok(Exit::Success)
            }
        }
    }
}

fn announce(context: &mut Context, done: &str, world_version: u64, id: &ResourceId) -> Result<Exit> {
    let world = context.world()?;
    let view = TagsView::new(&world, id);
    let tags = report::list(view.tags.iter().map(|(key, value)| format!("{key}={value}")));
    let sentence = format!("{done} {}, which now has: {tags}", view.id);
    context.output.said(done, &Applied { world_version, result: view }, &sentence)?;
    Ok(Exit::Success)
}
