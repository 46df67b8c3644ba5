//! AWS's own clients from PyPI, unmodified, in the environment that `cargo xtask aws-clients` makes.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::endpoint::Endpoint;
use super::signer::KEY;

/// Where that environment is.
///
/// # Panics
/// Where a test is not below the target directory.
pub fn directory() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    // A test is `<target>/<profile>/deps/name-…`.
    own.ancestors().nth(3).unwrap().join("aws-clients")
}

/// A program of that environment, told of the endpoint and of nothing else.
///
/// # Panics
/// Where it is not installed: a test that cannot run has not passed.
pub fn program(name: &str, endpoint: &Endpoint) -> Command {
    let path = directory().join("bin").join(name);
    assert!(path.exists(), "`{}` is not there: run `cargo xtask aws-clients`", path.display());
    script(&path, &[], endpoint)
}

/// A script that finds the programs of that environment, and those of further directories, by their names.
///
/// # Panics
/// Where a test is not below the target directory.
pub fn script(path: &Path, further: &[&Path], endpoint: &Endpoint) -> Command {
    let mut command = Command::new(path);
    command.env_clear();
    command.envs([
        ("AWS_ENDPOINT_URL", endpoint.url().as_str()),
        ("AWS_ACCESS_KEY_ID", KEY.0),
        ("AWS_SECRET_ACCESS_KEY", KEY.1),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_PAGER", ""),
    ]);
    let own = directory().join("bin");
    let paths = [&[own.as_path()], further, &[Path::new("/usr/bin"), Path::new("/bin")]].concat();
    command.env("PATH", std::env::join_paths(paths).unwrap());
    command
}

/// The AWS CLI with an endpoint.
#[derive(Clone, Copy, Debug)]
pub struct AwsCli<'e>(pub &'e Endpoint);

impl AwsCli<'_> {
    /// What a command that must go well answers; `null` where it answers nothing.
    ///
    /// # Panics
    /// Where it fails.
    #[track_caller]
    pub fn run(self, line: &str) -> Value {
        let output = self.output(line);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "aws {line}: {error}");
        if output.stdout.is_empty() { Value::Null } else { serde_json::from_slice(&output.stdout).unwrap() }
    }

    /// What a command that must be refused says.
    ///
    /// # Panics
    /// Where it goes well.
    #[track_caller]
    pub fn refused(self, line: &str) -> String {
        let output = self.output(line);
        assert!(!output.status.success(), "aws {line} was not refused");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    fn output(self, line: &str) -> std::process::Output {
        program("aws", self.0).args(line.split_whitespace()).output().unwrap()
    }
}
