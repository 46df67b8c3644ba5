//! Network ACL entries as people write them: `allow HTTP from anywhere-ipv4`, `deny tcp 22 from 203.0.113.0/24`.
//!
//! The words for traffic and blocks are those of `rule_text`; an entry has an action before them, and one block.

use ipnet::IpNet;

use crate::aws::error::AwsError;
use crate::aws::network_acl::RuleAction;
use crate::aws::rule::{Direction, Peer};

use super::network_acl_entry::EntryContent;
use super::rule_text::{self, Context};

/// Reads `ACTION WHAT from BLOCK` (inbound) or `ACTION WHAT to BLOCK` (outbound).
///
/// # Errors
/// `InvalidParameterValue` with what to write instead; AWS's codes for blocks.
pub fn parse_entry(text: &str, direction: Direction, context: Context<'_>) -> Result<EntryContent, AwsError> {
    let text = text.trim();
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let action = match word.to_ascii_lowercase().as_str() {
        "allow" => RuleAction::Allow,
        "deny" => RuleAction::Deny,
        _ => {
            return Err(AwsError::invalid_value(format!(
                "Invalid {direction} entry `{text}`: it starts with `allow` or `deny`, such as `deny tcp 22 {} 203.0.113.0/24`",
                direction.toward()
            )));
        }
    };
    parse_content(action, rest, direction, context)
}

/// Reads what follows the action.
///
/// # Errors
/// As [`parse_entry`].
pub fn parse_content(
    action: RuleAction,
    text: &str,
    direction: Direction,
    context: Context<'_>,
) -> Result<EntryContent, AwsError> {
    let (what, who) = rule_text::split(text, direction)?;
    let (protocol, ports) = rule_text::parse_what(what)?;
    let peers =
        rule_text::parse_peers(who, protocol, context).map_err(|error| match error.code.as_str() {
            // What is no block was looked for among groups.
            code if code.starts_with("InvalidGroup") || code.starts_with("InvalidPrefixList") => {
                only_blocks(who)
            }
            _ => error,
        })?;
    let cidr = match peers[..] {
        [Peer::CidrIpv4(net)] => IpNet::V4(net),
        [Peer::CidrIpv6(net)] => IpNet::V6(net),
        [_, _, ..] => {
            return Err(AwsError::invalid_value(format!(
                "Invalid block `{who}`: an entry is of one family, and this VPC has both; write anywhere-ipv4 or anywhere-ipv6"
            )));
        }
        _ => return Err(only_blocks(who)),
    };
    Ok(EntryContent { action, protocol, ports: Some(ports), cidr })
}

/// N-06.
fn only_blocks(who: &str) -> AwsError {
    AwsError::invalid_value(format!(
        "Invalid block `{who}`: a network ACL entry names a CIDR block such as 10.0.0.0/16, no security group and no prefix list"
    ))
}
