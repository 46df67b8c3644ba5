//! How an instance may ask for its metadata: AWS's `MetadataOptions`.

use serde::{Deserialize, Serialize};

/// The options. The defaults are those of `RunInstances` where neither account nor image has a preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MetadataOptions {
    /// `HttpEndpoint`: whether there is an answer at all.
    pub http_endpoint: bool,
    /// `HttpTokens` is `required`: a token must be had first (IMDSv2); else it may be left out.
    pub http_tokens_required: bool,
    /// `HttpPutResponseHopLimit`, 1 to 64. It is kept and shown: here the answer makes no hop.
    pub http_put_response_hop_limit: u8,
    /// `InstanceMetadataTags`: whether the instance's tags are there.
    pub instance_metadata_tags: bool,
}

impl Default for MetadataOptions {
    fn default() -> Self {
        Self {
            http_endpoint: true,
            http_tokens_required: false,
            http_put_response_hop_limit: 1,
            instance_metadata_tags: false,
        }
    }
}

impl MetadataOptions {
    /// The hop limits that AWS takes.
    pub const HOP_LIMITS: std::ops::RangeInclusive<u8> = 1..=64;
}
