//! Instances. One that only its interfaces name, since `describe-instances` is missing, is there all the same.

use std::collections::BTreeMap;

use crate::aws::ids::{ImageId, InstanceId, VpcId};
use crate::aws::instance::{
    DEFAULT_CONNECTION_ALLOWANCE, DEFAULT_TYPE, Instance, InstanceSettings, InstanceState, Launch,
};
use crate::aws::instance_type::InstanceType;
use crate::aws::metadata_options::MetadataOptions;
use crate::command::adopt::Existing;

use super::{Context, Pages};
use crate::import::error::{ImportError, Place};
use crate::import::node::Node;

/// The instances of all reservations.
pub(super) fn instances<'v>(pages: &Pages<'v>) -> Result<Vec<Node<'v>>, ImportError> {
    let mut instances = Vec::new();
    for reservation in pages.get("Reservations") {
        instances.extend(reservation.list("Instances")?);
    }
    Ok(instances)
}

fn state(item: &Node<'_>) -> Result<String, ImportError> {
    let state = item.get("State").map_or(Ok(None), |state| state.text("Name"))?;
    Ok(state.unwrap_or_else(|| "running".to_owned()))
}

/// Whether an instance has ended, or is about to.
pub(super) fn is_over(item: &Node<'_>) -> Result<bool, ImportError> {
    Ok(matches!(state(item)?.as_str(), "terminated" | "shutting-down"))
}

pub(super) fn read(pages: &Pages<'_>, context: &mut Context<'_>) -> Result<(), ImportError> {
    for item in instances(pages)? {
        let id: InstanceId = item.required_parsed("InstanceId")?;
        if is_over(&item)? {
            let consequence = "it is not there";
            context.draft.report.leave(format!("instance {id}"), item.place(), "it has ended", consequence);
            continue;
        }
        let Some(vpc_id) = vpc_of(context, &id) else {
            let reason = "none of its network interfaces is there";
            context.draft.report.leave(format!("instance {id}"), item.place(), reason, "it is not there");
            continue;
        };
        let state = match state(&item)?.as_str() {
            "stopped" | "stopping" => InstanceState::Stopped,
            _ => InstanceState::Running,
        };
        let launch = Launch { image_id: image(&item)?, ..Launch::default() };
        // Whoever names no type is shown this one, here as in AWS.
        let instance_type: Option<InstanceType> = item.parsed("InstanceType")?;
        let instance_type = instance_type.filter(|it| it.as_str() != DEFAULT_TYPE);
        let tags = item.tags()?;
        let metadata_options = metadata_options(&item)?;
        let known = Instance { instance_type, tags, state, launch, metadata_options, ..plain(id, vpc_id) };
        context.draft.add(item.place(), Existing::Instance(known));
    }
    let (named, known) = context.draft.instances();
    let unknown = named.difference(&known).map(|id| (*id).clone()).collect::<Vec<_>>();
    for id in &unknown {
        if let Some(vpc_id) = vpc_of(context, id) {
            let place = pages.get("NetworkInterfaces").first().map(|item| Place::file(item.file()));
            context.draft.add(place.unwrap_or_default(), Existing::Instance(plain(id.clone(), vpc_id)));
        }
    }
    if !unknown.is_empty() {
        let note = format!(
            "no file has {} instances that interfaces are attached to: they have neither name nor type",
            unknown.len()
        );
        context.draft.report.assumed.push(note);
    }
    Ok(())
}

/// The image that was named; the endpoint shows one of zeros where none was.
fn image(item: &Node<'_>) -> Result<Option<ImageId>, ImportError> {
    let image: Option<ImageId> = item.parsed("ImageId")?;
    Ok(image.filter(|id| id.as_str().trim_start_matches("ami-").bytes().any(|b| b != b'0')))
}

/// How it may ask for its metadata; what is not said is as `RunInstances` has it.
fn metadata_options(item: &Node<'_>) -> Result<MetadataOptions, ImportError> {
    let default = MetadataOptions::default();
    let Some(given) = item.get("MetadataOptions") else { return Ok(default) };
    let is = |key: &str, word: &str, default: bool| {
        given.text(key).map(|text| text.map_or(default, |text| text == word))
    };
    let hops = given.number("HttpPutResponseHopLimit")?.unwrap_or(default.http_put_response_hop_limit);
    if !MetadataOptions::HOP_LIMITS.contains(&hops) {
        return Err(given.error(format!("the hop limit {hops} is not one from 1 to 64")));
    }
    Ok(MetadataOptions {
        http_endpoint: is("HttpEndpoint", "enabled", default.http_endpoint)?,
        http_tokens_required: is("HttpTokens", "required", default.http_tokens_required)?,
        http_put_response_hop_limit: hops,
        instance_metadata_tags: is("InstanceMetadataTags", "enabled", default.instance_metadata_tags)?,
    })
}

fn plain(id: InstanceId, vpc_id: VpcId) -> Instance {
    Instance {
        name: id.to_string(),
        id,
        number: 0,
        vpc_id,
        instance_type: None,
        connection_allowance: DEFAULT_CONNECTION_ALLOWANCE,
        tags: BTreeMap::new(),
        state: InstanceState::Running,
        launch: Launch::default(),
        settings: InstanceSettings::default(),
        metadata_options: MetadataOptions::default(),
        user_data: None,
    }
}

/// The VPC of an instance's primary interface.
fn vpc_of(context: &Context<'_>, id: &InstanceId) -> Option<VpcId> {
    let interfaces = context.draft.objects.iter().filter_map(|(_, object)| match object {
        Existing::NetworkInterface(interface) => Some(interface),
        _ => None,
    });
    let mut own =
        interfaces.filter_map(|it| Some((it, it.attachment.as_ref().filter(|a| a.instance_id == *id)?)));
    own.find(|(_, attachment)| attachment.device_index == 0).map(|(interface, _)| interface.vpc_id.clone())
}
