//! `sgsim reach`: who reaches whom, on what. Worked out from the rules, and checked with real packets on request.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::analysis::ask::{Who, ask, samples};
use crate::analysis::reach::{Scope, reach};
use crate::analysis::row::rows;
use crate::analysis::traffic::Traffic;
use crate::aws::ids::NetworkInterfaceId;
use crate::aws::interface::NetworkInterface;
use crate::aws::world::World;
use crate::report;

use super::Exit;
use super::context::Context;
use super::explain::{End, end};
use super::probe::patience;
use super::probe::verify::{Check, Verifier};
use super::source::FileArgs;

/// So many checks are made unless all are asked for.
const SAMPLE: usize = 40;

/// List every path that is open, between all interfaces and the internet
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sgsim reach
  sgsim reach --to db-1
  sgsim reach --from internet --file examples/article.yaml
  sgsim reach --verify --all

`icmp echo` stands for ICMP; `other` for every protocol that no rule names. Interfaces send from their own addresses.
Exit codes: 0 something is open, 1 nothing is, 2 error or a disagreement found by --verify.")]
pub(super) struct ReachArgs {
    /// Only from there: an instance (its primary interface), INSTANCE:INDEX, an interface's id, or `internet`
    #[arg(long, value_name = "FROM")]
    from: Option<String>,
    /// Only to there, named likewise
    #[arg(long, value_name = "TO")]
    to: Option<String>,
    #[command(flatten)]
    file: FileArgs,
    /// Send real packets too, a sample of them, and hold what becomes of them against the answer
    #[arg(long, conflicts_with = "file")]
    verify: bool,
    /// With --verify: a packet for everything that rules tell apart
    #[arg(long, requires = "verify")]
    all: bool,
    /// How long to wait for an answer to what --verify sends
    #[arg(long, value_name = "TIME", default_value = "500ms", value_parser = patience)]
    timeout: Duration,
}

impl ReachArgs {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        let (world, internet) = context.world_of(&self.file)?;
        let chosen = |text: &Option<String>| text.as_ref().map(|text| interfaces(&world, text)).transpose();
        let scope = Scope { from: chosen(&self.from)?, to: chosen(&self.to)? };
        let rows = report::reach::views(&[&world], &rows(&reach(&world, &scope)));
        let (checks, possible) =
            if self.verify { self.verify(context, &world, &scope, &internet)? } else { (Vec::new(), 0) };
        if context.output.is_json() {
            let document = if self.verify {
                serde_json::json!({ "rows": rows, "checks": checks, "possible_checks": possible })
            } else {
                serde_json::json!({ "rows": rows })
            };
            context.output.json("reach", &document)?;
        } else {
            context.output.rows("reach", &rows, || report::reach::table(&rows), "nothing is open")?;
            let is_told = |check: &&Check| check.is_disagreement();
            checks.iter().filter(is_told).try_for_each(|check| context.output.line(&check.text()))?;
        }
        if checks.iter().any(Check::is_disagreement) {
            return Ok(Exit::Passed(super::EXIT_ERROR));
        }
        Ok(if rows.is_empty() { Exit::Denied } else { Exit::Success })
    }

    /// Checks pairs of ends, over IPv4, each traffic that their rules tell from another. Says also how many checks
    /// there could be.
    fn verify(
        &self,
        context: &mut Context,
        world: &World,
        scope: &Scope,
        internet: &[IpAddr],
    ) -> Result<(Vec<Check>, usize)> {
        let verifier = Verifier::new(context, self.timeout)?;
        let internet = internet.iter().find(|address| address.is_ipv4());
        let internet = internet.context("the internet host has no IPv4 address")?;
        let questions = questions(world, scope, *internet);
        let step = if self.all { 1 } else { questions.len().div_ceil(SAMPLE).max(1) };
        let mut checks = Vec::new();
        for (from, to, traffic) in questions.iter().step_by(step) {
            for answer in ask(world, from, to, *traffic, internet.is_ipv4()) {
                checks.push(verifier.verify(context, &answer.explanation)?);
            }
        }
        if !context.output.is_json() {
            let agreed = checks.iter().filter(|check| check.is_agreement()).count();
            let (sent, total) = (checks.len(), questions.len());
            let rest = if sent < total { "; --all tries all of them" } else { "" };
            context
                .output
                .line(&format!("{agreed} of {sent} checks agree, of {total} possible ones{rest}"))?;
        }
        Ok((checks, questions.len()))
    }
}

/// What one packet each can be sent for: between interfaces, and from and to the internet host. None is answered yet: there
/// may be many more than are asked.
fn questions(world: &World, scope: &Scope, internet: IpAddr) -> Vec<(Who, Who, Traffic)> {
    let ends = |chosen: &Option<Vec<NetworkInterfaceId>>| -> Vec<Option<&NetworkInterface>> {
        let is_chosen = |id| chosen.as_ref().is_none_or(|chosen| chosen.contains(id));
        let interfaces = world.network_interfaces.values();
        let attached = interfaces.filter(|it| it.attachment.is_some() && is_chosen(&it.id)).map(Some);
        attached.chain(chosen.as_ref().is_none_or(Vec::is_empty).then_some(None)).collect()
    };
    let receivers = ends(&scope.to);
    let senders = ends(&scope.from);
    let pairs = senders.iter().flat_map(|from| receivers.iter().map(move |to| (*from, *to)));
    // Between two interfaces of one instance nothing leaves it, nor from the internet host to itself.
    let place = |end: Option<&NetworkInterface>| {
        end.and_then(|it| it.attachment.as_ref().map(|attachment| attachment.instance_id.clone()))
    };
    let who = |end: Option<&NetworkInterface>| match end {
        Some(interface) => Who::Interface(interface.id.clone(), None),
        None => Who::Address(internet),
    };
    let asked = pairs.filter(|(from, to)| place(*from) != place(*to)).flat_map(|(from, to)| {
        let samples = samples(world, from, to, internet).into_iter();
        samples.map(move |traffic| (who(from), who(to), traffic))
    });
    asked.collect()
}

fn interfaces(world: &World, text: &str) -> Result<Vec<NetworkInterfaceId>> {
    match end(world, text)? {
        End::Internet => Ok(Vec::new()),
        End::Who(Who::Interface(id, None)) => Ok(vec![id]),
        End::Who(_) => bail!("name an instance, an interface or `internet`; `sgsim explain` takes addresses"),
    }
}
