//! What each type of resource becomes.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::attributes::{self, default_id, ipv6_blocks};
use super::resolve::{Template, plain_text};
use crate::import::draft::Report;
use crate::import::error::{ImportError, Place};
use crate::import::items::{self, Items};

/// Resources that mean something only to others, which are there already.
const COMPLETING: [&str; 6] = [
    "AWS::EC2::VPCCidrBlock",
    "AWS::EC2::NetworkAclEntry",
    "AWS::EC2::SubnetNetworkAclAssociation",
    "AWS::EC2::NetworkInterfaceAttachment",
    "AWS::EC2::SecurityGroupVpcAssociation",
    "AWS::EC2::Instance",
];

/// Resources of networks that there are none of here, and what follows.
const LEFT_OUT: [(&str, &str); 9] = [
    ("AWS::EC2::InternetGateway", "every VPC reaches the internet"),
    ("AWS::EC2::VPCGatewayAttachment", "every VPC reaches the internet"),
    ("AWS::EC2::EgressOnlyInternetGateway", "every VPC reaches the internet"),
    ("AWS::EC2::RouteTable", "routes follow from VPCs and active peerings"),
    ("AWS::EC2::Route", "routes follow from VPCs and active peerings"),
    ("AWS::EC2::SubnetRouteTableAssociation", "routes follow from VPCs and active peerings"),
    ("AWS::EC2::NatGateway", "instances reach the internet by their own addresses"),
    ("AWS::EC2::EIP", "the internet reaches instances by private addresses"),
    ("AWS::EC2::EIPAssociation", "the internet reaches instances by private addresses"),
];

/// Whether a type of resource completes others.
pub(super) fn completes(kind: &str) -> bool {
    COMPLETING.contains(&kind)
}

/// A resource whose functions have been carried out.
struct Resource<'t> {
    template: &'t Template<'t>,
    name: &'t str,
    id: String,
    place: Place,
    properties: Map<String, Value>,
}

impl Resource<'_> {
    /// A property; `null` where there is none.
    fn get(&self, key: &str) -> Value {
        self.properties.get(key).cloned().unwrap_or_default()
    }

    fn text(&self, key: &str) -> Option<String> {
        plain_text(&self.get(key))
    }

    fn required(&self, key: &str) -> Result<String, ImportError> {
        self.text(key).ok_or_else(|| self.place.error(format!("there is no `{key}`")))
    }

    /// Tags, with those that CloudFormation sets.
    fn tags(&self) -> Value {
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
            into_acl(&resource, items, "Entries", Value::Object(resource.properties.clone()))
        }
        "AWS::EC2::SubnetNetworkAclAssociation" => {
            into_acl(&resource, items, "Associations", json!({ "SubnetId": resource.get("SubnetId") }))
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

fn into_acl(resource: &Resource<'_>, items: &mut Items, list: &str, item: Value) -> Result<(), ImportError> {
    let acl_id = resource.required("NetworkAclId")?;
    match items.find("NetworkAcls", "NetworkAclId", &acl_id) {
        Some(acl) => {
            if acl[list].is_null() {
                acl[list] = json!([]);
            }
            acl[list].as_array_mut().into_iter().for_each(|items| items.push(item.clone()));
            Ok(())
        }
        None => Err(resource.place.error(format!("there is no network ACL {acl_id}"))),
    }
}

/// An interface's item, from the properties that interfaces and instances share.
fn interface(
    resource: &Resource<'_>,
    items: &mut Items,
    properties: &Map<String, Value>,
    id: &str,
    tags: &Value,
) -> Result<Value, ImportError> {
    let get = |key: &str| properties.get(key).cloned().unwrap_or_default();
    let subnet_id =
        plain_text(&get("SubnetId")).ok_or_else(|| resource.place.error("there is no `SubnetId`"))?;
    let subnet = items.find("Subnets", "SubnetId", &subnet_id);
    let vpc_id = subnet.map(|subnet| subnet["VpcId"].clone()).unwrap_or_default();
    let groups = ["GroupSet", "SecurityGroupIds"].iter().find_map(|key| get(key).as_array().cloned());
    let mut groups = groups.unwrap_or_default();
    if groups.is_empty() {
        // M-13.
        let default =
            items.under("SecurityGroups").find(|it| it["GroupName"] == "default" && it["VpcId"] == vpc_id);
        groups.extend(default.map(|group| group["GroupId"].clone()));
    }
    let mut addresses = get("PrivateIpAddresses").as_array().cloned().unwrap_or_default();
    if let Some(primary) = plain_text(&get("PrivateIpAddress")) {
        addresses.insert(0, json!({ "PrivateIpAddress": primary, "Primary": true }));
    }
    Ok(json!({
        "NetworkInterfaceId": id,
        "SubnetId": subnet_id,
        "VpcId": vpc_id,
        "Description": get("Description"),
        "SourceDestCheck": get("SourceDestCheck"),
        "PrivateIpAddresses": addresses,
        "Ipv6Addresses": get("Ipv6Addresses").as_array().cloned().unwrap_or_default(),
        "Groups": groups.iter().map(|group| json!({ "GroupId": group })).collect::<Vec<_>>(),
        "HasChosenAddress": addresses.is_empty(),
        "Tags": tags,
    }))
}

fn attachment(instance_id: &str, index: &Value, deleted: bool) -> Value {
    json!({ "InstanceId": instance_id, "DeviceIndex": index, "DeleteOnTermination": deleted, "Status": "attached" })
}

fn attach(resource: &Resource<'_>, items: &mut Items) -> Result<(), ImportError> {
    let (interface_id, instance_id) =
        (resource.required("NetworkInterfaceId")?, resource.required("InstanceId")?);
    let deleted = resource.text("DeleteOnTermination").is_none_or(|it| it == "true");
    match items.find("NetworkInterfaces", "NetworkInterfaceId", &interface_id) {
        Some(interface) => {
            interface["Attachment"] = attachment(&instance_id, &resource.get("DeviceIndex"), deleted);
            Ok(())
        }
        None => Err(resource.place.error(format!("there is no network interface {interface_id}"))),
    }
}

fn instance(resource: &Resource<'_>, items: &mut Items) -> Result<(), ImportError> {
    let mut specifications = resource.get("NetworkInterfaces").as_array().cloned().unwrap_or_default();
    if specifications.is_empty() {
        specifications.push(Value::Object(resource.properties.clone()));
    }
    for (place_in_list, specification) in specifications.iter().enumerate() {
        let Some(properties) = specification.as_object() else { continue };
        let index = properties.get("DeviceIndex").cloned().unwrap_or_else(|| json!(place_in_list));
        if let Some(id) = properties.get("NetworkInterfaceId").and_then(plain_text) {
            match items.find("NetworkInterfaces", "NetworkInterfaceId", &id) {
                Some(interface) => interface["Attachment"] = attachment(&resource.id, &index, false),
                None => return Err(resource.place.error(format!("there is no network interface {id}"))),
            }
            continue;
        }
        let id = items::id("eni", &format!("{} {index}", resource.id));
        let mut item = interface(resource, items, properties, &id, &json!([]))?;
        item["Attachment"] = attachment(&resource.id, &index, true);
        items.add("NetworkInterfaces", resource.place.clone(), item);
    }
    let item = json!({ "InstanceId": resource.id, "InstanceType": resource.get("InstanceType"), "Tags": resource.tags() });
    items.add("Reservations", resource.place.clone(), json!({ "Instances": [item] }));
    Ok(())
}
