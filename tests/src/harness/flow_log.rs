//! Flow logs of a random world, and what a test's flow log is like.

use std::collections::BTreeMap;

use proptest::prelude::*;
use sg_userspace::aws::flow_log::{
    Destination, DestinationType, FlowLog, FlowLogResource, S3Options, TrafficType,
};
use sg_userspace::aws::flow_log_format::LogFormat;
use sg_userspace::aws::ids::{FlowLogId, NetworkInterfaceId};
use sg_userspace::scenario::edit::Edit;

use super::universe::Universe;

/// Flow logs that a world has at most.
const LOGS: u32 = 3;
/// Numbers that no other object of a test's world has.
const FIRST_NUMBER: u32 = 9_000;

/// A flow log to be: which one, and what it is on from now on.
#[derive(Clone, Debug)]
pub struct FlowLogPlan {
    log: u32,
    on: Option<On>,
}

#[derive(Clone, Debug)]
enum On {
    Vpc(usize),
    Subnet(usize),
    Interface(usize),
}

/// A flow log that comes or goes.
pub fn flow_log_plan() -> impl Strategy<Value = FlowLogPlan> {
    let on = prop_oneof![
        2 => (0usize..2).prop_map(On::Vpc),
        1 => (0usize..3).prop_map(On::Subnet),
        2 => (0usize..4).prop_map(On::Interface),
    ];
    (0..LOGS, prop::option::weighted(0.8, on)).prop_map(|(log, on)| FlowLogPlan { log, on })
}

impl FlowLogPlan {
    /// It comes, or goes.
    pub fn resolve(&self, universe: &Universe, interfaces: &[NetworkInterfaceId]) -> Edit {
        let number = FIRST_NUMBER + self.log;
        let resource = match &self.on {
            None => return Edit::RemoveFlowLog { flow_log: FlowLogId::mint(0, number) },
            Some(On::Vpc(i)) => FlowLogResource::Vpc(universe.vpcs[*i].clone()),
            Some(On::Subnet(i)) => FlowLogResource::Subnet(universe.subnets[*i].clone()),
            Some(On::Interface(i)) => {
                FlowLogResource::NetworkInterface(interfaces[i % interfaces.len()].clone())
            }
        };
        Edit::PutFlowLog(Box::new(flow_log(number, resource)))
    }
}

/// A flow log of everything, in the default format.
pub fn flow_log(number: u32, resource: FlowLogResource) -> FlowLog {
    FlowLog {
        id: FlowLogId::mint(0, number),
        number,
        account_id: "123456789012".to_owned(),
        resource,
        traffic_type: TrafficType::All,
        destination: Destination {
            kind: DestinationType::CloudWatchLogs,
            log_group_name: Some("test".to_owned()),
            arn: None,
            permission_arn: None,
            cross_account_role: None,
            s3: S3Options::default(),
        },
        format: LogFormat::default(),
        max_aggregation_interval: 600,
        created: 0,
        tags: BTreeMap::new(),
    }
}
