//! What each type of resource becomes. Those that say more about others are read after them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::instance::{attach, instance, interface};
use super::network_acl::{acl, entry};
use super::{Resource, routing, rule};
use crate::import::draft::Report;
use crate::import::error::ImportError;
use crate::import::items::{self, Items};

/// The order in which types are read; what is not here is left out.
const TYPES: [&str; 32] = [
    "aws_vpc",
    "aws_default_vpc",
    "aws_vpc_ipv4_cidr_block_association",
    "aws_subnet",
    "aws_default_subnet",
    "aws_security_group",
    "aws_default_security_group",
    "aws_security_group_rule",
    "aws_vpc_security_group_ingress_rule",
    "aws_vpc_security_group_egress_rule",
    "aws_vpc_security_group_vpc_association",
    "aws_ec2_managed_prefix_list",
    "aws_ec2_managed_prefix_list_entry",
    "aws_network_acl",
    "aws_default_network_acl",
    "aws_network_acl_rule",
    "aws_network_acl_association",
    "aws_vpc_peering_connection",
    "aws_vpc_peering_connection_accepter",
    "aws_network_interface",
    "aws_instance",
    "aws_network_interface_attachment",
    "aws_network_interface_sg_attachment",
    "aws_vpc_peering_connection_options",
    "aws_internet_gateway",
    "aws_internet_gateway_attachment",
    "aws_default_route_table",
    "aws_route_table",
    "aws_route",
    "aws_route_table_association",
    "aws_main_route_table_association",
    "aws_flow_log",
];

/// Types of networks that there are none of here, and what follows.
const LEFT_OUT: [(&str, &str); 3] = [
    ("aws_egress_only_internet_gateway", "every VPC reaches the internet"),
    ("aws_nat_gateway", "instances reach the internet by their own addresses"),
    ("aws_eip", "the internet reaches instances by private addresses"),
];

pub(super) fn read_all(
    resources: &[Resource],
    items: &mut Items,
    report: &mut Report,
) -> Result<(), ImportError> {
    for resource in resources.iter().filter(|resource| !TYPES.contains(&resource.kind.as_str())) {
        let known = LEFT_OUT.iter().find(|(kind, _)| *kind == resource.kind);
        let (reason, consequence) = match known {
            Some((_, consequence)) => ("there are none here", *consequence),
            None => {
                ("it is no part of EC2's networks", "it is not there, nor any network interface of its own")
            }
        };
        report.leave(resource.address.clone(), resource.place.clone(), reason, consequence);
    }
    for kind in TYPES {
        for resource in resources.iter().filter(|resource| resource.kind == kind) {
            read(resource, items)?;
        }
    }
    Ok(())
}

pub(super) fn tags(resource: &Resource) -> Value {
    let values = [&resource.values["tags_all"], &resource.values["tags"]];
    let mut tags = BTreeMap::new();
    for (key, value) in values.iter().filter_map(|it| it.as_object()).flatten() {
        tags.insert(key.clone(), value.as_str().unwrap_or_default().to_owned());
    }
    items::tags(&tags)
}

pub(super) fn filled(value: &Value) -> Option<Value> {
    Some(value).filter(|it| it.as_str().is_some_and(|it| !it.is_empty())).cloned()
}

fn read(resource: &Resource, items: &mut Items) -> Result<(), ImportError> {
    let (values, place) = (&resource.values, resource.place.clone());
    let missing = |what: &str, id: &Value| resource.place.error(format!("there is no {what} {id}"));
    match resource.kind.as_str() {
        "aws_vpc" | "aws_default_vpc" => vpc(resource, items),
        "aws_vpc_ipv4_cidr_block_association" => {
            let id = values["vpc_id"].as_str().unwrap_or_default();
            let vpc = items.find("Vpcs", "VpcId", id).ok_or_else(|| missing("VPC", &values["vpc_id"]))?;
            let blocks = vpc["CidrBlockAssociationSet"].as_array_mut();
            blocks.into_iter().for_each(|it| it.push(json!({ "CidrBlock": values["cidr_block"] })));
        }
        "aws_subnet" | "aws_default_subnet" => {
            let ipv6 = filled(&values["ipv6_cidr_block"]).map(|block| json!({ "Ipv6CidrBlock": block }));
            let vpc_id = values["vpc_id"].as_str().unwrap_or_default();
            let region =
                items.find("Vpcs", "VpcId", vpc_id).map(|vpc| vpc["Region"].clone()).unwrap_or_default();
            let zone = filled(&values["availability_zone"])
                .unwrap_or_else(|| json!(format!("{}a", region.as_str().unwrap_or("us-east-1"))));
            items.add(
                "Subnets",
                place,
                json!({
                    "SubnetId": values["id"],
                    "VpcId": values["vpc_id"],
                    "AvailabilityZone": zone,
                    "CidrBlock": filled(&values["cidr_block"]),
                    "Ipv6CidrBlockAssociationSet": ipv6.into_iter().collect::<Vec<_>>(),
                    "Tags": tags(resource),
                }),
            );
        }
        "aws_security_group" => group(resource, items),
        "aws_default_security_group" => {
            // It takes the place of what AWS gave the VPC.
            let id = items
                .under("SecurityGroups")
                .find(|it| it["GroupName"] == "default" && it["VpcId"] == values["vpc_id"]);
            let id = id.map_or_else(|| values["id"].clone(), |it| it["GroupId"].clone());
            let own = Resource { values: with(values, "id", id.clone()), ..resource.clone() };
            items.forget_rules(&id);
            match items.find("SecurityGroups", "GroupId", id.as_str().unwrap_or_default()) {
                Some(group) => group["Tags"] = tags(resource),
                None => group(&own, items),
            }
            rule::of_group(items, &own);
        }
        "aws_security_group_rule" => rule::separate(items, resource),
        "aws_vpc_security_group_ingress_rule" => rule::one(items, resource, false, &tags(resource)),
        "aws_vpc_security_group_egress_rule" => rule::one(items, resource, true, &tags(resource)),
        "aws_vpc_security_group_vpc_association" => {
            let item = json!({ "GroupId": values["security_group_id"], "VpcId": values["vpc_id"] });
            items.add("SecurityGroupVpcAssociations", place, item);
        }
        "aws_ec2_managed_prefix_list" => {
            let entries = values["entry"].as_array().into_iter().flatten();
            let entries = entries.map(|it| json!({ "Cidr": it["cidr"], "Description": it["description"] }));
            items.add("PrefixLists", place, json!({
                "PrefixListId": values["id"],
                "PrefixListName": values["name"],
                "PrefixListArn": values["arn"],
                "AddressFamily": values["address_family"],
                "MaxEntries": values["max_entries"],
                "Version": filled(&json!(values["version"].to_string())).filter(|_| values["version"].is_number()).map(|_| values["version"].clone()),
                "OwnEntries": entries.collect::<Vec<_>>(),
                "Tags": tags(resource),
            }));
        }
        "aws_ec2_managed_prefix_list_entry" => {
            let id = values["prefix_list_id"].as_str().unwrap_or_default();
            let list = items.find("PrefixLists", "PrefixListId", id);
            let list = list.ok_or_else(|| missing("prefix list", &values["prefix_list_id"]))?;
            let entries = list["OwnEntries"].as_array_mut();
            // A state has the entry in the list, too.
            let entry = json!({ "Cidr": values["cidr"], "Description": values["description"] });
            entries.into_iter().for_each(|all| {
                if !all.iter().any(|it| it["Cidr"] == entry["Cidr"]) {
                    all.push(entry.clone())
                }
            });
        }
        "aws_network_acl" | "aws_default_network_acl" => acl(resource, items),
        "aws_network_acl_rule" => {
            let id = values["network_acl_id"].as_str().unwrap_or_default();
            let entry =
                entry(values, values["egress"] == true, &values["rule_number"], &values["rule_action"]);
            let acl = items.find("NetworkAcls", "NetworkAclId", id);
            let acl = acl.ok_or_else(|| missing("network ACL", &values["network_acl_id"]))?;
            let same =
                |it: &Value| it["RuleNumber"] == entry["RuleNumber"] && it["Egress"] == entry["Egress"];
            let entries = acl["Entries"].as_array_mut();
            entries.into_iter().for_each(|all| {
                if !all.iter().any(same) {
                    all.push(entry.clone())
                }
            });
        }
        "aws_network_acl_association" => {
            let id = values["network_acl_id"].as_str().unwrap_or_default();
            let acl = items.find("NetworkAcls", "NetworkAclId", id);
            let acl = acl.ok_or_else(|| missing("network ACL", &values["network_acl_id"]))?;
            let all = acl["Associations"].as_array_mut();
            let own = json!({ "SubnetId": values["subnet_id"] });
            all.into_iter().for_each(|all| {
                if !all.contains(&own) {
                    all.push(own.clone())
                }
            });
        }
        "aws_vpc_peering_connection" => {
            let code = filled(&values["accept_status"]).unwrap_or_else(|| {
                json!(if values["auto_accept"] == true { "active" } else { "pending-acceptance" })
            });
            items.add(
                "VpcPeeringConnections",
                place,
                json!({
                    "VpcPeeringConnectionId": values["id"],
                    "RequesterVpcInfo": { "VpcId": values["vpc_id"] },
                    "AccepterVpcInfo": { "VpcId": values["peer_vpc_id"] },
                    "Status": { "Code": code },
                    "Tags": tags(resource),
                }),
            );
        }
        "aws_vpc_peering_connection_accepter" => {
            let id = values["vpc_peering_connection_id"].as_str().unwrap_or_default();
            if let Some(peering) = items.find("VpcPeeringConnections", "VpcPeeringConnectionId", id)
                && values["auto_accept"] == true
            {
                peering["Status"] = json!({ "Code": "active" });
            }
        }
        "aws_network_interface" => {
            let item =
                interface(resource, items, &values["id"], &values["private_ips"], &values["security_groups"]);
            items.add("NetworkInterfaces", place, item);
            for attached in values["attachment"].as_array().into_iter().flatten() {
                attach(
                    items,
                    resource,
                    &values["id"],
                    &attached["instance"],
                    &attached["device_index"],
                    &attached["attachment_id"],
                )?;
            }
        }
        "aws_instance" => instance(resource, items)?,
        "aws_internet_gateway" => routing::gateway(resource, items),
        "aws_internet_gateway_attachment" => routing::attachment(resource, items)?,
        "aws_route_table" | "aws_default_route_table" => routing::table(resource, items),
        "aws_route" => routing::route(resource, items)?,
        "aws_route_table_association" => routing::association(resource, items)?,
        "aws_main_route_table_association" => routing::main_association(resource, items)?,
        "aws_flow_log" => routing::flow_log(resource, items),
        "aws_network_interface_attachment" => {
            attach(
                items,
                resource,
                &values["network_interface_id"],
                &values["instance_id"],
                &values["device_index"],
                &values["attachment_id"],
            )?;
        }
        "aws_network_interface_sg_attachment" => {
            let id = values["network_interface_id"].as_str().unwrap_or_default();
            let interface = items.find("NetworkInterfaces", "NetworkInterfaceId", id);
            let interface =
                interface.ok_or_else(|| missing("network interface", &values["network_interface_id"]))?;
            let group = json!({ "GroupId": values["security_group_id"] });
            let groups = interface["Groups"].as_array_mut();
            groups.into_iter().for_each(|all| {
                if !all.contains(&group) {
                    all.push(group.clone())
                }
            });
        }
        _ => {}
    }
    Ok(())
}

fn with(values: &Value, key: &str, value: Value) -> Value {
    let mut values = values.clone();
    values[key] = value;
    values
}

fn vpc(resource: &Resource, items: &mut Items) {
    let values = &resource.values;
    let ipv6 = filled(&values["ipv6_cidr_block"]);
    let region = values["arn"].as_str().and_then(|arn| arn.split(':').nth(3)).map(str::to_owned);
    let blocks = ipv6.iter().map(|block| json!({ "Ipv6CidrBlock": block })).collect::<Vec<_>>();
    items.add(
        "Vpcs",
        resource.place.clone(),
        json!({
            "VpcId": values["id"],
            "OwnerId": values["owner_id"],
            "Region": filled(&values["region"]).or(region.map(Value::from)),
            "CidrBlock": values["cidr_block"],
            "CidrBlockAssociationSet": [],
            "Ipv6CidrBlockAssociationSet": blocks,
            "IsDefault": resource.kind == "aws_default_vpc",
            "EnableDnsSupport": values["enable_dns_support"],
            "EnableDnsHostnames": values["enable_dns_hostnames"],
            "EnableNetworkAddressUsageMetrics": values["enable_network_address_usage_metrics"],
            "Tags": tags(resource),
        }),
    );
    let id = values["id"].as_str().unwrap_or_default();
    let made = |key: &str, prefix: &str| {
        values[key].as_str().map_or_else(|| items::id(prefix, &format!("{id}/default")), str::to_owned)
    };
    let (group, acl) = (made("default_security_group_id", "sg"), made("default_network_acl_id", "acl"));
    items.add_defaults(&resource.place, id, &group, &acl, ipv6.is_some());
    routing::add_main(resource, items);
}

fn group(resource: &Resource, items: &mut Items) {
    let values = &resource.values;
    let name = filled(&values["name"]).unwrap_or_else(|| {
        let prefix = values["name_prefix"].as_str().unwrap_or("terraform-");
        json!(format!("{prefix}{}", items::id("x", &resource.address)))
    });
    let vpc_id = filled(&values["vpc_id"]).or_else(|| {
        let default = items.under("Vpcs").find(|vpc| vpc["IsDefault"] == true);
        default.map(|vpc| vpc["VpcId"].clone())
    });
    items.add(
        "SecurityGroups",
        resource.place.clone(),
        json!({
            "GroupId": values["id"],
            "GroupName": name,
            "Description": filled(&values["description"]).unwrap_or_else(|| json!("Managed by Terraform")),
            "VpcId": vpc_id,
            "Tags": tags(resource),
        }),
    );
    // Unlike AWS, Terraform takes a new group's outbound rules away.
    rule::of_group(items, resource);
}
