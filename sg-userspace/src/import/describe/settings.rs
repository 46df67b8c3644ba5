//! What AWS has no words for, in a file of its own that `sgsim export` writes: quotas in force, what the way to the internet
//! carries, connection allowances, and the internet host's addresses.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::aws::ids::{InstanceId, VpcId};
use crate::aws::instance::DEFAULT_CONNECTION_ALLOWANCE;
use crate::aws::quota::Quotas;
use crate::aws::vpc::DEFAULT_INTERNET_MTU;
use crate::aws::world::World;
use crate::command::adopt::Existing;

use super::{Context, Pages};
use crate::import::error::ImportError;

/// The top-level key of the file.
pub(in crate::import) const KEY: &str = "SgsimSettings";

/// The file's content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(in crate::import) struct Settings {
    quotas: Option<Quotas>,
    internet_mtu: BTreeMap<VpcId, u16>,
    connection_allowance: BTreeMap<InstanceId, u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    internet: Vec<IpAddr>,
}

impl Settings {
    /// What of a world is not as it would be without being said.
    pub(in crate::import) fn of(world: &World, internet: &[IpAddr]) -> Self {
        let mtus = world.vpcs.values().filter(|vpc| vpc.internet_mtu != DEFAULT_INTERNET_MTU);
        let allowances = world.instances.values();
        let allowances = allowances.filter(|it| it.connection_allowance != DEFAULT_CONNECTION_ALLOWANCE);
        Self {
            quotas: (world.quotas != Quotas::default()).then_some(world.quotas),
            internet_mtu: mtus.map(|vpc| (vpc.id.clone(), vpc.internet_mtu)).collect(),
            connection_allowance: allowances.map(|it| (it.id.clone(), it.connection_allowance)).collect(),
            internet: internet.to_vec(),
        }
    }
}

fn settings(pages: &Pages<'_>) -> Result<Vec<Settings>, ImportError> {
    let parse = |node: &crate::import::node::Node<'_>| {
        serde_json::from_value(node.value().clone()).map_err(|error| node.error(error.to_string()))
    };
    pages.settings.iter().map(parse).collect()
}

/// What is not about an object.
pub(super) fn read(pages: &Pages<'_>, context: &mut Context<'_>) -> Result<(), ImportError> {
    for settings in settings(pages)? {
        context.draft.quotas = settings.quotas.or(context.draft.quotas);
        context.draft.internet.extend(settings.internet);
    }
    Ok(())
}

/// What is about objects that have been read.
pub(super) fn apply(pages: &Pages<'_>, context: &mut Context<'_>) -> Result<(), ImportError> {
    for settings in settings(pages)? {
        for (_, object) in &mut context.draft.objects {
            match object {
                Existing::Vpc(vpc) => {
                    vpc.internet_mtu =
                        settings.internet_mtu.get(&vpc.id).copied().unwrap_or(vpc.internet_mtu);
                }
                Existing::Instance(it) => {
                    let given = settings.connection_allowance.get(&it.id).copied();
                    it.connection_allowance = given.unwrap_or(it.connection_allowance);
                }
                _ => {}
            }
        }
    }
    Ok(())
}
