//! Requests as AWS's own signer signs them, and a credentials file that the endpoint checks them by.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;

/// A key that is in the file, as the AWS CLI's tests have it.
pub const KEY: (&str, &str) = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
/// A key of temporary credentials in the file, with the token that goes with it.
pub const TEMPORARY: (&str, &str, &str) = ("ASIAIOSFODNN7EXAMPLE", "temporary/secret", "temporary/token");

/// Writes the credentials file below a directory and gives its path.
///
/// # Panics
/// Where it cannot be written.
pub fn credentials_file(directory: &Path) -> String {
    let path = directory.join("credentials");
    let (id, secret, token) = TEMPORARY;
    let text = format!(
        "[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n\n[temporary]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\naws_session_token = {token}\n",
        KEY.0, KEY.1
    );
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path.display().to_string()
}

/// The headers that sign a form for an endpoint, as lines; `token` is that of temporary credentials.
///
/// # Panics
/// Where AWS's signer refuses.
pub fn signed_headers(
    host: &str,
    key: (&str, &str),
    token: Option<&str>,
    time: SystemTime,
    body: &str,
) -> String {
    let identity = Credentials::new(key.0, key.1, token.map(str::to_owned), None, "test").into();
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("ec2")
        .time(time)
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let headers = [("host", host), ("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
    let url = format!("http://{host}/");
    let body = SignableBody::Bytes(body.as_bytes());
    let request = SignableRequest::new("POST", url, headers.into_iter(), body).unwrap();
    let (instructions, _) = sign(request, &parameters).unwrap().into_parts();
    let signing = instructions.headers();
    headers.into_iter().chain(signing).map(|(name, value)| format!("{name}: {value}\r\n")).collect()
}
