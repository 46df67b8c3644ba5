//! `sgsim flow-logs`: what interfaces carried, in AWS's records.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};

use crate::aws::flow_log::{Destination, DestinationType, FlowLog, FlowLogResource, S3Options, TrafficType};
use crate::aws::flow_log_format::{Field, LogFormat};
use crate::aws::ids::NetworkInterfaceId;
use crate::aws::tag::NAME;
use crate::aws::world::World;
use crate::command::Reply;
use crate::command::flow_log::{CreateFlowLogs, DeleteFlowLogs};
use crate::report;
use crate::report::flow_log::{FlowLogView, RecordView};

use super::change::{Applied, apply};
use super::context::Context;
use super::{Exit, lookup};

/// The fields of a format made here: AWS's first version, which way, and what decided.
const FORMAT: &str = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} \
    ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status} ${tcp-flags} ${flow-direction} \
    ${sgsim-rule} ${sgsim-reason}";
/// The account of everything that is made here.
const ACCOUNT: &str = "123456789012";
/// How often files are looked at while they are followed.
const LOOK: Duration = Duration::from_millis(200);

/// Record what interfaces carry, and read it back
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  sgsim flow-logs create db-1
  sgsim flow-logs list
  sgsim flow-logs tail --rejected --follow")]
pub(super) enum FlowLogsCommand {
    Create(CreateArgs),
    Delete(DeleteArgs),
    List(ListArgs),
    Tail(TailArgs),
}

/// Record what an interface, a subnet or a VPC carries from now on
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim flow-logs create db-1\n  \
    sgsim flow-logs create lab --traffic REJECT --name refused\n  \
    sgsim flow-logs create eni-0123456789abcdef0 --format '${srcaddr} ${dstaddr} ${action} ${sgsim-rule}'")]
pub(super) struct CreateArgs {
    /// A VPC or a subnet, by id or name; an interface, by id, instance or INSTANCE:INDEX
    on: String,
    /// ACCEPT, REJECT or ALL
    #[arg(long, default_value = "ALL")]
    traffic: TrafficType,
    /// AWS's fields and ours, each as ${name}
    #[arg(long, default_value = FORMAT)]
    format: LogFormat,
    /// A name for it
    #[arg(long)]
    name: Option<String>,
}

/// Stop recording; what was recorded stays
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim flow-logs delete refused\n  \
    sgsim flow-logs delete fl-0123456789abcdef0")]
pub(super) struct DeleteArgs {
    /// The flow log, by id or name
    flow_log: String,
}

/// List flow logs, and where their records are
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim flow-logs list\n  \
    sgsim flow-logs list --output json | jq -r '.flow_logs[].directory'")]
pub(super) struct ListArgs {}

/// Print the last records, and with --follow those to come
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim flow-logs tail\n  sgsim flow-logs tail --rejected --follow\n  \
    sgsim flow-logs tail refused --interface db-1 --output json")]
pub(super) struct TailArgs {
    /// Of this flow log only, by id or name
    flow_log: Option<String>,
    /// Of this interface only: its id, an instance, or INSTANCE:INDEX
    #[arg(long)]
    interface: Option<String>,
    /// What was rejected only
    #[arg(long)]
    rejected: bool,
    /// How many of the last records
    #[arg(long, short = 'n', default_value_t = 20)]
    lines: usize,
    /// Go on until interrupted
    #[arg(long, short)]
    follow: bool,
}

impl FlowLogsCommand {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        let world = context.world()?;
        match self {
            Self::Create(args) => create(context, &world, args),
            Self::Delete(DeleteArgs { flow_log }) => {
                let view = view(context, lookup::flow_log(&world, &flow_log)?);
                let flow_log_ids = vec![view.id.parse()?];
                let (world_version, _) = apply(context, DeleteFlowLogs { flow_log_ids })?;
                let sentence = format!("{} is no more; its records stay in {}", view.id, view.directory);
                context.output.said("deleted", &Applied { world_version, result: view }, &sentence)?;
                Ok(Exit::Success)
            }
            Self::List(ListArgs {}) => {
                let mut logs = world.flow_logs.values().collect::<Vec<_>>();
                logs.sort_by_key(|log| log.number);
                let views = logs.into_iter().map(|log| view(context, log)).collect::<Vec<_>>();
                let table = || report::flow_log::table(&views);
                context.output.rows("flow_logs", &views, table, "no flow logs")?;
                Ok(Exit::Success)
            }
            Self::Tail(args) => tail(context, &world, args),
        }
    }
}

fn view(context: &Context, log: &FlowLog) -> FlowLogView {
    FlowLogView::new(log, &context.directory.flow_logs())
}

fn create(context: &mut Context, world: &World, args: CreateArgs) -> Result<Exit> {
    let name = args.name.unwrap_or_else(|| args.on.clone());
    let command = CreateFlowLogs {
        account_id: ACCOUNT.to_owned(),
        resources: vec![resource(world, &args.on)?],
        traffic_type: args.traffic,
        destination: Destination {
            kind: DestinationType::S3,
            log_group_name: None,
            arn: Some(format!("arn:aws:s3:::{name}")),
            permission_arn: None,
            cross_account_role: None,
            s3: S3Options::default(),
        },
        format: args.format,
        max_aggregation_interval: Some(60),
        created: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
        tags: BTreeMap::from([(NAME.to_owned(), name)]),
    };
    let (world_version, reply) = apply(context, command)?;
    let Reply::FlowLogs { flow_log_ids, unsuccessful } = reply else {
        bail!("the controller made no flow log: {reply:?}");
    };
    if let Some(refused) = unsuccessful.into_iter().next() {
        return Err(refused.error.into());
    }
    let world = context.world()?;
    let id = flow_log_ids.first().context("the controller made no flow log")?;
    let view = view(context, world.flow_logs.get(id).ok_or_else(|| id.not_found())?);
    let sentence = format!("{} is on {}; its records go to {}", view.id, view.resource, view.directory);
    context.output.said("created", &Applied { world_version, result: view }, &sentence)?;
    Ok(Exit::Success)
}

/// What has this id or name: an interface before a subnet before a VPC.
fn resource(world: &World, text: &str) -> Result<FlowLogResource> {
    if text.starts_with("vpc-") {
        return Ok(FlowLogResource::Vpc(lookup::vpc(world, Some(text))?.id.clone()));
    }
    if text.starts_with("subnet-") {
        return Ok(FlowLogResource::Subnet(lookup::subnet(world, text)?.id.clone()));
    }
    let interface = lookup::interface(world, text);
    if let Ok(interface) = &interface {
        return Ok(FlowLogResource::NetworkInterface(interface.id.clone()));
    }
    if let Ok(subnet) = lookup::subnet(world, text) {
        return Ok(FlowLogResource::Subnet(subnet.id.clone()));
    }
    match lookup::vpc(world, Some(text)) {
        Ok(vpc) => Ok(FlowLogResource::Vpc(vpc.id.clone())),
        Err(_) if text.starts_with("eni-") => {
            Err(interface.err().unwrap_or_else(|| anyhow::anyhow!("{text}")))
        }
        Err(_) => bail!("there is no instance, subnet or VPC `{text}`, and it is no interface's id"),
    }
}

/// A file of records, and how far it was read.
struct Place<'w> {
    log: &'w FlowLog,
    read: u64,
    /// The beginning of a line whose end is not there yet.
    rest: String,
}

fn tail(context: &mut Context, world: &World, args: TailArgs) -> Result<Exit> {
    let logs = match &args.flow_log {
        Some(text) => vec![lookup::flow_log(world, text)?],
        None => world.flow_logs.values().collect(),
    };
    if logs.is_empty() {
        bail!("there is no flow log; make one with `sgsim flow-logs create`");
    }
    let interface = args.interface.as_deref().map(|text| interface_id(world, text)).transpose()?;
    let wanted = |record: &RecordView| {
        (!args.rejected || record.get(Field::Action) == Some("REJECT"))
            && interface.as_ref().is_none_or(|id| record.get(Field::InterfaceId) == Some(id.as_str()))
    };
    let directory = context.directory.flow_logs();
    let mut places = HashMap::new();
    let mut records = read(&directory, &logs, &mut places)?;
    records.retain(&wanted);
    records.drain(..records.len().saturating_sub(args.lines));
    context.output.heading(&report::flow_log::heading())?;
    loop {
        for record in &records {
            context.output.said("record", record, &record.line())?;
        }
        if !args.follow || context.output.is_closed() {
            return Ok(Exit::Success);
        }
        thread::sleep(LOOK);
        records = read(&directory, &logs, &mut places)?;
        records.retain(&wanted);
    }
}

/// An interface, which may be gone if it is named by its id.
fn interface_id(world: &World, text: &str) -> Result<NetworkInterfaceId> {
    match text.parse() {
        Ok(id) => Ok(id),
        Err(_) => Ok(lookup::interface(world, text)?.id.clone()),
    }
}

/// The records that came since the last look, by time.
fn read<'w>(
    directory: &Path,
    logs: &[&'w FlowLog],
    places: &mut HashMap<PathBuf, Place<'w>>,
) -> Result<Vec<RecordView>> {
    for &log in logs {
        // There is none before the first window is over.
        let Ok(files) = fs::read_dir(directory.join(log.id.as_str())) else { continue };
        for file in files {
            let path = file.context("cannot list records")?.path();
            places.entry(path).or_insert_with(|| Place { log, read: 0, rest: String::new() });
        }
    }
    let mut records = Vec::new();
    for (path, place) in places {
        let explain = || format!("cannot read {}", path.display());
        let mut file = File::open(path).with_context(explain)?;
        file.seek(SeekFrom::Start(place.read)).with_context(explain)?;
        let length = file.read_to_string(&mut place.rest).with_context(explain)?;
        place.read += length as u64;
        let whole = place.rest.rfind('\n').map_or(0, |at| at + 1);
        let rest = place.rest.split_off(whole);
        let lines = std::mem::replace(&mut place.rest, rest);
        records.extend(lines.lines().filter_map(|line| RecordView::parse(place.log, line)));
    }
    records.sort_by_key(RecordView::end);
    Ok(records)
}
