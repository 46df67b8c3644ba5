//! What each type of resource becomes.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::attributes::{self, default_id, ipv6_blocks};
use super::instance::{attach, instance, interface};
use super::resolve::{Template, plain_text};
use super::routing;
use crate::import::draft::Report;
use crate::import::error::{ImportError, Place};
use crate::import::items::{self, Items};

/// Resources that mean something only to others, which are there already.
const COMPLETING: [&str; 9] = [
    "AWS::EC2::VPCCidrBlock",
    "AWS::EC2::NetworkAclEntry",
    "AWS::EC2::SubnetNetworkAclAssociation",
    "AWS::EC2::VPCGatewayAttachment",
    "AWS::EC2::Route",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EC2::NetworkInterfaceAttachment",
    "AWS::EC2::SecurityGroupVpcAssociation",
    "AWS::EC2::Instance",
];

/// Resources of networks that there are none of here, and what follows.
const LEFT_OUT: [(&str, &str); 4] = [
    ("AWS::EC2::EgressOnlyInternetGateway", "every VPC reaches the internet"),
    ("AWS::EC2::NatGateway", "instances reach the internet by their own addresses"),
    ("AWS::EC2::EIP", "the internet reaches instances by private addresses"),
    ("AWS::EC2::EIPAssociation", "the internet reaches instances by private addresses"),
];

/// Whether a type of resource completes others.
pub(super) fn completes(kind: &str) -> bool {
    COMPLETING.contains(&kind)
}

/// A resource whose functions have been carried out.
pub(super) struct Resource<'t> {
    pub(super) template: &'t Template<'t>,
    pub(super) name: &'t str,
    pub(super) id: String,
    pub(super) place: Place,
    pub(super) properties: Map<String, Value>,
}

impl Resource<'_> {
    /// A property; `null` where there is none.
    pub(super) fn get(&self, key: &str) -> Value {
        self.properties.get(key).cloned().unwrap_or_default()
    }

    pub(super) fn text(&self, key: &str) -> Option<String> {
        plain_text(&self.get(key))
    }

    pub(super) fn required(&self, key: &str) -> Result<String, ImportError> {
        self.text(key).ok_or_else(|| self.place.error(format!("there is no `{key}`")))
    }

    /// Tags, with those that CloudFormation sets.
    pub(super) fn tags(&self) -> Value {
        let mut tags = BTreeMap::new();
        for tag in self.get("Tags").as_array().into_iter().flatten() {
            let text = |key: &str| plain_text(&tag[key]).unwrap_or_default();
            tags.insert(text("Key"), text("Value"));
        }
        items::tags(&tags)
    }
}

/// Reads a resource.
pub(super) fn read(
    template: &Template<'_>,
    name: &str,
    found: &Value,
    items: &mut Items,
    report: &mut Report,
) -> Result<(), ImportError> {
    let kind = found["Type"].as_str().unwrap_or_default();
    let place = template.place(&format!("Resources.{name}"));
    if !kind.starts_with("AWS::EC2::") {
        let consequence = "it is not there, nor any network interface of its own";
        report.leave(format!("{name} ({kind})"), place, "it is no part of EC2's networks", consequence);
        return Ok(());
    }
    if let Some((_, consequence)) = LEFT_OUT.iter().find(|(known, _)| *known == kind) {
        report.leave(format!("{name} ({kind})"), place, "there are none here", consequence);
        return Ok(());
    }
    let path = format!("Resources.{name}.Properties");
    let properties = match &found["Properties"] {
        Value::Null => Map::new(),
        // What instances run is of no concern, and may ask for what is not known.
        Value::Object(all) => {
            let matters = |key: &str| {
                !["UserData", "Metadata", "IamInstanceProfile", "ImageId", "KeyName"].contains(&key)
            };
            let members = all.iter().filter(|(key, _)| matters(key));
            let members = members.map(|(key, value)| (key.clone(), value.clone())).collect();
            match template.resolve(&Value::Object(members), &path, 0)? {
                Value::Object(resolved) => resolved,
                _ => Map::new(),
            }
        }
        _ => return Err(place.error("`Properties` is no object")),
    };
    let id = attributes::id(&template.stack, name, found);
    let resource = Resource { template, name, id, place, properties };
    match kind {
        "AWS::EC2::VPC" => vpc(&resource, items),
        "AWS::EC2::VPCCidrBlock" => block(&resource, items),
        "AWS::EC2::Subnet" => subnet(&resource, items),
        "AWS::EC2::SecurityGroup" => group(&resource, items),
        "AWS::EC2::SecurityGroupIngress" => rule(
            &resource,
            &Value::Object(resource.properties.clone()),
            &resource.required("GroupId")?,
            false,
            items,
        ),
        "AWS::EC2::SecurityGroupEgress" => rule(
            &resource,
            &Value::Object(resource.properties.clone()),
            &resource.required("GroupId")?,
            true,
            items,
        ),
        "AWS::EC2::SecurityGroupVpcAssociation" => {
            let item = json!({ "GroupId": resource.get("GroupId"), "VpcId": resource.get("VpcId") });
            items.add("SecurityGroupVpcAssociations", resource.place, item);
            Ok(())
        }
        "AWS::EC2::PrefixList" => prefix_list(&resource, items),
        "AWS::EC2::NetworkAcl" => {
            let item = json!({ "NetworkAclId": resource.id, "VpcId": resource.get("VpcId"), "Entries": [], "Associations": [], "Tags": resource.tags() });
            items.add("NetworkAcls", resource.place, item);
            Ok(())
        }
        "AWS::EC2::NetworkAclEntry" => {
            push(&resource, items, ACL, "Entries", Value::Object(resource.properties.clone()))
        }
        "AWS::EC2::SubnetNetworkAclAssociation" => {
            push(&resource, items, ACL, "Associations", json!({ "SubnetId": resource.get("SubnetId") }))
        }
        "AWS::EC2::VPCPeeringConnection" => {
            let item = json!({
                "VpcPeeringConnectionId": resource.id,
                "RequesterVpcInfo": { "VpcId": resource.get("VpcId") },
                "AccepterVpcInfo": { "VpcId": resource.get("PeerVpcId") },
                "Status": { "Code": "active" },
                "Tags": resource.tags(),
            });
            items.add("VpcPeeringConnections", resource.place, item);
            Ok(())
        }
        "AWS::EC2::InternetGateway" => routing::gateway(&resource, items),
        "AWS::EC2::VPCGatewayAttachment" => routing::attachment(&resource, items, report),
        "AWS::EC2::RouteTable" => routing::table(&resource, items),
        "AWS::EC2::Route" => routing::route(&resource, items),
        "AWS::EC2::SubnetRouteTableAssociation" => routing::association(&resource, items),
        "AWS::EC2::FlowLog" => flow_log(&resource, items),
        "AWS::EC2::NetworkInterface" => {
            let item = interface(&resource, items, &resource.properties, &resource.id, &resource.tags())?;
            items.add("NetworkInterfaces", resource.place, item);
            Ok(())
        }
        "AWS::EC2::NetworkInterfaceAttachment" => attach(&resource, items),
        "AWS::EC2::Instance" => instance(&resource, items),
        _ => {
            report.leave(
                format!("{name} ({kind})"),
                resource.place,
                "there are none here",
                "it is not there",
            );
            Ok(())
        }
    }
}

fn vpc(resource: &Resource<'_>, items: &mut Items) -> Result<(), ImportError> {
    let ipv6 = ipv6_blocks(resource.template, resource.name, 0)?;
    let blocks = ipv6.iter().map(|block| json!({ "Ipv6CidrBlock": block })).collect::<Vec<_>>();
    let item = json!({
        "VpcId": resource.id,
        "CidrBlock": resource.get("CidrBlock"),
        "CidrBlockAssociationSet": [],
        "Ipv6CidrBlockAssociationSet": blocks,
        "EnableDnsSupport": resource.get("EnableDnsSupport"),
        "EnableDnsHostnames": resource.get("EnableDnsHostnames"),
        "Tags": resource.tags(),
    });
    items.add("Vpcs", resource.place.clone(), item);
    let stack = &resource.template.stack;
    let [group, acl] = ["sg", "acl"].map(|prefix| default_id(stack, resource.name, prefix));
    items.add_defaults(&resource.place, &resource.id, &group, &acl, !ipv6.is_empty());
    Ok(())
}

/// A further block of a VPC; IPv6 ones the VPC has read itself.
fn block(resource: &Resource<'_>, items: &mut Items) -> Result<(), ImportError> {
    let Some(block) = resource.text("CidrBlock") else { return Ok(()) };
    let vpc_id = resource.required("VpcId")?;
    match items.find("Vpcs", "VpcId", &vpc_id).and_then(|vpc| vpc["CidrBlockAssociationSet"].as_array_mut()) {
        Some(blocks) => blocks.push(json!({ "CidrBlock": block })),
        None => return Err(resource.place.error(format!("there is no VPC {vpc_id}"))),
    }
    Ok(())
}

fn subnet(resource: &Resource<'_>, items: &mut Items) -> Result<(), ImportError> {
    let zone =
        resource.text("AvailabilityZone").unwrap_or_else(|| resource.template.region.zone('a').to_string());
    let ipv6 = resource.text("Ipv6CidrBlock").map(|block| json!({ "Ipv6CidrBlock": block }));
    let item = json!({
        "SubnetId": resource.id,
        "VpcId": resource.get("VpcId"),
        "AvailabilityZone": zone,
        "CidrBlock": resource.get("CidrBlock"),
        "Ipv6CidrBlockAssociationSet": ipv6.into_iter().collect::<Vec<_>>(),
        "Tags": resource.tags(),
    });
    items.add("Subnets", resource.place.clone(), item);
    Ok(())
}

fn group(resource: &Resource<'_>, items: &mut Items) -> Result<(), ImportError> {
    let stack = &resource.template.stack;
    let name = resource.text("GroupName").unwrap_or_else(|| format!("{stack}-{}", resource.name));
    let item = json!({
        "GroupId": resource.id,
        "GroupName": name,
        "Description": resource.required("GroupDescription")?,
        "VpcId": resource.required("VpcId")?,
        "Tags": resource.tags(),
    });
    items.add("SecurityGroups", resource.place.clone(), item);
    for (key, is_egress) in [("SecurityGroupIngress", false), ("SecurityGroupEgress", true)] {
        for permission in resource.get(key).as_array().into_iter().flatten() {
            rule(resource, permission, &resource.id, is_egress, items)?;
        }
    }
    // M-25: rules of its own take the place of AWS's, separate ones do not.
    if resource.get("SecurityGroupEgress").is_null() {
        let vpc_id = resource.required("VpcId")?;
        let has_ipv6 = items.find("Vpcs", "VpcId", &vpc_id).is_some_and(|vpc| {
            vpc["Ipv6CidrBlockAssociationSet"].as_array().is_some_and(|blocks| !blocks.is_empty())
        });
        items.add_open_egress(&resource.place, &resource.id, has_ipv6);
    }
    Ok(())
}

fn rule(
    resource: &Resource<'_>,
    permission: &Value,
    group_id: &str,
    is_egress: bool,
    items: &mut Items,
) -> Result<(), ImportError> {
    let (list, other) = if is_egress {
        ("DestinationPrefixListId", "DestinationSecurityGroupId")
    } else {
        ("SourcePrefixListId", "SourceSecurityGroupId")
    };
    if permission.get("SourceSecurityGroupName").is_some() && permission.get(other).is_none() {
        return Err(resource.place.error("groups are named by id here: write SourceSecurityGroupId"));
    }
    let protocol = plain_text(&permission["IpProtocol"]).unwrap_or_default();
    let has_ports = !["-1", "all"].contains(&protocol.as_str());
    let port = |key: &str| if has_ports { permission[key].clone() } else { json!(-1) };
    let referenced = permission
        .get(other)
        .map(|id| json!({ "GroupId": id, "UserId": permission["SourceSecurityGroupOwnerId"] }));
    items.add_rule(
        resource.place.clone(),
        json!({
            "GroupId": group_id,
            "IsEgress": is_egress,
            "IpProtocol": protocol,
            "FromPort": port("FromPort"),
            "ToPort": port("ToPort"),
            "CidrIpv4": permission["CidrIp"],
            "CidrIpv6": permission["CidrIpv6"],
            "PrefixListId": permission[list],
            "ReferencedGroupInfo": referenced,
            "Description": permission["Description"],
        }),
    );
    Ok(())
}

fn prefix_list(resource: &Resource<'_>, items: &mut Items) -> Result<(), ImportError> {
    let item = json!({
        "PrefixListId": resource.id,
        "PrefixListName": resource.required("PrefixListName")?,
        "AddressFamily": resource.required("AddressFamily")?,
        "MaxEntries": resource.get("MaxEntries"),
        "OwnEntries": resource.properties.get("Entries").cloned().unwrap_or_else(|| json!([])),
        "Tags": resource.tags(),
    });
    items.add("PrefixLists", resource.place.clone(), item);
    Ok(())
}

/// AWS's names for its properties are those of its description.
fn flow_log(resource: &Resource<'_>, items: &mut Items) -> Result<(), ImportError> {
    let mut item = Value::Object(resource.properties.clone());
    item["FlowLogId"] = json!(resource.id);
    item["Tags"] = resource.tags();
    items.add("FlowLogs", resource.place.clone(), item);
    Ok(())
}

/// What other resources say more about: the key of its items, the member by which its id is known and named, what it is.
pub(super) struct Parent(pub(super) &'static str, pub(super) &'static str, pub(super) &'static str);

const ACL: Parent = Parent("NetworkAcls", "NetworkAclId", "network ACL");

/// Adds to a list of the item that a resource names.
pub(super) fn push(
    resource: &Resource<'_>,
    items: &mut Items,
    Parent(key, member, what): Parent,
    list: &str,
    item: Value,
) -> Result<(), ImportError> {
    let id = resource.required(member)?;
    let parent = items.find(key, member, &id);
    let parent = parent.ok_or_else(|| resource.place.error(format!("there is no {what} {id}")))?;
    if parent[list].is_null() {
        parent[list] = json!([]);
    }
    parent[list].as_array_mut().into_iter().for_each(|items| items.push(item.clone()));
    Ok(())
}
