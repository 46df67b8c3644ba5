//! Rules that are replaced as fast as it goes, and a prober that would see half of a change.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use sg_common::abi::verdict::ReasonCode;
use sg_tests::harness::lab::mac_of_slot;
use sg_userspace::aws::world::World;
use sg_userspace::dataplane::Dataplane;
use sg_userspace::kernel::dataplane::KernelDataplane;
use sg_userspace::kernel::measure::Judge;
use sg_userspace::kernel::prog_run::Prober;
use sg_userspace::packet::build;
use sg_userspace::packet::spec::{PacketSpec, TcpFlags};

use crate::cli::Effort;
use crate::goals::Outcome;
use crate::meter::Verdict;
use crate::report::Section;
use crate::worlds::{CLIENT, CLOSED_PORT, PORT, SERVER, ends};

use super::counted;
use super::field::{By, Crowd, Field, Flow};
use super::rule_sets;

/// A frame, the link that it comes by, and what both rule sets say.
struct Probe {
    link: u32,
    frame: Vec<u8>,
    expected: Verdict,
}

/// What the prober saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sight {
    probes: u64,
    /// Denied, though both rule sets allow it.
    denied: u64,
    /// Allowed, though neither does.
    allowed: u64,
    /// The longest that it was away from the program.
    longest: Duration,
}

/// The prober beside the replacements.
pub(super) fn section(field: &mut Field, goals: &mut Vec<Outcome>) -> Result<Section> {
    let probes: u64 = if field.meter.effort == Effort::Full { 10_000_000 } else { 1_000_000 };
    let mut section = Section::new(
        "Rules replaced under packets",
        "One thread sets the world to one rule set and the other as fast as it goes, and what differs is compiled each time. They have \
         different numbers of rules in another order, so the server's policy is laid out differently; a prefix list has \
         other blocks, and an instance comes into a group that a rule refers to. Another thread runs \
         four frames in turn, each by a system call: from an instance of the group and from outside, to a port that both \
         rule sets open and to one that neither opens to them. All are TCP resets of no flow, which make no entry (step 9 \
         of docs/judgement.md), so the rules are asked every time.",
    );
    let worlds = rule_sets::both();
    let watched = probes_of(field)?;
    let still = |field: &mut Field| watch(field.kernel().prober()?, &watched, watched.len() as u64);
    for world in worlds.iter().rev() {
        field.meter.plane.set_world(world)?;
        let sight = still(field)?;
        if sight.denied + sight.allowed > 0 {
            bail!("a rule set does not say of the probes what it should");
        }
    }
    let refused = field.counted(ReasonCode::NO_RULE)?;
    let prober = field.kernel().prober()?;
    let is_over = AtomicBool::new(false);
    let before = Instant::now();
    let (sight, replacements) = thread::scope(|scope| -> Result<(Sight, u64)> {
        let watch = scope.spawn(|| {
            let seen = watch(prober, &watched, probes);
            is_over.store(true, Ordering::Release);
            seen
        });
        let replaced = replace(field.kernel(), &worlds, &is_over);
        let sight = watch.join().map_err(|_| anyhow!("the prober panicked"))??;
        Ok((sight, replaced?))
    })?;
    let took = before.elapsed().as_secs_f64();
    let refused = field.counted(ReasonCode::NO_RULE)? - refused;
    let entries = field.entries();
    section.rows = vec![
        counted("probes", "frames", sight.probes as f64),
        counted("rule sets replaced meanwhile", "a second", replacements as f64 / took),
        counted("denied, though both rule sets allow it", "frames", sight.denied as f64),
        counted("allowed, though neither does", "frames", sight.allowed as f64),
        counted("denied for want of a rule, as the programs counted", "frames", refused as f64),
        counted("flow entries made", "entries", entries as f64),
    ];
    section.remarks.push(format!(
        "{replacements} replacements in {took:.1} s. What is replaced keeps its memory until nobody can read it any more, then \
         later rule sets are written over it. The prober was off the processor for {:.0} ms at the longest.",
        sight.longest.as_secs_f64() * 1e3
    ));
    let wrong = sight.denied + sight.allowed;
    goals.push(Outcome {
        id: "G11",
        goal: "rules replaced at a high rate: no half-applied packet in ten million probes".to_owned(),
        found: format!("{wrong} in {} probes beside {replacements} replacements", sight.probes),
        is_met: wrong == 0 && replacements > 0 && entries == 0,
    });
    field.clear(None)?;
    Ok(section)
}

/// Sets one world and the other until the prober is through. How often.
fn replace(kernel: &mut KernelDataplane, worlds: &[World; 2], is_over: &AtomicBool) -> Result<u64> {
    let mut replacements = 0;
    while !is_over.load(Ordering::Acquire) {
        replacements += 1;
        kernel.set_world(&worlds[(replacements % 2) as usize])?;
    }
    Ok(replacements)
}

/// Runs the frames in turn.
fn watch(prober: Prober, watched: &[Probe], probes: u64) -> Result<Sight> {
    let mut sight = Sight::default();
    let mut last = Instant::now();
    for probe in watched.iter().cycle() {
        if sight.probes >= probes {
            break;
        }
        let action = prober.run(probe.link, &probe.frame)?;
        sight.probes += 1;
        match (probe.expected, Verdict::of(Judge::FromLink, action)?) {
            (Verdict::Delivered, Verdict::Dropped) => sight.denied += 1,
            (Verdict::Dropped, Verdict::Delivered) => sight.allowed += 1,
            _ => {}
        }
        let now = Instant::now();
        sight.longest = sight.longest.max(now - last);
        last = now;
    }
    Ok(sight)
}

/// What is probed: from outside and from an instance, what both allow and what neither does.
fn probes_of(field: &mut Field) -> Result<Vec<Probe>> {
    let outside = Flow::to_server(false, Crowd::Friends, 0);
    let [client, server] = ends(false);
    let inside = |port| -> Result<Vec<u8>> {
        let packet = PacketSpec::tcp((client, 40_000), (server, port), TcpFlags::RST);
        Ok(build::frame(&packet, mac_of_slot(CLIENT), mac_of_slot(SERVER))?)
    };
    let mut probes = Vec::new();
    for (expected, port) in [(Verdict::Delivered, PORT), (Verdict::Dropped, CLOSED_PORT)] {
        let (slot, frame) = outside.at_port(port).frame(By::Opener, TcpFlags::RST)?;
        for (slot, frame) in [(slot, frame), (CLIENT, inside(port)?)] {
            let link = field.kernel().link(slot).context("a slot without link")?;
            probes.push(Probe { link, frame, expected });
        }
    }
    Ok(probes)
}
