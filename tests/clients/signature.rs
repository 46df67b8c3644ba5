//! Signatures, by AWS's own clients: good keys, bad ones, and what was changed on the way.

use sg_tests::harness::aws_clients::{AwsCli, program};
use sg_tests::harness::endpoint::Endpoint;
use sg_tests::harness::place::Place;
use sg_tests::harness::program::sgsim;
use sg_tests::harness::signer::{TEMPORARY, credentials_file};

#[test]
fn signatures_of_aws_s_clients_are_checked() {
    let place = Place::of(super::LAB);
    let file = credentials_file(place.state.path());
    place.serve(|state| {
        let options = ["--require-signature", "--credentials", &file];
        let endpoint = Endpoint::start_with(sgsim(&[]), state, &options);
        assert_eq!(AwsCli(&endpoint).run("sts get-caller-identity")["Account"], "123456789012");
        let with = |key: &str, secret: &str, token: Option<&str>, line: &str| {
            let mut aws = program("aws", &endpoint);
            aws.env("AWS_ACCESS_KEY_ID", key).env("AWS_SECRET_ACCESS_KEY", secret).args(line.split(' '));
            aws.envs(token.map(|token| ("AWS_SESSION_TOKEN", token)));
            let output = aws.output().unwrap();
            (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
        };
        let (done, error) = with(TEMPORARY.0, TEMPORARY.1, Some(TEMPORARY.2), "ec2 describe-vpcs");
        assert!(done, "{error}");
        for (key, secret, line, code) in [
            ("AKIANOBODY", "x", "ec2 describe-vpcs", "AuthFailure"),
            ("AKIANOBODY", "x", "sts get-caller-identity", "InvalidClientTokenId"),
            ("AKIAIOSFODNN7EXAMPLE", "x", "ec2 describe-vpcs", "SignatureDoesNotMatch"),
        ] {
            let (done, error) = with(key, secret, None, line);
            assert!(!done && error.contains(&format!("({code})")), "{key} {line}: {error}");
        }
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/signature_story.py");
        let output = program("python3", &endpoint).arg(script).output().unwrap();
        let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success() && out.ends_with("all checks passed\n"), "{out}\n{error}");
    });
}
