//! The command line: what can be typed, and which file carries it out. One command a file: what was typed (`…Args`),
//! then `run`, which turns it into domain values and acts.
//!
//! Exit codes: 0 done or allowed, 1 denied or an expectation missed, 2 usage, input or system error.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand, ValueEnum};

use crate::controller::{directory, metadata, servers, spawn, user_data};

mod acl;
mod allowance;
mod builtin;
mod change;
mod check;
mod clock;
mod context;
mod controller;
mod counters;
mod down;
mod enforcement;
mod exec;
mod explain;
mod export;
pub mod failure;
mod flow_logs;
mod flows;
mod group;
mod import;
mod inside;
mod instance;
mod interface;
mod log;
mod lookup;
mod near;
mod output;
mod peering;
mod prefix_list;
mod probe;
mod progress;
mod reach;
mod rule;
mod serve;
mod source;
mod status;
mod tag;
mod trace;
mod up;
mod version;
mod watch;
mod what_if;

use context::Context;

/// AWS security groups on real packets, on one Linux machine.
#[derive(Debug, Parser)]
#[command(name = "sgsim", version, propagate_version = true, subcommand_required = true, after_help = EXAMPLES)]
pub struct Cli {
    /// Where the controller keeps its state and its socket
    #[arg(
        long,
        global = true,
        env = "SGSIM_STATE_DIR",
        value_name = "DIRECTORY",
        default_value = directory::DEFAULT
    )]
    state_dir: PathBuf,
    /// Tables for people, or JSON for programs
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    output: Format,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  sgsim up examples/article.yaml                        build a lab; all examples here are about this one
  sgsim exec internet -- curl -s http://web-1           run a command inside an instance, or on the internet host
  sgsim rule allow web inbound tcp 8080 from anywhere   change a group, live
  sgsim probe web-1 db-1 tcp/5432                       does it get through, and which rule says so?
  sgsim explain web-1 db-1 tcp/5432                     the same without packets, and what is missing
  sgsim down                                            leave nothing behind

Exit codes: 0 done or allowed, 1 denied, 2 error.";

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Tables and sentences.
    Text,
    /// One JSON document, or one a line for what goes on.
    Json,
}

/// What a command ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, or allowed.
    Success,
    /// Denied, or an expectation missed.
    Denied,
    /// What the command that was run inside an instance ended with.
    Passed(u8),
}

impl Exit {
    /// The process's exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Denied => 1,
            Self::Passed(code) => code,
        }
    }
}

/// Exit code for usage, input and system errors.
pub const EXIT_ERROR: u8 = 2;

#[derive(Debug, Subcommand)]
enum Command {
    Up(up::UpArgs),
    Down(down::DownArgs),
    Status(status::StatusArgs),
    Exec(exec::ExecArgs),
    Shell(exec::ShellArgs),
    #[command(subcommand)]
    Group(group::GroupCommand),
    #[command(subcommand)]
    Rule(rule::RuleCommand),
    #[command(subcommand)]
    PrefixList(prefix_list::PrefixListCommand),
    #[command(subcommand)]
    Interface(interface::InterfaceCommand),
    #[command(subcommand)]
    Instance(instance::InstanceCommand),
    #[command(subcommand)]
    Acl(acl::AclCommand),
    #[command(subcommand)]
    Peering(peering::PeeringCommand),
    #[command(subcommand)]
    Tag(tag::TagCommand),
    Probe(probe::ProbeArgs),
    Explain(explain::ExplainArgs),
    Reach(reach::ReachArgs),
    WhatIf(what_if::WhatIfArgs),
    Watch(watch::WatchArgs),
    Trace(trace::TraceArgs),
    Flows(flows::FlowsArgs),
    #[command(subcommand)]
    FlowLogs(flow_logs::FlowLogsCommand),
    Counters(counters::CountersArgs),
    Allowance(allowance::AllowanceArgs),
    Check(check::CheckArgs),
    Import(import::ImportArgs),
    Export(export::ExportArgs),
    Enforcement(enforcement::EnforcementArgs),
    #[command(subcommand)]
    Clock(clock::ClockCommand),
    Serve(serve::ServeArgs),
    #[command(name = servers::SUBCOMMAND)]
    Server(builtin::ServerArgs),
    Client(builtin::ClientArgs),
    Version(version::VersionArgs),
    #[command(hide = true, name = spawn::SUBCOMMAND)]
    Controller(controller::ControllerArgs),
    #[command(hide = true, name = metadata::SUBCOMMAND)]
    ServeMetadata(inside::ServeMetadataArgs),
    #[command(hide = true, name = user_data::SUBCOMMAND)]
    RunUserData(inside::RunUserDataArgs),
}

impl Cli {
    /// How results, and what went wrong, are to be written.
    pub fn format(&self) -> Format {
        self.output
    }
}

/// Carries out what was typed.
///
/// # Errors
/// Usage, input and system errors, to be printed once by `main`.
pub fn run(cli: Cli) -> Result<Exit> {
    let context = &mut Context::new(cli.state_dir, cli.output);
    match cli.command {
        Command::Up(args) => args.run(context),
        Command::Down(args) => args.run(context),
        Command::Status(args) => args.run(context),
        Command::Exec(args) => args.run(context),
        Command::Shell(args) => args.run(context),
        Command::Group(command) => command.run(context),
        Command::Rule(command) => command.run(context),
        Command::PrefixList(command) => command.run(context),
        Command::Interface(command) => command.run(context),
        Command::Instance(command) => command.run(context),
        Command::Acl(command) => command.run(context),
        Command::Peering(command) => command.run(context),
        Command::Tag(command) => command.run(context),
        Command::Probe(args) => args.run(context),
        Command::Explain(args) => args.run(context),
        Command::Reach(args) => args.run(context),
        Command::WhatIf(args) => args.run(context),
        Command::Watch(args) => args.run(context),
        Command::Trace(args) => args.run(context),
        Command::Flows(args) => args.run(context),
        Command::FlowLogs(command) => command.run(context),
        Command::Counters(args) => args.run(context),
        Command::Allowance(args) => args.run(context),
        Command::Check(args) => args.run(context),
        Command::Import(args) => args.run(context),
        Command::Export(args) => args.run(context),
        Command::Enforcement(args) => args.run(context),
        Command::Clock(command) => command.run(context),
        Command::Serve(args) => args.run(context),
        Command::Version(args) => args.run(context),
        Command::Controller(args) => args.run(context),
        Command::Server(args) => args.run(),
        Command::ServeMetadata(args) => args.run(),
        Command::RunUserData(args) => args.run(),
        Command::Client(args) => args.run(context),
    }
}
