//! Two VPCs with the same blocks, and an instance at each of two addresses in both: nothing may be mixed up.

use sg_userspace::aws::ids::NetworkInterfaceId;
use sg_userspace::aws::protocol::{IpProtocol, PortRange};
use sg_userspace::aws::rule::{Direction, Peer};
use sg_userspace::dataplane::Sender;
use sg_userspace::dataplane::reason::Reason;
use sg_userspace::packet::spec::{PacketSpec, TcpFlags};

use super::lab::{Lab, Permission};
use super::planes::Plane;

/// Adds a VPC whose group lets everything out, and its own members in if `is_open`. Its interfaces, at .4 and .5.
fn vpc(lab: &mut Lab, is_open: bool) -> [NetworkInterfaceId; 2] {
    let vpc = lab.vpc("10.0.0.0/16", "2600:1f18:0:100::/56");
    let subnet = lab.subnet(&vpc, "10.0.1.0/24", "2600:1f18:0:101::/64");
    let group = lab.group(&vpc, "members");
    let all =
        |direction, peer| Permission { direction, protocol: IpProtocol::All, ports: PortRange::ALL, peer };
    lab.rule(&group, all(Direction::Outbound, Peer::CidrIpv4("10.0.0.0/8".parse().unwrap())));
    if is_open {
        lab.rule(&group, all(Direction::Inbound, Peer::ReferencedGroup(group.clone())));
    }
    [4u8, 5].map(|host| {
        lab.interface(
            &subnet,
            &format!("host{host}"),
            &[[10, 0, 1, host].into()],
            &[],
            std::slice::from_ref(&group),
        )
    })
}

/// Holds that each VPC's packets meet its own interfaces, members and entries.
///
/// # Panics
/// Where they meet the other's.
pub fn check_twins(mut plane: Plane) {
    let mut lab = Lab::default();
    let (open, closed) = (vpc(&mut lab, true), vpc(&mut lab, false));
    plane.dataplane.set_world(&lab.world).unwrap();
    let (from, to) = ([10, 0, 1, 4], [10, 0, 1, 5]);
    let syn = PacketSpec::tcp((from.into(), 40_000), (to.into(), 80), TcpFlags::SYN);
    let mut reasons = |sender: &NetworkInterfaceId| -> Vec<Reason> {
        let outcome = plane.dataplane.judge(&Sender::Interface(sender.clone()), &syn).unwrap();
        outcome.judgements.iter().map(|judgement| judgement.reason).collect()
    };
    assert_eq!(reasons(&open[0]), [Reason::Rule, Reason::Rule], "{}", plane.name);
    assert_eq!(reasons(&closed[0]), [Reason::Rule, Reason::NoRule], "{}", plane.name);
    let flows = plane.dataplane.flows().unwrap();
    let mut holders: Vec<_> = flows.into_iter().map(|flow| flow.interface).collect();
    let mut expected = vec![open[0].clone(), open[1].clone(), closed[0].clone()];
    holders.sort();
    expected.sort();
    assert_eq!(holders, expected, "{}", plane.name);
}
