//! One scenario on several data planes side by side, as text: what happens, and what each makes of it.

use std::fmt::{self, Write as _};

use anyhow::{Context, Result};
use sg_userspace::dataplane::Flow;
use sg_userspace::scenario::report::{FlowLine, WorldSummary};
use sg_userspace::scenario::{Run, Scenario, Step};

use super::planes::Plane;

/// A scenario's walk.
#[derive(Clone, Debug)]
pub struct Walk {
    /// Every event with each data plane's answer, and the flows at the end.
    pub text: String,
    /// Whether all answered alike to the end.
    pub alike: bool,
}

impl fmt::Display for Walk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        f.write_str(if self.alike { "all alike\n" } else { "THEY DIFFER\n" })
    }
}

/// Walks through a scenario on all of `planes`. A line for each event and each answer; different answers are marked.
///
/// # Errors
/// Where a data plane's machinery fails.
pub fn walk(planes: &mut [Plane], scenario: &Scenario) -> Result<Walk> {
    let mut text = WorldSummary(&scenario.world).to_string();
    let mut alike = true;
    let names: Vec<&str> = planes.iter().map(|plane| plane.name).collect();
    let width = names.iter().map(|name| name.len()).max().unwrap_or(0);
    let runs = planes.iter_mut().map(|plane| Run::start(&mut *plane.dataplane, &scenario.world));
    let mut runs = runs.collect::<Result<Vec<_>>>()?;
    for (i, event) in scenario.events.iter().enumerate() {
        writeln!(text, "{i:3}. {event}")?;
        let mut answers = Vec::new();
        for (run, name) in runs.iter_mut().zip(&names) {
            let step = run.step(event).with_context(|| format!("the {name} data plane, event {i}"))?;
            if let Step::Judged(_) = step {
                answers.push(step.to_string());
            }
        }
        alike &= write_answers(&mut text, &names, width, &answers)?;
    }
    let mut flows: Vec<Vec<Flow>> = Vec::new();
    for run in &mut runs {
        flows.push(run.dataplane().flows()?);
    }
    text.push_str("Flows at the end:\n");
    let lines = |flows: &Vec<Flow>| {
        if flows.is_empty() {
            return "none".to_owned();
        }
        flows.iter().map(|flow| FlowLine(flow).to_string()).collect::<Vec<_>>().join("; ")
    };
    let answers: Vec<String> = flows.iter().map(lines).collect();
    alike &= write_answers(&mut text, &names, width, &answers)?;
    Ok(Walk { text, alike })
}

/// Writes an answer a line; whether all are the same.
fn write_answers(
    text: &mut String,
    names: &[&str],
    width: usize,
    answers: &[String],
) -> Result<bool, fmt::Error> {
    let alike = answers.windows(2).all(|pair| pair[0] == pair[1]);
    let mark = if alike { ' ' } else { '!' };
    for (name, answer) in names.iter().zip(answers) {
        writeln!(text, "   {mark} {name:width$}  {answer}")?;
    }
    Ok(alike)
}
