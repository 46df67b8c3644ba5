//! AWS's refusals: a code and a message of AWS's shape.

use serde::{Deserialize, Serialize};

/// Why AWS would refuse a command. The command changed nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message} ({code})")]
pub struct AwsError {
    /// AWS's error code, such as `InvalidGroup.NotFound`.
    pub code: String,
    /// AWS's message, naming the offending value.
    pub message: String,
}

impl AwsError {
    /// A refusal with this code and message.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into() }
    }

    /// `InvalidParameterValue`, AWS's most common refusal.
    pub fn invalid_value(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterValue", message)
    }
}
