//! One access list: what a network ACL does in one direction (section 9).

use ipnet::IpNet;
use sg_common::abi::policy::{ALLOWS_ALL_IPV4, ALLOWS_ALL_IPV6, ENTRY_DENIES, WORD_ALLOWS_ALL, WORD_RULES};

use crate::aws::network_acl::{NetworkAcl, NetworkAclEntry, RuleAction};
use crate::aws::protocol::IpProtocol;
use crate::aws::rule::Direction;

use super::ports::entry_keys;
use super::words::{DoesNotFit, Words, Writer};

/// Compiles the entries of one direction.
///
/// # Errors
/// Where a table would be larger than the data plane can search.
pub fn compile(acl: &NetworkAcl, direction: Direction) -> Result<Words, DoesNotFit> {
    let mut ranked: Vec<&NetworkAclEntry> = acl.entries_of(direction).collect();
    ranked.sort_by_key(|entry| entry.rule_number);
    let mut writer = Writer::new(ranked.iter().map(|entry| entry_keys(entry)).collect());
    let numbers: Vec<u32> = ranked
        .iter()
        .map(|entry| {
            let denies = if entry.action == RuleAction::Deny { ENTRY_DENIES } else { 0 };
            u32::from(entry.rule_number) | denies
        })
        .collect();
    writer.write_table(WORD_RULES, &numbers, &[])?;
    writer.set(WORD_ALLOWS_ALL, allows_all(&ranked));
    let blocks: Vec<(u32, IpNet)> = (0u32..).zip(&ranked).map(|(rank, entry)| (rank, entry.cidr)).collect();
    writer.write_blocks(&blocks)?;
    writer.finish()
}

/// The families of which the first entry lets everything through, so that nobody need look further.
fn allows_all(ranked: &[&NetworkAclEntry]) -> u32 {
    let opens = |is_v4: bool| {
        ranked.iter().find(|entry| matches!(entry.cidr, IpNet::V4(_)) == is_v4).is_some_and(|entry| {
            entry.action == RuleAction::Allow
                && entry.protocol == IpProtocol::All
                && entry.cidr.prefix_len() == 0
        })
    };
    let mut families = 0;
    if opens(true) {
        families |= ALLOWS_ALL_IPV4;
    }
    if opens(false) {
        families |= ALLOWS_ALL_IPV6;
    }
    families
}
