//! `sgsim import`: what can be made of sources, and what cannot.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::report;
use crate::report::import::ImportView;

use super::context::Context;
use super::source::{SourceOptions, load, sources};
use super::{Exit, export};

/// Say what of real AWS state can be used here, and what is left out and why; needs no root
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mkdir state; for what in vpcs subnets network-acls security-groups security-group-rules network-interfaces instances; do
    aws ec2 describe-$what > state/describe-$what.json; done
  sgsim import state                     what is used, and what is left out
  sgsim import state --to lab            the same, written as `sgsim export` would
  sgsim import template.yaml --parameter Environment=prod
  sgsim reach --file state               ask about it; so do explain and what-if
  sgsim up state                         build it

Sources are directories or files of what `aws ec2 describe-…` prints, CloudFormation templates, and what `terraform show
-json` prints. Exit codes: 0 it can be used, 2 error: something contradicts itself, or nothing is there.")]
pub(super) struct ImportArgs {
    /// Files, or directories of JSON files
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<PathBuf>,
    /// Write what is used to this directory, as `aws ec2 describe-…` would print it
    #[arg(long, value_name = "DIRECTORY")]
    to: Option<PathBuf>,
    #[command(flatten)]
    options: SourceOptions,
}

impl ImportArgs {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        let loaded = load(&sources(&self.sources, &self.options)?)?;
        let view = ImportView::new(&loaded.world, &loaded.report);
        if let Some(directory) = &self.to {
            export::write(directory, &loaded.world, self.options.internet(), export::ACCOUNT)?;
        }
        if context.output.is_json() {
            context.output.json("import", &view)?;
        } else {
            context.output.text(&report::render(&view.used_table()))?;
            context.output.text(&view.text())?;
        }
        Ok(Exit::Success)
    }
}
