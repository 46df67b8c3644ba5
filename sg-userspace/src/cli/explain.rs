//! `sgsim explain`: does it get through, and what says so? Worked out from the rules; nothing is sent unless asked for.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::analysis::ask::{Answer, Who, ask};
use crate::analysis::traffic::Asked;
use crate::aws::world::World;
use crate::controller::build::INTERNET_NAME;
use crate::report::explain::ExplainView;
use crate::report::{DENIED, styled};

use super::context::Context;
use super::probe::patience;
use super::probe::verify::{Check, Verifier};
use super::source::FileArgs;
use super::{Exit, lookup};

/// Say why a connection gets through or not: every component on the way, the rule that decides, what is missing
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sgsim explain web-1 db-1 tcp/5432
  sgsim explain internet web-1 tcp/443 --verify
  sgsim explain any db-1 tcp/22              who may, and who may not
  sgsim explain 198.51.100.7 web-1 icmp/8:0
  sgsim explain bastion:1@10.0.9.9 db-1 tcp/22
  sgsim explain web-1 db-1 tcp/5432 --file examples/article.yaml

Exit codes: 0 reachable (with any: by somebody), 1 not, 2 error or a disagreement found by --verify.")]
pub(super) struct ExplainArgs {
    /// Who sends: an instance (its primary interface), INSTANCE:INDEX, an interface's id, each also with @ADDRESS;
    /// an address, `internet`, or `any`
    from: String,
    /// Who receives, named likewise
    to: String,
    /// tcp/PORT, udp/PORT, icmp, icmp/TYPE:CODE, icmpv6/TYPE:CODE, or another protocol's number
    #[arg(value_name = "TRAFFIC")]
    asked: Asked,
    /// Over IPv6
    #[arg(short = '6', long)]
    ipv6: bool,
    #[command(flatten)]
    file: FileArgs,
    /// Send real packets too, and hold what becomes of them against the answer
    #[arg(long, conflicts_with = "file")]
    verify: bool,
    /// How long to wait for an answer to what --verify sends
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = patience)]
    timeout: Duration,
}

impl ExplainArgs {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        let (world, internet) = context.world_of(&self.file)?;
        let (from, to) = (end(&world, &self.from)?, end(&world, &self.to)?);
        let is_ipv4 = self.is_ipv4([&from, &to])?;
        let [from, to] = [from, to].map(|end| end.who(&internet, is_ipv4));
        let (from, to) = (from?, to?);
        let answers = ask(&world, &from, &to, self.asked.traffic(is_ipv4), is_ipv4);
        if answers.is_empty() {
            let family = if is_ipv4 { "IPv4" } else { "IPv6" };
            bail!("`{}` or `{}` has no {family} address to ask about", self.from, self.to);
        }
        let views: Vec<_> = answers.iter().map(|answer| view(&world, answer)).collect();
        let checks = if self.verify { verify(context, &answers, self.timeout)? } else { Vec::new() };
        let is_reachable = views.iter().any(|view| view.reachable);
        if context.output.is_json() {
            if self.verify {
                let both = serde_json::json!({ "explanations": views, "checks": checks });
                context.output.json("explain", &both)?;
            } else {
                context.output.json("explain", &serde_json::json!({ "explanations": views }))?;
            }
        } else {
            write(context, &views)?;
            checks.iter().try_for_each(|check| context.output.line(&check.text()))?;
        }
        if checks.iter().any(Check::is_disagreement) {
            return Ok(Exit::Passed(super::EXIT_ERROR));
        }
        Ok(if is_reachable { Exit::Success } else { Exit::Denied })
    }

    /// The family that the ends, the traffic and `-6` agree on.
    fn is_ipv4(&self, ends: [&End; 2]) -> Result<bool> {
        let address = |end: &End| match end {
            End::Who(Who::Interface(_, address)) => *address,
            End::Who(Who::Address(address)) => Some(*address),
            End::Who(Who::Any) | End::Internet => None,
        };
        let said = ends.into_iter().filter_map(address).map(|address| address.is_ipv4());
        let said: Vec<bool> = said.chain(self.asked.is_ipv4()).chain(self.ipv6.then_some(false)).collect();
        match (said.contains(&true), said.contains(&false)) {
            (true, true) => bail!("the ends and the traffic are not of one family"),
            (_, is_ipv6) => Ok(!is_ipv6),
        }
    }
}

/// An end as it was typed.
pub(super) enum End {
    /// Something with an address of its own.
    Who(Who),
    /// The internet host, in whichever family.
    Internet,
}

impl End {
    /// Who that is in a family.
    fn who(self, internet: &[IpAddr], is_ipv4: bool) -> Result<Who> {
        match self {
            Self::Who(who) => Ok(who),
            Self::Internet => {
                let address = internet.iter().find(|address| address.is_ipv4() == is_ipv4);
                Ok(Who::Address(*address.context("the internet host has no address of that family")?))
            }
        }
    }
}

/// Reads an end.
pub(super) fn end(world: &World, text: &str) -> Result<End> {
    if text.eq_ignore_ascii_case(INTERNET_NAME) {
        return Ok(End::Internet);
    }
    if text.eq_ignore_ascii_case("any") {
        return Ok(End::Who(Who::Any));
    }
    if let Ok(address) = text.parse() {
        return Ok(End::Who(Who::Address(address)));
    }
    let (name, address) = match text.split_once('@') {
        Some((name, address)) => {
            let address = address.parse().with_context(|| format!("`{address}` is no address"))?;
            (name, Some(address))
        }
        None => (text, None),
    };
    Ok(End::Who(Who::Interface(lookup::interface(world, name)?.id.clone(), address)))
}

fn view(world: &World, answer: &Answer) -> ExplainView {
    let ranges = [answer.from, answer.to].map(|range| range.map(|range| range.to_string()));
    ExplainView::new(world, &answer.explanation, ranges)
}

/// One explanation whole; several as lists of who may and who may not.
fn write(context: &mut Context, views: &[ExplainView]) -> Result<()> {
    if let [view] = views {
        return context.output.text(&view.text());
    }
    let (may, may_not): (Vec<_>, Vec<_>) = views.iter().partition(|view| view.reachable);
    for view in may.into_iter().chain(may_not) {
        context.output.line(&view.headline())?;
    }
    Ok(())
}

fn verify(context: &Context, answers: &[Answer], timeout: Duration) -> Result<Vec<Check>> {
    let verifier = Verifier::new(context, timeout)?;
    answers.iter().map(|answer| verifier.verify(context, &answer.explanation)).collect()
}

/// What a disagreement between answer and packets is announced as.
pub(super) fn bug(text: &str) -> String {
    format!("{}: {text}", styled(DENIED, "BUG, please report it"))
}
