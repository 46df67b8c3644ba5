//! The article's story told by AWS's own clients, as the scripts in `examples` tell it: an account with nothing in it, the
//! unmodified AWS CLI or boto3, and real connections after each step.

use std::path::Path;

use sg_tests::harness::aws_clients;
use sg_tests::harness::endpoint::Endpoint;

use crate::product::{Product, program};

/// Runs a script of `examples` on a new account; its checks must all be as in AWS, and nothing may stay behind.
#[track_caller]
fn tell(script: &str) {
    let account = Product::new();
    account.say("up");
    let before = account.namespaces();
    let endpoint = Endpoint::start(program(), &account.directory());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(script);
    let mut command = aws_clients::script(&script, &[program().parent().unwrap()], &endpoint);
    let output = command.env("SGSIM_STATE_DIR", account.directory().path()).output().unwrap();
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{error}");
    let score = out.lines().last().unwrap_or_default();
    let (right, all) = score.split_once(" of ").unwrap_or_default();
    assert_eq!(format!("{right} checks as in AWS"), all, "{out}");
    assert_eq!(account.namespaces(), before);
}

#[test]
fn article_is_told_by_the_aws_cli() {
    tell("article.sh");
}

#[test]
fn article_is_told_by_boto3() {
    tell("article.py");
}
