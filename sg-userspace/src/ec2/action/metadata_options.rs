//! How an instance may ask for its metadata.

use serde_json::{Value, json};

use crate::aws::error::AwsError;
use crate::aws::ids::InstanceId;
use crate::aws::metadata_options::MetadataOptions;
use crate::command::instance_setting::{InstanceChange, ModifyInstance};

use crate::ec2::call::Call;
use crate::ec2::fault::Fault;
use crate::ec2::params::{Params, invalid};

/// What can be given.
const OPTIONS: [&str; 5] =
    ["HttpEndpoint", "HttpTokens", "HttpPutResponseHopLimit", "HttpProtocolIpv6", "InstanceMetadataTags"];

pub(super) fn modify(call: &mut Call<'_>) -> Result<Value, Fault> {
    let params = call.params;
    call.only(&[&OPTIONS[..], &["InstanceId"]].concat())?;
    let instance_id: InstanceId = params.required("InstanceId")?;
    let instance = call.world.instances.get(&instance_id).ok_or_else(|| instance_id.not_found())?;
    let options = read(params, instance.metadata_options)?;
    let change = InstanceChange::MetadataOptions(options);
    call.change(ModifyInstance { instance_id: instance_id.clone(), change })?;
    Ok(json!({ "InstanceId": instance_id, "InstanceMetadataOptions": view(options) }))
}

/// The options that are given, and for the rest those of before.
pub(super) fn read(params: Params<'_>, before: MetadataOptions) -> Result<MetadataOptions, AwsError> {
    let choice = |name: &str, yes: &str, no: &str, before: bool| match params.text(name) {
        None => Ok(before),
        Some(text) if text == yes => Ok(true),
        Some(text) if text == no => Ok(false),
        Some(text) => Err(invalid(name, text)),
    };
    // The service has no IPv6 address here.
    if choice("HttpProtocolIpv6", "enabled", "disabled", false)? {
        return Err(AwsError::new(
            "UnsupportedOperation",
            "The value enabled for HttpProtocolIpv6 is not supported by sgsim.",
        ));
    }
    let hops = params.number::<u8>("HttpPutResponseHopLimit")?.unwrap_or(before.http_put_response_hop_limit);
    if !MetadataOptions::HOP_LIMITS.contains(&hops) {
        return Err(invalid("HttpPutResponseHopLimit", &hops.to_string()));
    }
    Ok(MetadataOptions {
        http_endpoint: choice("HttpEndpoint", "enabled", "disabled", before.http_endpoint)?,
        http_tokens_required: choice("HttpTokens", "required", "optional", before.http_tokens_required)?,
        http_put_response_hop_limit: hops,
        instance_metadata_tags: choice(
            "InstanceMetadataTags",
            "enabled",
            "disabled",
            before.instance_metadata_tags,
        )?,
    })
}

/// Options as replies have them.
pub(super) fn view(options: MetadataOptions) -> Value {
    let state = |on| if on { "enabled" } else { "disabled" };
    json!({
        "State": "applied",
        "HttpEndpoint": state(options.http_endpoint),
        "HttpTokens": if options.http_tokens_required { "required" } else { "optional" },
        "HttpPutResponseHopLimit": options.http_put_response_hop_limit,
        "HttpProtocolIpv6": "disabled",
        "InstanceMetadataTags": state(options.instance_metadata_tags),
    })
}
