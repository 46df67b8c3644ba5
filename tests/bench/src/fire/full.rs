//! What is full refuses new flows and nothing else: a connection allowance, and the table of flows with a reply.

use anyhow::{Result, bail};
use sg_common::abi::MAX_FLOWS;
use sg_common::abi::verdict::ReasonCode;
use sg_userspace::kernel::measure::Judge;
use sg_userspace::packet::spec::TcpFlags;

use crate::cli::Effort;
use crate::goals::Outcome;
use crate::meter::{Case, Cost, Verdict};
use crate::report::{Row, Section};
use crate::stats::Spread;
use crate::worlds::SERVER;

use super::counted;
use super::field::{By, Crowd, Field, Flow};

/// Flows that are refused, and established ones that are looked at.
const TRIED: u32 = 1_000;
/// The allowance that is filled.
const ALLOWANCE: u32 = 20_000;

/// What is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    /// The connection allowance of the server's instance (C-26).
    Allowance,
    /// The table of flows that have had a reply.
    Table,
}

impl Limit {
    fn name(self) -> &'static str {
        match self {
            Self::Allowance => "allowance",
            Self::Table => "table",
        }
    }

    fn allowance(self) -> Option<u32> {
        (self == Self::Allowance).then_some(ALLOWANCE)
    }

    /// How many flows there is room for.
    fn flows(self) -> u32 {
        match self {
            Self::Allowance => ALLOWANCE,
            Self::Table => MAX_FLOWS,
        }
    }

    fn reason(self) -> ReasonCode {
        match self {
            Self::Allowance => ReasonCode::CONNECTION_ALLOWANCE_EXCEEDED,
            Self::Table => ReasonCode::FLOW_TABLE_FULL,
        }
    }
}

/// What was found, once.
struct Siege {
    /// Of a packet of a live flow, before and after.
    costs: [Cost; 2],
    /// New flows that got through all the same.
    admitted: u32,
    /// Refusals in the frame counter of the reason.
    refusals: u64,
    /// Refusals on the instance's account.
    exceeded: u64,
    /// Established flows whose packet did not pass.
    lost: u32,
}

/// Both limits.
pub(super) fn section(field: &mut Field, goals: &mut Vec<Outcome>) -> Result<Section> {
    let mut section = Section::new(
        "Full",
        &format!(
            "An allowance of {ALLOWANCE} connections, then the table of {MAX_FLOWS} flows with a reply: connections from \
             outside until it is full, then {TRIED} more. A table that is full refuses the answer, by which the flow would \
             move into it. A packet of a live flow is timed as in the unit costs, before and after in the same round; the \
             ratio is of the whole run, each side against the empty program's of the same moment."
        ),
    );
    let mut found = Vec::new();
    for limit in [Limit::Allowance, Limit::Table] {
        let rounds = if field.meter.effort == Effort::Full { 9 } else { 3 };
        let sieges = (0..rounds).map(|_| lay(field, limit)).collect::<Result<Vec<_>>>()?;
        found.push((limit, describe(&mut section, limit, &sieges), sieges));
    }
    refusal(field, &mut section)?;
    goals.push(goal(&found));
    Ok(section)
}

/// Fills it up and tries more.
fn lay(field: &mut Field, limit: Limit) -> Result<Siege> {
    field.clear(limit.allowance())?;
    let friend = |n| Flow::to_server(false, Crowd::Friends, n);
    let open = |field: &mut Field, n| {
        let flow = friend(n);
        if field.asks(&flow)? && field.settles(&flow)? { Ok(()) } else { bail!("no room for flow {n}") }
    };
    open(field, 0)?;
    let before = cost(field, &friend(0), limit)?;
    for n in 1..limit.flows() {
        open(field, n)?;
    }
    let after = cost(field, &friend(0), limit)?;
    let (refused_before, exceeded_before) = (field.counted(limit.reason())?, exceeded(field));
    let mut admitted = 0;
    for n in 0..TRIED {
        let flow = Flow::to_server(false, Crowd::Newcomers, n);
        admitted += u32::from(field.asks(&flow)? && field.settles(&flow)?);
    }
    let refusals = field.counted(limit.reason())? - refused_before;
    let exceeded = exceeded(field) - exceeded_before;
    let mut lost = 0;
    for n in (0..limit.flows()).step_by((limit.flows() / TRIED) as usize) {
        lost += u32::from(!field.lives(&friend(n))?);
    }
    Ok(Siege { costs: [before, after], admitted, refusals, exceeded, lost })
}

/// Refusals on the account of the server's instance, ever.
fn exceeded(field: &mut Field) -> u64 {
    field.kernel().allowances().get(&SERVER).map_or(0, |account| account.exceeded)
}

/// Of a packet into the server.
fn cost(field: &mut Field, flow: &Flow, limit: Limit) -> Result<Cost> {
    let (slot, frame) = flow.frame(By::Opener, TcpFlags::ACK)?;
    field.meter.measure(&Case {
        name: format!("a live flow's packet, {}", limit.name()),
        judge: Judge::FromLink,
        slot,
        frames: std::slice::from_ref(&frame),
        expected: Verdict::Delivered,
        forgets: false,
    })
}

/// Rows of a limit. The throughput that is left, before over after.
fn describe(section: &mut Section, limit: Limit, sieges: &[Siege]) -> Spread {
    let what = limit.name();
    let ratio = |siege: &Siege| siege.costs[1].by_empty.median / siege.costs[0].by_empty.median;
    section.rows.push(Row {
        name: format!("{what} full: a live flow's packet"),
        unit: "ns over empty",
        value: Spread::of(sieges.iter().map(|siege| siege.costs[1].over_empty.median)),
        against: vec![("before".to_owned(), Spread::of(sieges.iter().map(ratio)))],
    });
    let sum = |count: fn(&Siege) -> u32| f64::from(sieges.iter().map(count).sum::<u32>());
    section.rows.push(counted(&format!("{what} full: live flows lost"), "flows", sum(|siege| siege.lost)));
    let name = format!("{what} full: new flows admitted all the same");
    section.rows.push(counted(&name, "flows", sum(|siege| siege.admitted)));
    let refusals: u64 = sieges.iter().map(|siege| siege.refusals).sum();
    section.rows.push(counted(&format!("{what} full: refusals counted"), "frames", refusals as f64));
    Spread::of(sieges.iter().map(|siege| 1.0 / ratio(siege)))
}

/// What it costs to refuse a flow.
fn refusal(field: &mut Field, section: &mut Section) -> Result<()> {
    field.clear(Some(0))?;
    let mut frames = Vec::new();
    let mut from = 0;
    for n in 0..TRIED {
        let (slot, frame) = Flow::to_server(false, Crowd::Newcomers, n).frame(By::Opener, TcpFlags::SYN)?;
        frames.push(frame);
        from = slot;
    }
    let name = "allowance full: a SYN that is refused".to_owned();
    let cost = field.meter.measure(&Case {
        name: name.clone(),
        judge: Judge::FromLink,
        slot: from,
        frames: &frames,
        expected: Verdict::Dropped,
        forgets: false,
    })?;
    section.rows.push(cost.row(&name));
    Ok(())
}

fn goal(found: &[(Limit, Spread, Vec<Siege>)]) -> Outcome {
    let all = || found.iter().flat_map(|(limit, _, sieges)| sieges.iter().map(move |siege| (limit, siege)));
    let lost: u32 = all().map(|(_, siege)| siege.lost).sum();
    let admitted: u32 = all().map(|(_, siege)| siege.admitted).sum();
    let counts_are_right = all().all(|(limit, siege)| {
        let exceeded = if *limit == Limit::Allowance { u64::from(TRIED) } else { 0 };
        siege.refusals == u64::from(TRIED) && siege.exceeded == exceeded
    });
    let left: Vec<String> = found
        .iter()
        .map(|(limit, left, _)| format!("{:.3} with the {} full", left.median, limit.name()))
        .collect();
    Outcome {
        id: "G15",
        goal: "table and allowance full: new flows denied and counted, established ones at 0.97 of their throughput"
            .to_owned(),
        found: format!(
            "throughput {}; {admitted} admitted, {lost} lost, counters {}",
            left.join(", "),
            if counts_are_right { "exact" } else { "wrong" }
        ),
        is_met: lost == 0
            && admitted == 0
            && counts_are_right
            && found.iter().all(|(_, left, _)| left.median >= 0.97),
    }
}
