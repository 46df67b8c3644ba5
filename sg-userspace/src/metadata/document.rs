//! What an instance is told about itself: paths below a version, such as `meta-data/instance-id`, with their texts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::aws::instance::Instance;
use crate::aws::interface::NetworkInterface;
use crate::aws::metadata_options::MetadataOptions;
use crate::aws::region::AvailabilityZone;
use crate::aws::world::World;

/// The account that owns every instance, unless `sgsim serve` is told another: that is not known here.
pub const ACCOUNT_ID: &str = "123456789012";

/// Everything that one instance can ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// How it may ask.
    pub options: MetadataOptions,
    /// Texts by path.
    pub texts: BTreeMap<String, String>,
    /// User data, as it was given.
    pub user_data: Option<Vec<u8>>,
}

impl Document {
    /// What an instance with these interfaces, by device index, is told.
    pub fn of(world: &World, instance: &Instance, interfaces: &[&NetworkInterface]) -> Self {
        let mut texts = BTreeMap::new();
        let mut put = |path: &str, text: String| drop(texts.insert(format!("meta-data/{path}"), text));
        put("instance-id", instance.id.to_string());
        put("ami-id", instance.image_id().to_owned());
        put("ami-launch-index", instance.launch.index.to_string());
        put("instance-action", "none".to_owned());
        put("instance-life-cycle", "on-demand".to_owned());
        put("reservation-id", instance.reservation_id());
        put("services/domain", "amazonaws.com".to_owned());
        put("services/partition", "aws".to_owned());
        put("instance-type", instance.type_name().to_owned());
        let zone = interfaces.first().and_then(|it| world.subnets.get(&it.subnet_id));
        let zone = zone.map(|subnet| subnet.availability_zone.clone());
        if let Some(zone) = &zone {
            put("placement/availability-zone", zone.to_string());
            put("placement/availability-zone-id", zone.zone_id());
            put("placement/region", zone.region().to_string());
        }
        if instance.metadata_options.instance_metadata_tags {
            for (key, value) in &instance.tags {
                put(&format!("tags/instance/{key}"), value.clone());
            }
        }
        if let Some(primary) = interfaces.first() {
            put("mac", primary.mac.to_string());
            put("security-groups", lines(group_names(world, primary)));
            if let Some(address) = primary.private_ipv4.first() {
                put("local-ipv4", address.to_string());
            }
            if let Some(address) = primary.ipv6.first() {
                put("ipv6", address.to_string());
            }
            for name in ["hostname", "local-hostname"] {
                put(name, host_name(primary, zone.as_ref()));
            }
        }
        for interface in interfaces {
            for (path, text) in interface_texts(world, interface, zone.as_ref()) {
                put(&format!("network/interfaces/macs/{}/{path}", interface.mac), text);
            }
        }
        if let (Some(primary), Some(zone)) = (interfaces.first(), &zone) {
            texts.insert("dynamic/instance-identity/document".to_owned(), identity(instance, primary, zone));
        }
        Self {
            options: instance.metadata_options,
            texts,
            user_data: instance.user_data.as_ref().map(|data| data.bytes()),
        }
    }
}

fn lines(items: impl IntoIterator<Item = impl ToString>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join("\n")
}

fn group_names<'w>(world: &'w World, interface: &NetworkInterface) -> Vec<&'w String> {
    interface.groups.iter().filter_map(|id| world.security_groups.get(id)).map(|group| &group.name).collect()
}

fn host_name(interface: &NetworkInterface, zone: Option<&AvailabilityZone>) -> String {
    match (interface.private_ipv4.first(), zone) {
        (Some(address), Some(zone)) => zone.region().private_dns_name(*address),
        _ => String::new(),
    }
}

/// What there is below the MAC address of an interface.
fn interface_texts(
    world: &World,
    it: &NetworkInterface,
    zone: Option<&AvailabilityZone>,
) -> Vec<(&'static str, String)> {
    let mut texts = vec![
        ("interface-id", it.id.to_string()),
        ("local-hostname", host_name(it, zone)),
        ("local-ipv4s", lines(&it.private_ipv4)),
        ("mac", it.mac.to_string()),
        ("owner-id", ACCOUNT_ID.to_owned()),
        ("security-group-ids", lines(&it.groups)),
        ("security-groups", lines(group_names(world, it))),
        ("subnet-id", it.subnet_id.to_string()),
        ("vpc-id", it.vpc_id.to_string()),
    ];
    if let Some(attachment) = &it.attachment {
        texts.push(("device-number", attachment.device_index.to_string()));
    }
    if !it.ipv6.is_empty() {
        texts.push(("ipv6s", lines(&it.ipv6)));
    }
    if let Some(subnet) = world.subnets.get(&it.subnet_id) {
        texts.push(("subnet-ipv4-cidr-block", subnet.cidr_ipv4.to_string()));
        texts.extend(subnet.cidr_ipv6.map(|cidr| ("subnet-ipv6-cidr-blocks", cidr.to_string())));
    }
    if let Some(vpc) = world.vpcs.get(&it.vpc_id) {
        texts.extend(vpc.cidr_ipv4.first().map(|cidr| ("vpc-ipv4-cidr-block", cidr.to_string())));
        texts.push(("vpc-ipv4-cidr-blocks", lines(&vpc.cidr_ipv4)));
        if !vpc.cidr_ipv6.is_empty() {
            texts.push(("vpc-ipv6-cidr-blocks", lines(&vpc.cidr_ipv6)));
        }
    }
    texts
}

/// The instance identity document. Nothing here could sign it.
fn identity(instance: &Instance, primary: &NetworkInterface, zone: &AvailabilityZone) -> String {
    let document = json!({
        "accountId": ACCOUNT_ID,
        "architecture": crate::aws::instance::ARCHITECTURE,
        "availabilityZone": zone,
        "billingProducts": null,
        "imageId": instance.image_id(),
        "instanceId": instance.id,
        "instanceType": instance.type_name(),
        "kernelId": null,
        "pendingTime": instance.launch.at.map(crate::aws::time::timestamp),
        "privateIp": primary.private_ipv4.first(),
        "ramdiskId": null,
        "region": zone.region(),
        "version": "2017-09-30",
    });
    format!("{document:#}")
}
