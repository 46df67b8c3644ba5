//! Network ACLs, their entries and their associations with subnets.

use sg_userspace::aws::ids::{NetworkAclAssociationId, NetworkAclId, SubnetId, VpcId};
use sg_userspace::aws::network_acl::{NetworkAclEntry, RuleAction};
use sg_userspace::aws::protocol::{IpProtocol, PortRange};
use sg_userspace::aws::rule::Direction;
use sg_userspace::aws::world::World;
use sg_userspace::command::network_acl::{CreateNetworkAcl, DeleteNetworkAcl, ReplaceNetworkAclAssociation};
use sg_userspace::command::network_acl_entry::{
    CreateNetworkAclEntry, DeleteNetworkAclEntry, EntryContent, ReplaceNetworkAclEntry,
};
use sg_userspace::command::quota::SetQuotas;
use sg_userspace::command::rule_text::Context;
use sg_userspace::command::subnet::DeleteSubnet;
use sg_userspace::command::vpc::DeleteVpc;
use sg_userspace::command::{Reply, network_acl_text};

use super::{account, applied, check_refused, made_subnet, made_vpc, reply, subnet, vpc};

#[track_caller]
fn made_acl(world: &mut World, vpc_id: &VpcId) -> NetworkAclId {
    let create = CreateNetworkAcl { vpc_id: vpc_id.clone(), tags: Default::default() };
    let Reply::NetworkAcl(id) = reply(world, create) else { panic!("no network ACL") };
    id
}

/// A world with one VPC of both families and one custom ACL.
fn with_acl() -> (World, VpcId, NetworkAclId) {
    let mut world = World::default();
    let vpc_id = made_vpc(&mut world, vpc(&["10.0.0.0/16"], &["2001:db8::/56"]));
    let acl_id = made_acl(&mut world, &vpc_id);
    (world, vpc_id, acl_id)
}

fn content(protocol: IpProtocol, ports: Option<(i32, i32)>, cidr: &str) -> EntryContent {
    let ports = ports.map(|(from_port, to_port)| PortRange { from_port, to_port });
    EntryContent { action: RuleAction::Allow, protocol, ports, cidr: cidr.parse().unwrap() }
}

fn create(acl_id: &NetworkAclId, rule_number: u32, content: EntryContent) -> CreateNetworkAclEntry {
    let direction = Direction::Inbound;
    CreateNetworkAclEntry { network_acl_id: acl_id.clone(), direction, rule_number, content }
}

fn replace(acl_id: &NetworkAclId, rule_number: u32, content: EntryContent) -> ReplaceNetworkAclEntry {
    let direction = Direction::Inbound;
    ReplaceNetworkAclEntry { network_acl_id: acl_id.clone(), direction, rule_number, content }
}

fn delete(acl_id: &NetworkAclId, direction: Direction, rule_number: u32) -> DeleteNetworkAclEntry {
    DeleteNetworkAclEntry { network_acl_id: acl_id.clone(), direction, rule_number }
}

/// Inbound HTTP from anywhere in IPv4.
fn http() -> EntryContent {
    content(IpProtocol::TCP, Some((80, 80)), "0.0.0.0/0")
}

fn line(entry: &NetworkAclEntry) -> String {
    let NetworkAclEntry { rule_number, direction, protocol, ports, cidr, action } = entry;
    let PortRange { from_port, to_port } = ports;
    format!("{direction} {rule_number} {action} {protocol} {from_port}/{to_port} {cidr}")
}

fn lines(world: &World, acl_id: &NetworkAclId) -> Vec<String> {
    world.network_acls[acl_id].entries.iter().map(line).collect()
}

fn default_of(world: &World, vpc_id: &VpcId) -> NetworkAclId {
    let acl = world.network_acls.values().find(|acl| acl.is_default && acl.vpc_id == *vpc_id);
    acl.unwrap().id.clone()
}

#[track_caller]
fn associate(world: &mut World, subnet_id: &SubnetId, acl_id: &NetworkAclId) -> NetworkAclAssociationId {
    let association_id = world.subnets[subnet_id].network_acl_association_id.clone();
    let command = ReplaceNetworkAclAssociation { association_id, network_acl_id: acl_id.clone() };
    let Reply::NetworkAclAssociation(id) = reply(world, command) else { panic!("no association") };
    id
}

#[test]
fn n_05_the_default_acl_allows_everything_and_a_new_one_nothing() {
    let (world, vpc_id, acl_id) = with_acl();
    assert_eq!(
        lines(&world, &default_of(&world, &vpc_id)),
        [
            "inbound 100 allow -1 -1/-1 0.0.0.0/0",
            "inbound 101 allow -1 -1/-1 ::/0",
            "outbound 100 allow -1 -1/-1 0.0.0.0/0",
            "outbound 101 allow -1 -1/-1 ::/0",
        ]
    );
    assert!(lines(&world, &acl_id).is_empty() && !world.network_acls[&acl_id].is_default);
    let account = account();
    assert_eq!(lines(&account.world, &default_of(&account.world, &account.vpc)).len(), 2, "no IPv6, no 101");
}

#[test]
fn n_05_the_default_acl_can_be_edited_and_not_deleted() {
    let mut account = account();
    let id = default_of(&account.world, &account.vpc);
    applied(&mut account.world, delete(&id, Direction::Inbound, 100));
    assert_eq!(lines(&account.world, &id), ["outbound 100 allow -1 -1/-1 0.0.0.0/0"]);
    let delete = DeleteNetworkAcl { network_acl_id: id };
    check_refused(&mut account.world, delete, "InvalidParameterValue", "default network ACL");
}

#[test]
fn n_03_entries_are_numbered_apart_for_each_direction_and_stay_sorted() {
    let (mut world, _, acl_id) = with_acl();
    for number in [200, 1, 32_766, 100] {
        applied(&mut world, create(&acl_id, number, http()));
    }
    let outbound = CreateNetworkAclEntry { direction: Direction::Outbound, ..create(&acl_id, 100, http()) };
    applied(&mut world, outbound.clone());
    let numbers: Vec<_> = world.network_acls[&acl_id].entries.iter().map(NetworkAclEntry::order).collect();
    let (inbound, outward) = (Direction::Inbound, Direction::Outbound);
    assert_eq!(numbers, [(inbound, 1), (inbound, 100), (inbound, 200), (inbound, 32_766), (outward, 100)]);
    check_refused(
        &mut world,
        outbound,
        "NetworkAclEntryAlreadyExists",
        "The network acl entry identified by 100 already exists.",
    );
}

#[test]
fn n_03_n_04_numbers_outside_the_range_are_refused() {
    let (mut world, _, acl_id) = with_acl();
    for number in [0, 32_767, 32_768, 65_636, u32::MAX] {
        let refused = format!("Value ({number}) for parameter ruleNumber");
        check_refused(&mut world, create(&acl_id, number, http()), "InvalidParameterValue", &refused);
        check_refused(&mut world, replace(&acl_id, number, http()), "InvalidParameterValue", &refused);
        let delete = delete(&acl_id, Direction::Inbound, number);
        check_refused(&mut world, delete, "InvalidParameterValue", &refused);
    }
}

#[test]
fn n_06_entries_are_stored_in_canonical_form() {
    let (mut world, _, acl_id) = with_acl();
    let udp = IpProtocol::UDP;
    let contents = [
        content(udp, Some((0, 65_535)), "10.1.2.3/16"),
        content(IpProtocol::All, Some((80, 80)), "2001:db8::7/56"),
        content(IpProtocol::Number(50), Some((80, 80)), "10.0.0.0/8"),
        content(IpProtocol::All, None, "0.0.0.0/0"),
        content(IpProtocol::ICMP, Some((8, -1)), "0.0.0.0/0"),
        content(IpProtocol::ICMPV6, Some((128, 0)), "::/0"),
        content(IpProtocol::ICMPV6, Some((128, 0)), "0.0.0.0/0"),
        content(IpProtocol::ICMPV6, None, "0.0.0.0/0"),
    ];
    for (number, content) in (1..).zip(contents) {
        applied(&mut world, create(&acl_id, number, content));
    }
    assert_eq!(
        lines(&world, &acl_id),
        [
            "inbound 1 allow udp 0/65535 10.1.0.0/16",
            "inbound 2 allow -1 -1/-1 2001:db8::/56",
            "inbound 3 allow 50 -1/-1 10.0.0.0/8",
            "inbound 4 allow -1 -1/-1 0.0.0.0/0",
            "inbound 5 allow icmp 8/-1 0.0.0.0/0",
            "inbound 6 allow icmpv6 128/0 ::/0",
            "inbound 7 allow icmpv6 -1/-1 0.0.0.0/0",
            "inbound 8 allow icmpv6 -1/-1 0.0.0.0/0",
        ]
    );
}

#[test]
fn n_06_ports_and_types_are_required_where_the_protocol_has_them() {
    let (mut world, _, acl_id) = with_acl();
    let invalid = "InvalidParameterValue";
    for (content, code, message) in [
        (content(IpProtocol::TCP, None, "0.0.0.0/0"), invalid, "Must specify both from and to ports"),
        (content(IpProtocol::UDP, None, "::/0"), invalid, "Must specify both from and to ports"),
        (content(IpProtocol::TCP, Some((-1, -1)), "0.0.0.0/0"), invalid, "(from) port (-1) out of range"),
        (content(IpProtocol::TCP, Some((0, 65_536)), "0.0.0.0/0"), invalid, "(to) port (65536) out of range"),
        (content(IpProtocol::TCP, Some((81, 80)), "0.0.0.0/0"), invalid, "port range (81:80)"),
        (content(IpProtocol::ICMP, None, "0.0.0.0/0"), "MissingParameter", "icmpTypeCode"),
        (content(IpProtocol::ICMP, None, "::/0"), "MissingParameter", "icmpTypeCode"),
        (content(IpProtocol::ICMPV6, None, "::/0"), "MissingParameter", "icmpTypeCode"),
        (content(IpProtocol::ICMP, Some((256, 0)), "0.0.0.0/0"), invalid, "ICMP type (256)"),
        (content(IpProtocol::ICMPV6, Some((-1, 3)), "::/0"), invalid, "ICMP code (3)"),
    ] {
        check_refused(&mut world, create(&acl_id, 100, content.clone()), code, message);
        applied(&mut world, create(&acl_id, 100, http()));
        check_refused(&mut world, replace(&acl_id, 100, content), code, message);
        applied(&mut world, delete(&acl_id, Direction::Inbound, 100));
    }
}

#[test]
fn n_11_entries_are_replaced_and_removed_where_they_are() {
    let (mut world, _, acl_id) = with_acl();
    applied(&mut world, create(&acl_id, 100, http()));
    let deny = EntryContent { action: RuleAction::Deny, ..content(IpProtocol::All, None, "10.0.0.7/8") };
    applied(&mut world, replace(&acl_id, 100, deny.clone()));
    assert_eq!(lines(&world, &acl_id), ["inbound 100 deny -1 -1/-1 10.0.0.0/8"]);
    let missing = "InvalidNetworkAclEntry.NotFound";
    check_refused(
        &mut world,
        replace(&acl_id, 101, deny.clone()),
        missing,
        "no ingress entry with number 101",
    );
    check_refused(
        &mut world,
        ReplaceNetworkAclEntry { direction: Direction::Outbound, ..replace(&acl_id, 100, deny) },
        missing,
        "no egress entry with number 100",
    );
    check_refused(&mut world, delete(&acl_id, Direction::Outbound, 100), missing, "no egress entry");
    applied(&mut world, delete(&acl_id, Direction::Inbound, 100));
    assert!(lines(&world, &acl_id).is_empty());
    check_refused(&mut world, delete(&acl_id, Direction::Inbound, 100), missing, "no ingress entry");
}

#[test]
fn n_11_unknown_acls_and_associations_are_refused() {
    let (mut world, vpc_id, _) = with_acl();
    let unknown: NetworkAclId = "acl-0123456789abcdef0".parse().unwrap();
    let message = "The networkAcl ID 'acl-0123456789abcdef0' does not exist";
    let missing = "InvalidNetworkAclID.NotFound";
    check_refused(&mut world, create(&unknown, 1, http()), missing, message);
    check_refused(&mut world, replace(&unknown, 1, http()), missing, message);
    check_refused(&mut world, delete(&unknown, Direction::Inbound, 1), missing, message);
    check_refused(&mut world, DeleteNetworkAcl { network_acl_id: unknown.clone() }, missing, message);
    let subnet_id = made_subnet(&mut world, subnet(&vpc_id, "10.0.1.0/24", "us-east-1a"));
    let association_id = world.subnets[&subnet_id].network_acl_association_id.clone();
    let replace = ReplaceNetworkAclAssociation { association_id, network_acl_id: unknown };
    check_refused(&mut world, replace.clone(), missing, message);
    let association_id = "aclassoc-0123456789abcdef0".parse().unwrap();
    check_refused(
        &mut world,
        ReplaceNetworkAclAssociation { association_id, ..replace },
        "InvalidAssociationID.NotFound",
        "aclassoc-0123456789abcdef0",
    );
    assert_eq!("acl-x".parse::<NetworkAclId>().unwrap_err().code, "InvalidNetworkAclId.Malformed");
    let gone =
        CreateNetworkAcl { vpc_id: "vpc-0123456789abcdef0".parse().unwrap(), tags: Default::default() };
    check_refused(&mut world, gone, "InvalidVpcID.NotFound", "vpc-0123456789abcdef0");
}

#[test]
fn n_02_a_subnet_has_exactly_one_acl_and_associating_replaces() {
    let (mut world, vpc_id, acl_id) = with_acl();
    let a = made_subnet(&mut world, subnet(&vpc_id, "10.0.1.0/24", "us-east-1a"));
    let b = made_subnet(&mut world, subnet(&vpc_id, "10.0.2.0/24", "us-east-1a"));
    assert_eq!(world.subnets[&a].network_acl_id, default_of(&world, &vpc_id));

    let before = world.subnets[&a].network_acl_association_id.clone();
    let after = associate(&mut world, &a, &acl_id);
    assert_ne!(before, after);
    assert_eq!(
        (&world.subnets[&a].network_acl_id, &world.subnets[&a].network_acl_association_id),
        (&acl_id, &after)
    );
    assert_eq!(world.subnets[&b].network_acl_id, default_of(&world, &vpc_id), "the other subnet's stays");
    let stale = ReplaceNetworkAclAssociation { association_id: before, network_acl_id: acl_id.clone() };
    check_refused(&mut world, stale, "InvalidAssociationID.NotFound", "aclassoc-");
    associate(&mut world, &b, &acl_id);

    // It cannot be deleted while a subnet has it.
    let delete = DeleteNetworkAcl { network_acl_id: acl_id.clone() };
    check_refused(&mut world, delete.clone(), "DependencyViolation", acl_id.as_str());
    let default = default_of(&world, &vpc_id);
    associate(&mut world, &a, &default);
    check_refused(&mut world, delete.clone(), "DependencyViolation", "has dependencies");
    applied(&mut world, DeleteSubnet { subnet_id: b });
    applied(&mut world, delete);
    assert!(!world.network_acls.contains_key(&acl_id));
}

#[test]
fn n_02_an_acl_of_another_vpc_is_refused() {
    let (mut world, _, acl_id) = with_acl();
    let other = made_vpc(&mut world, vpc(&["10.1.0.0/16"], &[]));
    let subnet_id = made_subnet(&mut world, subnet(&other, "10.1.1.0/24", "us-east-1a"));
    let association_id = world.subnets[&subnet_id].network_acl_association_id.clone();
    let replace = ReplaceNetworkAclAssociation { association_id, network_acl_id: acl_id };
    check_refused(&mut world, replace, "InvalidParameterValue", "belong to different networks");
}

#[test]
fn q_10_acls_per_vpc_are_limited() {
    let (mut world, vpc_id, _) = with_acl();
    applied(&mut world, SetQuotas { network_acls_per_vpc: Some(3), ..SetQuotas::default() });
    made_acl(&mut world, &vpc_id);
    let create = CreateNetworkAcl { vpc_id, tags: Default::default() };
    check_refused(&mut world, create, "NetworkAclLimitExceeded", "maximum number of network acls");
    let other = made_vpc(&mut world, vpc(&["10.1.0.0/16"], &[]));
    made_acl(&mut world, &other);
    assert_eq!(World::default().quotas.network_acls_per_vpc, 200);
}

/// The implicit last entries count, as the quota's description of 2023 says.
#[test]
fn q_11_entries_are_limited_for_each_direction_and_family() {
    let (mut world, _, acl_id) = with_acl();
    let ipv6 = || content(IpProtocol::TCP, Some((80, 80)), "::/0");
    for number in 1..=19 {
        applied(&mut world, create(&acl_id, number, http()));
    }
    let message = "The maximum number of network acl entries has been reached.";
    let full = "NetworkAclEntryLimitExceeded";
    check_refused(&mut world, create(&acl_id, 20, http()), full, message);
    applied(
        &mut world,
        CreateNetworkAclEntry { direction: Direction::Outbound, ..create(&acl_id, 20, http()) },
    );
    applied(&mut world, create(&acl_id, 20, ipv6()));
    // Replacing counts where it changes the family.
    check_refused(&mut world, replace(&acl_id, 20, http()), full, message);
    applied(&mut world, replace(&acl_id, 19, http()));
    applied(&mut world, replace(&acl_id, 19, ipv6()));
    applied(&mut world, create(&acl_id, 21, http()));

    let quota = |rules| SetQuotas { rules_per_network_acl: Some(rules), ..SetQuotas::default() };
    check_refused(&mut world, quota(41), "InvalidParameterValue", "1 to 40");
    check_refused(&mut world, quota(0), "InvalidParameterValue", "1 to 40");
    check_refused(&mut world, create(&acl_id, 22, http()), full, message);
    applied(&mut world, quota(40));
    for number in 22..=41 {
        applied(&mut world, create(&acl_id, number, http()));
    }
    check_refused(&mut world, create(&acl_id, 42, http()), full, message);
    // What exists stays under a lowered quota, and can still be replaced and removed.
    applied(&mut world, quota(1));
    applied(&mut world, replace(&acl_id, 41, http()));
    applied(&mut world, delete(&acl_id, Direction::Inbound, 41));
}

#[test]
fn a_vpc_is_deleted_with_its_default_acl_and_not_with_others() {
    let (mut world, vpc_id, acl_id) = with_acl();
    let delete_vpc = DeleteVpc { vpc_id };
    check_refused(&mut world, delete_vpc.clone(), "DependencyViolation", "has dependencies");
    applied(&mut world, DeleteNetworkAcl { network_acl_id: acl_id });
    applied(&mut world, delete_vpc);
    assert!(world.network_acls.is_empty());
}

#[test]
fn entries_in_words() {
    let (world, vpc_id, _) = with_acl();
    let context =
        Context { world: &world, vpc_id: &vpc_id, own_group: None, my_ip: Some([203, 0, 113, 10].into()) };
    let parse = |text: &str, direction| network_acl_text::parse_entry(text, direction, context);
    let words = |text: &str| {
        let EntryContent { action, protocol, ports, cidr } = parse(text, Direction::Inbound).unwrap();
        let PortRange { from_port, to_port } = ports.unwrap();
        format!("{action} {protocol} {from_port}/{to_port} {cidr}")
    };
    for (text, expected) in [
        ("allow HTTP from anywhere-ipv4", "allow tcp 80/80 0.0.0.0/0"),
        ("DENY tcp 1024-65535 from ::/0", "deny tcp 1024/65535 ::/0"),
        ("deny SSH from my-ip", "deny tcp 22/22 203.0.113.10/32"),
        ("allow all from 10.0.0.7/8", "allow -1 -1/-1 10.0.0.0/8"),
        ("allow icmp echo-request from anywhere", "allow icmp 8/-1 0.0.0.0/0"),
        ("allow icmpv6 from anywhere", "allow icmpv6 -1/-1 ::/0"),
        ("allow 50 from 10.0.0.0/8", "allow 50 -1/-1 10.0.0.0/8"),
    ] {
        assert_eq!(words(text), expected, "{text}");
    }
    assert!(parse("allow HTTP to 10.0.0.0/8", Direction::Outbound).is_ok());
    for (text, message) in [
        ("HTTP from 10.0.0.0/8", "starts with `allow` or `deny`"),
        ("allow", "WHAT from WHO"),
        ("allow HTTP to 10.0.0.0/8", "says `from`, not `to`"),
        ("allow HTTP from anywhere", "write anywhere-ipv4 or anywhere-ipv6"),
        ("allow HTTP from default", "no security group and no prefix list"),
        ("allow HTTP from sg web", "no security group and no prefix list"),
        ("allow HTTP from sg-0123456789abcdef0", "no security group and no prefix list"),
        ("allow HTTP from pl-0123456789abcdef0", "no security group and no prefix list"),
        ("allow HTTP from 10.0.0.7", "10.0.0.7/32"),
        ("allow tcp from 10.0.0.0/8", "Must specify both from and to ports"),
    ] {
        let error = parse(text, Direction::Inbound).unwrap_err();
        assert_eq!(error.code, "InvalidParameterValue", "{text}");
        assert!(error.message.contains(message), "{text}: {error}");
    }
}
