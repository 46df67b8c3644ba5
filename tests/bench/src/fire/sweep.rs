//! What the controller's sweep of the flow tables takes.

use std::time::Duration;

use anyhow::{Result, bail};
use nix::time::{ClockId, clock_gettime};
use sg_userspace::controller::run::{SWEEP_INTERVAL, sweep_interval};
use sg_userspace::kernel::object::Room;
use sg_userspace::kernel::sweep_in_kernel::Books;

use crate::cli::Effort;
use crate::goals::Outcome;
use crate::report::{Plot, Row, Section, Series};
use crate::stats::Spread;

use super::field::{Crowd, Field, Flow};

/// A UDP flow of two exchanges idles out after so long.
const ENDED: Duration = Duration::from_secs(180);

/// A controller whose sweeps take long makes fewer. What has ended should not hold its place for longer than this.
const RARELY: Duration = Duration::from_secs(15);

/// By the number of flows.
pub(super) fn section(effort: Effort, goals: &mut Vec<Outcome>) -> Result<Section> {
    let (room, sizes): (_, &[u32]) = match effort {
        Effort::Full => (Room { flows: 1 << 21, ..Room::default() }, &[4_096, 100_000, 1_000_000]),
        Effort::Short => (Room::default(), &[4_096, 100_000]),
    };
    let mut field = Field::with_room(effort, room)?;
    let mut section = Section::new(
        "Sweep of the flow tables",
        &format!(
            "What the controller does every {} s, or as much later as takes 1 % of a processor: a BPF program goes through all \
             four tables, counts what lives and removes what has ended; the accounts are compared with the counts, and where \
             they differ, as after a flood, every entry is read besides. Processor time of the thread, so what else the machine \
             does is not in it. Flows are exchanges by UDP with the server.",
            SWEEP_INTERVAL.as_secs()
        ),
    );
    let mut costs = Vec::new();
    let mut opened = 0;
    for &flows in sizes {
        for n in opened..flows {
            let flow = Flow::to_server(true, Crowd::Friends, n);
            if !(field.asks(&flow)? && field.settles(&flow)?) {
                bail!("no room for flow {n}");
            }
        }
        opened = flows;
        let each = Spread::of((0..7).map(|_| sweep(&mut field, flows)).collect::<Result<Vec<_>>>()?);
        section.rows.push(row(&format!("{flows} live flows"), each));
        let read = Spread::of((0..7).map(|_| reading(&mut field, flows)).collect::<Result<Vec<_>>>()?);
        section.rows.push(row(&format!("{flows} live flows, every entry read"), read));
        costs.push((f64::from(flows), each.median));
    }
    let before = processor_time()?;
    field.kernel().set_clock_offset_to(ENDED)?;
    field.kernel().routine_sweep()?;
    let removal = (processor_time()? - before).as_nanos() as f64 / f64::from(opened);
    section.rows.push(row(&format!("{opened} flows that have all ended, removed"), Spread::of([removal])));
    let left = field.entries();
    if left > 0 {
        bail!("{left} entries are left after the sweep");
    }
    goals.push(goal(&costs));
    section.plots.push(Plot {
        title: "Sweep by flows".to_owned(),
        across: "live flows".to_owned(),
        up: "ns a flow".to_owned(),
        series: vec![Series { name: "processor time".to_owned(), points: costs }],
    });
    Ok(section)
}

/// One sweep among so many live flows, all of which stay: nanoseconds a flow.
fn sweep(field: &mut Field, flows: u32) -> Result<f64> {
    let before = processor_time()?;
    let books = field.kernel().routine_sweep()?;
    let took = processor_time()? - before;
    if books == Books::Differ {
        bail!("a sweep has counted others than the {flows} flows that there are");
    }
    Ok(took.as_nanos() as f64 / f64::from(flows))
}

/// Every entry read, which finds so many live flows: nanoseconds a flow.
fn reading(field: &mut Field, flows: u32) -> Result<f64> {
    let before = processor_time()?;
    let mut live = 0;
    field.kernel().sweep(|_| live += 1)?;
    let took = processor_time()? - before;
    if live != flows {
        bail!("reading found {live} of {flows} flows");
    }
    Ok(took.as_nanos() as f64 / f64::from(flows))
}

/// Of this thread.
fn processor_time() -> Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?.into())
}

fn row(name: &str, value: Spread) -> Row {
    Row { name: name.to_owned(), unit: "ns a flow", value, against: Vec::new() }
}

fn goal(costs: &[(f64, f64)]) -> Outcome {
    let (flows, each) = costs.last().copied().unwrap_or_default();
    let took = Duration::from_nanos((each * 1e6) as u64);
    let interval = sweep_interval(took);
    let share = took.as_secs_f64() / interval.as_secs_f64() * 100.0;
    Outcome {
        id: "G16",
        goal: format!(
            "sweeping takes at most 1 % of a core per 1 M flows, and comes every {} s at least",
            RARELY.as_secs()
        ),
        found: format!(
            "{share:.2} %: {each:.0} ns a flow ({flows:.0} flows), so 1 M take {} ms, every {:.1} s",
            took.as_millis(),
            interval.as_secs_f64()
        ),
        is_met: took * 100 <= interval && interval <= RARELY,
    }
}
