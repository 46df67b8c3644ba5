//! Network interfaces' settings: one attribute a call (section 6.4), and their further addresses.

use std::net::IpAddr;

use serde_json::{Value, json};

use crate::aws::error::AwsError;
use crate::aws::ids::NetworkInterfaceId;
use crate::command::Reply;
use crate::command::interface::{
    ModifyInterfaceConnectionTracking, ModifyInterfaceGroups, ModifySourceDestCheck,
};
use crate::command::interface_address::{AssignPrivateAddresses, UnassignPrivateAddresses};
use crate::command::interface_setting::{ModifyDeleteOnTermination, ModifyInterfaceDescription};

use super::interface;
use crate::ec2::call::{Call, done, unexpected};
use crate::ec2::fault::Fault;
use crate::ec2::params::{missing, not_one_attribute};

const MODIFIABLE: [&str; 5] =
    ["Groups", "SourceDestCheck", "ConnectionTrackingSpecification", "Description", "Attachment"];

pub(super) fn modify(call: &mut Call<'_>) -> Result<Value, Fault> {
    let params = call.params;
    let supported = MODIFIABLE.into_iter().chain(["NetworkInterfaceId"]).collect::<Vec<_>>();
    call.only(&supported)?;
    let interface_id = params.required("NetworkInterfaceId")?;
    let given = MODIFIABLE.into_iter().filter(|name| params.has(name)).collect::<Vec<_>>();
    match given[..] {
        ["Groups"] => {
            call.change(ModifyInterfaceGroups { interface_id, groups: params.parsed_list("Groups")? })?;
        }
        ["SourceDestCheck"] => {
            let value = params.structure("SourceDestCheck").and_then(|value| value.flag("Value"));
            let source_dest_check = value.ok_or_else(|| missing("SourceDestCheck.Value"))?;
            call.change(ModifySourceDestCheck { interface_id, source_dest_check })?;
        }
        ["ConnectionTrackingSpecification"] => {
            let specification = params.structure("ConnectionTrackingSpecification");
            let specification = specification.ok_or_else(|| missing("ConnectionTrackingSpecification"))?;
            let connection_tracking = interface::connection_tracking(specification)?;
            call.change(ModifyInterfaceConnectionTracking { interface_id, connection_tracking })?;
        }
        ["Description"] => {
            // An empty value takes the description away.
            let value = params.structure("Description").and_then(|value| value.text("Value"));
            let description = value.unwrap_or_default().to_owned();
            call.change(ModifyInterfaceDescription { interface_id, description })?;
        }
        ["Attachment"] => {
            let changes = params.structure("Attachment").ok_or_else(|| missing("Attachment"))?;
            if let Some(name) = changes.other_than(&["AttachmentId", "DeleteOnTermination"]) {
                let message = format!("The parameter Attachment.{name} is not supported by sgsim.");
                return Err(AwsError::new("UnsupportedOperation", message).into());
            }
            let delete_on_termination = changes
                .flag("DeleteOnTermination")
                .ok_or_else(|| missing("Attachment.DeleteOnTermination"))?;
            let attachment_id = changes.required("AttachmentId")?;
            call.change(ModifyDeleteOnTermination { interface_id, attachment_id, delete_on_termination })?;
        }
        _ => return Err(not_one_attribute(&given).into()),
    }
    done()
}

pub(super) fn describe(call: &mut Call<'_>) -> Result<Value, Fault> {
    let params = call.params;
    let id: NetworkInterfaceId = params.required("NetworkInterfaceId")?;
    let interface = call.world.network_interfaces.get(&id).ok_or_else(|| id.not_found())?;
    let attribute = params.required_text("Attribute")?;
    let (name, value) = match attribute {
        "description" => ("Description", json!({ "Value": interface.description })),
        "groupSet" => ("Groups", interface::groups(&call.world, interface)),
        "sourceDestCheck" => ("SourceDestCheck", json!({ "Value": interface.source_dest_check })),
        "attachment" => (
            "Attachment",
            json!(interface.attachment.as_ref().map(|it| interface::attachment(call.caller, it))),
        ),
        _ => return Err(crate::ec2::params::invalid("attribute", attribute).into()),
    };
    Ok(json!({ "NetworkInterfaceId": id, name: value }))
}

pub(super) fn assign_ipv4(call: &mut Call<'_>) -> Result<Value, Fault> {
    let params = call.params;
    call.only(&[
        "NetworkInterfaceId",
        "PrivateIpAddresses",
        "SecondaryPrivateIpAddressCount",
        "AllowReassignment",
    ])?;
    let command = AssignPrivateAddresses {
        interface_id: params.required("NetworkInterfaceId")?,
        private_ipv4: params.values("PrivateIpAddresses")?,
        ipv4_count: params.number("SecondaryPrivateIpAddressCount")?.unwrap_or_default(),
        ipv6: Vec::new(),
        ipv6_count: 0,
        allow_reassignment: params.flag("AllowReassignment").unwrap_or_default(),
    };
    let interface_id = command.interface_id.clone();
    match call.change(command)? {
        Reply::Addresses(addresses) => {
            let views = addresses.iter().map(|address| json!({ "PrivateIpAddress": address }));
            let views = views.collect::<Vec<_>>();
            Ok(json!({ "NetworkInterfaceId": interface_id, "AssignedPrivateIpAddresses": views }))
        }
        other => Err(unexpected(&other)),
    }
}

pub(super) fn assign_ipv6(call: &mut Call<'_>) -> Result<Value, Fault> {
    let params = call.params;
    call.only(&["NetworkInterfaceId", "Ipv6Addresses", "Ipv6AddressCount"])?;
    let command = AssignPrivateAddresses {
        interface_id: params.required("NetworkInterfaceId")?,
        private_ipv4: Vec::new(),
        ipv4_count: 0,
        ipv6: params.values("Ipv6Addresses")?,
        ipv6_count: params.number("Ipv6AddressCount")?.unwrap_or_default(),
        allow_reassignment: false,
    };
    let interface_id = command.interface_id.clone();
    match call.change(command)? {
        Reply::Addresses(addresses) => {
            Ok(json!({ "NetworkInterfaceId": interface_id, "AssignedIpv6Addresses": addresses }))
        }
        other => Err(unexpected(&other)),
    }
}

pub(super) fn unassign_ipv4(call: &mut Call<'_>) -> Result<Value, Fault> {
    call.only(&["NetworkInterfaceId", "PrivateIpAddresses"])?;
    let addresses = call.params.values::<std::net::Ipv4Addr>("PrivateIpAddresses")?;
    unassign(call, addresses.into_iter().map(IpAddr::V4).collect())?;
    done()
}

pub(super) fn unassign_ipv6(call: &mut Call<'_>) -> Result<Value, Fault> {
    call.only(&["NetworkInterfaceId", "Ipv6Addresses"])?;
    let addresses = call.params.values::<std::net::Ipv6Addr>("Ipv6Addresses")?;
    let id = unassign(call, addresses.iter().copied().map(IpAddr::V6).collect())?;
    Ok(json!({ "NetworkInterfaceId": id, "UnassignedIpv6Addresses": addresses }))
}

fn unassign(call: &mut Call<'_>, addresses: Vec<IpAddr>) -> Result<NetworkInterfaceId, Fault> {
    let interface_id: NetworkInterfaceId = call.params.required("NetworkInterfaceId")?;
    call.change(UnassignPrivateAddresses { interface_id: interface_id.clone(), addresses })?;
    Ok(interface_id)
}
