//! Instances started, stopped, rebooted and terminated, and their status.
//!
//! AWS answers with the state on the way and reaches the last one later. Here that is reached before the answer, which names
//! the same states as AWS's.

use serde_json::{Value, json};

use crate::aws::ids::InstanceId;
use crate::aws::instance::{Instance, InstanceState};
use crate::command::instance_state::{RebootInstances, StartInstances, StopInstances, TerminateInstances};

use super::instance::{asked_for, state_of, state_view, zone_of};
use crate::ec2::call::{Call, done};
use crate::ec2::fault::Fault;
use crate::ec2::filter::Filters;
use crate::ec2::page::page;
use crate::ec2::params::missing;

pub(super) fn start(call: &mut Call<'_>) -> Result<Value, Fault> {
    call.only(&["InstanceIds"])?;
    let (instance_ids, before) = named(call)?;
    call.change(StartInstances { instance_ids, at: Some(call.caller.now) })?;
    Ok(json!({ "StartingInstances": changes(before, InstanceState::Stopped, (0, "pending")) }))
}

pub(super) fn stop(call: &mut Call<'_>) -> Result<Value, Fault> {
    // An instance stops the same way here however it is asked to.
    call.only(&["InstanceIds", "Force", "SkipOsShutdown"])?;
    let (instance_ids, before) = named(call)?;
    call.change(StopInstances { instance_ids })?;
    Ok(json!({ "StoppingInstances": changes(before, InstanceState::Running, (64, "stopping")) }))
}

pub(super) fn reboot(call: &mut Call<'_>) -> Result<Value, Fault> {
    call.only(&["InstanceIds"])?;
    let (instance_ids, _) = named(call)?;
    call.change(RebootInstances { instance_ids })?;
    done()
}

pub(super) fn terminate(call: &mut Call<'_>) -> Result<Value, Fault> {
    call.only(&["InstanceIds", "Force", "SkipOsShutdown"])?;
    let (instance_ids, before) = named(call)?;
    call.change(TerminateInstances { instance_ids })?;
    Ok(json!({ "TerminatingInstances": changes(before, InstanceState::Running, (32, "shutting-down")) }))
}

type States = Vec<(InstanceId, InstanceState)>;

/// The instances that a call names, at least one, with the states that they have.
fn named(call: &Call<'_>) -> Result<(Vec<InstanceId>, States), Fault> {
    let ids = call.params.parsed_list::<InstanceId>("InstanceIds")?;
    if ids.is_empty() {
        return Err(missing("InstanceId").into());
    }
    let states = asked_for(call)?.into_iter().map(|it| (it.id.clone(), it.state)).collect();
    Ok((ids, states))
}

/// What a call changed: those in state `from` are on their way, the others are as they were. A stopped instance that is
/// terminated is over at once, as in AWS.
fn changes(before: States, from: InstanceState, on_the_way: (u8, &str)) -> Vec<Value> {
    let change = |(id, state): (InstanceId, InstanceState)| {
        let now = match (state, on_the_way) {
            _ if state == from => on_the_way,
            (InstanceState::Stopped, (32, _)) => state_of(InstanceState::Terminated { number: 0 }),
            _ => state_of(state),
        };
        json!({ "InstanceId": id, "PreviousState": state_view(state_of(state)), "CurrentState": state_view(now) })
    };
    before.into_iter().map(change).collect()
}

const FILTERS: [&str; 6] = [
    "availability-zone",
    "instance-state-code",
    "instance-state-name",
    "instance-status.reachability",
    "instance-status.status",
    "system-status.status",
];

pub(super) fn describe_status(call: &mut Call<'_>) -> Result<Value, Fault> {
    let params = call.params;
    call.only(&["InstanceIds", "Filters", "IncludeAllInstances", "MaxResults", "NextToken"])?;
    let filters = Filters::read(params, &FILTERS, false)?;
    let all = params.flag("IncludeAllInstances").unwrap_or_default();
    let found = asked_for(call)?.into_iter().filter(|it| all || it.is_running());
    let found = found.filter(|it| filters.pass(&it.tags, |name| values(call, it, name)));
    let (found, next) = page(params, 5..=1000, found.map(|it| (it.number, it)).collect())?;
    let views = found.into_iter().map(|it| view(call, it)).collect::<Vec<_>>();
    Ok(json!({ "InstanceStatuses": views, "NextToken": next }))
}

/// Whether an instance is well: a namespace that is there has nothing to fail a check.
fn check(instance: &Instance) -> &'static str {
    if instance.is_running() { "ok" } else { "not-applicable" }
}

fn values(call: &Call<'_>, instance: &Instance, name: &str) -> Vec<String> {
    let (code, state) = state_of(instance.state);
    match name {
        "availability-zone" => zone_of(&call.world, instance).into_iter().collect(),
        "instance-state-code" => vec![code.to_string()],
        "instance-state-name" => vec![state.to_owned()],
        "instance-status.reachability" if instance.is_running() => vec!["passed".to_owned()],
        "instance-status.status" | "system-status.status" => vec![check(instance).to_owned()],
        _ => Vec::new(),
    }
}

fn view(call: &Call<'_>, instance: &Instance) -> Value {
    let passed = json!({ "Name": "reachability", "Status": "passed" });
    let details = instance.is_running().then(|| vec![passed]);
    let status = json!({ "Status": check(instance), "Details": details });
    json!({
        "InstanceId": instance.id,
        "AvailabilityZone": zone_of(&call.world, instance),
        "InstanceState": state_view(state_of(instance.state)),
        "InstanceStatus": status,
        "SystemStatus": status,
    })
}
