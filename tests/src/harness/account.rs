//! An account as it grows over the years: several VPCs, two of them peered, with groups that name each other, prefix lists and
//! blocks on single ports and ranges, and some instances with two interfaces. Made by commands, from a seed, and written as the
//! AWS CLI would print it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use sg_userspace::aws::world::World;
use sg_userspace::import::export::export;
use sg_userspace::lab::file::LabFile;
use sg_userspace::lab::plan::plan;

use super::dice::Dice;

/// VPCs of every account: the first two are peered, the first has IPv6.
const VPCS: usize = 3;
const SUBNETS: usize = 4;
const SEED: u64 = 4;
/// Single ports, and ranges that meet, hold and cut each other.
const PORTS: [&str; 10] = [
    "tcp 22",
    "tcp 443",
    "tcp 5432",
    "tcp 8000-8999",
    "tcp 8080",
    "tcp 8443-9443",
    "udp 53",
    "udp 5000-5100",
    "icmp echo-request",
    "tcp 1024-65535",
];
const BLOCKS: [&str; 5] = ["10.0.0.0/8", "10.0.1.0/24", "10.1.0.0/16", "198.51.100.0/24", "203.0.113.10/32"];

/// How large an account is.
#[derive(Clone, Copy, Debug)]
pub struct Account {
    /// Security groups, default ones aside.
    pub groups: usize,
    /// Network interfaces.
    pub interfaces: usize,
    /// Instances; those that come first have a second interface, until there are enough.
    pub instances: usize,
}

impl Account {
    /// One of a hundred groups and two hundred interfaces.
    pub const LARGE: Self = Self { groups: 100, interfaces: 200, instances: 190 };

    /// Its world.
    ///
    /// # Panics
    /// Where AWS would refuse it.
    pub fn world(self) -> World {
        let file = LabFile::parse(&self.text()).unwrap_or_else(|error| panic!("{error}"));
        plan(&file, &World::default()).unwrap_or_else(|error| panic!("{error}")).world
    }

    /// Writes it into a directory, one call a file.
    ///
    /// # Panics
    /// Where that fails.
    pub fn write(self, directory: &Path) -> World {
        let world = self.world();
        for file in export(&world, &[], "123456789012").unwrap() {
            std::fs::write(directory.join(file.name), file.text).unwrap();
        }
        world
    }

    /// The commands that make it, as a lab file has them.
    fn text(self) -> String {
        let dice = &mut Dice::new(SEED);
        let mut text = String::from(
            "prefix-lists:\n  \
               offices: {max-entries: 6, entries: [203.0.113.0/28, 198.51.100.0/25, 192.0.2.64/26]}\n  \
               partners: {max-entries: 4, entries: [192.0.2.0/27, 10.2.0.0/16]}\n\
             peerings: {joint: {requester: v0, accepter: v1}}\nvpcs:\n",
        );
        for vpc in 0..VPCS {
            self.write_vpc(vpc, dice, &mut text).expect("text takes what is written to it");
        }
        text
    }

    fn write_vpc(self, vpc: usize, dice: &mut Dice, out: &mut String) -> std::fmt::Result {
        let has_ipv6 = vpc == 0;
        writeln!(out, "  v{vpc}:\n    cidr: 10.{vpc}.0.0/16")?;
        if has_ipv6 {
            writeln!(out, "    ipv6: '2600:1f18:0:100::/56'")?;
        }
        writeln!(out, "    subnets:")?;
        for subnet in 0..SUBNETS {
            let ipv6 =
                if has_ipv6 { format!(", ipv6: '2600:1f18:0:10{subnet}::/64'") } else { String::new() };
            writeln!(out, "      s{subnet}: {{cidr: 10.{vpc}.{subnet}.0/24{ipv6}}}")?;
        }
        let groups = own(self.groups, vpc);
        writeln!(out, "    security-groups:")?;
        for &group in &groups {
            let rules = (0..2 + dice.below(4)).map(|_| self.inbound_rule(vpc, dice));
            let rules = rules.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ");
            write!(out, "      g{group}: {{inbound: [{rules}]")?;
            // Most groups keep the outbound rule that they got.
            if dice.below(4) == 0 {
                let block = dice.pick(&BLOCKS).expect("there are some");
                write!(out, ", outbound: [all to {block}, tcp 443 to anywhere-ipv4]")?;
            }
            writeln!(out, "}}")?;
        }
        writeln!(out, "    instances:")?;
        for instance in own(self.instances, vpc) {
            let count = if instance < self.interfaces - self.instances { 2 } else { 1 };
            let interfaces = (0..count).map(|_| {
                let subnet = dice.below(SUBNETS);
                let chosen =
                    (0..=dice.below(2)).filter_map(|_| dice.pick(&groups)).map(|it| format!("g{it}"));
                let mut chosen = chosen.collect::<Vec<_>>();
                chosen.dedup();
                format!("{{subnet: s{subnet}, groups: [{}]}}", chosen.join(", "))
            });
            let interfaces = interfaces.collect::<Vec<_>>().join(", ");
            writeln!(out, "      i{instance}: {{interfaces: [{interfaces}], servers: [tcp 8080]}}")?;
        }
        Ok(())
    }

    /// One rule in two is about a group, one of the peered VPC now and then.
    fn inbound_rule(self, vpc: usize, dice: &mut Dice) -> String {
        let what = dice.pick(&PORTS).expect("there are some");
        let group_of = |vpc, dice: &mut Dice| *dice.pick(&own(self.groups, vpc)).expect("there are some");
        let from = match dice.below(10) {
            0..5 => format!("sg g{}", group_of(vpc, dice)),
            5 if vpc < 2 => format!("sg v{}/g{}", 1 - vpc, group_of(1 - vpc, dice)),
            6 => "pl offices".to_owned(),
            7 => "pl partners".to_owned(),
            8 => "anywhere-ipv4".to_owned(),
            _ => (*dice.pick(&BLOCKS).expect("there are some")).to_owned(),
        };
        format!("{what} from {from}")
    }
}

/// Those of so many that are a VPC's.
fn own(count: usize, vpc: usize) -> Vec<usize> {
    (vpc..count).step_by(VPCS).collect()
}
