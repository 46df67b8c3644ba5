//! What is counted of which packets, by every data plane that needs no root (F-04, F-07, F-10, F-11).

use sg_tests::harness::address::{CLIENT, WEB};
use sg_tests::harness::flow_log::flow_log;
use sg_tests::harness::lab::{Permission, StandardLab, rule};
use sg_tests::harness::planes::planes;
use sg_userspace::aws::flow_log::FlowLogResource;
use sg_userspace::aws::network_acl::{NetworkAclEntry, RuleAction};
use sg_userspace::aws::protocol::{IpProtocol, PortRange};
use sg_userspace::aws::rule::{Direction, Peer};
use sg_userspace::aws::world::World;
use sg_userspace::dataplane::Sender;
use sg_userspace::dataplane::logged::{Decider, LoggedFlow};
use sg_userspace::packet::spec::{PacketSpec, TcpFlags, Transport};

/// The outsider, who pings and connects.
const OUTSIDER: [u8; 4] = [203, 0, 113, 9];
/// The number of the rule that lets it in.
const RULE: u32 = 8_000;

/// The web server lets the outsider in, and nothing out by itself; a flow log covers its interface alone.
fn lab() -> StandardLab {
    let mut lab = StandardLab::new();
    let permission = Permission {
        direction: Direction::Inbound,
        protocol: IpProtocol::All,
        ports: PortRange::ALL,
        peer: Peer::CidrIpv4("203.0.113.0/24".parse().unwrap()),
    };
    let web = &lab.groups["web"];
    lab.world.security_groups.get_mut(web).unwrap().rules.push(rule(RULE, permission));
    let log = flow_log(9_000, FlowLogResource::NetworkInterface(lab.interfaces["web"].clone()));
    lab.world.flow_logs.insert(log.id.clone(), log);
    lab
}

/// What the flow log has seen of these packets, on each data plane; they must agree.
fn seen(world: &World, packets: &[(Sender, PacketSpec)]) -> Vec<LoggedFlow> {
    let mut all: Vec<Vec<LoggedFlow>> = Vec::new();
    for mut plane in planes() {
        plane.dataplane.set_world(world).unwrap();
        for (sender, packet) in packets {
            plane.dataplane.judge(sender, packet).unwrap();
        }
        all.push(plane.dataplane.logged().unwrap());
        assert!(plane.dataplane.logged().unwrap().is_empty(), "{}: it is told once", plane.name);
    }
    assert!(all.windows(2).all(|pair| pair[0] == pair[1]), "{all:#?}");
    all.remove(0)
}

fn ping(lab: &StandardLab) -> [(Sender, PacketSpec); 2] {
    let echo = |kind| Transport::Icmp { kind, code: 0, id: 7 };
    let request = PacketSpec::new(OUTSIDER, WEB, echo(8));
    let reply = PacketSpec::new(WEB, OUTSIDER, echo(0));
    [(Sender::Internet, request), (Sender::Interface(lab.interfaces["web"].clone()), reply)]
}

/// Direction, verdict and decider.
fn verdicts(flows: &[LoggedFlow]) -> Vec<(Direction, bool, Option<Decider>)> {
    flows.iter().map(|flow| (flow.direction, flow.accepted, flow.decider)).collect()
}

#[test]
fn f04_f11_group_and_acl_leave_different_signatures() {
    let mut lab = lab();
    let by_rule = Some(Decider::Rule(RULE));
    let (into, out) = (Direction::Inbound, Direction::Outbound);
    let both = [(into, true, by_rule), (out, true, by_rule)];
    assert_eq!(verdicts(&seen(&lab.world, &ping(&lab))), both, "the group lets the reply go by its entry");

    // The ACL does not: ACCEPT of the request, REJECT of the reply.
    let deny = NetworkAclEntry {
        rule_number: 50,
        direction: out,
        protocol: IpProtocol::ICMP,
        ports: PortRange::ALL,
        cidr: "0.0.0.0/0".parse().unwrap(),
        action: RuleAction::Deny,
    };
    let acl = lab.world.network_acls.get_mut(&lab.acls["open"]).unwrap();
    acl.entries.push(deny);
    acl.entries.sort_by_key(|entry| (entry.direction, entry.rule_number));
    let found = verdicts(&seen(&lab.world, &ping(&lab)));
    assert_eq!(found, [(into, true, by_rule), (out, false, Some(Decider::AclEntry(50)))]);

    // Without the group's rule, a single REJECT.
    lab.world.security_groups.get_mut(&lab.groups["web"]).unwrap().rules.clear();
    assert_eq!(verdicts(&seen(&lab.world, &ping(&lab)[..1])), [(into, false, None)]);
}

#[test]
fn f04_a_packet_after_the_end_of_its_connection_is_rejected() {
    let lab = lab();
    let packet =
        |flags| (Sender::Internet, PacketSpec::tcp((OUTSIDER.into(), 40_000), (WEB.into(), 80), flags));
    let packets = [TcpFlags::SYN, TcpFlags::RST, TcpFlags::ACK].map(packet);
    let found: Vec<_> = seen(&lab.world, &packets).iter().map(|flow| (flow.accepted, flow.packets)).collect();
    assert_eq!(found, [(false, 1), (true, 2)]);
}

#[test]
fn f07_flags_of_a_window_are_ored_and_ack_alone_is_none() {
    let lab = lab();
    let web = Sender::Interface(lab.interfaces["web"].clone());
    let (client, server) = ((OUTSIDER.into(), 40_000), (WEB.into(), 80));
    let ask = |flags| (Sender::Internet, PacketSpec::tcp(client, server, flags));
    let answer = |flags| (web.clone(), PacketSpec::tcp(server, client, flags));
    let open = [ask(TcpFlags::SYN), answer(TcpFlags::SYN_ACK), ask(TcpFlags::ACK)];
    let flags =
        |packets: &[_]| -> Vec<u8> { seen(&lab.world, packets).iter().map(|flow| flow.tcp_flags).collect() };
    assert_eq!(flags(&open), [2, 18]);
    let close = [answer(TcpFlags::FIN_ACK), ask(TcpFlags::FIN_ACK)];
    assert_eq!(flags(&[&open[..], &close].concat()), [3, 19]);
    assert_eq!(flags(&[&open[..], &[ask(TcpFlags::RST)]].concat()), [6, 18]);
    assert_eq!(flags(&[ask(TcpFlags::ACK)]), [0]);
}

#[test]
fn f10_services_discovery_and_the_router_are_never_logged() {
    let lab = lab();
    let web = || Sender::Interface(lab.interfaces["web"].clone());
    let to = |address: [u8; 4]| (web(), PacketSpec::udp((WEB.into(), 5_000), (address.into(), 53)));
    let services =
        [[169, 254, 169, 253], [10, 0, 0, 2], [169, 254, 169, 254], [169, 254, 169, 123], [10, 0, 1, 1]]
            .map(to);
    assert_eq!(seen(&lab.world, &services), []);
    let dhcp = PacketSpec::udp(([0, 0, 0, 0].into(), 68), ([255, 255, 255, 255].into(), 67));
    assert_eq!(seen(&lab.world, &[(web(), dhcp)]), []);
    // A server of one's own is no service of Amazon's (E-21).
    assert_eq!(seen(&lab.world, &[to([8, 8, 8, 8])]).len(), 1);
}

/// Only whom a flow log covers is counted, and a packet between two of them twice (F-06).
#[test]
fn f06_each_end_has_a_record_of_its_own() {
    let mut lab = lab();
    let packet = PacketSpec::udp((CLIENT.into(), 5_000), (WEB.into(), 53));
    let sent = [(Sender::Interface(lab.interfaces["client"].clone()), packet)];
    assert_eq!(seen(&lab.world, &sent), [], "the client may not send, and is not covered");
    let vpc = lab.world.network_interfaces[&lab.interfaces["client"]].vpc_id.clone();
    let log = flow_log(9_001, FlowLogResource::Vpc(vpc));
    lab.world.flow_logs.insert(log.id.clone(), log);
    let numbers: Vec<u32> = seen(&lab.world, &sent).iter().map(|flow| flow.interface).collect();
    assert_eq!(numbers, [lab.world.network_interfaces[&lab.interfaces["client"]].number]);
    let permission = Permission {
        direction: Direction::Outbound,
        protocol: IpProtocol::All,
        ports: PortRange::ALL,
        peer: Peer::CidrIpv4("0.0.0.0/0".parse().unwrap()),
    };
    lab.world.security_groups.get_mut(&lab.groups["client"]).unwrap().rules.push(rule(RULE + 1, permission));
    let found = seen(&lab.world, &sent);
    assert_eq!(verdicts(&found).iter().filter(|(_, accepted, _)| *accepted).count(), 1);
    assert_eq!(found.len(), 2);
}
