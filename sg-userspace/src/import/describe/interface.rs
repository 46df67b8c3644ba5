//! Network interfaces: those of `describe-network-interfaces`, or else those that `describe-instances` shows in its instances.
//!
//! An interface without an instance here, such as a load balancer's, is there and counts as a member of its groups, but
//! nothing sends from it, and nobody receives.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::aws::ids::{AttachmentId, InstanceId, NetworkInterfaceId};
use crate::aws::interface::{
    Attachment, ConnectionTracking, ConnectionTrackingSpecification, MacAddr, NetworkInterface,
};
use crate::command::adopt::Existing;

use super::instance::{instances, is_over};
use super::{Context, Pages};
use crate::import::digest;
use crate::import::error::ImportError;
use crate::import::node::Node;

/// Kinds of interfaces that an instance can have.
const OF_INSTANCES: [&str; 5] = ["interface", "efa", "efa-only", "trunk", "branch"];

pub(super) fn read(pages: &Pages<'_>, context: &mut Context<'_>) -> Result<(), ImportError> {
    let mut seen = BTreeSet::new();
    let mut public = 0_usize;
    for item in pages.get("NetworkInterfaces") {
        public += usize::from(item.get("Association").is_some());
        let instance_id = match item.get("Attachment") {
            Some(attachment) => attachment.parsed("InstanceId")?,
            None => None,
        };
        seen.insert(item.required_parsed::<NetworkInterfaceId>("NetworkInterfaceId")?);
        add(context, item, instance_id)?;
    }
    for instance in instances(pages)? {
        if is_over(&instance)? {
            continue;
        }
        let id: InstanceId = instance.required_parsed("InstanceId")?;
        for item in instance.list("NetworkInterfaces")? {
            if seen.insert(item.required_parsed("NetworkInterfaceId")?) {
                public += usize::from(item.get("Association").is_some());
                add(context, &item, Some(id.clone()))?;
            }
        }
    }
    if public > 0 {
        let note = format!(
            "{public} interfaces have public addresses; there are none here, so the internet reaches private ones"
        );
        context.draft.report.assumed.push(note);
    }
    Ok(())
}

fn add(
    context: &mut Context<'_>,
    item: &Node<'_>,
    instance_id: Option<InstanceId>,
) -> Result<(), ImportError> {
    let id: NetworkInterfaceId = item.required_parsed("NetworkInterfaceId")?;
    let subnet_id = item.required_parsed("SubnetId")?;
    let kind = item.text("InterfaceType")?.unwrap_or_else(|| "interface".to_owned());
    let description = item.text("Description")?.unwrap_or_default();
    let what = if description.is_empty() {
        format!("network interface {id}")
    } else {
        format!("network interface {id} ({description})")
    };
    if context.left_subnets.contains(&subnet_id) {
        let reason = format!("its subnet {subnet_id} is left out");
        context.draft.report.leave(what, item.place(), &reason, "it is not there");
        return Ok(());
    }
    let groups = item.list("Groups")?;
    let groups =
        groups.iter().map(|group| group.required_parsed("GroupId")).collect::<Result<Vec<_>, _>>()?;
    if groups.is_empty() {
        let consequence = "it is not there; its address is nobody's";
        context.draft.report.leave(what, item.place(), "it has no security group", consequence);
        return Ok(());
    }
    for list in ["Ipv4Prefixes", "Ipv6Prefixes"] {
        if !item.list(list)?.is_empty() {
            let consequence = "addresses in them are nobody's";
            context.draft.report.leave(
                format!("{list} of {id}"),
                item.place(),
                "there are none here",
                consequence,
            );
        }
    }
    let attachment = attachment(item, &id, instance_id)?;
    let is_managed = item.flag("RequesterManaged")?.unwrap_or_default() || item.get("Attachment").is_some();
    if !OF_INSTANCES.contains(&kind.as_str()) || (attachment.is_none() && is_managed) {
        let reason = format!("no instance is behind it (interface type {kind})");
        let consequence =
            "its addresses count as members of its groups, but nothing sends from them or receives";
        context.draft.report.leave(format!("what uses {what}"), item.place(), &reason, consequence);
    }
    let mac = item.get("MacAddress").map(|mac| mac.as_parsed::<MacAddr>()).transpose()?;
    let interface = NetworkInterface {
        id,
        number: 0,
        slot: 0,
        vpc_id: item.required_parsed("VpcId")?,
        subnet_id,
        mac: mac.unwrap_or_default(),
        private_ipv4: private_ipv4(item)?,
        ipv6: ipv6(item)?,
        groups,
        source_dest_check: item.flag("SourceDestCheck")?.unwrap_or(true),
        connection_tracking: ConnectionTracking::default(),
        connection_tracking_specification: connection_tracking(item)?,
        attachment,
        description,
        tags: item.tags()?,
    };
    context.draft.add(item.place(), Existing::NetworkInterface(interface));
    Ok(())
}

fn attachment(
    item: &Node<'_>,
    interface_id: &NetworkInterfaceId,
    instance_id: Option<InstanceId>,
) -> Result<Option<Attachment>, ImportError> {
    let (Some(attachment), Some(instance_id)) = (item.get("Attachment"), instance_id) else {
        return Ok(None);
    };
    let status = attachment.text("Status")?;
    if status.is_some_and(|status| status != "attached" && status != "attaching") {
        return Ok(None);
    }
    let id = attachment.parsed("AttachmentId")?;
    Ok(Some(Attachment {
        id: id.unwrap_or_else(|| AttachmentId::mint(digest(interface_id.as_str()), 0)),
        instance_id,
        device_index: attachment.number("DeviceIndex")?.unwrap_or_default(),
        delete_on_termination: attachment.flag("DeleteOnTermination")?.unwrap_or_default(),
    }))
}

/// The primary address first, as AWS marks it.
fn private_ipv4(item: &Node<'_>) -> Result<Vec<Ipv4Addr>, ImportError> {
    let mut addresses = Vec::new();
    for address in item.list("PrivateIpAddresses")? {
        let own = address.required("PrivateIpAddress")?.as_network::<Ipv4Addr>()?;
        let place = if address.flag("Primary")?.unwrap_or_default() { 0 } else { addresses.len() };
        addresses.insert(place, own);
    }
    if addresses.is_empty() {
        addresses.extend(item.network::<Ipv4Addr>("PrivateIpAddress")?);
    }
    let is_chosen = item.flag("HasChosenAddress")?.unwrap_or_default();
    if addresses.is_empty() && !is_chosen {
        return Err(item.error("there is no `PrivateIpAddress`"));
    }
    Ok(addresses)
}

fn ipv6(item: &Node<'_>) -> Result<Vec<Ipv6Addr>, ImportError> {
    let addresses = item.list("Ipv6Addresses")?;
    addresses.iter().map(|address| address.required("Ipv6Address")?.as_network()).collect()
}

/// `describe-network-interfaces` and `describe-instances` call it configuration, a request specification.
fn connection_tracking(item: &Node<'_>) -> Result<ConnectionTrackingSpecification, ImportError> {
    let Some(given) = item.get("ConnectionTrackingConfiguration") else { return Ok(Default::default()) };
    Ok(ConnectionTrackingSpecification {
        tcp_established: given.number("TcpEstablishedTimeout")?,
        udp: given.number("UdpTimeout")?,
        udp_stream: given.number("UdpStreamTimeout")?,
    })
}
