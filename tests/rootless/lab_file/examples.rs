//! The examples that come with sgsim.

use sg_userspace::aws::peering::PeeringStatus;
use sg_userspace::aws::rule::Direction;
use sg_userspace::lab::file::shorthand::Server;

use super::{planned, rules};

const ACCOUNT: &str = include_str!("../../../examples/account.yaml");
const ARTICLE: &str = include_str!("../../../examples/article.yaml");
const ARTICLE_REAL: &str = include_str!("../../../examples/article-real.yaml");
const THREE: &str = include_str!("../../../examples/three.yaml");
const PEERING: &str = include_str!("../../../examples/peering.yaml");
const HUNDRED: &str = include_str!("../../../examples/hundred.yaml");

#[test]
fn article_has_its_groups_instances_and_servers() {
    let plan = planned(ARTICLE);
    let inbound = |group: &str| rules(&plan, group, Direction::Inbound);
    assert_eq!(
        inbound("lab.web"),
        [
            "tcp 80-80 0.0.0.0/0",
            "tcp 80-80 ::/0",
            "tcp 443-443 0.0.0.0/0",
            "tcp 443-443 ::/0",
            "tcp 22-22 group maintenance"
        ]
    );
    assert_eq!(inbound("lab.db"), ["tcp 5432-5432 group web", "tcp 22-22 group maintenance"]);
    assert_eq!(inbound("lab.admin"), ["tcp 22-22 203.0.113.10/32"]);
    assert_eq!(rules(&plan, "lab.web", Direction::Outbound), ["-1 -1--1 0.0.0.0/0", "-1 -1--1 ::/0"]);
    let bastion = &plan.lab.instances["bastion"];
    let groups: Vec<_> = plan
        .world
        .interfaces_of(&bastion.instance_id)
        .iter()
        .map(|interface| plan.world.security_groups[&interface.groups[0]].name.clone())
        .collect();
    assert_eq!(groups, ["admin", "maintenance"]);
    assert_eq!(plan.lab.instances["db-1"].servers, [Server::Tcp(5432), Server::Tcp(22)]);
    let web = plan.world.interfaces_of(&plan.lab.instances["web-1"].instance_id)[0];
    assert_eq!(web.private_ipv4, ["10.0.1.4".parse::<std::net::Ipv4Addr>().unwrap()]);
    assert_eq!(web.ipv6, ["2001:db8:10:1::4".parse::<std::net::Ipv6Addr>().unwrap()]);
}

#[test]
fn article_real_differs_in_its_servers_only() {
    let (builtin, real) = (planned(ARTICLE), planned(ARTICLE_REAL));
    assert_eq!(builtin.world, real.world);
    assert!(real.lab.instances["db-1"].servers.contains(&Server::Postgres(5432)));
}

#[test]
fn account_is_what_aws_opens_it_with() {
    let plan = planned(ACCOUNT);
    let world = &plan.world;
    assert!(world.vpcs.values().all(|vpc| vpc.is_default));
    assert_eq!((world.vpcs.len(), world.subnets.len(), world.instances.len()), (1, 3, 0));
    assert_eq!(world.security_groups.len(), 1, "the default group");
    assert_eq!(rules(&plan, "default.default", Direction::Inbound), ["-1 -1--1 group default"], "M-31");
}

#[test]
fn three_is_small_and_its_client_has_the_default_group() {
    let plan = planned(THREE);
    assert_eq!(plan.world.instances.len(), 3);
    let client = plan.world.interfaces_of(&plan.lab.instances["client"].instance_id)[0];
    assert_eq!(client.groups, [plan.lab.security_groups["lab.default"].clone()]);
    assert_eq!(rules(&plan, "lab.web", Direction::Inbound), ["tcp 80-80 0.0.0.0/0"], "no IPv6 in this VPC");
}

#[test]
fn hundred_counts_from_one() {
    let plan = planned(HUNDRED);
    assert_eq!(plan.world.instances.len(), 101);
    assert!(plan.lab.instances.contains_key("worker-1") && plan.lab.instances.contains_key("worker-100"));
    assert_eq!(
        rules(&plan, "lab.worker", Direction::Inbound),
        ["tcp 7000-7000 group worker", "icmp 8--1 group worker"]
    );
    let mut slots: Vec<_> = plan.world.network_interfaces.values().map(|interface| interface.slot).collect();
    slots.sort_unstable();
    assert_eq!(slots, (0..101).collect::<Vec<u32>>());
}

#[test]
fn changes_name_every_object_of_the_plan_and_the_same_file_gives_the_same_world() {
    for text in [ARTICLE, PEERING] {
        check_changes(text);
    }
}

#[track_caller]
fn check_changes(text: &str) {
    let plan = planned(text);
    let world = &plan.world;
    let rules = world.security_groups.values().map(|group| group.rules.len()).sum::<usize>();
    let objects = world.tagged().count() - rules;
    assert_eq!(plan.changes.keys.len(), objects + 1, "all objects and the settings");
    assert_eq!(planned(text), plan);
}

#[test]
fn peering_has_references_across_an_acl_and_a_prefix_list() {
    let plan = planned(PEERING);
    let world = &plan.world;
    let peering = &world.vpc_peering_connections[&plan.lab.vpc_peering_connections["app-shared"]];
    assert_eq!((peering.status, world.instances.len()), (PeeringStatus::Active, 4));
    assert_eq!(
        rules(&plan, "shared.db", Direction::Inbound),
        ["tcp 5432-5432 group web", "tcp 5432-5432 group worker", "tcp 5432-5432 group monitor"]
    );
    let offices = &plan.lab.prefix_lists["offices"];
    assert_eq!(
        rules(&plan, "app.web", Direction::Inbound),
        ["tcp 80-80 0.0.0.0/0".to_owned(), format!("tcp 22-22 {offices}")]
    );
    assert_eq!(
        (world.prefix_lists[offices].max_entries, world.prefix_lists[offices].entries().len()),
        (4, 2)
    );
    assert_eq!(world.vpcs[&plan.lab.vpcs["app"]].internet_mtu, 1400);
    let edge = &plan.lab.network_acls["app.edge"];
    assert_eq!(&world.subnets[&plan.lab.subnets["app.public"]].network_acl_id, edge);
    assert_ne!(&world.subnets[&plan.lab.subnets["app.private"]].network_acl_id, edge);
    let worker = &plan.lab.instances["worker"];
    assert_eq!(world.instances[&worker.instance_id].connection_allowance, 1000);
    assert_eq!(world.network_interfaces[&worker.interface_ids[0]].connection_tracking.tcp_established, 350);
}

#[test]
fn the_documented_file_is_right() {
    let page = include_str!("../../../docs/lab-file.md");
    let text = page.split("```").nth(1).and_then(|block| block.strip_prefix("yaml\n")).unwrap();
    let plan = planned(text);
    assert_eq!((plan.world.vpcs.len(), plan.world.instances.len()), (2, 4));
}
