//! `sgsim check`: is a lab file right? Needs no root and touches nothing.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::aws::world::World;
use crate::lab::file::LabFile;
use crate::lab::file::position::LabError;
use crate::lab::plan::{Plan, plan};

use super::Exit;
use super::context::Context;

/// Check a lab file without building it
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim check lab.yaml\n  sgsim check lab.yaml --output json")]
pub(super) struct CheckArgs {
    /// The lab file
    file: PathBuf,
}

impl CheckArgs {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        let text = fs::read_to_string(&self.file)
            .with_context(|| format!("cannot read the lab file `{}`", self.file.display()))?;
        let name = self.file.display().to_string();
        let world = parse(&name, &text)?.world;
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

/// What a lab file stands for.
pub(super) fn parse(name: &str, text: &str) -> Result<Plan> {
    let wrong = |error: LabError| anyhow::Error::new(error).context(name.to_owned());
    let file = LabFile::parse(text).map_err(wrong)?;
    plan(&file, &World::default()).map_err(wrong)
}
