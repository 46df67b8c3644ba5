//! `cargo xtask`: set-up, build, test, demo, bench, lint, tidy and ci of this repository. Parses and dispatches; each task is a file.
#![forbid(unsafe_code)]

mod aws_clients;
mod bench;
mod build;
mod build_ebpf;
mod ci;
mod demo;
mod ec2_model;
mod exec;
mod facts;
mod fuzz;
mod kernel;
mod linker;
mod lint;
mod load;
mod mutants;
mod object;
mod packages;
mod replay;
mod repo;
mod say;
mod setup;
mod summary;
mod test;
mod tidy;
mod toolchain;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::repo::Repo;

/// Set-up, build, test, demo, bench, lint, tidy and ci of sgsim.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Find or install what building and testing need; safe to repeat
    Setup(setup::Args),
    /// Build the BPF objects: `target/bpf/sg-ebpf.o`, and what benchmarks compare it with
    BuildEbpf,
    /// Build the BPF object and the `sgsim` binary
    Build,
    /// Run the rootless and the privileged tests
    Test(test::Args),
    /// Show a saved scenario step by step, with each data plane's answers
    Replay(replay::Args),
    /// Fill in where each fact of `docs/facts.md` is implemented and tested
    Facts,
    /// Let a fuzzer make up frames and commands
    Fuzz(fuzz::Args),
    /// Check that the tests notice faults put into the source
    Mutants(mutants::Args),
    /// Tell the story of security groups on a lab, step by step, with real packets
    Demo(demo::Args),
    /// Load the EC2 endpoint of a real lab with ten clients, and report how it bore that
    Load(load::Args),
    /// Measure the data plane: what a judgement costs, against other firewalls and none; a table, Markdown, JSON and plots
    Bench(bench::Args),
    /// Install AWS's own clients from PyPI, which tests drive the API with
    AwsClients,
    /// Write the table of EC2's shapes again, from botocore's model
    Ec2Model,
    /// Check formatting, clippy, the BPF side and rustdoc, with warnings as errors
    Lint,
    /// Check the house rules that no other tool knows
    Tidy,
    /// Everything that must pass, in order
    Ci,
}

fn main() -> ExitCode {
    let repo = Repo::locate();
    let outcome = match Cli::parse().task {
        Task::Setup(args) => setup::execute(&repo, &args),
        Task::BuildEbpf => build_ebpf::execute(&repo),
        Task::Build => build::execute(&repo),
        Task::Test(args) => test::execute(&repo, &args),
        Task::Replay(args) => replay::execute(&repo, &args),
        Task::Facts => facts::execute(&repo),
        Task::Fuzz(args) => fuzz::execute(&repo, &args),
        Task::Mutants(args) => mutants::execute(&repo, &args),
        Task::Demo(args) => demo::execute(&repo, &args),
        Task::Load(args) => load::execute(&repo, &args),
        Task::Bench(args) => bench::execute(&repo, &args),
        Task::AwsClients => aws_clients::execute(&repo),
        Task::Ec2Model => ec2_model::execute(&repo),
        Task::Lint => lint::execute(&repo),
        Task::Tidy => tidy::execute(&repo),
        Task::Ci => ci::execute(&repo),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say::error(&error);
            ExitCode::FAILURE
        }
    }
}
