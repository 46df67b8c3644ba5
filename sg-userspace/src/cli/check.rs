//! `sgsim check`: can a lab be built from this? Needs no root and touches nothing.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::Exit;
use super::context::Context;
use super::source::{SourceOptions, load, name_of, sources};

/// Check a lab file, or what `import` takes, without building it
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim check lab.yaml\n  sgsim check lab.yaml --output json")]
pub(super) struct CheckArgs {
    /// The lab file, or other sources: see `sgsim import --help`
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    options: SourceOptions,
}

impl CheckArgs {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        let name = name_of(&self.files);
        let loaded = load(&sources(&self.files, &self.options)?)?;
        loaded.check_lab(&name)?;
        let world = loaded.world;
        let rules = world.security_groups.values().map(|group| group.rules.len()).sum::<usize>();
        let value = serde_json::json!({
            "vpcs": world.vpcs.len(),
            "subnets": world.subnets.len(),
            "security_groups": world.security_groups.len(),
            "rules": rules,
            "instances": world.instances.len(),
            "network_interfaces": world.network_interfaces.len(),
        });
        let sentence = format!(
            "{name} is right: {} instances with {} interfaces, {} security groups with {rules} rules",
            world.instances.len(),
            world.network_interfaces.len(),
            world.security_groups.len(),
        );
        context.output.said("check", &value, &sentence)?;
        Ok(Exit::Success)
    }
}
