//! What templates and Terraform say, as the items of describe calls that AWS would answer with once it is so: one reader then
//! makes the world of all sources. Each item keeps the place where its source has it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::digest;
use super::error::Place;

/// Items by the top-level key of the call that would show them.
#[derive(Clone, Debug, Default)]
pub(super) struct Items(Vec<(&'static str, Place, Value)>);

impl Items {
    /// Adds an item. Members that are `null` are as if they were not there.
    pub(super) fn add(&mut self, key: &'static str, place: Place, item: Value) {
        self.0.push((key, place, item));
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(&'static str, Place, Value)> {
        self.0.iter()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The items under a key, to complete them by what stands elsewhere.
    pub(super) fn under(&mut self, key: &'static str) -> impl Iterator<Item = &mut Value> {
        self.0.iter_mut().filter(move |(other, ..)| *other == key).map(|(.., item)| item)
    }

    /// Takes a group's rules away.
    pub(super) fn forget_rules(&mut self, group_id: &Value) {
        self.0.retain(|(key, _, item)| *key != "SecurityGroupRules" || item["GroupId"] != *group_id);
    }

    /// The item under a key whose member has this value.
    pub(super) fn find(&mut self, key: &'static str, member: &str, value: &str) -> Option<&mut Value> {
        self.under(key).find(|item| item[member] == value)
    }

    /// A rule, unless the group has it already; the later one says more where both are there.
    pub(super) fn add_rule(&mut self, place: Place, mut rule: Value) {
        let same = ["GroupId", "IsEgress", "IpProtocol", "FromPort", "ToPort"];
        let peers = ["CidrIpv4", "CidrIpv6", "PrefixListId", "ReferencedGroupInfo"];
        let identity =
            |rule: &Value| same.iter().chain(&peers).map(|key| rule[*key].to_string()).collect::<Vec<_>>();
        let own = identity(&rule);
        if rule["SecurityGroupRuleId"].is_null() {
            rule["SecurityGroupRuleId"] = json!(id("sgr", &own.join(" ")));
        }
        let existing =
            self.0.iter().position(|(key, _, other)| *key == "SecurityGroupRules" && identity(other) == own);
        match existing {
            Some(index) => self.0[index] = ("SecurityGroupRules", place, rule),
            None => self.add("SecurityGroupRules", place, rule),
        }
    }

    /// The rules that AWS gives a new group (M-25), under its own id.
    pub(super) fn add_open_egress(&mut self, place: &Place, group_id: &str, has_ipv6: bool) {
        for (key, cidr) in [("CidrIpv4", "0.0.0.0/0"), ("CidrIpv6", "::/0")] {
            if key == "CidrIpv4" || has_ipv6 {
                let rule = json!({ "GroupId": group_id, "IsEgress": true, "IpProtocol": "-1", key: cidr });
                self.add_rule(place.clone(), rule);
            }
        }
    }

    /// The default group and network ACL of a VPC that is still to be made (M-30, N-05).
    pub(super) fn add_defaults(
        &mut self,
        place: &Place,
        vpc_id: &str,
        group_id: &str,
        acl_id: &str,
        has_ipv6: bool,
    ) {
        self.add(
            "SecurityGroups",
            place.clone(),
            json!({
                "GroupId": group_id,
                "GroupName": "default",
                "Description": "default VPC security group",
                "VpcId": vpc_id,
            }),
        );
        let itself = json!({
            "GroupId": group_id, "IsEgress": false, "IpProtocol": "-1", "ReferencedGroupInfo": { "GroupId": group_id },
        });
        self.add_rule(place.clone(), itself);
        self.add_open_egress(place, group_id, has_ipv6);
        let entry = |number: u16, egress: bool, key: &str, cidr: &str| json!({ "RuleNumber": number, "Protocol": "-1", "RuleAction": "allow", "Egress": egress, key: cidr });
        let mut entries =
            vec![entry(100, true, "CidrBlock", "0.0.0.0/0"), entry(100, false, "CidrBlock", "0.0.0.0/0")];
        if has_ipv6 {
            entries.extend([true, false].map(|egress| entry(101, egress, "Ipv6CidrBlock", "::/0")));
        }
        let acl = json!({ "NetworkAclId": acl_id, "VpcId": vpc_id, "IsDefault": true, "Entries": entries });
        self.add("NetworkAcls", place.clone(), acl);
    }
}

/// An id that follows from what something is called where it is still to be made.
pub(super) fn id(prefix: &str, name: &str) -> String {
    format!("{prefix}-0{:016x}", digest(name))
}

/// Tags as AWS lists them.
pub(super) fn tags(tags: &BTreeMap<String, String>) -> Value {
    tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
}
