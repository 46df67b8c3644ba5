//! Ids and attributes of a template's resources, which are not made yet: ids follow from the stack's and the resource's name,
//! attributes from properties.

use serde_json::{Value, json};

use super::resolve::{Template, plain_text};
use crate::import::error::ImportError;
use crate::import::items;

/// Prefixes of ids by type of resource.
const PREFIXES: [(&str, &str); 12] = [
    ("AWS::EC2::VPC", "vpc"),
    ("AWS::EC2::Subnet", "subnet"),
    ("AWS::EC2::SecurityGroup", "sg"),
    ("AWS::EC2::NetworkInterface", "eni"),
    ("AWS::EC2::Instance", "i"),
    ("AWS::EC2::PrefixList", "pl"),
    ("AWS::EC2::NetworkAcl", "acl"),
    ("AWS::EC2::VPCPeeringConnection", "pcx"),
    ("AWS::EC2::SecurityGroupIngress", "sgr"),
    ("AWS::EC2::InternetGateway", "igw"),
    ("AWS::EC2::RouteTable", "rtb"),
    ("AWS::EC2::FlowLog", "fl"),
];

/// The id of a resource; of what has no place here, its name.
pub(super) fn id(stack: &str, name: &str, resource: &Value) -> String {
    let kind = resource["Type"].as_str().unwrap_or_default();
    let prefix = PREFIXES.iter().find(|(known, _)| *known == kind);
    prefix.map_or_else(|| name.to_owned(), |(_, prefix)| items::id(prefix, &format!("{stack}/{name}")))
}

/// The id of a VPC's default group or default ACL.
pub(super) fn default_id(stack: &str, vpc: &str, prefix: &str) -> String {
    items::id(prefix, &format!("{stack}/{vpc}/default"))
}

/// An attribute, if it is known before the resource is made.
pub(super) fn get(
    template: &Template<'_>,
    name: &str,
    resource: &Value,
    attribute: &str,
    depth: usize,
) -> Result<Option<Value>, ImportError> {
    let kind = resource["Type"].as_str().unwrap_or_default();
    let property = |key: &str| -> Result<Option<Value>, ImportError> {
        let path = format!("Resources.{name}.Properties.{key}");
        let value = template.resolve(&resource["Properties"][key], &path, depth + 1)?;
        Ok(Some(value).filter(|value| !value.is_null()))
    };
    let stack = &template.stack;
    match (kind, attribute) {
        ("AWS::EC2::VPC", "DefaultSecurityGroup") => Ok(Some(json!(default_id(stack, name, "sg")))),
        ("AWS::EC2::VPC", "DefaultNetworkAcl") => Ok(Some(json!(default_id(stack, name, "acl")))),
        ("AWS::EC2::VPC", "CidrBlockAssociations") => Ok(None),
        ("AWS::EC2::VPC", "Ipv6CidrBlocks") => Ok(Some(json!(ipv6_blocks(template, name, depth)?))),
        ("AWS::EC2::Subnet", "AvailabilityZone") => {
            Ok(Some(property(attribute)?.unwrap_or_else(|| json!(template.region.zone('a').as_str()))))
        }
        ("AWS::EC2::Subnet", "Ipv6CidrBlocks") => Ok(property("Ipv6CidrBlock")?.map(|block| json!([block]))),
        ("AWS::EC2::Instance", "PrivateIp") => property("PrivateIpAddress"),
        ("AWS::EC2::NetworkInterface", "PrimaryPrivateIpAddress") => property("PrivateIpAddress"),
        (
            _,
            "GroupId" | "Id" | "VpcId" | "SubnetId" | "PrefixListId" | "NetworkAclId" | "InstanceId"
            | "InternetGatewayId" | "RouteTableId",
        ) => {
            let own = match attribute {
                // A group, a subnet or an ACL also tells its VPC.
                "VpcId" if kind != "AWS::EC2::VPC" => property("VpcId")?,
                _ => Some(json!(id(stack, name, resource))),
            };
            Ok(own)
        }
        ("AWS::EC2::VPC", "CidrBlock") | ("AWS::EC2::Subnet", "CidrBlock") => property(attribute),
        // What has no place here is left out with whatever asks for it.
        (other, _) if !other.starts_with("AWS::EC2::") => Ok(Some(json!(format!("{name}.{attribute}")))),
        _ => Ok(None),
    }
}

/// The IPv6 blocks that a template gives a VPC. Amazon's own choice is made up.
pub(super) fn ipv6_blocks(
    template: &Template<'_>,
    vpc: &str,
    depth: usize,
) -> Result<Vec<String>, ImportError> {
    let mut blocks = Vec::new();
    let resources = template.document["Resources"].as_object().into_iter().flatten();
    for (index, (name, resource)) in resources.enumerate() {
        if resource["Type"] != "AWS::EC2::VPCCidrBlock" || template.resource(name)?.is_none() {
            continue;
        }
        let path = format!("Resources.{name}.Properties");
        let properties = &resource["Properties"];
        if properties["VpcId"] != json!({ "Ref": vpc })
            && properties["VpcId"] != json!({ "Fn::GetAtt": format!("{vpc}.VpcId") })
        {
            continue;
        }
        if let Some(block) = properties.get("Ipv6CidrBlock") {
            blocks.extend(plain_text(&template.resolve(block, &path, depth + 1)?));
        } else if properties["AmazonProvidedIpv6CidrBlock"] == true
            || properties["AmazonProvidedIpv6CidrBlock"] == "true"
        {
            blocks.push(format!("2600:1f13:{:x}:{:x}00::/56", index + 1, template.stack.len() % 256));
        }
    }
    Ok(blocks)
}
