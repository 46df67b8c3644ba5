//! What a refused or failed call answers: AWS's code and message with the HTTP status that goes with them.

use crate::aws::error::AwsError;

use super::xml;

/// Why a call did not do what it asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// HTTP status.
    pub status: u16,
    /// Code and message.
    pub error: AwsError,
}

impl Fault {
    /// A fault with this status.
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, error: AwsError::new(code, message) }
    }

    /// Something here is at fault rather than the request. Clients try again.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(500, "InternalError", message)
    }

    /// The answer to a dry run that would have gone well.
    pub fn dry_run() -> Self {
        Self::new(412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
    }

    /// An action that AWS does not have, or that is not to be had here.
    pub fn invalid_action(action: &str) -> Self {
        let message = format!("The action {action} is not valid for this web service.");
        Self::new(400, "InvalidAction", message)
    }

    /// The reply's body.
    pub fn body(&self, request_id: &str) -> String {
        let AwsError { code, message } = &self.error;
        format!(
            "{}<Response><Errors><Error><Code>{}</Code><Message>{}</Message></Error></Errors><RequestID>{}</RequestID></Response>",
            xml::DECLARATION,
            xml::escaped(code),
            xml::escaped(message),
            xml::escaped(request_id)
        )
    }
}

impl From<AwsError> for Fault {
    fn from(error: AwsError) -> Self {
        Self { status: 400, error }
    }
}
