//! Packets of flows that are there: the path that all but the first packets of a connection take.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::Result;
use sg_common::abi::INTERNET_SLOT;
use sg_userspace::kernel::measure::Judge;
use sg_userspace::packet::spec::TcpFlags;

use super::packets;
use crate::cli::Effort;
use crate::goals::Outcome;
use crate::meter::{Case, Cost, Meter, Verdict};
use crate::report::Section;
use crate::worlds::{Bed, CLIENT, SERVER, Way};

/// Frames of a sample where flows are many.
const DRAWN: usize = 4_096;

/// One live flow and many.
pub(super) fn section(meter: &mut Meter, goals: &mut Vec<Outcome>) -> Result<Section> {
    let mut section = hot(meter, goals)?;
    many(meter, goals, &mut section)?;
    Ok(section)
}

/// One live flow.
pub(super) fn hot(meter: &mut Meter, goals: &mut Vec<Outcome>) -> Result<Section> {
    let mut section = Section::new(
        "Established flows",
        "One packet of a live flow through a program, in turn with an empty program and with one that parses the headers and \
         looks one key up. `sg_from_link` judges a packet twice, at its sender and at its receiver, and finds the receiver; \
         `sg_to_link` judges once, behind the subnet's network ACL. Where flows are many, packets of flows at random are run \
         one by one, so the figure holds the caches that a system call leaves behind, for the yardsticks too.",
    );
    meter.plane.set_world(Bed::new(300, true, &Way::Block).world())?;
    for is_ipv6 in [false, true] {
        let family = if is_ipv6 { "IPv6" } else { "IPv4" };
        let frame = open(meter, is_ipv6)?;
        for (judge, slot, what) in [
            (Judge::FromLink, CLIENT, "TCX, both interfaces"),
            (Judge::ToLink, SERVER, "TCX, one interface and its ACL"),
            (Judge::Xdp, CLIENT, "XDP, both interfaces"),
        ] {
            let name = format!("{family}, hot, {what}");
            let case = case(&name, judge, slot, std::slice::from_ref(&frame));
            let cost = meter.measure(&case)?;
            section.rows.push(cost.row(&name));
            if judge == Judge::FromLink {
                meter.plane.kernel.set_enforced(false)?;
                let name = format!("{family}, enforcement off, TCX: parsed, screened, routed");
                let off = meter.measure(&Case { name: name.clone(), ..case })?;
                section.rows.push(off.row(&name));
                meter.plane.kernel.set_enforced(true)?;
                goals.push(hot_goal(is_ipv6, &cost, &off));
            }
        }
    }
    meter.plane.kernel.clear_state()?;
    Ok(section)
}

/// Packets of flows at random, of more and more.
fn many(meter: &mut Meter, goals: &mut Vec<Outcome>, section: &mut Section) -> Result<()> {
    let sizes: &[(u32, &str)] = match meter.effort {
        Effort::Full => &[(1, "one live flow"), (4_096, "4 k live flows"), (1 << 20, "1 M live flows")],
        Effort::Short => &[(1, "one live flow"), (4_096, "4 k live flows"), (100_000, "100 k live flows")],
    };
    for &(flows, what) in sizes {
        let frames = open_many(meter, flows)?;
        let name = format!("IPv4, from outside, {what}");
        let cost = meter.measure(&case(&name, Judge::FromLink, INTERNET_SLOT, &frames))?;
        section.rows.push(cost.row(&name));
        if flows == 1 << 20 {
            goals.push(Outcome {
                id: "G2",
                goal: "established hit among 1 M live flows at random: at most 350 ns over empty".to_owned(),
                found: format!("{:.0} ns", cost.over_empty.median),
                is_met: cost.over_empty.median <= 350.0,
            });
        }
        meter.plane.kernel.clear_state()?;
    }
    Ok(())
}

fn case<'a>(name: &str, judge: Judge, slot: u32, frames: &'a [Vec<u8>]) -> Case<'a> {
    Case { name: name.to_owned(), judge, slot, frames, expected: Verdict::Delivered, forgets: false }
}

/// The goal is for one judgement; a run of `sg_from_link` makes two, and does the rest with enforcement off, too.
fn hot_goal(is_ipv6: bool, both: &Cost, off: &Cost) -> Outcome {
    let (family, limit) = if is_ipv6 { ("IPv6", 60.0) } else { ("IPv4", 40.0) };
    let (both, off) = (both.over_empty.median, off.over_empty.median);
    let judgement = (both - off) / 2.0;
    Outcome {
        id: "G1",
        goal: format!("established hit, hot, {family}: at most {limit:.0} ns over empty for a judgement"),
        found: format!(
            "{judgement:.0} ns for each of two judgements, beside {off:.0} ns for the way between them"
        ),
        // The goal has the parsing in it: what does not belong to a judgement alone is not left out where it decides.
        is_met: both / 2.0 <= limit,
    }
}

/// Opens a connection and returns a segment of it.
fn open(meter: &mut Meter, is_ipv6: bool) -> Result<Vec<u8>> {
    let port = 40_000;
    let run = |meter: &mut Meter, slot, frame: &[u8]| {
        meter.plane.kernel.run_frame(Judge::FromLink, slot, frame, 1).map(drop)
    };
    run(meter, CLIENT, &packets::request(packets::tcp(is_ipv6, port, TcpFlags::SYN))?)?;
    run(meter, SERVER, &packets::answer(packets::tcp_back(is_ipv6, port, TcpFlags::SYN_ACK))?)?;
    let segment = packets::request(packets::tcp(is_ipv6, port, TcpFlags::ACK))?;
    run(meter, CLIENT, &segment)?;
    Ok(segment)
}

/// Opens connections from outside to the server, and returns segments of some of them, in no order.
fn open_many(meter: &mut Meter, flows: u32) -> Result<Vec<Vec<u8>>> {
    let source =
        |n: u32| (IpAddr::from(Ipv4Addr::from(0xc612_0000 + n / 50_000)), 10_000 + (n % 50_000) as u16);
    for n in 0..flows {
        let (address, port) = source(n);
        let syn = packets::arriving(packets::from_outside(address, port, TcpFlags::SYN))?;
        meter.plane.kernel.run_frame(Judge::FromLink, INTERNET_SLOT, &syn, 1)?;
        let answer = packets::leaving(packets::to_outside(address, port, TcpFlags::SYN_ACK))?;
        meter.plane.kernel.run_frame(Judge::FromLink, SERVER, &answer, 1)?;
    }
    // A step that has no factor in common with the number of flows would do; at random says it plainly.
    (0..DRAWN)
        .map(|_| {
            let (address, port) = source(rand::random_range(0..flows));
            packets::arriving(packets::from_outside(address, port, TcpFlags::ACK))
        })
        .collect()
}
