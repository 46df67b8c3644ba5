//! `sts:GetCallerIdentity`, by which clients find out whose account they act in. STS speaks a dialect of its own.

use crate::ec2::Answer;
use crate::ec2::call::Caller;
use crate::ec2::request::Form;
use crate::ec2::xml::escaped;

/// The user that everybody is here.
const USER: &str = "sgsim";
const USER_ID: &str = "AIDASGSIMSGSIMSGSIM00";

/// Answers a request to STS.
pub(super) fn answer(body: &[u8], caller: &Caller, request_id: &str) -> Answer {
    let action = Form::parse(body).ok().and_then(|mut form| form.take("Action")).unwrap_or_default();
    let namespace = "https://sts.amazonaws.com/doc/2011-06-15/";
    let account = escaped(&caller.account_id);
    if action != "GetCallerIdentity" {
        let body = format!(
            "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>Sender</Type><Code>InvalidAction</Code><Message>Could not find operation {} for version 2011-06-15</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
            escaped(&action)
        );
        return Answer { status: 400, body, action: None, code: Some("InvalidAction".to_owned()) };
    }
    let body = format!(
        "<GetCallerIdentityResponse xmlns=\"{namespace}\"><GetCallerIdentityResult><Arn>arn:aws:iam::{account}:user/{USER}</Arn><UserId>{USER_ID}</UserId><Account>{account}</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
    );
    Answer::of_success(body, Some("GetCallerIdentity"))
}
