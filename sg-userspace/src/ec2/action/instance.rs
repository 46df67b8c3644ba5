//! Instances as `DescribeInstances` has them, by the call that launched them.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::aws::error::AwsError;
use crate::aws::ids::InstanceId;
use crate::aws::instance::{Instance, InstanceState};
use crate::aws::interface::NetworkInterface;
use crate::aws::world::World;

use super::{image, interface, tag};
use crate::ec2::call::{Call, Caller};
use crate::ec2::fault::Fault;
use crate::ec2::filter::Filters;
use crate::ec2::page::page;

/// What instances are said to be: AWS has a name for no other machine that this runs on but one.
pub(super) const ARCHITECTURE: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };

/// Why an instance does not run: there is no other cause here.
const INITIATED_BY_USER: &str = "Client.UserInitiatedShutdown";

const FILTERS: [&str; 28] = [
    "architecture",
    "availability-zone",
    "client-token",
    "dns-name",
    "group-id",
    "group-name",
    "image-id",
    "instance.group-id",
    "instance.group-name",
    "instance-id",
    "instance-state-code",
    "instance-state-name",
    "instance-type",
    "network-interface.addresses.private-ip-address",
    "network-interface.group-id",
    "network-interface.network-interface-id",
    "network-interface.private-dns-name",
    "network-interface.subnet-id",
    "network-interface.vpc-id",
    "owner-id",
    "private-dns-name",
    "private-ip-address",
    "reservation-id",
    "source-dest-check",
    "state-reason-code",
    "subnet-id",
    "tenancy",
    "vpc-id",
];

pub(super) fn describe(call: &mut Call<'_>) -> Result<Value, Fault> {
    let (params, world, caller) = (call.params, &call.world, call.caller);
    let filters = Filters::read(params, &FILTERS, true)?;
    let found = asked_for(call)?.into_iter();
    let found = found.filter(|it| filters.pass(&it.tags, |name| values(world, caller, it, name)));
    let (instances, next) = page(params, 5..=1000, found.map(|it| (it.number, it)).collect())?;
    let mut reservations: Vec<(&InstanceId, Vec<Value>)> = Vec::new();
    for instance in instances {
        let view = view(world, caller, instance);
        match reservations.last_mut() {
            Some((id, views)) if *id == instance.reservation() => views.push(view),
            _ => reservations.push((instance.reservation(), vec![view])),
        }
    }
    let reservations = reservations.into_iter().map(|(id, instances)| reservation(caller, id, instances));
    Ok(json!({ "Reservations": reservations.collect::<Vec<_>>(), "NextToken": next }))
}

/// The instances that a call names, or all of them.
pub(super) fn asked_for<'c>(call: &'c Call<'_>) -> Result<Vec<&'c Instance>, Fault> {
    let ids = call.params.parsed_list::<InstanceId>("InstanceIds")?;
    let unknown = ids.iter().filter(|id| !call.world.instances.contains_key(id)).collect::<Vec<_>>();
    match unknown[..] {
        [] => {}
        [id] => return Err(id.not_found().into()),
        _ => {
            let list = unknown.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let message = format!("The instance IDs '{list}' do not exist");
            return Err(AwsError::new("InvalidInstanceID.NotFound", message).into());
        }
    }
    Ok(call.world.instances.values().filter(|it| ids.is_empty() || ids.contains(&it.id)).collect())
}

/// The instances that one call launched.
pub(super) fn reservation(caller: &Caller, first: &InstanceId, instances: Vec<Value>) -> Value {
    json!({
        "ReservationId": reservation_id(first),
        "OwnerId": caller.account_id,
        "Groups": [],
        "Instances": instances,
    })
}

/// The id of a reservation, which is its first instance's in another form.
fn reservation_id(first: &InstanceId) -> String {
    first.as_str().replacen('i', "r", 1)
}

fn values(world: &World, caller: &Caller, instance: &Instance, name: &str) -> Vec<String> {
    let interfaces = world.interfaces_of(&instance.id);
    let primary = interfaces.first().copied();
    let group_names = |interface: &NetworkInterface| {
        let groups = interface.groups.iter().filter_map(|id| world.security_groups.get(id));
        groups.map(|group| group.name.clone()).collect::<Vec<_>>()
    };
    let group_ids =
        |interface: &NetworkInterface| interface.groups.iter().map(ToString::to_string).collect::<Vec<_>>();
    let dns_name = |it: &NetworkInterface| it.private_ipv4.first().map(|it| interface::dns_name(caller, *it));
    let (code, state) = state_of(instance.state);
    match name {
        "architecture" => vec![ARCHITECTURE.to_owned()],
        "availability-zone" => zone(world, primary).into_iter().collect(),
        "client-token" => instance.launch.client_token.iter().map(|it| it.token.clone()).collect(),
        "group-id" | "instance.group-id" => primary.map(group_ids).unwrap_or_default(),
        "group-name" | "instance.group-name" => primary.map(group_names).unwrap_or_default(),
        "image-id" => vec![image::of(instance)],
        "network-interface.group-id" => interfaces.into_iter().flat_map(group_ids).collect(),
        "network-interface.network-interface-id" => interfaces.iter().map(|it| it.id.to_string()).collect(),
        "network-interface.addresses.private-ip-address" => {
            interfaces.iter().flat_map(|it| it.private_ipv4.iter().map(ToString::to_string)).collect()
        }
        "network-interface.private-dns-name" => interfaces.into_iter().filter_map(dns_name).collect(),
        "network-interface.subnet-id" => interfaces.iter().map(|it| it.subnet_id.to_string()).collect(),
        "network-interface.vpc-id" => interfaces.iter().map(|it| it.vpc_id.to_string()).collect(),
        "instance-id" => vec![instance.id.to_string()],
        "instance-state-code" => vec![code.to_string()],
        "instance-state-name" => vec![state.to_owned()],
        "instance-type" => instance.instance_type.iter().map(ToString::to_string).collect(),
        "owner-id" => vec![caller.account_id.clone()],
        "private-dns-name" => primary.and_then(dns_name).into_iter().collect(),
        "private-ip-address" => address(primary).map(|it| it.to_string()).into_iter().collect(),
        "reservation-id" => vec![reservation_id(instance.reservation())],
        "source-dest-check" => primary.iter().map(|it| it.source_dest_check.to_string()).collect(),
        "state-reason-code" if !instance.is_running() => vec![INITIATED_BY_USER.to_owned()],
        "subnet-id" => primary.iter().map(|it| it.subnet_id.to_string()).collect(),
        "tenancy" => vec!["default".to_owned()],
        "vpc-id" => primary.iter().map(|it| it.vpc_id.to_string()).collect(),
        // Nothing here has a public name.
        _ => Vec::new(),
    }
}

/// The zone of an instance; one that is over is in none.
pub(super) fn zone_of(world: &World, instance: &Instance) -> Option<String> {
    zone(world, world.interfaces_of(&instance.id).first().copied())
}

fn zone(world: &World, primary: Option<&NetworkInterface>) -> Option<String> {
    Some(world.subnets.get(&primary?.subnet_id)?.availability_zone.to_string())
}

fn address(primary: Option<&NetworkInterface>) -> Option<std::net::Ipv4Addr> {
    primary?.private_ipv4.first().copied()
}

/// AWS's code and name of a state that lasts.
pub(super) fn state_of(state: InstanceState) -> (u8, &'static str) {
    match state {
        InstanceState::Running => (16, "running"),
        InstanceState::Stopped => (80, "stopped"),
        InstanceState::Terminated { .. } => (48, "terminated"),
    }
}

/// A state as replies have it.
pub(super) fn state_view((code, name): (u8, &str)) -> Value {
    json!({ "Code": code, "Name": name })
}

/// An instance. Its groups and addresses are those of its primary interface (M-08); one that is over has none.
pub(super) fn view(world: &World, caller: &Caller, instance: &Instance) -> Value {
    let interfaces = world.interfaces_of(&instance.id);
    let primary = interfaces.first().copied();
    let is_running = instance.is_running();
    let reason = json!({
        "Code": INITIATED_BY_USER,
        "Message": format!("{INITIATED_BY_USER}: User initiated shutdown"),
    });
    json!({
        "InstanceId": instance.id,
        "InstanceType": instance.instance_type,
        "ImageId": image::of(instance),
        "State": state_view(state_of(instance.state)),
        "StateReason": (!is_running).then_some(reason),
        "StateTransitionReason": if is_running { "" } else { "User initiated" },
        "AmiLaunchIndex": instance.launch.index,
        "LaunchTime": instance.launch.at.map(time),
        "ClientToken": instance.launch.client_token.as_ref().map_or("", |it| it.token.as_str()),
        "Architecture": ARCHITECTURE,
        "Monitoring": { "State": "disabled" },
        "Placement": { "AvailabilityZone": zone(world, primary), "Tenancy": "default", "GroupName": "" },
        "PrivateIpAddress": address(primary),
        "PrivateDnsName": address(primary).map_or_else(String::new, |it| interface::dns_name(caller, it)),
        "PublicDnsName": "",
        "Ipv6Address": primary.and_then(|it| it.ipv6.first()),
        "SubnetId": primary.map(|it| &it.subnet_id),
        "VpcId": primary.map(|it| &it.vpc_id),
        "SecurityGroups": primary.map(|it| interface::groups(world, it)),
        "SourceDestCheck": primary.map(|it| it.source_dest_check),
        "NetworkInterfaces":
            interfaces.iter().map(|it| interface_view(world, caller, it)).collect::<Vec<_>>(),
        "Tags": tag::set(&instance.tags),
    })
}

/// Seconds since 1970 as replies have them.
pub(super) fn time(seconds: u64) -> String {
    humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
}

fn interface_view(world: &World, caller: &Caller, it: &NetworkInterface) -> Value {
    let ipv6 = it.ipv6.iter().map(|address| json!({ "Ipv6Address": address }));
    let attachment = it.attachment.as_ref().map(|attachment| {
        json!({
            "AttachmentId": attachment.id,
            "DeviceIndex": attachment.device_index,
            "NetworkCardIndex": 0,
            "DeleteOnTermination": attachment.delete_on_termination,
            "Status": "attached",
        })
    });
    json!({
        "NetworkInterfaceId": it.id,
        "VpcId": it.vpc_id,
        "SubnetId": it.subnet_id,
        "OwnerId": caller.account_id,
        "Description": it.description,
        "InterfaceType": "interface",
        "MacAddress": it.mac.to_string(),
        "PrivateIpAddress": it.private_ipv4.first(),
        "PrivateIpAddresses": interface::addresses(caller, it),
        "Ipv6Addresses": ipv6.collect::<Vec<_>>(),
        "Groups": interface::groups(world, it),
        "SourceDestCheck": it.source_dest_check,
        "Status": interface::status(it),
        "ConnectionTrackingConfiguration": interface::timeouts(it.connection_tracking_specification),
        "Attachment": attachment,
    })
}
