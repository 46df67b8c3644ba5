//! `sgsim trace`: every step of the decision about some packets, as it happens.

use std::net::IpAddr;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::aws::protocol::IpProtocol;
use crate::aws::world::World;
use crate::command::rule_text::parse_protocol_word;
use crate::controller::protocol::{Reply, Request};
use crate::dataplane::step::{Filter, MAX_ADDRESSES, Step};
use crate::report::{ASIDE, step, styled};

use super::context::Context;
use super::{Exit, lookup};

/// Print every step of the decision about some packets, as the program in the kernel takes it, until interrupted
///
/// Each packet that the filter means is marked where it enters, and tells what it looked up in which compiled table: its
/// flow, its subnet's network ACL, the interval of its address and port, the groups at the other end, and the verdict. Other
/// packets pay nothing that can be measured. One trace at a time.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sgsim trace web-1 tcp/5432\n  sgsim trace icmp\n  sgsim trace 10.0.11.4 port 53\n  \
    sgsim trace db-1 --count 3 --output json\n\nWords that follow each other must all be true; several instances or addresses \
    mean any of them."
)]
pub(super) struct TraceArgs {
    /// What to trace: instances, interfaces, addresses, `internet`, a protocol, PROTOCOL/PORT, or `port` and a number
    #[arg(required = true, value_name = "FILTER")]
    filter: Vec<String>,
    /// End after this many packets
    #[arg(long, value_name = "PACKETS")]
    count: Option<u64>,
}

impl TraceArgs {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        let (mut world, internet) = context.world_and_internet()?;
        let filter = parse(&world, &internet, &self.filter)?;
        let mut client = context.client()?;
        client.send(&Request::Trace { filter })?;
        let mut walks = Walks { limit: self.count, ..Walks::default() };
        while let Some(reply) = client.receive()? {
            let steps = match reply {
                Reply::Steps { steps } => steps,
                Reply::Error(error) => return Err(error.into()),
                _ => continue,
            };
            if steps.lost > 0 {
                let note =
                    format!("{} steps were not shown: they came faster than they could be read", steps.lost);
                context.output.said("lost", &steps.lost, &styled(ASIDE, note))?;
            }
            if steps.steps.iter().any(|step| is_news(&world, step)) {
                world = context.world().context("cannot look up what has changed")?;
            }
            for step in &steps.steps {
                match walks.next(step) {
                    Place::Beyond => return Ok(Exit::Success),
                    Place::First => context.output.heading(&step::heading(step))?,
                    Place::Further => {}
                }
                context.output.said("step", step, &step::line(&world, step))?;
            }
            if context.output.is_closed() {
                break;
            }
        }
        Ok(Exit::Success)
    }
}

/// Which packet the last step was of, and how many there were.
#[derive(Default)]
struct Walks {
    last: Option<u64>,
    packets: u64,
    limit: Option<u64>,
}

enum Place {
    First,
    Further,
    Beyond,
}

impl Walks {
    fn next(&mut self, step: &Step) -> Place {
        if self.last == Some(step.serial) {
            return Place::Further;
        }
        if self.limit.is_some_and(|limit| self.packets >= limit) {
            return Place::Beyond;
        }
        self.last = Some(step.serial);
        self.packets += 1;
        Place::First
    }
}

/// Whether a step names an interface that this world, read a while ago, does not have.
fn is_news(world: &World, step: &Step) -> bool {
    step.interface.as_ref().is_some_and(|id| !world.network_interfaces.contains_key(id))
}

/// The filter that the words make.
fn parse(world: &World, internet: &[IpAddr], words: &[String]) -> Result<Filter> {
    let mut filter = Filter::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "port" {
            let number = words.next().context("`port` wants a number after it, such as `port 443`")?;
            filter.port = Some(port(number)?);
        } else if let Some((protocol, number)) = word.split_once('/') {
            filter.protocol = Some(number_of(protocol)?);
            filter.port = Some(port(number)?);
        } else if let Ok(address) = word.parse::<IpAddr>() {
            filter.addresses.push(address);
        } else if word == "internet" {
            filter.addresses.extend(internet);
        } else if let Ok(protocol) = number_of(word) {
            filter.protocol = Some(protocol);
        } else {
            add_interface(world, word, &mut filter)?;
        }
    }
    if filter.addresses.len() > MAX_ADDRESSES {
        bail!(
            "a trace can be of at most {MAX_ADDRESSES} addresses, and this is of {}",
            filter.addresses.len()
        );
    }
    Ok(filter)
}

/// Means an interface: what it sends from any address, and what has one of its own.
fn add_interface(world: &World, word: &str, filter: &mut Filter) -> Result<()> {
    let interface = lookup::interface(world, word)?;
    if filter.interface.is_none() {
        filter.interface = Some(interface.id.clone());
    } else {
        filter.addresses.extend(interface.private_ipv4.iter().copied().map(IpAddr::V4));
        filter.addresses.extend(interface.ipv6.iter().copied().map(IpAddr::V6));
    }
    Ok(())
}

fn port(text: &str) -> Result<u16> {
    text.parse().with_context(|| format!("`{text}` is not a port: a number from 0 to 65535"))
}

fn number_of(text: &str) -> Result<u8> {
    match parse_protocol_word(text) {
        Ok(IpProtocol::Number(number)) => Ok(number),
        _ => bail!("`{text}` is not a protocol: tcp, udp, icmp, icmpv6 or a number"),
    }
}
