//! First packets: the flow is not there, the rules are asked, an entry is made.

use anyhow::Result;
use sg_userspace::kernel::measure::Judge;

use super::packets;
use crate::cli::Effort;
use crate::goals::Outcome;
use crate::meter::{Case, Cost, Meter, Verdict};
use crate::report::{Plot, Section, Series};
use crate::worlds::{Bed, CLIENT, CLOSED_PORT, PORT, Way};

/// Frames of a sample: each opens a flow of its own.
const FLOWS: u16 = 2_000;
/// Rules of the server's groups.
const RULES: [usize; 5] = [1, 10, 60, 300, 1_000];

/// By rules, by members of a group, by entries of a prefix list.
pub(super) fn section(meter: &mut Meter, goals: &mut Vec<Outcome>) -> Result<Section> {
    let mut section = by_rules(meter, goals)?;
    let opening = opening_frames(PORT)?;
    members(meter, goals, &opening, &mut section)?;
    entries(meter, goals, &opening, &mut section)?;
    Ok(section)
}

/// By rules per interface, allowed and denied, tracked and not.
pub(super) fn by_rules(meter: &mut Meter, goals: &mut Vec<Outcome>) -> Result<Section> {
    let mut section = Section::new(
        "New flows",
        "The first datagram of a flow: each frame of a sample opens another one, and is run once, so the figure holds the caches \
         that a system call leaves behind, for the yardsticks too. Both interfaces judge it, and both make an entry.",
    );
    let opening = opening_frames(PORT)?;
    let denied = opening_frames(CLOSED_PORT)?;
    let (mut last, mut refused) = (Vec::new(), Vec::new());
    for rules in RULES {
        meter.plane.set_world(Bed::new(rules, true, &Way::Block).world())?;
        let cost = opens(meter, &format!("allowed by the last of {rules} rules"), &opening, &mut section)?;
        last.push((rules as f64, cost));
        let name = format!("denied by {rules} rules");
        let cost = run(meter, &name, Judge::FromLink, CLIENT, &denied, Verdict::Dropped, &mut section)?;
        refused.push((rules as f64, cost));
    }
    meter.plane.set_world(Bed::new(300, false, &Way::Block).world())?;
    opens(meter, "allowed by the first of 300 rules", &opening, &mut section)?;
    rules_goal(goals, &last);
    section.plots.push(Plot {
        title: "Cost by rules per interface".to_owned(),
        across: "rules".to_owned(),
        up: "ns over an empty program".to_owned(),
        series: vec![series("new flow, allowed by the last rule", &last), series("denied", &refused)],
    });
    meter.plane.set_world(Bed::new(300, true, &Way::Block).open().world())?;
    run(
        meter,
        "untracked: everybody may, both ways (C-03)",
        Judge::FromLink,
        CLIENT,
        &opening[..1],
        Verdict::Delivered,
        &mut section,
    )?;
    Ok(section)
}

/// By the size of the group that the rule refers to.
fn members(
    meter: &mut Meter,
    goals: &mut Vec<Outcome>,
    opening: &[Vec<u8>],
    section: &mut Section,
) -> Result<()> {
    let sizes: &[u32] = match meter.effort {
        // Each address is in the table twice, as its VPC sees it and as the internet host does.
        Effort::Full => &[1, 100, 10_000, 100_000],
        Effort::Short => &[1, 10_000],
    };
    let growth = by_size(meter, section, opening, sizes, |size| {
        (format!("allowed by a group of {size} members"), Bed::new(300, true, &Way::Group).with_members(size))
    })?;
    let goal = "a group of 100 k members: at most 150 ns more than one of one";
    goals.extend(growth.outcome("G4", goal, 150.0, 100_000));
    Ok(())
}

/// By the entries of the prefix list that the rule names.
fn entries(
    meter: &mut Meter,
    goals: &mut Vec<Outcome>,
    opening: &[Vec<u8>],
    section: &mut Section,
) -> Result<()> {
    let sizes: &[u32] = match meter.effort {
        // A policy holds 8 191 ranges of addresses, and a block that touches no other takes two.
        Effort::Full => &[1, 1_000, 3_500],
        Effort::Short => &[1, 1_000],
    };
    let growth = by_size(meter, section, opening, sizes, |size| {
        (
            format!("allowed by a prefix list of {size} entries"),
            Bed::new(300, true, &Way::List).with_entries(size),
        )
    })?;
    let goal = "a prefix list of 1 M entries: at most 200 ns more than one of one";
    goals.extend(growth.outcome("G5", goal, 200.0, 1_000_000));
    Ok(())
}

/// What the largest of something costs more than the smallest.
struct Growth {
    size: u32,
    nanoseconds: f64,
    effort: Effort,
}

impl Growth {
    /// Of the full form only: the short one stops far below the size of the goal.
    fn outcome(&self, id: &'static str, goal: &str, limit: f64, wanted: u32) -> Option<Outcome> {
        let is_of_its_size = self.size >= wanted;
        let end = if is_of_its_size { "" } else { ", which is what there is room for" };
        (self.effort == Effort::Full).then(|| Outcome {
            id,
            goal: goal.to_owned(),
            found: format!("{:+.0} ns with {}{end}", self.nanoseconds, self.size),
            is_met: self.nanoseconds <= limit && is_of_its_size,
        })
    }
}

/// First packets in a named world of each size, the smallest first.
fn by_size(
    meter: &mut Meter,
    section: &mut Section,
    opening: &[Vec<u8>],
    sizes: &[u32],
    bed: impl Fn(u32) -> (String, Bed),
) -> Result<Growth> {
    let mut costs = Vec::new();
    for &size in sizes {
        let (name, bed) = bed(size);
        meter.plane.set_world(bed.world())?;
        costs.push(opens(meter, &name, opening, section)?.over_empty.median);
    }
    let nanoseconds = costs.last().copied().unwrap_or_default() - costs.first().copied().unwrap_or_default();
    Ok(Growth { size: sizes.last().copied().unwrap_or_default(), nanoseconds, effort: meter.effort })
}

fn rules_goal(goals: &mut Vec<Outcome>, costs: &[(f64, Cost)]) {
    let at =
        |rules: f64| costs.iter().find(|cost| cost.0 == rules).map_or(0.0, |cost| cost.1.over_empty.median);
    let flatness = at(1_000.0) / at(1.0);
    goals.push(Outcome {
        id: "G3",
        goal: "new flow, 300 rules: at most 1000 ns an interface; at most 1.3 times from 1 to 1000 rules"
            .to_owned(),
        found: format!(
            "{:.0} ns an interface ({:.0} ns for both), {flatness:.2} times",
            at(300.0) / 2.0,
            at(300.0)
        ),
        is_met: at(300.0) / 2.0 <= 1_000.0 && flatness <= 1.3,
    });
}

fn series(name: &str, costs: &[(f64, Cost)]) -> Series {
    let points = costs.iter().map(|(rules, cost)| (*rules, cost.over_empty.median)).collect();
    Series { name: name.to_owned(), points }
}

/// First packets that pass.
fn opens(meter: &mut Meter, name: &str, frames: &[Vec<u8>], section: &mut Section) -> Result<Cost> {
    run(meter, name, Judge::FromLink, CLIENT, frames, Verdict::Delivered, section)
}

fn run(
    meter: &mut Meter,
    name: &str,
    judge: Judge,
    slot: u32,
    frames: &[Vec<u8>],
    expected: Verdict,
    section: &mut Section,
) -> Result<Cost> {
    let case = Case { name: name.to_owned(), judge, slot, frames, expected, forgets: frames.len() > 1 };
    let cost = meter.measure(&case)?;
    section.rows.push(cost.row(name));
    Ok(cost)
}

/// Datagrams of as many flows to one port of the server.
fn opening_frames(port: u16) -> Result<Vec<Vec<u8>>> {
    (0..FLOWS).map(|n| packets::request(packets::udp(20_000 + n, port))).collect()
}
