//! Worlds, events, outcomes and flows in words, one a line, for whoever reads a failing case.

use std::fmt;

use super::{Event, Scenario, Step};
use crate::aws::interface::NetworkInterface;
use crate::aws::world::World;
use crate::dataplane::{Flow, Judgement, Outcome, Sender};

/// What exists in a world, as far as judgements depend on it.
pub struct WorldSummary<'a>(pub &'a World);

impl fmt::Display for WorldSummary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(world) = self;
        for vpc in world.vpcs.values() {
            writeln!(f, "{} {:?} {:?}", vpc.id, vpc.cidr_ipv4, vpc.cidr_ipv6)?;
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
            write_interface(f, interface)?;
        }
        Ok(())
    }
}

fn write_interface(f: &mut fmt::Formatter<'_>, interface: &NetworkInterface) -> fmt::Result {
    let groups: Vec<&str> = interface.groups.iter().map(|id| id.as_str()).collect();
    write!(f, "{} {:?} {:?} in {groups:?}", interface.id, interface.private_ipv4, interface.ipv6)?;
    if !interface.source_dest_check {
        write!(f, ", no source/destination check")?;
    }
    if interface.attachment.is_none() {
        write!(f, ", not attached")?;
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
