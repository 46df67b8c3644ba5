//! `cargo xtask load`: ten clients create, change and delete through the EC2 endpoint of a real lab. Ends with a table of latencies,
//! which lies in `target/load` as JSON and as Markdown too.

use anyhow::Result;

use crate::repo::Repo;
use crate::setup::{self, Purpose};
use crate::{build, say, test};

/// The privileged test that is the load.
const TEST: &str = "ten_clients::ten_clients_leave_store_kernel_and_books_in_agreement_and_nothing_behind";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How long, after warming up
    #[arg(long, default_value_t = 600)]
    seconds: u32,
}

pub(crate) fn execute(repo: &Repo, args: &Args) -> Result<()> {
    test::require_privileges()?;
    say::heading("set-up");
    setup::run(repo, Purpose::Run)?;
    say::heading("build");
    build::execute(repo)?;
    say::heading("load");
    in_ci(repo, args.seconds).map(drop)
}

/// The load in ci, where set-up and build have been steps of their own. Returns a remark for the table.
pub(crate) fn in_ci(repo: &Repo, seconds: u32) -> Result<String> {
    let report = repo.target.join("load");
    let variables =
        [("SGSIM_LOAD_SECONDS", seconds.to_string()), ("SGSIM_LOAD_REPORT", report.display().to_string())];
    let filter = ["--exact", TEST, "--nocapture"].map(str::to_owned);
    test::privileged_with(repo, &filter, &variables)?;
    Ok(format!("report: {}", repo.show(&report.join("load.md"))))
}
