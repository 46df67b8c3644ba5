//! `sgsim serve`: the EC2 API for AWS's own clients.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;

use crate::serve::credentials::Credentials;
use crate::serve::{self, ServeOptions, SocketChoice};

use super::Exit;
use super::context::Context;
use super::log::LogArgs;

/// Answer the EC2 API, so that the AWS CLI and SDKs can drive the lab
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sgsim serve
  aws --endpoint-url http://127.0.0.1:4599 ec2 describe-security-groups

  sgsim serve --require-signature --credentials ~/.aws/credentials
  sgsim serve --listen 10.0.0.1:4599 --require-signature --credentials keys

The region is the one that a client's credentials are used for. Any credentials are accepted, unless signatures are required;
then those of the credentials file are.")]
pub(super) struct ServeArgs {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:4599")]
    listen: SocketAddr,
    /// Accept only requests that are signed with a key of the credentials file
    #[arg(long, requires = "credentials")]
    require_signature: bool,
    /// Keys that requests may be signed with: a file like ~/.aws/credentials, every profile of which counts
    #[arg(long, value_name = "FILE", requires = "require_signature")]
    credentials: Option<PathBuf>,
    /// Listen beyond this machine without checking signatures: whoever reaches the address can change the lab
    #[arg(long)]
    allow_remote: bool,
    /// Another name that clients may call this machine by (repeatable)
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
    /// The account that owns everything here
    #[arg(long, value_name = "TWELVE DIGITS", default_value = "123456789012")]
    account_id: String,
    /// Listen on this unix socket as well [default: serve.sock in the state directory, while there is one]
    #[arg(long, value_name = "PATH", conflicts_with = "no_socket")]
    socket: Option<PathBuf>,
    /// Listen on no unix socket
    #[arg(long)]
    no_socket: bool,
    #[command(flatten)]
    log: LogArgs,
    /// How long a client has for the head of a request, and again for its body
    #[arg(long, hide = true, value_name = "DURATION", default_value = "10s", value_parser = humantime::parse_duration)]
    patience: Duration,
}

impl ServeArgs {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        if self.account_id.len() != 12 || !self.account_id.bytes().all(|b| b.is_ascii_digit()) {
            bail!("`{}` is no account id: it has twelve digits, such as 123456789012", self.account_id);
        }
        self.log.begin("warn");
        if !self.listen.ip().is_loopback() && !self.require_signature && !self.allow_remote {
            bail!(
                "whoever reaches {} could change the lab: check signatures there (--require-signature --credentials FILE), or say --allow-remote",
                self.listen
            );
        }
        let credentials = self.credentials.as_deref().map(Credentials::read).transpose()?;
        let options = ServeOptions {
            listen: self.listen,
            names: self.hosts,
            socket: match (self.socket, self.no_socket) {
                (Some(path), _) => SocketChoice::At(path),
                (None, true) => SocketChoice::Nowhere,
                (None, false) => SocketChoice::InDirectory,
            },
            credentials,
            account_id: self.account_id,
            patience: self.patience,
            directory: context.directory.clone(),
        };
        let require_signature = self.require_signature;
        let output = &mut context.output;
        serve::run(options, |address| {
            let url = format!("http://{address}");
            let whose = match require_signature {
                true => "requests have to be signed with a key of the credentials file",
                false => "any credentials do",
            };
            let sentence = format!("answering the EC2 API at {url}, until interrupted; {whose}");
            output.said("endpoint", &url, &sentence)
        })?;
        Ok(Exit::Success)
    }
}
