//! Peerings, and what the groups of peered VPCs have of each other.

use sg_userspace::aws::peering::PeeringStatus;
use sg_userspace::aws::reference::stale_rules;
use sg_userspace::aws::rule::Direction;

use super::{check, planned, rules};

/// Two VPCs with a group each, the second's naming the first's, and these peerings on the first line.
fn lab(peerings: &str, other_cidr: &str) -> String {
    format!(
        "peerings: {{ {peerings} }}
vpcs:
  a:
    cidr: 10.0.0.0/16
    security-groups:
      web: {{}}
  b:
    cidr: {other_cidr}
    security-groups:
      db:
        inbound: [PostgreSQL from sg a/web]
"
    )
}

const OTHER: &str = "10.1.0.0/16";

#[test]
fn r_23_rules_refer_to_groups_over_a_peering() {
    let plan = planned(&lab("joint: { requester: a, accepter: b }", OTHER));
    let peering = &plan.world.vpc_peering_connections[&plan.lab.vpc_peering_connections["joint"]];
    assert_eq!(
        (&peering.requester_vpc_id, &peering.accepter_vpc_id),
        (&plan.lab.vpcs["a"], &plan.lab.vpcs["b"])
    );
    assert_eq!((peering.status, peering.tags["Name"].as_str()), (PeeringStatus::Active, "joint"));
    assert_eq!(rules(&plan, "b.db", Direction::Inbound), ["tcp 5432-5432 group web"]);
    assert!(stale_rules(&plan.world, &plan.lab.vpcs["b"]).is_empty());
}

#[test]
fn e_13_a_deleted_peering_leaves_stale_rules() {
    let plan = planned(&lab("joint: { requester: a, accepter: b, status: deleted }", OTHER));
    let peering = &plan.world.vpc_peering_connections[&plan.lab.vpc_peering_connections["joint"]];
    assert_eq!(peering.status, PeeringStatus::Deleted);
    assert_eq!(rules(&plan, "b.db", Direction::Inbound), ["tcp 5432-5432 group web"]);
    assert_eq!(stale_rules(&plan.world, &plan.lab.vpcs["b"]).len(), 1);
}

#[test]
fn r_23_without_an_active_peering_the_rule_is_refused_and_located() {
    for status in ["pending-acceptance", "rejected"] {
        let text = lab(&format!("joint: {{ requester: a, accepter: b, status: {status} }}"), OTHER);
        check(&text, 11, 19, &["vpcs.b.security-groups.db.inbound[0]", "InvalidGroup.NotFound"]);
        let planned = planned(&text.replace("sg a/web", "10.0.0.0/16"));
        let peering = planned.world.vpc_peering_connections.values().next().unwrap();
        assert_eq!(peering.status.to_string(), status);
    }
}

#[test]
fn what_is_wrong_with_a_peering_is_located() {
    let joint = "joint: { requester: a, accepter: b }";
    check(&lab(joint, "10.0.128.0/20"), 1, 13, &["peerings.joint", "VPCs a and b overlap"]);
    check(&lab("joint: { requester: a, accepter: c }", OTHER), 1, 46, &["no VPC `c`; there are: a, b"]);
    check(&lab("joint: { requester: a }", OTHER), 1, 22, &["missing field `accepter`"]);
    check(&lab("joint: { requester: a, accepter: b, status: failed }", OTHER), 1, 57, &["failed", "active"]);
    check(
        &lab(&format!("{joint}, again: {{ requester: b, accepter: a }}"), OTHER),
        1,
        51,
        &["peerings.again", "two VPCs have one peering at a time", "(VpcPeeringConnectionAlreadyExists)"],
    );
    let text = format!("quotas: {{ active-peerings-per-vpc: 0 }}\n{}", lab(joint, OTHER));
    check(&text, 2, 13, &["active-peerings-per-vpc: N", "VpcPeeringConnectionsPerVpcLimitExceeded"]);
}

#[test]
fn m_39_a_group_can_be_carried_in_an_associated_vpc() {
    let text = |groups: &str| {
        format!(
            "vpcs:
  a:
    cidr: 10.0.0.0/16
    security-groups: {groups}
  b:
    cidr: 10.1.0.0/16
    subnets: {{ main: {{ cidr: 10.1.0.0/24 }} }}
    instances: {{ one: {{ subnet: main, groups: [a/web] }} }}
"
        )
    };
    let plan = planned(&text("{ web: { associated-vpcs: [b] } }"));
    let one = plan.world.interfaces_of(&plan.lab.instances["one"].instance_id)[0];
    assert_eq!(one.groups, [plan.lab.security_groups["a.web"].clone()]);
    check(&text("{ web: {} }"), 8, 18, &["vpcs.b.instances.one"]);
    check(&text("{ web: { associated-vpcs: [c] } }"), 4, 49, &["no VPC `c`; there are: a, b"]);
    check(
        &text("{ default: { associated-vpcs: [b] } }"),
        4,
        53,
        &["associated-vpcs", "default security group"],
    );
}
