//! How paths of network insights and their analyses are shown.

use std::net::IpAddr;

use serde_json::{Value, json};

use crate::aws::network_acl::NetworkAclEntry;
use crate::aws::network_insights::{
    Found, NetworkInsightsAnalysis, NetworkInsightsPath, Outcome, PathEnd, PathStep,
};
use crate::aws::protocol::{IpProtocol, PortRange};
use crate::aws::rule::{Direction, Peer, SecurityGroupRule};
use crate::aws::tag::ResourceId;
use crate::aws::time::timestamp;

use super::tag;
use crate::ec2::call::Caller;

pub(super) fn path_view(caller: &Caller, path: &NetworkInsightsPath) -> Value {
    let id = |end: &PathEnd| end.resource().to_string();
    let arn = |end: &PathEnd| arn(caller, &end.resource());
    json!({
        "NetworkInsightsPathId": path.id,
        "NetworkInsightsPathArn": caller.arn("network-insights-path", &path.id),
        "CreatedDate": timestamp(path.created),
        "Source": id(&path.source),
        "SourceArn": arn(&path.source),
        "SourceIp": path.source_ip,
        "Destination": path.destination.as_ref().map(id),
        "DestinationArn": path.destination.as_ref().map(arn),
        "DestinationIp": path.destination_ip,
        "DestinationPort": path.destination_port,
        "Protocol": path.protocol.to_string(),
        "Tags": tag::set(&path.tags),
    })
}

pub(super) fn analysis_view(caller: &Caller, analysis: &NetworkInsightsAnalysis) -> Value {
    let mut view = match &analysis.outcome {
        Outcome::Failed(reason) => json!({ "Status": "failed", "StatusMessage": reason }),
        Outcome::Succeeded(found) => found_view(caller, found),
    };
    view["NetworkInsightsAnalysisId"] = json!(analysis.id);
    view["NetworkInsightsAnalysisArn"] = json!(caller.arn("network-insights-analysis", &analysis.id));
    view["NetworkInsightsPathId"] = json!(analysis.path_id);
    view["StartDate"] = json!(timestamp(analysis.started));
    view["Tags"] = tag::set(&analysis.tags);
    view
}

fn found_view(caller: &Caller, found: &Found) -> Value {
    let components = |steps: &[PathStep]| -> Vec<Value> {
        steps.iter().zip(1..).map(|(step, number)| component_view(caller, step, number)).collect()
    };
    let mut forward = components(&found.forward);
    if let Some(first) = forward.first_mut() {
        // What the flow is like, which nothing on its way changes.
        first["OutboundHeader"] = header(found);
    }
    json!({
        "Status": "succeeded",
        "NetworkPathFound": found.is_found,
        "ForwardPathComponents": forward,
        "ReturnPathComponents": components(&found.back),
        "Explanations": found.explanations.iter().map(|step| explanation_view(caller, step)).collect::<Vec<_>>(),
    })
}

fn header(found: &Found) -> Value {
    let host = |address: IpAddr| json!([ipnet::IpNet::from(address).to_string()]);
    let port = found.destination_port.map(|port| json!([{ "From": port, "To": port }]));
    json!({
        "SourceAddresses": host(found.source),
        "DestinationAddresses": host(found.destination),
        "DestinationPortRanges": port,
    })
}

fn component_view(caller: &Caller, step: &PathStep, number: i32) -> Value {
    json!({
        "SequenceNumber": number,
        "Component": step.component.as_ref().map(|id| component(caller, id)),
        "AttachedTo": attached_to(caller, step),
        "Subnet": step.subnet_id.clone().map(|id| component(caller, &id.into())),
        "Vpc": step.vpc_id.clone().map(|id| component(caller, &id.into())),
        "SecurityGroupRule": step.rule.as_ref().map(rule_view),
        "AclRule": step.acl_entry.as_ref().map(acl_view),
    })
}

/// The instance of an interface that is a component itself.
fn attached_to(caller: &Caller, step: &PathStep) -> Option<Value> {
    let is_interface = matches!(step.component, Some(ResourceId::NetworkInterface(_)));
    let instance = step.instance_id.clone().filter(|_| is_interface)?;
    Some(component(caller, &instance.into()))
}

fn explanation_view(caller: &Caller, step: &PathStep) -> Value {
    let shown = |id: ResourceId| component(caller, &id);
    let of_kind = |wanted: fn(&ResourceId) -> bool| step.component.clone().filter(wanted).map(shown);
    let groups = step.security_group_ids.iter().map(|id| shown(id.clone().into())).collect::<Vec<_>>();
    json!({
        "ExplanationCode": step.code,
        "Direction": step.direction.map(direction),
        "Component": step.component.clone().map(shown),
        "NetworkInterface": step.network_interface_id.clone().map(|id| shown(id.into())),
        "AttachedTo": attached_to(caller, step),
        "Subnet": step.subnet_id.clone().map(|id| shown(id.into())),
        "Vpc": step.vpc_id.clone().map(|id| shown(id.into())),
        "SecurityGroups": (!groups.is_empty()).then_some(groups),
        "SecurityGroupRule": step.rule.as_ref().map(rule_view),
        "Acl": of_kind(|id| matches!(id, ResourceId::NetworkAcl(_))),
        "AclRule": step.acl_entry.as_ref().map(acl_view),
        "VpcPeeringConnection": of_kind(|id| matches!(id, ResourceId::VpcPeeringConnection(_))),
        "Address": step.address,
    })
}

fn rule_view(rule: &SecurityGroupRule) -> Value {
    let mut view = json!({
        "Direction": direction(rule.direction),
        "PortRange": ports(rule.protocol, rule.ports),
        "Protocol": protocol(rule.protocol),
    });
    let (name, value) = match &rule.peer {
        Peer::CidrIpv4(block) => ("Cidr", block.to_string()),
        Peer::CidrIpv6(block) => ("Cidr", block.to_string()),
        Peer::PrefixList(id) => ("PrefixListId", id.to_string()),
        Peer::ReferencedGroup(id) => ("SecurityGroupId", id.to_string()),
    };
    view[name] = json!(value);
    view
}

fn acl_view(entry: &NetworkAclEntry) -> Value {
    json!({
        "Cidr": entry.cidr.to_string(),
        "Egress": entry.direction == Direction::Outbound,
        "PortRange": ports(entry.protocol, entry.ports),
        "Protocol": protocol(entry.protocol),
        "RuleAction": entry.action.to_string(),
        "RuleNumber": entry.rule_number,
    })
}

fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Inbound => "ingress",
        Direction::Outbound => "egress",
    }
}

fn ports(of: IpProtocol, ports: PortRange) -> Option<Value> {
    of.has_ports().then(|| json!({ "From": ports.from_port, "To": ports.to_port }))
}

fn protocol(protocol: IpProtocol) -> String {
    if protocol == IpProtocol::All { "all".to_owned() } else { protocol.to_string() }
}

fn component(caller: &Caller, id: &ResourceId) -> Value {
    json!({ "Id": id.to_string(), "Arn": arn(caller, id) })
}

fn arn(caller: &Caller, id: &ResourceId) -> String {
    caller.arn(id.kind(), id)
}
