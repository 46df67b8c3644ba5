//! Network ACLs: one comes with every VPC, and every subnet has exactly one (N-02, N-05).

use std::collections::BTreeMap;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::aws::error::AwsError;
use crate::aws::ids::{NetworkAclAssociationId, NetworkAclId, VpcId};
use crate::aws::network_acl::{NetworkAcl, NetworkAclEntry, RuleAction};
use crate::aws::protocol::{IpProtocol, PortRange};
use crate::aws::rule::Direction;

use super::edit::Edit;

/// Makes a VPC's default ACL: entry 100 allows all IPv4 both ways, and 101 all IPv6 if the VPC has it (N-05).
pub(super) fn insert_default(
    edit: &mut Edit<'_>,
    vpc_id: &VpcId,
    has_ipv6: bool,
) -> Result<NetworkAclId, AwsError> {
    let allow_all = |rule_number, cidr: IpNet| {
        [Direction::Inbound, Direction::Outbound].map(|direction| NetworkAclEntry {
            rule_number,
            direction,
            protocol: IpProtocol::All,
            ports: PortRange::ALL,
            cidr,
            action: RuleAction::Allow,
        })
    };
    let mut entries = Vec::from(allow_all(100, Ipv4Net::default().into()));
    if has_ipv6 {
        entries.extend(allow_all(101, Ipv6Net::default().into()));
    }
    entries.sort_by_key(|entry| (entry.direction, entry.rule_number));
    let (seed, number) = edit.next_number()?;
    let id = NetworkAclId::mint(seed, number);
    let vpc_id = vpc_id.clone();
    edit.put(NetworkAcl { id: id.clone(), number, vpc_id, is_default: true, entries, tags: BTreeMap::new() });
    Ok(id)
}

/// The VPC's default ACL, and the id of a new association with it.
pub(super) fn associate_default(
    edit: &mut Edit<'_>,
    vpc_id: &VpcId,
) -> Result<(NetworkAclId, NetworkAclAssociationId), AwsError> {
    let acl = edit.world().network_acls.values().find(|acl| acl.is_default && acl.vpc_id == *vpc_id);
    let acl_id = acl
        .map(|acl| acl.id.clone())
        .ok_or_else(|| AwsError::new("InternalError", format!("{vpc_id} has no default network ACL")))?;
    let (seed, number) = edit.next_number()?;
    Ok((acl_id, NetworkAclAssociationId::mint(seed, number)))
}
