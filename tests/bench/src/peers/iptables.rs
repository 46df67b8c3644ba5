//! An estate as OpenStack's iptables drivers write it: a chain for each port and direction, found by going through the ports one by
//! one; a rule of a group is a rule of the chain; the members of a group that rules name are an ipset; conntrack lets established
//! flows pass first.
//!
//! The ports under test stand in the middle of the rest, as the average port does, or last, as the worst one does; they have all
//! of their rules. The other ports, whose rules no packet under test meets, have so many of theirs that the table has the size that
//! such hosts are known to have.

use std::fmt::Write as _;

use crate::estate::{CLIENT, Estate, Interface, Remote, Rule, SERVER};

/// Rules of each group that a port has which is not under test.
const RULES_OF_OTHERS: usize = 11;

/// Where the ports under test stand among the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Half of the others come first.
    Middle,
    /// All of the others come first.
    Last,
}

/// The sets, for `ipset restore`.
pub(crate) fn sets(estate: &Estate) -> String {
    let mut text = String::new();
    for place in 0..estate.groups.len() {
        let _ = writeln!(text, "create NIPv4sg{place} hash:net family inet hashsize 1024 maxelem 131072");
        for member in estate.members(place) {
            let _ = writeln!(text, "add NIPv4sg{place} {member}");
        }
    }
    text
}

/// The rules, for `iptables-restore`.
pub(crate) fn rules(estate: &Estate, standing: Standing) -> String {
    let ports = in_order(estate, standing);
    let mut text = "*filter\n:FORWARD DROP [0:0]\n:OUTJ - [0:0]\n:INJ - [0:0]\n".to_owned();
    for (_, port) in &ports {
        let _ = writeln!(text, ":p{0}i - [0:0]\n:p{0}o - [0:0]", port.link);
    }
    text.push_str(
        "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n\
         -A FORWARD -m conntrack --ctstate INVALID -j DROP\n\
         -A FORWARD -j OUTJ\n-A FORWARD -j INJ\n-A FORWARD -j ACCEPT\n",
    );
    for (_, port) in &ports {
        let _ = writeln!(text, "-A OUTJ -i {0} -g p{0}o\n-A INJ -o {0} -g p{0}i", port.link);
    }
    for (place, port) in &ports {
        let most = if [CLIENT, SERVER].contains(place) { usize::MAX } else { RULES_OF_OTHERS };
        for way in [Way::In, Way::Out] {
            for group in &port.groups {
                let group = &estate.groups[*group];
                let rules = if way == Way::In { &group.inbound } else { &group.outbound };
                for rule in rules.iter().take(most) {
                    text.push_str(&line(&port.link, way, rule));
                }
            }
            let _ = writeln!(text, "-A p{}{} -j DROP", port.link, way.letter());
        }
    }
    text.push_str("COMMIT\n");
    text
}

/// A direction, as the instance sees it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    In,
    Out,
}

impl Way {
    fn letter(self) -> char {
        if self == Self::In { 'i' } else { 'o' }
    }
}

/// The interfaces with their places, those under test, which are the estate's first, where they stand.
fn in_order(estate: &Estate, standing: Standing) -> Vec<(usize, &Interface)> {
    let mut ports: Vec<_> = estate.interfaces.iter().enumerate().collect();
    let end = match standing {
        Standing::Middle => ports.len() / 2 + 1,
        Standing::Last => ports.len(),
    };
    ports[..end].rotate_left(2);
    ports
}

fn line(link: &str, way: Way, rule: &Rule) -> String {
    let protocol = rule.protocol.name();
    let ports = format!("-p {protocol} -m {protocol} --dport {}:{}", rule.ports.0, rule.ports.1);
    let chain = format!("p{link}{}", way.letter());
    let (block_flag, set_flag) = if way == Way::In { ("-s", "src") } else { ("-d", "dst") };
    match rule.remote {
        Remote::Block(block) => format!("-A {chain} {block_flag} {block} {ports} -j RETURN\n"),
        Remote::Group(place) => {
            format!("-A {chain} {ports} -m set --match-set NIPv4sg{place} {set_flag} -j RETURN\n")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estate::Size;

    #[test]
    fn ports_under_test_have_all_their_rules_and_stand_where_they_should() {
        let estate = Estate::new(Size { interfaces: 12, groups: 8, rules: 60, groups_each: 5 });
        let text = rules(&estate, Standing::Middle);
        assert_eq!(text.matches("-A phai ").count(), 301);
        assert_eq!(text.matches("-A pe7o ").count(), 56);
        for (standing, place) in [(Standing::Middle, 5), (Standing::Last, 10)] {
            let text = rules(&estate, standing);
            let dispatched: Vec<&str> = text.lines().filter(|line| line.starts_with("-A INJ -o ")).collect();
            let [client, server] = [dispatched[place], dispatched[place + 1]];
            assert!(client.contains(" ha ") && server.contains(" hb "), "{dispatched:?}");
        }
        assert!(text.contains("-A phbi -s 10.0.0.0/16 -p udp -m udp --dport 5000:7100 -j RETURN"));
        assert_eq!(sets(&estate).matches("create ").count(), 8);
    }
}
