//! Regions and zones. Every region has three zones here, and a zone's id is the one that AWS's naming gives.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::aws::error::AwsError;
use crate::aws::region::{AvailabilityZone, Region};

use crate::ec2::call::Call;
use crate::ec2::fault::Fault;
use crate::ec2::filter::Filters;

/// Regions that every account has.
const REGIONS: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];
/// Letters of a region's zones.
pub(super) const ZONES: [char; 3] = ['a', 'b', 'c'];

/// The id of a zone.
pub(super) fn zone_id(zone: &AvailabilityZone) -> String {
    zone.zone_id()
}

pub(super) fn describe(call: &mut Call<'_>) -> Result<Value, Fault> {
    let params = call.params;
    let filters = Filters::read(params, &["endpoint", "opt-in-status", "region-name"], false)?;
    let names: BTreeSet<&str> = REGIONS.into_iter().chain([call.caller.region.as_str()]).collect();
    let wanted = params.texts("RegionNames");
    if let Some(name) = wanted.iter().find(|name| !names.contains(*name)) {
        return Err(AwsError::invalid_value(format!("Invalid region provided: '{name}'")).into());
    }
    let endpoint = |name: &str| format!("ec2.{name}.amazonaws.com");
    let found =
        names.into_iter().filter(|name| wanted.is_empty() || wanted.contains(name)).filter(|region| {
            filters.pass(&BTreeMap::new(), |name| {
                vec![match name {
                    "endpoint" => endpoint(region),
                    "opt-in-status" => "opt-in-not-required".to_owned(),
                    _ => (*region).to_owned(),
                }]
            })
        });
    let regions = found.map(|name| {
        json!({ "RegionName": name, "Endpoint": endpoint(name), "OptInStatus": "opt-in-not-required" })
    });
    Ok(json!({ "Regions": regions.collect::<Vec<_>>() }))
}

/// Filters of zones that there is anything to say about here.
const ZONE_FILTERS: [&str; 8] =
    ["group-name", "message", "opt-in-status", "region-name", "state", "zone-id", "zone-name", "zone-type"];

pub(super) fn describe_zones(call: &mut Call<'_>) -> Result<Value, Fault> {
    let params = call.params;
    let filters = Filters::read(params, &ZONE_FILTERS, false)?;
    let region: &Region = &call.caller.region;
    let mut zones: BTreeSet<AvailabilityZone> = ZONES.into_iter().map(|letter| region.zone(letter)).collect();
    zones.extend(call.world.subnets.values().map(|subnet| subnet.availability_zone.clone()));
    for name in params.texts("ZoneNames") {
        if !zones.iter().any(|zone| zone.as_str() == name) {
            return Err(AwsError::invalid_value(format!("Invalid availability zone: [{name}]")).into());
        }
    }
    for id in params.texts("ZoneIds") {
        if !zones.iter().any(|zone| zone_id(zone) == id) {
            return Err(AwsError::invalid_value(format!("Invalid availability zone-id: [{id}]")).into());
        }
    }
    let is_wanted = |zone: &AvailabilityZone| {
        let (names, ids) = (params.texts("ZoneNames"), params.texts("ZoneIds"));
        (names.is_empty() || names.contains(&zone.as_str()))
            && (ids.is_empty() || ids.contains(&zone_id(zone).as_str()))
    };
    let found = zones.iter().filter(|zone| is_wanted(zone)).filter(|zone| {
        filters.pass(&BTreeMap::new(), |name| {
            vec![match name {
                "group-name" | "region-name" => region.to_string(),
                "message" => return Vec::new(),
                "opt-in-status" => "opt-in-not-required".to_owned(),
                "state" => "available".to_owned(),
                "zone-id" => zone_id(zone),
                "zone-type" => "availability-zone".to_owned(),
                _ => zone.to_string(),
            }]
        })
    });
    let views = found.map(|zone| {
        json!({
            "ZoneName": zone,
            "ZoneId": zone_id(zone),
            "RegionName": region,
            "GroupName": region,
            "NetworkBorderGroup": region,
            "State": "available",
            "OptInStatus": "opt-in-not-required",
            "ZoneType": "availability-zone",
            "Messages": [],
        })
    });
    Ok(json!({ "AvailabilityZones": views.collect::<Vec<_>>() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zone_ids_are_as_aws_names_them() {
        for (zone, id) in [
            ("us-east-1a", "use1-az1"),
            ("eu-central-1c", "euc1-az3"),
            ("ap-southeast-2b", "apse2-az2"),
            ("us-gov-west-1a", "usgw1-az1"),
        ] {
            assert_eq!(zone_id(&zone.parse().unwrap()), id);
        }
    }
}
