//! Entries of a network ACL: numbered, each direction apart, made, replaced and removed one at a time (N-03, N-06).

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::aws::error::AwsError;
use crate::aws::ids::NetworkAclId;
use crate::aws::network_acl::{MAX_RULE_NUMBER, NetworkAcl, NetworkAclEntry, RuleAction};
use crate::aws::prefix_list::AddressFamily;
use crate::aws::protocol::{IpProtocol, PortRange};
use crate::aws::rule::Direction;

use super::Reply;
use super::edit::Edit;
use super::permission::parse_ports;

/// What an entry says, as a command gives it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryContent {
    /// What it does.
    pub action: RuleAction,
    /// Protocol.
    pub protocol: IpProtocol,
    /// Ports, or ICMP type and code, where the protocol needs them; else disregarded.
    #[serde(default)]
    pub ports: Option<PortRange>,
    /// The other end.
    pub cidr: IpNet,
}

impl From<NetworkAclEntry> for EntryContent {
    fn from(entry: NetworkAclEntry) -> Self {
        let NetworkAclEntry { protocol, ports, cidr, action, .. } = entry;
        Self { action, protocol, ports: Some(ports), cidr }
    }
}

impl EntryContent {
    /// The entry with this number, in the form that AWS stores: host bits masked, no ports where the protocol has none,
    /// every type for ICMPv6 in IPv4 (N-06).
    pub(super) fn into_entry(
        self,
        direction: Direction,
        rule_number: u16,
    ) -> Result<NetworkAclEntry, AwsError> {
        let Self { action, protocol, ports, cidr } = self;
        let family = AddressFamily::of(&cidr);
        let ports = if protocol == IpProtocol::ICMPV6 && family == AddressFamily::Ipv4 {
            PortRange::ALL
        } else if protocol.has_icmp_types() && ports.is_none() {
            // A group's rule for ICMPv6 can leave the type out, an entry cannot.
            return Err(AwsError::new(
                "MissingParameter",
                "The request must contain the parameter icmpTypeCode",
            ));
        } else {
            parse_ports(protocol, ports.map(|it| it.from_port), ports.map(|it| it.to_port))?
        };
        Ok(NetworkAclEntry { rule_number, direction, protocol, ports, cidr: cidr.trunc(), action })
    }
}

/// An ACL to be changed, the entry that it is to have, and how many entries it may have.
fn open<'e>(
    edit: &'e mut Edit<'_>,
    network_acl_id: &NetworkAclId,
    direction: Direction,
    rule_number: u32,
    content: EntryContent,
) -> Result<(&'e mut NetworkAcl, NetworkAclEntry, usize), AwsError> {
    edit.get::<NetworkAcl>(network_acl_id)?;
    let entry = content.into_entry(direction, checked_number(rule_number)?)?;
    let limit = edit.world().quotas.rules_per_network_acl as usize;
    Ok((edit.get_mut(network_acl_id)?, entry, limit))
}

/// Adds an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateNetworkAclEntry {
    /// The ACL.
    pub network_acl_id: NetworkAclId,
    /// Into the subnet or out of it.
    pub direction: Direction,
    /// The entry's number, 1 to 32766.
    pub rule_number: u32,
    /// What it says.
    pub content: EntryContent,
}

impl CreateNetworkAclEntry {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let Self { network_acl_id, direction, rule_number, content } = self;
        let (acl, entry, limit) = open(edit, &network_acl_id, direction, rule_number, content)?;
        let Err(place) = position(acl, direction, rule_number) else {
            return Err(AwsError::new(
                "NetworkAclEntryAlreadyExists",
                format!("The network acl entry identified by {rule_number} already exists."),
            ));
        };
        acl.entries.insert(place, entry.clone());
        check_quota(acl, &entry, limit)?;
        Ok(Reply::Done)
    }
}

/// Replaces what an entry says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplaceNetworkAclEntry {
    /// The ACL.
    pub network_acl_id: NetworkAclId,
    /// Into the subnet or out of it.
    pub direction: Direction,
    /// The entry's number.
    pub rule_number: u32,
    /// What it says from now on.
    pub content: EntryContent,
}

impl ReplaceNetworkAclEntry {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let Self { network_acl_id, direction, rule_number, content } = self;
        let (acl, entry, limit) = open(edit, &network_acl_id, direction, rule_number, content)?;
        let place = position(acl, direction, rule_number).map_err(|_| not_found(direction, rule_number))?;
        let changes_family = AddressFamily::of(&acl.entries[place].cidr) != AddressFamily::of(&entry.cidr);
        acl.entries[place] = entry.clone();
        if changes_family {
            // What is more than a lowered quota stays, but does not become more in its family.
            check_quota(acl, &entry, limit)?;
        }
        Ok(Reply::Done)
    }
}

/// Removes an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteNetworkAclEntry {
    /// The ACL.
    pub network_acl_id: NetworkAclId,
    /// Into the subnet or out of it.
    pub direction: Direction,
    /// The entry's number.
    pub rule_number: u32,
}

impl DeleteNetworkAclEntry {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let Self { network_acl_id, direction, rule_number } = self;
        edit.get::<NetworkAcl>(&network_acl_id)?;
        checked_number(rule_number)?;
        let acl: &mut NetworkAcl = edit.get_mut(&network_acl_id)?;
        let place = position(acl, direction, rule_number).map_err(|_| not_found(direction, rule_number))?;
        acl.entries.remove(place);
        Ok(Reply::Done)
    }
}

/// N-03, N-04: 32767 and 32768 are the implicit last entries, which cannot be made, changed or removed.
pub(super) fn checked_number(rule_number: u32) -> Result<u16, AwsError> {
    u16::try_from(rule_number).ok().filter(|number| (1..=MAX_RULE_NUMBER).contains(number)).ok_or_else(|| {
        AwsError::invalid_value(format!(
            "Value ({rule_number}) for parameter ruleNumber is invalid. Rule numbers are 1 to {MAX_RULE_NUMBER}."
        ))
    })
}

/// Where the entry with this number is, or would be.
fn position(acl: &NetworkAcl, direction: Direction, rule_number: u32) -> Result<usize, usize> {
    acl.entries.binary_search_by_key(&(direction, rule_number), |entry| {
        let (direction, number) = entry.order();
        (direction, u32::from(number))
    })
}

fn not_found(direction: Direction, rule_number: u32) -> AwsError {
    let way = match direction {
        Direction::Inbound => "ingress",
        Direction::Outbound => "egress",
    };
    AwsError::new("InvalidNetworkAclEntry.NotFound", format!("no {way} entry with number {rule_number}"))
}

/// entries are counted apart for each direction and family, with the implicit last one.
fn check_quota(acl: &NetworkAcl, added: &NetworkAclEntry, limit: usize) -> Result<(), AwsError> {
    let family = AddressFamily::of(&added.cidr);
    let of_family = acl.entries_of(added.direction).filter(|entry| AddressFamily::of(&entry.cidr) == family);
    if of_family.count() + 1 > limit {
        return Err(AwsError::new(
            "NetworkAclEntryLimitExceeded",
            "The maximum number of network acl entries has been reached.",
        ));
    }
    Ok(())
}
