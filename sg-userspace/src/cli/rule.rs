//! `sgsim rule`: what groups allow.

use std::collections::BTreeMap;
use std::net::IpAddr;

use anyhow::{Result, anyhow, bail};
use clap::{Args, Subcommand, ValueEnum};

use crate::aws::group::SecurityGroup;
use crate::aws::ids::SecurityGroupRuleId;
use crate::aws::rule::{Direction, SecurityGroupRule};
use crate::aws::world::World;
use crate::command::Reply;
use crate::command::permission::Permission;
use crate::command::rule::{Authorize, Revoke};
use crate::command::rule_text;
use crate::report;
use crate::report::rule::RuleView;

use super::change::{Applied, apply};
use super::context::Context;
use super::{Exit, lookup, near};

/// Allow and revoke rules of groups, live.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  sgsim rule list web
  sgsim rule allow web inbound tcp 8080 from anywhere
  sgsim rule allow db inbound icmp echo-request from sg web
  sgsim rule revoke sgr-0123456789abcdef0")]
pub(super) enum RuleCommand {
    Allow(AllowArgs),
    Revoke(RevokeArgs),
    List(ListArgs),
}

/// Add a rule; it is in force for new connections once this returns
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sgsim rule allow web inbound tcp 8080 from anywhere
  sgsim rule allow web inbound tcp 8000-8100 from 10.0.0.0/8
  sgsim rule allow db inbound PostgreSQL from sg maintenance --description \"by hand\"
  sgsim rule allow web outbound udp 53 to 10.0.0.2/32
  sgsim rule allow web inbound SSH from my-ip
  sgsim rule allow web inbound HTTPS from pl offices
  sgsim rule allow web inbound tcp 8080 from sg other-vpc/app")]
pub(super) struct AllowArgs {
    /// The group, by id or name
    group: String,
    /// Which way, as the instance sees it
    direction: DirectionWord,
    /// WHAT from WHO (inbound), or WHAT to WHO (outbound)
    #[arg(required = true, num_args = 1.., value_name = "RULE")]
    rule: Vec<String>,
    /// What the rule is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

/// Remove rules, by id or by what they allow; open tracked connections go on, as in AWS
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sgsim rule revoke sgr-0123456789abcdef0
  sgsim rule revoke web inbound HTTPS from anywhere")]
pub(super) struct RevokeArgs {
    /// Rule ids; or the group, the direction and the rule in words
    #[arg(required = true, num_args = 1.., value_name = "RULE")]
    words: Vec<String>,
}

/// List rules
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim rule list\n  sgsim rule list web --output json")]
pub(super) struct ListArgs {
    /// Those of this group only, by id or name
    group: Option<String>,
}

/// A direction, in AWS's words old and new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum DirectionWord {
    #[value(alias = "ingress")]
    Inbound,
    #[value(alias = "egress")]
    Outbound,
}

impl From<DirectionWord> for Direction {
    fn from(word: DirectionWord) -> Self {
        match word {
            DirectionWord::Inbound => Self::Inbound,
            DirectionWord::Outbound => Self::Outbound,
        }
    }
}

impl RuleCommand {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        let (world, internet) = context.world_and_internet()?;
        match self {
            Self::Allow(args) => allow(context, &world, &internet, args),
            Self::Revoke(args) => revoke(context, &world, &internet, &args.words),
            Self::List(args) => list(context, &world, args.group.as_deref()),
        }
    }
}

fn allow(context: &mut Context, world: &World, internet: &[IpAddr], args: AllowArgs) -> Result<Exit> {
    let group = lookup::group(world, &args.group)?;
    let direction = Direction::from(args.direction);
    let mut permissions = permissions(world, internet, group, direction, &args.rule)?;
    for permission in &mut permissions {
        permission.description.clone_from(&args.description);
    }
    let command = Authorize { group_id: group.id.clone(), direction, permissions, tags: BTreeMap::new() };
    let (version, Reply::Rules(rules)) = apply(context, command)? else {
        bail!("the controller made no rule");
    };
    announce(context, "allowed", version, world, group, &rules, &[])
}

fn revoke(context: &mut Context, world: &World, internet: &[IpAddr], words: &[String]) -> Result<Exit> {
    let by_id = words.first().is_some_and(|word| word.starts_with("sgr-"));
    let (group, command) =
        if by_id { revoke_ids(world, words)? } else { revoke_words(world, internet, words)? };
    let direction = command.direction;
    let (version, Reply::Revoked { rules, unknown }) = apply(context, command)? else {
        bail!("the controller revoked no rule");
    };
    if rules.is_empty() && !unknown.is_empty() {
        // AWS forgives this in a default VPC; people want to know.
        bail!("group `{}` has no such rule; `sgsim rule list {}` shows what it has", group.name, group.name);
    }
    // Of the others it is told which they are.
    let words =
        |it: &Permission| report::rule::words(world, group, direction, it.protocol, it.ports, &it.peer);
    let unknown = unknown.iter().map(words).collect::<Vec<_>>();
    announce(context, "revoked", version, world, group, &rules, &unknown)
}

fn revoke_ids<'w>(world: &'w World, words: &[String]) -> Result<(&'w SecurityGroup, Revoke)> {
    let mut found: Option<(&SecurityGroup, Direction)> = None;
    let mut rule_ids = Vec::new();
    for word in words {
        let id: SecurityGroupRuleId = word.parse()?;
        let all = || {
            world.security_groups.values().flat_map(|group| group.rules.iter().map(move |rule| (group, rule)))
        };
        let (group, rule) = all()
            .find(|(_, rule)| rule.id == id)
            .ok_or_else(|| near::unknown("rule", word, all().map(|(_, rule)| rule.id.as_str())))?;
        if found.is_some_and(|(other, direction)| other.id != group.id || direction != rule.direction) {
            bail!("these rules are of several groups or directions; revoke them with one command each");
        }
        found = Some((group, rule.direction));
        rule_ids.push(id);
    }
    let (group, direction) = found.ok_or_else(|| anyhow!("name a rule"))?;
    Ok((group, Revoke { group_id: group.id.clone(), direction, permissions: Vec::new(), rule_ids }))
}

fn revoke_words<'w>(
    world: &'w World,
    internet: &[IpAddr],
    words: &[String],
) -> Result<(&'w SecurityGroup, Revoke)> {
    let [group, direction, rule @ ..] = words else {
        bail!(
            "name a rule by its id, or by group, direction and words: `sgsim rule revoke web inbound HTTP from anywhere`"
        );
    };
    let group = lookup::group(world, group)?;
    let direction = DirectionWord::from_str(direction, true)
        .map(Direction::from)
        .map_err(|_| anyhow!("`{direction}` is no direction; write inbound or outbound"))?;
    let permissions = permissions(world, internet, group, direction, rule)?;
    Ok((group, Revoke { group_id: group.id.clone(), direction, permissions, rule_ids: Vec::new() }))
}

fn permissions(
    world: &World,
    internet: &[IpAddr],
    group: &SecurityGroup,
    direction: Direction,
    words: &[String],
) -> Result<Vec<Permission>> {
    let my_ip = lookup::my_ip(internet);
    let context = rule_text::Context { world, vpc_id: &group.vpc_id, own_group: Some(&group.id), my_ip };
    Ok(rule_text::parse_rule(&words.join(" "), direction, context)?)
}

fn announce(
    context: &mut Context,
    done: &str,
    world_version: u64,
    world: &World,
    group: &SecurityGroup,
    rules: &[SecurityGroupRule],
    unknown: &[String],
) -> Result<Exit> {
    let views = rules.iter().map(|rule| RuleView::new(world, group, rule)).collect::<Vec<_>>();
    if context.output.is_json() {
        let mut result = serde_json::json!({ "rules": views });
        if !unknown.is_empty() {
            result["unknown"] = unknown.into();
        }
        context.output.json(done, &Applied { world_version, result })?;
    } else {
        for view in &views {
            context.output.line(&format!("{done} {} ({}: {})", view.id, view.group_name, view.text))?;
        }
        for text in unknown {
            context.output.line(&format!("not there ({}: {text})", group.name))?;
        }
    }
    Ok(Exit::Success)
}

fn list(context: &mut Context, world: &World, group: Option<&str>) -> Result<Exit> {
    let only = group.map(|text| lookup::group(world, text)).transpose()?;
    let rules = world
        .security_groups
        .values()
        .filter(|group| only.is_none_or(|only| only.id == group.id))
        .flat_map(|group| group.rules.iter().map(move |rule| RuleView::new(world, group, rule)))
        .collect::<Vec<_>>();
    context.output.rows("rules", &rules, || report::rule::table(&rules), "no rules")?;
    Ok(Exit::Success)
}
