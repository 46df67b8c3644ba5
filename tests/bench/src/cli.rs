//! The command line.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Parser, ValueEnum};

use crate::machine::Machine;
use crate::report::Report;
use crate::traffic::tool::{self, Tool};
use crate::{fire, gate, scale, traffic, unit};

/// How long to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    /// Under five minutes.
    Short,
    /// Everything, at the sizes that the goals name.
    Full,
}

/// A part of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// What one run of a program costs.
    Unit,
    /// What traffic gets through, next to the bare kernel and to peers.
    Traffic,
    /// What a change takes with ten thousand interfaces.
    Scale,
    /// What happens under floods, with full tables, and while rules change.
    Fire,
}

#[derive(Parser)]
#[command(
    about = "The benchmark of sgsim's kernel data plane; run it through `cargo xtask bench`",
    disable_help_subcommand = true
)]
struct Args {
    /// Measure at the sizes that the goals name, which takes half an hour
    #[arg(long)]
    full: bool,
    /// Only this part; may be given several times
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// Where report.md, report.json and the plots go
    #[arg(long, default_value = "target/bench")]
    results: PathBuf,
    /// Only compare unit costs and program sizes with what is written down, and fail where they have grown
    #[arg(long)]
    gate: bool,
    /// Write down the unit costs and program sizes that the gate compares with
    #[arg(long)]
    record_gate: bool,
    #[command(subcommand)]
    tool: Option<Tool>,
}

/// Measures what the command line asks for, prints it and writes it.
pub(crate) fn run() -> Result<()> {
    let args = Args::parse();
    if let Some(tool) = &args.tool {
        return tool::run(tool);
    }
    let gate_file = Path::new("tests/bench/gate.json");
    if args.record_gate {
        return gate::record(gate_file);
    }
    if args.gate {
        anstream::println!("{}", gate::check(gate_file)?);
        return Ok(());
    }
    let effort = if args.full { Effort::Full } else { Effort::Short };
    let form = if args.full { "full" } else { "short" };
    let mut report = Report { machine: Machine::this(), form, sections: Vec::new(), goals: Vec::new() };
    let wants = |part| args.only.is_empty() || args.only.contains(&part);
    if wants(Part::Unit) {
        let (sections, goals) = unit::measure(effort)?;
        report.sections.extend(sections);
        report.goals.extend(goals);
    }
    if wants(Part::Traffic) {
        let (sections, goals) = traffic::measure(effort)?;
        report.sections.extend(sections);
        report.goals.extend(goals);
    }
    if wants(Part::Scale) {
        let (sections, goals) = scale::measure(effort)?;
        report.sections.extend(sections);
        report.goals.extend(goals);
    }
    if wants(Part::Fire) {
        let (sections, goals) = fire::measure(effort)?;
        report.sections.extend(sections);
        report.goals.extend(goals);
    }
    anstream::print!("{}", report.text());
    report.write(&args.results)?;
    anstream::println!("\nwritten: {}", args.results.join("report.md").display());
    Ok(())
}
