//! An estate as nftables' best practice: a verdict map finds an interface's chain at once, a group's blocks are one set of address,
//! protocol and ports with intervals (pipapo), the members of a group are a hash that takes one element a change, and conntrack
//! lets established flows pass first. Both ends judge, each in a base chain of its own.

use std::fmt::Write as _;

use crate::estate::{Estate, Interface, Remote, Rule};

/// The rule set, for `nft -f`.
pub(crate) fn rules(estate: &Estate) -> String {
    let mut text = "table inet sg {\n".to_owned();
    for place in 0..estate.groups.len() {
        let members: Vec<String> = estate.members(place).map(|address| address.to_string()).collect();
        let _ = writeln!(text, " set mem{place} {{ type ipv4_addr; size 131072; {} }}", elements(&members));
    }
    for (place, group) in estate.groups.iter().enumerate() {
        for (way, remote, rules) in [("in", "saddr", &group.inbound), ("out", "daddr", &group.outbound)] {
            let blocks: Vec<String> = rules.iter().filter_map(block_element).collect();
            let _ = writeln!(
                text,
                " set sg{place}_{way} {{ type ipv4_addr . inet_proto . inet_service; flags interval; {} }}",
                elements(&blocks)
            );
            let _ = writeln!(text, " chain g{place}_{way} {{");
            let _ = writeln!(text, "  ip {remote} . meta l4proto . th dport @sg{place}_{way} accept");
            text.push_str(&member_rules(remote, rules));
            text.push_str(" }\n");
        }
    }
    for way in ["in", "out"] {
        for interface in &estate.interfaces {
            text.push_str(&interface_chain(interface, way));
        }
        let gotos: Vec<String> = estate
            .interfaces
            .iter()
            .map(|interface| format!("\"{0}\" : goto eni_{0}_{way}", interface.link))
            .collect();
        let _ = writeln!(text, " map m_{way} {{ type ifname : verdict; {} }}", elements(&gotos));
    }
    text.push_str(
        " chain f0 { type filter hook forward priority 0; policy drop; ct state established,related accept; \
         ct state invalid drop; iifname vmap @m_out\n }\n \
         chain f1 { type filter hook forward priority 1; policy drop; ct state established,related accept; \
         oifname vmap @m_in\n }\n}\n",
    );
    text
}

fn elements(list: &[String]) -> String {
    // nft takes no empty list.
    if list.is_empty() { String::new() } else { format!("elements = {{ {} }}", list.join(", ")) }
}

/// A rule about a block, as an element of its group's set.
fn block_element(rule: &Rule) -> Option<String> {
    let Remote::Block(block) = rule.remote else { return None };
    Some(format!("{block} . {} . {}-{}", rule.protocol.name(), rule.ports.0, rule.ports.1))
}

/// The rules about members: one statement for each group that is named.
fn member_rules(remote: &str, rules: &[Rule]) -> String {
    let mut text = String::new();
    let mut named: Vec<usize> = Vec::new();
    for rule in rules {
        let Remote::Group(place) = rule.remote else { continue };
        if named.contains(&place) {
            continue;
        }
        named.push(place);
        let of_it =
            rules.iter().filter(|other| other.remote == rule.remote && other.protocol == rule.protocol);
        let ports: Vec<String> = of_it.map(|other| format!("{}-{}", other.ports.0, other.ports.1)).collect();
        let (protocol, ports) = (rule.protocol.name(), ports.join(", "));
        let _ = writeln!(text, "  ip {remote} @mem{place} {protocol} dport {{ {ports} }} accept");
    }
    text
}

fn interface_chain(interface: &Interface, way: &str) -> String {
    let jumps: Vec<String> = interface.groups.iter().map(|group| format!("jump g{group}_{way}")).collect();
    format!(" chain eni_{}_{way} {{\n  {}\n  drop\n }}\n", interface.link, jumps.join("\n  "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estate::Size;

    fn element_count(text: &str, set: &str) -> usize {
        let line = text.lines().find(|line| line.contains(&format!("set {set} "))).unwrap();
        line.split_once("elements").map_or(0, |(_, elements)| elements.split(',').count())
    }

    #[test]
    fn nothing_of_an_estate_is_left_out() {
        let text = rules(&Estate::new(Size { interfaces: 12, groups: 8, rules: 60, groups_each: 5 }));
        // 60 rules, of which nine name a group.
        assert_eq!(element_count(&text, "sg7_in"), 51);
        assert_eq!(text.matches("@mem").count(), 16);
        assert_eq!(text.matches(" chain eni_").count(), 24);
        assert!(text.contains("10.0.0.0/16 . udp . 5000-7100"));
    }
}
