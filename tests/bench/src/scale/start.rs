//! Start-up, and what memory it all takes.

use std::fs;
use std::time::Instant;

use anyhow::{Context, Result};
use sg_common::abi::{MAX_FLOWS, MAX_MEMBERS};
use sg_userspace::dataplane::Dataplane;
use sg_userspace::kernel::object::Room;

use crate::cli::Effort;
use crate::goals::Outcome;
use crate::plane::Plane;
use crate::report::{Row, Section};
use crate::stats::Spread;

use super::estate::{CLIENT, Estate, SERVER, SETS};

const MEBIBYTE: f64 = (1 << 20) as f64;

/// Brings the world up several times; the last data plane is for what follows.
pub(super) fn sections(
    estate: &Estate,
    effort: Effort,
    goals: &mut Vec<Outcome>,
) -> Result<(Plane, Section, Section)> {
    let rounds = if effort == Effort::Full { 7 } else { 3 };
    let (mut loads, mut worlds, mut totals, mut resident) = (vec![], vec![], vec![], vec![]);
    let mut last = None;
    for _ in 0..rounds {
        drop(last.take());
        let before = Instant::now();
        let mut plane = Plane::load(&[CLIENT, SERVER], Room::default())?;
        let loaded = Instant::now();
        let resident_before = resident_bytes()?;
        plane.kernel.set_world(&estate.world)?;
        worlds.push(loaded.elapsed().as_secs_f64());
        totals.push(before.elapsed().as_secs_f64());
        loads.push((loaded - before).as_secs_f64());
        resident.push((resident_bytes()? - resident_before) / MEBIBYTE);
        // A slot that changes hands loses its link.
        plane.restore_links()?;
        last = Some(plane);
    }
    let mut plane = last.context("no round was measured")?;
    let mut section = Section::new(
        "Start-up",
        &format!(
            "{}: until the maps have all of it. Programs are loaded and verified anew each time.",
            Estate::sentence()
        ),
    );
    let total = Spread::of(totals);
    section.rows = vec![
        row("programs loaded and verified", "s", Spread::of(loads)),
        row("world compiled and written", "s", Spread::of(worlds)),
        row("both", "s", total),
        row("this process, for the compiled world", "MiB", Spread::of(resident)),
    ];
    goals.push(Outcome {
        id: "G12",
        goal: "cold start with 10 000 interfaces × 5 × 60 within 2 s".to_owned(),
        found: format!("{:.2} s", total.median),
        is_met: total.median <= 2.0,
    });
    let memory = memory(&mut plane, goals)?;
    Ok((plane, section, memory))
}

/// Memory by map, as the kernel accounts it.
fn memory(plane: &mut Plane, goals: &mut Vec<Outcome>) -> Result<Section> {
    let bytes = plane.kernel.map_bytes()?;
    let words = plane.kernel.fill().into_iter().find(|row| row.name == "POLICY_WORDS");
    let policy_bytes = words.context("no figure for POLICY_WORDS")?.entries * 4;
    let mut section = Section::new(
        "Memory",
        "What the kernel accounts for each map of at least a mebibyte (`memlock` in `/proc/self/fdinfo`), and what of the \
         policies' memory is in use.",
    );
    for (name, bytes) in bytes.iter().filter(|(_, bytes)| **bytes as f64 >= MEBIBYTE) {
        section.rows.push(row(name, "MiB", Spread::of([*bytes as f64 / MEBIBYTE])));
    }
    let each = policy_bytes as f64 / f64::from(SETS) / 1024.0;
    section.rows.push(row("policies of one set, both directions", "KiB", Spread::of([each])));
    // Megabytes by so many entries, of a table of so many.
    let megabytes = |map: &str, entries: f64, capacity: u32| {
        bytes.get(map).map_or(f64::NAN, |bytes| *bytes as f64 / f64::from(capacity) * entries / 1e6)
    };
    let flows4 = megabytes("FLOWS4", 1e6, MAX_FLOWS);
    let flows6 = megabytes("FLOWS6", 1e6, MAX_FLOWS);
    let members = megabytes("MEMBERS4", 1e5, MAX_MEMBERS).max(megabytes("MEMBERS6", 1e5, MAX_MEMBERS));
    goals.push(Outcome {
        id: "G13",
        goal:
            "a million flows in 128 MB (IPv6: 160), 100 000 members in 12 MB, a policy of 300 rules in 20 KB"
                .to_owned(),
        found: format!(
            "{flows4:.0} MB (IPv6: {flows6:.0}), {members:.1} MB, {:.1} KB",
            policy_bytes as f64 / f64::from(SETS) / 1e3
        ),
        is_met: flows4 <= 128.0 && flows6 <= 160.0 && members <= 12.0 && each * 1.024 <= 20.0,
    });
    Ok(section)
}

fn row(name: &str, unit: &'static str, value: Spread) -> Row {
    Row { name: name.to_owned(), unit, value, against: Vec::new() }
}

/// Bytes of this process that are in memory.
fn resident_bytes() -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status").context("cannot read /proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse().context("no VmRSS")?;
    Ok(kibibytes * 1024.0)
}
