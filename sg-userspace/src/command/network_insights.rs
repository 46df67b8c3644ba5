//! Network insights: paths, and analyses of them. An analysis is made as it is started, of the world as it then is (RA-01).

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::analysis::insights::analyse;
use crate::aws::error::AwsError;
use crate::aws::ids::{NetworkInsightsAnalysisId, NetworkInsightsPathId};
use crate::aws::network_insights::{NetworkInsightsAnalysis, NetworkInsightsPath, PathEnd, PathProtocol};
use crate::aws::region::Region;

use super::Reply;
use super::edit::Edit;
use super::tag;

/// Makes a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateNetworkInsightsPath {
    /// Its region.
    pub region: Region,
    /// Where it begins.
    pub source: PathEnd,
    /// The source address.
    #[serde(default)]
    pub source_ip: Option<Ipv4Addr>,
    /// Where it ends.
    #[serde(default)]
    pub destination: Option<PathEnd>,
    /// The destination address.
    #[serde(default)]
    pub destination_ip: Option<Ipv4Addr>,
    /// What it carries.
    pub protocol: PathProtocol,
    /// The destination port; none for any.
    #[serde(default)]
    pub destination_port: Option<u16>,
    /// Now, in Unix seconds.
    pub created: u64,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

impl CreateNetworkInsightsPath {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        self.check_ends()?;
        for end in [Some(&self.source), self.destination.as_ref()].into_iter().flatten() {
            let resource = end.resource();
            edit.world().tags(&resource).ok_or_else(|| resource.not_found())?;
        }
        let tags = tag::checked(self.tags)?;
        let (seed, number) = edit.next_number()?;
        let id = NetworkInsightsPathId::mint(seed, number);
        edit.put(NetworkInsightsPath {
            id: id.clone(),
            number,
            region: self.region,
            source: self.source,
            source_ip: self.source_ip,
            destination: self.destination,
            destination_ip: self.destination_ip,
            protocol: self.protocol,
            destination_port: self.destination_port,
            created: self.created,
            tags,
        });
        Ok(Reply::NetworkInsightsPath(id))
    }

    /// Both ends are known or found by their addresses, and they are two.
    fn check_ends(&self) -> Result<(), AwsError> {
        let missing = |name| {
            AwsError::new("MissingParameter", format!("The request must contain the parameter {name}"))
        };
        match &self.destination {
            None if self.destination_ip.is_none() => return Err(missing("Destination")),
            // Which addresses of the internet there are to tell apart depends on who is at the other end.
            None if self.source.is_internet() && self.source_ip.is_none() => return Err(missing("SourceIp")),
            Some(end) if *end == self.source || (end.is_internet() && self.source.is_internet()) => {
                return Err(AwsError::invalid_value("The source and the destination must be different."));
            }
            _ => {}
        }
        match self.destination_port {
            Some(0) => Err(AwsError::invalid_value("Value (0) for parameter DestinationPort is invalid.")),
            _ => Ok(()),
        }
    }
}

/// Deletes a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteNetworkInsightsPath {
    /// The path.
    pub path_id: NetworkInsightsPathId,
}

impl DeleteNetworkInsightsPath {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let id = &self.path_id;
        edit.get::<NetworkInsightsPath>(id)?;
        let mut analyses = edit.world().network_insights_analyses.values();
        if let Some(analysis) = analyses.find(|it| it.path_id == *id) {
            return Err(AwsError::new(
                "AnalysisExistsForNetworkInsightsPath",
                format!("The path {id} has the analysis {}; delete its analyses first.", analysis.id),
            ));
        }
        edit.remove::<NetworkInsightsPath>(id);
        Ok(Reply::Done)
    }
}

/// Analyses a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartNetworkInsightsAnalysis {
    /// The path.
    pub path_id: NetworkInsightsPathId,
    /// Now, in Unix seconds.
    pub started: u64,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

impl StartNetworkInsightsAnalysis {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let outcome = analyse(edit.world(), edit.get(&self.path_id)?);
        let tags = tag::checked(self.tags)?;
        let (seed, number) = edit.next_number()?;
        let id = NetworkInsightsAnalysisId::mint(seed, number);
        edit.put(NetworkInsightsAnalysis {
            id: id.clone(),
            number,
            path_id: self.path_id,
            started: self.started,
            outcome,
            tags,
        });
        Ok(Reply::NetworkInsightsAnalysis(id))
    }
}

/// Deletes an analysis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteNetworkInsightsAnalysis {
    /// The analysis.
    pub analysis_id: NetworkInsightsAnalysisId,
}

impl DeleteNetworkInsightsAnalysis {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        edit.get::<NetworkInsightsAnalysis>(&self.analysis_id)?;
        edit.remove::<NetworkInsightsAnalysis>(&self.analysis_id);
        Ok(Reply::Done)
    }
}
