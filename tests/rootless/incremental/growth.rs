//! How long policies get when rules are added, against what was foreseen.

use std::net::Ipv4Addr;

use sg_tests::harness::lab::{Lab, Permission};
use sg_userspace::aws::prefix_list::{AddressFamily, PrefixListEntry};
use sg_userspace::aws::protocol::{IpProtocol, PortRange};
use sg_userspace::aws::rule::{Direction, Peer};

use super::{Counts, Follower};

/// Rules are added of which each makes other tables longer, and the policies are as long as was foreseen at most: `by_sets` asserts that.
#[test]
fn added_rules_make_policies_no_longer_than_foreseen() {
    let mut lab = Lab::default();
    let vpc = lab.vpc("10.0.0.0/16", "2600:1f18:0:100::/56");
    let subnet = lab.subnet(&vpc, "10.0.0.0/20", "2600:1f18:0:101::/64");
    let list = lab.prefix_list("partners", AddressFamily::Ipv4);
    let [common, one, two] = ["common", "one", "two"].map(|name| lab.group(&vpc, name));
    for (n, own) in [&one, &two].into_iter().enumerate() {
        let address = Ipv4Addr::new(10, 0, 0, 10 + n as u8);
        lab.interface(&subnet, &format!("instance-{n}"), &[address], &[], &[common.clone(), own.clone()]);
    }
    let v4 = |block: &str| Peer::CidrIpv4(block.parse().unwrap());
    let v6 = |block: &str| Peer::CidrIpv6(block.parse().unwrap());
    let mut follower = Follower::default();
    follower.check(&lab.world, None, &mut Counts::default());
    let mut allow_protocol = |protocol: IpProtocol, peers: Vec<Peer>, ports: PortRange| {
        let before = follower.by_sets;
        for peer in peers {
            let direction = Direction::Inbound;
            lab.rule(&common, Permission { direction, protocol, ports, peer });
        }
        follower.check(&lab.world, None, &mut Counts::default());
        assert_eq!(follower.by_sets, before + 1, "set by set");
    };
    // rules about ICMP in blocks of the other family match nothing, and are accepted.
    let unmatched = IpProtocol::ICMP;
    let smaller = |n: u32| v6(&format!("2600:1f00:0:{n:x}::/64"));
    allow_protocol(unmatched, (0..60).map(smaller).collect(), PortRange::ALL);
    allow_protocol(unmatched, vec![v6("2600:1f01::/32")], PortRange::ALL);
    let inside = |n: u32| v6(&format!("2600:1f01:{n:x}::/48"));
    allow_protocol(unmatched, (0..60).map(inside).collect(), PortRange::ALL);
    let mut allow = |peers: Vec<Peer>, ports: u16| {
        let (from_port, to_port) = (i32::from(ports), i32::from(ports) + 7);
        allow_protocol(IpProtocol::TCP, peers, PortRange { from_port, to_port });
    };
    allow(vec![v6("2600:1f00::/32")], 443);
    allow(vec![v6("2600:1f01:5:8000::/50")], 443);
    let beside = |n: u32| v4(&format!("192.0.{n}.0/24"));
    let beside_v6 = |n: u32| v6(&format!("2001:db8:{n:x}::/48"));
    // Into nothing; then, many beside each other, each alone; then several at the same place.
    allow(vec![v4("198.51.100.7/32")], 100);
    allow((0..40).map(beside).collect(), 200);
    for n in 0..5 {
        allow((0..40).map(beside).collect(), 300 + 100 * n);
    }
    // One over all of them, with a table more for each; one inside of one.
    allow(vec![v4("192.0.0.0/16")], 1_000);
    allow(vec![v4("192.0.7.128/25")], 1_100);
    allow((0..40).map(beside_v6).collect(), 1_200);
    allow(vec![v6("2001:db8::/32")], 1_300);
    // The open rules' tables, and those of referenced groups.
    for ports in [1_400, 1_500, 1_600] {
        allow(vec![v4("0.0.0.0/0"), v6("::/0")], ports);
        allow(vec![Peer::ReferencedGroup(one.clone()), Peer::ReferencedGroup(two.clone())], ports + 50);
    }
    allow(vec![Peer::PrefixList(list.clone())], 1_700);
    for n in 0..3 {
        let entries = (0..20 * n).map(|entry| format!("192.0.{entry}.{n}/32").parse().unwrap());
        let entries = entries.map(|cidr| PrefixListEntry { cidr, description: None }).collect();
        lab.world.prefix_lists.get_mut(&list).unwrap().versions.insert(2 + n, entries);
        follower.check(&lab.world, None, &mut Counts::default());
    }
    assert!(follower.by_sets >= 18, "{}", follower.by_sets);
}
