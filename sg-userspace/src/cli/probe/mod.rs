//! `sgsim probe`: does it get through, and who says so? Real packets, sent from inside the sender's namespace, and the
//! verdicts that the data plane gave on exactly these.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::aws::interface::NetworkInterface;
use crate::aws::rule::Direction;
use crate::aws::world::World;
use crate::controller::build::INTERNET_NAME;
use crate::controller::client::Client;
use crate::controller::protocol::{Reply, Request, Status};
use crate::dataplane::reason::Reason;
use crate::dataplane::row::{FlowRow, VerdictEvent};
use crate::lab::namespace;
use crate::report::interface::label;
use crate::report::probe::{EndView, ProbeEnd, ProbeView};
use crate::report::verdict::VerdictView;

use super::context::Context;
use super::progress::Meter;
use super::{Exit, exec, lookup};

mod traffic;
pub(super) mod verify;

use traffic::{Sent, Traffic};

/// How long verdicts may be under way once the packets have met their fate.
const AFTERMATH: Duration = Duration::from_millis(150);

/// Send real packets from one instance to another; say whether they get through, and which rule decided at each end
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sgsim probe web-1 db-1 tcp/5432
  sgsim probe internet web-1 tcp/443 --timeout 1s
  sgsim probe web-1 db-1 icmp
  sgsim probe -6 web-1 db-1 udp/53
  sgsim probe bastion:1 db-1 tcp/22 && echo reachable

Exit codes: 0 allowed, 1 denied, 2 error.")]
pub(super) struct ProbeArgs {
    /// Who sends: an instance (its primary interface), INSTANCE:INDEX, an interface's id, or `internet`
    from: String,
    /// Who receives, named likewise
    to: String,
    /// What to send: tcp/PORT, udp/PORT or icmp
    traffic: Traffic,
    /// Over IPv6
    #[arg(short = '6', long)]
    ipv6: bool,
    /// How long to wait for an answer
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = patience)]
    timeout: Duration,
}

/// Reads how long to wait for an answer.
pub(super) fn patience(text: &str) -> Result<Duration, String> {
    let (least, most) = (Duration::from_millis(1), Duration::from_secs(3600));
    match humantime::parse_duration(text) {
        Ok(time) if (least..=most).contains(&time) => Ok(time),
        Ok(_) => Err("give a time from 1ms to 1h".to_owned()),
        Err(error) => Err(format!("{error}; give a time such as 500ms or 2s")),
    }
}

/// One end of the probe, resolved.
struct End<'w> {
    interface: Option<&'w NetworkInterface>,
    name: String,
    namespace: Option<String>,
    address: IpAddr,
}

impl ProbeArgs {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        context.need_root("sending packets from inside an instance")?;
        let status = context.client()?.status()?;
        let (world, internet) = context.world_and_internet()?;
        let from = end(&world, &internet, &status, &self.from, self.ipv6)?;
        let to = end(&world, &internet, &status, &self.to, self.ipv6)?;
        if from.address == to.address {
            bail!("{} and {} are the same; name two ends", from.name, to.name);
        }
        let view = probe(context, &world, &from, &to, self.traffic, self.timeout)?;
        if context.output.is_json() {
            context.output.json("probe", &view)?;
        } else {
            context.output.text(&view.text())?;
        }
        Ok(if view.allowed { Exit::Success } else { Exit::Denied })
    }
}

/// Sends a probe from one end to the other, and waits for its end and for the verdicts on it.
fn probe(
    context: &Context,
    world: &World,
    from: &End<'_>,
    to: &End<'_>,
    traffic: Traffic,
    timeout: Duration,
) -> Result<ProbeView> {
    let inside = from.namespace.as_deref().with_context(|| {
        format!("{} is attached to no instance, so nothing can be sent from it", from.name)
    })?;
    let mut watch = context.client()?;
    watch.send(&Request::Watch { interface: None })?;
    watch.receive()?.context("the controller ended")?;
    let began = Instant::now();
    let (source, destination) = (from.address, to.address);
    let meter = Meter::waiting("waiting for an answer");
    let sent = namespace::run_in(inside, || traffic::send(traffic, source, destination, timeout));
    meter.finish();
    let sent = sent?;
    let milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let events = collect(&mut watch, &sent, from, to)?;
    let flows = match context.client()?.call(&Request::Flows { interface: None })? {
        Reply::Flows { flows } => flows,
        _ => Vec::new(),
    };
    let judged = |end: &End<'_>, direction| judge(end, direction, &sent, &events, &flows);
    let (out, into) = (judged(from, Direction::Outbound), judged(to, Direction::Inbound));
    let went = |verdict: &Option<VerdictEvent>| verdict.as_ref().is_some_and(|it| it.reason.is_allow());
    let end = match sent.end {
        // UDP is not answered by everybody: both ends let it pass, so it got there.
        ProbeEnd::TimedOut
            if matches!(traffic, Traffic::Udp(_))
                && (went(&out) || from.interface.is_none())
                && (went(&into) || to.interface.is_none()) =>
        {
            ProbeEnd::Delivered
        }
        end => end,
    };
    let denied_here = out.as_ref().is_some_and(|verdict| !verdict.reason.is_allow());
    Ok(ProbeView {
        traffic: traffic.to_string(),
        allowed: end.is_allowed(),
        end,
        milliseconds,
        from: from.view(world, out.as_ref(), None),
        to: to.view(
            world,
            into.as_ref(),
            denied_here.then_some("was not asked: the packet never left its sender"),
        ),
    })
}

fn end<'w>(
    world: &'w World,
    internet: &[IpAddr],
    status: &Status,
    text: &str,
    ipv6: bool,
) -> Result<End<'w>> {
    let family = if ipv6 { "IPv6" } else { "IPv4" };
    if text.eq_ignore_ascii_case(INTERNET_NAME) {
        let address = internet.iter().find(|address| address.is_ipv6() == ipv6);
        return Ok(End {
            interface: None,
            name: INTERNET_NAME.to_owned(),
            namespace: Some(exec::inside(status, INTERNET_NAME)?.namespace),
            address: *address.with_context(|| format!("the internet host has no {family} address"))?,
        });
    }
    let interface = lookup::interface(world, text)?;
    let address = if ipv6 {
        interface.ipv6.first().map(|address| IpAddr::V6(*address))
    } else {
        interface.private_ipv4.first().map(|address| IpAddr::V4(*address))
    };
    let name = label(world, interface);
    Ok(End {
        interface: Some(interface),
        namespace: interface.attachment.as_ref().map(|attachment| attachment.instance_id.to_string()),
        address: address.with_context(|| format!("{name} has no {family} address"))?,
        name,
    })
}

impl End<'_> {
    fn view(&self, world: &World, verdict: Option<&VerdictEvent>, note: Option<&str>) -> EndView {
        let note = match (self.interface, verdict) {
            (None, _) => Some("outside of every VPC: no security group there"),
            (Some(_), None) => note.or(Some("no verdict was seen")),
            (Some(_), Some(_)) => None,
        };
        EndView {
            name: self.name.clone(),
            address: self.address.to_string(),
            verdict: verdict.map(|event| VerdictView::new(world, event)),
            note: note.map(str::to_owned),
        }
    }
}

/// The verdicts on the probe, until both ends have given theirs or nothing more comes.
fn collect(watch: &mut Client, sent: &Sent, from: &End<'_>, to: &End<'_>) -> Result<Vec<VerdictEvent>> {
    let mut events = Vec::new();
    let deadline = Instant::now() + AFTERMATH;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(events);
        }
        watch.set_patience(Some(left))?;
        if let Some(Reply::Verdicts { verdicts, .. }) = watch.receive()? {
            events.extend(verdicts.into_iter().filter(|event| sent.is_of(event)));
        }
        let heard = |end: &End<'_>, direction| {
            end.interface.is_none_or(|interface| {
                let of = |event: &VerdictEvent| {
                    event.direction == direction && event.interface.as_ref() == Some(&interface.id)
                };
                events.iter().any(of)
            })
        };
        if heard(from, Direction::Outbound) && heard(to, Direction::Inbound) {
            return Ok(events);
        }
    }
}

/// What an end said: its first verdict on the probe, or what its flow entry remembers.
fn judge(
    end: &End<'_>,
    direction: Direction,
    sent: &Sent,
    events: &[VerdictEvent],
    flows: &[FlowRow],
) -> Option<VerdictEvent> {
    let interface = end.interface?;
    let is_first = |event: &&VerdictEvent| {
        event.direction == direction && event.interface.as_ref() == Some(&interface.id)
    };
    // A packet that was let out and has nowhere to go, or is too big for its way, is told of twice.
    let is_lost = |event: &&VerdictEvent| matches!(event.reason, Reason::NoRoute | Reason::PacketTooBig);
    let lost = events.iter().filter(is_first).find(is_lost);
    if let Some(event) = lost.or_else(|| events.iter().find(is_first)) {
        return Some(event.clone());
    }
    let flow = flows
        .iter()
        .map(|row| &row.flow)
        .find(|flow| flow.interface == interface.id && flow.opened == direction && sent.is_flow(flow))?;
    Some(VerdictEvent {
        unix_nanoseconds: 0,
        interface: Some(interface.id.clone()),
        direction,
        reason: Reason::Rule,
        rule: Some(flow.rule),
        acl_entry: None,
        protocol: flow.protocol,
        source: Some(sent.source),
        destination: Some(sent.destination),
        source_port: sent.source_port,
        destination_port: sent.destination_port,
    })
}
