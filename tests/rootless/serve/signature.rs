//! Signatures, as AWS's own signer makes them: whose are let in, and what becomes of all others.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, SystemTime};

use sg_tests::harness::endpoint::Endpoint;
use sg_tests::harness::place::Place;
use sg_tests::harness::program::sgsim;
use sg_tests::harness::signer::{KEY, TEMPORARY, credentials_file, signed_headers};

use super::{LAB, SIGNED, send};

const BODY: &str = "Version=2016-11-15&Action=DescribeVpcs";

#[test]
fn only_what_is_signed_with_a_key_of_the_file_is_done() {
    let place = Place::of(LAB);
    let file = credentials_file(place.state.path());
    place.serve(|state| {
        let options = ["--require-signature", "--credentials", &file];
        let endpoint = Endpoint::start_with(sgsim(&[]), state, &options);
        let (address, host) = (endpoint.address, endpoint.address.to_string());
        let now = SystemTime::now();
        let ago = now - Duration::from_secs(301);
        let (temporary, token) = ((TEMPORARY.0, TEMPORARY.1), Some(TEMPORARY.2));
        let sign = |key, token, time| signed_headers(&host, key, token, time, BODY);
        for (name, headers, body, expected) in [
            ("signed", sign(KEY, None, now), BODY, "200"),
            ("with a token", sign(temporary, token, now), BODY, "200"),
            ("nearly old", sign(KEY, None, now - Duration::from_secs(240)), BODY, "200"),
            ("old", sign(KEY, None, ago), BODY, "400 RequestExpired"),
            ("early", sign(KEY, None, now + Duration::from_secs(360)), BODY, "400 RequestExpired"),
            ("bad secret", sign((KEY.0, "wrong"), None, now), BODY, "403 SignatureDoesNotMatch"),
            ("unknown key", sign(("AKIANOBODY", KEY.1), None, now), BODY, "401 AuthFailure"),
            ("no token", sign(temporary, None, now), BODY, "403 InvalidClientTokenId"),
            ("another's token", sign(temporary, Some("x"), now), BODY, "403 InvalidClientTokenId"),
            ("a token too many", sign(KEY, token, now), BODY, "403 InvalidClientTokenId"),
            (
                "tampered with",
                sign(KEY, None, now),
                "Version=2016-11-15&Action=DescribeVpcz",
                "403 SignatureDoesNotMatch",
            ),
            ("any credentials", format!("Host: {host}\r\n{SIGNED}"), BODY, "400 IncompleteSignature"),
            ("nobody's", format!("Host: {host}\r\n"), BODY, "403 MissingAuthenticationToken"),
        ] {
            let (status, reply) = send(address, &headers, body);
            let code = reply.split("<Code>").nth(1).and_then(|rest| rest.split('<').next());
            let found = code.map_or_else(|| status.to_string(), |code| format!("{status} {code}"));
            assert_eq!(found, expected, "{name}: {reply}");
        }
    });
}

#[test]
fn a_change_that_was_tampered_with_is_not_made() {
    let place = Place::of(LAB);
    let file = credentials_file(place.state.path());
    place.serve(|state| {
        let endpoint =
            Endpoint::start_with(sgsim(&[]), state, &["--require-signature", "--credentials", &file]);
        let vpc = place.memory.lock().unwrap().world.vpcs.keys().next().unwrap().to_string();
        let body = format!(
            "Version=2016-11-15&Action=CreateSecurityGroup&GroupName=app&GroupDescription=a&VpcId={vpc}"
        );
        let host = endpoint.address.to_string();
        let headers = signed_headers(&host, KEY, None, SystemTime::now(), &body);
        assert_eq!(send(endpoint.address, &headers, &body.replace("=app", "=bad")).0, 403);
        assert_eq!(send(endpoint.address, &headers, &body).0, 200);
        let world = place.memory.lock().unwrap().world.clone();
        let has = |name| world.security_groups.values().any(|group| group.name == name);
        assert!(has("app") && !has("bad"));
    });
}

/// What `sgsim serve` says where it does not start.
fn refusal(options: &[&str]) -> String {
    let output = Command::new(sgsim(&[]))
        .args(["--state-dir", "/nowhere/at/all", "serve"])
        .args(options)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn an_endpoint_that_would_not_be_safe_does_not_start() {
    let place = tempfile::tempdir().unwrap();
    let file = credentials_file(place.path());
    assert!(refusal(&["--listen", "0.0.0.0:0"]).contains("--allow-remote"));
    assert!(refusal(&["--require-signature"]).contains("--credentials"));
    assert!(refusal(&["--credentials", &file]).contains("--require-signature"));
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    let error = refusal(&["--require-signature", "--credentials", &file]);
    assert!(error.contains("open to others (mode 644)") && error.contains("chmod 600"), "{error}");
    fs::write(&file, "").unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    assert!(refusal(&["--require-signature", "--credentials", &file]).contains("no profile"));
}
