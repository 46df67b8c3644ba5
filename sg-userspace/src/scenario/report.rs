//! Worlds, events, outcomes and flows in words, one a line, for whoever reads a failing case.

use std::fmt;

use super::{Event, Scenario, Step};
use crate::aws::interface::NetworkInterface;
use crate::aws::network_acl::NetworkAclEntry;
use crate::aws::peering::VpcPeeringConnection;
use crate::aws::vpc::{Subnet, Vpc};
use crate::aws::world::World;
use crate::dataplane::{Flow, Judgement, Outcome, Sender};

/// What exists in a world, as far as judgements depend on it.
pub struct WorldSummary<'a>(pub &'a World);

impl fmt::Display for WorldSummary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(world) = self;
        for vpc in world.vpcs.values() {
            let Vpc { id, cidr_ipv4, cidr_ipv6, internet_mtu, .. } = vpc;
            writeln!(f, "{id} {cidr_ipv4:?} {cidr_ipv6:?}, {internet_mtu} bytes to the internet")?;
        }
        for subnet in world.subnets.values() {
            let Subnet { id, cidr_ipv4, network_acl_id, .. } = subnet;
            writeln!(f, "{id} {cidr_ipv4} of {} behind {network_acl_id}", subnet.vpc_id)?;
        }
        for acl in world.network_acls.values() {
            writeln!(f, "{}", acl.id)?;
            for entry in &acl.entries {
                let NetworkAclEntry { rule_number, direction, protocol, ports, cidr, action } = entry;
                let (from, to) = (ports.from_port, ports.to_port);
                writeln!(f, "  {rule_number} {direction} {action} {protocol} {from}..{to} {cidr}")?;
            }
        }
        for VpcPeeringConnection { id, requester_vpc_id, accepter_vpc_id, status, .. } in
            world.vpc_peering_connections.values()
        {
            writeln!(f, "{id} of {requester_vpc_id} and {accepter_vpc_id}: {status}")?;
        }
        for list in world.prefix_lists.values() {
            let blocks: Vec<_> = list.entries().iter().map(|entry| entry.cidr.to_string()).collect();
            writeln!(f, "{} {blocks:?}", list.id)?;
        }
        for group in world.security_groups.values() {
            writeln!(f, "{} {} of {}", group.id, group.name, group.vpc_id)?;
            for rule in &group.rules {
                let (from, to) = (rule.ports.from_port, rule.ports.to_port);
                writeln!(
                    f,
                    "  #{} {} {} {from}..{to} {}",
                    rule.number, rule.direction, rule.protocol, rule.peer
                )?;
            }
        }
        for interface in world.network_interfaces.values() {
            write_interface(f, interface, world)?;
        }
        Ok(())
    }
}

fn write_interface(f: &mut fmt::Formatter<'_>, interface: &NetworkInterface, world: &World) -> fmt::Result {
    let groups: Vec<&str> = interface.groups.iter().map(|id| id.as_str()).collect();
    write!(f, "{} {:?} {:?} in {groups:?}", interface.id, interface.private_ipv4, interface.ipv6)?;
    if !interface.source_dest_check {
        write!(f, ", no source/destination check")?;
    }
    match interface.attachment.as_ref().and_then(|attachment| world.instances.get(&attachment.instance_id)) {
        Some(instance) => write!(f, " of {} with {}", instance.id, instance.connection_allowance)?,
        None => write!(f, ", not attached")?,
    }
    writeln!(f, " ({:?})", interface.connection_tracking)
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send { sender: Sender::Internet, packet } => write!(f, "the internet sends {packet}"),
            Self::Send { sender: Sender::Interface(id), packet } => write!(f, "{id} sends {packet}"),
            Self::Advance { seconds } => write!(f, "{seconds} s pass"),
            Self::Edit(edit) => write!(f, "{edit:?}"),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Judged(outcome) => write!(f, "{}", OutcomeLine(outcome)),
            Self::Done => f.write_str("done"),
        }
    }
}

/// An outcome in the form of semantics tables: `outbound rule #3, inbound no-rule`.
pub struct OutcomeLine<'a>(pub &'a Outcome);

impl fmt::Display for OutcomeLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, Judgement { direction, reason, rule }) in self.0.judgements.iter().enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            write!(f, "{comma}{direction} {reason}")?;
            if let Some(rule) = rule {
                write!(f, " #{rule}")?;
            }
        }
        Ok(())
    }
}

/// A flow entry in one line.
pub struct FlowLine<'a>(pub &'a Flow);

impl fmt::Display for FlowLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Flow { interface, protocol, local, remote, local_port, remote_port, opened, rule } = self.0;
        write!(
            f,
            "{interface} proto {protocol} {local} {local_port} - {remote} {remote_port} {opened} by #{rule}"
        )
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", WorldSummary(&self.world))?;
        self.events.iter().enumerate().try_for_each(|(i, event)| writeln!(f, "{i:3}. {event}"))
    }
}
