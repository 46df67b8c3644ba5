//! Flow logs. Where AWS would deliver records is kept and shown; here they are in files (`docs/flow-logs.md`).

use serde_json::{Value, json};

use crate::aws::error::AwsError;
use crate::aws::flow_log::{Destination, DestinationType, FlowLog, FlowLogResource, S3Options, TrafficType};
use crate::aws::ids::FlowLogId;
use crate::aws::time::timestamp;
use crate::command::Reply;
use crate::command::flow_log::{CreateFlowLogs, DeleteFlowLogs, Unsuccessful};

use super::tag;
use crate::ec2::call::{Call, unexpected};
use crate::ec2::fault::Fault;
use crate::ec2::filter::Filters;
use crate::ec2::page::page;
use crate::ec2::params::{Params, invalid, missing as missing_parameter};

pub(super) fn create(call: &mut Call<'_>) -> Result<Value, Fault> {
    let params = call.params;
    call.only(&[
        "ClientToken",
        "DeliverCrossAccountRole",
        "DeliverLogsPermissionArn",
        "DestinationOptions",
        "LogDestination",
        "LogDestinationType",
        "LogFormat",
        "LogGroupName",
        "MaxAggregationInterval",
        "ResourceIds",
        "ResourceType",
        "TagSpecifications",
        "TrafficType",
    ])?;
    let traffic_type: Option<TrafficType> = params.parsed("TrafficType")?;
    // What is in another region does not exist in this one.
    let (resources, missing): (Vec<_>, Vec<_>) =
        resources(params)?.into_iter().partition(|resource| resource.vpc_id(&call.world).is_some());
    let mut refusals: Vec<Unsuccessful> = missing.iter().map(Unsuccessful::not_found).collect();
    let is_in_vain = resources.is_empty() && !missing.is_empty();
    let command = CreateFlowLogs {
        account_id: call.caller.account_id.clone(),
        resources,
        // Only transit gateways may do without (F-01).
        traffic_type: traffic_type.ok_or_else(|| missing_parameter("TrafficType"))?,
        destination: destination(params)?,
        format: params.parsed("LogFormat")?.unwrap_or_default(),
        max_aggregation_interval: params.number("MaxAggregationInterval")?,
        created: call.caller.now,
        tags: params.tags_for("vpc-flow-log")?,
    };
    let mut flow_log_ids = Vec::new();
    if !is_in_vain {
        match call.change(command)? {
            Reply::FlowLogs { flow_log_ids: made, unsuccessful } => {
                flow_log_ids = made;
                refusals.extend(unsuccessful);
            }
            reply => return Err(unexpected(&reply)),
        }
    }
    let refused = |it: &Unsuccessful| {
        let error = json!({ "Code": it.error.code, "Message": it.error.message });
        json!({ "ResourceId": it.resource_id, "Error": error })
    };
    Ok(json!({
        "ClientToken": params.text("ClientToken"),
        "FlowLogIds": flow_log_ids,
        "Unsuccessful": refusals.iter().map(refused).collect::<Vec<_>>(),
    }))
}

fn resources(params: Params<'_>) -> Result<Vec<FlowLogResource>, AwsError> {
    let kind = params.required_text("ResourceType")?;
    let one = |id: &str| match kind {
        "VPC" => id.parse().map(FlowLogResource::Vpc),
        "Subnet" => id.parse().map(FlowLogResource::Subnet),
        "NetworkInterface" => id.parse().map(FlowLogResource::NetworkInterface),
        "TransitGateway" | "TransitGatewayAttachment" | "RegionalNatGateway" => Err(AwsError::new(
            "UnsupportedOperation",
            format!("The resource type {kind} is not supported by sgsim."),
        )),
        other => Err(invalid("ResourceType", other)),
    };
    params.texts("ResourceIds").into_iter().map(one).collect()
}

fn destination(params: Params<'_>) -> Result<Destination, AwsError> {
    let text = |name| params.text(name).map(str::to_owned);
    let options = params.structure("DestinationOptions");
    let flag = |name| options.and_then(|options| options.flag(name)).unwrap_or_default();
    Ok(Destination {
        kind: params.parsed("LogDestinationType")?.unwrap_or(DestinationType::CloudWatchLogs),
        log_group_name: text("LogGroupName"),
        arn: text("LogDestination"),
        permission_arn: text("DeliverLogsPermissionArn"),
        cross_account_role: text("DeliverCrossAccountRole"),
        s3: S3Options {
            file_format: options.and_then(|options| options.text("FileFormat")).map(str::to_owned),
            hive_compatible_partitions: flag("HiveCompatiblePartitions"),
            per_hour_partition: flag("PerHourPartition"),
        },
    })
}

pub(super) fn delete(call: &mut Call<'_>) -> Result<Value, Fault> {
    let flow_log_ids = call.params.parsed_list("FlowLogIds")?;
    call.change(DeleteFlowLogs { flow_log_ids })?;
    Ok(json!({ "Unsuccessful": [] }))
}

const FILTERS: [&str; 6] = [
    "deliver-log-status",
    "flow-log-id",
    "log-destination-type",
    "log-group-name",
    "resource-id",
    "traffic-type",
];

pub(super) fn describe(call: &mut Call<'_>) -> Result<Value, Fault> {
    let params = call.params;
    let filters = Filters::read_as(params, "Filter", &FILTERS, true)?;
    let ids = params.parsed_list::<FlowLogId>("FlowLogIds")?;
    if let Some(id) = ids.iter().find(|id| !call.world.flow_logs.contains_key(id)) {
        return Err(id.not_found().into());
    }
    let found = call.world.flow_logs.values().filter(|log| ids.is_empty() || ids.contains(&log.id));
    let found = found.filter(|log| filters.pass(&log.tags, |name| values(log, name)));
    let (logs, next) = page(params, 1..=1000, found.map(|log| (log.number, log)).collect())?;
    let views = logs.into_iter().map(view).collect::<Vec<_>>();
    Ok(json!({ "FlowLogs": views, "NextToken": next }))
}

fn values(log: &FlowLog, name: &str) -> Vec<String> {
    vec![match name {
        "deliver-log-status" => "SUCCESS".to_owned(),
        "log-destination-type" => log.destination.kind.to_string(),
        "log-group-name" => return log.destination.log_group_name.iter().cloned().collect(),
        "resource-id" => log.resource.to_string(),
        "traffic-type" => log.traffic_type.to_string(),
        _ => log.id.to_string(),
    }]
}

fn view(log: &FlowLog) -> Value {
    let Destination { kind, log_group_name, arn, permission_arn, cross_account_role, s3 } = &log.destination;
    let options = (*kind == DestinationType::S3).then(|| {
        json!({
            "FileFormat": s3.file_format.as_deref().unwrap_or("plain-text"),
            "HiveCompatiblePartitions": s3.hive_compatible_partitions,
            "PerHourPartition": s3.per_hour_partition,
        })
    });
    json!({
        "FlowLogId": log.id,
        "CreationTime": timestamp(log.created),
        "DeliverCrossAccountRole": cross_account_role,
        "DeliverLogsPermissionArn": permission_arn,
        "DeliverLogsStatus": "SUCCESS",
        "DestinationOptions": options,
        "FlowLogStatus": "ACTIVE",
        "LogDestination": arn,
        "LogDestinationType": kind,
        "LogFormat": log.format,
        "LogGroupName": log_group_name,
        "MaxAggregationInterval": log.max_aggregation_interval,
        "ResourceId": log.resource.to_string(),
        "Tags": tag::set(&log.tags),
        "TrafficType": log.traffic_type,
    })
}
