//! How a command that failed says so: what AWS's refusals leave to be guessed, and the last words, for people or programs.

use crate::aws::error::AwsError;
use crate::aws::group::SecurityGroup;
use crate::aws::ids::PrefixListId;
use crate::aws::rule::{Peer, SecurityGroupRule};
use crate::aws::world::World;
use crate::command::prefix_list;
use crate::controller::client::{ConnectError, refusal};
use crate::controller::protocol::{ErrorReply, code};
use crate::import::ImportError;
use crate::lab::file::position::LabError;
use crate::report;
use crate::report::interface::label;
use crate::report::network_acl::NetworkAclView;
use crate::report::rule::RuleView;

use super::Format;

/// Code of an error that has none of AWS's and none of the controller's.
const OTHER: &str = "Error";
/// Code of the error that no controller answers.
const NO_CONTROLLER: &str = "NoController";
/// Code of an error in what is imported, where it is not AWS's.
const SOURCE: &str = "InvalidSource";

/// What a failed command leaves on standard error.
pub fn text(error: &anyhow::Error, format: Format) -> String {
    let message = format!("{error:#}");
    match format {
        Format::Text => format!("sgsim: {message}"),
        Format::Json => {
            let code = code_of(error);
            // The code has a field of its own.
            let bare = message.strip_suffix(&format!(" ({code})")).unwrap_or(&message);
            let value = serde_json::json!({ "code": code, "message": bare });
            report::document("error", &value).map_or(message, |document| document.to_string())
        }
    }
}

fn code_of(error: &anyhow::Error) -> &str {
    if let Some(reply) = refusal(error) {
        return &reply.code;
    }
    let aws = error.chain().find_map(|cause| cause.downcast_ref::<AwsError>());
    aws.map(|error| error.code.as_str()).or_else(|| error.chain().find_map(of_cause)).unwrap_or(OTHER)
}

fn of_cause<'e>(cause: &'e (dyn std::error::Error + 'static)) -> Option<&'e str> {
    if cause.is::<LabError>() {
        return Some(code::LAB_FILE);
    }
    if let Some(error) = cause.downcast_ref::<ImportError>() {
        return Some(error.code.as_deref().unwrap_or(SOURCE));
    }
    cause.is::<ConnectError>().then_some(NO_CONTROLLER)
}

/// The refusal of a live change, with what to do where AWS's words do not say it.
pub(super) fn with_remedy(error: anyhow::Error) -> anyhow::Error {
    match refusal(&error).and_then(|reply| Some((reply, remedy(&reply.code)?))) {
        Some((reply, remedy)) => advised(reply, remedy).into(),
        None => error,
    }
}

fn advised(reply: &ErrorReply, remedy: &str) -> ErrorReply {
    ErrorReply::new(&reply.code, format!("{}: {remedy}", reply.message.trim_end_matches('.')))
}

fn remedy(code: &str) -> Option<&'static str> {
    Some(match code {
        "InvalidGroup.Duplicate" => "names are unique in a VPC without regard to case; choose another",
        "InvalidPermission.Duplicate" => "`sgsim rule list` shows what the group allows already",
        "InvalidPermission.NotFound" => {
            "`sgsim rule list` shows what the group has; name a rule as it is there, or by its id"
        }
        "SecurityGroupsPerInterfaceLimitExceeded" => {
            "name fewer groups, or raise it with `quotas: {groups-per-interface: N}` in the lab file"
        }
        "RulesPerSecurityGroupLimitExceeded" => {
            "revoke a rule, use smaller prefix lists, or raise it with `quotas: {rules-per-group: N}` in the lab file"
        }
        "SecurityGroupLimitExceeded" => {
            "delete a group, or raise it with `quotas: {groups-per-region: N}` in the lab file"
        }
        "NetworkAclEntryAlreadyExists" => {
            "`sgsim acl replace` changes what an entry says; or use another number"
        }
        "InvalidNetworkAclEntry.NotFound" => "`sgsim acl show` shows which entries there are",
        "NetworkAclEntryLimitExceeded" => {
            "remove an entry, or raise it with `quotas: {rules-per-network-acl: N}` in the lab file"
        }
        "NetworkAclLimitExceeded" => {
            "delete one, or raise it with `quotas: {network-acls-per-vpc: N}` in the lab file"
        }
        "VpcPeeringConnectionsPerVpcLimitExceeded" => {
            "delete one, or raise it with `quotas: {active-peerings-per-vpc: N}` in the lab file"
        }
        "InvalidStateTransition" => "`sgsim peering list` shows how far each peering has come",
        "PrefixListVersionMismatch" => {
            "somebody changed the list in the meantime; `sgsim prefix-list show` shows its entries and version"
        }
        "PrefixListMaxEntriesExceeded" => {
            "remove entries, or let it have more with `sgsim prefix-list modify NAME --max-entries N`"
        }
        "CannotDelete" => "every VPC keeps its default group; revoke its rules instead",
        _ => return None,
    })
}

/// The refusal to delete a group, with what still uses it.
pub(super) fn with_dependents(error: anyhow::Error, world: &World, group: &SecurityGroup) -> anyhow::Error {
    let reply = match refusal(&error) {
        Some(reply) if reply.code == "DependencyViolation" => reply,
        _ => return error,
    };
    let carriers = world.network_interfaces.values().filter(|interface| interface.groups.contains(&group.id));
    let carriers = carriers.map(|interface| label(world, interface)).collect::<Vec<_>>();
    let peer = Peer::ReferencedGroup(group.id.clone());
    // Rules beyond a peering do not hold a group.
    let holds = |other: &&SecurityGroup| other.id != group.id && other.is_usable_in(&group.vpc_id);
    let others = world.security_groups.values().filter(holds);
    let rules = others.flat_map(|other| {
        let naming = other.rules.iter().filter(|rule| rule.peer == peer);
        naming.map(|rule| in_words(world, other, rule))
    });
    let rules = rules.collect::<Vec<_>>();
    let mut steps = Vec::new();
    if !carriers.is_empty() {
        let list = carriers.join(", ");
        steps.push(format!("give {list} other groups with `sgsim interface set-groups`"));
    }
    if !rules.is_empty() {
        steps.push(format!("revoke {} with `sgsim rule revoke`", rules.join(", ")));
    }
    if !group.associated_vpcs.is_empty() {
        let vpcs =
            group.associated_vpcs.iter().map(|id| world.vpcs.get(id).map_or(id.as_str(), |vpc| vpc.name()));
        let list = vpcs.collect::<Vec<_>>().join(", ");
        steps.push(format!("end its association with {list} with `sgsim group disassociate`"));
    }
    if steps.is_empty() {
        return error;
    }
    advised(reply, &steps.join(", and ")).into()
}

/// The refusal to delete a network ACL, with the subnets that have it.
pub(super) fn with_subnets(error: anyhow::Error, acl: &NetworkAclView) -> anyhow::Error {
    match refusal(&error) {
        Some(reply) if reply.code == "DependencyViolation" && !acl.subnets.is_empty() => {
            let subnets = report::list(acl.subnet_names());
            advised(reply, &format!("give {subnets} another with `sgsim acl associate`")).into()
        }
        _ => error,
    }
}

/// The refusal to delete a prefix list, with the rules that refer to it.
pub(super) fn with_referrers(error: anyhow::Error, world: &World, id: &PrefixListId) -> anyhow::Error {
    let reply = match refusal(&error) {
        Some(reply) if reply.code == "DependencyViolation" => reply,
        _ => return error,
    };
    let peer = Peer::PrefixList(id.clone());
    let rules = prefix_list::referencing_groups(world, id).flat_map(|group| {
        let naming = group.rules.iter().filter(|rule| rule.peer == peer);
        naming.map(|rule| in_words(world, group, rule))
    });
    let rules = rules.collect::<Vec<_>>().join(", ");
    advised(reply, &format!("revoke {rules} with `sgsim rule revoke`")).into()
}

fn in_words(world: &World, group: &SecurityGroup, rule: &SecurityGroupRule) -> String {
    let view = RuleView::new(world, group, rule);
    format!("{} ({}: {})", view.id, view.group_name, view.text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::file::LabFile;
    use crate::lab::plan::plan;

    fn refused(code: &str) -> anyhow::Error {
        ErrorReply::new(code, "No.").into()
    }

    #[test]
    fn group_in_use_is_told_with_its_users() {
        let text = include_str!("../../../examples/three.yaml");
        let world = plan(&LabFile::parse(text).unwrap(), &World::default()).unwrap().world;
        let web = world.security_groups.values().find(|group| group.name == "web").unwrap();
        let error = with_dependents(refused("DependencyViolation"), &world, web).to_string();
        for part in [
            "No: give web other groups",
            "and revoke sgr-",
            "(db: inbound tcp 5432 from sg web)",
            "(DependencyViolation)",
        ] {
            assert!(error.contains(part), "no `{part}` in {error}");
        }
    }

    #[test]
    fn refusals_say_what_to_do_and_keep_their_code() {
        let error = with_remedy(refused("InvalidPermission.Duplicate")).to_string();
        assert!(error.starts_with("No: `sgsim rule list`"), "{error}");
        assert!(error.ends_with("(InvalidPermission.Duplicate)"), "{error}");
        assert_eq!(with_remedy(refused("Other")).to_string(), "No. (Other)");
    }

    #[test]
    fn programs_get_a_document_with_the_code() {
        let document = |error: &anyhow::Error| -> serde_json::Value {
            serde_json::from_str(&text(error, Format::Json)).unwrap()
        };
        let expected = |code: &str, message: &str| serde_json::json!({ "version": 1, "error": { "code": code, "message": message } });
        assert_eq!(document(&refused(code::NO_LAB)), expected("NoLab", "No."));
        assert_eq!(document(&refused("CannotDelete")), expected("CannotDelete", "No."));
        assert_eq!(document(&anyhow::anyhow!("why").context("what")), expected("Error", "what: why"));
        assert_eq!(text(&anyhow::anyhow!("why").context("what"), Format::Text), "sgsim: what: why");
    }
}
