//! Flow logs: made and deleted; nothing about one but its tags changes in between (F-01, F-13).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::aws::error::AwsError;
use crate::aws::flow_log::{Destination, DestinationType, FlowLog, FlowLogResource, TrafficType};
use crate::aws::flow_log_format::LogFormat;
use crate::aws::ids::FlowLogId;

use super::Reply;
use super::edit::Edit;
use super::tag;

/// The windows that can be asked for, in seconds (F-01). Every instance here is a Nitro one, whose windows are never longer
/// than the first.
const INTERVALS: [u32; 2] = [60, 600];
/// Flow logs on one resource.
const MAX_PER_RESOURCE: usize = 250;
/// The longest name of a log group.
const MAX_GROUP_NAME: usize = 512;

/// What could not be done about one of several resources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsuccessful {
    /// The resource, as the caller named it.
    pub resource_id: String,
    /// AWS's refusal.
    pub error: AwsError,
}

impl Unsuccessful {
    /// That a resource does not exist.
    pub fn not_found(resource: &FlowLogResource) -> Self {
        Self { resource_id: resource.to_string(), error: resource.not_found() }
    }
}

/// Makes a flow log on each of some resources. Those that cannot have one do not keep the others from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateFlowLogs {
    /// The account that their records name.
    pub account_id: String,
    /// What they are on.
    pub resources: Vec<FlowLogResource>,
    /// Which traffic they have.
    pub traffic_type: TrafficType,
    /// Where AWS would deliver.
    pub destination: Destination,
    /// What their records are made of.
    #[serde(default)]
    pub format: LogFormat,
    /// The longest window, 60 or 600 s; none stands for 600.
    #[serde(default)]
    pub max_aggregation_interval: Option<u32>,
    /// Now, in Unix seconds.
    pub created: u64,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

impl CreateFlowLogs {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let interval = self.max_aggregation_interval.unwrap_or(INTERVALS[1]);
        check(&self.destination, interval)?;
        if self.resources.is_empty() {
            return Err(AwsError::new(
                "MissingParameter",
                "The request must contain the parameter ResourceId",
            ));
        }
        let tags = tag::checked(self.tags.clone())?;
        if edit.world().flow_logs.values().any(|log| self.would_repeat(log)) {
            return Err(AwsError::new(
                "FlowLogAlreadyExists",
                "Error. There is an existing Flow Log with the same configuration and log destination.",
            ));
        }
        let (mut flow_log_ids, mut unsuccessful) = (Vec::new(), Vec::new());
        for resource in &self.resources {
            match self.make(edit, resource, interval, &tags) {
                Ok(id) => flow_log_ids.push(id),
                Err(error) => {
                    unsuccessful.push(Unsuccessful { resource_id: resource.to_string(), error });
                }
            }
        }
        Ok(Reply::FlowLogs { flow_log_ids, unsuccessful })
    }

    /// Whether a flow log is what this command would make (F-13). Of the destination, the place alone counts.
    fn would_repeat(&self, log: &FlowLog) -> bool {
        let place = |destination: &Destination| {
            (destination.kind, destination.log_group_name.clone(), destination.arn.clone())
        };
        self.resources.contains(&log.resource)
            && log.traffic_type == self.traffic_type
            && place(&log.destination) == place(&self.destination)
    }

    fn make(
        &self,
        edit: &mut Edit<'_>,
        resource: &FlowLogResource,
        max_aggregation_interval: u32,
        tags: &BTreeMap<String, String>,
    ) -> Result<FlowLogId, AwsError> {
        if resource.vpc_id(edit.world()).is_none() {
            return Err(resource.not_found());
        }
        let there = edit.world().flow_logs.values().filter(|log| log.resource == *resource);
        if there.filter(|log| log.account_id == self.account_id).count() >= MAX_PER_RESOURCE {
            return Err(AwsError::new(
                "FlowLogsLimitExceeded",
                format!(
                    "The maximum number of flow logs per resource has been reached: {resource} has {MAX_PER_RESOURCE}."
                ),
            ));
        }
        let (seed, number) = edit.next_number()?;
        let id = FlowLogId::mint(seed, number);
        edit.put(FlowLog {
            id: id.clone(),
            number,
            account_id: self.account_id.clone(),
            resource: resource.clone(),
            traffic_type: self.traffic_type,
            destination: self.destination.clone(),
            format: self.format.clone(),
            max_aggregation_interval,
            created: self.created,
            tags: tags.clone(),
        });
        Ok(id)
    }
}

/// What every flow log must be like.
pub(super) fn check(destination: &Destination, interval: u32) -> Result<(), AwsError> {
    check_destination(destination)?;
    if !INTERVALS.contains(&interval) {
        return Err(invalid("Invalid Flow Log Max Aggregation Interval"));
    }
    Ok(())
}

/// The place must be given as its kind wants it (F-13).
fn check_destination(destination: &Destination) -> Result<(), AwsError> {
    let Destination { kind, log_group_name, arn, permission_arn, s3, .. } = destination;
    let is_cloud_watch = *kind == DestinationType::CloudWatchLogs;
    match (log_group_name, arn) {
        (None, None) => {
            return Err(invalid("LogDestination can't be empty if LogGroupName is not provided."));
        }
        (Some(_), Some(_)) => {
            return Err(invalid("Please only provide LogGroupName or only provide LogDestination."));
        }
        (Some(_), None) if !is_cloud_watch => {
            return Err(invalid("LogDestination type must be cloud-watch-logs if LogGroupName is provided."));
        }
        _ => {}
    }
    if is_cloud_watch && permission_arn.is_none() {
        return Err(invalid(
            "DeliverLogsPermissionArn can't be empty if LogDestinationType is cloud-watch-logs.",
        ));
    }
    let is_group_name = |name: &str| {
        let is_letter = |b: u8| b.is_ascii_alphanumeric() || b"_-/.#".contains(&b);
        (1..=MAX_GROUP_NAME).contains(&name.len()) && name.bytes().all(is_letter)
    };
    if let Some(name) = log_group_name.as_deref().filter(|name| !is_group_name(name)) {
        return Err(invalid(&format!("LogGroupName: {name} is not a valid log group name.")));
    }
    if s3.file_format.as_deref().is_some_and(|format| format != "plain-text") {
        return Err(AwsError::new(
            "UnsupportedOperation",
            "The file format parquet is not supported by sgsim; use plain-text.",
        ));
    }
    Ok(())
}

fn invalid(message: &str) -> AwsError {
    AwsError::new("InvalidParameter", message)
}

/// Deletes flow logs, all or, where one does not exist, none. Their records stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteFlowLogs {
    /// The flow logs.
    pub flow_log_ids: Vec<FlowLogId>,
}

impl DeleteFlowLogs {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let missing = self.flow_log_ids.iter().find(|id| !edit.world().flow_logs.contains_key(id));
        if let Some(id) = missing {
            return Err(id.not_found());
        }
        for id in &self.flow_log_ids {
            edit.remove::<FlowLog>(id);
        }
        Ok(Reply::Done)
    }
}

/// Deletes the flow logs of what a command has deleted (CHOICE: AWS does not say what becomes of them).
pub(super) fn delete_orphans(edit: &mut Edit<'_>) {
    let world = edit.world();
    let orphans = world.flow_logs.values().filter(|log| log.resource.vpc_id(world).is_none());
    for id in orphans.map(|log| log.id.clone()).collect::<Vec<_>>() {
        edit.remove::<FlowLog>(&id);
    }
}
