//! A world as `aws ec2 describe-…` would print it, one call a file: what the EC2 endpoint answers, in the AWS CLI's form. Two
//! things are not AWS's: the name of a file of prefix list entries has the list's id, and a file of `sgsim`'s own has what AWS
//! has no words for.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::{Value, json};

use crate::aws::region::Region;
use crate::aws::vpc::VpcAttributes;
use crate::aws::world::World;
use crate::ec2::call::{Backend, Caller};
use crate::ec2::describe;
use crate::ec2::fault::Fault;

use super::describe::{SETTINGS, Settings};
use super::source::SourceFile;

/// The calls that say all of a world, and the names of their files.
const CALLS: [(&str, &str); 13] = [
    ("DescribeVpcs", "describe-vpcs"),
    ("DescribeSubnets", "describe-subnets"),
    ("DescribeNetworkAcls", "describe-network-acls"),
    ("DescribeSecurityGroups", "describe-security-groups"),
    ("DescribeSecurityGroupRules", "describe-security-group-rules"),
    ("DescribeSecurityGroupVpcAssociations", "describe-security-group-vpc-associations"),
    ("DescribeManagedPrefixLists", "describe-managed-prefix-lists"),
    ("DescribeVpcPeeringConnections", "describe-vpc-peering-connections"),
    ("DescribeInternetGateways", "describe-internet-gateways"),
    ("DescribeRouteTables", "describe-route-tables"),
    ("DescribeNetworkInterfaces", "describe-network-interfaces"),
    ("DescribeInstances", "describe-instances"),
    ("DescribeFlowLogs", "describe-flow-logs"),
];

/// A world that stands still.
struct Still<'w>(&'w World);

impl Backend for Still<'_> {
    fn world(&self) -> Result<World, Fault> {
        Ok(self.0.clone())
    }

    fn change(&self, _: crate::command::Command) -> Result<crate::command::Reply, Fault> {
        Err(Fault::internal("what is exported does not change"))
    }
}

/// The files of a world, below a directory for each region where there are several.
///
/// # Errors
/// Where an answer is not of its shape, which would be a fault of the endpoint.
pub fn export(world: &World, internet: &[IpAddr], account_id: &str) -> Result<Vec<SourceFile>, Fault> {
    let regions = regions(world);
    let mut files = Vec::new();
    for region in &regions {
        let caller = Caller {
            region: region.clone(),
            account_id: account_id.to_owned(),
            now: 0,
            runs_user_data: false,
        };
        let directory = if regions.len() > 1 { format!("{region}/") } else { String::new() };
        let mut write = |name: &str, value: &Value| {
            files.push(SourceFile { name: format!("{directory}{name}.json"), text: pretty(value) });
        };
        for (action, name) in CALLS {
            write(name, &describe(&Still(world), &caller, action, &json!({}))?);
        }
        for vpc in world.vpcs.values().filter(|vpc| vpc.region == *region) {
            for attribute in unusual(&vpc.attributes) {
                let parameters = json!({ "VpcId": vpc.id, "Attribute": attribute });
                let answer = describe(&Still(world), &caller, "DescribeVpcAttribute", &parameters)?;
                write(&format!("describe-vpc-attribute-{}-{attribute}", vpc.id), &answer);
            }
        }
        for list in world.prefix_lists.values().filter(|list| list.region == *region) {
            for version in list.versions.keys() {
                let parameters = json!({ "PrefixListId": list.id, "TargetVersion": version });
                let answer = describe(&Still(world), &caller, "GetManagedPrefixListEntries", &parameters)?;
                let suffix = if *version == list.version() { String::new() } else { format!("-v{version}") };
                write(&format!("get-managed-prefix-list-entries-{}{suffix}", list.id), &answer);
            }
        }
    }
    let settings = Settings::of(world, internet);
    if settings != Settings::default() {
        let text = pretty(&json!({ SETTINGS: settings }));
        files.push(SourceFile { name: "sgsim-settings.json".to_owned(), text });
    }
    Ok(files)
}

/// The names of attributes that are not as AWS has them by default: each takes a call.
fn unusual(attributes: &VpcAttributes) -> Vec<&'static str> {
    let values = |it: &VpcAttributes| {
        [it.enable_dns_support, it.enable_dns_hostnames, it.enable_network_address_usage_metrics]
    };
    let names = ["enableDnsSupport", "enableDnsHostnames", "enableNetworkAddressUsageMetrics"];
    let pairs = values(attributes).into_iter().zip(values(&VpcAttributes::default()));
    names.into_iter().zip(pairs).filter(|(_, (own, usual))| own != usual).map(|(name, _)| name).collect()
}

fn regions(world: &World) -> BTreeSet<Region> {
    let vpcs = world.vpcs.values().map(|vpc| vpc.region.clone());
    let lists = world.prefix_lists.values().map(|list| list.region.clone());
    let regions = vpcs.chain(lists).collect::<BTreeSet<_>>();
    if regions.is_empty() { BTreeSet::from([Region::default()]) } else { regions }
}

/// As the AWS CLI prints it.
fn pretty(value: &Value) -> String {
    let mut out = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, formatter);
    // A value is always JSON, and JSON is always text.
    let _ = serde::Serialize::serialize(value, &mut serializer);
    out.push(b'\n');
    String::from_utf8(out).unwrap_or_default()
}
