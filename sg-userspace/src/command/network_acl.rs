//! Network ACLs: one comes with every VPC, and every subnet has exactly one (N-02, N-05). Their entries are in
//! `network_acl_entry`.

use std::collections::BTreeMap;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use crate::aws::error::AwsError;
use crate::aws::ids::{NetworkAclAssociationId, NetworkAclId, SubnetId, VpcId};
use crate::aws::network_acl::{NetworkAcl, NetworkAclEntry, RuleAction};
use crate::aws::protocol::{IpProtocol, PortRange};
use crate::aws::rule::Direction;
use crate::aws::vpc::{Subnet, Vpc};

use super::Reply;
use super::edit::Edit;
use super::tag;

/// Makes a network ACL without entries: it denies everything (N-05).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateNetworkAcl {
    /// Its VPC.
    pub vpc_id: VpcId,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

impl CreateNetworkAcl {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        edit.get::<Vpc>(&self.vpc_id)?;
        let world = edit.world();
        let count = world.network_acls.values().filter(|acl| acl.vpc_id == self.vpc_id).count();
        if count >= world.quotas.network_acls_per_vpc as usize {
            //
            return Err(AwsError::new(
                "NetworkAclLimitExceeded",
                "The maximum number of network acls has been reached.",
            ));
        }
        let acl = NetworkAcl { tags: tag::checked(self.tags)?, ..empty(edit, &self.vpc_id)? };
        let id = acl.id.clone();
        edit.put(acl);
        Ok(Reply::NetworkAcl(id))
    }
}

/// Deletes a network ACL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteNetworkAcl {
    /// The ACL.
    pub network_acl_id: NetworkAclId,
}

impl DeleteNetworkAcl {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let id = &self.network_acl_id;
        if edit.get::<NetworkAcl>(id)?.is_default {
            // N-05. AWS's words are not known.
            return Err(AwsError::invalid_value(format!("cannot delete default network ACL {id}")));
        }
        if edit.world().subnets.values().any(|subnet| subnet.network_acl_id == *id) {
            let message = format!("The networkAcl '{id}' has dependencies and cannot be deleted.");
            return Err(AwsError::new("DependencyViolation", message));
        }
        edit.remove::<NetworkAcl>(id);
        Ok(Reply::Done)
    }
}

/// Gives a subnet another network ACL of its VPC, under a new association (N-02, N-11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplaceNetworkAclAssociation {
    /// The subnet's association with the ACL that it has.
    pub association_id: NetworkAclAssociationId,
    /// The ACL that it is to have.
    pub network_acl_id: NetworkAclId,
}

impl ReplaceNetworkAclAssociation {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let Self { association_id, network_acl_id } = self;
        let mut subnets = edit.world().subnets.values();
        let subnet = subnets
            .find(|subnet| subnet.network_acl_association_id == association_id)
            .ok_or_else(|| association_id.not_found())?;
        let subnet_id = subnet.id.clone();
        if edit.get::<NetworkAcl>(&network_acl_id)?.vpc_id != subnet.vpc_id {
            return Err(foreign(&network_acl_id, &subnet_id));
        }
        let (seed, number) = edit.next_number()?;
        let new = NetworkAclAssociationId::mint(seed, number);
        let subnet: &mut Subnet = edit.get_mut(&subnet_id)?;
        (subnet.network_acl_id, subnet.network_acl_association_id) = (network_acl_id, new.clone());
        Ok(Reply::NetworkAclAssociation(new))
    }
}

/// The refusal of an ACL of another VPC. CHOICE: AWS's answer is not known; its words are those for a group and a subnet.
pub(super) fn foreign(network_acl_id: &NetworkAclId, subnet_id: &SubnetId) -> AwsError {
    AwsError::invalid_value(format!(
        "Network ACL {network_acl_id} and subnet {subnet_id} belong to different networks."
    ))
}

/// A new ACL of a VPC, not yet put in place.
fn empty(edit: &mut Edit<'_>, vpc_id: &VpcId) -> Result<NetworkAcl, AwsError> {
    let (seed, number) = edit.next_number()?;
    Ok(NetworkAcl {
        id: NetworkAclId::mint(seed, number),
        number,
        vpc_id: vpc_id.clone(),
        is_default: false,
        entries: Vec::new(),
        tags: BTreeMap::new(),
    })
}

/// Entries that let everything of a block's family through, both ways.
fn allow_all(rule_number: u16, cidr: IpNet) -> [NetworkAclEntry; 2] {
    [Direction::Inbound, Direction::Outbound].map(|direction| NetworkAclEntry {
        rule_number,
        direction,
        protocol: IpProtocol::All,
        ports: PortRange::ALL,
        cidr,
        action: RuleAction::Allow,
    })
}

/// Numbers of the entries that a default ACL has from the start, for IPv4 and for IPv6 (N-05).
const DEFAULT_IPV4: u16 = 100;
const DEFAULT_IPV6: u16 = 101;

/// Lets IPv6 through a VPC's default ACL, now that the VPC has it, in each direction that nobody has changed (N-07).
pub(super) fn allow_ipv6_by_default(edit: &mut Edit<'_>, vpc_id: &VpcId) -> Result<(), AwsError> {
    let acl = edit.world().network_acls.values().find(|acl| acl.is_default && acl.vpc_id == *vpc_id);
    let Some(acl) = acl else { return Ok(()) };
    let (id, untouched) = (acl.id.clone(), allow_all(DEFAULT_IPV4, Ipv4Net::default().into()));
    let is_untouched = |entry: &NetworkAclEntry| {
        acl.entries_of(entry.direction).eq(untouched.iter().filter(|it| it.direction == entry.direction))
    };
    let new = allow_all(DEFAULT_IPV6, Ipv6Net::default().into());
    let new = new.into_iter().filter(is_untouched).collect::<Vec<_>>();
    let acl: &mut NetworkAcl = edit.get_mut(&id)?;
    acl.entries.extend(new);
    acl.entries.sort_by_key(NetworkAclEntry::order);
    Ok(())
}

/// Makes a VPC's default ACL: entry 100 allows all IPv4 both ways, and 101 all IPv6 if the VPC has it (N-05).
pub(super) fn insert_default(
    edit: &mut Edit<'_>,
    vpc_id: &VpcId,
    has_ipv6: bool,
) -> Result<NetworkAclId, AwsError> {
    let mut entries = Vec::from(allow_all(DEFAULT_IPV4, Ipv4Net::default().into()));
    if has_ipv6 {
        entries.extend(allow_all(DEFAULT_IPV6, Ipv6Net::default().into()));
    }
    entries.sort_by_key(NetworkAclEntry::order);
    let acl = NetworkAcl { is_default: true, entries, ..empty(edit, vpc_id)? };
    let id = acl.id.clone();
    edit.put(acl);
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
