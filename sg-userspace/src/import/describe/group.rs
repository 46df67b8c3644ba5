//! Security groups, their associations and rules. `describe-security-group-rules` has each rule with its id and tags;
//! `describe-security-groups` has the same without. Where both are there, they must say the same.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::group::SecurityGroup;
use crate::aws::ids::{SecurityGroupId, SecurityGroupRuleId, VpcId};
use crate::aws::protocol::{IpProtocol, PortRange};
use crate::aws::rule::{Direction, Peer};
use crate::command::adopt::Existing;
use crate::command::permission::{Permission, parse_cidr_ipv4, parse_cidr_ipv6, parse_ports, parse_protocol};

use super::{Context, Pages};
use crate::import::digest;
use crate::import::error::{ImportError, Place};
use crate::import::node::Node;

/// What two views of a rule must agree on.
type Content = (Direction, IpProtocol, PortRange, String);

/// Every group that there is, and its VPC.
pub(super) fn all(pages: &Pages<'_>) -> Result<BTreeMap<SecurityGroupId, VpcId>, ImportError> {
    let mut groups = BTreeMap::new();
    for item in pages.get("SecurityGroups") {
        if let Some(vpc_id) = item.parsed("VpcId")? {
            groups.insert(item.required_parsed("GroupId")?, vpc_id);
        }
    }
    Ok(groups)
}

pub(super) fn read(pages: &Pages<'_>, context: &mut Context<'_>) -> Result<(), ImportError> {
    let mut associated: BTreeMap<SecurityGroupId, BTreeSet<VpcId>> = BTreeMap::new();
    for item in pages.get("SecurityGroupVpcAssociations") {
        let state = item.text("State")?.unwrap_or_else(|| "associated".to_owned());
        let group_id: SecurityGroupId = item.required_parsed("GroupId")?;
        if !context.groups.contains_key(&group_id) {
            return Err(item.refused(group_id.not_found()));
        }
        if matches!(state.as_str(), "associated" | "associating") {
            associated.entry(group_id).or_default().insert(item.required_parsed("VpcId")?);
        }
    }
    let listed = listed_rules(pages, context)?;
    let mut are_unlisted = Vec::new();
    for item in pages.get("SecurityGroups") {
        let id: SecurityGroupId = item.required_parsed("GroupId")?;
        let Some(vpc_id) = item.parsed("VpcId")? else {
            let consequence = "it is not there";
            let what = format!("security group {id}");
            context.draft.report.leave(what, item.place(), "it is of no VPC", consequence);
            continue;
        };
        let group = SecurityGroup {
            number: 0,
            name: item.required("GroupName")?.as_text()?,
            description: item.required("Description")?.as_text()?,
            vpc_id,
            associated_vpcs: associated.remove(&id).unwrap_or_default(),
            rules: Vec::new(),
            tags: item.tags()?,
            id: id.clone(),
        };
        context.draft.add(item.place(), Existing::SecurityGroup(group));
        let contents = permissions(item)?;
        match listed.get(&id) {
            // Other sources than AWS's answers have one view only.
            Some(_) if item.get("IpPermissions").is_none() && item.get("IpPermissionsEgress").is_none() => {}
            Some(listed) => check_same(item, listed, contents.iter().map(|rule| rule.content()).collect())?,
            None => {
                let has_rules = !contents.is_empty();
                for rule in contents {
                    let id = minted(&id, &rule.content());
                    add(context, &rule, id, BTreeMap::new())?;
                }
                are_unlisted.extend(has_rules.then_some(id));
            }
        }
    }
    if !are_unlisted.is_empty() {
        let note = format!(
            "no file has the rules of {} with their ids (aws ec2 describe-security-group-rules), so those are made up",
            if are_unlisted.len() == 1 {
                are_unlisted[0].to_string()
            } else {
                format!("{} groups", are_unlisted.len())
            }
        );
        context.draft.report.assumed.push(note);
    }
    Ok(())
}

/// A rule as either view shows it.
struct Read<'v> {
    group_id: SecurityGroupId,
    direction: Direction,
    protocol: IpProtocol,
    ports: PortRange,
    peer: Node<'v>,
    /// Under what key the peer stands.
    kind: PeerKind,
}

#[derive(Clone, Copy)]
enum PeerKind {
    Ipv4(&'static str),
    Ipv6(&'static str),
    List(&'static str),
    Group,
}

impl Read<'_> {
    /// The peer in words that both views share.
    fn peer_text(&self) -> String {
        let text = |key| self.peer.text(key).ok().flatten().unwrap_or_default();
        match self.kind {
            PeerKind::Ipv4(key) => parse_cidr_ipv4(&text(key)).map_or(text(key), |peer| peer.to_string()),
            PeerKind::Ipv6(key) => parse_cidr_ipv6(&text(key)).map_or(text(key), |peer| peer.to_string()),
            PeerKind::List(key) => text(key),
            PeerKind::Group => text("GroupId"),
        }
    }

    fn content(&self) -> Content {
        (self.direction, self.protocol, self.ports, self.peer_text())
    }
}

/// The id of a rule that no file tells the id of: it follows from what the rule says.
fn minted(group_id: &SecurityGroupId, content: &Content) -> SecurityGroupRuleId {
    SecurityGroupRuleId::mint(digest(&format!("{group_id} {content:?}")), 0)
}

fn protocol_and_ports(item: &Node<'_>) -> Result<(IpProtocol, PortRange), ImportError> {
    let protocol = parse_protocol(&item.required("IpProtocol")?.as_text()?);
    let protocol = protocol.map_err(|error| item.refused(error))?;
    let ports = parse_ports(protocol, item.number("FromPort")?, item.number("ToPort")?);
    Ok((protocol, ports.map_err(|error| item.refused(error))?))
}

/// The rules of a group as `describe-security-groups` shows them.
fn permissions<'v>(group: &Node<'v>) -> Result<Vec<Read<'v>>, ImportError> {
    let group_id: SecurityGroupId = group.required_parsed("GroupId")?;
    let lists = [
        ("IpRanges", PeerKind::Ipv4("CidrIp")),
        ("Ipv6Ranges", PeerKind::Ipv6("CidrIpv6")),
        ("PrefixListIds", PeerKind::List("PrefixListId")),
        ("UserIdGroupPairs", PeerKind::Group),
    ];
    let mut rules = Vec::new();
    for (key, direction) in
        [("IpPermissions", Direction::Inbound), ("IpPermissionsEgress", Direction::Outbound)]
    {
        for permission in group.list(key)? {
            let (protocol, ports) = protocol_and_ports(&permission)?;
            for (list, kind) in lists {
                for peer in permission.list(list)? {
                    let group_id = group_id.clone();
                    rules.push(Read { group_id, direction, protocol, ports, peer, kind });
                }
            }
        }
    }
    Ok(rules)
}

/// Adds the rules that are listed one by one, and says which groups they are of.
fn listed_rules(
    pages: &Pages<'_>,
    context: &mut Context<'_>,
) -> Result<BTreeMap<SecurityGroupId, BTreeSet<Content>>, ImportError> {
    let mut listed: BTreeMap<SecurityGroupId, BTreeSet<Content>> = BTreeMap::new();
    for item in pages.get("SecurityGroupRules") {
        let group_id: SecurityGroupId = item.required_parsed("GroupId")?;
        if !context.groups.contains_key(&group_id) {
            return Err(item.refused(group_id.not_found()));
        }
        let is_egress = item.flag("IsEgress")?.unwrap_or_default();
        let direction = if is_egress { Direction::Outbound } else { Direction::Inbound };
        let (protocol, ports) = protocol_and_ports(item)?;
        let (peer, kind) = if item.get("CidrIpv4").is_some() {
            (item.clone(), PeerKind::Ipv4("CidrIpv4"))
        } else if item.get("CidrIpv6").is_some() {
            (item.clone(), PeerKind::Ipv6("CidrIpv6"))
        } else if item.get("PrefixListId").is_some() {
            (item.clone(), PeerKind::List("PrefixListId"))
        } else {
            let info = item.get("ReferencedGroupInfo");
            (info.ok_or_else(|| item.error("the rule names nobody at its other end"))?, PeerKind::Group)
        };
        let rule = Read { group_id: group_id.clone(), direction, protocol, ports, peer, kind };
        listed.entry(group_id).or_default().insert(rule.content());
        let description = item.filled("Description")?;
        let id = item.required_parsed("SecurityGroupRuleId")?;
        add_described(context, &rule, id, description, item.tags()?)?;
    }
    Ok(listed)
}

fn check_same(
    group: &Node<'_>,
    listed: &BTreeSet<Content>,
    shown: BTreeSet<Content>,
) -> Result<(), ImportError> {
    let Some((direction, protocol, ports, peer)) = listed.symmetric_difference(&shown).next() else {
        return Ok(());
    };
    let PortRange { from_port, to_port } = ports;
    Err(group.error(format!(
        "describe-security-groups and describe-security-group-rules disagree about this group: only one of them has {direction} {protocol} {from_port} to {to_port}, {peer}; run both again"
    )))
}

fn add(
    context: &mut Context<'_>,
    rule: &Read<'_>,
    id: SecurityGroupRuleId,
    tags: BTreeMap<String, String>,
) -> Result<(), ImportError> {
    add_described(context, rule, id, rule.peer.filled("Description")?, tags)
}

/// Adds a rule, unless its peer is nothing that can be here.
fn add_described(
    context: &mut Context<'_>,
    read: &Read<'_>,
    id: SecurityGroupRuleId,
    description: Option<String>,
    tags: BTreeMap<String, String>,
) -> Result<(), ImportError> {
    let Some((peer, referenced_vpc_id)) = peer(context, read, &id)? else { return Ok(()) };
    let Read { direction, protocol, ports, .. } = *read;
    let permission = Permission { protocol, ports, peer, description };
    let rule = permission.into_rule((id, 0), direction, referenced_vpc_id, tags);
    context.draft.add(read.peer.place(), Existing::Rule(read.group_id.clone(), rule));
    Ok(())
}

/// The peer, and the VPC of a group that is gone; `None` where the rule is left out.
fn peer(
    context: &mut Context<'_>,
    read: &Read<'_>,
    rule_id: &SecurityGroupRuleId,
) -> Result<Option<(Peer, Option<VpcId>)>, ImportError> {
    let node = &read.peer;
    let refused = |error| node.refused(error);
    match read.kind {
        PeerKind::Ipv4(key) => {
            let peer = parse_cidr_ipv4(&node.required(key)?.as_text()?).map_err(refused)?;
            Ok(Some((peer, None)))
        }
        PeerKind::Ipv6(key) => {
            let peer = parse_cidr_ipv6(&node.required(key)?.as_text()?).map_err(refused)?;
            Ok(Some((peer, None)))
        }
        PeerKind::List(key) => {
            let id = node.required_parsed(key)?;
            if context
                .draft
                .objects
                .iter()
                .any(|(_, it)| matches!(it, Existing::PrefixList(list) if list.id == id))
            {
                return Ok(Some((Peer::PrefixList(id), None)));
            }
            let reason = format!("no file has the entries of {id}, the prefix list that it names");
            leave_rule(context, read, rule_id, node.place(), &reason);
            Ok(None)
        }
        PeerKind::Group => group_peer(context, read, rule_id),
    }
}

fn group_peer(
    context: &mut Context<'_>,
    read: &Read<'_>,
    rule_id: &SecurityGroupRuleId,
) -> Result<Option<(Peer, Option<VpcId>)>, ImportError> {
    let node = &read.peer;
    let id: SecurityGroupId = node.required_parsed("GroupId")?;
    let peer = Peer::ReferencedGroup(id.clone());
    if context.groups.contains_key(&id) {
        return Ok(Some((peer, None)));
    }
    let owner = node.text("UserId")?;
    if let (Some(owner), Some(account)) = (&owner, &context.account)
        && owner != account
    {
        let reason = format!("{id}, the group that it names, is of account {owner}");
        leave_rule(context, read, rule_id, node.place(), &reason);
        return Ok(None);
    }
    // a group that is gone, or beyond a peering and in no file, has no members that could come from there.
    let vpc_id = node.parsed("VpcId")?;
    let is_beyond = node.get("PeeringStatus").is_some() || node.get("VpcPeeringConnectionId").is_some();
    if vpc_id.is_some() || is_beyond {
        let own = context.groups.get(&read.group_id).cloned();
        return Ok(Some((peer, vpc_id.or(own))));
    }
    Err(node.refused(id.not_found()))
}

fn leave_rule(
    context: &mut Context<'_>,
    read: &Read<'_>,
    rule_id: &SecurityGroupRuleId,
    place: Place,
    reason: &str,
) {
    let consequence = match read.direction {
        Direction::Inbound => "what it lets in is not let in by it",
        Direction::Outbound => "what it lets out is not let out by it",
    };
    let what = format!("security group rule {rule_id} of {}", read.group_id);
    context.draft.report.leave(what, place, reason, consequence);
}
