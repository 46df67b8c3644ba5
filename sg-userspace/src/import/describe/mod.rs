//! What `aws ec2 describe-…` prints, one call or page a file or several in one; files are known by their top-level keys.

mod flow_log;
mod group;
mod instance;
mod interface;
mod network;
mod prefix_list;
mod routing;
mod settings;
mod vpc_attribute;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::aws::ids::{SecurityGroupId, SubnetId, VpcId};
use crate::aws::region::Region;

pub(super) use settings::{KEY as SETTINGS, Settings};

use super::draft::Draft;
use super::error::{ImportError, Place};
use super::items::Items;
use super::node::Node;

/// Keys of calls that say what becomes part of the world.
const USED: [&str; 18] = [
    "Vpcs",
    "Subnets",
    "NetworkAcls",
    "SecurityGroups",
    "SecurityGroupRules",
    "SecurityGroupVpcAssociations",
    "PrefixLists",
    "Entries",
    "VpcPeeringConnections",
    "InternetGateways",
    "RouteTables",
    "NetworkInterfaces",
    "Reservations",
    "FlowLogs",
    vpc_attribute::NAMES[0],
    vpc_attribute::NAMES[1],
    vpc_attribute::NAMES[2],
    settings::KEY,
];

/// Calls whose objects there are none of here: the top-level key, the key of an object's id, what it is, and what follows.
const LEFT_OUT: [(&str, &str, &str, &str); 12] = [
    ("EgressOnlyInternetGateways", "EgressOnlyInternetGatewayId", "egress-only internet gateway", EVERY_VPC),
    ("NatGateways", "NatGatewayId", "NAT gateway", "instances reach the internet by their own addresses"),
    ("TransitGateways", "TransitGatewayId", "transit gateway", NO_WAY),
    ("TransitGatewayAttachments", "TransitGatewayAttachmentId", "transit gateway attachment", NO_WAY),
    ("TransitGatewayVpcAttachments", "TransitGatewayAttachmentId", "transit gateway attachment", NO_WAY),
    ("VpnGateways", "VpnGatewayId", "VPN gateway", NO_WAY),
    ("VpnConnections", "VpnConnectionId", "VPN connection", NO_WAY),
    (
        "VpcEndpoints",
        "VpcEndpointId",
        "VPC endpoint",
        "its interfaces count as members of their groups, no more",
    ),
    (
        "Addresses",
        "AllocationId",
        "Elastic IP address",
        "the internet reaches instances by private addresses",
    ),
    (
        "LoadBalancers",
        "LoadBalancerArn",
        "load balancer",
        "its interfaces count as members of their groups, no more",
    ),
    ("DhcpOptions", "DhcpOptionsId", "set of DHCP options", "addresses are configured without DHCP"),
    ("KeyPairs", "KeyPairId", "key pair", "instances have no users to log in"),
];
const EVERY_VPC: &str = "every VPC reaches the internet, and the internet every VPC";
const NO_WAY: &str = "no way leads through it; what lies behind it counts as the internet";

/// Whether a document is what a describe call prints.
pub(super) fn is_it(document: &Value) -> bool {
    let Some(object) = document.as_object() else { return false };
    object.keys().any(|key| USED.contains(&key.as_str()) || LEFT_OUT.iter().any(|(left, ..)| left == key))
}

/// The items of all pages, by top-level key.
struct Pages<'v> {
    items: BTreeMap<&'v str, Vec<Node<'v>>>,
    /// Prefix lists' entries by file, since the call's answer does not name the list.
    entries: Vec<Node<'v>>,
    settings: Vec<Node<'v>>,
    /// Answers about one attribute of one VPC each.
    vpc_attributes: Vec<Node<'v>>,
}

impl<'v> Pages<'v> {
    fn of(documents: &[Node<'v>], items: &'v Items) -> Result<Self, ImportError> {
        let mut pages = Self {
            items: BTreeMap::new(),
            entries: Vec::new(),
            settings: Vec::new(),
            vpc_attributes: Vec::new(),
        };
        for document in documents {
            for (key, node) in document.entries() {
                match key {
                    "Entries" => pages.entries.push(node),
                    settings::KEY => pages.settings.push(node),
                    _ if vpc_attribute::NAMES.contains(&key) => pages.vpc_attributes.push(document.clone()),
                    _ if node.value().is_array() => {
                        pages.items.entry(key).or_default().extend(node.items()?);
                    }
                    // Tokens and the like.
                    _ => {}
                }
            }
        }
        for (key, place, value) in items.iter() {
            pages.items.entry(key).or_default().push(Node::at(place, value));
        }
        Ok(pages)
    }

    fn get(&self, key: &str) -> &[Node<'v>] {
        self.items.get(key).map_or(&[], Vec::as_slice)
    }
}

/// What readers of objects have at hand.
struct Context<'a> {
    /// The region of what does not say its own.
    region: Option<Region>,
    /// The account whose VPCs these are.
    account: Option<String>,
    /// Regions of VPCs, as far as anything tells them.
    regions: BTreeMap<VpcId, Region>,
    /// Groups that there are, each with its VPC.
    groups: BTreeMap<SecurityGroupId, VpcId>,
    /// Subnets that are left out, with what is in them.
    left_subnets: BTreeSet<SubnetId>,
    draft: &'a mut Draft,
}

/// Reads documents into a draft.
pub(super) fn read(
    documents: &[Node<'_>],
    items: &Items,
    region: Option<&Region>,
    draft: &mut Draft,
) -> Result<(), ImportError> {
    let pages = Pages::of(documents, items)?;
    if pages.get("Vpcs").is_empty() {
        let first = items.iter().next().map(|(_, place, _)| place.clone());
        let place = documents.first().map(Node::place).or(first).unwrap_or_default();
        return Err(Place { path: String::new(), ..place }
            .error("no VPC: add what `aws ec2 describe-vpcs` prints, to a file beside it"));
    }
    let account = pages.get("Vpcs").iter().find_map(|vpc| vpc.text("OwnerId").transpose()).transpose()?;
    let regions = network::regions(&pages)?;
    let groups = group::all(&pages)?;
    let left_subnets = BTreeSet::new();
    let mut context = Context { region: region.cloned(), account, regions, groups, left_subnets, draft };
    settings::read(&pages, &mut context)?;
    network::read_vpcs(&pages, &mut context)?;
    prefix_list::read(&pages, &mut context)?;
    network::read_acls(&pages, &mut context)?;
    network::read_subnets(&pages, &mut context)?;
    network::read_peerings(&pages, &mut context)?;
    routing::read_gateways(&pages, &mut context)?;
    routing::read_tables(&pages, &mut context)?;
    group::read(&pages, &mut context)?;
    interface::read(&pages, &mut context)?;
    instance::read(&pages, &mut context)?;
    flow_log::read(&pages, &mut context)?;
    settings::apply(&pages, &mut context)?;
    leave_out(&pages, &mut context)
}

/// Tells what there is no place for.
fn leave_out(pages: &Pages<'_>, context: &mut Context<'_>) -> Result<(), ImportError> {
    for (key, id, kind, consequence) in LEFT_OUT {
        for item in pages.get(key) {
            let id = item.text(id)?.unwrap_or_default();
            let what = format!("{kind} {id}").trim_end().to_owned();
            context.draft.report.leave(what, item.place(), "there are none here", consequence);
        }
    }
    Ok(())
}

/// The region in an ARN.
fn region_of_arn(item: &Node<'_>, key: &str) -> Result<Option<Region>, ImportError> {
    let arn = item.text(key)?;
    Ok(arn.as_deref().and_then(|arn| arn.split(':').nth(3)).and_then(|region| region.parse().ok()))
}
