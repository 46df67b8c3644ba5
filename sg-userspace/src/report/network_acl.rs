//! Network ACLs: their entries, the implicit last ones among them, and the subnets that they serve.

use comfy_table::Table;
use serde::Serialize;

use crate::aws::network_acl::{MAX_RULE_NUMBER, NetworkAcl, NetworkAclEntry, RuleAction};
use crate::aws::rule::Direction;
use crate::aws::world::World;

use super::rule::{ports, traffic};

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EntryView {
    /// Its number; 32767 and 32768 for the implicit last ones (N-04).
    pub rule_number: u16,
    /// `inbound` or `outbound`.
    pub direction: Direction,
    /// `allow` or `deny`.
    pub action: RuleAction,
    /// `tcp`, `udp`, `icmp`, `icmpv6`, a number, or `-1` for all.
    pub protocol: String,
    /// First port or ICMP type, −1 for all.
    pub from_port: i32,
    /// Last port or ICMP code, −1 for all.
    pub to_port: i32,
    /// The other end.
    pub cidr: String,
    /// What it does in words.
    pub text: String,
}

impl EntryView {
    /// The view of an entry.
    pub fn new(entry: &NetworkAclEntry) -> Self {
        let NetworkAclEntry { rule_number, direction, protocol, ports, cidr, action } = entry;
        Self {
            rule_number: *rule_number,
            direction: *direction,
            action: *action,
            protocol: protocol.to_string(),
            from_port: ports.from_port,
            to_port: ports.to_port,
            cidr: cidr.to_string(),
            text: format!(
                "{direction} {action} {} {} {cidr}",
                traffic(*protocol, *ports),
                direction.toward()
            ),
        }
    }

    /// The number as the console shows it: `*` for an implicit last entry (N-04).
    pub fn number(&self) -> String {
        if self.rule_number > MAX_RULE_NUMBER { "*".to_owned() } else { self.rule_number.to_string() }
    }
}

/// A subnet of an ACL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SubnetName {
    /// `subnet-…`.
    pub id: String,
    /// Its `Name` tag.
    pub name: Option<String>,
    /// `aclassoc-…`.
    pub association_id: String,
}

/// A network ACL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NetworkAclView {
    /// `acl-…`.
    pub id: String,
    /// Its `Name` tag; `default` where a VPC's default one has none.
    pub name: Option<String>,
    /// Its VPC.
    pub vpc_id: String,
    /// The VPC's `Name` tag.
    pub vpc_name: Option<String>,
    /// Whether it came with its VPC.
    pub is_default: bool,
    /// Entries in the order in which they are evaluated, inbound ones first, each direction's implicit ones last.
    pub entries: Vec<EntryView>,
    /// Subnets that it serves.
    pub subnets: Vec<SubnetName>,
}

impl NetworkAclView {
    /// The view of an ACL.
    pub fn new(world: &World, acl: &NetworkAcl) -> Self {
        let vpc = world.vpcs.get(&acl.vpc_id);
        let has_ipv6 = vpc.is_some_and(|vpc| !vpc.cidr_ipv6.is_empty());
        let entries = [Direction::Inbound, Direction::Outbound].into_iter().flat_map(|direction| {
            let numbered = acl.entries_of(direction).map(EntryView::new);
            let implicit = NetworkAcl::implicit_entries(direction, has_ipv6);
            numbered.chain(implicit.iter().map(EntryView::new)).collect::<Vec<_>>()
        });
        let subnets = world.subnets.values().filter(|subnet| subnet.network_acl_id == acl.id);
        Self {
            id: acl.id.to_string(),
            name: name(acl).map(str::to_owned),
            vpc_id: acl.vpc_id.to_string(),
            vpc_name: vpc.and_then(|vpc| vpc.tags.get("Name").cloned()),
            is_default: acl.is_default,
            entries: entries.collect(),
            subnets: subnets
                .map(|subnet| SubnetName {
                    id: subnet.id.to_string(),
                    name: subnet.tags.get("Name").cloned(),
                    association_id: subnet.network_acl_association_id.to_string(),
                })
                .collect(),
        }
    }

    /// The id and the name, in as many words as there are.
    pub fn label(&self) -> String {
        match &self.name {
            Some(name) => format!("{} ({name})", self.id),
            None => self.id.clone(),
        }
    }

    /// Names of its subnets, ids where they have none.
    pub fn subnet_names(&self) -> impl Iterator<Item = &str> {
        self.subnets.iter().map(|subnet| subnet.name.as_deref().unwrap_or(&subnet.id))
    }

    fn count(&self, direction: Direction) -> String {
        let numbered = |it: &&EntryView| it.direction == direction && it.rule_number <= MAX_RULE_NUMBER;
        self.entries.iter().filter(numbered).count().to_string()
    }
}

/// An ACL's `Name` tag, or `default`.
pub fn name(acl: &NetworkAcl) -> Option<&str> {
    acl.tags.get("Name").map(String::as_str).or(acl.is_default.then_some("default"))
}

/// ACLs as a table.
pub fn table(acls: &[NetworkAclView]) -> Table {
    let mut table = super::table(&["ACL", "NAME", "VPC", "DEFAULT", "INBOUND", "OUTBOUND", "SUBNETS"]);
    for acl in acls {
        table.add_row([
            acl.id.as_str(),
            acl.name.as_deref().unwrap_or("-"),
            acl.vpc_name.as_ref().unwrap_or(&acl.vpc_id),
            if acl.is_default { "yes" } else { "no" },
            &acl.count(Direction::Inbound),
            &acl.count(Direction::Outbound),
            &super::list(acl.subnet_names()),
        ]);
    }
    table
}

/// Entries as a table, as the console shows them.
pub fn entries_table(entries: &[EntryView]) -> Table {
    let mut table = super::table(&["DIRECTION", "NUMBER", "PROTOCOL", "PORTS", "CIDR", "ACTION"]);
    for entry in entries {
        table.add_row([
            entry.direction.to_string(),
            entry.number(),
            if entry.protocol == "-1" { "all".to_owned() } else { entry.protocol.clone() },
            ports(&entry.protocol, entry.from_port, entry.to_port),
            entry.cidr.clone(),
            entry.action.to_string(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::vpc::CreateVpc;
    use crate::command::{Reply, apply};

    #[test]
    fn n_04_the_implicit_last_entries_are_shown_as_stars() {
        for (cidr_ipv6, expected) in [
            (Vec::new(), ["100 all all 0.0.0.0/0 allow", "* all all 0.0.0.0/0 deny"].as_slice()),
            (
                vec!["2001:db8::/56".parse().unwrap()],
                &[
                    "100 all all 0.0.0.0/0 allow",
                    "101 all all ::/0 allow",
                    "* all all 0.0.0.0/0 deny",
                    "* all all ::/0 deny",
                ],
            ),
        ] {
            let mut world = World::default();
            let create = CreateVpc {
                cidr_ipv4: vec!["10.0.0.0/16".parse().unwrap()],
                cidr_ipv6,
                ..CreateVpc::default()
            };
            assert!(matches!(apply(&mut world, create.into()).unwrap().reply, Reply::Vpc { .. }));
            let view = NetworkAclView::new(&world, world.network_acls.values().next().unwrap());
            let text = super::super::render(&entries_table(&view.entries));
            let rows = text.lines().skip(1).map(|row| row.split_whitespace().collect::<Vec<_>>().join(" "));
            let both =
                ["inbound", "outbound"].map(|way| expected.iter().map(move |row| format!("{way} {row}")));
            assert_eq!(rows.collect::<Vec<_>>(), both.into_iter().flatten().collect::<Vec<_>>());
            assert_eq!(view.name.as_deref(), Some("default"));
        }
    }
}
