//! Prefix lists and the rules that name them.

use sg_userspace::aws::prefix_list::AddressFamily;
use sg_userspace::aws::rule::Direction;

use super::{check, planned, rules};

/// A VPC whose one group allows SSH from `offices`, which is this list on the first line.
fn lab(list: &str) -> String {
    format!(
        "prefix-lists: {{ offices: {list} }}
vpcs:
  lab:
    cidr: 10.0.0.0/16
    security-groups:
      web: {{ inbound: [SSH from pl offices] }}
"
    )
}

#[test]
fn r_31_rules_name_prefix_lists() {
    let plan = planned(&lab("{ entries: [203.0.113.7/24, { cidr: 198.51.100.0/24, description: branch }] }"));
    let id = &plan.lab.prefix_lists["offices"];
    assert_eq!(rules(&plan, "lab.web", Direction::Inbound), [format!("tcp 22-22 {id}")]);
    let list = &plan.world.prefix_lists[id];
    assert_eq!(
        (list.name.as_str(), list.address_family, list.max_entries),
        ("offices", AddressFamily::Ipv4, 2)
    );
    let entries: Vec<_> =
        list.entries().iter().map(|it| (it.cidr.to_string(), it.description.as_deref())).collect();
    assert_eq!(
        entries,
        [("203.0.113.0/24".to_owned(), None), ("198.51.100.0/24".to_owned(), Some("branch"))]
    );
}

#[test]
fn r_33_a_list_can_be_empty_and_costs_what_it_could_hold() {
    let plan = planned(&lab("{ family: ipv6, max-entries: 60 }"));
    let list = &plan.world.prefix_lists[&plan.lab.prefix_lists["offices"]];
    assert_eq!((list.address_family, list.max_entries, list.entries().len()), (AddressFamily::Ipv6, 60, 0));
    check(
        &lab("{ family: IPv6, max-entries: 61 }"),
        6,
        24,
        &["vpcs.lab.security-groups.web.inbound[0]", "RulesPerSecurityGroupLimitExceeded"],
    );
}

#[test]
fn what_is_wrong_with_a_prefix_list_is_located() {
    check(&lab("{}"), 1, 17, &["prefix-lists.offices", "`entries`, or a `family`"]);
    check(&lab("{ entries: [10.0.0.0/8, '::/0'] }"), 1, 50, &["prefix-lists.offices", "IPv6"]);
    check(&lab("{ entries: [10.0.0.0] }"), 1, 38, &["`10.0.0.0` is not a block such as 10.0.0.0/8"]);
    check(&lab("{ family: IPv5 }"), 1, 36, &["`IPv5` is not IPv4 or IPv6"]);
    check(&lab("{ max-entries: 1, entries: [10.0.0.0/8, 11.0.0.0/8] }"), 1, 17, &["prefix-lists.offices"]);
    check(&lab("{ entries: [10.0.0.0/8] }").replace("pl offices", "pl ofices"), 6, 24, &["ofices"]);
}
