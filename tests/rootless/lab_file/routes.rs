//! The gateways and routes that no lab file names and every lab's VPC has.

use sg_userspace::aws::route_table::{RouteState, RouteTarget};

use super::planned;

#[test]
fn a_lab_s_vpcs_show_the_ways_that_their_packets_have() {
    let text = "\
peerings: { joint: { requester: a, accepter: b }, over: { requester: b, accepter: c, status: deleted } }
vpcs:
  a: { cidr: 10.0.0.0/16, ipv6: 2001:db8::/56 }
  b: { cidr: [10.1.0.0/16, 10.2.0.0/16] }
  c: { cidr: 10.3.0.0/16 }
";
    let plan = planned(text);
    let world = &plan.world;
    for (name, wanted) in [
        ("a", &["0.0.0.0/0 out", "10.1.0.0/16 joint", "10.2.0.0/16 joint", "::/0 out"][..]),
        ("b", &["0.0.0.0/0 out", "10.0.0.0/16 joint", "10.3.0.0/16 over", "2001:db8::/56 joint"]),
        ("c", &["0.0.0.0/0 out", "10.1.0.0/16 over", "10.2.0.0/16 over"]),
    ] {
        let vpc_id = &plan.lab.vpcs[name];
        let gateway = world.internet_gateway_of(vpc_id).unwrap();
        assert_eq!(gateway.tags["Name"], name);
        let table = world.main_route_table_of(vpc_id).unwrap();
        let routes = table.routes.iter().map(|(block, target)| {
            let (way, leads_on) = match target {
                RouteTarget::InternetGateway(id) => ("out".to_owned(), *id == gateway.id),
                RouteTarget::VpcPeeringConnection(id) => {
                    let peering = &world.vpc_peering_connections[id];
                    (peering.tags["Name"].clone(), peering.tags["Name"] == "joint")
                }
            };
            let state = if leads_on { RouteState::Active } else { RouteState::Blackhole };
            assert_eq!(world.route_state(vpc_id, target), state, "{name}: {block}");
            format!("{block} {way}")
        });
        assert_eq!(routes.collect::<Vec<_>>(), wanted, "{name}");
    }
}
