//! What the controller's sweep of the flow tables takes.

use std::time::Duration;

use anyhow::{Result, bail};
use nix::time::{ClockId, clock_gettime};
use sg_userspace::dataplane::Dataplane;
use sg_userspace::kernel::object::FlowRoom;

use crate::cli::Effort;
use crate::goals::Outcome;
use crate::report::{Plot, Row, Section, Series};
use crate::stats::Spread;

use super::field::{Crowd, Field, Flow};

/// Between two sweeps of the controller.
const INTERVAL: Duration = Duration::from_secs(10);
/// A UDP flow of two exchanges idles out after so long.
const ENDED: Duration = Duration::from_secs(180);

/// By the number of flows.
pub(super) fn section(effort: Effort, goals: &mut Vec<Outcome>) -> Result<Section> {
    let (room, sizes): (_, &[u32]) = match effort {
        Effort::Full => (FlowRoom { flows: 1 << 21, ..FlowRoom::default() }, &[4_096, 100_000, 1_000_000]),
        Effort::Short => (FlowRoom::default(), &[4_096, 100_000]),
    };
    let mut field = Field::with_room(effort, room)?;
    let mut section = Section::new(
        "Sweep of the flow tables",
        &format!(
            "What the controller does every {} s: all four tables are read, what has ended is removed, and the accounts are \
             compared with the entries that there are. Processor time of the thread, so what else the machine does is not in \
             it. Flows are exchanges by UDP with the server.",
            INTERVAL.as_secs()
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
        costs.push((f64::from(flows), each.median));
    }
    let before = processor_time()?;
    field.kernel().advance(ENDED)?;
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

/// One sweep that finds so many live flows: nanoseconds a flow.
fn sweep(field: &mut Field, flows: u32) -> Result<f64> {
    let before = processor_time()?;
    let live = field.kernel().live_flows()?.len();
    let took = processor_time()? - before;
    if live != flows as usize {
        bail!("a sweep found {live} of {flows} flows");
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
    let share = each * 1e6 / INTERVAL.as_nanos() as f64 * 100.0;
    Outcome {
        id: "G16",
        goal: "sweeping takes at most 1 % of a core per 1 M flows".to_owned(),
        found: format!(
            "{share:.1} % at {each:.0} ns a flow ({flows:.0} flows), every {} s",
            INTERVAL.as_secs()
        ),
        is_met: share <= 1.0,
    }
}
