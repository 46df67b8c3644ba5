//! `sgsim up`: from a lab file to running instances.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::controller::client::unexpected;
use crate::controller::preflight;
use crate::controller::protocol::{Reply, Request, UpRequest};
use crate::controller::spawn::connect_or_start;
use crate::dataplane::row::{Enforcement, Hook};
use crate::import::source::Sources;

use super::Exit;
use super::context::Context;
use super::progress::Meter;
use super::source::{SourceOptions, load, name_of, sources};

/// The lab that is built where no file says what.
const NEW_ACCOUNT: &str = include_str!("../../../examples/account.yaml");
/// How long a controller whose `up` failed may take to end.
const CLEARING_UP: Duration = Duration::from_millis(500);

/// Build a lab from a file: namespaces, links, servers, and its security groups enforced on them
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sgsim up lab.yaml
  sgsim up                                  an account as AWS opens it, for `sgsim serve` to fill
  sgsim up state/                           what `aws ec2 describe-…` printed, see `sgsim import`
  sgsim up lab.yaml --no-enforcement        to measure what enforcement costs
  sgsim up lab.yaml --hook xdp              to show XDP; slower on veth links
  sgsim --state-dir /tmp/lab2 up lab.yaml   a second lab beside the first")]
pub(super) struct UpArgs {
    /// The lab file, or other sources (see `sgsim import --help`); none stands for an AWS account in which nobody has made
    /// anything yet
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    options: SourceOptions,
    /// Where programs are attached
    #[arg(long, value_enum, default_value_t = HookWord::Tcx)]
    hook: HookWord,
    /// Judge nothing: every packet passes
    #[arg(long)]
    no_enforcement: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum HookWord {
    /// TCX on the host side of each link
    Tcx,
    /// XDP, for demonstrations
    Xdp,
}

impl UpArgs {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        let began = Instant::now();
        // What is wrong with the file is told before anything is started.
        let (name, sources) = match &self.files[..] {
            [] => {
                self.options.refuse_unless("sources, and none is named: a new account is in us-east-1")?;
                ("account.yaml".to_owned(), Sources::lab_file("account.yaml", NEW_ACCOUNT))
            }
            files => (name_of(files), sources(files, &self.options)?),
        };
        let loaded = load(&sources)?;
        loaded.check_lab(&name)?;
        let (text, left_out) = (sources.to_text(), loaded.report.left_out.len());
        preflight::check()?;
        context.need_root("building a lab")?;
        let hook = match self.hook {
            HookWord::Tcx => Hook::Tcx,
            HookWord::Xdp => Hook::Xdp,
        };
        let enforcement = if self.no_enforcement { Enforcement::Off } else { Enforcement::On };
        let meter = Meter::waiting("starting the controller, which takes over what is up");
        let client = connect_or_start(&context.directory);
        meter.finish();
        let mut client = client?;
        let before = client.status()?.lab;
        client.send(&Request::Up(UpRequest { name, text, hook, enforcement }))?;
        let mut meter = Meter::new();
        let version = loop {
            match client.receive() {
                Ok(Some(Reply::Progress(step))) => meter.show(&step),
                Ok(Some(Reply::Applied { version, .. })) => break Ok(version),
                Ok(Some(other)) => break Err(unexpected(&other)),
                Ok(None) => {
                    let log = context.directory.controller_log();
                    break Err(anyhow::anyhow!(
                        "the controller ended; see `{}`, run `sgsim down` and then `sgsim up` again",
                        log.display()
                    ));
                }
                Err(error) => break Err(error),
            }
        };
        meter.finish();
        let version = version.inspect_err(|_| {
            // A controller that has no lab ends; once its end of the connection is closed, it has cleared up.
            let _ = client.set_patience(Some(CLEARING_UP)).and_then(|()| client.receive());
        })?;
        // What is so, rather than what was asked for: a lab that was up has its own settings.
        let status = context.client()?.status()?;
        let (instances, seconds) = (status.instances.len(), began.elapsed().as_secs_f64());
        let enforcement = status.lab.as_ref().map_or(enforcement, |lab| lab.enforcement);
        let left_out = match left_out {
            0 => String::new(),
            count => format!("; {count} things are left out: `sgsim import` says which"),
        };
        let note = match (hook, enforcement) {
            (_, Enforcement::Off) => "; enforcement is OFF: switch it on with `sgsim enforcement on`",
            (Hook::Xdp, _) => "; XDP splits large packets, which costs TCP most of its throughput",
            _ => "",
        };
        let already = before.is_some();
        let value = serde_json::json!({
            "world_version": version,
            "instances": instances,
            "seconds": seconds,
            "already": already,
            "enforcement": enforcement,
        });
        let sentence = match already {
            true => format!("the lab is up already: {instances} instances{note}{left_out}"),
            false => format!("the lab is up: {instances} instances in {seconds:.1} s{note}{left_out}"),
        };
        context.output.said("up", &value, &sentence)?;
        Ok(Exit::Success)
    }
}
