//! Network insights: paths and their analyses.

use std::str::FromStr;

use serde_json::{Value, json};

use crate::aws::error::AwsError;
use crate::aws::ids::{NetworkInsightsAnalysisId, NetworkInsightsPathId};
use crate::aws::network_insights::{NetworkInsightsAnalysis, NetworkInsightsPath, Outcome, PathEnd};
use crate::aws::tag::ResourceId;
use crate::command::Reply;
use crate::command::network_insights::{
    CreateNetworkInsightsPath, DeleteNetworkInsightsAnalysis, DeleteNetworkInsightsPath,
    StartNetworkInsightsAnalysis,
};

use super::network_insights_view::{analysis_view, path_view};
use crate::ec2::call::{Call, Caller, unexpected};
use crate::ec2::fault::Fault;
use crate::ec2::filter::Filters;
use crate::ec2::page::page;
use crate::ec2::params::{Params, invalid};

pub(super) fn create(call: &mut Call<'_>) -> Result<Value, Fault> {
    call.only(&[
        "ClientToken",
        "Destination",
        "DestinationIp",
        "DestinationPort",
        "Protocol",
        "Source",
        "SourceIp",
        "TagSpecifications",
    ])?;
    let (params, caller) = (call.params, call.caller);
    params.required_text("ClientToken")?;
    let command = CreateNetworkInsightsPath {
        region: caller.region.clone(),
        source: end(caller, params.required_text("Source")?)?,
        source_ip: value(params, "SourceIp")?,
        destination: params.text("Destination").map(|text| end(caller, text)).transpose()?,
        destination_ip: value(params, "DestinationIp")?,
        protocol: params.required("Protocol")?,
        destination_port: params.number("DestinationPort")?,
        created: caller.now,
        tags: params.tags_for("network-insights-path")?,
    };
    match call.change(command)? {
        Reply::NetworkInsightsPath(id) => {
            let path = call.world.network_insights_paths.get(&id).ok_or_else(|| id.not_found())?;
            Ok(json!({ "NetworkInsightsPath": path_view(caller, path) }))
        }
        reply => Err(unexpected(&reply)),
    }
}

/// An end, by its id or by its ARN.
fn end(caller: &Caller, text: &str) -> Result<PathEnd, AwsError> {
    let end: PathEnd = text.rsplit('/').next().unwrap_or(text).parse()?;
    let resource: ResourceId = end.resource();
    if text.contains('/') && text != caller.arn(resource.kind(), &resource) {
        return Err(resource.not_found());
    }
    Ok(end)
}

/// An address, of IPv4 alone (RA-01), or a point in time.
fn value<T: FromStr>(params: Params<'_>, name: &str) -> Result<Option<T>, AwsError> {
    params.text(name).map(|text| text.parse().map_err(|_| invalid(name, text))).transpose()
}

pub(super) fn delete(call: &mut Call<'_>) -> Result<Value, Fault> {
    let path_id: NetworkInsightsPathId = call.params.required("NetworkInsightsPathId")?;
    call.change(DeleteNetworkInsightsPath { path_id: path_id.clone() })?;
    Ok(json!({ "NetworkInsightsPathId": path_id }))
}

pub(super) fn describe(call: &mut Call<'_>) -> Result<Value, Fault> {
    let params = call.params;
    let filters = Filters::read(params, &["destination", "protocol", "source"], true)?;
    let ids = params.parsed_list::<NetworkInsightsPathId>("NetworkInsightsPathIds")?;
    let paths = &call.world.network_insights_paths;
    if let Some(id) = ids.iter().find(|id| !paths.contains_key(id)) {
        return Err(id.not_found().into());
    }
    let found = paths.values().filter(|path| ids.is_empty() || ids.contains(&path.id));
    let found = found.filter(|path| filters.pass(&path.tags, |name| path_values(path, name)));
    let (paths, next) = page(params, 1..=100, found.map(|path| (path.number, path)).collect())?;
    let views = paths.into_iter().map(|path| path_view(call.caller, path)).collect::<Vec<_>>();
    Ok(json!({ "NetworkInsightsPaths": views, "NextToken": next }))
}

fn path_values(path: &NetworkInsightsPath, name: &str) -> Vec<String> {
    match name {
        "destination" => path.destination.iter().map(|end| end.resource().to_string()).collect(),
        "protocol" => vec![path.protocol.to_string()],
        _ => vec![path.source.resource().to_string()],
    }
}

pub(super) fn start(call: &mut Call<'_>) -> Result<Value, Fault> {
    call.only(&["ClientToken", "NetworkInsightsPathId", "TagSpecifications"])?;
    let params = call.params;
    params.required_text("ClientToken")?;
    let command = StartNetworkInsightsAnalysis {
        path_id: params.required("NetworkInsightsPathId")?,
        started: call.caller.now,
        tags: params.tags_for("network-insights-analysis")?,
    };
    match call.change(command)? {
        Reply::NetworkInsightsAnalysis(id) => {
            let analysis = call.world.network_insights_analyses.get(&id).ok_or_else(|| id.not_found())?;
            Ok(json!({ "NetworkInsightsAnalysis": analysis_view(call.caller, analysis) }))
        }
        reply => Err(unexpected(&reply)),
    }
}

pub(super) fn delete_analysis(call: &mut Call<'_>) -> Result<Value, Fault> {
    let analysis_id: NetworkInsightsAnalysisId = call.params.required("NetworkInsightsAnalysisId")?;
    call.change(DeleteNetworkInsightsAnalysis { analysis_id: analysis_id.clone() })?;
    Ok(json!({ "NetworkInsightsAnalysisId": analysis_id }))
}

pub(super) fn describe_analyses(call: &mut Call<'_>) -> Result<Value, Fault> {
    let params = call.params;
    let filters = Filters::read(params, &["path-found", "status"], true)?;
    let ids = params.parsed_list::<NetworkInsightsAnalysisId>("NetworkInsightsAnalysisIds")?;
    let path_id = params.parsed::<NetworkInsightsPathId>("NetworkInsightsPathId")?;
    let moment = |name| Ok::<_, AwsError>(value::<humantime::Timestamp>(params, name)?.map(seconds));
    let (from, to) = (moment("AnalysisStartTime")?, moment("AnalysisEndTime")?);
    let world = &call.world;
    if let Some(id) = ids.iter().find(|id| !world.network_insights_analyses.contains_key(id)) {
        return Err(id.not_found().into());
    }
    if let Some(id) = path_id.as_ref().filter(|id| !world.network_insights_paths.contains_key(id)) {
        return Err(id.not_found().into());
    }
    let is_asked_for = |it: &&NetworkInsightsAnalysis| {
        (ids.is_empty() || ids.contains(&it.id))
            && path_id.as_ref().is_none_or(|id| it.path_id == *id)
            && from.is_none_or(|from| it.started >= from)
            && to.is_none_or(|to| it.started <= to)
            && filters.pass(&it.tags, |name| analysis_values(it, name))
    };
    let found = world.network_insights_analyses.values().filter(is_asked_for);
    let (analyses, next) = page(params, 1..=100, found.map(|it| (it.number, it)).collect())?;
    let views = analyses.into_iter().map(|it| analysis_view(call.caller, it)).collect::<Vec<_>>();
    Ok(json!({ "NetworkInsightsAnalyses": views, "NextToken": next }))
}

fn seconds(moment: humantime::Timestamp) -> u64 {
    moment.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn analysis_values(analysis: &NetworkInsightsAnalysis, name: &str) -> Vec<String> {
    match (&analysis.outcome, name) {
        (Outcome::Succeeded(found), "path-found") => vec![found.is_found.to_string()],
        (Outcome::Failed(_), "path-found") => Vec::new(),
        (Outcome::Succeeded(_), _) => vec!["succeeded".to_owned()],
        (Outcome::Failed(_), _) => vec!["failed".to_owned()],
    }
}
