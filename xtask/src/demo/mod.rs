//! `cargo xtask demo`: the article's story on a lab, told by driving `sgsim` as a user would. Every step says what was
//! changed, which client ran where, what AWS does, what really happened and which rule decided.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use crate::repo::Repo;
use crate::setup::{self, Purpose};
use crate::{build, say};

mod client;
mod decision;
mod interrupt;
mod lab;
mod measure;
mod page;
mod play;
mod session;
mod step;
mod story;

pub(crate) use client::Software;
use lab::{Afterwards, Lab};
use play::Player;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// With nginx, PostgreSQL, curl, psql and ping, and iperf3 at the end; installs them if missing
    #[arg(long)]
    real: bool,
    /// Leave the lab up at the end
    #[arg(long)]
    keep: bool,
}

pub(crate) fn execute(repo: &Repo, args: &Args) -> Result<()> {
    let software = if args.real { Software::Real } else { Software::BuiltIn };
    say::heading("set-up");
    setup::run(repo, if args.real { Purpose::RunReal } else { Purpose::Run })?;
    say::heading("build");
    build::execute(repo)?;
    let afterwards = if args.keep { Afterwards::Keep } else { Afterwards::TakeDown };
    tell(repo, software, afterwards).map(drop)
}

/// The demo in ci, where set-up and build have been steps of their own. Returns a remark for the table.
pub(crate) fn in_ci(repo: &Repo, software: Software) -> Result<String> {
    if software == Software::Real {
        setup::run(repo, Purpose::RunReal)?;
    }
    tell(repo, software, Afterwards::TakeDown)
}

/// Tells the story on a lab of its own and gives the score. An error if anything was not as in AWS.
fn tell(repo: &Repo, software: Software, afterwards: Afterwards) -> Result<String> {
    interrupt::take_note()?;
    say::heading("the lab");
    let file = match software {
        Software::BuiltIn => "examples/article.yaml",
        Software::Real => "examples/article-real.yaml",
    };
    let lab = Lab::up(repo, file, afterwards)?;
    if software == Software::Real {
        fill_database(&lab)?;
    }
    let failed = story(&lab, software)?;
    if software == Software::Real {
        say::heading("figures of this machine, at this moment");
        measure::on_article(&lab)?;
    } else {
        say::heading("the end");
    }
    drop(lab);
    if software == Software::Real {
        measure::of_sizes(repo)?;
    }
    let steps = story::ACTS.iter().map(|act| act.steps.len()).sum::<usize>();
    let score = format!("{} of {steps} steps as AWS would", steps - failed.len());
    say::plain("");
    for (number, what) in &failed {
        say::lack("not as AWS", format_args!("{number}: {what}"));
    }
    say::plain(&score);
    if !failed.is_empty() {
        let numbers: Vec<String> = failed.iter().map(|(number, _)| number.to_string()).collect();
        bail!("{score}; not so: {}", numbers.join(", "));
    }
    Ok(score)
}

/// Plays all acts; the numbers and names of the steps that were not as in AWS.
fn story(lab: &Lab<'_>, software: Software) -> Result<Vec<(usize, &'static str)>> {
    let mut player = Player { lab, software, sessions: BTreeMap::new() };
    let mut number = 0;
    let mut failed = Vec::new();
    for act in story::ACTS {
        page::act(act.title);
        for step in act.steps {
            interrupt::check()?;
            number += 1;
            if !player.play(number, step) {
                failed.push((number, step.what));
            }
        }
        player.sessions.clear();
    }
    interrupt::check()?;
    Ok(failed)
}

/// Something for psql to ask for.
fn fill_database(lab: &Lab<'_>) -> Result<()> {
    page::command(&format!(
        "export {}",
        client::ENVIRONMENT.map(|(name, value)| format!("{name}={value}")).join(" ")
    ));
    let args = ["exec", "db-1", "--", "psql", "-h", "localhost", "-qc", client::TABLE];
    page::command(&page::typed("sgsim", &args));
    lab.said(args).map(drop)
}
