//! Flow logs. A lab of them goes on where the real ones are: each writes records, from an empty file on.

use super::{Context, Pages};
use crate::aws::flow_log::{Destination, DestinationType, FlowLog, FlowLogResource, S3Options};
use crate::aws::flow_log_format::LogFormat;
use crate::aws::time;
use crate::command::adopt::Existing;
use crate::import::error::ImportError;
use crate::import::node::Node;

/// The account where no VPC says one.
const ACCOUNT: &str = "123456789012";
/// What files are written as, which goes without saying.
const PLAIN_TEXT: &str = "plain-text";

pub(super) fn read(pages: &Pages<'_>, context: &mut Context<'_>) -> Result<(), ImportError> {
    for item in pages.get("FlowLogs") {
        match flow_log(item, context)? {
            Ok(log) => context.draft.add(item.place(), Existing::FlowLog(log)),
            Err(reason) => {
                let what = format!("flow log {}", item.required("FlowLogId")?.as_text()?);
                context.draft.report.leave(what, item.place(), &reason, "nothing is logged for it");
            }
        }
    }
    Ok(())
}

/// A flow log, or why there cannot be one.
fn flow_log(item: &Node<'_>, context: &Context<'_>) -> Result<Result<FlowLog, String>, ImportError> {
    let Some(resource) = resource(item, context)? else {
        let id = item.required("ResourceId")?.as_text()?;
        return Ok(Err(format!("what it is on, {id}, is not there")));
    };
    let Some(traffic_type) = item.parsed("TrafficType")? else {
        return Ok(Err("it does not say which traffic it is about".to_owned()));
    };
    let format = match item.text("LogFormat")?.map(|text| text.parse::<LogFormat>()) {
        Some(Err(_)) => return Ok(Err("its format has fields that there are none of here".to_owned())),
        Some(Ok(format)) => format,
        None => LogFormat::default(),
    };
    let s3 = match item.get("DestinationOptions") {
        Some(options) => S3Options {
            file_format: options.text("FileFormat")?.filter(|format| format != PLAIN_TEXT),
            hive_compatible_partitions: options.flag("HiveCompatiblePartitions")?.unwrap_or_default(),
            per_hour_partition: options.flag("PerHourPartition")?.unwrap_or_default(),
        },
        None => S3Options::default(),
    };
    if let Some(format) = &s3.file_format {
        return Ok(Err(format!("records are plain text here, and its are {format}")));
    }
    let created = item.text("CreationTime")?;
    // AWS shows a log group's name beside its ARN, and a flow log is made by one of them.
    let arn = item.text("LogDestination")?;
    let log_group_name = item.text("LogGroupName")?.filter(|_| arn.is_none());
    Ok(Ok(FlowLog {
        id: item.required_parsed("FlowLogId")?,
        number: 0,
        account_id: context.account.clone().unwrap_or_else(|| ACCOUNT.to_owned()),
        resource,
        traffic_type,
        destination: Destination {
            kind: item.parsed("LogDestinationType")?.unwrap_or(DestinationType::CloudWatchLogs),
            log_group_name,
            arn,
            permission_arn: item.text("DeliverLogsPermissionArn")?,
            cross_account_role: item.text("DeliverCrossAccountRole")?,
            s3,
        },
        format,
        max_aggregation_interval: item.number("MaxAggregationInterval")?.unwrap_or(600),
        created: created.as_deref().and_then(time::seconds).unwrap_or_default(),
        tags: item.tags()?,
    }))
}

/// What a flow log is on; `None` where that is nothing that there is here.
fn resource(item: &Node<'_>, context: &Context<'_>) -> Result<Option<FlowLogResource>, ImportError> {
    let node = item.required("ResourceId")?;
    let id = node.as_text()?;
    let resource = match id.split('-').next() {
        Some("vpc") => FlowLogResource::Vpc(node.as_parsed()?),
        Some("subnet") => FlowLogResource::Subnet(node.as_parsed()?),
        Some("eni") => FlowLogResource::NetworkInterface(node.as_parsed()?),
        _ => return Ok(None),
    };
    let is_it = |object: &Existing| match (object, &resource) {
        (Existing::Vpc(it), FlowLogResource::Vpc(id)) => it.id == *id,
        (Existing::Subnet(it), FlowLogResource::Subnet(id)) => it.id == *id,
        (Existing::NetworkInterface(it), FlowLogResource::NetworkInterface(id)) => it.id == *id,
        _ => false,
    };
    let is_there = context.draft.objects.iter().any(|(_, object)| is_it(object));
    Ok(is_there.then_some(resource))
}
