//! `sgsim acl` and `sgsim peering`, against a controller whose data plane is in memory.

use super::live::{fails, json, run, says};
use sg_tests::harness::place::Place;

const LAB: &str = "\
vpcs:
  lab:
    cidr: 10.0.0.0/16
    ipv6: 2001:db8:10::/56
    subnets: {public: {cidr: 10.0.1.0/24}}
    instances: {web-1: {subnet: public}}
  shared:
    cidr: 10.1.0.0/16
    subnets: {main: {cidr: 10.1.1.0/24}}
    security-groups: {db: {}}
  same:
    cidr: 10.1.128.0/20
";

#[test]
fn acls_are_made_filled_changed_associated_and_deleted() {
    Place::of(LAB).serve(|state| {
        fails(
            state,
            "acl create edge",
            "there are several VPCs (lab, same, shared); say which one with --vpc",
        );
        says(state, "acl create edge --vpc lab", "(edge)");
        says(
            state,
            "acl allow edge 100 inbound HTTP from anywhere-ipv4",
            "(edge): inbound allow tcp 80 from 0.0.0.0/0)",
        );
        fails(
            state,
            "acl deny edge 100 inbound all from 10.0.0.0/8",
            "`sgsim acl replace` changes what an entry says",
        );
        fails(state, "acl allow edge 110 inbound HTTP from anywhere", "anywhere-ipv4 or anywhere-ipv6");
        fails(state, "acl allow edge 110 inbound HTTP to 10.0.0.0/8", "says `from`, not `to`");
        says(state, "acl deny edge 90 outbound icmp 3/4 to ::/0", "outbound deny icmp 3/4 to ::/0");
        let replace = "acl replace edge 100 ingress deny tcp 22 from my-ip";
        says(state, replace, "replaced 100");
        says(state, replace, "inbound deny tcp 22 from 203.0.113.10/32");
        fails(
            state,
            "acl replace edge 101 inbound deny all from ::/0",
            "`sgsim acl show` shows which entries",
        );
        fails(state, "acl replace edge 100 inbound drop all from ::/0", "starts with `allow` or `deny`");

        says(state, "acl associate public edge", "(edge)");
        let shown = says(state, "acl show edge", "(edge) in lab, at the border of: public");
        let rows: Vec<_> =
            shown.lines().skip(3).map(|row| row.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(
            rows,
            [
                "inbound 100 tcp 22 203.0.113.10/32 deny",
                "inbound * all all 0.0.0.0/0 deny",
                "inbound * all all ::/0 deny",
                "outbound 90 icmp 3/4 ::/0 deny",
                "outbound * all all 0.0.0.0/0 deny",
                "outbound * all all ::/0 deny",
            ]
        );
        let edge = &json(state, "acl show edge")["network_acl"];
        assert_eq!((&edge["name"], &edge["subnets"][0]["name"]), (&"edge".into(), &"public".into()));
        let (first, last) = (&edge["entries"][0], &edge["entries"][5]);
        assert_eq!((&first["rule_number"], &first["action"]), (&100.into(), &"deny".into()));
        assert_eq!((&last["rule_number"], &last["cidr"]), (&32_768.into(), &"::/0".into()));

        fails(state, "acl delete edge", "give public another with `sgsim acl associate`");
        fails(state, "acl associate public shared/default", "belong to different networks");
        // Among several of that name, the one of the subnet's VPC.
        says(state, "acl associate public default", "(default)");
        says(state, "acl remove edge 90 outbound", "removed 90");
        fails(state, "acl remove edge 90 outbound", "no egress entry with number 90");
        says(state, "acl delete edge", "deleted acl-");
        fails(state, "acl delete default", "several VPCs have a network ACL `default`");
        fails(state, "acl delete lab/default", "cannot delete default network ACL");
        let acls = json(state, "acl list --vpc lab");
        assert_eq!(acls["network_acls"].as_array().unwrap().len(), 1);
        assert_eq!(run(state, 0, "acl list").lines().count(), 4);
    });
}

#[test]
fn peerings_are_asked_for_accepted_rejected_and_deleted() {
    Place::of(LAB).serve(|state| {
        says(state, "peering list", "no peerings");
        says(state, "peering create lab shared --name joint", "(lab with shared) is pending-acceptance");
        fails(state, "peering create shared lab", "already exists");
        fails(state, "rule allow db inbound tcp 5432 from sg lab/default", "different networks");
        says(state, "peering accept shared/lab", "is active");
        says(state, "rule allow db inbound tcp 5432 from sg lab/default", "from sg lab/default");
        fails(state, "peering reject joint", "`sgsim peering list` shows how far each peering has come");
        says(state, "peering delete joint", "is deleted");
        says(state, "rule list db", "(default)");
        says(state, "peering create lab shared --accept", "is active");

        // The peering failed, and the command says so.
        assert!(run(state, 1, "peering create shared same").is_empty());
        let peerings = json(state, "peering list");
        let statuses: Vec<_> =
            peerings["peerings"].as_array().unwrap().iter().map(|it| it["status"].clone()).collect();
        assert_eq!(statuses, ["deleted", "active", "failed"]);
        assert_eq!(peerings["peerings"][0]["requester"]["vpc_name"], "lab");
        fails(state, "peering accept other/lab", "there is no peering `other/lab`");
    });
}
