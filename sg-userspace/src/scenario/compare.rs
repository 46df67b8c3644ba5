//! The same scenario on two data planes, and the first thing on which they differ.

use std::fmt;

use anyhow::{Context, Result};

use super::report::{FlowLine, WorldSummary};
use super::{Event, Run, Scenario, Step};
use crate::aws::world::World;
use crate::dataplane::logged::LoggedFlow;
use crate::dataplane::{Dataplane, Flow};

/// A data plane and what to call it.
pub struct Named<'a> {
    /// The name in reports.
    pub name: &'a str,
    /// The data plane, as it was made.
    pub dataplane: &'a mut dyn Dataplane,
}

/// One data plane's part in a difference.
#[derive(Clone, Debug)]
pub struct Side {
    /// The data plane's name.
    pub name: String,
    /// What the event did; `None` if the flows or the records at the end differ.
    pub step: Option<Step>,
    /// Its flows at that time.
    pub flows: Vec<Flow>,
    /// What flow logs had seen by then.
    pub logged: Vec<LoggedFlow>,
}

/// The first difference.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The event and its index; `None` if the flows or the records at the end differ.
    pub event: Option<(usize, Event)>,
    /// The events before it.
    pub before: Vec<Event>,
    /// The world at that time.
    pub world: World,
    /// Both data planes.
    pub sides: [Side; 2],
}

/// Runs the scenario on both, and says where they first differ: in an outcome, or at the end in the flows or in what flow
/// logs have seen.
///
/// # Errors
/// Where a data plane's machinery fails.
pub fn compare(first: Named<'_>, second: Named<'_>, scenario: &Scenario) -> Result<Option<Difference>> {
    let names = [first.name.to_owned(), second.name.to_owned()];
    let of = |i: usize| format!("the {} data plane", names[i]);
    let mut one = Run::start(first.dataplane, &scenario.world).with_context(|| of(0))?;
    let mut other = Run::start(second.dataplane, &scenario.world).with_context(|| of(1))?;
    for (i, event) in scenario.events.iter().enumerate() {
        let steps = [
            one.step(event).with_context(|| format!("{}, event {i}", of(0)))?,
            other.step(event).with_context(|| format!("{}, event {i}", of(1)))?,
        ];
        if steps[0] != steps[1] {
            let event = Some((i, event.clone()));
            return difference(&names, [&mut one, &mut other], steps.map(Some), event, &scenario.events[..i])
                .map(Some);
        }
    }
    let found = difference(&names, [&mut one, &mut other], [None, None], None, &scenario.events)?;
    let [one, other] = &found.sides;
    Ok((one.flows != other.flows || one.logged != other.logged).then_some(found))
}

fn difference(
    names: &[String; 2],
    runs: [&mut Run<'_>; 2],
    steps: [Option<Step>; 2],
    event: Option<(usize, Event)>,
    before: &[Event],
) -> Result<Difference> {
    let [one, other] = runs;
    let [first, second] = steps;
    let world = one.world().clone();
    let [name, other_name] = names.clone();
    let sides = [side(name, first, one)?, side(other_name, second, other)?];
    Ok(Difference { event, before: before.to_vec(), world, sides })
}

fn side(name: String, step: Option<Step>, run: &mut Run<'_>) -> Result<Side> {
    let dataplane = run.dataplane();
    Ok(Side { name, step, flows: dataplane.flows()?, logged: dataplane.logged()? })
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "The world at that time:\n{}", WorldSummary(&self.world))?;
        writeln!(f, "What had happened:")?;
        for (i, event) in self.before.iter().enumerate() {
            writeln!(f, "{i:3}. {event}")?;
        }
        match &self.event {
            Some((i, event)) => writeln!(f, "Then they differed:\n{i:3}. {event}")?,
            None => writeln!(f, "Every outcome was the same, the flows or the records at the end are not:")?,
        }
        for Side { name, step, .. } in &self.sides {
            if let Some(step) = step {
                writeln!(f, "{name}: {step}")?;
            }
        }
        for (side, other) in [(0, 1), (1, 0)] {
            writeln!(
                f,
                "Flows of {} (* marks what {} lacks):",
                self.sides[side].name, self.sides[other].name
            )?;
            for flow in &self.sides[side].flows {
                let mark = if self.sides[other].flows.contains(flow) { ' ' } else { '*' };
                writeln!(f, "{mark} {}", FlowLine(flow))?;
            }
            writeln!(f, "What its flow logs have seen:")?;
            for flow in &self.sides[side].logged {
                let mark = if self.sides[other].logged.contains(flow) { ' ' } else { '*' };
                writeln!(f, "{mark} {flow}")?;
            }
        }
        Ok(())
    }
}
