//! Scripts: what happens in the standard lab and what must come of it, a line each.
//!
//! ```text
//! + ask: client out tcp 443 VPC          a rule of a group (see `rule_text`); `- ask` removes it
//! + serve: web in tcp 443 client
//! client: tcp CLIENT:40000 > WEB:443 S => out rule ask, in rule serve
//! web: tcp WEB:443 > CLIENT:40000 S. => out flow serve, in flow ask
//! flows client ask, web serve            every live entry, by interface and admitting rule, in any order
//! advance 30                             seconds
//! groups web: other db                   `check web off`, `address web 10.0.1.77`, `unaddress web 10.0.1.77`
//! acl custom: 100 allow in tcp 443 VPC   an entry of a network ACL; `unacl custom: 100 in` removes it
//! border next custom                     a subnet's ACL
//! timers web 60 30 60                   an interface's idle timeouts: TCP established, UDP, UDP stream
//! peering active                         how far the peering of the two VPCs has come
//! blocks list: VPC 203.0.113.0/24        a prefix list's new version
//! allowance web 2                        how many connections the interface's instance may track
//! mtu 1400                               what the way from the first VPC to the internet carries
//! internet: udp OUTSIDER:53 > WEB:53 => in no-rule
//! ```

use std::collections::BTreeMap;
use std::net::IpAddr;

use sg_userspace::aws::ids::NetworkInterfaceId;
use sg_userspace::aws::interface::ConnectionTracking;
use sg_userspace::aws::network_acl::{NetworkAclEntry, RuleAction};
use sg_userspace::aws::rule::{Direction, Peer};
use sg_userspace::dataplane::reason::Reason;
use sg_userspace::dataplane::{Flow, Outcome, Sender};
use sg_userspace::packet::spec::PacketSpec;
use sg_userspace::scenario::edit::Edit;
use sg_userspace::scenario::report::{FlowLine, WorldSummary};
use sg_userspace::scenario::{Event, Run, Step};

use super::address;
use super::lab::{Permission, StandardLab, rule};
use super::planes::{Plane, planes};
use super::rule_text::{permission, with_blocks};

/// A line of a script.
enum Line {
    /// Something happens; a packet's outcome is the text.
    Event(Box<Event>, Option<String>),
    /// The live entries must be these.
    Flows(Vec<String>),
}

/// A script with its names.
struct Script {
    lab: StandardLab,
    /// Numbers of rules by name.
    rules: BTreeMap<String, u32>,
}

/// Runs a script on every data plane that needs no root.
///
/// # Panics
/// Where an outcome or the entries are not what the script says.
#[track_caller]
pub fn check(text: &str) {
    for plane in planes() {
        if let Err(difference) = run(plane, text) {
            panic!("{difference}");
        }
    }
}

/// Runs a script on one data plane.
///
/// # Errors
/// In words, where an outcome or the entries are not what the script says.
///
/// # Panics
/// Where the text is no script, or the data plane's machinery fails.
pub fn run(plane: Plane, text: &str) -> Result<(), String> {
    let mut dataplane = plane.dataplane;
    let mut script = Script { lab: StandardLab::new(), rules: BTreeMap::new() };
    let start = script.lab.world.clone();
    let mut run = Run::start(&mut *dataplane, &start).unwrap();
    for (i, line) in text.lines().enumerate() {
        let Some(parsed) = script.line(line) else { continue };
        let (expected, found) = match parsed {
            Line::Event(event, expected) => match run.step(&event).unwrap() {
                Step::Judged(outcome) => (expected.unwrap(), script.outcome(&outcome)),
                Step::Done => continue,
            },
            Line::Flows(mut expected) => {
                let flows = run.dataplane().flows().unwrap();
                let mut found: Vec<_> = flows.iter().map(|flow| script.flow(flow)).collect();
                expected.sort();
                found.sort();
                (expected.join(", "), found.join(", "))
            }
        };
        if expected != found {
            let flows = run.dataplane().flows().unwrap();
            let flows: Vec<_> = flows.iter().map(|flow| FlowLine(flow).to_string()).collect();
            return Err(format!(
                "line {} on the {}:\n  {}\nexpected: {expected}\nfound:    {found}\n\nflows:\n{}\n\n{}",
                i + 1,
                plane.name,
                line.trim(),
                flows.join("\n"),
                WorldSummary(run.world())
            ));
        }
    }
    Ok(())
}

impl Script {
    /// Reads a line; nothing for an empty one or a comment.
    fn line(&mut self, line: &str) -> Option<Line> {
        let text = address::resolve(line.trim().trim_end_matches(','));
        if text.is_empty() || text.starts_with('#') {
            return None;
        }
        let (word, rest) = text.split_once(' ').unwrap_or((&text, ""));
        let edit = match word {
            "+" => self.add_rule(rest),
            "-" => Edit::RemoveRule { number: self.rules[rest] },
            "groups" => {
                let (interface, groups) = rest.split_once(": ").unwrap();
                let groups = groups.split(' ').map(|name| self.lab.groups[name].clone()).collect();
                Edit::SetGroups { interface: self.interface(interface), groups }
            }
            "check" => {
                let (interface, state) = rest.split_once(' ').unwrap();
                Edit::SetSourceDestCheck { interface: self.interface(interface), enabled: state == "on" }
            }
            "address" => {
                let (interface, address) = self.interface_and_address(rest);
                Edit::AddAddress { interface, address }
            }
            "unaddress" => {
                let (interface, address) = self.interface_and_address(rest);
                Edit::RemoveAddress { interface, address }
            }
            "acl" => self.put_entry(rest),
            "unacl" => {
                let (acl, entry) = rest.split_once(": ").unwrap();
                let (number, direction) = entry.split_once(' ').unwrap();
                let direction = if direction == "in" { Direction::Inbound } else { Direction::Outbound };
                let acl = self.lab.acls[acl].clone();
                Edit::RemoveAclEntry { acl, direction, rule_number: number.parse().unwrap() }
            }
            "border" => {
                let (subnet, acl) = rest.split_once(' ').unwrap();
                Edit::SetNetworkAcl {
                    subnet: self.lab.subnets[subnet].clone(),
                    acl: self.lab.acls[acl].clone(),
                }
            }
            "timers" => {
                let (interface, seconds) = rest.split_once(' ').unwrap();
                let seconds: Vec<u32> = seconds.split(' ').map(|word| word.parse().unwrap()).collect();
                let [tcp_established, udp, udp_stream] = seconds[..] else {
                    panic!("three timers: `{text}`")
                };
                let timers = ConnectionTracking { tcp_established, udp, udp_stream };
                Edit::SetConnectionTracking { interface: self.interface(interface), timers }
            }
            "peering" => {
                let status = serde_json::from_str(&format!("\"{rest}\"")).unwrap();
                Edit::SetPeeringStatus { peering: self.lab.peering.clone(), status }
            }
            "blocks" => {
                let (list, blocks) = rest.split_once(':').unwrap();
                let blocks = with_blocks(blocks);
                let blocks = blocks.split_whitespace().map(|block| block.parse().unwrap()).collect();
                Edit::SetPrefixList { list: self.lab.lists[list].clone(), blocks }
            }
            "allowance" => {
                let (interface, connections) = rest.split_once(' ').unwrap();
                let attachment = &self.lab.world.network_interfaces[&self.interface(interface)].attachment;
                let instance = attachment.as_ref().unwrap().instance_id.clone();
                Edit::SetConnectionAllowance { instance, connections: connections.parse().unwrap() }
            }
            "mtu" => {
                let near = &self.lab.world.subnets[&self.lab.subnets["near"]];
                Edit::SetInternetMtu { vpc: near.vpc_id.clone(), bytes: rest.parse().unwrap() }
            }
            "delete" => Edit::DeleteInterface { interface: self.interface(rest) },
            "advance" => {
                return Some(Line::Event(Box::new(Event::Advance { seconds: rest.parse().unwrap() }), None));
            }
            "flows" => {
                let flows = rest.split(", ").filter(|flow| !flow.is_empty());
                return Some(Line::Flows(flows.map(|flow| flow.trim().to_owned()).collect()));
            }
            sender => return Some(self.send(sender, rest)),
        };
        Some(Line::Event(Box::new(Event::Edit(edit)), None))
    }

    fn send(&self, sender: &str, rest: &str) -> Line {
        let sender = match sender.strip_suffix(':').unwrap_or_else(|| panic!("what is `{sender} {rest}`?")) {
            "internet" => Sender::Internet,
            name => Sender::Interface(self.interface(name)),
        };
        let (packet, outcome) = rest.split_once(" => ").unwrap_or_else(|| panic!("`{rest}` expects nothing"));
        let packet: PacketSpec = packet.parse().unwrap_or_else(|error| panic!("`{packet}`: {error}"));
        Line::Event(Box::new(Event::Send { sender, packet }), Some(outcome.to_owned()))
    }

    fn add_rule(&mut self, rest: &str) -> Edit {
        let (name, text) = rest.split_once(": ").unwrap();
        let (group, text) = text.split_once(' ').unwrap();
        let number = u32::try_from(1000 + self.rules.len()).unwrap();
        assert!(self.rules.insert(name.to_owned(), number).is_none(), "two rules are called `{name}`");
        let rule = rule(number, permission(text, &self.lab));
        Edit::AddRule { group: self.lab.groups[group].clone(), rule }
    }

    /// `custom: 100 allow in tcp 443 VPC`.
    fn put_entry(&self, rest: &str) -> Edit {
        let (acl, text) = rest.split_once(": ").unwrap();
        let (number, text) = text.split_once(' ').unwrap();
        let (action, text) = text.split_once(' ').unwrap();
        let Permission { direction, protocol, ports, peer } = permission(text, &self.lab);
        let cidr = match peer {
            Peer::CidrIpv4(block) => block.into(),
            Peer::CidrIpv6(block) => block.into(),
            Peer::PrefixList(_) | Peer::ReferencedGroup(_) => {
                panic!("a network ACL knows blocks only: `{text}`")
            }
        };
        let action = match action {
            "allow" => RuleAction::Allow,
            "deny" => RuleAction::Deny,
            word => panic!("`{word}` is neither `allow` nor `deny`"),
        };
        let rule_number = number.parse().unwrap();
        let entry = NetworkAclEntry { rule_number, direction, protocol, ports, cidr, action };
        Edit::PutAclEntry { acl: self.lab.acls[acl].clone(), entry }
    }

    fn interface(&self, name: &str) -> NetworkInterfaceId {
        self.lab.interfaces.get(name).unwrap_or_else(|| panic!("no interface is called `{name}`")).clone()
    }

    fn interface_and_address(&self, rest: &str) -> (NetworkInterfaceId, IpAddr) {
        let (interface, address) = rest.split_once(' ').unwrap();
        (self.interface(interface), address.parse().unwrap())
    }

    /// An outcome as scripts write it.
    fn outcome(&self, outcome: &Outcome) -> String {
        let judgements = outcome.judgements.iter().map(|judgement| {
            let direction = match judgement.direction {
                Direction::Inbound => "in",
                Direction::Outbound => "out",
            };
            let rule = match (judgement.reason, judgement.rule) {
                (_, None) => String::new(),
                // An entry has no name other than its number.
                (Reason::NetworkAcl, Some(number)) => format!(" {number}"),
                (_, Some(number)) => format!(" {}", self.rule_name(number)),
            };
            format!("{direction} {}{rule}", judgement.reason)
        });
        judgements.collect::<Vec<_>>().join(", ")
    }

    fn flow(&self, flow: &Flow) -> String {
        let interface = self.lab.interfaces.iter().find(|(_, id)| **id == flow.interface);
        format!("{} {}", interface.map_or("?", |(name, _)| name), self.rule_name(flow.rule))
    }

    fn rule_name(&self, number: u32) -> String {
        let name = self.rules.iter().find(|(_, known)| **known == number).map(|(name, _)| name.clone());
        name.unwrap_or_else(|| format!("#{number}"))
    }
}
