//! `cargo xtask ec2-model`: writes the table of EC2's shapes, and the protocol suite that checks the codec, from
//! botocore's source distribution. Both are committed; this is run again only to follow a newer API.
//!
//! The table keeps botocore's own syntax, without documentation and without what neither direction of the wire needs, so
//! that the codec reads both the table and the suite.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

use crate::exec;
use crate::repo::Repo;
use crate::say;

/// The release that the table is from.
const BOTOCORE: &str = "1.44.5";
/// The model inside it.
const MODEL: &str = "botocore/data/ec2/2016-11-15/service-2.json";
/// Where the table goes.
const TABLE: &str = "sg-userspace/src/ec2/model";
/// Where the suite goes.
const SUITE: &str = "tests/fixtures/botocore";
/// What a member keeps: its shape, and its names on the wire.
const MEMBER_KEYS: &[&str] = &["shape", "locationName", "queryName", "flattened"];

/// The actions whose shapes are kept.
const ACTIONS: &str = "
    CreateVpc DeleteVpc DescribeVpcs ModifyVpcAttribute DescribeVpcAttribute AssociateVpcCidrBlock DisassociateVpcCidrBlock
    CreateSubnet DeleteSubnet DescribeSubnets ModifySubnetAttribute AssociateSubnetCidrBlock DisassociateSubnetCidrBlock
    CreateInternetGateway DeleteInternetGateway DescribeInternetGateways AttachInternetGateway DetachInternetGateway
    CreateRouteTable DeleteRouteTable DescribeRouteTables AssociateRouteTable DisassociateRouteTable
    ReplaceRouteTableAssociation CreateRoute DeleteRoute ReplaceRoute
    CreateSecurityGroup DeleteSecurityGroup DescribeSecurityGroups DescribeSecurityGroupRules
    AuthorizeSecurityGroupIngress AuthorizeSecurityGroupEgress RevokeSecurityGroupIngress RevokeSecurityGroupEgress
    ModifySecurityGroupRules UpdateSecurityGroupRuleDescriptionsIngress UpdateSecurityGroupRuleDescriptionsEgress
    DescribeStaleSecurityGroups DescribeSecurityGroupReferences GetSecurityGroupsForVpc
    AssociateSecurityGroupVpc DisassociateSecurityGroupVpc DescribeSecurityGroupVpcAssociations
    CreateNetworkInterface DeleteNetworkInterface DescribeNetworkInterfaces AttachNetworkInterface DetachNetworkInterface
    ModifyNetworkInterfaceAttribute DescribeNetworkInterfaceAttribute ResetNetworkInterfaceAttribute
    AssignPrivateIpAddresses UnassignPrivateIpAddresses AssignIpv6Addresses UnassignIpv6Addresses
    RunInstances DescribeInstances DescribeInstanceStatus StartInstances StopInstances RebootInstances TerminateInstances
    ModifyInstanceAttribute DescribeInstanceAttribute ModifyInstanceMetadataOptions DescribeInstanceTypes DescribeImages
    CreateManagedPrefixList ModifyManagedPrefixList DeleteManagedPrefixList DescribeManagedPrefixLists
    GetManagedPrefixListEntries GetManagedPrefixListAssociations RestoreManagedPrefixListVersion DescribePrefixLists
    CreateNetworkAcl DeleteNetworkAcl DescribeNetworkAcls CreateNetworkAclEntry DeleteNetworkAclEntry
    ReplaceNetworkAclEntry ReplaceNetworkAclAssociation
    CreateVpcPeeringConnection AcceptVpcPeeringConnection RejectVpcPeeringConnection DeleteVpcPeeringConnection
    DescribeVpcPeeringConnections ModifyVpcPeeringConnectionOptions
    CreateFlowLogs DeleteFlowLogs DescribeFlowLogs
    CreateNetworkInsightsPath DeleteNetworkInsightsPath DescribeNetworkInsightsPaths
    StartNetworkInsightsAnalysis DeleteNetworkInsightsAnalysis DescribeNetworkInsightsAnalyses
    CreateDefaultVpc CreateDefaultSubnet DescribeDhcpOptions
    DescribeRegions DescribeAvailabilityZones DescribeAccountAttributes CreateTags DeleteTags DescribeTags
";

pub(crate) fn execute(repo: &Repo) -> Result<()> {
    let source = fetch(repo)?;
    let table = repo.root.join(TABLE);
    let suite = repo.root.join(SUITE);
    fs::create_dir_all(&table)?;
    fs::create_dir_all(&suite)?;

    let model = fs::read(source.join(MODEL))?;
    let model: Value = serde_json::from_slice(&model).context("botocore's model is not JSON")?;
    let (text, shapes) = trimmed(&model)?;
    fs::write(table.join("shapes.json"), text)?;
    for direction in ["input", "output"] {
        let vectors = fs::read(source.join("tests/unit/protocols").join(direction).join("ec2.json"))?;
        let mut vectors: Value = serde_json::from_slice(&vectors).context("botocore's suite is not JSON")?;
        strip_documentation(&mut vectors);
        fs::write(
            suite.join(format!("ec2-{direction}.json")),
            format!("{}\n", serde_json::to_string_pretty(&vectors)?),
        )?;
    }
    for place in [&table, &suite] {
        fs::copy(source.join("LICENSE.txt"), place.join("LICENSE-APACHE-2.0.txt"))?;
        fs::write(place.join("NOTICE.md"), NOTICE.replace("VERSION", BOTOCORE))?;
    }
    say::found("ec2-model", format_args!("botocore {BOTOCORE}, {shapes} shapes in {TABLE}/shapes.json"));
    Ok(())
}

const NOTICE: &str = "\
# Origin of the JSON files here

They are derived from [botocore](https://pypi.org/project/botocore/VERSION/) VERSION, source distribution, licensed under
the Apache License 2.0 (`LICENSE-APACHE-2.0.txt`).

> Botocore
> Copyright 2012-2022 Amazon.com, Inc. or its affiliates. All Rights Reserved.

Changed: documentation and everything that is not needed to read requests and write replies was removed, and of the EC2
model only some actions were kept. `cargo xtask ec2-model` writes the files again.
";

/// Botocore's source distribution, unpacked below the target directory.
fn fetch(repo: &Repo) -> Result<PathBuf> {
    let directory = repo.target.join("botocore");
    let unpacked = directory.join(format!("botocore-{BOTOCORE}"));
    if unpacked.join(MODEL).is_file() {
        return Ok(unpacked);
    }
    fs::create_dir_all(&directory)?;
    let package = format!("botocore=={BOTOCORE}");
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--no-deps", "--no-binary", ":all:", &package, "--dest"]);
    exec::into_log(repo, "ec2-model", "fetching botocore's source distribution", pip.arg(&directory))?;
    let archive = directory.join(format!("botocore-{BOTOCORE}.tar.gz"));
    exec::capture(Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(&directory))?;
    Ok(unpacked)
}

/// The table as text, one operation or shape a line, and how many shapes it has.
fn trimmed(model: &Value) -> Result<(String, usize)> {
    let mut operations = Map::new();
    let mut shapes = Map::new();
    let mut wanted = BTreeSet::new();
    for action in ACTIONS.split_whitespace() {
        let operation = &model["operations"][action];
        if operation.is_null() {
            bail!("botocore's model has no action `{action}`");
        }
        let mut kept = Map::new();
        for direction in ["input", "output"] {
            if let Some(shape) = operation[direction]["shape"].as_str() {
                kept.insert(direction.to_owned(), json!({ "shape": shape }));
                wanted.insert(shape.to_owned());
            }
        }
        operations.insert(action.to_owned(), Value::Object(kept));
    }
    while let Some(name) = wanted.pop_first() {
        if shapes.contains_key(&name) {
            continue;
        }
        let shape = model["shapes"][&name].as_object().with_context(|| format!("no shape `{name}`"))?;
        let shape = trimmed_shape(shape);
        for member in shape.get("members").and_then(Value::as_object).into_iter().flat_map(Map::values) {
            wanted.extend(member["shape"].as_str().map(str::to_owned));
        }
        wanted.extend(shape.get("member").and_then(|member| member["shape"].as_str()).map(str::to_owned));
        shapes.insert(name, Value::Object(shape));
    }
    let lines = |map: &Map<String, Value>| {
        let lines = map.iter().map(|(name, value)| format!("    {}: {value}", json!(name)));
        lines.collect::<Vec<_>>().join(",\n")
    };
    let text = format!(
        "{{\n  \"metadata\": {},\n  \"operations\": {{\n{}\n  }},\n  \"shapes\": {{\n{}\n  }}\n}}\n",
        json!({ "apiVersion": model["metadata"]["apiVersion"] }),
        lines(&operations),
        lines(&shapes)
    );
    Ok((text, shapes.len()))
}

fn trimmed_shape(shape: &Map<String, Value>) -> Map<String, Value> {
    let keep = |member: &Value| {
        let kept = member.as_object().into_iter().flatten();
        let kept = kept.filter(|(key, _)| MEMBER_KEYS.contains(&key.as_str()));
        Value::Object(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
    };
    let mut kept = Map::new();
    for (key, value) in shape {
        let value = match key.as_str() {
            "type" | "required" | "flattened" => value.clone(),
            "member" => keep(value),
            "members" => {
                let members = value.as_object().into_iter().flatten();
                Value::Object(members.map(|(name, member)| (name.clone(), keep(member))).collect())
            }
            _ => continue,
        };
        kept.insert(key.clone(), value);
    }
    kept
}

fn strip_documentation(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, value| key != "documentation" || !value.is_string());
            map.values_mut().for_each(strip_documentation);
        }
        Value::Array(items) => items.iter_mut().for_each(strip_documentation),
        _ => {}
    }
}
