//! What lies between the interfaces of a random world: network ACLs, prefix lists, a peering, ways to the internet, and what
//! an instance may track.

use ipnet::IpNet;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use sg_userspace::aws::instance::DEFAULT_CONNECTION_ALLOWANCE;
use sg_userspace::aws::network_acl::{NetworkAclEntry, RuleAction};
use sg_userspace::aws::peering::PeeringStatus;
use sg_userspace::aws::protocol::{IpProtocol, PortRange};
use sg_userspace::aws::rule::Direction;
use sg_userspace::scenario::edit::Edit;

use super::universe::{CIDRS_IPV4, CIDRS_IPV6, RulePlan, Universe, rule_plan};

/// What ways to the internet carry: less than some packets have, more than others.
const INTERNET_MTUS: [u16; 4] = [1500, 1500, 1500, 1280];

/// How many connections an instance may track: mostly more than a scenario has.
pub fn allowance() -> impl Strategy<Value = u32> {
    prop_oneof![5 => Just(DEFAULT_CONNECTION_ALLOWANCE), 1 => 1u32..=4]
}

/// What the way to the internet carries.
pub fn internet_mtu() -> impl Strategy<Value = u16> {
    select(&INTERNET_MTUS[..])
}

/// How far the peering has come; mostly it is in force.
pub fn peering_status() -> impl Strategy<Value = PeeringStatus> {
    prop_oneof![
        3 => Just(PeeringStatus::Active),
        1 => Just(PeeringStatus::PendingAcceptance),
        1 => Just(PeeringStatus::Deleted),
    ]
}

/// A prefix list to be: which one, and a version of it.
#[derive(Clone, Debug)]
pub struct ListPlan {
    list: usize,
    blocks: Vec<IpNet>,
}

/// A version of a prefix list: none to three blocks.
pub fn list_plan() -> impl Strategy<Value = ListPlan> {
    let ipv4 = (0usize..2, subsequence(CIDRS_IPV4[1..].to_vec(), 0..=3));
    let ipv6 = (Just(2), subsequence(CIDRS_IPV6[1..].to_vec(), 0..=3));
    prop_oneof![2 => ipv4.boxed(), 1 => ipv6.boxed()].prop_map(|(list, blocks)| ListPlan {
        list,
        blocks: blocks.iter().map(|block| block.parse().unwrap()).collect(),
    })
}

impl ListPlan {
    /// The new version.
    pub fn resolve(&self, universe: &Universe) -> Edit {
        Edit::SetPrefixList { list: universe.lists[self.list].clone(), blocks: self.blocks.clone() }
    }
}

/// An entry of a network ACL to be: which subnet's, whether of the ACL that is the subnet's own, and what it says.
#[derive(Clone, Debug)]
pub struct EntryPlan {
    subnet: usize,
    is_own: bool,
    entry: NetworkAclEntry,
}

/// An entry of few numbers, so that they stand before and behind each other, and replace each other.
pub fn entry_plan() -> impl Strategy<Value = EntryPlan> {
    let number = select(vec![1, 50, 99, 100, 101, 200, 32_766]);
    let action = prop_oneof![2 => Just(RuleAction::Allow), 1 => Just(RuleAction::Deny)];
    let of_rule = (rule_plan(), prop::bool::weighted(0.35), select(&CIDRS_IPV4[..]), select(&CIDRS_IPV6[..]));
    let own = prop::bool::weighted(0.8);
    (0usize..3, own, number, action, of_rule).prop_map(|(subnet, is_own, rule_number, action, of_rule)| {
        let (RulePlan { direction, protocol, ports, .. }, is_ipv6, ipv4, ipv6) = of_rule;
        let cidr = if is_ipv6 { ipv6 } else { ipv4 }.parse().unwrap();
        EntryPlan {
            subnet,
            is_own,
            entry: NetworkAclEntry { rule_number, direction, protocol, ports, cidr, action },
        }
    })
}

impl EntryPlan {
    /// The entry in its place.
    pub fn resolve(&self, universe: &Universe) -> Edit {
        let acl = universe.acls[self.subnet][usize::from(self.is_own)].clone();
        Edit::PutAclEntry { acl, entry: self.entry.clone() }
    }
}

/// The entries that let all through, behind those that plans add: without these hardly a packet would pass.
pub(super) fn generous_entries() -> Vec<NetworkAclEntry> {
    let entry = |rule_number, direction, cidr: &str| NetworkAclEntry {
        rule_number,
        direction,
        protocol: IpProtocol::All,
        ports: PortRange::ALL,
        cidr: cidr.parse().unwrap(),
        action: RuleAction::Allow,
    };
    [Direction::Inbound, Direction::Outbound]
        .into_iter()
        .flat_map(|way| [entry(1000, way, "0.0.0.0/0"), entry(1001, way, "::/0")])
        .collect()
}
