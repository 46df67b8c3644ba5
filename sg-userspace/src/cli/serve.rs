//! `sgsim serve`: the EC2 API for AWS's own clients.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use tracing_subscriber::EnvFilter;

use crate::serve::{self, ServeOptions};

use super::Exit;
use super::context::Context;

/// Answer the EC2 API, so that the AWS CLI and SDKs can drive the lab
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sgsim serve
  aws --endpoint-url http://127.0.0.1:4599 ec2 describe-security-groups

Any credentials are accepted; the region is the one that they are used for.")]
pub(super) struct ServeArgs {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:4599")]
    listen: SocketAddr,
    /// The account that owns everything here
    #[arg(long, value_name = "TWELVE DIGITS", default_value = "123456789012")]
    account_id: String,
    /// How long a client has for the head of a request, and again for its body
    #[arg(long, hide = true, value_name = "DURATION", default_value = "10s", value_parser = humantime::parse_duration)]
    patience: Duration,
}

impl ServeArgs {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        if self.account_id.len() != 12 || !self.account_id.bytes().all(|b| b.is_ascii_digit()) {
            bail!("`{}` is no account id: it has twelve digits, such as 123456789012", self.account_id);
        }
        let filter = EnvFilter::try_from_env("SGSIM_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(false)
            .with_writer(std::io::stderr)
            .init();
        if !self.listen.ip().is_loopback() {
            tracing::warn!("signatures are not checked: whoever reaches {} can change the lab", self.listen);
        }
        let options = ServeOptions {
            listen: self.listen,
            account_id: self.account_id,
            patience: self.patience,
            directory: context.directory.clone(),
        };
        let output = &mut context.output;
        serve::run(options, |address| {
            let url = format!("http://{address}");
            let sentence = format!("answering the EC2 API at {url}, until interrupted; any credentials do");
            output.said("endpoint", &url, &sentence)
        })?;
        Ok(Exit::Success)
    }
}
