//! VPCs, subnets, network ACLs and peerings.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::aws::ids::{NetworkAclAssociationId, NetworkAclId, SubnetId, VpcId};
use crate::aws::network_acl::{MAX_RULE_NUMBER, NetworkAcl, NetworkAclEntry, RuleAction};
use crate::aws::peering::{PeeringStatus, VpcPeeringConnection};
use crate::aws::protocol::PortRange;
use crate::aws::region::{AvailabilityZone, Region};
use crate::aws::rule::Direction;
use crate::aws::vpc::{DEFAULT_INTERNET_MTU, Subnet, Vpc};
use crate::command::adopt::Existing;
use crate::command::permission::parse_protocol;

use super::{Context, Pages, region_of_arn, vpc_attribute};
use crate::import::digest;
use crate::import::draft::default_acl;
use crate::import::error::ImportError;
use crate::import::node::Node;

/// The regions of VPCs. `describe-vpcs` does not say them: what is in a VPC does.
pub(super) fn regions(pages: &Pages<'_>) -> Result<BTreeMap<VpcId, Region>, ImportError> {
    let mut regions = BTreeMap::new();
    for subnet in pages.get("Subnets") {
        if let Some(zone) = subnet.parsed::<AvailabilityZone>("AvailabilityZone")? {
            regions.insert(subnet.required_parsed("VpcId")?, zone.region());
        }
    }
    for group in pages.get("SecurityGroups") {
        if let (Some(id), Some(region)) = (group.parsed("VpcId")?, region_of_arn(group, "SecurityGroupArn")?)
        {
            regions.entry(id).or_insert(region);
        }
    }
    for peering in pages.get("VpcPeeringConnections") {
        for end in ["RequesterVpcInfo", "AccepterVpcInfo"].iter().filter_map(|key| peering.get(key)) {
            if let (Some(id), Some(region)) = (end.parsed("VpcId")?, end.parsed("Region")?) {
                regions.entry(id).or_insert(region);
            }
        }
    }
    Ok(regions)
}

impl Context<'_> {
    /// The region of what says none: the one that was given, or the only one that there is.
    pub(super) fn only_region(&mut self, what: &str) -> Region {
        if let Some(region) = &self.region {
            return region.clone();
        }
        let known = self.regions.values().collect::<BTreeSet<_>>();
        let region = known.first().map_or_else(Region::default, |region| (*region).clone());
        if known.len() != 1 {
            let note =
                format!("the region of {what}, which nothing tells, is taken to be {region}: see --region");
            self.draft.report.assumed.push(note);
        }
        region
    }
}

/// The blocks of a list that are in force, each with its state beside it.
fn blocks<T: std::str::FromStr>(item: &Node<'_>, list: &str, block: &str) -> Result<Vec<T>, ImportError> {
    let mut blocks = Vec::new();
    for association in item.list(list)? {
        let state = association.get(&format!("{block}State"));
        let state = state.map_or(Ok(None), |state| state.text("State"))?;
        if state.is_none_or(|state| state == "associated" || state == "associating") {
            blocks.extend(association.network(block)?);
        }
    }
    Ok(blocks)
}

pub(super) fn read_vpcs(pages: &Pages<'_>, context: &mut Context<'_>) -> Result<(), ImportError> {
    let mut attributes = vpc_attribute::read(pages)?;
    for item in pages.get("Vpcs") {
        let id: VpcId = item.required_parsed("VpcId")?;
        let mut cidr_ipv4 = blocks::<Ipv4Net>(item, "CidrBlockAssociationSet", "CidrBlock")?;
        if let Some(primary) = item.network::<Ipv4Net>("CidrBlock")? {
            cidr_ipv4.retain(|net| *net != primary);
            cidr_ipv4.insert(0, primary);
        }
        let said = item.parsed("Region")?;
        let region = match said.or_else(|| context.regions.get(&id).cloned()) {
            Some(region) => region,
            None => context.only_region(id.as_str()),
        };
        context.regions.insert(id.clone(), region.clone());
        let vpc = Vpc {
            attributes: attributes.remove(&id).unwrap_or_default(),
            id,
            number: 0,
            region,
            cidr_ipv4,
            cidr_ipv6: blocks::<Ipv6Net>(item, "Ipv6CidrBlockAssociationSet", "Ipv6CidrBlock")?,
            is_default: item.flag("IsDefault")?.unwrap_or_default(),
            internet_mtu: DEFAULT_INTERNET_MTU,
            tags: item.tags()?,
        };
        context.draft.add(item.place(), Existing::Vpc(vpc));
    }
    match attributes.into_keys().next() {
        Some(id) => Err(pages.vpc_attributes[0].refused(id.not_found())),
        None => Ok(()),
    }
}

pub(super) fn read_subnets(pages: &Pages<'_>, context: &mut Context<'_>) -> Result<(), ImportError> {
    let mut acls: BTreeMap<SubnetId, (NetworkAclId, Option<NetworkAclAssociationId>)> = BTreeMap::new();
    for acl in pages.get("NetworkAcls") {
        for association in acl.list("Associations")? {
            let acl_id = acl.required_parsed("NetworkAclId")?;
            let association_id = association.parsed("NetworkAclAssociationId")?;
            let subnet_id: SubnetId = association.required_parsed("SubnetId")?;
            if acls.insert(subnet_id.clone(), (acl_id, association_id)).is_some() {
                return Err(association.error(format!("a second network ACL of '{subnet_id}' (N-02)")));
            }
        }
    }
    for item in pages.get("Subnets") {
        let id: SubnetId = item.required_parsed("SubnetId")?;
        let Some(cidr_ipv4) = item.network("CidrBlock")? else {
            let consequence = "it is not there, nor what is in it";
            let what = format!("subnet {id}");
            context.draft.report.leave(what, item.place(), "it has no IPv4 block", consequence);
            context.left_subnets.insert(id);
            continue;
        };
        let ipv6 = blocks::<Ipv6Net>(item, "Ipv6CidrBlockAssociationSet", "Ipv6CidrBlock")?;
        let (network_acl_id, association_id) = acls.remove(&id).unwrap_or_else(|| (default_acl(), None));
        let subnet = Subnet {
            number: 0,
            vpc_id: item.required_parsed("VpcId")?,
            availability_zone: item.required_parsed("AvailabilityZone")?,
            cidr_ipv4,
            cidr_ipv6: ipv6.first().copied(),
            network_acl_id,
            network_acl_association_id: association_id
                .unwrap_or_else(|| NetworkAclAssociationId::mint(digest(id.as_str()), 0)),
            default_for_az: item.flag("DefaultForAz")?.unwrap_or_default(),
            map_public_ip_on_launch: item.flag("MapPublicIpOnLaunch")?.unwrap_or_default(),
            assign_ipv6_address_on_creation: item.flag("AssignIpv6AddressOnCreation")?.unwrap_or_default(),
            tags: item.tags()?,
            id,
        };
        context.draft.add(item.place(), Existing::Subnet(subnet));
    }
    if pages.get("NetworkAcls").is_empty() && !pages.get("Subnets").is_empty() {
        let note = "no file has network ACLs, so every subnet has one that allows everything";
        context.draft.report.assumed.push(note.to_owned());
    }
    Ok(())
}

pub(super) fn read_acls(pages: &Pages<'_>, context: &mut Context<'_>) -> Result<(), ImportError> {
    for item in pages.get("NetworkAcls") {
        let entries = item.list("Entries")?;
        let entries = entries.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        let acl = NetworkAcl {
            id: item.required_parsed("NetworkAclId")?,
            number: 0,
            vpc_id: item.required_parsed("VpcId")?,
            is_default: item.flag("IsDefault")?.unwrap_or_default(),
            entries: entries.into_iter().flatten().collect(),
            tags: item.tags()?,
        };
        context.draft.add(item.place(), Existing::NetworkAcl(acl));
    }
    Ok(())
}

/// An entry; `None` for those that every ACL ends with (N-04).
pub(in crate::import) fn entry(item: &Node<'_>) -> Result<Option<NetworkAclEntry>, ImportError> {
    let number: u32 = item.number("RuleNumber")?.ok_or_else(|| item.error("there is no `RuleNumber`"))?;
    let Some(rule_number) = u16::try_from(number).ok().filter(|number| *number <= MAX_RULE_NUMBER) else {
        return Ok(None);
    };
    let protocol_node = item.required("Protocol")?;
    let protocol = parse_protocol(&protocol_node.as_text()?).map_err(|error| protocol_node.refused(error))?;
    let range = |key, from, to| -> Result<Option<PortRange>, ImportError> {
        let Some(range) = item.get(key) else { return Ok(None) };
        let end = |name| range.number(name)?.ok_or_else(|| range.error(format!("there is no `{name}`")));
        Ok(Some(PortRange { from_port: end(from)?, to_port: end(to)? }))
    };
    let ports = if protocol.has_icmp_types() {
        range("IcmpTypeCode", "Type", "Code")?.or(range("Icmp", "Type", "Code")?)
    } else {
        range("PortRange", "From", "To")?
    };
    let cidr = match item.network::<Ipv4Net>("CidrBlock")? {
        Some(net) => IpNet::V4(net),
        None => IpNet::V6(item.required("Ipv6CidrBlock")?.as_network()?),
    };
    let action = match item.required("RuleAction")?.as_text()?.as_str() {
        "allow" => RuleAction::Allow,
        "deny" => RuleAction::Deny,
        other => return Err(item.error(format!("`{other}` is neither `allow` nor `deny`"))),
    };
    let is_egress = item.flag("Egress")?.unwrap_or_default();
    let direction = if is_egress { Direction::Outbound } else { Direction::Inbound };
    let ports = ports.unwrap_or(PortRange::ALL);
    Ok(Some(NetworkAclEntry { rule_number, direction, protocol, ports, cidr, action }))
}

pub(super) fn read_peerings(pages: &Pages<'_>, context: &mut Context<'_>) -> Result<(), ImportError> {
    let mut known = BTreeSet::new();
    for vpc in pages.get("Vpcs") {
        known.insert(vpc.required_parsed::<VpcId>("VpcId")?);
    }
    let mut seen = BTreeSet::new();
    for item in pages.get("VpcPeeringConnections") {
        let end = |key: &str| item.required(key)?.required_parsed::<VpcId>("VpcId");
        let (requester_vpc_id, accepter_vpc_id) = (end("RequesterVpcInfo")?, end("AccepterVpcInfo")?);
        let id = item.required_parsed("VpcPeeringConnectionId")?;
        if !seen.insert(item.required("VpcPeeringConnectionId")?.as_text()?) {
            // Both regions of a peering between regions show it.
            continue;
        }
        let code = item.required("Status")?.required("Code")?;
        let status = match code.as_text()?.as_str() {
            "pending-acceptance" | "initiating-request" | "provisioning" => PeeringStatus::PendingAcceptance,
            "active" => PeeringStatus::Active,
            "rejected" => PeeringStatus::Rejected,
            "failed" => PeeringStatus::Failed,
            "deleted" | "deleting" | "expired" => PeeringStatus::Deleted,
            other => return Err(code.error(format!("`{other}` is no state of a peering"))),
        };
        let is_live = matches!(status, PeeringStatus::Active | PeeringStatus::PendingAcceptance);
        if let Some(far) = [&requester_vpc_id, &accepter_vpc_id].into_iter().find(|vpc| !known.contains(*vpc))
            && is_live
        {
            context.draft.report.leave(
                format!("peering {id}"),
                item.place(),
                &format!("{far} at its other end is in no file: it may be of another region or account"),
                "no way leads there; its addresses count as the internet's",
            );
            continue;
        }
        let tags = item.tags()?;
        let peering = VpcPeeringConnection { id, number: 0, requester_vpc_id, accepter_vpc_id, status, tags };
        context.draft.add(item.place(), Existing::Peering(peering));
    }
    Ok(())
}
