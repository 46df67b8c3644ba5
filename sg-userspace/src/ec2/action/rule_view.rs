//! Rules one by one: `DescribeSecurityGroupRules`, and what authorise and revoke answer.

use serde_json::{Map, Value, json};

use crate::aws::error::AwsError;
use crate::aws::group::SecurityGroup;
use crate::aws::ids::{SecurityGroupId, SecurityGroupRuleId};
use crate::aws::rule::{Direction, Peer, SecurityGroupRule};
use crate::aws::world::World;

use super::{permission, tag};
use crate::ec2::call::{Call, Caller};
use crate::ec2::fault::Fault;
use crate::ec2::filter::Filters;
use crate::ec2::page::page;

/// How many rules a page has.
const PAGE: std::ops::RangeInclusive<i64> = 5..=1000;

/// A rule. One for all protocols has the ports −1 here.
pub(super) fn view(world: &World, caller: &Caller, group: &SecurityGroup, rule: &SecurityGroupRule) -> Value {
    let mut view = content(&group.id, rule);
    if let Peer::ReferencedGroup(id) = &rule.peer {
        let pair = permission::pair(world, caller, group, id, rule.referenced_vpc_id.as_ref());
        view.insert("ReferencedGroupInfo".to_owned(), pair);
    }
    view.insert("GroupOwnerId".to_owned(), json!(caller.account_id));
    view.insert("SecurityGroupRuleArn".to_owned(), json!(caller.arn("security-group-rule", &rule.id)));
    view.insert("Tags".to_owned(), tag::set(&rule.tags));
    Value::Object(view)
}

/// A rule that is gone.
pub(super) fn revoked(group_id: &SecurityGroupId, rule: &SecurityGroupRule) -> Value {
    let mut view = content(group_id, rule);
    if let Peer::ReferencedGroup(id) = &rule.peer {
        view.insert("ReferencedGroupId".to_owned(), json!(id));
    }
    Value::Object(view)
}

fn content(group_id: &SecurityGroupId, rule: &SecurityGroupRule) -> Map<String, Value> {
    let mut view = Map::new();
    let mut set = |name: &str, value: Value| view.insert(name.to_owned(), value);
    set("SecurityGroupRuleId", json!(rule.id));
    set("GroupId", json!(group_id));
    set("IsEgress", json!(rule.direction == Direction::Outbound));
    set("IpProtocol", json!(rule.protocol.to_string()));
    set("FromPort", json!(rule.ports.from_port));
    set("ToPort", json!(rule.ports.to_port));
    set("Description", json!(rule.description));
    match &rule.peer {
        Peer::CidrIpv4(net) => set("CidrIpv4", json!(net)),
        Peer::CidrIpv6(net) => set("CidrIpv6", json!(net)),
        Peer::PrefixList(id) => set("PrefixListId", json!(id)),
        // The two views have different names for it.
        Peer::ReferencedGroup(_) => None,
    };
    view
}

pub(super) fn describe(call: &mut Call<'_>) -> Result<Value, Fault> {
    let (params, world) = (call.params, &call.world);
    let filters = Filters::read(params, &["group-id", "security-group-rule-id"], true)?;
    for id in filters.values("group-id") {
        // Section 6.1: this filter's ids must look like ids, unless they are patterns.
        if !id.contains(['*', '?']) && id.parse::<SecurityGroupId>().is_err() {
            let message = format!("The security group ID '{id}' is malformed");
            return Err(AwsError::new("InvalidGroupId.Malformed", message).into());
        }
    }
    let ids = params.parsed_list::<SecurityGroupRuleId>("SecurityGroupRuleIds")?;
    let all =
        || world.security_groups.values().flat_map(|group| group.rules.iter().map(move |rule| (group, rule)));
    if let Some(id) = ids.iter().find(|id| !all().any(|(_, rule)| rule.id == **id)) {
        return Err(id.not_found().into());
    }
    let wanted = all().filter(|(_, rule)| ids.is_empty() || ids.contains(&rule.id));
    let wanted = wanted.filter(|(group, rule)| {
        filters.pass(&rule.tags, |name| match name {
            "group-id" => vec![group.id.to_string()],
            _ => vec![rule.id.to_string()],
        })
    });
    let (rules, next) = page(params, PAGE, wanted.map(|found| (found.1.number, found)).collect())?;
    let rules = rules.into_iter().map(|(group, rule)| view(world, call.caller, group, rule));
    Ok(json!({ "SecurityGroupRules": rules.collect::<Vec<_>>(), "NextToken": next }))
}
