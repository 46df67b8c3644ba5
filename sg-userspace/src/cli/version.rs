//! `sgsim version`: what this program and the running controller are.

use anyhow::Result;
use clap::Args;

use crate::controller::protocol::PROTOCOL_VERSION;

use super::Exit;
use super::context::Context;

/// Show the version of this program, and of the controller if one runs
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim version\n  sgsim version --output json")]
pub(super) struct VersionArgs {}

impl VersionArgs {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        let controller = context.client().and_then(|mut client| client.status()).ok();
        let kernel = cfg!(feature = "kernel");
        let value = serde_json::json!({
            "sgsim": env!("CARGO_PKG_VERSION"),
            "protocol": PROTOCOL_VERSION,
            "kernel_data_plane": kernel,
            "controller": controller.as_ref().map(|status| serde_json::json!({
                "sgsim": status.sgsim, "pid": status.pid,
            })),
        });
        let mut sentence = format!(
            "sgsim {} ({} kernel data plane)",
            env!("CARGO_PKG_VERSION"),
            if kernel { "with" } else { "without" }
        );
        if let Some(status) = controller {
            sentence.push_str(&format!("\ncontroller {} (pid {})", status.sgsim, status.pid));
        }
        context.output.said("program", &value, &sentence)?;
        Ok(Exit::Success)
    }
}
