//! Answers about worlds: held equal to the oracle's on random ones, and one case for everything that can be said.

mod agreement;
mod command_line;
mod explain;
mod reach;
mod what_if;

use std::net::IpAddr;

use sg_tests::harness::lab::{StandardLab, rule};
use sg_tests::harness::rule_text::permission;
use sg_userspace::analysis::explain::{Explanation, Question, explain};
use sg_userspace::analysis::traffic::Asked;
use sg_userspace::aws::interface::NetworkInterface;
use sg_userspace::aws::network_acl::{NetworkAclEntry, RuleAction};
use sg_userspace::aws::protocol::{IpProtocol, PortRange};
use sg_userspace::aws::rule::Direction;
use sg_userspace::aws::world::World;
use sg_userspace::lab::file::LabFile;
use sg_userspace::lab::plan::plan;

/// The standard lab with rules; they are numbered from 1000 in the order given.
#[derive(Clone)]
struct Case {
    lab: StandardLab,
    next: u32,
}

impl Case {
    /// Rules as `GROUP in tcp 443 PEER`.
    fn new(rules: &[&str]) -> Self {
        let mut case = Self { lab: StandardLab::new(), next: 1000 };
        rules.iter().for_each(|text| case.allow(text));
        case
    }

    fn allow(&mut self, text: &str) {
        let (group, text) = text.split_once(' ').unwrap();
        let rule = rule(self.next, permission(text, &self.lab));
        self.next += 1;
        let id = self.lab.groups[group].clone();
        self.lab.world.security_groups.get_mut(&id).unwrap().rules.push(rule);
    }

    fn revoke(&mut self, number: u32) {
        let groups = self.lab.world.security_groups.values_mut();
        groups.for_each(|group| group.rules.retain(|rule| rule.number != number));
    }

    /// Gives a subnet the ACL without entries, and fills it.
    fn border(&mut self, subnet: &str, entries: &[(u16, Direction, RuleAction, (i32, i32))]) {
        let acl = self.lab.acls["custom"].clone();
        let subnet = self.lab.subnets[subnet].clone();
        let entry = |&(rule_number, direction, action, (from_port, to_port))| NetworkAclEntry {
            rule_number,
            direction,
            protocol: if from_port == -1 { IpProtocol::All } else { IpProtocol::TCP },
            ports: PortRange { from_port, to_port },
            cidr: "0.0.0.0/0".parse().unwrap(),
            action,
        };
        let world = &mut self.lab.world;
        world.network_acls.get_mut(&acl).unwrap().entries = entries.iter().map(entry).collect();
        world.subnets.get_mut(&subnet).unwrap().network_acl_id = acl;
    }

    fn interface(&self, name: &str) -> Option<&NetworkInterface> {
        self.lab.interfaces.get(name).map(|id| &self.lab.world.network_interfaces[id])
    }

    fn interface_mut(&mut self, name: &str) -> &mut NetworkInterface {
        let id = self.lab.interfaces[name].clone();
        self.lab.world.network_interfaces.get_mut(&id).unwrap()
    }

    /// Ends by name, with `@ADDRESS` for another address, or an address of nobody in particular.
    fn ask(&self, from: &str, to: &str, traffic: &str) -> Explanation {
        let end = |text: &str| -> (Option<&NetworkInterface>, IpAddr) {
            let (name, address) = text.split_once('@').map_or((text, None), |(name, at)| (name, Some(at)));
            match self.interface(name) {
                Some(found) => {
                    let own = IpAddr::V4(found.private_ipv4[0]);
                    (Some(found), address.map_or(own, |address| address.parse().unwrap()))
                }
                None => (None, name.parse().unwrap()),
            }
        };
        let ((from, source), (to, destination)) = (end(from), end(to));
        let traffic = traffic.parse::<Asked>().unwrap().traffic(source.is_ipv4());
        explain(&self.lab.world, &Question::new(from, source, to, destination, traffic))
    }
}

/// The world of a lab file among the examples.
fn example(name: &str) -> World {
    let path = format!("{}/../examples/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    let file = LabFile::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
    plan(&file, &World::default()).unwrap().world
}
