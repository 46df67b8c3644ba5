//! The standard lab as a lab file, for tests that drive the built program.

use super::address::{CLIENT, CLIENT6, DB, DB6, OUTSIDER, OUTSIDER6, VPC, VPC6, WEB, WEB6};

/// Three instances with groups of their own names, which allow nothing inbound, and an internet host; all serve TCP 80
/// and UDP 53. `client` and `web` share a subnet, `db` is in another.
pub fn standard_lab() -> String {
    format!(
        "\
vpcs:
  lab:
    cidr: {VPC}
    ipv6: '{VPC6}'
    subnets:
      near: {{ cidr: 10.0.1.0/24, ipv6: '2600:1f18:0:101::/64' }}
      next: {{ cidr: 10.0.2.0/24, ipv6: '2600:1f18:0:102::/64' }}
    security-groups:
      client: {{}}
      web: {{}}
      db: {{}}
    instances:
      client: {{ subnet: near, groups: [client], address: {CLIENT}, ipv6: ['{CLIENT6}'], servers: [tcp 80, udp 53] }}
      web: {{ subnet: near, groups: [web], address: {WEB}, ipv6: ['{WEB6}'], servers: [tcp 80, udp 53] }}
      db: {{ subnet: next, groups: [db], address: {DB}, ipv6: ['{DB6}'], servers: [tcp 80, udp 53] }}
internet: {{ ipv4: {OUTSIDER}, ipv6: '{OUTSIDER6}', servers: [tcp 80, udp 53] }}
"
    )
}
